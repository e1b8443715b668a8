"""splitters: the copies of a neuron that a chip needs where one neuron cannot send to several cores.

On TrueNorth a neuron has one target core. To reach k cores it takes k - 1 copies of it on its own core, which share its
axons, are updated whenever it is and fire when it does; no delay is added.
"""

import numpy as np

from eventsim.counts import HOST

__all__ = ["copies", "splitters"]


def splitters(network, placement):
    """How many copies each neuron needs.

    Returns
    -------
    (n_neurons,) int64
        0 for spike sources, and everywhere on a chip whose neurons reach any number of cores.
    """
    destination = placement.core_of[network.post]
    n_cores = int(placement.core_of.max(initial=HOST)) + 1
    pairs = np.unique(network.pre[destination != HOST] * np.int64(max(n_cores, 1)) + destination[destination != HOST])
    reached = np.bincount(pairs // max(n_cores, 1), minlength=network.n_neurons)
    return np.where(placement.core_of == HOST, 0, copies(reached, placement.chip))


def copies(reached, chip):
    """How many copies neurons need that reach so many cores: an array like `reached`."""
    most = chip.limits.cores_per_neuron
    return np.zeros_like(reached) if most is None else np.maximum(-(-reached // most.value) - 1, 0)
