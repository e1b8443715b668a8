"""Rows of counts on their way from a kernel to a trace: a word each, or a tick's as a table, and a word for each tick.

A kernel leaves a row for each core and kind that something was counted of in a tick, hundreds in a tick of a full chip.
To write four columns takes longer than the counting, so it writes one word: 36 bits of count, more than there are
synapses in half a terabyte, above 24 bits of core, counted from the host, and three of kind. The rows of a tick end
with a word of which the highest bit is set: the tick.

Even to look for what is not zero takes as long as to count it. A tick with many spikes leaves all counts, as a table,
kind by kind and in each core by core, zeros too, and zeros up to the end of the last word. Each takes as many bytes as
the largest needs: to touch memory for the first time costs more than to make them small. The second highest bit of the
word of the tick says so, and the two below it how many bytes. Whoever writes the trace makes columns of them.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.counts import KINDS

__all__ = [
    "CORE_AT", "COUNT_AT", "END_OF_TABLE", "END_OF_TICK", "MOST_CORES", "SIZE_AT", "WORDS_PER_SPIKE", "CountBlock",
]  # fmt: skip

CORE_AT, COUNT_AT = 3, 27  # bits
#: In the word of a tick with a table: its counts take 2**size bytes.
SIZE_AT = 60
END_OF_TICK, END_OF_TABLE = np.uint64(1 << 63), np.uint64(3 << 62)
_TICK = np.uint64((1 << SIZE_AT) - 1)
#: By the size of counts, the lowest bit of each in a word.
_LOWEST_OF = (np.uint64(0x0101010101010101), np.uint64(0x0001000100010001), np.uint64(0x0000000100000001), np.uint64(1))
#: A table has so many words for each spike of its tick at most: what it takes of a buffer goes by what happens.
WORDS_PER_SPIKE = 32
MOST_CORES = (1 << COUNT_AT - CORE_AT) - 1  # besides the host


@dataclass(frozen=True, eq=False)
class CountBlock:
    """Rows of counts of a stretch of time as a kernel left them.

    Parameters
    ----------
    words : (n,) uint64
    n_cores : int
        Cores of a table, the host among them.
    """

    words: np.ndarray
    n_cores: int

    @property
    def n(self):
        """Number of rows."""
        return self._seen[0]

    @property
    def ticks(self):
        """First and last tick."""
        return self._seen[1:3]

    @property
    def rises(self):
        """Whether ticks rise, and in each of them (core, kind)."""
        return self._seen[3]

    def columns(self):
        """Mapping tick, core, kind, count -> array, as `eventsim.counts.EventCounts` has them.

        This is the costly step, for the thread that writes.
        """
        columns = _unpacked(self.words, self.n_cores, self.n)
        return dict(zip(("tick", "core", "kind", "count"), (column[1:] for column in columns)))

    def followed_by(self, later):
        """The block of both."""
        return replace(self, words=np.concatenate([self.words, later.words]))

    @cached_property
    def _seen(self):
        return _look_through(self.words, self.n_cores)


@cached_njit()
def _look_through(words, n_cores):
    """How many rows there are, first and last tick, and whether all rise: ticks, and what a word says of (core, kind).

    From the end, where a tick is known before its rows; rows of a table rise as they are.
    """
    n, place, rises, last = 0, words.size - 1, True, np.int64(-1)
    tick, key, of_key = np.int64(1 << 62), np.uint64(0), np.uint64((1 << COUNT_AT) - 1)
    while place >= 0:
        word = words[place]
        place -= 1
        if word < END_OF_TICK:
            rises &= (word & of_key) < key
            n, key = n + 1, word & of_key
            continue
        before, tick, key = tick, np.int64(word & _TICK), of_key + np.uint64(1)
        rises &= tick < before
        last = max(last, tick)
        if word >= END_OF_TABLE:
            first, size = _table(word, n_cores, place)
            n += _above_zero(words, first, place + 1, size)
            place = first - 1
    return n, tick, last, rises


@njit
def _table(word, n_cores, last):
    """Of a table that ends with the word at `last`, before `word`, its tick: its first one, the size of counts."""
    size = np.int64(word >> np.uint64(SIZE_AT) & np.uint64(3))
    return last + 1 - ((len(KINDS) * n_cores << size) + 7) // 8, size


@njit
def _above_zero(words, first, stop, size):
    """How many counts of 2**size bytes are not zero, in these words.

    The highest bit of each is set where any of its bits is; then they are added up by a multiplication. (H. S. Warren,
    Hacker's Delight, 2nd edition, 5-1 and 6-1.)
    """
    n, bits = np.uint64(0), np.uint64(8 << size)
    lowest = _LOWEST_OF[size]
    highest = lowest << bits - np.uint64(1)
    rest = highest - lowest
    for place in range(np.uint64(first), np.uint64(stop)):  # unsigned, else none over vectors
        word = words[place]
        found = ((word & rest) + rest | word) & highest
        n += (found >> bits - np.uint64(1)) * lowest >> np.uint64(64) - bits
    return np.int64(n)


@cached_njit()
def _unpacked(words, n_cores, n_rows):
    """The columns, each behind one entry of no meaning, which a zero in front of all rows may be written to."""
    tick, core = np.empty(n_rows + 1, np.int64), np.empty(n_rows + 1, np.int32)
    kind, count = np.empty(n_rows + 1, np.uint8), np.empty(n_rows + 1, np.int64)
    now, row, place = np.int64(0), n_rows, words.size - 1  # from the end, where a tick is known before its rows
    while place >= 0:
        word = words[place]
        place -= 1
        if word < END_OF_TICK:
            tick[row], count[row] = now, word >> np.uint64(COUNT_AT)
            core[row] = np.int64(word >> np.uint64(CORE_AT) & np.uint64(MOST_CORES)) - 1
            kind[row] = word & np.uint64((1 << CORE_AT) - 1)
            row -= 1
            continue
        now = np.int64(word & _TICK)
        if word >= END_OF_TABLE:
            first, size = _table(word, n_cores, place)
            largest = ~np.uint64(0) >> np.uint64(64 - (8 << size))
            for of_core in range(n_cores - 1, -1, -1):
                for of_kind in range(len(KINDS) - 1, -1, -1):
                    at = np.uint64(of_kind * n_cores + of_core) << np.uint64(size)  # bytes
                    shift = np.uint64(8) * (at & np.uint64(7))
                    number = words[np.uint64(first) + (at >> np.uint64(3))] >> shift & largest
                    tick[row], core[row], kind[row], count[row] = now, of_core - 1, of_kind, number
                    row -= number != 0  # no branch: nobody could guess it
            place = first - 1
    return tick, core, kind, count
