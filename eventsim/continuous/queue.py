"""Exact times, and a queue of what happens next.

A time is a pair (tick, offset): a whole number of ticks and a fraction of one in [0, 1). Delays are whole ticks, so
they leave the offset alone, and two paths of equal total delay arrive at the same pair, bit for bit; sums of
floating-point times would differ by a rounding. Two events are simultaneous when their pairs are equal, and only then.
(Precise times of Morrison, Straube, Plesser, Diesmann, Neural Comput. 19 (2007) 47-79,
doi:10.1162/neco.2007.19.1.47.)

The queue is a binary heap of ids, each at most once, in the total order (tick, offset, id). It holds neurons by the
time of their next threshold crossing, and lanes (a pathway and one of its delays) by the time of their next delivery:
one entry per spike, never one per synapse.

Invariants: `heap[0]` is the number of ids that are due and `heap[1]` to `heap[heap[0]]` hold them; `due[id].place` is
the id's index there, 0 for one that is not due; no id is due before the one at `heap[index // 2]`.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

__all__ = ["Queue", "before", "elapsed", "later", "put", "queue_of", "sort", "take_out"]

_DUE = np.dtype([("tick", np.int64), ("offset", np.float64), ("place", np.int64)])


class Queue(NamedTuple):
    """Ids 0 to n - 1, each due at one time or not at all.

    Parameters
    ----------
    heap : (n + 1,) int64
        Their number, and the ids.
    due : (n,) records of tick, offset, place
    """

    heap: np.ndarray
    due: np.ndarray


def queue_of(n):
    """An empty queue for ids 0 to n - 1."""
    return Queue(np.zeros(n + 1, np.int64), np.zeros(n, _DUE))


@njit
def before(tick, offset, other_tick, other_offset):
    """Whether one time is strictly earlier than another."""
    return tick < other_tick or (tick == other_tick and offset < other_offset)


@njit
def elapsed(tick, offset, since_tick, since_offset):
    """Ticks from one time to a later one, as a float."""
    return (tick - since_tick) + (offset - since_offset)


@njit
def later(tick, offset, ticks):
    """The time that lies `ticks` (a float, at least 0) after another."""
    total = offset + ticks
    whole = math.floor(total)
    return tick + np.int64(whole), total - whole


@njit
def _first(due, a, b):
    """Whether id `a` comes before id `b`."""
    if due[a].tick != due[b].tick:
        return due[a].tick < due[b].tick
    if due[a].offset != due[b].offset:
        return due[a].offset < due[b].offset
    return a < b


@njit
def _settle(heap, due, index):
    """Move the id at an index to where it belongs."""
    item, size = heap[index], heap[0]
    while index > 1 and _first(due, item, heap[index // 2]):
        heap[index] = heap[index // 2]
        due[heap[index]].place = index
        index //= 2
    while 2 * index <= size:
        child = 2 * index
        if child < size and _first(due, heap[child + 1], heap[child]):
            child += 1
        if not _first(due, heap[child], item):
            break
        heap[index] = heap[child]
        due[heap[index]].place = index
        index = child
    heap[index] = item
    due[item].place = index


@njit
def put(heap, due, item, tick, offset):
    """Make `item` due at a time, whether or not it was due before."""
    due[item].tick, due[item].offset = tick, offset
    if due[item].place == 0:
        heap[0] += 1
        heap[heap[0]], due[item].place = item, heap[0]
    _settle(heap, due, due[item].place)


@njit
def take_out(heap, due, item):
    """Make `item`, which is due, not due."""
    index, moved = due[item].place, heap[heap[0]]
    due[item].place = 0
    heap[0] -= 1
    if moved != item:
        heap[index] = moved
        _settle(heap, due, index)


@njit
def sort(values, n):
    """Sort the first n integers of an array in place: Shell, Comm. ACM 2 (1959) 30-32, gaps shrinking by 5/11.

    Numba's own sort takes half a second to compile, and this is as fast on the few that are sorted at a time.
    """
    gap = n // 2
    while gap > 0:
        for k in range(gap, n):
            value, hole = values[k], k
            while hole >= gap and values[hole - gap] > value:
                values[hole] = values[hole - gap]
                hole -= gap
            values[hole] = value
        gap = 1 if gap == 2 else gap * 5 // 11
