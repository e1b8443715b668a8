r"""Integrate-and-fire driven by decaying synaptic currents: one exponential, two exponentials, or alpha functions.

    dv/dt = drive - leak v + k1 a + k2 b       (leak may be 0)
    da/dt = -r1 a + feed b,   db/dt = -r2 b    (feed = 0: two exponentials; feed > 0, r1 = r2, k2 = 0: alpha)

With G(d, t) = (exp(d t) - 1)/d, which is t at d = 0, and d = leak - r:

    v(t) = v exp(-leak t) + drive G(-leak, t) + exp(-leak t) (k1 a G(d1, t) + k2 b G(d2, t) + k1 feed b H(d1, t))
    H(d, t) = integral of s exp(d s) over 0..t

exact for all time constants, equal ones among them. exp(leak t) v'(t) has the derivative of k1 a' + k2 b' times a
positive factor, which changes sign at most once, at a time known in closed form; so v' changes sign at most twice, and
between those times v is monotone and the first crossing is bracketed. Roots are found to the last bits by regula
falsi with bisection (Illinois). Rotter, Diesmann, Biol. Cybern. 81 (1999) 381-402, doi:10.1007/s004220050570; D'Haene,
Schrauwen, Van Campenhout, Stroobandt, Neural Comput. 21 (2009) 1068-1099.

State: v, a, b. Parameters (times in ticks): 0 leak, 1 drive, 2 k1, 3 r1, 4 k2, 5 r2, 6 feed.
"""

import math

import numpy as np
from numba import njit

__all__ = ["advance_currents", "crossing", "membrane", "parameters"]


def parameters(leak, drive, k1, r1, k2, r2, feed):
    """(n, 7) float64; rates are per tick."""
    return np.column_stack([leak, drive, k1, r1, k2, r2, feed])


@njit(inline="always")
def _growth(d, t):
    return math.expm1(d * t) / d if d != 0.0 else t


@njit(inline="always")
def _moment(d, t):
    """Integral of s exp(d s) over 0..t; the series where the closed form cancels."""
    x = d * t
    if abs(x) > 0.3:
        return (t * math.exp(x) - math.expm1(x) / d) / d
    term, total, k = 1.0, 0.5, 0
    while abs(term) > 1e-18 and k < 20:
        k += 1
        term *= x / k
        total += term / (k + 2)
    return t * t * total


@njit
def advance_currents(kind, a, b, ticks):
    """(a, b) after `ticks` without events."""
    decay = math.exp(-kind.p3 * ticks)
    if kind.p6 != 0.0:
        return (a + kind.p6 * b * ticks) * decay, b * decay
    return a * decay, b * math.exp(-kind.p5 * ticks) if b != 0.0 else 0.0


@njit
def membrane(kind, v, a, b, ticks):
    """v after `ticks` without events."""
    leak = kind.p0
    inflow = kind.p2 * a * _growth(leak - kind.p3, ticks)
    if b != 0.0:
        inflow += kind.p4 * b * _growth(leak - kind.p5, ticks)
        if kind.p6 != 0.0:
            inflow += kind.p2 * kind.p6 * b * _moment(leak - kind.p3, ticks)
    if leak == 0.0:
        return v + kind.p1 * ticks + inflow
    rest = kind.p1 / leak
    return rest + (v - rest + inflow) * math.exp(-leak * ticks)


@njit
def _slope(kind, v, a, b, ticks):
    """v' after `ticks`."""
    later_v = membrane(kind, v, a, b, ticks)
    later_a, later_b = advance_currents(kind, a, b, ticks)
    return kind.p1 - kind.p0 * later_v + kind.p2 * later_a + kind.p4 * later_b


@njit
def _value(kind, v, a, b, ticks, theta, of_slope):
    return _slope(kind, v, a, b, ticks) if of_slope else membrane(kind, v, a, b, ticks) - theta


@njit
def _root(kind, v, a, b, theta, of_slope, low, high):
    """The one sign change of v - theta, or of v', between low and high, to the last bits."""
    f_low, f_high = _value(kind, v, a, b, low, theta, of_slope), _value(kind, v, a, b, high, theta, of_slope)
    rising, side = f_high > 0.0, 0
    for step in range(200):
        if high - low <= 1e-15 * high:
            break
        middle = (low * f_high - high * f_low) / (f_high - f_low) if step % 3 < 2 and f_high != f_low else math.nan
        if not low < middle < high:
            middle = 0.5 * (low + high)
            if not low < middle < high:
                break
        f = _value(kind, v, a, b, middle, theta, of_slope)
        if (f > 0.0) == rising and f != 0.0:
            high, f_high = middle, f
            f_low = 0.5 * f_low if side == 1 else f_low
            side = 1
        elif f == 0.0:
            return middle
        else:
            low, f_low = middle, f
            f_high = 0.5 * f_high if side == -1 else f_high
            side = -1
    return high


@njit
def _turn(kind, a, b):
    """Where k1 a' + k2 b' changes sign, or infinity."""
    if kind.p6 != 0.0:
        t = 1.0 / kind.p3 - a / (kind.p6 * b) if b != 0.0 else math.inf
        return t if t > 0.0 else math.inf
    one, two = kind.p2 * a * kind.p3, kind.p4 * b * kind.p5
    if one * two >= 0.0 or kind.p3 == kind.p5:
        return math.inf
    t = math.log(-one / two) / (kind.p3 - kind.p5)
    return t if t > 0.0 else math.inf


@njit
def crossing(kind, v, a, b, theta, room):
    """Ticks until v, at or below theta, crosses it; infinity when it does not within `room`."""
    grown = max(kind.p2 * a, 0.0) + max(kind.p4 * b, 0.0) + max(kind.p2 * kind.p6 * b, 0.0) * room
    push = max(kind.p1 - kind.p0 * v, 0.0) + grown  # v' is at most this, whatever decays
    if theta - v > push * room or push == 0.0:
        return math.inf
    turn = min(_turn(kind, a, b), room)
    at = 0.0
    for stop in (turn, room):
        if stop <= at:
            continue
        # Within this stretch v' changes sign at most once; `bend` is where.
        s_at, s_stop = _slope(kind, v, a, b, at), _slope(kind, v, a, b, stop)
        bends = s_at * s_stop < 0.0
        bend = _root(kind, v, a, b, theta, bends, at, stop) if bends else stop
        for end in (bend, stop):
            below = not (end > at and membrane(kind, v, a, b, end) - theta > 0.0)
            if not below:
                if at == 0.0 and v >= theta and s_at > 0.0:
                    return 0.0
                return _root(kind, v, a, b, theta, below, at, end)
            at = end
    return math.inf
