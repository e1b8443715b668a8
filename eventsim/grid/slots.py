"""Slots of the small hash tables by which a few hundred kinds of weights, or of neurons, are told apart."""

import numpy as np
from numba import njit

__all__ = ["N_SLOTS", "first_slot", "mixed"]

_BITS = 10
#: Of a table; some times as many as there are kinds, so that most are found at once.
N_SLOTS = 1 << _BITS
_SPREADING = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: Knuth, The Art of Computer Programming 3, 6.4


@njit
def mixed(known, word):
    """What stands for words, with one word more; begin with 0."""
    return (known ^ np.uint64(word)) * _SPREADING


@njit
def first_slot(words):
    """The slot to look at first for what stands for words, as `mixed` gives it."""
    return np.int64(words >> np.uint64(64 - _BITS))
