r"""Integrate-and-fire with delta synapses, with or without leak, under constant drive.

    dv/dt = drive - leak v          v(t) = rest + (v - rest) exp(-leak t),  rest = drive/leak
                                    v(t) = v + drive t                      without leak

First t with v(t) = theta > v: log((rest - v)/(rest - theta))/leak when rest > theta, or (theta - v)/drive; else never.
Lapicque, J. Physiol. Pathol. Gen. 9 (1907) 620-635; event-driven: Brette, Neural Comput. 19 (2007) 2604-2609.

State: v. Parameters (times in ticks): 0 leak, 1 drive, 2 rest.
"""

import math

import numpy as np
from numba import njit

__all__ = ["advance", "crossing", "parameters"]


def parameters(leak, drive):
    """(n, 3) float64 from leak and drive per tick, (n,) each."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(leak != 0, drive / leak, 0.0)
    return np.column_stack([leak, drive, rest])


@njit(inline="always")
def advance(kind, v, ticks):
    """v after `ticks` without events."""
    if kind.p0 == 0.0:
        return v + kind.p1 * ticks
    return kind.p2 + (v - kind.p2) * math.exp(-kind.p0 * ticks)


@njit(inline="always")
def crossing(kind, v, theta, room):
    """Ticks until v, at or below theta, crosses it; infinity when that is never, or certainly not within `room`."""
    slope = kind.p1 - kind.p0 * v
    if slope <= 0.0 or theta - v > slope * room:  # with leak the slope only falls
        return math.inf
    if kind.p0 == 0.0:
        return (theta - v) / kind.p1
    if kind.p0 > 0.0 and kind.p2 <= theta:
        return math.inf
    return math.log1p((theta - v) / (kind.p2 - theta)) / kind.p0
