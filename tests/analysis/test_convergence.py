"""Fits of slope, constant and floor: exact curves, simulated ones with known truth, and what is refused."""

import json

import numpy as np
import pytest

from analysis.convergence import against_law, fit_convergence
from eventsim.errors import ConfigError

LENGTHS = 2.0 ** np.arange(4, 12)


def simulated(rng, alpha, floor, runs, constant=1.0):
    """Norms of six-dimensional normal errors that shrink as constant T^-alpha, with a bias of the size of the floor."""
    errors = []
    for length in LENGTHS:
        vectors = constant * rng.standard_normal((runs, 6)) / np.sqrt(6) * length**-alpha
        vectors[:, 0] += floor
        errors.append(np.linalg.norm(vectors, axis=1))
    return errors


def spread(values, seed=0):
    """Errors with exactly these root mean squares, and some spread."""
    factor = np.random.default_rng(seed).uniform(0.5, 1.5, 20)
    return [value * factor / np.sqrt(np.square(factor).mean()) for value in values]


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_an_exact_power_law_is_found_exactly(alpha):
    fit = fit_convergence(LENGTHS, spread(3 * LENGTHS**-alpha))
    assert fit.slope == pytest.approx(-alpha, abs=1e-9) and fit.constant == pytest.approx(3, rel=1e-9)
    assert fit.floor == 0 and not fit.has_floor and fit.last_slope == pytest.approx(-alpha)
    assert fit.slope_low < -alpha < fit.slope_high
    assert json.loads(json.dumps(fit.to_json()))["slope"] == fit.slope
    np.testing.assert_allclose(fit.predict(LENGTHS), 3 * LENGTHS**-alpha, rtol=1e-9)


def test_an_exact_floor_is_found_exactly():
    fit = fit_convergence(LENGTHS, spread(np.hypot(3 * LENGTHS**-1.0, 0.01)))
    assert fit.has_floor
    assert fit.slope == pytest.approx(-1, abs=1e-4) and fit.floor == pytest.approx(0.01, rel=1e-4)
    assert fit.floor_low < 0.01 < fit.floor_high and fit.last_slope > -0.2
    assert "floor" in str(fit)


def test_an_odd_length_does_not_decide():
    errors = spread(3 * LENGTHS**-0.5)
    errors[3] = 4 * errors[3]
    plain = np.polyfit(np.log(LENGTHS), [0.5 * np.log(np.square(e).mean()) for e in errors], 1)[0]
    fit = fit_convergence(LENGTHS, errors)
    assert abs(fit.slope + 0.5) < 0.6 * abs(plain + 0.5)


def coverage(rng, alpha, bias, runs, repetitions, **options):
    """Fraction of slope intervals that hold the truth, and of fits that found a floor."""
    fits = [fit_convergence(LENGTHS, simulated(rng, alpha, bias, runs), resamples=200, seed=k, **options)
            for k in range(repetitions)]  # fmt: skip
    return (np.mean([fit.slope_low <= -alpha <= fit.slope_high for fit in fits]),
            np.mean([fit.has_floor for fit in fits]))  # fmt: skip


def test_intervals_hold_about_as_often_as_they_say():
    held, found = coverage(np.random.default_rng(1), 0.5, 0.0, 24, 60)
    assert held >= 0.83 and found <= 0.12  # 95 % of 60: 0.83 or less has a chance of 1e-3 even at 0.93
    held, found = coverage(np.random.default_rng(2), 1.0, 0.004, 24, 20)
    assert held >= 0.7 and found == 1


@pytest.mark.slow
@pytest.mark.parametrize("alpha, floor, how", [(0.5, 0.0, "found"), (1.0, 0.0, "found"), (1.0, 0.002, "found"),
                                               (0.5, 0.01, "always"), (0.5, 0.0, "always")])  # fmt: skip
@pytest.mark.parametrize("runs", [16, 48])
def test_simulated_coverage_of_95_percent_intervals(alpha, floor, how, runs):
    held, found = coverage(np.random.default_rng(runs), alpha, floor, runs, 200, floor=how)
    assert 0.87 <= held <= 0.99
    assert found == 1 if floor == 0.002 else found <= (0.2 if floor else 0.04)


@pytest.mark.slow
def test_a_floor_too_low_to_be_found_flattens_the_power_law_and_not_the_fit_with_a_floor():
    rng = np.random.default_rng(3)
    held, found = coverage(rng, 0.5, 0.01, 48, 200)
    assert found < 0.3 and held < 0.8
    assert coverage(rng, 0.5, 0.01, 48, 200, floor="always")[0] > 0.87


def test_errors_are_as_large_as_their_law_or_are_seen_not_to_be():
    rng = np.random.default_rng(4)
    predicted = rng.uniform(0.1, 1, 4000)
    errors = predicted * np.sqrt(rng.chisquare(5, 4000) / 5)
    ratio = against_law(errors, predicted)
    assert ratio.agrees and ratio.ratio == pytest.approx(1, abs=0.02)
    assert ratio.standard_error == pytest.approx(np.sqrt(2 / 5 / 4000) / 2, rel=0.1)
    assert not against_law(1.05 * errors, predicted).agrees
    assert against_law(errors, predicted).to_json()["agrees"]


@pytest.mark.parametrize(
    "lengths, errors, options, message",
    [
        ([1, 2], [np.ones(5)] * 2, {}, "3 or more"), ([1, 2, 2], [np.ones(5)] * 3, {}, "ascending"),
        ([0, 1, 2], [np.ones(5)] * 3, {}, "positive"), ([1, 2, 3], [np.ones(5)] * 2, {}, "3 or more"),
        ([1, 2, 3], [np.ones(3)] * 3, {}, "4 or more"), ([1, 2, 3], [np.full(5, np.nan)] * 3, {}, "finite"),
        ([1, 2, 3], [np.zeros(5)] * 3, {}, "not all 0"), ([1, 2, 3], [np.ones(5)] * 3, {"confidence": 1}, "confidence"),
        ([1, 2, 3], [np.ones(5)] * 3, {"floor": "never"}, "always"),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_refused(lengths, errors, options, message):
    with pytest.raises(ConfigError, match=message):
        fit_convergence(lengths, errors, **options)


def test_a_law_needs_a_positive_prediction_for_each_error():
    for errors, predicted in (([1, 1], [1, 0]), ([1, 1], [1]), ([1], [1])):
        with pytest.raises(ConfigError, match="predictions"):
            against_law(errors, predicted)
