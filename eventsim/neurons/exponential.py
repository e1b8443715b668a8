r"""Drive that is exponential in a log-drive u, which itself integrates a current and a drift.

    dx/dt = exp(log_rate + gain u),   du/dt = input current + drift,   current constant between events

With slope c = gain (input current + drift), and e = exp(log_rate + gain u) now:

    x(t) = x + e (exp(c t) - 1)/c,   u(t) = u + c t/gain;   x gains `need` after  log(1 + c need/e)/c

(c -> 0: x + e t and need/e), never when c need/e <= -1. Two neurons are made of it:

- integrator: x is the membrane, a spike takes x to threshold and the reset down again (state x, u, current);
- escape: by time rescaling, a neuron of hazard dx/dt fires when x has gained a unit exponential variate, drawn anew at
  each spike. State: what is left of the variate, u, current. Brown, Barbieri, Ventura, Kass, Frank, Neural Comput. 14
  (2002) 325-346, doi:10.1162/08997660252741149. On the grid such a neuron fires with odds o per tick; here its hazard
  is o per tick, the limit of short ticks.

Parameters (times in ticks): 0 log_rate, 1 gain, 2 input, 3 drift.
"""

import math

import numpy as np
from numba import njit

__all__ = ["gain_of", "parameters", "slope_of", "time_to_gain"]


def parameters(log_rate, gain, input_, drift):
    """(n, 4) float64; rates are per tick."""
    return np.column_stack([log_rate, gain, input_, drift])


@njit(inline="always")
def slope_of(kind, current):
    """du/dt, per tick."""
    return kind.p2 * current + kind.p3


@njit(inline="always")
def gain_of(kind, u, current, ticks):
    """What x gains in `ticks` without events."""
    c = kind.p1 * slope_of(kind, current)
    now = math.exp(kind.p0 + kind.p1 * u)
    return now * (math.expm1(c * ticks) / c if c != 0.0 else ticks)


@njit(inline="always")
def time_to_gain(kind, u, current, need):
    """Ticks until x has gained `need`, at least 0; infinity when it never does."""
    c = kind.p1 * slope_of(kind, current)
    ratio = need * math.exp(-(kind.p0 + kind.p1 * u))
    if c == 0.0:
        return ratio
    if c * ratio <= -1.0:
        return math.inf
    return math.log1p(c * ratio) / c
