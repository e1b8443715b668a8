"""What larger networks would take: the fit finds what rows were made of, and the table follows from it."""

import math

import pytest

from runs.ranks.projection import fit, project

MADE_OF = {"base": 2e8, "synapse": 20.0, "own": 60.0, "mirror": 100.0}


def row(synapses, own, mirrors):
    bytes_ = sum(a * b for a, b in zip(MADE_OF.values(), (1, synapses, own, mirrors)))
    return {"synapses": synapses, "own": own, "mirrors": mirrors, "peak_mb": bytes_ / 1e6}


def test_the_fit_finds_the_bytes_that_rows_were_made_of():
    sizes = [(10_000_000, 100_000, 100_000), (5_000_000, 50_000, 100_000), (1_000_000, 500_000, 400_000),
             (20_000_000, 10_000, 10_000), (2_000_000, 20_000, 900_000)]  # fmt: skip
    found = fit([row(*size) for size in sizes])
    assert found.pop("worst") < 1e-9
    assert found == pytest.approx(MADE_OF, rel=1e-6)


def test_a_network_that_fits_one_rank_has_all_of_its_neurons_there_and_mirrored():
    found = project(MADE_OF, 1_000_000, 1000)
    assert found["ranks"] == 1 and found["synapses"] == found["events_per_s"] / 10 == 1e9
    assert found["rank_bytes"] == pytest.approx(2e8 + 20e9 + (60 + 100 + 21) * 1e6)
    assert found["heard_bytes_per_s"] == 4e7


def test_mirrors_become_fewer_when_ranks_outnumber_the_synapses_of_a_neuron():
    found = project(MADE_OF | {"synapse": 0.0, "own": 0.0, "base": 0.0}, 10**8, 10, rank_bytes=3e9)
    assert found["ranks"] == 128  # 100 (1 - exp(-10/R)) + 21 bytes for each neuron are at most 30
    assert found["rank_bytes"] == pytest.approx(1e8 * (100 * -math.expm1(-10 / 128) + 21), rel=1e-6)


def test_what_loading_needs_of_the_whole_network_cannot_be_divided():
    assert project(MADE_OF, 10**6, 10, rank_bytes=2.1e8)["ranks"] is None
