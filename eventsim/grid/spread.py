"""How the deliveries of each row are spread over cores: told once, so that a kernel counts row by row.

A row, the synapses of one sender with one delay onto one part, is delivered as a whole. What this adds to the counts of
cores is read off the very lists that the kernel delivers from, and kept in that one of four forms which is added in
the least time, for each part and pathway:

- one core for all: nothing is kept, the count is the number of deliveries;
- one core for each row: its cell and the number of its synapses, and how many are of weight zero;
- lanes: a byte for each row and core, or half a byte where that holds the counts, added a word of them at once;
- lists of the cores that a row reaches, where rows miss most of them (`eventsim.grid.lists`).

A delivery of weight zero is counted twice: as one, and as one of weight zero.
"""

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.counts import SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS
from eventsim.grid.lists import AT_ONCE, packed, units
from eventsim.grid.parts import apart, flat
from eventsim.grid.stretches import Stretches
from eventsim.sums import FIELD, IN_LISTS, ON_A_CORE, ON_ONE_CORE

__all__ = ["MOST_BYTES", "spread"]

#: So many bytes of lanes take the time of one entry of a list. Measured, of a run that counts nothing: QKTA 1.1, with 8
#: 1.20; B1x10 1.09 with either. And so many for each synapse are kept at most.
LANES, MOST_BYTES = 16, 6
#: How often an entry of a list counts a cell at most: what is above that is counted by more of them.
_MOST_OF_ENTRY = 255
_TOGETHER, _LINE = 16, 64  # bytes of two words, and of a line of a cache
_WORD = 8  # bytes
_IN_A_SUM = 8 * _WORD // FIELD  # sums of lanes in a word
_MOST_OF_HALF = 15  # in half a byte


def spread(network, core_of, bounds, arrays, storage):
    """Where in a tally the deliveries of each row are counted: fields of GridArrays.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
    bounds : (n_parts + 1, n_populations) int64
    arrays : dict
        As `eventsim.grid.parts.divide` gives it.
    storage : eventsim.grid.storage.Storage

    Returns
    -------
    dict : spread, lanes, row_brings, row_zeros, list_at, lists, brought, lane_sums, lane_words, landed, of GridArrays
    """
    n_cores = int(core_of.max(initial=0)) + 2  # and the host
    longest = max((int(np.diff(p.rows).max(initial=0)) for p in network.pathways), default=0)
    kept = _Kept(n_cores, longest)
    table = np.zeros((len(bounds) - 1, len(network.pathways), 6), dtype=np.int64)
    for part, k in np.ndindex(table.shape[:2]):
        target = network.populations[network.pathways[k].target]
        first, stop = target.start + bounds[part : part + 2, network.pathways[k].target]
        cell_of = (SYNAPTIC_EVENTS * n_cores + 1 + core_of[first:stop]).astype(kept.cells)
        zero = _is_zero(network, arrays, part, k, storage)
        table[part, k] = kept.add(_rows(network, arrays, part, k), arrays["target"], cell_of, zero,
                                  _core_of_rows(network, core_of, k))  # fmt: skip
    most = max((p.rows.size - 1 for p in network.pathways), default=0)
    most_lanes = int((table[:, :, 0] * table[:, :, 4]).max(initial=0))
    sums = apart(len(table), (2 * -(-most_lanes // _IN_A_SUM),), np.uint64)  # and for lanes that are not zero
    return kept.arrays() | {
        "spread": table, "lane_words": sums, "lane_sums": sums.view(np.uint16),
        "landed": np.empty((len(table), most), dtype=np.int64),
        "brought": apart(len(table), ((ZERO_WEIGHT_EVENTS + 1) * n_cores + AT_ONCE,), np.uint64),
    }  # fmt: skip


class _Kept:
    """What is kept of the rows of all pathways, those of one form behind each other; `cells` is the dtype of a cell.

    Parameters
    ----------
    n_cores : int
        With the host.
    longest : int
        Synapses of a row, at most.
    """

    def __init__(self, n_cores, longest):
        n_cells = (ZERO_WEIGHT_EVENTS + 1) * n_cores
        self._n_cores, self.cells = n_cores, np.uint16 if n_cells + AT_ONCE <= 1 << 16 else np.uint32
        most = max(n_cells - 1, longest)
        self._brings = next(t for t in (np.uint16, np.uint32, np.uint64) if most < 1 << 4 * t().itemsize)
        self._columns = {
            "row_brings": _Column(self._brings), "row_zeros": _Column(np.uint32), "lanes": _Column(np.uint64),
            "list_at": _Column(np.uint32), "lists": _Column(self.cells),
        }  # fmt: skip

    def arrays(self):
        return {name: column.joined() for name, column in self._columns.items()}

    def add(self, rows, target, cell_of, zero, core):
        """Keep the rows of a part's pathway, `core` that of each row's sender; returns its row of `spread`."""
        lowest, n = (int(cell_of.min()), int(np.ptp(cell_of)) + 1) if cell_of.size else (0, 1)
        n_kinds = 1 + bool(zero.size)
        if n == n_kinds == 1:
            return ON_ONE_CORE, lowest, n, 0, 1, n_kinds
        of_row, is_one = _cells(rows, target, cell_of)
        if is_one:
            return ON_A_CORE, lowest, n, self._add_cells(of_row, rows, zero), 1, n_kinds
        ends, cell, count, are_once = _lists(rows, target, cell_of, zero, self._n_cores)
        per_byte = 2 if count.max(initial=0) <= _MOST_OF_HALF else 1
        stride = _stride(-(-n * n_kinds // per_byte))
        if are_once and stride * (rows.size - 1) <= min(LANES * cell.size, MOST_BYTES * int(rows[-1] - rows[0])):
            lanes = _lanes(ends, cell, count, lowest, n, stride // _WORD, per_byte, self._n_cores)
            return stride, lowest, n, self._columns["lanes"].add(lanes), per_byte, n_kinds
        return IN_LISTS, lowest, n, self._add_lists(ends, cell, count, core), int(are_once), n_kinds

    def _add_cells(self, of_row, rows, zero):
        half, sizes = self._brings(4 * self._brings().itemsize), np.diff(rows).astype(self._brings)
        at, zeros = self._columns["row_brings"].add(sizes << half | of_row), self._columns["row_zeros"]
        if zero.size:  # at the same place
            zeros.add(np.zeros(at - zeros.size, dtype=np.uint32))
            zeros.add(_zeros(rows, zero))
        return at

    def _add_lists(self, ends, cell, count, core):
        list_at, lists = packed(ends, cell, count, core, (ZERO_WEIGHT_EVENTS + 1) * self._n_cores)
        return self._columns["list_at"].add(list_at + units(lists, self._columns["lists"].add(lists)))


class _Column:
    """Arrays that will lie behind each other."""

    def __init__(self, dtype):
        self.size, self._dtype, self._parts = 0, dtype, []

    def add(self, array):
        """Returns where it begins."""
        self._parts.append(array)
        self.size += array.size
        return self.size - array.size

    def joined(self):
        return flat(self._parts, self._dtype)[0]


def _stride(n):
    """Bytes of a row, `n` at least: no line of a cache is begun in vain."""
    of_line = next((size for size in (_TOGETHER, 2 * _TOGETHER) if n <= size), _LINE)
    return -(-n // of_line) * of_line


def _rows(network, arrays, part, k):
    """Where the rows of a part's pathway begin, and where the last one ends."""
    return arrays["rows"][_places(network, arrays, part, k)]


def _places(network, arrays, part, k):
    first = arrays["rows_at"][part, k]
    return slice(first, first + network.pathways[k].rows.size)


def _core_of_rows(network, core_of, k):
    """(n_rows,) int32: the core of the sender of each row of a pathway, counted from the host."""
    source = network.populations[network.pathways[k].source]
    return np.repeat(core_of[source.start : source.stop] + 1, network.pathways[k].delays.size)


def _is_zero(network, arrays, part, k, storage):
    """(n,) bool: whether each synapse of a part's pathway is one of weight zero; empty where none is."""
    rows = _rows(network, arrays, part, k)
    here, way, zero = slice(rows[0], rows[-1]), storage.ways[k], storage.values == 0.0
    if way in ("code", "row") and not zero.any():
        return zero[:0]
    if way == "full":
        found = arrays["weight"][here] == 0.0
    elif way == "shared":
        at = arrays["stretch_at"][_places(network, arrays, part, k)]
        found = Stretches.of_table(at, arrays["stretch"], arrays["shared"]).each_weight() == 0.0
    elif way == "code":
        found = zero[arrays["code"][here]]
    elif way == "row":
        codes = arrays["row_code"][arrays["row_code_at"][k] : arrays["row_code_at"][k + 1]]
        found = np.repeat(zero[codes], np.diff(rows))
    else:
        return np.empty(0, dtype=bool)
    return found if found.any() else found[:0]


@cached_njit()
def _cells(rows, target, cell_of):
    """The cell of each row, 0 of one without synapses; and whether every row has one only."""
    cells = np.zeros(rows.size - 1, cell_of.dtype)
    for row in range(rows.size - 1):
        for synapse in range(rows[row], rows[row + 1]):
            cell = cell_of[target[synapse]]
            if synapse > rows[row] and cell != cells[row]:
                return cells, False
            cells[row] = cell
    return cells, True


@cached_njit()
def _zeros(rows, zero):
    """How many synapses of each row are of weight zero, as `_is_zero` tells it of each."""
    found = np.zeros(rows.size - 1, dtype=np.uint32)
    for row in range(rows.size - 1):
        for synapse in range(rows[row] - rows[0], rows[row + 1] - rows[0]):
            found[row] += zero[synapse]
    return found


def _lists(rows, target, cell_of, zero, n_cores):
    """For each row its cells and how often each is counted: where each row's begin, the cells, the counts, and whether
    no cell is there twice. A count is a byte; what is above that is counted by more entries."""
    most = int(rows[-1] - rows[0]) * (1 + bool(zero.size))
    cell, count = np.empty(most, dtype=cell_of.dtype), np.empty(most, dtype=np.uint8)
    at, are_once = _list(rows, target, cell_of, zero, n_cores, cell, count)
    return at, cell[: at[-1]].copy(), count[: at[-1]].copy(), are_once


@cached_njit()
def _list(rows, target, cell_of, zero, n_cores, cell, count):
    at, found, are_once = np.zeros(rows.size, np.int64), np.zeros((ZERO_WEIGHT_EVENTS + 1) * n_cores, np.int64), True
    to_zero, filled = (ZERO_WEIGHT_EVENTS - SYNAPTIC_EVENTS) * n_cores, np.uint64(0)
    for row in range(rows.size - 1):
        for synapse in range(np.uint64(rows[row]), np.uint64(rows[row + 1])):
            place = np.uint64(cell_of[np.uint64(target[synapse])])
            cell[filled] = place
            filled += np.uint64(found[place] == 0)  # no branch: nobody could guess it
            found[place] += 1
        if zero.size:
            for synapse in range(rows[row], rows[row + 1]):
                place = np.int64(cell_of[target[synapse]]) + to_zero
                times = np.int64(zero[synapse - rows[0]])
                cell[filled] = place
                filled += np.uint64(times & (found[place] == 0))
                found[place] += times
        for entry in range(np.uint64(at[row]), np.uint64(filled)):
            place = np.uint64(cell[entry])
            left, found[place] = found[place], 0
            count[entry] = min(left, _MOST_OF_ENTRY)
            while left > _MOST_OF_ENTRY:
                left -= _MOST_OF_ENTRY
                cell[filled], count[filled], are_once = place, min(left, _MOST_OF_ENTRY), False
                filled += np.uint64(1)
        at[row + 1] = filled
    return at, are_once


@cached_njit()
def _lanes(at, cell, count, lowest, n, n_words, per_byte, n_cores):
    """The same as `n_words` words of lanes each: `n` cells from `lowest` on, and as many of weight zero where there are
    any.

    The first lanes are those in the lowest bits of the quarters of all words, four in each; the next, of as many bits,
    lie right above them, and so on: what is one shift and one mask away can be added at once, and sums of lanes are in
    the order of lanes.
    """
    lanes, to_zero = np.zeros((at.size - 1) * n_words, np.uint64), (ZERO_WEIGHT_EVENTS - SYNAPTIC_EVENTS) * n_cores
    word_of, shift_of = np.empty(to_zero + n, np.int64), np.empty(to_zero + n, np.uint64)  # by place of a cell
    for place in range(to_zero + n):
        lane = place if place < n else place + n - to_zero
        quarter, layer = lane % _IN_A_SUM, lane // _IN_A_SUM // n_words
        word_of[place], shift_of[place] = lane // _IN_A_SUM % n_words, 16 * quarter + 8 // per_byte * layer
    for row in range(at.size - 1):
        for entry in range(np.uint64(at[row]), np.uint64(at[row + 1])):
            place = np.uint64(cell[entry]) - np.uint64(lowest)
            lanes[np.uint64(row * n_words + word_of[place])] |= np.uint64(count[entry]) << shift_of[place]
    return lanes
