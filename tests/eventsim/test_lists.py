"""Lists of the cells that rows are counted in, against what they are made of."""

import numpy as np
import pytest

import eventsim
from eventsim.grid import spread
from eventsim.grid.lists import bits_of_cells, bring, forget, packed, place_of_list, size_of_numbers
from tests.support.plain_counts import counted, plain_counts

N_CELLS, BITS = 253, bits_of_cells(253)  # with the three that fill up as many as eight bits name
LINE, UNIT, HEAD = 64, 16, 4  # bytes of a line, and of a unit; numbers in front of the entries
AS_MANY_AS_NEEDED, NONE = 1 << 30, 0  # bytes for lists as far apart as the longest is long
DTYPES = {np.uint16: 255, np.uint32: 1 << 20, np.uint64: 1 << 40}  # and a count for which each has room


def rows(n, most, seed, ones=0.7, most_times=255):
    """(begins, cell, count, core) of rows that name 0 to `most` cells each, a part of them once."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(most, size=n, endpoint=True)
    cells = np.concatenate([[], *(rng.choice(N_CELLS, size, replace=False) for size in sizes)]).astype(np.uint16)
    count = np.where(rng.random(cells.size) < ones, 1, rng.integers(2, most_times, cells.size, endpoint=True))
    core = np.sort(rng.integers(9, size=n)).astype(np.int32)
    return np.append(0, np.cumsum(sizes)), cells, count.astype(np.uint64), core


@pytest.mark.parametrize("most_bytes", [AS_MANY_AS_NEEDED, NONE])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("most, ones", [(0, 0.5), (1, 0.5), (3, 0.0), (8, 1.0), (40, 0.7)])
def test_a_row_brings_what_it_was_made_of(dtype, most, ones, most_bytes):
    begins, cell, count, core = rows(300, most, most, ones, DTYPES[dtype])
    brings = count.astype(np.uint64) if dtype != np.uint64 else count & np.uint64(2**32 - 1)  # a word's lower half
    step, list_at, lists = packed(begins, cell, brings, core, BITS, dtype, most_bytes)
    assert lists.dtype == dtype and lists.nbytes % LINE == 0
    assert (step == 0) == (most_bytes == NONE) == (list_at.size == 300)
    for row in range(300):
        own, brought = slice(begins[row], begins[row + 1]), np.zeros(1 << BITS, dtype=np.uint64)
        place = place_of_list(list_at, step, 0, lists, row)
        assert lists[place : place + 2].tolist() == [core[row], own.stop - own.start]
        bring(lists, place, BITS, brought)
        forget(brought, BITS)
        expected = np.zeros(N_CELLS, dtype=np.uint64)
        expected[cell[own]] = brings[own] + (np.uint64(1) << np.uint64(32))
        assert (brought[:N_CELLS] == expected).all() and not brought[N_CELLS:].any()


@pytest.mark.parametrize("most", [3, 10, 40])
@pytest.mark.parametrize("most_bytes", [AS_MANY_AS_NEEDED, NONE])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_list_lies_in_as_few_lines_as_it_can_and_over_no_other(dtype, most_bytes, most):
    step, list_at, lists = packed(*rows(300, most, 1), BITS, dtype, most_bytes)
    stops = []
    for row in range(300):
        place = place_of_list(list_at, step, 0, lists, row)
        numbers = HEAD + 4 * int(lists[place + 2]) + 4 * int(lists[place + 3])
        first, stop = place * lists.itemsize, (place + numbers) * lists.itemsize
        assert -(-stop // LINE) - first // LINE == -(-(stop - first) // LINE)
        assert first % UNIT == 0 and (not stops or first >= stops[-1] or numbers == HEAD)
        stops.append(stop)
    assert max(stops) <= lists.nbytes


def test_lists_are_as_far_apart_as_the_longest_is_long_or_a_table_tells_where_they_are():
    begins, cell, count, core = rows(300, 3, 1)
    step, _, lists = packed(begins, cell, count, core, BITS, np.uint16, AS_MANY_AS_NEEDED)
    assert step == 2 and lists.nbytes == 300 * step * UNIT  # a head of four numbers, and at most twice four entries
    assert packed(begins, cell, count, core, BITS, np.uint16, lists.nbytes)[0] == step
    assert packed(begins, cell, count, core, BITS, np.uint16, lists.nbytes - 1)[0] == 0


def test_rows_of_one_core_that_reach_nobody_share_a_list():
    core, ends = np.array([3, 3, 4, 4, 4, 3], dtype=np.int32), np.array([0, 0, 0, 1, 1, 1, 1])
    _, list_at, lists = packed(ends, np.array([7], np.uint16), np.array([1], np.uint16), core, BITS, np.uint16, NONE)
    assert list_at[0] == list_at[1] and list_at[3] == list_at[4] and len(set(list_at.tolist())) == 4
    assert [int(lists[place_of_list(list_at, 0, 0, lists, row)]) for row in range(6)] == core.tolist()


def test_bits_name_all_cells_and_three_more():
    assert [bits_of_cells(n) for n in (1, 5, 6, 253, 254)] == [2, 3, 4, 8, 9]


@pytest.mark.parametrize("n_cores, bits_and_counts, dtype", [
    (9, [], np.uint16),
    (9, [(8, 255)], np.uint16), (9, [(8, 256)], np.uint32), (9, [(3, 1), (9, 255)], np.uint32),
    (9, [(24, 255)], np.uint32), (9, [(24, 256)], np.uint64),
    ((1 << 16) - 1, [(8, 255)], np.uint16), (1 << 16, [(8, 255)], np.uint32),
])  # fmt: skip
def test_numbers_have_room_for_every_core_and_entry(n_cores, bits_and_counts, dtype):
    assert size_of_numbers(n_cores, bits_and_counts) == dtype


@pytest.mark.parametrize("m, n_cores, dtype", [
    (8000, 2, np.uint16), (20_000, 2, np.uint32), (140_000, 1 << 14, np.uint64),
])  # fmt: skip
def test_a_row_that_brings_a_core_a_great_deal_is_counted_whatever_the_size(m, n_cores, dtype, monkeypatch):
    """Each sender has all its synapses but one onto the first core, and one onto the last."""
    monkeypatch.setattr(spread, "LANES", 0)
    n = 3
    network = eventsim.network({"model": ["source"] * n + ["gate"] * m}, {
        "pre": np.repeat(np.arange(n), m), "post": np.tile(n + np.arange(m), n), "weight": np.full(n * m, 0.25),
        "delay_ms": np.zeros(n * m),
    })  # fmt: skip
    core_of = np.r_[np.full(n, -1), np.zeros(m - 1), n_cores - 1].astype(np.int32)
    stimulus = eventsim.Stimulus.of(np.array([0, 1, 1]), np.arange(n)).lasting(4)
    simulation = eventsim.Simulation(network, stimulus, core_of=core_of)
    assert simulation.engine._arrays.lists.dtype == dtype
    trace = simulation.run().finish()
    assert counted(trace.counts()) == plain_counts(network, core_of, trace)
