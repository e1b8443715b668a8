"""Hops of XY routing on eight columns of four tiles."""

import numpy as np
import pytest

from eventsim.errors import ConfigError
from hardware_models import hops, load_chip


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


def test_a_core_and_many_are_paired(loihi):
    assert [ways.tolist() for ways in hops(0, [4, 16, 127], loihi.mesh)] == [[0, 1, 7], [1, 0, 3]]


@pytest.mark.parametrize("source, destination, complaint", [
    (0, -1, r"destination_core\[0\] is -1"), ([0, -1], 0, r"source_core\[1\] is -1"),
    (float("nan"), 0, "source_core is float64"), (0, 1.5, "destination_core is float64"), (0, None, "destination_core"),
    (0, 2**24, "16777214 are allowed"), (0, 128, "cores 0 and 128 are on different chips"),
    ([0, 127], [3, 128], "cores 127 and 128 are on different chips"),
    ([0, 1], [0, 1, 2], "2 source cores and 3 destination cores"),
])  # fmt: skip
def test_a_way_that_no_message_takes_on_a_chip_has_no_hops(loihi, source, destination, complaint):
    with pytest.raises(ConfigError, match=complaint):
        hops(source, destination, loihi.mesh)


@pytest.mark.parametrize("mesh, complaint", [
    (load_chip("loihi2").mesh, "does not say `width_tiles`"), (load_chip("loihi"), "mesh is <Chip loihi"),
    (None, "mesh is None"),
])  # fmt: skip
def test_a_mesh_that_is_none_or_not_published_has_no_hops(mesh, complaint):
    with pytest.raises(ConfigError, match=complaint):
        hops(0, 1, mesh)
