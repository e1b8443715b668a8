"""Rows of counts on their way from a kernel to a trace: a word each, and one for each tick.

A kernel leaves a row for each core and kind that something was counted of in a tick, hundreds in a tick of a full chip.
To write four columns takes longer than the counting, so it writes one word: 36 bits of count, more than there are
synapses in half a terabyte, above 24 bits of core, counted from the host, and three of kind. The rows of a tick end
with a word of which the highest bit is set: the tick.
"""

import numpy as np
from numba import njit

__all__ = ["CORE_AT", "COUNT_AT", "END_OF_TICK", "MOST_CORES", "unpacked"]

CORE_AT, COUNT_AT = 3, 27  # bits
END_OF_TICK = np.uint64(1 << 63)
MOST_CORES = (1 << COUNT_AT - CORE_AT) - 1  # besides the host


def unpacked(words):
    """The columns of rows that a kernel collected.

    Parameters
    ----------
    words : (n,) uint64

    Returns
    -------
    tick, core, kind, count : int64, int32, uint8, int64
        As `eventsim.counts.EventCounts` has them.
    """
    return _unpacked(words, np.count_nonzero(words < END_OF_TICK))


@njit(cache=True, nogil=True)
def _unpacked(words, size):
    tick, core = np.empty(size, np.int64), np.empty(size, np.int32)
    kind, count = np.empty(size, np.uint8), np.empty(size, np.int64)
    now, row = np.int64(0), size  # from the end, where a tick is known before its rows
    for place in range(words.size - 1, -1, -1):
        word = words[place]
        if word >= END_OF_TICK:
            now = np.int64(word ^ END_OF_TICK)
            continue
        row -= 1
        tick[row], count[row] = now, word >> np.uint64(COUNT_AT)
        core[row] = np.int64(word >> np.uint64(CORE_AT) & np.uint64(MOST_CORES)) - 1
        kind[row] = word & np.uint64((1 << CORE_AT) - 1)
    return tick, core, kind, count
