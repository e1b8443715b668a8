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
from eventsim.grid.lists import bits_of_cells, packed, size_of_numbers, units
from eventsim.grid.parts import apart, flat
from eventsim.grid.stretches import Stretches
from eventsim.sums import FIELD, IN_LISTS, ON_A_CORE, ON_ONE_CORE

__all__ = ["MOST_BYTES", "spread"]

#: So many bytes of lanes take the time of one entry of a list. Measured, of a run that counts nothing: QKTA 1.1, with 8
#: 1.17; 100,000 neurons with 100 synapses each on 617 cores 1.06, with 32 1.30. And so many are kept for each synapse
#: at most, of lanes, and of lists as far apart as the longest is long; else a table tells where each list begins.
LANES, MOST_BYTES = 16, 6
_TOGETHER, _LINE = 16, 64  # bytes of two words, and of a line of a cache
_WORD = 8  # bytes
_IN_A_SUM = 8 * _WORD // FIELD  # sums of lanes in a word
_MOST_OF_HALF, _MOST_OF_BYTE = 15, 255


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
    dict : spread, lanes, row_brings, row_zeros, list_at, lists, brought, lane_sums, lane_words, of GridArrays
    """
    n_cores = int(core_of.max(initial=0)) + 2  # and the host
    longest = max((int(np.diff(p.rows).max(initial=0)) for p in network.pathways), default=0)
    kept = _Kept((len(bounds) - 1, len(network.pathways)), n_cores, longest)
    for part, k in np.ndindex(kept.table.shape[:2]):
        target = network.populations[network.pathways[k].target]
        first, stop = target.start + bounds[part : part + 2, network.pathways[k].target]
        cell_of = (SYNAPTIC_EVENTS * n_cores + 1 + core_of[first:stop]).astype(kept.cells)
        zero = _is_zero(network, arrays, part, k, storage)
        kept.add((part, k), _rows(network, arrays, part, k), arrays["target"], cell_of, zero,
                 _core_of_rows(network, core_of, k))  # fmt: skip
    bits, table = kept.pack_lists(), kept.table
    most_lanes = int((table[:, :, 0] * table[:, :, 4]).max(initial=0))
    sums = apart(len(table), (2 * -(-most_lanes // _IN_A_SUM),), np.uint64)  # and for lanes that are not zero
    return kept.arrays() | {
        "spread": table, "lane_words": sums, "lane_sums": sums.view(np.uint16),
        "brought": apart(len(table), (1 << bits,), np.uint64),
    }  # fmt: skip


class _Kept:
    """What is kept of the rows of all pathways, those of one form behind each other.

    Parameters
    ----------
    shape : (int, int)
        Parts and pathways.
    n_cores : int
        With the host.
    longest : int
        Synapses of a row, at most.

    Attributes
    ----------
    cells : type
        The dtype of a cell.
    table : (*shape, 7) int64
        `spread` of GridArrays, whole once `pack_lists` has been called.
    """

    def __init__(self, shape, n_cores, longest):
        n_cells = (ZERO_WEIGHT_EVENTS + 1) * n_cores
        self.cells, self._counts, self._brings = _unsigned(n_cells), _unsigned(longest), _unsigned(n_cells, longest)
        self._n_cores, self._listed, self.table = n_cores, {}, np.zeros((*shape, 7), dtype=np.int64)
        self._columns = {
            "row_brings": _Column(self._brings), "row_zeros": _Column(np.uint32), "lanes": _Column(np.uint64),
            "list_at": _Column(np.uint32),
        }  # fmt: skip

    def arrays(self):
        return {name: column.joined() for name, column in self._columns.items()}

    def add(self, key, rows, target, cell_of, zero, core):
        """Keep the rows of a (part, pathway), `core` that of each row's sender."""
        self.table[key] = self._add(key, rows, target, cell_of, zero, core)

    def _add(self, key, rows, target, cell_of, zero, core):
        lowest, n = (int(cell_of.min()), int(np.ptp(cell_of)) + 1) if cell_of.size else (0, 1)
        n_kinds = 1 + bool(zero.size)
        if n == n_kinds == 1:
            return ON_ONE_CORE, lowest, n, 0, 1, n_kinds, 0
        of_row, is_one = _cells(rows, target, cell_of)
        if is_one:
            return ON_A_CORE, lowest, n, self._add_cells(of_row, rows, zero), 1, n_kinds, 0
        ends, cell, count = _lists(rows, target, cell_of - cell_of.dtype.type(lowest), zero, n, self._counts)
        most = int(count.max(initial=0))
        per_byte = 2 if most <= _MOST_OF_HALF else 1
        stride = _stride(-(-n * n_kinds // per_byte))
        most_bytes = MOST_BYTES * int(rows[-1] - rows[0])
        in_time = stride * np.count_nonzero(np.diff(rows)) <= LANES * cell.size  # those without synapses do not land
        if most <= _MOST_OF_BYTE and in_time and stride * (rows.size - 1) <= most_bytes:
            lanes = _lanes(ends, cell, count, n * n_kinds, stride // _WORD, per_byte)
            return stride, lowest, n, self._columns["lanes"].add(lanes), per_byte, n_kinds, 0
        self._listed[key] = ends, cell, count, core, most_bytes
        return IN_LISTS, lowest, n, 0, bits_of_cells(n * n_kinds), n_kinds, 0

    def _add_cells(self, of_row, rows, zero):
        half, sizes = self._brings(4 * self._brings().itemsize), np.diff(rows).astype(self._brings)
        at, zeros = self._columns["row_brings"].add(sizes << half | of_row), self._columns["row_zeros"]
        if zero.size:  # at the same place
            zeros.add(np.zeros(at - zeros.size, dtype=np.uint32))
            zeros.add(_zeros(rows, zero))
        return at

    def pack_lists(self):
        """Keep the lists of all parts and pathways, in numbers of one size; returns the most bits that name a cell."""
        bits = {key: int(self.table[key][4]) for key in self._listed}
        counts = [(bits[key], count.max(initial=0)) for key, (_, _, count, _, _) in self._listed.items()]
        dtype = size_of_numbers(self._n_cores, counts)
        lists_of_all = self._columns["lists"] = _Column(dtype)
        while self._listed:  # each is let go once it is packed
            key, (ends, cell, count, core, most_bytes) = self._listed.popitem()
            step, list_at, lists = packed(ends, cell, count, core, bits[key], dtype, most_bytes)
            at = units(lists, lists_of_all.add(lists))
            self.table[key][3] = at if step else self._columns["list_at"].add(list_at + np.uint32(at))
            self.table[key][6] = step
        return max(bits.values(), default=0)


def _unsigned(*numbers):
    """The smallest dtype of two bytes and more in which as many numbers, up to these, have room side by side."""
    bits = len(numbers) * max(numbers).bit_length()
    return next(t for t in (np.uint16, np.uint32, np.uint64) if bits <= 8 * t().itemsize)


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


def _lists(rows, target, cell_of, zero, n, counts):
    """For each row its cells, below `n`, or `n` above that for weights of zero, and how often each is counted, numbers
    of the dtype `counts`: where each row's begin, the cells, the counts."""
    most = int(rows[-1] - rows[0]) * (1 + bool(zero.size))
    cell, count = np.empty(most, dtype=cell_of.dtype), np.empty(most, dtype=counts)
    at = _list(rows, target, cell_of, zero, n, cell, count)
    return at, cell[: at[-1]].copy(), count[: at[-1]].copy()


@cached_njit()
def _list(rows, target, cell_of, zero, n, cell, count):
    at, found, filled = np.zeros(rows.size, np.int64), np.zeros(2 * n, np.int64), np.uint64(0)
    for row in range(rows.size - 1):
        for synapse in range(np.uint64(rows[row]), np.uint64(rows[row + 1])):
            place = np.uint64(cell_of[np.uint64(target[synapse])])
            cell[filled] = place
            filled += np.uint64(found[place] == 0)  # no branch: nobody could guess it
            found[place] += 1
        if zero.size:
            for synapse in range(rows[row], rows[row + 1]):
                place = np.int64(cell_of[target[synapse]]) + n
                times = np.int64(zero[synapse - rows[0]])
                cell[filled] = place
                filled += np.uint64(times & (found[place] == 0))
                found[place] += times
        for entry in range(np.uint64(at[row]), filled):
            place = np.uint64(cell[entry])
            count[entry], found[place] = found[place], 0
        at[row + 1] = filled
    return at


@cached_njit()
def _lanes(at, cell, count, n, n_words, per_byte):
    """The same as `n_words` words of lanes each, one for each of `n` cells.

    The first lanes are those in the lowest bits of the quarters of all words, four in each; the next, of as many bits,
    lie right above them, and so on: what is one shift and one mask away can be added at once, and sums of lanes are in
    the order of lanes.
    """
    lanes, lane = np.zeros((at.size - 1) * n_words, np.uint64), np.arange(n)
    quarter, layer, word_of = lane % _IN_A_SUM, lane // _IN_A_SUM // n_words, lane // _IN_A_SUM % n_words
    shift_of = (16 * quarter + 8 // per_byte * layer).astype(np.uint64)
    for row in range(at.size - 1):
        for entry in range(np.uint64(at[row]), np.uint64(at[row + 1])):
            place = np.uint64(cell[entry])
            lanes[np.uint64(row * n_words + word_of[place])] |= np.uint64(count[entry]) << shift_of[place]
    return lanes
