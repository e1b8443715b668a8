"""What the counters of a kernel come to at the end of a run."""

from functools import partial

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.grid.messages import messages_of
from eventsim.grid.single import spikes_of_each
from eventsim.grid.stretches import Stretches
from eventsim.made import Made

__all__ = ["totals"]


def totals(network, storage, arrays, tick):
    """What the counters of a kernel come to, in the form that `TraceWriter.finish` takes.

    Parameters
    ----------
    network : CompiledNetwork
    storage : eventsim.grid.storage.Storage
        With which `arrays` were allocated.
    arrays : GridArrays
    tick : int
        The first that was not run.

    Returns
    -------
    dict : received_count (n_neurons,) int64; received_weight (n_neurons,) float64; delivered (n_pathways,) int64;
        messages, what `messages_of` gives, made when it is asked for
    """
    count, weight = _received(network, storage, arrays)
    delivered = arrays.delivered.sum(axis=0)[: len(network.pathways)]
    senders = arrays.senders, arrays.width, arrays.reach, arrays.reach_at
    messages = partial(messages_of, network, arrays.core_of, senders, arrays.single[:, 0], spikes_of_each(arrays, tick))
    return {"received_count": count, "received_weight": weight, "delivered": delivered, "messages": Made(messages)}


def _received(network, storage, arrays):
    """(n_neurons,) int64 deliveries that each neuron received, and (n_neurons,) float64 sum of their weights.

    They follow from how many times each row was delivered, and from the lists of targets and weights that it was
    delivered from, not from the network's: what is wrong there shows here.
    """
    received = np.zeros((network.n_neurons, 2))  # count and weight side by side: one line of a cache for a delivery
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
        _receive(begins, arrays.rows[rows, 1].copy(), target, of_synapse, code, of_row, arrays.values,
                 received[mine].ravel())  # fmt: skip
    return received[:, 0].astype(np.int64), received[:, 1].copy()


@cached_njit()
def _receive(rows, times, target, weight, code, row_code, values, received):
    """Add what the rows of a pathway brought its receivers; of the three stores of weights the unused are empty."""
    for row in range(rows.size - 1):
        many = np.float64(times[row])
        if many == 0.0:
            continue
        w = many * values[row_code[row]] if row_code.size else 0.0
        for synapse in range(np.uint64(rows[row]), np.uint64(rows[row + 1])):
            if weight.size:
                w = many * weight[synapse]
            elif code.size:
                w = many * values[code[synapse]]
            at = np.uint64(2) * np.uint64(target[synapse])
            received[at] += many
            received[at + np.uint64(1)] += w
