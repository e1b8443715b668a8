"""What each core is asked to hold: the resources of a core, and how much of each a placement uses."""

import numpy as np

from eventsim.counts import HOST
from hardware_models.placing.axons import axons_of, pairs_of
from hardware_models.placing.splitters import relays

__all__ = ["REMEDIES", "RESOURCES", "allowed", "demand", "words_of_lists"]

#: Resource -> what to do when a single neuron, or a placement, asks for more than a core has.
REMEDIES = {
    "neurons": "move neurons to another core",
    "synapse_words": "give the neuron fewer incoming synapses, or split its input over several neurons",
    "input_axons": "let fewer neurons project onto it, or gather their spikes in relay neurons",
    "output_axons": "let it reach fewer cores, through relay neurons for instance",
    "delay_slots": "use shorter delays, or fewer neurons on the core",
}

#: neurons: compartments, relays included. synapse_words: of the lists of incoming synapses, packed as the chip packs
#: them. input_axons: axons, of host sources too, that arrive at the core. output_axons: distinct (axon of the core's
#: neurons, core it reaches, its own included). delay_slots: neurons times the longest delay that arrives at the core.
RESOURCES = tuple(REMEDIES)


def allowed(chip):
    """How much of each of RESOURCES a core has: (n_resources,) int64. Raises ConfigError for one not published."""
    limits = chip.require(*(f"limits.{name}_per_core" for name in RESOURCES))
    return np.array([limit.value for limit in limits], dtype=np.int64)


def words_of_lists(size, network, chip):
    """Words that lists of so many synapses take; one for each synapse where the chip has no format for lists."""
    if chip.synapse_memory is None:
        return np.asarray(size, dtype=np.int64)
    return chip.synapse_memory.words(network.delay.max(initial=0), size)


def demand(network, core_of, chip):
    """What each core is asked for.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
        -1 for the host.
    chip : Chip
        Whose neurons may need relays to reach several cores; relays are neurons.

    Returns
    -------
    (n_cores, n_resources) int64
        One row per core 0, 1, ...; O(n_synapses log n_synapses).
    """
    n_cores = int(core_of.max(initial=HOST)) + 1
    used = np.zeros((n_cores, len(RESOURCES)), dtype=np.int64)
    axons = axons_of(network, chip)
    axon, core, size = pairs_of(axons, network, core_of)
    sender = axons.source[axon]
    reached = np.bincount(sender, minlength=network.n_neurons)
    placed = np.flatnonzero(core_of != HOST)
    home, extra = core_of[placed], relays(reached[placed], chip)
    used[:, 0] = _sums(home, 1 + extra, n_cores)
    used[:, 1] = _sums(core, words_of_lists(size, network, chip), n_cores) + _sums(home, extra, n_cores)
    used[:, 2] = _sums(core, 1, n_cores) + _sums(home, extra > 0, n_cores)
    used[:, 3] = _sums(home, reached[placed] + (extra > 0), n_cores)
    longest, destination = np.zeros(n_cores, dtype=np.int64), core_of[network.post]
    np.maximum.at(longest, destination[destination != HOST], network.delay[destination != HOST])
    used[:, 4] = used[:, 0] * longest
    return used


def _sums(core, amounts, n_cores):
    sums = np.zeros(n_cores, dtype=np.int64)
    np.add.at(sums, core, amounts)
    return sums
