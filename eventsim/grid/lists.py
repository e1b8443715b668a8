"""Lists of the cells that rows are counted in: how they lie in memory, and how a kernel sums them up.

A cell is one of the counts that the rows of a pathway add to. Of each row a list of small numbers: the core of its
sender, counted from the host; how many entries it has; how many fours of entries name cells that are counted once, and
how many fours of cells that are counted more often follow; then these entries, a cell each, the latter with how often
in the bits above it. All that is read of a row stands together, and begins where it lies in as few lines of a cache as
it can. Mostly one list begins as far behind the last as the longest is long: then no table need tell where, which would
be one more line of memory for each spike.

Entries are summed up in fours: most lists are as many fours long as others, while a loop over single ones ends where
nobody could guess. What fills up a four names cells behind all others.
"""

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.machine import ask_for, per_line

__all__ = ["ask_for_entries", "bits_of_cells", "bring", "forget", "packed", "place_of_list", "size_of_numbers", "units"]

#: Entries that are summed up without a look whether they are the last; one less, at most, fill up.
_AT_ONCE = 4
_HEAD, _LINE, _UNIT = 4, 64, 16  # numbers in front of the entries; bytes of a line; lists begin at multiples of a unit
_OF_LINE = _LINE // _UNIT
_1, _2, _3, _4, _ONCE = (np.uint64(n) for n in (1, 2, 3, _HEAD, _AT_ONCE))
_A_MESSAGE = np.uint64(1 << 32)


def bits_of_cells(n_cells):
    """How many bits of an entry name one of so many cells, or one of those behind them that fill up."""
    return int(n_cells + _AT_ONCE - 2).bit_length()


def size_of_numbers(n_cores, bits_and_counts):
    """The dtype of lists, in which the core of any sender has room, and each entry.

    Parameters
    ----------
    n_cores : int
    bits_and_counts : iterable of (int, int)
        Of all pathways with lists the bits of a cell, and how often a row counts one at most.
    """
    needed = max([n_cores.bit_length(), *(bits + int(count).bit_length() for bits, count in bits_and_counts)])
    return next(t for t in (np.uint16, np.uint32, np.uint64) if needed <= 8 * t().itemsize)


def packed(begins, cell, count, core, bits, dtype, most_bytes):
    """The lists of some rows.

    Parameters
    ----------
    begins : (n_rows + 1,) int64
        Where the cells of each row begin.
    cell, count : (n,) unsigned
        The cells, none twice in a row, and how often each is counted.
    core : (n_rows,) int32
        Of the sender of each row, counted from the host.
    bits : int
        As `bits_of_cells` has it.
    dtype : type
        As `size_of_numbers` has it.
    most_bytes : int
        Lists that begin as far from each other take no more.

    Returns
    -------
    step : int
        From each list to the next, in units; 0 where that would take too many bytes.
    list_at : (n_rows,) uint32
        Where each list begins, in units, if `step` is 0, else empty; rows of one core behind each other that reach
        nobody share one.
    lists : (m,) of that dtype
        Whole lines.
    """
    itemsize = dtype().itemsize
    n = _entries(begins, count)
    fours = -(-n // _AT_ONCE)
    sizes = -(-(_HEAD + _AT_ONCE * fours.sum(axis=1)) * itemsize // _UNIT)
    step = _step(sizes, most_bytes)
    places, size = (np.arange(len(n), dtype=np.uint32) * step, step * len(n)) if step else _places(sizes, n, core)
    lists = np.zeros(-(-size // _OF_LINE) * _LINE // itemsize, dtype=dtype)
    _fill(begins, cell, count, core, n, fours, bits, places, lists)
    return step, places[: 0 if step else None], lists


def units(lists, size):
    """How many units `size` numbers take."""
    return size * lists.itemsize // _UNIT


@cached_njit()
def _entries(begins, count):
    """(n_rows, 2) int32: of each row the cells that are counted once, and those that are counted more often."""
    n = np.zeros((begins.size - 1, 2), np.int32)
    for row in range(len(n)):
        for place in range(np.uint64(begins[row]), np.uint64(begins[row + 1])):
            n[row, 0] += count[place] == 1
        n[row, 1] = begins[row + 1] - begins[row] - n[row, 0]
    return n


def _step(sizes, most_bytes):
    """Units from a list to the next, if they may all be as long as the longest of these; else 0."""
    longest = int(sizes.max(initial=1))
    step = next((part for part in (1, 2) if longest <= part), -(-longest // _OF_LINE) * _OF_LINE)
    return step if step * sizes.size * _UNIT <= most_bytes else 0


@cached_njit()
def _places(sizes, n, core):
    """Where each list of so many units and entries begins, in as few lines as it can, and units in all."""
    places, free, empty, empty_core = np.empty(sizes.size, np.uint32), 0, 0, -1
    for row, size in enumerate(sizes):
        is_empty = n[row, 0] + n[row, 1] == 0
        if is_empty and core[row] == empty_core:
            places[row] = empty
            continue
        if (free % _OF_LINE + size + _OF_LINE - 1) // _OF_LINE > (size + _OF_LINE - 1) // _OF_LINE:
            free = (free // _OF_LINE + 1) * _OF_LINE
        places[row] = free
        if is_empty:
            empty, empty_core = free, core[row]
        free += size
    return places, free


@cached_njit()
def _fill(begins, cell, count, core, n, fours, bits, places, lists):
    """Write the lists."""
    for row in range(len(n)):
        head = np.uint64(np.int64(places[row]) * (_UNIT // lists.itemsize))
        lists[head], lists[head + _1] = core[row], n[row].sum()
        lists[head + _2], lists[head + _3] = fours[row]
        once = head + _4
        more = once + _ONCE * np.uint64(fours[row, 0])
        for place in range(np.uint64(begins[row]), np.uint64(begins[row + 1])):
            if count[place] == 1:
                lists[once] = cell[place]
                once += _1
            else:
                lists[more] = np.uint64(cell[place]) | np.uint64(count[place]) << np.uint64(bits)
                more += _1
        _fill_up(lists, once, -np.int64(n[row, 0]) % _AT_ONCE, bits)
        _fill_up(lists, more, -np.int64(n[row, 1]) % _AT_ONCE, bits)


@njit
def _fill_up(lists, first, n, bits):
    """Write entries of no meaning."""
    for place in range(np.uint64(n)):
        lists[first + place] = np.uint64(1 << bits) - _1 - place


@njit(nogil=True)
def place_of_list(list_at, step, first, lists, row):
    """Where the list of a row begins in `lists`: those of its pathway do so `first` units on, or where `list_at` tells
    from `first` on."""
    place = np.int64(list_at[np.uint64(first + row)]) if step == 0 else first + step * row
    return place * (per_line(lists) // _OF_LINE)


@njit(nogil=True)
def ask_for_entries(lists, step, place):
    """Have the list that begins at a place on its way into the cache; where no step tells how long it is, two lines."""
    stop = place + (step * (per_line(lists) // _OF_LINE) if step else 2 * per_line(lists))
    ask_for(lists, place)
    place += per_line(lists)
    while place < stop:  # a range would be worked out first
        ask_for(lists, place)
        place += per_line(lists)


@njit(nogil=True)
def bring(lists, begin, bits, brought):
    """Add what the row whose list begins at `begin` brings to brought[cell], and 2^32 to each cell that it names.

    Parameters
    ----------
    lists : (m,) unsigned
    begin, bits : int
        `bits` as `bits_of_cells` has it.
    brought : (2^bits and more,) uint64
        The last of 2^bits are of no meaning; `forget` makes them zero.
    """
    place, shift = np.uint64(begin), np.uint64(bits)
    mask, entry = (_1 << shift) - _1, place + _4
    more = entry + _ONCE * np.uint64(lists[place + _2])
    stop = more + _ONCE * np.uint64(lists[place + _3])
    while entry < more:
        for _ in range(_AT_ONCE):
            brought[np.uint64(lists[entry])] += _A_MESSAGE + _1
            entry += _1
    while entry < stop:
        for _ in range(_AT_ONCE):
            number = np.uint64(lists[entry])
            brought[number & mask] += _A_MESSAGE + (number >> shift)
            entry += _1


@njit(nogil=True)
def forget(brought, bits):
    """Make zero what was brought by entries that fill up: to pathways of more cells theirs are cells like others."""
    for cell in range(_AT_ONCE - 1):
        brought[np.uint64((1 << bits) - 1 - cell)] = 0
