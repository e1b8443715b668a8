"""Lists of the cells that rows are counted in: how they lie in memory, and how a kernel sums them up.

A cell is a place in a tally. Of each row a list of small numbers: the core of its sender, counted from the host; how
many cells it names; how many fours of cells that are counted once, and how many fours of those that are counted more
often; then the former, a number each, and the latter, each with how often. All that is read of a row stands together,
and begins where it lies in as few lines of a cache as it can.

Lists are mostly as many fours long as others, while a loop over single cells ends where nobody could guess: 100,000
neurons with 20 synapses on 109 cores took 1.34 of a run that counts nothing so, 1.27 by fours. What fills up a four are
cells behind all others.
"""

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.machine import ask_for, ask_for_row
from eventsim.sums import AHEAD

__all__ = ["AT_ONCE", "ask_for_lists", "bring", "packed", "place_of_list", "units"]

#: Cells of a list that are counted without a look whether they are the last; and so many cells fill up.
AT_ONCE = 4
_HEAD, _LINE, _UNIT = 4, 64, 32  # numbers in front of the cells; bytes of a line; lists begin at multiples of a unit
_1, _2, _3, _ONCE = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(AT_ONCE)
_A_MESSAGE = np.uint64(1 << 32)


def packed(begins, cell, count, core, n_cells):
    """The lists of some rows.

    Parameters
    ----------
    begins : (n_rows + 1,) int64
        Where the cells of each row begin.
    cell : (n,) uint16 or uint32
        Below `n_cells`; AT_ONCE more numbers must be there.
    count : (n,) uint8
        How often each is counted.
    core : (n_rows,) int32
        Of the sender of each row, counted from the host.
    n_cells : int

    Returns
    -------
    list_at : (n_rows,) uint32
        Where each list begins, in units; rows of one core behind each other that reach nobody share one.
    lists : (m,) as `cell`
        Whole lines.
    """
    places, size = _places(begins, count, core, cell.itemsize)
    return places, _filled(begins, cell, count, core, n_cells, places, np.zeros(size, dtype=cell.dtype))


def units(lists, size):
    """How many units `size` numbers take."""
    return np.uint32(size * lists.itemsize // _UNIT)


@njit
def _ones(count, begin, stop):
    """How many cells are counted once."""
    found = 0
    for entry in range(begin, stop):
        found += count[entry] == 1
    return found


@cached_njit()
def _places(begins, count, core, itemsize):
    """Where each list begins, in units, and numbers in all."""
    line, unit, free, empty, empty_core = _LINE // itemsize, _UNIT // itemsize, 0, 0, -1
    places = np.empty(begins.size - 1, np.uint32)
    for row in range(places.size):
        n = begins[row + 1] - begins[row]
        if n == 0 and core[row] == empty_core:
            places[row] = empty
            continue
        ones = _ones(count, begins[row], begins[row + 1])
        size = _HEAD + AT_ONCE * (-(-ones // AT_ONCE) + 2 * -((ones - n) // AT_ONCE))
        if (free % line + size + line - 1) // line > (size + line - 1) // line:
            free = (free // line + 1) * line
        places[row] = free // unit
        if n == 0:
            empty, empty_core = places[row], core[row]
        free += (size + unit - 1) // unit * unit
    return places, (free + line - 1) // line * line


@cached_njit()
def _filled(begins, cell, count, core, n_cells, places, lists):
    for row in range(places.size):
        head, n = np.int64(places[row]) * (_UNIT // lists.itemsize), begins[row + 1] - begins[row]
        ones = _ones(count, begins[row], begins[row + 1])
        fours, more_fours = -(-ones // AT_ONCE), -((ones - n) // AT_ONCE)
        lists[head], lists[head + 1], lists[head + 2], lists[head + 3] = core[row], n, fours, more_fours
        one = head + _HEAD
        more = one + AT_ONCE * fours
        for place in range(AT_ONCE * fours):
            lists[one + place] = n_cells + place % AT_ONCE
        for place in range(AT_ONCE * more_fours):
            lists[more + 2 * place] = n_cells + place % AT_ONCE
        for entry in range(begins[row], begins[row + 1]):
            if count[entry] == 1:
                lists[one] = cell[entry]
                one += 1
            else:
                lists[more], lists[more + 1] = cell[entry], count[entry]
                more += 2
    return lists


@njit(nogil=True)
def place_of_list(list_at, lists, row):
    """Where the list of a row begins in `lists`."""
    return np.int64(list_at[np.uint64(row)]) * (_UNIT // lists.itemsize)


@njit(nogil=True)
def ask_for_lists(lists, places, j, n):
    """Have the list at the place that stands some places behind `j`, and at most last of `n`, on its way into the
    cache, and of one half as far what does not fit in a line."""
    ask_for(lists, places[np.uint64(min(j + AHEAD, n - 1))])
    place = np.uint64(places[np.uint64(max(0, min(j + AHEAD // 2, n - 1)))])
    size = np.uint64(_HEAD) + _ONCE * (np.uint64(lists[place + _2]) + _2 * np.uint64(lists[place + _3]))
    if size > np.uint64(_LINE // lists.itemsize):
        ask_for_row(lists, place, place + size)


@njit(nogil=True)
def bring(lists, begin, brought):
    """Add what the row whose list begins at `begin` brings to brought[cell], and 2^32 to each cell that it names.

    Parameters
    ----------
    lists : (m,) uint16 or uint32
    begin : int
    brought : (n_cells + AT_ONCE,) uint64
        The last are of no meaning.
    """
    place = np.uint64(begin)
    one = place + np.uint64(_HEAD)
    more = one + _ONCE * np.uint64(lists[place + _2])
    stop = more + _2 * _ONCE * np.uint64(lists[place + _3])
    while one < more:
        for _ in range(AT_ONCE):
            brought[np.uint64(lists[one])] += _A_MESSAGE + _1
            one += _1
    while more < stop:
        for _ in range(AT_ONCE):
            brought[np.uint64(lists[more])] += _A_MESSAGE + np.uint64(lists[more + _1])
            more += _2
