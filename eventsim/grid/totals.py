"""What the counters of a kernel come to at the end of a run."""

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.grid.single import spikes_of_each
from eventsim.grid.stretches import Stretches

__all__ = ["totals"]

_AT_ONCE = 1 << 18  # pairs of cores that are handled at once
_LOW = np.uint64((1 << 32) - 1)


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
        message_source, message_destination, message_count, sorted and without zeros, cores counted from the host, -1
    """
    count, weight = _received(network, storage, arrays)
    delivered = arrays.delivered.sum(axis=0)[: len(network.pathways)]
    messages = _messages(arrays, spikes_of_each(arrays, tick))
    return {"received_count": count, "received_weight": weight, "delivered": delivered, **messages}


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


def _messages(arrays, spikes):
    """Messages between cores: what each sender that fired sent, to each core that it reaches."""
    n_cores, core_of = arrays.tally.shape[3], (arrays.senders[:: arrays.width] & _LOW).astype(np.int64)
    fired = np.flatnonzero(spikes)
    fired = fired[np.argsort(core_of[fired], kind="stable")]
    edges, at_once = np.searchsorted(core_of[fired], np.arange(n_cores + 1)), max(1, _AT_ONCE // n_cores)
    columns = [np.empty((3, 0), dtype=np.int64)]
    for first in range(0, n_cores, at_once):
        some = np.arange(first, min(first + at_once, n_cores))
        sent = np.zeros((some.size, n_cores), dtype=np.int64)
        _send(fired[edges[first] : edges[some[-1] + 1]], core_of, first, arrays.senders, spikes, arrays.reach,
              arrays.reach_at, sent)  # fmt: skip
        source, destination = np.nonzero(sent)
        columns.append(np.stack([source + first - 1, destination - 1, sent[source, destination]]))
    source, destination, count = np.concatenate(columns, axis=1)
    return {"message_source": source.astype(np.int32), "message_destination": destination.astype(np.int32),
            "message_count": count}  # fmt: skip


@cached_njit()
def _send(fired, core_of, first_core, senders, sent, reach, reach_at, messages):
    """Add to messages[source, destination], sources from `first_core` on, destinations from the host on, what these
    senders sent, which stand core by core: to the cores in their lists, or, where there are none, to those of their
    bits."""
    width, n_cores = senders.size // core_of.size, messages.shape[1] - 1
    sums = np.zeros((width - 2, 64), dtype=np.int64)  # of one source, in the order of the bits
    for place in range(fired.size):
        sender = fired[place]
        source, times = core_of[sender] - first_core, sent[sender]
        if reach_at.size:
            for r in range(reach_at[sender], reach_at[sender + 1]):
                messages[source, np.int64(reach[r]) + 1] += times
            continue
        for word in range(width - 2):
            bits = senders[sender * width + 2 + word]
            for bit in range(64):
                sums[word, bit] += times & -np.int64((bits >> np.uint64(bit)) & np.uint64(1))
        if place + 1 == fired.size or core_of[fired[place + 1]] != core_of[sender]:
            for core in range(n_cores):
                messages[source, core + 1] = sums[core // 64, 8 * (core % 8) + core // 8 % 8]
            sums[:] = 0
