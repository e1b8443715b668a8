"""What each core is asked to hold: the resources of a core, and how much of each a placement uses."""

import numpy as np

from eventsim.counts import HOST
from hardware_models.splitters import copies

__all__ = ["REMEDIES", "RESOURCES", "allowed", "demand", "distinct"]

#: Resource -> what to do when a single neuron, or a placement, asks for more than a core has.
REMEDIES = {
    "neurons": "move neurons to another core",
    "synapse_words": "give the neuron fewer incoming synapses, or split its input over several neurons",
    "input_axons": "let fewer neurons project onto it, or gather their spikes in relay neurons",
    "output_axons": "let it reach fewer cores, through relay neurons for instance",
    "delay_slots": "use shorter delays, or fewer neurons on the core",
}

#: neurons: compartments, copies included. synapse_words: incoming synapses, one 64-bit word each. input_axons:
#: distinct neurons, host sources included, with a synapse onto the core. output_axons: distinct (neuron of the core,
#: core it reaches, its own included). delay_slots: neurons times the longest delay that arrives at the core.
RESOURCES = tuple(REMEDIES)


def allowed(chip):
    """How much of each of RESOURCES a core has: (n_resources,) int64. Raises ConfigError for one not published."""
    limits = chip.require(*(f"limits.{name}_per_core" for name in RESOURCES))
    return np.array([limit.value for limit in limits], dtype=np.int64)


def demand(network, core_of, chip):
    """What each core is asked for.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
        -1 for the host.
    chip : Chip
        Whose neurons may need copies to reach several cores; copies are neurons.

    Returns
    -------
    (n_cores, n_resources) int64
        One row per core 0, 1, ...; O(n_synapses log n_synapses).
    """
    n_cores = int(core_of.max(initial=HOST)) + 1
    used = np.zeros((n_cores, len(RESOURCES)), dtype=np.int64)
    used[:, 0] = np.bincount(core_of[core_of != HOST], minlength=n_cores)
    destination = core_of[network.post]
    on_chip = destination != HOST
    destination = destination[on_chip].astype(np.int64)
    used[:, 1] = np.bincount(destination, minlength=n_cores)
    pairs = distinct(network.pre[on_chip] * np.int64(max(n_cores, 1)) + destination)
    sender = core_of[pairs // max(n_cores, 1)]
    used[:, 2] = np.bincount(pairs % max(n_cores, 1), minlength=n_cores)
    used[:, 3] = np.bincount(sender[sender != HOST], minlength=n_cores)
    reached = np.bincount(pairs // max(n_cores, 1), minlength=network.n_neurons)
    extra = copies(reached, chip)[core_of != HOST]
    np.add.at(used[:, 0], core_of[core_of != HOST], extra)
    longest = np.zeros(n_cores, dtype=np.int64)
    np.maximum.at(longest, destination, network.delay[on_chip])
    used[:, 4] = used[:, 0] * longest
    return used


def distinct(keys):
    """The distinct values of (n,) int64, ascending; by sorting, which beats numpy's hashing on millions of keys."""
    keys = np.sort(keys)
    return keys[np.concatenate([[True], keys[1:] != keys[:-1]])[: keys.size]]
