"""Rows of counts on their way from a kernel to a trace: a word each, or a tick's as a table, and a word for each tick.

A kernel leaves a row for each core and kind that something was counted of in a tick, hundreds in a tick of a full chip.
To write four columns takes longer than the counting, so it writes one word: 36 bits of count, more than there are
synapses in half a terabyte, above 24 bits of core, counted from the host, and three of kind. The rows of a tick end
with a word of which the highest bit is set: the tick.

Even to look for what is not zero takes as long as to count it. A tick with many spikes leaves all its counts as they
are, kind by kind and in each core by core, zeros too, and says so in the second highest bit of the word of the tick.
"""

import numpy as np
from numba import njit

from eventsim.counts import KINDS

__all__ = ["CORE_AT", "COUNT_AT", "END_OF_TABLE", "END_OF_TICK", "MOST_CORES", "WORDS_PER_SPIKE", "n_rows", "unpacked"]

CORE_AT, COUNT_AT = 3, 27  # bits
END_OF_TICK, END_OF_TABLE = np.uint64(1 << 63), np.uint64(3 << 62)
#: A table has so many words for each spike of its tick at most: what it takes of a buffer goes by what happens.
WORDS_PER_SPIKE = 32
MOST_CORES = (1 << COUNT_AT - CORE_AT) - 1  # besides the host


def unpacked(words, n_cores):
    """The columns of rows that a kernel collected.

    Parameters
    ----------
    words : (n,) uint64
    n_cores : int
        Cores of a table, the host among them.

    Returns
    -------
    tick, core, kind, count : int64, int32, uint8, int64
        As `eventsim.counts.EventCounts` has them.
    """
    return tuple(column[1:] for column in _unpacked(words, n_cores, n_rows(words)))


def n_rows(words):
    """How many rows these words are."""
    return np.count_nonzero((words != 0) & (words < END_OF_TICK))


@njit(cache=True, nogil=True)
def _unpacked(words, n_cores, size):
    """The columns, each behind one entry of no meaning, which a zero in front of all rows may be written to."""
    tick, core = np.empty(size + 1, np.int64), np.empty(size + 1, np.int32)
    kind, count = np.empty(size + 1, np.uint8), np.empty(size + 1, np.int64)
    now, row, place = np.int64(0), size, words.size - 1  # from the end, where a tick is known before its rows
    while place >= 0:
        word = words[place]
        place -= 1
        if word < END_OF_TICK:
            tick[row], count[row] = now, word >> np.uint64(COUNT_AT)
            core[row] = np.int64(word >> np.uint64(CORE_AT) & np.uint64(MOST_CORES)) - 1
            kind[row] = word & np.uint64((1 << CORE_AT) - 1)
            row -= 1
            continue
        now = np.int64(word & ~END_OF_TABLE)
        if word >= END_OF_TABLE:
            place -= len(KINDS) * n_cores
            for of_core in range(n_cores - 1, -1, -1):
                for of_kind in range(len(KINDS) - 1, -1, -1):
                    number = words[place + 1 + of_kind * n_cores + of_core]
                    tick[row], core[row], kind[row], count[row] = now, of_core - 1, of_kind, number
                    row -= number != 0  # no branch: nobody could guess it
    return tick, core, kind, count
