"""Bits from squared errors of any data, the Lipschitz form, signed pairs, and bounds by Fisher information."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.spike_bounds import (
    cramer_rao_bound,
    entropy_estimate,
    gaussian_bits,
    lipschitz_bits,
    monotone_rate_bound,
    rate_bound,
    rectified_rate_bound,
    shannon_bits,
    shannon_bits_of_samples,
    van_trees_bound,
)
from eventsim.errors import ConfigError

# --- any distribution


@pytest.mark.parametrize(
    "law, bits",
    [(stats.norm(scale=2), 0.5 * math.log2(2 * math.pi * math.e * 4)), (stats.uniform(scale=8), 3.0),
     (stats.expon(scale=1 / math.e), 0.0)],
)  # fmt: skip
@pytest.mark.parametrize("d", [1, 3])
def test_the_estimated_entropy_is_that_of_known_densities(law, bits, d):
    found, standard_error = entropy_estimate(law.rvs((3000, d), random_state=1))
    assert found == pytest.approx(d * bits, abs=3 * standard_error + 0.04 * d)  # edges add some
    assert 0.01 < standard_error < 0.06 * d


def test_twenty_samples_per_dimension_are_enough_for_a_fifth_of_a_bit():
    for d in (1, 4, 8):
        found = [entropy_estimate(np.random.default_rng(k).standard_normal((20 * d, d)))[0] for k in range(60)]
        assert abs(np.mean(found) / d - 0.5 * math.log2(2 * math.pi * math.e)) < 0.2


def test_the_shannon_bound_of_a_gaussian_is_its_rate_and_of_other_data_less():
    rng = np.random.default_rng(2)
    gaussian = rng.standard_normal((4000, 2)) * [2, 1]
    exact = gaussian_bits(np.diag([4.0, 1.0]), 0.02).bits
    assert shannon_bits_of_samples(gaussian, 0.02).bits == pytest.approx(exact, abs=0.25)
    known = 0.5 * math.log2((2 * math.pi * math.e) ** 2 * 4)
    assert shannon_bits(known, 0.02, 2).bits == pytest.approx(exact, abs=1e-9)
    two_points = rng.choice([-1.0, 1.0], (4000, 1)) + 0.01 * rng.standard_normal((4000, 1))
    # Two narrow peaks: 1 bit for the peak, and the rate of a Gaussian within it. One Gaussian is far off.
    inside = 1 + math.log2(0.01 / 0.003)
    assert shannon_bits_of_samples(two_points, 0.003**2).bits == pytest.approx(inside, abs=0.2)
    assert gaussian_bits([[1.0]], 0.003**2).bits > inside + 4


def test_the_shannon_bound_leaves_out_directions_that_hardly_vary():
    rng = np.random.default_rng(3)
    flat = rng.standard_normal((2000, 5)) @ np.diag([1, 1, 1, 1e-6, 0])
    assert shannon_bits_of_samples(flat, 0.03).bits == pytest.approx(3 * 0.5 * math.log2(100), abs=0.4)


def test_what_has_no_density_is_refused_with_the_reason():
    with pytest.raises(ConfigError, match="too few for a density"):
        entropy_estimate(np.random.default_rng(0).standard_normal((39, 2)))
    with pytest.raises(ConfigError, match="repeat others"):
        shannon_bits_of_samples(np.tile(np.arange(8.0)[:, None], (10, 1)), 0.1)
    with pytest.raises(ConfigError, match="outputs"):
        shannon_bits_of_samples(np.ones(4), 0.1)


# --- the Lipschitz form, and signed pairs


def test_the_law_of_the_abstract_needs_its_assumptions_and_has_its_exponent():
    bits = lipschitz_bits(3.0, 2.0, 0.1, 10)
    needed = rate_bound(bits, channels=10, cut="values").spikes_needed
    assert needed == pytest.approx(10 * (60 - 1) ** 2)
    text = "; ".join(map(str, bits.assumptions))
    assert "independent Gaussians" in text and "worst of its class" in text
    # Two counts per scalar: the exponent is 1, not 2. Per-vector error: (n d)^2.
    assert rate_bound(bits, channels=20, cut="values").spikes_needed == pytest.approx(20 * (math.sqrt(60) - 1) ** 2)
    whole_vector = lipschitz_bits(3.0, 2.0, 0.1 / math.sqrt(10), 10)
    assert rate_bound(whole_vector, 10, cut="values").spikes_needed == pytest.approx(10 * (60 * math.sqrt(10) - 1) ** 2)
    assert lipschitz_bits(1.0, 1.0, 2.0, 5).bits == 0


def test_two_counts_of_16_and_1_resolve_a_scalar_as_the_two_channel_bound_says():
    assert rate_bound(math.log2(10), 2, cut="values").spikes_needed == pytest.approx(2 * (math.sqrt(10) - 1) ** 2)
    assert rate_bound(64 * math.log2(10), 128, cut="values").spikes_needed == pytest.approx(598.456918996895)


def test_signed_pairs_get_one_bit_more():
    assert rectified_rate_bound(math.log2(20), 1, cut="values").spikes_needed == pytest.approx(81)
    assert rectified_rate_bound(3.0, 4, cut="values").spikes_needed == 0
    # Poisson counts of both signs at T = 1024 reach eps = .0559 with 204.5 spikes: 63 are needed, 285 on one channel.
    bits = math.log2(1 / 0.05593)
    assert rectified_rate_bound(bits, 1, cut="values").spikes_needed == pytest.approx(63.0, abs=0.2)
    assert rate_bound(bits, 1, cut="values").spikes_needed == pytest.approx(284.9, abs=0.2)


def test_a_signed_poisson_code_beats_the_one_channel_bound_and_not_that_of_its_pair():
    rng = np.random.default_rng(4)
    x, gain = rng.standard_normal(200_000), 256.0
    counts = rng.poisson(gain * np.abs(x))
    y = np.sign(x) * counts / gain
    bits = -0.5 * math.log2(np.mean((y - x) ** 2))
    assert rate_bound(bits, 1, cut="x").beaten_by(counts.mean())
    pair = rectified_rate_bound(bits, 1, cut="x")
    assert 1 < pair.saturation(counts.mean()) < 6 and pair.channels == 2


# --- Fisher information


def test_a_rate_that_rises_linearly_needs_three_over_the_square_of_the_error():
    x = np.linspace(-0.5, 0.5, 4001) * math.sqrt(12)
    bound = cramer_rao_bound(0.05, x, x - x[0], np.ones(x.size), cut="values")
    assert bound.spikes_needed == pytest.approx(3 / 0.05**2, rel=1e-4)  # 64 scalars: 76,800
    assert 64 * bound.spikes_needed == pytest.approx(76800, rel=1e-4)
    assert "no bias" in str(bound) and bound.bits is None


def test_exponential_rates_meet_the_closed_form_of_van_trees():
    x = np.linspace(-9, 9, 8001)
    prior, a = np.exp(-(x**2) / 2), 0.7
    bound = van_trees_bound(0.1, x, np.exp(a * x), prior, cut="values")
    assert bound.spikes_needed == pytest.approx((1 / 0.1**2 - 1) / a**2, rel=1e-4)
    assert van_trees_bound(2.0, x, np.exp(a * x), prior, cut="values").spikes_needed == 0
    assert json_is_plain(bound)


def json_is_plain(bound):
    return bound.to_json()["bits"] is None and "this error" in bound.verdict(3.0)


def test_a_decoder_of_poisson_counts_stays_above_van_trees_and_near_it():
    rng = np.random.default_rng(5)
    x, a, gain = rng.standard_normal(100_000), 0.7, 400.0
    counts = rng.poisson(gain * np.exp(a * x))
    estimate = np.polyval(np.polyfit(np.log(counts + 0.5), x, 5), np.log(counts + 0.5))
    error = math.sqrt(np.mean((estimate - x) ** 2))
    grid = np.linspace(-9, 9, 8001)
    bound = van_trees_bound(error, grid, np.exp(a * grid), np.exp(-(grid**2) / 2), cut="x")
    assert 1 < bound.saturation(counts.mean()) < 2


def test_a_prior_with_an_edge_is_refused():
    x = np.linspace(0, 1, 101)
    with pytest.raises(ConfigError, match="must vanish"):
        van_trees_bound(0.1, x, x, np.ones(101), cut="x")


@pytest.mark.parametrize(
    "x, tuning, prior, message",
    [(np.arange(4.0), np.ones(4), np.ones(4), "ascending"), (np.arange(20.0), np.ones(19), np.ones(20), "do not fit"),
     (np.arange(20.0), -np.ones(20), np.ones(20), "0 or more")],
)  # fmt: skip
def test_tuning_that_cannot_be_is_refused(x, tuning, prior, message):
    with pytest.raises(ConfigError, match=message):
        cramer_rao_bound(0.1, x, tuning, prior, cut="x")


def test_rates_that_rise_meet_the_monotone_bound():
    # sqrt of the count rising linearly: J = 4 N/w^2 everywhere, so that the root mean square error is w/(2 sqrt N).
    assert monotone_rate_bound(1.0, 1.0, 0.05, 1, cut="x").spikes_needed == pytest.approx(100)
    assert monotone_rate_bound(2.0, 1.0, 0.05, 4, cut="x").spikes_needed == pytest.approx(100)
    rng = np.random.default_rng(6)
    x, peak = rng.uniform(0.2, 0.8, 200_000), 4000.0
    counts = rng.poisson(peak * x**2)
    error = math.sqrt(np.mean((np.sqrt((counts + 0.25) / peak) - x) ** 2))
    assert monotone_rate_bound(1.0, 1.0, error, 1, cut="x").spikes_needed == pytest.approx(peak, rel=0.02)


def test_rates_that_rise_and_fall_go_below_the_monotone_bound():
    x, turns = np.linspace(0, 1, 20_001), 5
    circle = np.stack([np.sin(np.pi * turns * x) ** 2, np.cos(np.pi * turns * x) ** 2])  # peaks of 1, a sum of 1
    needed = cramer_rao_bound(0.01, x, circle, np.ones(x.size), cut="x").spikes_needed
    assert needed == pytest.approx(1 / (2 * np.pi * turns * 0.01) ** 2, rel=1e-2)
    bound = monotone_rate_bound(1.0, 1.0, 0.01, 2, cut="x")
    assert bound.beaten_by(2 * needed) and "every rate rises" in bound.verdict(2 * needed)
