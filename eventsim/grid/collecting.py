"""What every grid kernel hands over: the spikes and the counts of each tick, appended to the buffers of a trace.

Rows of counts are words of `eventsim.collected`. Places in loops are unsigned, as in `eventsim.grid.ticks`.
"""

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.collected import CORE_AT, COUNT_AT, END_OF_TABLE, END_OF_TICK, SIZE_AT, WORDS_PER_SPIKE
from eventsim.counts import KINDS
from eventsim.outline import FOR_KERNELS, UNCOUNTED, outlined

__all__ = ["collect", "collect_counts", "collect_spikes"]

_1 = np.uint64(1)


@outlined
@cached_njit(error_model="numpy", **FOR_KERNELS)
def collect(a, first, stop):
    """Append the spikes and counts of ticks first, ..., stop - 1 to the buffers."""
    busy, (n_parts, depth) = a.busy, a.tally.shape[:2]
    for tick in range(first, stop):
        spikes, now, is_busy = _collect_spikes(a, tick), tick % depth, False
        for part in range(n_parts):
            is_busy |= busy[part, now]
            busy[part, now] = False
        if is_busy:
            _collect_counts(a, tick, now, spikes)


@outlined
@cached_njit(error_model="numpy", **FOR_KERNELS)
def collect_spikes(a, first, stop):
    """The same of spikes alone."""
    for tick in range(first, stop):
        _collect_spikes(a, tick)


@outlined
@cached_njit(error_model="numpy", **FOR_KERNELS)
def collect_counts(a, tick, now, spikes):
    """The same of the counts of one tick, those from slot `now` of the tally, with so many spikes."""
    _collect_counts(a, tick, now, spikes)


@cached_njit(error_model="numpy", **UNCOUNTED)
def _collect_spikes(a, tick):
    """Append the spikes of a tick; returns how many these are."""
    history, history_at, history_count, bounds = a.history, a.history_at, a.history_count, a.bounds
    population_start, population_size, spike_tick, spike_neuron = (
        a.population_start, a.population_size, a.spike_tick, a.spike_neuron
    )  # fmt: skip
    first, slot = a.filled[0], tick % history_count.shape[2]
    spikes = first
    for k in range(population_size.size):
        for part in range(a.tally.shape[0]):
            at = history_at[k] + slot * population_size[k] + bounds[part, k]
            for j in range(np.uint64(at), np.uint64(at + history_count[part, k, slot])):
                neuron = population_start[k] + history[j]
                spike_tick[np.uint64(spikes)], spike_neuron[np.uint64(spikes)] = tick, neuron
                spikes += 1
    a.filled[0] = spikes
    a.filled[3] += spikes - first
    return spikes - first


@cached_njit(error_model="numpy", **UNCOUNTED)
def _collect_counts(a, tick, now, spikes):
    """Append the counts of a tick with so many spikes, of all parts together, and begin to count anew."""
    cells, row_of_counts = a.cells, a.row_of_counts
    of_bytes, of_pairs, of_counts = a.table_of_bytes, a.table_of_pairs, a.table_of_counts
    n_parts, depth, _, n_cores = a.tally.shape
    per_tick, rows, end = len(KINDS) * n_cores, np.uint64(a.filled[1]), END_OF_TICK
    here, all_cells = np.uint64(now * per_tick), range(np.uint64(per_tick))
    for part in range(1, n_parts):
        there = here + np.uint64(part * depth * per_tick)
        for cell in all_cells:
            cells[here + cell] += cells[there + cell]
        for cell in all_cells:
            cells[there + cell] = 0
    together = cells[here]
    for cell in all_cells:
        together |= cells[here + cell]
    size = 0 if together < 1 << 8 else 1 if together < 1 << 16 else 2 if cells.itemsize == 4 else 3
    n_words = np.uint64((per_tick << size) + 7 >> 3)
    if n_words <= WORDS_PER_SPIKE * spikes:
        row_of_counts[rows + n_words - _1] = 0
        first = rows << np.uint64(3 - size)
        if size == 0:
            for cell in all_cells:
                of_bytes[first + cell] = cells[here + cell]
        elif size == 1:
            for cell in all_cells:
                of_pairs[first + cell] = cells[here + cell]
        else:
            for cell in all_cells:
                of_counts[first + cell] = cells[here + cell]
        rows, end = rows + n_words, END_OF_TABLE | np.uint64(size << SIZE_AT)
    else:
        for core in range(n_cores):
            for kind in range(len(KINDS)):
                count = np.uint64(cells[here + np.uint64(kind * n_cores + core)])
                row_of_counts[rows] = count << np.uint64(COUNT_AT) | np.uint64(core << CORE_AT | kind)
                rows += np.uint64(count != 0)  # no branch: nobody could guess it
    row_of_counts[rows] = end | np.uint64(tick)
    a.filled[1] = rows + _1
    for cell in all_cells:
        cells[here + cell] = 0
