"""The recount's inner loops: what one spike, and one bundle of synapses, adds to counts and sums.

The loops walk the flat columns of the synapses, bundle by bundle; see `analysis.audit.recount`. Counts of a chunk go to
a table with a row for each tick and a column for each (core, kind), of which only blocks that are touched are ever read
again or cleared: a run may have many more cells than events.
"""

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.counts import KINDS, MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS

__all__ = ["Tally", "count_deliveries", "count_spikes", "reached", "received"]

_N_KINDS = len(KINDS)

#: Cells of the table; it bounds the memory and changes no result.
_CELLS = 1 << 22

#: Cells that are read again, or not, together.
_LOG2_BLOCK = np.uint64(6)
_BLOCK = 1 << int(_LOG2_BLOCK)


class Tally:
    """Counts of (tick, column), column = slot * n_kinds + kind, as parts that grow until they are taken.

    Parameters
    ----------
    n_slots : int
        Cores, the host among them.
    """

    def __init__(self, n_slots):
        self._n_columns = max(n_slots * _N_KINDS, 1)
        n_blocks = -(-max(_CELLS, self._n_columns) // _BLOCK)
        self._table, self._touched = np.zeros(n_blocks * _BLOCK, dtype=np.int64), np.zeros(n_blocks, dtype=bool)
        self._parts = [(np.empty(0, np.int64),) * 3]

    def add(self, tick, count, *columns):
        """Add events that happened at these ticks: `count(table, touched, n_columns, row, chosen, *columns)`."""
        ticks, row = np.unique(tick, return_inverse=True)
        rows, blocks = self._table.size // self._n_columns, self._table.reshape(-1, _BLOCK)
        for first in range(0, ticks.size, rows):
            chosen = np.flatnonzero((row >= first) & (row < first + rows))
            count(self._table, self._touched, self._n_columns, row[chosen] - first, chosen, *columns)
            touched = np.flatnonzero(self._touched)
            which, within = np.nonzero(blocks[touched])
            at, column = np.divmod(touched[which] * _BLOCK + within, self._n_columns)
            self._parts.append((ticks[first + at], column, blocks[touched[which], within]))
            blocks[touched], self._touched[touched] = 0, False

    def take(self):
        """(tick, column, count) of every cell that is not zero, sorted, equal places added up; all begins anew."""
        tick, column, count = (np.concatenate(columns) for columns in zip(*self._parts))
        self._parts = self._parts[:1]
        order = np.lexsort((column, tick))
        tick, column, count = tick[order], column[order], count[order]
        first = np.ones(tick.size, dtype=bool)
        first[1:] = (tick[1:] != tick[:-1]) | (column[1:] != column[:-1])
        first = np.flatnonzero(first)
        return tick[first], column[first], np.add.reduceat(count, first) if first.size else count


@njit(inline="always")
def _one_more(table, touched, cell):
    """Count one in a cell; without a branch, and unsigned, which is six times as fast."""
    cell = np.uint64(cell)
    table[cell] += 1
    touched[cell >> _LOG2_BLOCK] = True


@cached_njit()
def count_spikes(table, touched, n_columns, row, chosen, neuron, slot, reach, reach_at):
    """A spike, and a message out and in for each core that its neuron reaches."""
    for k in range(chosen.size):
        i, base = neuron[chosen[k]], row[k] * n_columns
        own = base + slot[i] * _N_KINDS
        _one_more(table, touched, own + SPIKES)
        for r in range(reach_at[i], reach_at[i + 1]):
            _one_more(table, touched, own + MESSAGES_OUT)
            _one_more(table, touched, base + reach[r] * _N_KINDS + MESSAGES_IN)


@cached_njit()
def count_deliveries(table, touched, n_columns, row, chosen, bundle, first, slot_of_post, zero):
    """A synaptic event for each synapse of a bundle, and one of weight zero where it is."""
    for k in range(chosen.size):
        b, base = bundle[chosen[k]], row[k] * n_columns
        for synapse in range(first[b], first[b + 1]):
            cell = base + slot_of_post[synapse] * _N_KINDS
            _one_more(table, touched, cell + SYNAPTIC_EVENTS)
            if zero[synapse]:
                _one_more(table, touched, cell + ZERO_WEIGHT_EVENTS)


@cached_njit()
def received(post, weight, first, times, n_neurons):
    """Deliveries to each neuron, how many synapses made them, and the sums of their weights and of |weights|, when
    bundle b, synapses first[b] to first[b + 1] - 1, was delivered times[b] times. Summed synapse by synapse."""
    count, delivering = np.zeros(n_neurons, np.int64), np.zeros(n_neurons, np.int64)
    total, magnitude = np.zeros(n_neurons), np.zeros(n_neurons)
    for b in range(times.size):
        if times[b] == 0:
            continue
        for synapse in range(first[b], first[b + 1]):
            i = post[synapse]
            count[i] += times[b]
            delivering[i] += 1
            total[i] += times[b] * weight[synapse]
            magnitude[i] += times[b] * abs(weight[synapse])
    return count, delivering, total, magnitude


@cached_njit()
def reached(by_pre, at, first, slot_of_post, on_chip):
    """The distinct slots on the chip that each neuron reaches, in order of their first synapse, and where each neuron's
    begin."""
    n_neurons, filled = at.size - 1, 0
    reach, reach_at = np.empty(slot_of_post.size, np.int32), np.zeros(n_neurons + 1, np.int64)
    last = np.full(on_chip.size, -1, np.int64)
    for i in range(n_neurons):
        for k in range(at[i], at[i + 1]):
            for synapse in range(first[by_pre[k]], first[by_pre[k] + 1]):
                slot = slot_of_post[synapse]
                if last[slot] != i and on_chip[slot]:
                    last[slot] = i
                    reach[filled] = slot
                    filled += 1
        reach_at[i + 1] = filled
    return reach[:filled].copy(), reach_at
