"""Neuron models with an exact solution between events: how each moves, and when it next reaches its threshold.

`advance` and `crossing` pick the model by its family, a small integer, so that one kernel runs all of them. What state
and parameters mean is said in the file of each family.
"""

import math

from numba import njit

from eventsim.neurons.currents import advance_currents, membrane
from eventsim.neurons.currents import crossing as _cross_currents
from eventsim.neurons.exponential import gain_of, slope_of, time_to_gain
from eventsim.neurons.leaky import advance as _advance_leaky
from eventsim.neurons.leaky import crossing as _cross_leaky

__all__ = ["CURRENTS", "ESCAPE", "EXPONENTIAL", "FAMILIES", "GATE", "LEAKY", "SOURCE", "advance", "crossing"]

SOURCE, LEAKY, GATE, CURRENTS, EXPONENTIAL, ESCAPE = range(6)

#: What is supported, for error messages.
FAMILIES = (
    "integrate-and-fire with or without leak under constant drive (delta synapses, one or two exponential currents, an "
    "alpha current), memoryless gates, integrators of exp(u) and escape-rate neurons whose u integrates a current"
)


@njit(inline="always")
def advance(kind, x, y, z, ticks, moving):
    """The state (x, y, z) after `ticks` without events; x stands still unless `moving`."""
    if kind.family == LEAKY:
        return (_advance_leaky(kind, x, ticks) if moving else x), y, z
    if kind.family == GATE:
        return 0.0, y, z  # nothing is remembered beyond an instant
    return _advance_others(kind, x, y, z, ticks, moving)


@njit
def _advance_others(kind, x, y, z, ticks, moving):
    if kind.family == CURRENTS:
        if moving:
            x = membrane(kind, x, y, z, ticks)
        y, z = advance_currents(kind, y, z, ticks)
    elif kind.family == EXPONENTIAL or kind.family == ESCAPE:
        gain = gain_of(kind, y, z, ticks)
        x = x + gain if kind.family == EXPONENTIAL else x - gain
        y += slope_of(kind, z) * ticks
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
    return math.inf
