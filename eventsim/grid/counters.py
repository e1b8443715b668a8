"""The counters that a kernel starts with: stretches of neurons on one core, and the cores that each neuron reaches."""

import numpy as np

from eventsim.grid.parts import flat

__all__ = ["counters", "reach"]

_AT_ONCE = 1 << 20  # synapses, pairs of a neuron and a core: what is handled at once, to take little memory


def counters(network, core_of, bounds, storage):
    """The fields of GridArrays that count deliveries."""
    stops, cores, at, n_stretches = [], [], np.zeros((len(bounds) - 1, bounds.shape[1] + 1), dtype=np.int64), 0
    for part in range(len(bounds) - 1):
        for k, p in enumerate(network.populations):
            at[part, k] = n_stretches
            mine = core_of[p.start + bounds[part, k] : p.start + bounds[part + 1, k]]
            ends = np.append(np.flatnonzero(mine[1:] != mine[:-1]) + 1, mine.size) if mine.size else np.empty(0, int)
            stops.append(ends.astype(np.int64))
            cores.append(mine[ends - 1].astype(np.int64))
            n_stretches += ends.size
        at[part, -1] = n_stretches
    most = int(np.bincount(network.post, minlength=1).max(initial=1))  # deliveries to a neuron in one tick
    narrow = most <= 4095
    return {
        "core_of": core_of, "sent": np.zeros(network.n_neurons, dtype=np.int64),
        "arrived": np.zeros(storage.is_zero_class.size * network.n_neurons, dtype=np.uint16 if narrow else np.uint32),
        "received": np.zeros(storage.is_zero_class.size * network.n_neurons, dtype=np.int64),
        "received_weight": np.zeros(network.n_neurons), "is_zero_class": storage.is_zero_class,
        "gather_every": np.array([(2**16 if narrow else 2**32) // (most + 1)], dtype=np.int64),
        "stretch_stop": flat(stops, np.int64)[0], "stretch_core": flat(cores, np.int64)[0], "stretch_at": at,
        "stretch_sum": np.zeros((n_stretches, storage.is_zero_class.size), dtype=np.int64),
        "delivered": np.zeros((len(bounds) - 1, len(network.pathways)), dtype=np.int64),
    }  # fmt: skip


def reach(network, core_of):
    """For each neuron the distinct cores its synapses reach, ascending, and where its list begins."""
    n_cores = int(core_of.max(initial=0)) + 1
    cores = [np.empty(0, np.uint16 if n_cores <= 1 << 16 else np.uint32)]
    counts = np.zeros(network.n_neurons, dtype=np.int64)
    by_neuron = {}
    for p in network.pathways:
        by_neuron.setdefault(p.source, []).append(p)
    for source, pathways in sorted(by_neuron.items()):
        start, size = network.populations[source].start, network.populations[source].size
        at_once = max(1, min(4 * _AT_ONCE // n_cores, size * _AT_ONCE // max(1, *(p.size for p in pathways))))
        for first in range(0, size, at_once):
            reached = np.zeros((min(at_once, size - first), n_cores), dtype=bool)
            for p in pathways:
                rows = p.rows[:: p.delays.size][first : first + len(reached) + 1]
                sender = np.repeat(np.arange(len(reached)), np.diff(rows))
                reached[sender, core_of[network.post[p.first + rows[0] : p.first + rows[-1]]]] = True
            counts[start + first : start + first + len(reached)] = reached.sum(axis=1)
            cores.append(np.nonzero(reached)[1].astype(cores[0].dtype))
    return np.concatenate(cores), np.concatenate([[0], np.cumsum(counts)])
