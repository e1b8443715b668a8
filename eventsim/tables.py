"""Functions of the kernels that are no arithmetic: tables of time, time steps, and a few that Python's math lacks."""

import math

from numba import njit

__all__ = ["clip", "decayed", "exprel", "sign", "table", "timestep"]


@njit
def table(values, first, stop, n_columns, step_s, refine, t, column):
    """Value of a `eventsim.compiled_network.Table` at time t, from the flat array of all tables.

    As Brian2's TimedArray: the time is rounded to `refine` parts of a step, then down to a whole step.
    """
    row = int(round(t / (step_s / refine)) / refine)
    last = (stop - first) // n_columns - 1
    return values[first + min(max(row, 0), last) * n_columns + int(column)]


@njit
def timestep(t, dt):
    """Whole steps of length dt in time t, rounded down with a thousandth of a step to spare, as Brian2's `timestep`."""
    return int((t + 1e-3 * dt) / dt)


@njit
def decayed(value, rest, steps, powers, factor):
    """rest + (value - rest) * factor**steps.

    `powers` holds the factor to the powers 0, ..., 127 and, behind them, to 128 times these.
    """
    power = powers[steps & 127] * powers[128 + (steps >> 7)] if steps < 1 << 14 else factor**steps
    return rest + (value - rest) * power


@njit
def clip(value, low, high):
    return min(max(value, low), high)


@njit
def exprel(x):
    """(exp(x) - 1)/x, and 1 at 0."""
    return 1.0 if x == 0.0 else math.expm1(x) / x


@njit
def sign(x):
    """-1, 0 or 1, and what is not a number stays so."""
    return x if x != x or x == 0 else math.copysign(1.0, x)
