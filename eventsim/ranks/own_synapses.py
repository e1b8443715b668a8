"""The synapses of a saved network that end on a rank's own neurons, read without ever holding the others."""

import numpy as np

__all__ = ["OwnRows", "read_own_synapses"]

_SYNAPSES_AT_ONCE, _ROWS_AT_ONCE = 1 << 20, 1 << 16


class OwnRows:
    """The rows of one pathway that have synapses here.

    Attributes
    ----------
    sender, delay : (n_rows,) int64
        Sender, counted within its population, and place of the delay; rows ascend by both. A row may be there twice.
    count : (n_rows,) int64
        Synapses.
    """

    def __init__(self, rows, counts, n_delays):
        self.sender, self.delay = np.divmod(_joined(rows), n_delays)
        self.count, self.n_delays = _joined(counts), n_delays

    def edges(self, senders):
        """`Pathway.rows` for the senders in an ascending array that holds all of them."""
        size = np.zeros(senders.size * self.n_delays, dtype=np.int64)
        np.add.at(size, np.searchsorted(senders, self.sender) * self.n_delays + self.delay, self.count)
        return np.concatenate([[0], np.cumsum(size)])


def read_own_synapses(file, k, first, local, post, weight, pair_of):
    """Read what of a pathway ends on own neurons.

    Parameters
    ----------
    file : h5py.File
        Of a job.
    k, first : int
        The pathway, and its first synapse.
    local : (n_neurons,) int32
        Place of each neuron among the rank's own, -1 where it is another's.
    post, weight : (n,) int32, float64
        Filled; as long as there are such synapses.
    pair_of : callable
        Of (senders, places of receivers): a number for each (sender, core) pair.

    Returns
    -------
    OwnRows, and the pairs : (n_pairs,) int64, ascending
    """
    stored, n_delays = file[f"network/pathways/{k}/rows"], file[f"network/pathways/{k}/delays"].size
    rows, counts, pairs, filled = [], [], [], 0
    for begin in range(0, stored.size - 1, _ROWS_AT_ONCE):
        edges = stored[begin : begin + _ROWS_AT_ONCE + 1]
        for synapse in range(int(edges[0]), int(edges[-1]), _SYNAPSES_AT_ONCE):
            some = slice(first + synapse, first + min(synapse + _SYNAPSES_AT_ONCE, int(edges[-1])))
            receiver = local[file["network/synapses/post"][some]]
            mine = np.flatnonzero(receiver >= 0)
            here = slice(filled, filled + mine.size)
            post[here] = receiver[mine]
            weight[here] = file["network/synapses/weight"][some][mine]
            row = begin + np.searchsorted(edges, synapse + mine, side="right") - 1
            starts = np.flatnonzero(np.diff(row, prepend=-1))
            rows.append(row[starts])
            counts.append(np.diff(starts, append=row.size))
            pairs.append(np.unique(pair_of(row // n_delays, post[here])))
            filled = here.stop
    return OwnRows(rows, counts, n_delays), np.unique(_joined(pairs))


def _joined(arrays):
    return np.concatenate([np.empty(0, np.int64), *arrays])
