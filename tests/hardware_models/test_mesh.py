"""Hops of XY routing on eight columns of four tiles."""

import numpy as np
import pytest

from hardware_models import hops


@pytest.mark.parametrize(
    "source, destination, expected",
    [
        (0, 3, (0, 0)),  # one tile
        (0, 4, (0, 1)),  # tile 1 lies below tile 0
        (0, 16, (1, 0)),  # tile 4 heads the second column
        (0, 36, (2, 1)),  # tile 9 at column 2, row 1: the distance that SANA-FE reports too
        (0, 127, (7, 3)),  # opposite corners
        (128, 255, (7, 3)),  # the second chip is numbered like the first
    ],
)
def test_hops_are_the_columns_and_rows_between_two_tiles(loihi, source, destination, expected):
    assert tuple(int(n) for n in hops(source, destination, loihi.mesh)) == expected
    assert tuple(int(n) for n in hops(destination, source, loihi.mesh)) == expected


def test_hops_of_all_pairs_add_up_to_the_closed_form(loihi):
    # The sum of |a - b| over all pairs out of m positions is m (m^2 - 1) / 3.
    core = np.arange(128)
    source, destination = (axis.ravel() for axis in np.meshgrid(core, core))
    east_west, north_south = hops(source, destination, loihi.mesh)
    assert east_west.sum() == (8 * 63 // 3) * (4 * 4) ** 2
    assert north_south.sum() == (4 * 15 // 3) * (8 * 4) ** 2
