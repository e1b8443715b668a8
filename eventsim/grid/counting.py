"""What every grid kernel counts of deliveries: row by row, core by core and tick by tick.

A row, the synapses of one sender with one delay onto one part, is counted once, where the kernel delivers it. Two
things are counted of it: that it was delivered once more, and what it adds to each core; both are read with the lists
that it is delivered from (`eventsim.grid.spread`, `eventsim.grid.totals`). A recount from the trace has nothing in
common with this but the network. Where rows are counted when they are sent (`eventsim.grid.announcing`), what was
summed up then is added when they land.

Places in loops are unsigned, as in `eventsim.grid.ticks`.
"""

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.counts import SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS
from eventsim.grid.alike import place_of_coming
from eventsim.grid.lists import ask_for_entries, bring, forget, place_of_list
from eventsim.outline import UNCOUNTED, outlined
from eventsim.sums import AHEAD, IN_LISTS, IN_TURN, LARGEST_SUM, ON_A_CORE, ON_ONE_CORE, sum_fields

__all__ = ["count_rows"]

_1, _32_BITS = np.uint64(1), np.uint64(2**32 - 1)


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def count_rows(a, part, pathway, n_landed, done, tick, here):
    """Count the deliveries of a pathway to a part in this tick: all of them, and those by core.

    Parameters
    ----------
    a : GridArrays
        The first `n_landed` of `landed` are the rows; `lane_words` are zero.
    done : int
        Deliveries.
    here : int
        Where in `cells` this part's and tick's counts begin, kind by kind.
    """
    landed, spread, cells = a.landed[part], a.spread, a.cells
    form, lowest = spread[part, pathway, 0], here + spread[part, pathway, 1]  # the bytes of a row, or what stands there
    n, at, first_row = spread[part, pathway, 2], spread[part, pathway, 3], a.rows_at[part, pathway]
    per_byte, n_kinds, n_words = spread[part, pathway, 4], spread[part, pathway, 5], form // 8
    a.delivered[part, pathway] += done
    if form == ON_ONE_CORE:
        cells[lowest] += done
    elif a.alike_of[pathway] >= 0:
        _count_alike(a, pathway, n_landed, landed, at - first_row, tick, here)
    elif form == ON_A_CORE:
        _count_cells(a, n_landed, landed, at - first_row, n_kinds, here)
    elif a.coming_at[pathway] >= 0:
        _count_what_comes(a, pathway, n, tick, lowest)
    elif form != IN_LISTS:
        bits, lanes, sums = 8 // per_byte, a.lanes, a.lane_words[part]
        at_once, first_word = LARGEST_SUM // ((1 << bits) - 1), at - first_row * n_words
        for first in range(0, n_landed, at_once):
            sum_fields(sums, lanes, first_word, n_words, bits, landed, first, min(first + at_once, n_landed))
            _count_lanes(a, part, form * per_byte, n, n_kinds, lowest)
    else:
        _count_lists(a, part, pathway, n_landed, landed, lowest)


@cached_njit(error_model="numpy", **UNCOUNTED)
def _count_lists(a, part, pathway, n_landed, landed, lowest):
    """Add to the cells from `lowest` on what rows bring by their lists, summed up in the lower halves of words."""
    lists, list_at, brought, cells, first_row = a.lists, a.list_at, a.brought[part], a.cells, a.rows_at[part, pathway]
    n, at, n_kinds = a.spread[part, pathway, 2], a.spread[part, pathway, 3], a.spread[part, pathway, 5]
    bits, step = a.spread[part, pathway, 4], a.spread[part, pathway, 6]
    for j in range(np.uint64(n_landed)):
        landed[j] = place_of_list(list_at, step, at, lists, landed[j] - first_row)
    for j in range(-AHEAD, n_landed):
        ask_for_entries(lists, step, landed[np.uint64(min(j + AHEAD, n_landed - 1))])
        if j >= 0:
            bring(lists, landed[np.uint64(j)], bits, brought)
    for kind in range(n_kinds):
        begin, own = lowest + kind * (ZERO_WEIGHT_EVENTS - SYNAPTIC_EVENTS) * a.tally.shape[3], np.uint64(kind * n)
        for cell in range(np.uint64(n)):
            cells[np.uint64(begin) + cell] += np.int64(brought[own + cell] & _32_BITS)
            brought[own + cell] = 0
    forget(brought, bits)


@cached_njit(error_model="numpy", **UNCOUNTED)
def _count_cells(a, n_landed, landed, at, n_kinds, here):
    """Add to the cells what rows bring of which each is on one core, that of row r at `at` + r."""
    apart = np.uint64(n_landed) // IN_TURN
    for j in range(apart):
        for turn in range(IN_TURN):
            _count_cell(a, np.uint64(at + landed[j + turn * apart]), n_kinds, here)
    for j in range(IN_TURN * apart, np.uint64(n_landed)):
        _count_cell(a, np.uint64(at + landed[j]), n_kinds, here)


@cached_njit(error_model="numpy", forceinline=True, **UNCOUNTED)
def _count_cell(a, row, n_kinds, here):
    word, half = np.uint64(a.row_brings[row]), np.uint64(4 * a.row_brings.itemsize)
    cell = np.uint64(here) + (word & ((_1 << half) - _1))
    a.cells[cell] += word >> half
    if n_kinds > 1:
        a.cells[cell + np.uint64((ZERO_WEIGHT_EVENTS - SYNAPTIC_EVENTS) * a.tally.shape[3])] += a.row_zeros[row]


@cached_njit(error_model="numpy", **UNCOUNTED)
def _count_alike(a, pathway, n_landed, landed, at, tick, here):
    """Add to the cells what rows bring that are alike: of many spikes of a tick, what was held, of few row by row."""
    k, history, cells = a.alike_rows[a.alike_of[pathway], 0], a.history, a.cells
    first_delay, n_delays = a.delays_at[pathway], a.delays_at[pathway + 1] - a.delays_at[pathway]
    for d in range(n_delays):
        slot = (tick - a.delays[first_delay + d]) % a.history_count.shape[2]
        first, fired = a.history_at[k] + slot * a.population_size[k], a.history_count[0, k, slot]
        if fired < a.alike_from[k] and n_delays == 1:
            _count_cells(a, n_landed, landed, at, np.int64(1), here)
        elif fired < a.alike_from[k]:
            for j in range(np.uint64(first), np.uint64(first + fired)):
                _count_cell(a, np.uint64(a.spread[0, pathway, 3] + history[j] * n_delays + d), np.int64(1), here)
        else:
            start, lowest = np.uint64(place_of_coming(a, pathway, slot, d)), np.uint64(here + a.spread[0, pathway, 1])
            for cell in range(np.uint64(a.spread[0, pathway, 2])):
                cells[lowest + cell] += cells[start + cell]


@cached_njit(error_model="numpy", **UNCOUNTED)
def _count_what_comes(a, pathway, n, tick, lowest):
    """Add to the cells what the rows bring that were sent some ticks ago; without delay, it was added right then."""
    delay = a.delays[a.delays_at[pathway]]
    if delay:
        slot = (tick - delay) % a.history_count.shape[2]
        cells, first, coming = a.cells, np.uint64(lowest), np.uint64(a.coming_at[pathway] + slot * n)
        for lane in range(np.uint64(n)):
            cells[first + lane] += cells[coming + lane]


@cached_njit(error_model="numpy", **UNCOUNTED)
def _count_lanes(a, part, n_lanes, n, n_kinds, lowest):
    """Add to the cells what was counted in lanes, and begin to count anew."""
    sums, cells, first, n = a.lane_sums[part], a.cells, np.uint64(lowest), np.uint64(n)
    for lane in range(n):
        cells[first + lane] += np.int64(sums[lane])
    if n_kinds > 1:
        zero = first + np.uint64((ZERO_WEIGHT_EVENTS - SYNAPTIC_EVENTS) * a.tally.shape[3])
        for lane in range(n):
            cells[zero + lane] += np.int64(sums[n + lane])
    for lane in range(np.uint64(n_lanes)):
        sums[lane] = 0
