"""Lists of the cells that rows are counted in, against what they are made of."""

import numpy as np
import pytest

from eventsim.grid.lists import AT_ONCE, bring, packed, place_of_list

N_CELLS = 200
LINE = 64  # bytes


def rows(n, most, seed, ones=0.7):
    """(begins, cell, count, core) of rows that name 0 to `most` cells each, a part of them once."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(most, size=n, endpoint=True)
    cells = [rng.choice(N_CELLS, size, replace=False) for size in sizes]
    count = np.where(rng.random(sizes.sum()) < ones, 1, rng.integers(2, 256, sizes.sum())).astype(np.uint8)
    return np.append(0, np.cumsum(sizes)), np.concatenate([[], *cells]), count, np.sort(rng.integers(9, size=n))


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize("most, ones", [(0, 0.5), (1, 0.5), (3, 0.0), (8, 1.0), (40, 0.7)])
def test_a_row_brings_what_it_was_made_of(dtype, most, ones):
    begins, cell, count, core = rows(300, most, most, ones)
    list_at, lists = packed(begins, cell.astype(dtype), count, core.astype(np.int32), N_CELLS)
    assert lists.dtype == dtype and lists.nbytes % LINE == 0
    for row in range(300):
        own, brought = slice(begins[row], begins[row + 1]), np.zeros(N_CELLS + AT_ONCE, dtype=np.uint64)
        place = place_of_list(list_at, lists, row)
        assert lists[place : place + 2].tolist() == [core[row], own.stop - own.start]
        bring(lists, place, brought)
        expected = np.zeros(N_CELLS, dtype=np.uint64)
        expected[cell[own].astype(int)] = count[own] + (np.uint64(1) << np.uint64(32))
        assert (brought[:N_CELLS] == expected).all()


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_a_list_lies_in_as_few_lines_as_it_can_and_over_no_other(dtype):
    begins, cell, count, core = rows(300, 40, 1)
    list_at, lists = packed(begins, cell.astype(dtype), count, core.astype(np.int32), N_CELLS)
    stops = []
    for row in range(300):
        place, numbers = place_of_list(list_at, lists, row), 4
        numbers += 4 * int(lists[place + 2]) + 8 * int(lists[place + 3])
        first, stop = place * lists.itemsize, (place + numbers) * lists.itemsize
        assert -(-stop // LINE) - first // LINE == -(-(stop - first) // LINE)
        assert first % 32 == 0 and (not stops or first >= stops[-1])
        stops.append(stop)
    assert stops[-1] <= lists.nbytes


def test_rows_of_one_core_that_reach_nobody_share_a_list():
    core = np.array([3, 3, 4, 4, 4, 3], dtype=np.int32)
    list_at, lists = packed(np.array([0, 0, 0, 1, 1, 1, 1]), np.array([7], np.uint16), np.array([1], np.uint8), core, 9)
    assert list_at[0] == list_at[1] and list_at[3] == list_at[4] and len(set(list_at.tolist())) == 4
    assert [int(lists[place_of_list(list_at, lists, row)]) for row in range(6)] == core.tolist()
