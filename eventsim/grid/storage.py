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

from eventsim.code_cache import cached_njit
from eventsim.grid.slots import N_SLOTS, first_slot, mixed
from eventsim.grid.stretches import LEAST_MEAN, cut, mean_length

__all__ = ["Storage", "store"]

#: Synapses from which on codes are worth a kernel of their own: 12 bytes each are more than a second-level cache then.
_LARGE = 1 << 17
_MOST_CODES = 256


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
    first = int(not all(weighted))  # the code 0, where it is taken
    coded = _coded(network, weighted, first)
    if coded is None:
        return replace(plain, is_large=True)
    values, codes = coded
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


def _coded(network, weighted, first):
    """(values, codes): distinct weights of weighted pathways by their bits, counted from `first`, zero before it, and
    the place of each synapse's among them; None when there are too many."""
    known, slots, n = np.empty(_MOST_CODES, dtype=np.int64), np.zeros(N_SLOTS, dtype=np.int16), 0
    codes = np.empty(network.n_synapses, dtype=np.uint8)
    for pathway, is_weighted in zip(network.pathways, weighted):
        if is_weighted:
            here = slice(pathway.first, pathway.first + pathway.size)
            n = _code(network.weight[here].view(np.int64), known, slots, n, codes[here])
            if n == _MOST_CODES:
                return None
    order = np.argsort(known[:n])
    place = np.zeros(_MOST_CODES, dtype=np.uint8)
    place[order] = np.arange(n) + first
    _rename(codes, place)
    return np.append(np.zeros(first), known[order].view(np.float64)), codes


@cached_njit()
def _code(bits, known, slots, n, codes):
    """Write the place of each weight among the `n` that are `known`, and make known what is not; returns how many are.

    `slots` is a hash table: the place of a weight, plus one, in the first free slot from where its bits say.
    """
    for i in range(bits.size):
        slot = first_slot(mixed(np.uint64(0), bits[i]))
        while slots[slot] and known[slots[slot] - 1] != bits[i]:
            slot = (slot + 1) % slots.size
        if slots[slot] == 0:
            if n == known.size:
                return n
            known[n] = bits[i]
            n += 1
            slots[slot] = n
        codes[i] = slots[slot] - 1
    return n


@cached_njit()
def _rename(codes, place):
    """Give each code its place instead; numpy would make numbers of eight bytes of them on the way."""
    for i in range(codes.size):
        codes[i] = place[codes[i]]


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
