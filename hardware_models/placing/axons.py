"""axons: how the spikes of a neuron reach a core, and what each way in takes there.

On Loihi one list of synapses per sending neuron and core holds weights and delays of their own, so a neuron has one
axon. On TrueNorth an axon has one type and one delay, and meets each neuron once: a neuron has an axon for each delay
and type among its synapses, and for the second, third, ... synapse onto the same neuron. The type is that of the count
it adds to in a network of `integers.truenorth.network`; other networks have no types yet, and are counted
without.
"""

from dataclasses import dataclass

import numpy as np

from hardware_models.integers.truenorth.neuron import N_TYPES

__all__ = ["AxonTable", "axons_of", "pairs_of"]


@dataclass(frozen=True, eq=False)
class AxonTable:
    """The axons of all neurons; each reaches one core, or several by messages of its own.

    Parameters
    ----------
    source, delay, kind : (n_axons,) int32
        Sending neuron, and, where the chip tells axons apart by them, delay in ticks and type; 0 elsewhere.
    of_synapse : (n_synapses,) int32
        The axon that each synapse is on.
    """

    source: np.ndarray
    delay: np.ndarray
    kind: np.ndarray
    of_synapse: np.ndarray

    @property
    def n(self):
        return self.source.size


def axons_of(network, chip):
    """The AxonTable of a network on a chip: one for each neuron where it may send to any number of cores."""
    if chip.limits.targets_per_neuron is None:
        none = np.zeros(network.n_neurons, np.int32)
        return AxonTable(np.arange(network.n_neurons, dtype=np.int32), none, none, network.pre)
    kind = np.repeat([_kind(p) for p in network.pathways], [p.size for p in network.pathways]).astype(np.int64)
    way = (network.pre * np.int64(network.delay.max(initial=0) + 1) + network.delay) * N_TYPES + kind
    again = _occurrence(way * max(network.n_neurons, 1) + network.post)
    most = np.int64(again.max(initial=0) + 1)
    distinct, of_synapse = np.unique(way * most + again, return_inverse=True)
    way = distinct // most
    source, delay = np.divmod(way // N_TYPES, np.int64(network.delay.max(initial=0) + 1))
    columns = (source, delay, way % N_TYPES, of_synapse)
    return AxonTable(*(values.astype(np.int32) for values in columns))


def _occurrence(keys):
    """(n,) int64: how many equal keys stand before each."""
    order = np.argsort(keys, kind="stable")
    begins = np.flatnonzero(np.concatenate([[True], np.diff(keys[order]) != 0])[: keys.size])
    before = np.empty(keys.size, np.int64)
    before[order] = np.arange(keys.size) - np.repeat(begins, np.diff(np.append(begins, keys.size)))
    return before


def _kind(pathway):
    """0 to 3 where a pathway counts the spikes of TrueNorth's axon types n0 to n3, otherwise 0."""
    variables = [variable for variable, _, _ in pathway.effects]
    return next((g for g in range(N_TYPES) if variables == [f"n{g}"]), 0)


def pairs_of(axons, network, core_of):
    """The distinct (axon, core) pairs, which are what a core keeps, and a spike sends, one of each.

    Returns
    -------
    axon, core : (n_pairs,) int64
        Sorted by both; cores from 0.
    size : (n_pairs,) int64
        Synapses of the pair.
    """
    n_cores = np.int64(max(int(core_of.max(initial=-1)) + 1, 1))
    destination = core_of[network.post].astype(np.int64)
    keys = np.sort((axons.of_synapse * n_cores + destination)[destination >= 0])
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])[: keys.size])
    size = np.diff(np.append(begins, keys.size))
    return keys[begins] // n_cores, keys[begins] % n_cores, size
