"""Sums over rows of words, against numpy: bits in bytes, fields in sums of sixteen bits, for every size of a row."""

import numpy as np
import pytest
from numba import njit

from eventsim.sums import BITS, CORE_BLOCK, FIELD, SIZES, sum_bits, sum_fields, sum_sent

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
@pytest.mark.parametrize("n_words", [*SIZES, 24, 40])
@pytest.mark.parametrize("stop", [1, 2, ROWS.size])
def test_fields_are_added_layer_by_layer(n_words, bits, stop):
    sums, held = np.full(5 * n_words, 3, np.uint64), words(3 + 200 * n_words)
    fields_of_rows(sums, held, n_words, bits, ROWS, stop)
    rows = held[3:].reshape(-1, n_words)[ROWS[1:stop]].view(np.uint16)
    layers = [(rows >> shift & (1 << bits) - 1).sum(axis=0) for shift in range(0, FIELD, bits)]
    expected = np.full(5 * n_words, 3, np.uint64).view(np.uint16).astype(int)
    expected[: 4 * n_words * len(layers)] += np.concatenate(layers).astype(int)
    assert sums.view(np.uint16).tolist() == expected.tolist()


@njit
def sent_by_rows(sums, words, n_words, bits, numbers, sent, start, block_core, core_of):
    sum_sent(sums, words, 0, n_words, bits, numbers, 0, numbers.size, sent, start, block_core, core_of)


@pytest.mark.parametrize("bits, at_once", list(zip(BITS, (17, 257))))
@pytest.mark.parametrize("more", [-1, 0, 1, 30])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("n_words", [*SIZES, 24, 40])
def test_sums_of_twice_a_fields_bits_are_emptied_in_time(n_words, full, more, bits, at_once):
    """So many rows that registers are full, or were emptied; all fields at their largest, or some of them zero."""
    n, most = at_once + more, (1 << FIELD) // ((1 << bits) - 1)
    numbers = np.arange(min(n, most), dtype=np.int32)
    held = np.full(numbers.size * n_words, 2**64 - 1, np.uint64) if full else words(numbers.size * n_words)
    held = held if full else held & words(held.size + 1)[1:] & np.uint64(0x0FF00F0F0FFF00F0)
    rows = held.reshape(-1, n_words).view(np.uint16)
    fields = [rows >> shift & (1 << bits) - 1 for shift in range(0, FIELD, bits)]
    brought = np.concatenate([some.sum(axis=0, dtype=int) for some in fields])
    reached = np.concatenate([(some > 0).sum(axis=0, dtype=int) for some in fields])
    sums = np.zeros(2 * n_words * len(fields), np.uint64)
    core_of = (np.arange(numbers.size + 5) // 90 - 1).astype(np.int32)  # of each neuron; some blocks are on two
    of_blocks = [core_of[at : at + CORE_BLOCK] for at in range(0, core_of.size, CORE_BLOCK)]
    blocks = np.array([of[0] + 1 if (of == of[0]).all() else -1 for of in of_blocks], dtype=np.int32)
    sent = np.zeros(5, dtype=np.uint64)
    sent_by_rows(sums, held, n_words, bits, numbers, sent, 5, blocks, core_of)
    assert sums.view(np.uint16).tolist() == [*brought, *reached]
    messages = sum((some > 0).sum(axis=1) for some in fields)
    cores = core_of[5:] + 1
    assert sent.tolist() == [
        (int((cores == core).sum()) << 32) + int(messages[cores == core].sum()) for core in range(5)
    ]  # fmt: skip
    sums[:] = 0
    behind, places = np.append(np.zeros(3, np.uint64), held), np.append(0, numbers)
    fields_of_rows(sums, behind, n_words, bits, places, places.size)
    assert sums.view(np.uint16).tolist() == [*brought, *(0 * reached)]
