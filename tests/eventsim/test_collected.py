"""Rows of counts, as words, as tables and as columns."""

import numpy as np
import pytest

import eventsim
from eventsim.collected import CountBlock
from eventsim.counts import SYNAPTIC_EVENTS
from eventsim.grid import allocate, kernel
from runs.benchmarks.networks import cuba
from tests.support.interpreted import interpreted


def test_words_hold_the_largest_core_and_count():
    """Two ticks, the second without a row; the words as the docstring of `eventsim.collected` has them."""
    words = [5 << 27 | 0 << 3 | 4, (2**36 - 1) << 27 | (2**24 - 1) << 3 | 1, 2**63 | 7, 2**63 | 9]
    block = CountBlock(np.array(words, dtype=np.uint64), n_cores=3)
    assert (block.n, block.ticks, block.rises) == (2, (7, 9), True)
    assert [column.tolist() for column in block.columns().values()] == [[7, 7], [-1, 2**24 - 2], [4, 1], [5, 2**36 - 1]]


def words_of(table, size, tick):
    """A table of counts of 2**size bytes, and the word of its tick."""
    n_words = -(-(len(table) << size) // 8)
    counts = np.zeros(8 * n_words >> size, dtype=f"u{1 << size}")
    counts[: len(table)] = table
    return np.append(counts.view(np.uint64), np.uint64(3 << 62 | size << 60 | tick))


@pytest.mark.parametrize("size", range(4))
def test_tables_and_rows_of_words_are_read_alike(size):
    """A table of a host and a core, zeros at both ends, between ticks of rows; sorted by tick, core and kind."""
    most = min((1 << (8 << size)) - 1, 2**62)
    table = words_of([0, most, 3, 0, 0, 0, most, 0, 0, 128], size, 7)  # kind by kind
    before, after = [5 << 27 | 1 << 3 | 4, 2**63 | 6], [6 << 27 | 1 << 3 | 1, 2**63 | 8]
    block = CountBlock(np.concatenate([np.array(before, np.uint64), table, np.array(after, np.uint64)]), 2)
    assert (block.n, block.ticks, block.rises) == (6, (6, 8), True)
    assert [column.tolist() for column in block.columns().values()] == [
        [6, 7, 7, 7, 7, 8], [0, -1, -1, 0, 0, 0], [4, 1, 3, 0, 4, 1], [5, 3, most, most, 128, 6]
    ]  # fmt: skip


@pytest.mark.parametrize("size", range(4))
def test_a_table_in_front_of_everything_may_begin_with_zeros(size):
    """Of three cores and fifteen counts, which fill no whole words but the largest counts."""
    block = CountBlock(words_of([0] * 14 + [2], size, 0), n_cores=3)
    assert (block.n, block.ticks, block.rises) == (1, (0, 0), True)
    assert [column.tolist() for column in block.columns().values()] == [[0], [1], [4], [2]]


@pytest.mark.parametrize("size", range(4))
def test_counts_above_zero_are_told_from_zeros_whatever_their_bits(size):
    rng = np.random.default_rng(size)
    counts = np.uint64(1) << rng.integers(8 << size, size=(200, 15), dtype=np.uint64) >> np.uint64(1)
    block = CountBlock(np.concatenate([words_of(table, size, tick) for tick, table in enumerate(counts)]), n_cores=3)
    assert block.n == np.count_nonzero(counts) == block.columns()["count"].size
    found = np.zeros((200, 5, 3), dtype=np.int64)
    tick, core, kind, count = block.columns().values()
    found[tick, kind, core + 1] = count
    assert (found.reshape(200, 15) == counts.astype(np.int64)).all()


@pytest.mark.parametrize("too_many", [0, 1 << 32])
@pytest.mark.parametrize("words", ["0", "10**6"])
def test_a_run_that_leaves_rows_and_one_that_leaves_tables_count_the_same(words, too_many, monkeypatch):
    network = eventsim.compile_network(cuba(100, fan_in=8))
    stimulus, core_of = network.stimulus.lasting(600), np.arange(100, dtype=np.int32) % 3
    whole = eventsim.simulate(network, stimulus, core_of=core_of).counts()
    assert whole.total("synaptic_events") > 100
    monkeypatch.setattr(allocate, "TOO_MANY", too_many)  # synapses for counts of four bytes
    monkeypatch.setattr(kernel, "load", interpreted([("WORDS_PER_SPIKE * spikes", f"{words} * spikes")]))
    assert eventsim.simulate(network, stimulus, core_of=core_of).counts().hash == whole.hash


@pytest.mark.parametrize("senders, receivers", [(15, 17), (256, 1), (16, 16), (255, 257), (256, 256)])
def test_a_table_has_room_for_its_largest_count(senders, receivers):
    """All to all, all on one core: 255 deliveries in a tick, 256, 65,535, 65,536, and 256 alone."""
    pre, post = np.divmod(np.arange(senders * receivers), receivers)
    network = eventsim.network(
        {"model": ["source"] * senders + ["gate"] * receivers},
        {"pre": pre, "post": senders + post, "weight": np.full(pre.size, 0.25), "delay_ms": np.ones(pre.size)},
    )
    stimulus = eventsim.Stimulus.of(np.tile([1, 2], senders), np.repeat(np.arange(senders), 2), duration_ticks=40)
    counts = eventsim.simulate(network, stimulus.lasting(40), core_of=np.repeat([-1, 0], [senders, receivers])).counts()
    arrived = (counts.kind == SYNAPTIC_EVENTS) & (counts.core == 0)
    assert counts.count[arrived].tolist() == [senders * receivers] * 2


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
