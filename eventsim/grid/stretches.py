"""Rows of synapses as stretches: synapses side by side in a row, onto neurons side by side.

Linear maps, inhibition that is common to a pool, resets: most rows of an attention circuit reach one neuron after the
other. Delivering such a row adds one stretch of memory to another, many neurons by one instruction, and reads no
target. Stretches with the same weights share them, bit for bit: a layer's weights are those of every token, and few
enough to stay in the cache. A stretch reaches a neuron once, so every neuron gets its deliveries in the order it always
did.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["LEAST_MEAN", "Stretches", "cut", "mean_length"]

#: Synapses in a stretch, on average over a pathway, from which on stretches pay: to begin one takes as long as five to
#: ten deliveries one by one.
LEAST_MEAN = 8
_AT_ONCE = 1 << 18  # synapses
_SEED = 4  # of the multipliers by which weights are compared; any will do


@dataclass(frozen=True, eq=False)
class Stretches:
    """The stretches of a pathway, or of a part of it.

    Parameters
    ----------
    at : (n_rows + 1,) int64
        Where each row's begin.
    target, size : (n_stretches,) int64
        First receiver, and how many.
    place : (n_stretches,) int64
        Where the weights of each begin among `weights`; zeros without weights.
    weights : (n_weights,) float64
    """

    at: np.ndarray
    target: np.ndarray
    size: np.ndarray
    place: np.ndarray
    weights: np.ndarray

    def targets(self):
        """(n,) int64: the receiver of every synapse, in order."""
        return self._from(self.target)

    def each_weight(self):
        """(n,) float64: the weight of every synapse, in order."""
        return self.weights[self._from(self.place)]

    def _from(self, begin):
        along = np.arange(self.size.sum()) - np.repeat(np.cumsum(self.size) - self.size, self.size)
        return np.repeat(begin.astype(np.int64), self.size) + along

    @classmethod
    def of_table(cls, at, table, weights):
        """Those of some rows in a table of (first receiver, size, place); `at` counts from the table's first."""
        some = table[at[0] : at[-1]]
        return cls(at - at[0], some[:, 0], some[:, 1], some[:, 2], weights)


def mean_length(post, rows):
    """Synapses in a stretch of a pathway, on average.

    Parameters
    ----------
    post : (n,) int
        Receivers, row by row.
    rows : (n_rows + 1,) int
        Where each row begins.
    """
    return post.size / max(1, sum(np.count_nonzero(begins) for _, begins in _begins(post, rows)))


def cut(post, rows, weights=None):
    """The Stretches of a pathway; see `mean_length`. `weights` : (n,) float64, where they are to be kept."""
    first = _starts(post, rows)
    size = np.diff(np.append(first, post.size))
    place, shared = np.zeros(first.size, dtype=np.int64), np.empty(0)
    if weights is not None:
        place, shared = _share(np.ascontiguousarray(weights), first, size)
    return Stretches(np.searchsorted(first, rows), post[first].astype(np.int64), size, place, shared)


def _starts(post, rows):
    """(n_stretches,) int64: the synapse with which each stretch begins."""
    found = [first + np.flatnonzero(begins) for first, begins in _begins(post, rows)]
    return np.concatenate([np.empty(0, np.int64), *found])


def _begins(post, rows):
    """(first synapse, whether a stretch begins with each) of one piece of a pathway after the other."""
    filled = rows[:-1][np.diff(rows) > 0]
    for first in range(0, post.size, _AT_ONCE):
        some = post[max(first - 1, 0) : first + _AT_ONCE].astype(np.int64)
        begins = np.diff(some, prepend=some[:1] if first == 0 else np.empty(0, np.int64)) != 1
        own = slice(*np.searchsorted(filled, [first, first + _AT_ONCE]))
        begins[filled[own] - first] = True
        yield first, begins


def _share(weights, first, size):
    """(place, shared): each stretch's weights are shared[place:place + size], equal ones once, by their bits."""
    bits, alike = weights.view(np.uint64), np.empty((first.size, 2), dtype=np.uint64)
    for some, here, along in _pieces(first, size):
        alike[some, 0] = np.add.reduceat(_hashed(bits[here], along), first[some] - here.start)
    alike[:, 1] = size
    _, leader, which = np.unique(alike, axis=0, return_index=True, return_inverse=True)
    leads = first[leader][which.reshape(-1)]
    for some, here, along in _pieces(first, size):
        if (bits[here] != bits[np.repeat(leads[some], size[some]) + along]).any():  # equal by chance alone
            return first, weights
    of_leaders = np.cumsum(size[leader]) - size[leader]
    shared = np.concatenate([np.empty(0), *(weights[f : f + n] for f, n in zip(first[leader], size[leader]))])
    return of_leaders[which.reshape(-1)], shared


def _hashed(bits, along):
    """(n,) uint64, whose sums over stretches tell weights apart; `along` : the place of each in its stretch."""
    odd = np.random.default_rng(_SEED).integers(0, 2**63, int(along.max(initial=0)) + 1, dtype=np.uint64) * 2 + 1
    return (bits ^ (bits >> np.uint64(32))) * odd[along]  # the lower bits of simple numbers are zero


def _pieces(first, size):
    """Stretches taken together so that little memory is needed: (stretches, synapses, place in its stretch of each)."""
    begin = 0
    while begin < first.size:
        end = max(begin + 1, int(np.searchsorted(first, first[begin] + _AT_ONCE)))
        some, here = slice(begin, end), slice(int(first[begin]), int(first[end - 1] + size[end - 1]))
        yield some, here, np.arange(here.start, here.stop) - np.repeat(first[some], size[some])
        begin = end
