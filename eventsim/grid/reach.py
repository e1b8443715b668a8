"""The cores that each neuron reaches: to each of them goes a message when it fires."""

import numpy as np

from eventsim.grid.parts import from_a_line

__all__ = ["reach", "senders"]

_AT_ONCE = 1 << 20  # synapses, pairs of a neuron and a core: what is handled at once, to take little memory
_BYTES = 4  # for each synapse, as much as a list of the cores takes at most while it is made


def reach(network, core_of):
    """The distinct cores that the synapses of each neuron reach: fields of GridArrays.

    Either a bit for each neuron and core, set where it is reached, or, where that would take more than `_BYTES` for
    each synapse, the lists of the cores.

    Returns
    -------
    dict : as `senders` gives it
    """
    n_cores = int(core_of.max(initial=0)) + 1
    width = -(-n_cores // 64) * 8
    in_bits = network.n_neurons * width <= _BYTES * network.n_synapses
    cores = [np.empty(0, np.uint16 if n_cores <= 1 << 16 else np.uint32)]
    counts = np.zeros(network.n_neurons, dtype=np.int32)
    bits = np.zeros((network.n_neurons if in_bits else 0, width), dtype=np.uint8)
    by_neuron = {}
    for p in network.pathways:
        by_neuron.setdefault(p.source, []).append(p)
    for source, pathways in sorted(by_neuron.items()):
        start, size = network.populations[source].start, network.populations[source].size
        at_once = max(1, min(4 * _AT_ONCE // n_cores, size * _AT_ONCE // max(1, *(p.size for p in pathways))))
        for first in range(0, size, at_once):
            some = slice(start + first, start + min(first + at_once, size))
            reached = np.zeros((some.stop - some.start, 8 * width), dtype=bool)
            for p in pathways:
                rows = p.rows[:: p.delays.size][first : first + len(reached) + 1]
                sender = np.repeat(np.arange(len(reached)), np.diff(rows))
                reached[sender, core_of[network.post[p.first + rows[0] : p.first + rows[-1]]]] = True
            counts[some] = np.count_nonzero(reached, axis=1)
            if in_bits:
                by_byte = reached.reshape(len(reached), -1, 8, 8).swapaxes(2, 3)
                bits[some] = np.packbits(by_byte, bitorder="little").reshape(len(reached), -1)
            else:
                cores.append(np.nonzero(reached)[1].astype(cores[0].dtype))
    return senders(core_of, counts, bits=bits) if in_bits else senders(core_of, counts, np.concatenate(cores))


def senders(core_of, counts, cores=None, bits=None):
    """What is read when a neuron fires, side by side in memory: fields of GridArrays.

    Parameters
    ----------
    core_of : (n_neurons,) int32
    counts : (n_neurons,) int
        Cores that each neuron reaches.
    cores : (counts.sum(),) int, optional
        Which these are, neuron by neuron, ascending.
    bits : (n_neurons, 8 n_words) uint8, optional
        In place of them a bit for each core: of the first eight the lowest bits of the eight bytes of a word, of the
        next eight the bits above these, and so on, so that `eventsim.machine.add_bits` counts cores in order.

    Returns
    -------
    dict : senders (n_neurons * width,) uint64, `width` words for each neuron: its core, counted from the host, plus
        2^32 times its count; its spikes; and the bits. sent (n_neurons,), the
        spikes; reach, reach_at : the lists, and where each begins; empty where there are bits
    """
    bits = np.empty((core_of.size, 0), dtype=np.uint8) if bits is None else bits
    width = 2 + bits.shape[1] // 8
    table = from_a_line(core_of.size * width, np.uint64).reshape(-1, width)
    table[:, 0] = (core_of + 1).astype(np.uint64) + (np.asarray(counts).astype(np.uint64) << np.uint64(32))
    table[:, 1], table[:, 2:] = 0, bits.view(np.uint64)
    lists = {"reach": np.empty(0, np.uint16), "reach_at": np.empty(0, np.int64)}
    if cores is not None:
        lists = {"reach": cores, "reach_at": np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])}
    return lists | {"senders": table.ravel(), "width": width, "sent": table[:, 1].view(np.int64)}
