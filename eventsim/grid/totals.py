"""What the counters of a kernel come to at the end of a run."""

import numpy as np
from numba import njit

from eventsim.grid.stretches import Stretches

__all__ = ["totals"]

_AT_ONCE = 1 << 20  # pairs of a neuron and a core that are handled at once


def totals(network, storage, arrays):
    """What the counters of a kernel come to, in the form that `TraceWriter.finish` takes.

    Parameters
    ----------
    network : CompiledNetwork
    storage : eventsim.grid.storage.Storage
        With which `arrays` were allocated.
    arrays : GridArrays

    Returns
    -------
    dict : received_count (n_neurons,) int64; received_weight (n_neurons,) float64; delivered (n_pathways,) int64;
        message_source, message_destination, message_count, sorted and without zeros, cores counted from the host, -1
    """
    count, weight = _received(network, storage, arrays)
    return {"received_count": count, "received_weight": weight, "delivered": arrays.delivered.sum(axis=0),
            **_messages(arrays)}  # fmt: skip


def _received(network, storage, arrays):
    """(n_neurons,) int64 deliveries that each neuron received, and (n_neurons,) float64 sum of their weights.

    They follow from how many times each row was delivered, and from the lists of targets and weights that it was
    delivered from, not from the network's: what is wrong there shows here.
    """
    count, weight = np.zeros(network.n_neurons, dtype=np.int64), np.zeros(network.n_neurons)
    for part, k in np.ndindex(arrays.rows_at.shape):
        pathway, first = network.pathways[k], arrays.rows_at[part, k]
        start = network.populations[pathway.target].start
        mine = slice(*(start + arrays.bounds[part : part + 2, pathway.target]))
        rows = slice(first, first + pathway.rows.size)
        way, begins, target, weights = storage.ways[k], arrays.rows[rows, 0].copy(), arrays.target, arrays.weight
        if k in storage.stretched:
            made = Stretches.of_table(arrays.stretch_at[rows], arrays.stretch, arrays.shared)
            begins, target = begins - begins[0], made.targets().astype(target.dtype)
            weights = made.each_weight() if way == "shared" else weights
        row_codes = arrays.row_code[arrays.row_code_at[k] :]
        stores = ((weights, ("full", "shared")), (arrays.code, ("code",)), (row_codes, ("row",)))
        of_synapse, code, of_row = (store if way in ways else store[:0] for store, ways in stores)
        _receive(begins, arrays.rows[rows, 1].copy(), target, of_synapse, code, of_row, arrays.values, count[mine],
                 weight[mine])  # fmt: skip
    return count, weight


@njit(cache=True, nogil=True)
def _receive(rows, times, target, weight, code, row_code, values, count, total):
    """Add what the rows of a pathway brought its receivers; of the three stores of weights the unused are empty."""
    for row in range(rows.size - 1):
        if times[row] == 0:
            continue
        w = values[row_code[row]] if row_code.size else 0.0
        for synapse in range(rows[row], rows[row + 1]):
            if weight.size:
                w = weight[synapse]
            elif code.size:
                w = values[code[synapse]]
            count[target[synapse]] += times[row]
            total[target[synapse]] += times[row] * w


def _messages(arrays):
    """Messages between cores: what each neuron sent, to each core that it reaches."""
    matrix = _from_lists(arrays) if arrays.reach_at.size else _from_bits(arrays)
    matrix.eliminate_zeros()
    matrix.sort_indices()
    source, destination = matrix.nonzero()
    return {"message_source": (source - 1).astype(np.int32), "message_destination": (destination - 1).astype(np.int32),
            "message_count": matrix.data}  # fmt: skip


def _from_bits(arrays):
    """Messages by (source, destination) core, the host first, where the cores reached are told by bits."""
    from scipy.sparse import csr_array  # takes a fifth of a second, when a run is over

    n_cores, n_neurons = arrays.tally.shape[3], arrays.sent.size
    matrix, at_once = np.zeros((n_cores, n_cores), dtype=np.int64), max(1, _AT_ONCE // n_cores)
    reaches = arrays.senders.view(np.uint8).reshape(n_neurons, -1)[:, 16:]
    for first in range(0, n_neurons, at_once):
        bits = np.unpackbits(reaches[first : first + at_once], axis=1, bitorder="little")
        some = bits[:, : n_cores - 1].astype(np.int64)
        places = (arrays.core_of[first : first + at_once] + 1, np.arange(len(some)))
        sent = csr_array((arrays.sent[first : first + at_once], places), shape=(n_cores, len(some)))
        matrix[:, 1:] += sent @ some
    return csr_array(matrix)


def _from_lists(arrays):
    """The same, where the cores reached are told by lists."""
    from scipy.sparse import coo_array, csr_array

    n_cores, at = arrays.tally.shape[3], arrays.reach_at
    matrix, first = csr_array((n_cores, n_cores), dtype=np.int64), 0
    while first < arrays.sent.size:
        last = max(first + 1, int(np.searchsorted(at, at[first] + _AT_ONCE, side="right")) - 1)
        size = np.diff(at[first : last + 1])
        source = np.repeat(arrays.core_of[first:last].astype(np.int32) + 1, size)
        destination = arrays.reach[at[first] : at[last]].astype(np.int32) + 1
        some = coo_array((np.repeat(arrays.sent[first:last], size), (source, destination)), shape=matrix.shape)
        matrix, first = csr_array(matrix + some.tocsr()), last
    return matrix
