"""Where ids lie in an ascending array of some: which mirror a neuron has, for all spikes of a meeting at once."""

import numpy as np

__all__ = ["Directory"]

#: Numbers from the first id to the last, for each that is there, up to which a table is kept: one look in place of a
#: search, 6 against 106 microseconds for 2,300 among 131,072.
_SPARSEST = 16


class Directory:
    """The places of ids.

    Parameters
    ----------
    ids : (n,) int32, ascending
    """

    def __init__(self, ids):
        self._ids, self._table, self._first = ids, None, int(ids[0]) if ids.size else 0
        reach = int(ids[-1]) - self._first + 1 if ids.size else 0
        if reach <= _SPARSEST * ids.size:
            self._table = np.full(reach, -1, dtype=np.int32)
            self._table[ids - self._first] = np.arange(ids.size, dtype=np.int32)

    def find(self, wanted):
        """(which of `wanted` are among the ids, their places there), both (m,) int64."""
        if self._table is None:
            place = np.searchsorted(self._ids, wanted)
            known = place < self._ids.size
            known[known] = self._ids[place[known]] == wanted[known]
        else:
            offset = wanted - self._first
            inside = (offset >= 0) & (offset < self._table.size)
            place = self._table[np.where(inside, offset, 0)] if self._table.size else offset
            known = inside & (place >= 0)
        here = np.flatnonzero(known)
        return here, place[here].astype(np.int64)
