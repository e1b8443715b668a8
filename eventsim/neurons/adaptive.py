r"""Integrate-and-fire whose threshold relaxes exponentially, and jumps when the neuron fires or is told to.

    dv/dt = drive - leak v + k s       (leak may be 0)
    dy/dt = r (rest - y),   ds/dt = -r_s s
    fires at v = theta + gain (y - rest),   theta being where the threshold comes to rest

The excess u = v - theta - a over the threshold, with a = gain (y - rest), obeys

    du/dt = (drive - leak theta) - leak u + (r - leak) a + k s,   da/dt = -r a

which is a membrane under two exponential currents that fires at u = 0: propagator and first crossing, with the argument
for why it is the first, are those of `eventsim.neurons.currents`. MAT model: Kobayashi, Tsubo, Shinomoto, Front.
Comput. Neurosci. 3 (2009) 9, doi:10.3389/neuro.10.009.2009.

State: v, y, s. Parameters (times in ticks): 0 leak, 1 drive - leak theta, 2 r - leak, 3 r, 4 k, 5 r_s, 6 zero, 7 gain,
8 rest; `theta` is the threshold at rest.
"""

import numpy as np
from numba import njit

from eventsim.neurons.currents import advance_currents, membrane
from eventsim.neurons.currents import crossing as _cross

__all__ = ["advance", "crossing", "parameters", "threshold"]


def parameters(leak, drive, theta, r, gain, rest, k, r_s):
    """(n, 9) float64; rates are per tick."""
    return np.column_stack([leak, drive - leak * theta, r - leak, r, k, r_s, 0.0 * leak, gain, rest])


@njit(inline="always")
def threshold(kind, y):
    """The threshold of v."""
    return kind.theta + kind.p7 * (y - kind.p8)


@njit
def advance(kind, v, y, s, ticks):
    """(v, y, s) after `ticks` without events."""
    raised = kind.p7 * (y - kind.p8)
    later_raised, later_s = advance_currents(kind, raised, s, ticks)
    v = membrane(kind, v - kind.theta - raised, raised, s, ticks) + kind.theta + later_raised
    return v, kind.p8 + later_raised / kind.p7, later_s


@njit
def crossing(kind, v, y, s, room):
    """Ticks until v, at or below its threshold, crosses it; infinity when it does not within `room`."""
    raised = kind.p7 * (y - kind.p8)
    return _cross(kind, v - kind.theta - raised, raised, s, 0.0, room)
