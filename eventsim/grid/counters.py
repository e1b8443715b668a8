"""The counters that a kernel starts with: stretches of neurons on one core, and the cores that each neuron reaches."""

import numpy as np

from eventsim.grid.parts import flat

__all__ = ["counters", "reach"]

_AT_ONCE = 1 << 20  # synapses, pairs of a neuron and a core: what is handled at once, to take little memory
_BYTES = 4  # for each synapse, as much as a list of the cores takes at most while it is made
_SHORT = 64  # neurons; shorter stretches are not worth a sum of their own


def counters(network, core_of, bounds, storage):
    """The fields of GridArrays that count deliveries."""
    by_core = _by_core(network, core_of, bounds)
    stops, cores, at, n_stretches = [], [], np.zeros((len(bounds) - 1, bounds.shape[1] + 1), dtype=np.int64), 0
    for part, k, mine in _groups(network, bounds):
        at[part, k] = n_stretches
        on = core_of[mine][by_core[mine]] if by_core.size else core_of[mine]
        ends = _ends(on)
        stops.append(ends.astype(np.int64))
        cores.append(on[ends - 1].astype(np.int64))
        n_stretches += ends.size
        at[part, k + 1 :] = n_stretches
    most = int(np.bincount(network.post, minlength=1).max(initial=1))  # deliveries to a neuron in one tick
    narrow = most <= 4095
    return {
        "core_of": core_of, "sent": np.zeros(network.n_neurons, dtype=np.int64),
        "arrived": np.zeros(storage.is_zero_class.size * network.n_neurons, dtype=np.uint16 if narrow else np.uint32),
        "received": np.zeros(storage.is_zero_class.size * network.n_neurons, dtype=np.int64),
        "received_weight": np.zeros(network.n_neurons), "is_zero_class": storage.is_zero_class,
        "gather_every": np.array([(2**16 if narrow else 2**32) // (most + 1)], dtype=np.int64), "by_core": by_core,
        "stretch_stop": flat(stops, np.int64)[0], "stretch_core": flat(cores, np.int64)[0], "stretch_at": at,
        "stretch_sum": np.zeros((n_stretches, storage.is_zero_class.size), dtype=np.int64),
        "delivered": np.zeros((len(bounds) - 1, len(network.pathways)), dtype=np.int64),
    }  # fmt: skip


def _groups(network, bounds):
    """(part, population, slice of its neurons' ids) of every part and population."""
    for part in range(len(bounds) - 1):
        for k, p in enumerate(network.populations):
            yield part, k, slice(p.start + int(bounds[part, k]), p.start + int(bounds[part + 1, k]))


def _ends(cores):
    """Where each stretch of equal numbers ends."""
    return np.append(np.flatnonzero(cores[1:] != cores[:-1]) + 1, cores.size) if cores.size else np.empty(0, int)


def _by_core(network, core_of, bounds):
    """(n_neurons,) uint32: the neurons of each part and population in order of core, counted from its first.

    Empty where the cores' neurons lie side by side anyway, or in stretches that are long enough to be summed one by
    one: numbers side by side are added several at once.
    """
    mine = [core_of[group] for _, _, group in _groups(network, bounds)]
    n_stretches, n_cores = sum(_ends(cores).size for cores in mine), sum(np.unique(cores).size for cores in mine)
    if n_stretches == n_cores or n_stretches * _SHORT <= network.n_neurons:
        return np.empty(0, dtype=np.uint32)
    order = np.empty(network.n_neurons, dtype=np.uint32)
    for _, _, group in _groups(network, bounds):
        order[group] = np.argsort(core_of[group], kind="stable")
    return order


def reach(network, core_of):
    """The distinct cores that the synapses of each neuron reach: fields of GridArrays.

    Either a byte for each neuron and core, 1 where it is reached, of which eight are added at once, as a word; or,
    where that would take more than `_BYTES` for each synapse, the lists of the cores.

    Returns
    -------
    dict : reach_count (n_neurons,) int32, how many; reaches (n_neurons * n_words,) uint64, the bytes; reach
        and reach_at, the lists, ascending, and where each begins; what is not used is empty
    """
    n_cores = int(core_of.max(initial=0)) + 1
    width = -(-n_cores // 8) * 8
    in_bytes = network.n_neurons * width <= _BYTES * network.n_synapses
    cores = [np.empty(0, np.uint16 if n_cores <= 1 << 16 else np.uint32)]
    counts = np.zeros(network.n_neurons, dtype=np.int32)
    reaches = np.zeros((network.n_neurons if in_bytes else 0, width), dtype=np.uint8)
    by_neuron = {}
    for p in network.pathways:
        by_neuron.setdefault(p.source, []).append(p)
    for source, pathways in sorted(by_neuron.items()):
        start, size = network.populations[source].start, network.populations[source].size
        at_once = max(1, min(4 * _AT_ONCE // n_cores, size * _AT_ONCE // max(1, *(p.size for p in pathways))))
        for first in range(0, size, at_once):
            some = slice(start + first, start + min(first + at_once, size))
            reached = reaches[some] if in_bytes else np.zeros((some.stop - some.start, n_cores), dtype=np.uint8)
            for p in pathways:
                rows = p.rows[:: p.delays.size][first : first + len(reached) + 1]
                sender = np.repeat(np.arange(len(reached)), np.diff(rows))
                reached[sender, core_of[network.post[p.first + rows[0] : p.first + rows[-1]]]] = 1
            counts[some] = np.count_nonzero(reached, axis=1)
            if not in_bytes:
                cores.append(np.nonzero(reached)[1].astype(cores[0].dtype))
    at = np.empty(0, np.int64) if in_bytes else np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return {
        "reach_count": counts,
        "reach": np.concatenate(cores),
        "reach_at": at,
        "reaches": reaches.ravel().view(np.uint64),
    }
