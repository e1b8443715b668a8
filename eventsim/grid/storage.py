"""How a kernel stores synapses: as few bytes each as their weights allow, since a large network is read from memory.

A weight is stored in one of four ways, pathway by pathway:

- "none": no effect reads it;
- "row": one for all synapses of a sender with the same delay, so a code for each row;
- "code": a byte for each synapse, its place among the distinct weights of the network;
- "full": eight bytes for each synapse.

Weights stay float64 in each: a code stands for a value, bit for bit. Small networks fit the cache anyway and are stored
in full, so that networks of one model share one kernel.
"""

from dataclasses import dataclass, field, replace

import numpy as np

__all__ = ["Storage", "store"]

#: Synapses from which on codes are worth a kernel of their own: 12 bytes each are more than a second-level cache then.
_LARGE = 1 << 17
_MOST_CODES = 256
_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class Storage:
    """How the weights of a network are stored, and the codes.

    Parameters
    ----------
    ways : tuple of str
        For each pathway.
    values : (n_codes,) float64
        The weight that each code stands for; the first is 0, of pathways without weights, where there are any.
    codes : (n_synapses,) uint8
        Empty where no pathway is stored as "code".
    row_codes : mapping of int to uint8 array
        For each pathway that is stored as "row", the code of each of its rows.
    is_large : bool
        Whether there are more synapses than a cache holds, so that rows should be asked for ahead of time.
    """

    ways: tuple[str, ...]
    values: np.ndarray = field(default_factory=lambda: np.zeros(1))
    codes: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint8))
    row_codes: dict = field(default_factory=dict)
    is_large: bool = False


def store(network, large=_LARGE):
    """The Storage that suits a network; with fewer than `large` synapses everything is stored in full."""
    weighted = [p.weighted for p in network.pathways]
    plain = Storage(tuple("full" if w else "none" for w in weighted))
    if network.n_synapses < large:
        return plain
    values = _distinct(network, weighted)
    if values is None:
        return replace(plain, is_large=True)
    first = int(not all(weighted))  # the code 0, where it is taken
    codes = _codes(network.weight, values, first)
    values = np.append(np.zeros(first), values)
    ways, row_codes = [], {}
    for k, p in enumerate(network.pathways):
        if not weighted[k]:
            ways.append("none")
            continue
        of_rows = _row_codes(codes[p.first : p.first + p.size], p.rows)
        ways.append("code" if of_rows is None else "row")
        if of_rows is not None:
            row_codes[k] = of_rows
    kept = codes if "code" in ways else codes[:0]
    return Storage(tuple(ways), values, kept, row_codes, is_large=True)


def _distinct(network, weighted):
    """The distinct weights of weighted pathways, by their bits and in that order; None when there are too many."""
    known = np.empty(0, dtype=np.int64)
    for pathway, is_weighted in zip(network.pathways, weighted):
        bits = network.weight[pathway.first : pathway.first + pathway.size].view(np.int64)
        for first in range(0, bits.size if is_weighted else 0, _AT_ONCE):
            some = bits[first : first + _AT_ONCE]
            new = some
            if known.size:
                new = some[known[np.minimum(np.searchsorted(known, some), known.size - 1)] != some]
            known = np.union1d(known, new)
            if known.size >= _MOST_CODES:
                return None
    return known.view(np.float64)


def _codes(weight, values, first):
    """(n_synapses,) uint8: the place of each weight among `values`, counted from `first`; anything where it is not."""
    known, codes = values.view(np.int64), np.empty(weight.size, dtype=np.uint8)
    for begin in range(0, weight.size, _AT_ONCE):
        bits = weight[begin : begin + _AT_ONCE].view(np.int64)
        codes[begin : begin + _AT_ONCE] = first + np.searchsorted(known, bits)
    return codes


def _row_codes(codes, rows):
    """The code of each row, 0 for an empty one; None when a row has several."""
    starts = np.zeros(codes.size + 1, dtype=bool)
    starts[rows] = True
    if (codes[1:] != codes[:-1])[~starts[1:-1]].any():
        return None
    of_rows = np.zeros(rows.size - 1, dtype=np.uint8)
    filled = np.diff(rows) > 0
    of_rows[filled] = codes[rows[:-1][filled]]
    return of_rows
