"""The cores that each neuron reaches: to each of them goes a message when it fires."""

import numpy as np

__all__ = ["reach"]

_AT_ONCE = 1 << 20  # synapses, pairs of a neuron and a core: what is handled at once, to take little memory
_BYTES = 4  # for each synapse, as much as a list of the cores takes at most while it is made


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
