"""The claim of 38 to 57 times less energy: its activities worked out, the figures of others met, data with sources."""

from fractions import Fraction

import pytest

from analysis.energy_claim import CLAIMED, accountings, activity
from hardware_models.costing.published import load_models, load_operations, load_thresholds

WAYS = {way.name: way for way in accountings()}


@pytest.mark.parametrize(
    "name, expected",
    [
        ("operation counts, float32", (0.1345, 0.0897)),  # 4.6 / 0.9 / ratio
        ("weights and potentials from a cache", (0.0159, 0.0106)),  # 9.6 / 15.9 / ratio
    ],
)
def test_the_activity_at_which_the_claim_holds(name, expected):
    found = [round(float(WAYS[name].activity_for(ratio)), 4) for ratio in CLAIMED]
    assert tuple(found) == expected


@pytest.mark.parametrize(
    "name, ratios",
    [
        ("operation counts, float32", (38.0, 57.0)),
        ("weights and potentials from a cache", (4.5, 6.7)),
        ("weights and potentials from a cache, against int8", (0.725, 1.087)),  # 1.55 / 15.9 / rho
        ("loihi, davies2018", (1.45, 2.17)),
        ("truenorth, affine", (14.9, 22.3)),
    ],
)
def test_what_is_left_of_the_claim_at_its_own_activity(name, ratios):
    claim = WAYS["operation counts, float32"]
    found = [float(WAYS[name].ratio(claim.activity_for(ratio))) for ratio in CLAIMED]
    assert found == pytest.approx(ratios, rel=0.01)


def test_a_ratio_and_its_activity_are_inverse_with_macs_of_its_own_and_static_power():
    way = WAYS["weights and potentials from a cache"]
    for ratio in (Fraction(1), Fraction(7, 2)):
        rho = way.activity_for(ratio, Fraction(1, 50), Fraction(1, 3))
        assert way.ratio(rho, Fraction(1, 50), Fraction(1, 3)) == ratio


@pytest.mark.parametrize("name", ["spikingformer_8_512", "spikformer_4_384"])
def test_published_operations_at_the_published_prices_give_the_published_energy(name):
    model, way = load_models()[name], WAYS["operation counts, float32"]
    rho, own = activity(model, way.ann, way.event)
    macs = model.dense_macs_count.exact / model.steps_count.exact
    energy = way.ann * macs / way.ratio(rho, own)
    assert float(energy / 10**6) == pytest.approx(float(model.energy_uj.value), rel=1e-5)


def test_a_model_without_counted_additions_has_those_of_its_energy():
    model, way = load_models()["spikformer_8_512"], WAYS["operation counts, float32"]
    rho, own = activity(model, way.ann, way.event)
    # 18.82 mJ against 33.2 G / 4 MACs of 4.6 pJ.
    assert float(way.ratio(rho, own)) == pytest.approx(33.231475688 / 4 * 4.6 / 18.82, rel=1e-9)


def test_the_break_even_of_integers_is_near_what_others_find():
    # 1.55 / 6.35 against 5 steps of 5.7 %: MACs 0.2 + 0.1 + 1.25 pJ, deliveries 0.1 + 1.25 + 5.
    assert float(WAYS["both networks in integers"].activity_for(1)) == pytest.approx(0.2441, abs=1e-4)
    assert float(load_thresholds()["yan_2026"].activity) == pytest.approx(0.285)


def test_a_table_that_rests_on_an_estimate_is_marked():
    assert [way.name for way in WAYS.values() if way.unverified] == ["truenorth, split"]


def test_what_nobody_could_read_is_marked_and_has_no_ratio():
    models = load_models()
    assert {name for name, model in models.items() if model.unverified} == {"qkformer_10_768", "spikingresformer_l"}
    assert activity(models["qkformer_10_768"], Fraction(46, 10), Fraction(9, 10)) is None


def test_every_published_figure_has_a_source():
    figures = [getattr(load_operations(), name) for name in load_operations().__struct_fields__]
    figures += [figure for model in load_models().values() for figure in model.figures.values()]
    assert all(figure.source.strip() and figure.read for figure in figures) and len(figures) > 20


def test_static_power_is_power_times_time():
    way = WAYS["loihi, davies2018, with static power"]
    # 104.4 mW x 15 chips x 4 ms = 6.264 mJ, over 10^9 MACs.
    assert way.static_per_mac(15, 4, 10**9) == Fraction("6.264")
