"""Sums over rows of words, against numpy: bits in bytes, fields in sums of sixteen bits, for every size of a row."""

import numpy as np
import pytest
from numba import njit

from eventsim.sums import BITS, FIELD, SIZES, sum_bits, sum_fields

ROWS = np.array([3, 0, 3, 150, 199, 7] + list(range(20, 120)))


@njit
def bits_of_rows(sums, words, stride, numbers, stop):
    sum_bits(sums, 8, words, 1, stride, numbers, 2, stop)


@njit
def fields_of_rows(sums, words, n_words, bits, numbers, stop):
    sum_fields(sums, words, 3, n_words, bits, numbers, 1, stop)


def words(n):
    return np.random.default_rng(n).integers(1 << 64, size=n, dtype=np.uint64)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_bits_are_counted_in_bytes(dtype):
    sums, held, numbers = np.full(20, 2, np.uint64), words(1 + 200 * 5), ROWS.astype(dtype)
    bits_of_rows(sums, held, 5, numbers, numbers.size)
    expected = np.full(20, 2, np.uint64).view(np.uint8).astype(int)
    chosen = held[1::5][numbers[2:]].view(np.uint8).reshape(-1, 8)
    for bit in range(8):
        expected[8 * (8 + bit) : 8 * (9 + bit)] += (chosen >> bit & 1).sum(axis=0, dtype=int)
    assert sums.view(np.uint8).tolist() == expected.tolist()


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("n_words", [*SIZES, 16, 24])
@pytest.mark.parametrize("stop", [1, 2, ROWS.size])
def test_fields_are_added_layer_by_layer(n_words, bits, stop):
    sums, held = np.full(5 * n_words, 3, np.uint64), words(3 + 200 * n_words)
    fields_of_rows(sums, held, n_words, bits, ROWS, stop)
    rows = held[3:].reshape(-1, n_words)[ROWS[1:stop]].view(np.uint16)
    layers = [(rows >> shift & (1 << bits) - 1).sum(axis=0) for shift in range(0, FIELD, bits)]
    expected = np.full(5 * n_words, 3, np.uint64).view(np.uint16).astype(int)
    expected[: 4 * n_words * len(layers)] += np.concatenate(layers).astype(int)
    assert sums.view(np.uint16).tolist() == expected.tolist()
