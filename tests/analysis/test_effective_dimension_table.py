"""Definitions side by side: intervals that hold as often as they say, groups, rarefaction, and what is refused."""

import json

import numpy as np
import pytest

from analysis.effective_dimension import (
    Definition,
    corrected_participation_ratio,
    definitions,
    effective_dimension,
    half_dimension,
    mle_dimension,
    participation_ratio,
    pca_dimension,
    two_nn,
    water_filling_dimension,
)
from analysis.effective_dimension.jackknife import jackknife_errors
from eventsim.errors import ConfigError

VARIANCES = np.arange(1, 41) ** -0.5
TRUTH = VARIANCES.sum() ** 2 / np.square(VARIANCES).sum()

NAIVE = Definition("naive", participation_ratio, "spectrum")
CORRECTED = Definition("corrected", corrected_participation_ratio, "samples")


def falling(rng, count):
    return rng.standard_normal((count, 40)) * np.sqrt(VARIANCES)


@pytest.fixture(scope="module")
def table():
    return effective_dimension(falling(np.random.default_rng(1), 600), repeats=3)


def test_the_table_holds_what_each_function_says_of_the_same_samples(table):
    samples = falling(np.random.default_rng(1), 600)
    assert len(table.estimates) == len(definitions()) == 15
    assert table["participation ratio, corrected"].estimate == pytest.approx(corrected_participation_ratio(samples))
    assert table["principal components, 95 %"].estimate == pca_dimension(samples, 0.95)
    assert table["water-filling, error 5 %"].estimate == water_filling_dimension(samples, 0.05)
    assert table["half dimension, channels"].estimate == half_dimension(samples)
    assert table["two nearest neighbours"].estimate == pytest.approx(two_nn(samples))
    assert table["maximum likelihood, 20 neighbours"].estimate == pytest.approx(mle_dimension(samples))


def test_it_can_be_had_as_frames_as_plain_types_and_in_words(table):
    frame = table.to_frame()
    assert list(frame.columns) == ["estimate", "low", "high", "growth", "samples", "channels"]
    assert frame.loc["stable rank", "estimate"] == table["stable rank"].estimate and (frame["samples"] == 600).all()
    assert sorted(set(table.rarefaction_frame()["samples"])) == [37, 75, 150, 300]
    assert json.loads(json.dumps(table.to_json(), allow_nan=False))["groups"] == 20
    assert str(table).startswith("600 samples of 40 channels, 95% intervals\n")
    with pytest.raises(ConfigError, match="no definition 'rank'; choose one of participation ratio, "):
        table["rank"]


def covered(tables, name):
    return np.mean([table[name].low <= TRUTH <= table[name].high for table in tables])


def test_intervals_of_the_corrected_ratio_hold_the_truth_as_often_as_they_say_and_those_of_the_naive_one_do_not():
    rng = np.random.default_rng(2)
    among = [NAIVE, CORRECTED]
    tables = [effective_dimension(falling(rng, 80), among=among, repeats=2, seed=k) for k in range(100)]
    assert 0.89 <= covered(tables, "corrected") <= 0.99 and covered(tables, "naive") < 0.2


def five_of_each(rng, count):
    return np.repeat(falling(rng, count // 5), 5, axis=0) + 1e-3 * rng.standard_normal((count, 40))


def test_samples_that_belong_together_need_their_groups_or_the_interval_is_too_short():
    groups = np.repeat(np.arange(80), 5)
    wide = effective_dimension(five_of_each(np.random.default_rng(3), 400), among=[NAIVE], groups=groups)
    short = effective_dimension(five_of_each(np.random.default_rng(3), 400), among=[NAIVE])
    width = [np.log(table["naive"].high / table["naive"].low) for table in (wide, short)]
    assert width[0] == pytest.approx(5**0.5 * width[1], rel=0.35)
    assert wide.groups == 80


def test_the_jackknife_of_a_mean_is_its_standard_error_and_of_groups_that_of_their_means():
    x = np.random.default_rng(4).standard_normal(60)

    def mean(kept):
        return np.array([x[kept].mean()])

    errors, freedom = jackknife_errors(mean, np.arange(60), mean(slice(None)))
    assert errors == pytest.approx(x.std(ddof=1) / 60**0.5) and freedom == 59
    errors, _ = jackknife_errors(mean, np.repeat(np.arange(12), 5), mean(slice(None)))
    assert errors == pytest.approx(x.reshape(12, 5).mean(axis=1).std(ddof=1) / 12**0.5)


def test_noise_of_more_channels_than_samples_has_as_many_dimensions_as_it_has_samples_unless_corrected():
    samples = np.random.default_rng(5).standard_normal((128, 2000))
    table = effective_dimension(samples, repeats=4)
    assert table["participation ratio"].estimate < 128 and table["principal components, 95 %"].estimate < 128
    for starved in ("participation ratio", "principal components, 95 %", "half dimension, principal axes"):
        assert table[starved].growth == pytest.approx(2, abs=0.1)
    corrected = table["participation ratio, corrected"]
    assert corrected.growth == pytest.approx(1, abs=0.4) and corrected.low < 2000 < corrected.high


def test_the_mean_over_parts_of_half_the_samples_is_what_growth_divides_by(table):
    frame = table.rarefaction_frame().set_index(["definition", "samples"])
    half = frame.loc[("entropy rank", 300), "mean"]
    assert table["entropy rank"].growth == pytest.approx(table["entropy rank"].estimate / half)


def test_samples_that_repeat_each_other_have_no_neighbours_but_all_else():
    samples = np.repeat(np.random.default_rng(7).standard_normal((15, 4)), 20, axis=0)
    table = effective_dimension(samples, repeats=2)
    assert np.isnan(table["two nearest neighbours"].estimate) and table["two nearest neighbours"].low is None
    assert table["participation ratio"].estimate == pytest.approx(participation_ratio(samples))
    assert table.to_json()["estimates"][-1]["estimate"] is None


def test_it_reports_how_far_it_is():
    seen = []
    effective_dimension(falling(np.random.default_rng(6), 64), among=[NAIVE], progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) == 25


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"samples": np.eye(63)}, "at least 64"),
        ({"samples": np.eye(64), "groups": np.zeros(63, dtype=int)}, r"give \(64,\) integers"),
        ({"samples": np.eye(64), "groups": np.zeros(64)}, r"give \(64,\) integers"),
        ({"samples": np.eye(64), "groups": np.arange(64) % 3, "among": [NAIVE]}, "3 groups; the jackknife takes"),
        ({"samples": np.eye(64), "confidence": 1.0}, "confidence is 1.0"),
        ({"samples": np.eye(64), "repeats": 1}, "repeats 1"),
    ],
)
def test_what_makes_no_table_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        effective_dimension(**arguments)
