"""Rows of counts, as words, as tables and as columns."""

import numpy as np
import pytest

import eventsim
from eventsim.collected import CountBlock
from eventsim.grid import allocate, kernel
from runs.benchmarks.networks import cuba
from tests.support.interpreted import interpreted


def test_words_hold_the_largest_core_and_count():
    """Two ticks, the second without a row; the words as the docstring of `eventsim.collected` has them."""
    words = [5 << 27 | 0 << 3 | 4, (2**36 - 1) << 27 | (2**24 - 1) << 3 | 1, 2**63 | 7, 2**63 | 9]
    block = CountBlock(np.array(words, dtype=np.uint64), n_cores=3)
    assert (block.n, block.ticks, block.rises) == (2, (7, 9), True)
    assert [column.tolist() for column in block.columns().values()] == [[7, 7], [-1, 2**24 - 2], [4, 1], [5, 2**36 - 1]]


@pytest.mark.parametrize("of_table", [np.uint32, np.int64])
def test_tables_and_rows_of_words_are_read_alike(of_table):
    """A table of a host and a core, zeros at both ends, between ticks of rows; sorted by tick, core and kind."""
    table = np.array([0, 8, 3, 0, 0, 0, 9, 0, 0, 2], dtype=of_table)  # kind by kind
    before, after = [5 << 27 | 1 << 3 | 4, 2**63 | 6], [2**63 | 2**62 | 7, 6 << 27 | 1 << 3 | 1, 2**63 | 8]
    words = np.concatenate([np.array(before, np.uint64), table.view(np.uint64), np.array(after, np.uint64)])
    block = CountBlock(words, 2, of_table)
    assert (block.n, block.ticks, block.rises) == (6, (6, 8), True)
    assert [column.tolist() for column in block.columns().values()] == [
        [6, 7, 7, 7, 7, 8], [0, -1, -1, 0, 0, 0], [4, 1, 3, 0, 4, 1], [5, 3, 9, 8, 2, 6]
    ]  # fmt: skip


def test_a_table_in_front_of_everything_may_begin_with_zeros():
    """Of three cores and fifteen counts: half of the last word is not used."""
    table = np.array([0] * 14 + [2, 77], dtype=np.uint32)
    block = CountBlock(np.append(table.view(np.uint64), np.uint64(2**63 | 2**62)), n_cores=3)
    assert (block.n, block.ticks, block.rises) == (1, (0, 0), True)
    assert [column.tolist() for column in block.columns().values()] == [[0], [1], [4], [2]]


@pytest.mark.parametrize("too_many", [0, 1 << 32])
@pytest.mark.parametrize("words", ["0", "10**6"])
def test_a_run_that_leaves_rows_and_one_that_leaves_tables_count_the_same(words, too_many, monkeypatch):
    network = eventsim.compile_network(cuba(100, fan_in=8))
    stimulus, core_of = network.stimulus.lasting(600), np.arange(100, dtype=np.int32) % 3
    whole = eventsim.simulate(network, stimulus, core_of=core_of).counts()
    assert whole.total("synaptic_events") > 100
    monkeypatch.setattr(allocate, "_TOO_MANY", too_many)  # synapses for counts of four bytes
    monkeypatch.setattr(kernel, "load", interpreted([("WORDS_PER_SPIKE * spikes", f"{words} * spikes")]))
    assert eventsim.simulate(network, stimulus, core_of=core_of).counts().hash == whole.hash


FIRST, SECOND, END = 5 << 27 | 1 << 3 | 4, 6 << 27 | 2 << 3 | 0, 1 << 63


@pytest.mark.parametrize("words, rises", [
    ([FIRST, SECOND, END | 3, FIRST, END | 4], True),
    ([FIRST, END | 4, FIRST, END | 4], False),
    ([FIRST, END | 4, FIRST, END | 3], False),
    ([SECOND, FIRST, END | 3], False),
    ([FIRST, FIRST, END | 3], False),
])  # fmt: skip
def test_a_block_knows_whether_its_rows_rise(words, rises):
    assert CountBlock(np.array(words, dtype=np.uint64), n_cores=3).rises == rises


def test_a_block_is_followed_by_another():
    blocks = [CountBlock(np.array(words, np.uint64), 3) for words in ([FIRST, END | 3], [SECOND, END | 4])]
    both = blocks[0].followed_by(blocks[1])
    assert (both.n, both.ticks, both.rises) == (2, (3, 4), True)
