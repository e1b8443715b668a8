"""splitters: the relay neurons that a chip needs where one neuron cannot send to several axons.

On TrueNorth a neuron sends to one axon of one core. A neuron with k > 1 axons to reach sends to an axon of its own core
instead, on which k relays wait that each fire at once and send on to one of them. Relays are neurons: they are placed,
updated and fire; `hardware_models.placing.split_network` builds the network that holds them.
"""

import numpy as np

from hardware_models.placing.axons import axons_of, pairs_of

__all__ = ["relays", "splitters"]


def splitters(network, core_of, chip):
    """How many relays each neuron needs.

    Parameters
    ----------
    network, core_of, chip
        As `Placement.of` has them.

    Returns
    -------
    (n_neurons,) int64
        0 for spike sources, which reach any axon, and everywhere on a chip whose neurons reach any number of cores.
    """
    axons = axons_of(network, chip)
    axon, _, _ = pairs_of(axons, network, core_of)
    reached = np.bincount(axons.source[axon], minlength=network.n_neurons)
    return np.where(network.is_source, 0, relays(reached, chip))


def relays(reached, chip):
    """How many relays neurons need that reach so many (axon, core) pairs: an array like `reached`."""
    most = chip.limits.targets_per_neuron
    return np.zeros_like(reached) if most is None else np.where(reached > most.value, -(-reached // most.value), 0)
