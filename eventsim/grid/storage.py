"""How a kernel stores synapses: as few bytes each as their weights allow, since a large network is read from memory.

A weight is stored in one of five ways, pathway by pathway:

- "none": no effect reads it;
- "row": one for all synapses of a sender with the same delay, so a code for each row;
- "code": a byte for each synapse, its place among the distinct weights of the network;
- "shared": by stretches of a row, those with the same weights together (see `eventsim.grid.stretches`);
- "full": eight bytes for each synapse.

Weights stay float64 in each: a code stands for a value, bit for bit. Small networks fit the cache anyway and are stored
in full, so that networks of one model share one kernel.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from eventsim.grid.stretches import LEAST_MEAN, cut, mean_length

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
    stretched : frozenset of int
        Pathways that are delivered stretch by stretch.
    is_large : bool
        Whether there are more synapses than a cache holds, so that rows should be asked for ahead of time.
    """

    ways: tuple[str, ...]
    values: np.ndarray = field(default_factory=lambda: np.zeros(1))
    codes: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint8))
    row_codes: dict = field(default_factory=dict)
    stretched: frozenset = frozenset()
    is_large: bool = False


def store(network, large=_LARGE):
    """The Storage that suits a network; with fewer than `large` synapses no weight becomes a code."""
    weighted = [p.weighted for p in network.pathways]
    stretched = frozenset(
        k for k, p in enumerate(network.pathways) if p.size and mean_length(_post(network, p), p.rows) >= LEAST_MEAN
    )
    in_full = ["shared" if k in stretched else "full" for k in range(len(weighted))]
    plain = Storage(tuple(way if w else "none" for way, w in zip(in_full, weighted)), stretched=stretched)
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
        if of_rows is not None:
            row_codes[k] = of_rows
            ways.append("row")
        else:
            ways.append("shared" if k in stretched and _are_shared(network, p) else "code")
    kept = codes if "code" in ways else codes[:0]
    stretched = frozenset(k for k in stretched if ways[k] != "code")
    return Storage(tuple(ways), values, kept, row_codes, stretched, is_large=True)


def _post(network, pathway):
    return network.post[pathway.first : pathway.first + pathway.size]


def _are_shared(network, pathway):
    """Whether weights shared by stretches take no more bytes than codes."""
    weights = network.weight[pathway.first : pathway.first + pathway.size]
    return 8 * cut(_post(network, pathway), pathway.rows, weights).weights.size <= pathway.size


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
