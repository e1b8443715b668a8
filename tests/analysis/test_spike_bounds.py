"""Bounds against hand-checked values, closed forms, and channels small enough to work out in full."""

import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, xlogy

from analysis.spike_bounds import (
    CERTIFIED_COUNT,
    NOT_A_BOUND,
    PROVEN_COUNT,
    binary_entropy,
    fano_bits,
    gaussian_bits,
    information_bound,
    rate_bound,
)
from eventsim.errors import ConfigError


def entropy_bits(probabilities):
    return float(-xlogy(probabilities, probabilities).sum() / math.log(2))


def mutual_information_bits(joint):
    return entropy_bits(joint.sum(0)) + entropy_bits(joint.sum(1)) - entropy_bits(joint.ravel())


# --- the entropy of a bin


@pytest.mark.parametrize(
    "x, expected", [(0, 0), (1, 0), (0.5, 1), (0.25, 2 - 0.75 * math.log2(3)), (0.01, 0.08079313589591118)]
)
def test_binary_entropy_has_its_known_values(x, expected):
    assert binary_entropy(x) == pytest.approx(expected, abs=1e-15)
    assert math.copysign(1, binary_entropy(x)) == 1


def test_a_spike_can_carry_more_than_one_bit():
    assert binary_entropy(0.2) / 0.2 == pytest.approx(3.6096404744368114)
    assert binary_entropy(0.7729078047806518) / 0.7729078047806518 == pytest.approx(1)


def test_a_probability_outside_0_to_1_is_refused():
    for x in (-0.1, 1.1, [0.5, math.nan]):
        with pytest.raises(ConfigError, match="probability"):
            binary_entropy(x)


# --- any code


def test_the_information_bound_inverts_the_entropy_of_the_pattern():
    bound = information_bound(80.7931359, channels=10, ticks=100, cut="pool")
    assert bound.spikes_needed == pytest.approx(10, abs=1e-8)
    assert (bound.channels, bound.ticks, bound.cut, bound.is_bound) == (10, 100, "pool", True)


@pytest.mark.parametrize(
    "eps, ticks, spikes",
    [(0.5, 4, 10.67), (0.2, 4, 35.47), (0.1, 4, 67.20), (0.05, 4, math.inf),
     (0.5, 10_000, 3.37), (0.1, 10_000, 12.44), (0.01, 10_000, 26.58)],
)  # fmt: skip
def test_the_information_bound_of_64_gaussian_scalars(eps, ticks, spikes):
    bound = information_bound(64 * math.log2(1 / eps), channels=64, ticks=ticks, cut="values")
    assert bound.spikes_needed == pytest.approx(spikes, abs=0.005)


@pytest.mark.parametrize("rate", [1e-250, 1e-12, 1e-3, 0.1, 0.499])
def test_a_population_of_coins_meets_the_information_bound_exactly(rate):
    bits = 1000 * float(binary_entropy(rate))
    assert information_bound(bits, 10, 100, cut="pool").spikes_needed == pytest.approx(1000 * rate, rel=1e-9)


def test_one_bit_in_every_bin_takes_half_of_the_bins_and_more_is_impossible():
    assert information_bound(12, 3, 4, cut="pool").spikes_needed == 6
    assert information_bound(12.0001, 3, 4, cut="pool").spikes_needed == math.inf
    assert information_bound(0, 3, 4, cut="pool").spikes_needed == 0


def test_no_set_of_words_beats_the_information_bound():
    words = np.array(list(itertools.product([0, 1], repeat=10)))
    for most in range(11):
        weights = words.sum(axis=1)[words.sum(axis=1) <= most]
        needed = information_bound(math.log2(weights.size), 5, 2, cut="pool").spikes_needed
        assert needed <= weights.mean() + 1e-9


def test_no_random_code_beats_the_information_bound_but_counting_half_the_bins_would():
    weights = np.array(list(itertools.product([0, 1], repeat=8))).sum(axis=1)
    rng = np.random.default_rng(3)
    refuted = 0
    for _ in range(300):
        tilted = rng.dirichlet(np.full(256, 0.3)) * np.exp(-rng.uniform(0, 4) * weights)
        code = tilted / tilted.sum()
        spikes, bits = code @ weights, entropy_bits(code)
        assert information_bound(bits, 4, 2, cut="pool").spikes_needed <= spikes + 1e-9
        refuted += bits <= 4 and information_bound(bits, 2, 2, cut="pool").spikes_needed > spikes
    assert refuted > 50  # the same figures with too few bins are no bound


# --- Poisson counts


def test_the_rate_bound_of_64_scalars_to_a_tenth_of_their_deviation():
    bound = rate_bound(64 * math.log2(10), channels=64, cut="values")
    assert bound.spikes_needed == pytest.approx(5184)
    assert bound.ticks is None


@pytest.mark.parametrize("bits, channels, spikes", [(0, 5, 0), (1, 1, 1), (2, 1, 9), (4, 2, 18), (10, 10, 10)])
def test_the_rate_bound_has_its_closed_form(bits, channels, spikes):
    assert rate_bound(bits, channels, cut="values").spikes_needed == pytest.approx(spikes)


def test_the_rate_bound_is_accurate_for_few_bits_and_infinite_beyond_floats():
    assert rate_bound(1e-9, 1, cut="values").spikes_needed == pytest.approx((1e-9 * math.log(2)) ** 2, rel=1e-8)
    assert rate_bound(5000, 1, cut="values").spikes_needed == math.inf


def poisson(rates, counts):
    return np.exp(xlogy(counts, rates[:, None]) - rates[:, None] - gammaln(counts + 1))


@pytest.mark.parametrize("mean", [0.05, 0.5, 3, 30])
def test_no_encoder_beats_the_rate_bound_through_poisson_counts(mean):
    counts = np.arange(1000)
    gamma = stats.gamma(0.5, scale=2 * mean).ppf((np.arange(200) + 0.5) / 200)
    on_off, steps = np.array([0.0] * 9 + [10 * mean]), np.linspace(0, 2 * mean, 11)
    for rates in (gamma, on_off, steps):
        bits = mutual_information_bits(poisson(rates, counts) / rates.size)
        assert rate_bound(bits, 1, cut="values").spikes_needed < rates.mean()


def test_counts_that_are_not_poisson_beat_the_rate_bound_and_the_verdict_says_so():
    # Ten equally likely counts, 0 to 9, without noise: 4.5 spikes on average.
    bound = rate_bound(math.log2(10), 1, cut="values")
    assert bound.spikes_needed == pytest.approx(81)
    verdict = bound.verdict(4.5)
    assert "below 1" in verdict and "counts are Poisson and independent" in verdict
    assert "consistent" in information_bound(math.log2(10), 1, 9, cut="values").verdict(4.5)


def test_the_capacity_inequality_holds_in_the_rate_where_it_is_numerical():
    """D(Poisson(x) || Q) - lambda x is largest at x = 0: the step of the derivation that is free of E."""
    for x in np.geomspace(1e-9, 3000, 400):
        spread = 12 * math.sqrt(x) + 40
        counts = np.arange(max(0, int(x - spread)), int(x + spread))
        log_gamma = (poisson(np.array([x]), counts)[0] * gammaln(counts + 0.5)).sum()
        divergence = xlogy(x, x) - x - log_gamma + 0.5 * math.log(math.pi)
        assert divergence < 0.5 * math.log(2 * math.e) * math.expm1(-x)


def derived_capacity_bits(mean):
    """The middle expression of the derivation, arranged so that large terms do not cancel."""
    body = mean * np.log1p(0.5 / mean) + 0.5 * np.log(mean + 0.5) - 0.5
    return (body + np.log1p((math.sqrt(2 * math.e) - 1) / np.sqrt(1 + 2 * mean))) / math.log(2)


def test_the_capacity_inequality_holds_in_the_mean_where_it_is_numerical():
    mean = np.geomspace(1e-12, 1e12, 20_001)
    gap = np.log2(1 + np.sqrt(mean)) - derived_capacity_bits(mean)
    assert gap.min() > 0
    tighter = np.log2(0.9 + np.sqrt(mean)) - derived_capacity_bits(mean)
    assert tighter.min() < 0  # so the check can fail


def capacity_certificate(slope, scale):
    """Mean count and a certified upper bound on the capacity there, in bits, by Blahut-Arimoto and its dual.

    A thousandth of a negative binomial is mixed into the output law: its long tail keeps the dual bounded at rates
    beyond the grid.
    """
    edge = math.sqrt(20 * scale + 10)
    counts = np.arange(int(edge**2 + 10 * edge + 20))
    rates = np.concatenate([np.arange(0, min(6, edge), 0.15), np.arange(6, edge, 0.6)]) ** 2
    channel = poisson(rates, counts)
    own = xlogy(channel, channel).sum(axis=1)
    weights = np.exp(-rates / (2 * scale))  # a gamma law of shape 1/2, optimal for large means
    weights /= weights.sum()
    for _ in range(600):
        gain = own - channel @ np.log(weights @ channel) - slope * rates
        weights *= np.exp(gain - gain.max())
        weights /= weights.sum()
    output = 0.999 * weights @ channel + 0.001 * stats.nbinom.pmf(counts, 0.5, 1 / (1 + 8 * scale))
    fine = poisson(np.linspace(0, edge, 601) ** 2, counts)
    dual = xlogy(fine, fine).sum(axis=1) - fine @ np.log(output) - slope * np.linspace(0, edge, 601) ** 2
    mean = float(weights @ rates)
    return mean, float(dual.max() + slope * mean) / math.log(2)


def test_dual_certificates_of_the_capacity_lie_below_the_bound_over_the_stated_range():
    scales = np.array([0.1, 1, 4, 20, 100, 405])
    slopes = 1 / (2 * np.sqrt(scales) * (0.82 + np.sqrt(scales)))
    means, certificates = np.transpose([capacity_certificate(*pair) for pair in zip(slopes, scales)])
    assert means.max() > CERTIFIED_COUNT
    # Capacity grows with the mean, so that the first certificate serves from the end of the proven range on.
    assert certificates[0] < np.log2(1 + math.sqrt(PROVEN_COUNT)) and PROVEN_COUNT < means[0]
    assert (certificates < np.log2(1 + np.sqrt(means))).all()
    assert (certificates > np.log2(0.5 + np.sqrt(means)))[1:].all()  # near the truth, not merely small


def geometric_entropy_bits(mean):
    return (xlogy(1 + mean, 1 + mean) - xlogy(mean, mean)) / math.log(2)


def test_the_entropy_of_few_spikes_proves_the_inequality_and_of_more_does_not():
    assert geometric_entropy_bits(1.0) == 2
    mean = np.geomspace(1e-30, PROVEN_COUNT, 20_001)
    assert (geometric_entropy_bits(mean) < np.log2(1 + np.sqrt(mean))).all()
    assert geometric_entropy_bits(0.06) > math.log2(1 + math.sqrt(0.06))


@pytest.mark.parametrize(
    "mean, word", [(0, "proven"), (0.049, "proven"), (0.051, "numerical"), (1, "numerical"), (399, "numerical"),
                   (401, "WARNING")]
)  # fmt: skip
def test_the_status_of_the_capacity_is_stated_for_the_mean_count_at_hand(mean, word):
    bound = rate_bound(3 * math.log2(1 + math.sqrt(mean)), 3, cut="values")
    text = "; ".join(map(str, bound.assumptions))
    assert word in text and ("WARNING" in text) == (mean > 400) and ("(proven" in text) == (mean < 0.05)


# --- from an error rate to bits


@pytest.mark.parametrize(
    "entropy, error, classes, bits",
    [(math.log2(10), 0, 10, math.log2(10)), (math.log2(10), 0.9, 10, 0), (1, 0.25, 2, 1 - 0.8112781244591328),
     (1, 1, 2, 1), (0.2, 0.5, 4, 0), (2, 0.25, 4, 2 - 0.8112781244591328 - 0.25 * math.log2(3))],
)  # fmt: skip
def test_fano_has_its_closed_forms(entropy, error, classes, bits):
    assert fano_bits(entropy, error, classes).bits == pytest.approx(bits, abs=1e-12)


def test_no_channel_carries_less_than_fano_says_and_the_symmetric_one_carries_just_that():
    rng = np.random.default_rng(5)
    for _ in range(200):
        joint = rng.dirichlet(np.full(20, 0.2)).reshape(4, 5)
        for answer in (joint.argmax(axis=0), rng.integers(4, size=5)):  # a good decoder and a poor one
            error = 1 - joint[answer, np.arange(5)].sum()
            bits = float(fano_bits(entropy_bits(joint.sum(axis=1)), error, 4))
            assert bits <= mutual_information_bits(joint) + 1e-9
    symmetric = np.full((4, 4), 0.1 / 12) + np.eye(4) * (0.9 / 4 - 0.1 / 12)
    assert fano_bits(2, 0.1, 4).bits == pytest.approx(mutual_information_bits(symmetric))
    assert fano_bits(2, 0.1, 5).bits < mutual_information_bits(symmetric) - 0.01


def test_fano_refuses_what_cannot_be():
    for entropy, error, classes in ((1, -0.1, 2), (1, 1.1, 2), (1.1, 0.1, 2), (math.nan, 0.1, 2), (0, 0, 1)):
        with pytest.raises(ConfigError):
            fano_bits(entropy, error, classes)


# --- from a squared error to bits


@pytest.mark.parametrize(
    "variances, mse, bits, level, active",
    [([1, 1, 1, 1], 1, 4, 0.25, 4), ([4, 1], 1, 2, 0.5, 2), ([4, 0.25], 0.75, 1.5, 0.5, 1),
     ([4, 1], 5, 0, 4, 0), ([4, 1], 7, 0, 4, 0), ([2, 0], 0.5, 1, 0.5, 1)],
)  # fmt: skip
def test_reverse_water_filling_has_its_hand_checked_values(variances, mse, bits, level, active):
    rate = gaussian_bits(np.diag(variances), mse)
    assert (rate.bits, rate.water_level) == (pytest.approx(bits), pytest.approx(level))
    assert rate.active_dimensions == active


def test_reverse_water_filling_does_not_mind_a_rotation_and_spends_the_whole_error():
    rng = np.random.default_rng(1)
    rotation = stats.ortho_group.rvs(12, random_state=rng)
    variances = rng.exponential(size=12) ** 3
    rate = gaussian_bits(rotation @ np.diag(variances) @ rotation.T, 0.3 * variances.sum())
    assert np.minimum(rate.water_level, variances).sum() == pytest.approx(0.3 * variances.sum())
    expected = 0.5 * np.maximum(0, np.log2(variances / rate.water_level)).sum()
    assert rate.bits == pytest.approx(expected) and 0 < rate.active_dimensions < 12


def test_bits_that_assume_a_gaussian_never_make_a_bound():
    for bound in (
        information_bound(gaussian_bits(np.eye(4), 1), 4, 1, cut="values"),
        rate_bound(gaussian_bits(np.eye(4), 1), 4, cut="values"),
    ):
        assert bound.bits == 4 and not bound.is_bound
        assert NOT_A_BOUND in str(bound) and NOT_A_BOUND in bound.verdict(0.1)
        assert "refutes nothing" in bound.verdict(0.1)


def test_a_matrix_that_is_no_covariance_is_refused():
    for matrix in ([1, 2], [[1, 2, 3]], [[1, 0.5], [0, 1]], [[1, 2], [2, 1]], [[math.nan]], np.empty((0, 0))):
        with pytest.raises(ConfigError, match="covariance"):
            gaussian_bits(matrix, 0.1)
    for mse in (0, -1, math.inf):
        with pytest.raises(ConfigError, match="mse"):
            gaussian_bits(np.eye(2), mse)


# --- reading a bound


def test_saturation_is_used_over_needed():
    bound = rate_bound(2, 1, cut="values")
    assert bound.saturation(18) == pytest.approx(2)
    assert "ratio 2, consistent" in bound.verdict(18)
    assert "consistent" in bound.verdict(9) and "below 1" in bound.verdict(8.9)
    assert rate_bound(0, 1, cut="values").saturation(0) == math.inf


def test_a_cut_that_cannot_carry_the_bits_is_contradicted_by_any_number_of_spikes():
    bound = information_bound(100, 2, 3, cut="pool")
    assert bound.saturation(1e9) == 0
    assert "no number suffices for 100 bits" in bound.verdict(6) and "at most once in a tick" in bound.verdict(6)
    assert bound.to_json()["spikes_needed"] is None


def test_the_verdict_names_the_cut_and_the_assumptions_of_the_bits_too():
    bound = information_bound(fano_bits(math.log2(10), 0.05, 10), 256, 64, cut="head0/softmax/pool")
    verdict = bound.verdict(0.01)
    assert "head0/softmax/pool" in verdict and "not estimates from few" in verdict and "256 channels" in verdict
    assert "Fano" in bound.source and "Cover" in bound.source


def test_a_bound_becomes_json_of_plain_types():
    bound = rate_bound(fano_bits(2, 0.1, 4), np.int64(7), cut="pool")
    back = json.loads(json.dumps(bound.to_json(), allow_nan=False))
    assert back["channels"] == 7 and back["is_bound"] is True and back["ticks"] is None
    assert back["assumptions"] == [str(each) for each in bound.assumptions]


def test_figures_that_cannot_be_are_refused():
    for bits, channels, ticks in ((-1, 1, 1), (math.nan, 1, 1), (math.inf, 1, 1), (1, 0, 1), (1, 1.5, 1), (1, 1, 0)):
        with pytest.raises(ConfigError):
            information_bound(bits, channels, ticks, cut="pool")
    for spikes in (-1, math.nan, math.inf):
        with pytest.raises(ConfigError, match="spikes_used"):
            rate_bound(1, 1, cut="pool").saturation(spikes)
