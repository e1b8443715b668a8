"""Neuron models with an exact solution between events: how each moves, and when it next reaches its threshold.

`advance` and `crossing` pick the model by its family, a small integer, so that one kernel runs all of them. What state
and parameters mean is said in the file of each family.
"""

import math

from numba import njit

from eventsim.neurons.adaptive import advance as _advance_adaptive
from eventsim.neurons.adaptive import crossing as _cross_adaptive
from eventsim.neurons.adaptive import threshold
from eventsim.neurons.currents import advance_currents, membrane
from eventsim.neurons.currents import crossing as _cross_currents
from eventsim.neurons.exponential import gain_of, slope_of, time_to_gain
from eventsim.neurons.leaky import advance as _advance_leaky
from eventsim.neurons.leaky import crossing as _cross_leaky

__all__ = ["ADAPTIVE", "CURRENTS", "ESCAPE", "EXPONENTIAL", "FAMILIES", "GATE", "LEAKY", "SOURCE", "advance",
           "crossing", "threshold"]  # fmt: skip

SOURCE, LEAKY, GATE, CURRENTS, EXPONENTIAL, ESCAPE, ADAPTIVE = range(7)

#: What is supported, for error messages.
FAMILIES = (
    "integrate-and-fire with or without leak, under drive that is constant or changes in steps (delta synapses, one or "
    "two currents that decay exponentially, adaptive ones among them, an alpha current; or a threshold that relaxes "
    "exponentially, and one current), memoryless gates, integrators of exp(u), escape-rate neurons whose u integrates "
    "a current, and neurons that fire at random with a given chance per tick"
)


@njit(inline="always")
def advance(kind, x, y, z, ticks):
    """The state (x, y, z) after `ticks` without events, x not standing still."""
    if kind.family == LEAKY:
        return _advance_leaky(kind, x, ticks), y, z
    if kind.family == GATE:
        return 0.0, y, z  # nothing is remembered beyond an instant
    return _advance_others(kind, x, y, z, ticks)


@njit
def _advance_others(kind, x, y, z, ticks):
    if kind.family == CURRENTS:
        x = membrane(kind, x, y, z, ticks)
        y, z = advance_currents(kind, y, z, ticks)
    elif kind.family == EXPONENTIAL or kind.family == ESCAPE:
        gain = gain_of(kind, y, z, ticks)
        x = x + gain if kind.family == EXPONENTIAL else x - gain
        y += slope_of(kind, z) * ticks
    elif kind.family == ADAPTIVE:
        x, y, z = _advance_adaptive(kind, x, y, z, ticks)
    return x, y, z


@njit
def crossing(kind, x, y, z, room):
    """Ticks until a neuron that is not above threshold reaches it by itself.

    Returns
    -------
    float
        Infinity when it never does, or not within `room` ticks.
    """
    if kind.family == LEAKY:
        return _cross_leaky(kind, x, kind.theta, room)
    if kind.family == CURRENTS:
        return _cross_currents(kind, x, y, z, kind.theta, room)
    if kind.family == EXPONENTIAL:
        return time_to_gain(kind, y, z, max(kind.theta - x, 0.0))
    if kind.family == ESCAPE:
        return time_to_gain(kind, y, z, max(x, 0.0))
    if kind.family == ADAPTIVE:
        return _cross_adaptive(kind, x, y, z, room)
    return math.inf
