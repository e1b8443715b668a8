"""Numbers that are none: every function of bounds, fits and dimensions says which of its arguments it cannot take."""

import math

import numpy as np
import pytest

from analysis.convergence import against_law, fit_convergence
from analysis.effective_dimension import effective_dimension, participation_ratio
from analysis.given import generator, number, numbers
from analysis.information import entropy, mutual_information
from analysis.spike_bounds import (
    binary_entropy,
    cramer_rao_bound,
    entropy_estimate,
    fano_bits,
    gaussian_bits,
    information_bound,
    largest_rate,
    lipschitz_bits,
    monotone_rate_bound,
    rate_bound,
    shannon_bits,
)
from eventsim.errors import ConfigError

X = np.linspace(-1, 1, 101)
PRIOR = np.exp(-(X**2) / 0.02)
RNG = np.random.default_rng(5)
SAMPLES = RNG.standard_normal((100, 3))


@pytest.mark.parametrize("value", [None, "3", b"3", [1, 2], {}, 1j, 10**400])
def test_what_is_no_number_is_refused_by_its_name(value):
    with pytest.raises(ConfigError, match="width is "):
        number("width", value)


def test_numbers_pass_as_floats():
    assert number("x", np.float32(0.5)) == 0.5 and numbers("x", [[1, 2]]).shape == (1, 2)
    for wrong in ("abc", [[1], [1, 2]], [{}], [1j], np.ones(2, complex)):
        with pytest.raises(ConfigError, match="x: give an array of numbers"):
            numbers("x", wrong)


@pytest.mark.parametrize("seed", ["a", -1, 0.5, [1, "b"]])
def test_a_seed_that_is_none_is_refused_wherever_one_is_given(seed):
    coins = RNG.integers(2, size=64)
    for call in (generator, lambda s: entropy(coins, "quadratic", seed=s),
                 lambda s: mutual_information(coins, coins, "shuffle", seed=s),
                 lambda s: effective_dimension(SAMPLES, seed=s),
                 lambda s: fit_convergence([1, 2, 3], [[1, 2, 3, 4]] * 3, seed=s)):  # fmt: skip
        with pytest.raises(ConfigError, match="give a whole number from 0 on"):
            call(seed)
    assert generator(3).random() == np.random.default_rng(3).random()


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda: rate_bound(None, 1, cut="c"), "bits"),
        (lambda: information_bound("3", 1, 1, cut="c"), "bits"),
        (lambda: rate_bound(1.0, 1, cut="c").saturation(None), "spikes_used"),
        (lambda: binary_entropy("half"), "binary_entropy"),
        (lambda: fano_bits(None, 0.1, 4), "labels_entropy_bits"),
        (lambda: gaussian_bits("eye", 1), "covariance"),
        (lambda: gaussian_bits(np.eye(2), None), "mse"),
        (lambda: lipschitz_bits("1", 1, 0.1, 2), "lipschitz"),
        (lambda: shannon_bits(math.nan, 1, 1), "entropy_bits"),
        (lambda: entropy_estimate(np.zeros(100)), "samples"),
        (lambda: entropy_estimate(np.full((100, 1), np.nan)), "samples"),
        (lambda: cramer_rao_bound("0.1", X, np.exp(X), PRIOR, cut="c"), "error"),
        (lambda: cramer_rao_bound(0.1, X, np.exp(X) / 0.0, PRIOR, cut="c"), "finite"),
        (lambda: monotone_rate_bound(None, 1, 0.1, 3, cut="c"), "lipschitz"),
        (lambda: fit_convergence(["a", "b", "c"], [[1, 2, 3, 4]] * 3), "lengths"),
        (lambda: fit_convergence([1, 2, 3], None), "errors"),
        (lambda: fit_convergence([1, 2, 3], [[-1, 2, 3, 4]] * 3), "0 or more"),
        (lambda: fit_convergence([1, 2, 3], [[1, 2, 3, 4]] * 3, resamples=1), "resamples"),
        (lambda: against_law([1, math.nan], [1, 1]), "predictions"),
        (lambda: effective_dimension("abc"), "samples"),
        (lambda: effective_dimension(SAMPLES, among=()), "among"),
        (lambda: effective_dimension(1e200 * SAMPLES), "unit"),
        (lambda: participation_ratio(1e-200 * SAMPLES), "unit"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_each_function_names_what_it_cannot_take(call, named):
    with pytest.raises(ConfigError, match=named):
        call()


@pytest.mark.parametrize("rho", [2, 3, 10, 100, 1000])
def test_the_largest_rate_solves_its_equation_and_no_silence_is_too_long(rho):
    """y^(rho-1) (y - 1) = 1, whose left side rises: a hair above y it is above 1, a hair below below."""
    y = 2 ** largest_rate(rho)
    above, below = (t ** (rho - 1) * (t - 1) for t in (y * (1 + 1e-12), y * (1 - 1e-12)))
    assert below < 1 < above
    assert 0 < largest_rate(10**6) < largest_rate(rho)
    assert 0 < information_bound(1.0, 1, 5, cut="c", refractory_ticks=10**6).spikes_needed < 1
