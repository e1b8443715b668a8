"""Shares against closed forms, full enumeration, and circuits known to keep or break each law."""

import itertools
import json
import math
import time

import numpy as np
import pytest
from scipy import stats

from analysis.shares import ShareTest, integration_test, multinomial_test, multinomial_tv, total_variation
from eventsim.errors import ConfigError


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def some_softmax(queries, tokens, spread=1.5, seed=0):
    return softmax(np.random.default_rng(seed).normal(0, spread, (queries, tokens)))


def integrated(p, total, v_start=0.5):
    """Counts of integrate-and-fire neurons under one common drive; about `total` spikes in all."""
    return np.floor(p * total + v_start).astype(np.int64)


def winner_takes_all(p, total):
    counts = np.zeros(p.shape, dtype=np.int64)
    counts[np.arange(len(p)), p.argmax(axis=1)] = total
    return counts


# --- the measured distance


def test_total_variation_has_its_hand_checked_values():
    counts = np.array([[3, 1, 0], [1, 1, 2], [0, 0, 5]])
    p = np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.5, 0.5, 0]])
    np.testing.assert_allclose(total_variation(counts, p), [0.25, 0, 1], atol=1e-15)


def test_a_query_without_spikes_is_as_far_away_as_can_be():
    counts, p = np.array([[0, 0], [1, 1]]), np.full((2, 2), 0.5)
    np.testing.assert_array_equal(total_variation(counts, p), [1, 0])
    assert multinomial_tv(counts.sum(axis=1), p)[0] == 1
    for result in (multinomial_test(counts, p, seed=1), integration_test(counts, p)):
        assert result.silent == 1 and not result.passes and "1 queries without a spike" in str(result)
    silent = integration_test(np.zeros((2, 2), dtype=int), p)
    assert not silent.passes and (silent.mean_tv, silent.rms_l2) == (1, 0)


def test_what_is_no_count_or_no_distribution_is_refused():
    p = np.full((2, 4), 0.25)
    ones = np.ones((2, 4), dtype=int)
    for counts in (ones.astype(float), -ones, ones[:1], ones[0], np.full((2, 4), np.nan)):
        with pytest.raises(ConfigError, match="counts"):
            total_variation(counts, p)
    for bad in (p[0], p * 1.01, p * [[1], [math.nan]], [[0.5, 0.6, -0.1, 0]] * 2, np.empty((0, 4))):
        with pytest.raises(ConfigError, match="p"):
            total_variation(ones, bad)
    with pytest.raises(ConfigError, match="total"):
        multinomial_tv([4], p)


# --- the expected distance


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_the_multinomial_mean_is_that_of_all_answers_weighed(total):
    p = np.array([0.5, 0.3, 0.15, 0.05])
    law = stats.multinomial(total, p)
    answers = [k for k in itertools.product(range(total + 1), repeat=4) if sum(k) == total]
    mean = sum(law.pmf(k) * 0.5 * np.abs(np.array(k) / total - p).sum() for k in answers)
    assert multinomial_tv([total], [p])[0] == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize("total", [1, 10, 1000, 100_000])
@pytest.mark.parametrize("p", [1e-6, 0.1, 0.3, 0.5, 0.77, 1 - 1e-6])
def test_the_mean_deviation_is_that_of_the_binomial(total, p):
    counts = np.arange(total + 1)
    deviation = (stats.binom.pmf(counts, total, p) * np.abs(counts - total * p)).sum()
    # Two tokens have the same deviation, so that E TV = deviation / total.
    assert multinomial_tv([total], [[p, 1 - p]])[0] == pytest.approx(deviation / total, rel=1e-8)


def test_the_mean_deviation_stays_exact_at_the_ends():
    p = np.array([[1.0, 0.0], [1.0, 1e-300], [1.0, 1e-12]])
    # A token too rare to be drawn is missed by p when absent and by 1/K when present: 2 K p / (2 K) in all.
    np.testing.assert_allclose(multinomial_tv([50, 50, 50], p), [0, 1e-300, 1e-12], rtol=1e-9)


def test_for_many_spikes_the_mean_is_that_of_a_normal():
    p = some_softmax(5, 20)
    normal = np.sqrt(2 * p * (1 - p) / (math.pi * 10**7)).sum(axis=1) / 2
    np.testing.assert_allclose(multinomial_tv(np.full(5, 10**7), p), normal, rtol=1e-4)


def test_a_thousand_tokens_take_well_under_a_second():
    p = some_softmax(300, 1000)
    start = time.perf_counter()
    values = multinomial_tv(np.full(300, 500), p)
    assert time.perf_counter() - start < 1
    assert np.isfinite(values).all() and (values > 0).all()


# --- the multinomial test


def test_a_multinomial_circuit_passes_about_as_often_as_stated():
    rng = np.random.default_rng(11)
    p = some_softmax(40, 12)
    total = rng.integers(5, 60, 40)
    results = [multinomial_test(rng.multinomial(total, p), p, seed, 0.9, draws=199) for seed in range(300)]
    passed = sum(result.passes for result in results)
    # 270 expected; the chance of leaving these limits is 3e-5.
    low, high = stats.binom.ppf([1.5e-5, 1 - 1.5e-5], 300, 0.9)
    assert low <= passed <= high
    coverage = np.mean([result.per_query_interval_coverage for result in results])
    assert 0.94 < coverage < 0.99


def test_the_variance_behind_the_interval_is_that_of_the_mean():
    rng = np.random.default_rng(4)
    p, total = some_softmax(30, 16), np.full(30, 25)
    means = [total_variation(rng.multinomial(total, p), p).mean() for _ in range(4000)]
    result = multinomial_test(rng.multinomial(total, p), p, seed=9)
    half_width = (result.high - result.low) / 2
    assert half_width == pytest.approx(2.5758293 * np.std(means), rel=0.06)
    assert result.predicted_tv == pytest.approx(np.mean(means), abs=5 * np.std(means) / math.sqrt(4000))


def test_a_winner_take_all_fails_both_tests():
    p = some_softmax(60, 16)
    counts = winner_takes_all(p, 100)
    multinomial, integration = multinomial_test(counts, p, seed=2), integration_test(counts, p)
    assert not multinomial.passes and multinomial.mean_tv > multinomial.high
    assert multinomial.per_query_interval_coverage < 0.1
    assert not integration.passes and integration.worst_ratio > 5 and integration.needed_logit_error > 1
    assert "FAILED" in str(multinomial) and "FAILED" in str(integration)


def test_shares_too_good_to_be_random_fail_the_multinomial_test_from_below():
    p = some_softmax(60, 16)
    result = multinomial_test(integrated(p, 200), p, seed=2)
    assert not result.passes and result.mean_tv < result.low


def test_a_bias_of_three_percent_is_seen():
    rng = np.random.default_rng(8)
    p = some_softmax(300, 16)
    biased = 0.97 * p + 0.03 * np.eye(16)[p.argmin(axis=1)]
    total = np.full(300, 1000)
    assert multinomial_test(rng.multinomial(total, p), p, seed=1).passes
    assert not multinomial_test(rng.multinomial(total, biased), p, seed=1).passes


def test_queries_all_but_sure_of_one_token_pass_whether_or_not_another_is_drawn():
    p = np.array([[1 - 1e-9, 1e-9]] * 20)
    assert multinomial_test(np.array([[100, 0]] * 20), p, seed=0).passes
    sure = np.array([[1.0, 0.0]] * 20)
    assert multinomial_test(np.array([[100, 0]] * 20), sure, seed=0).passes
    assert not multinomial_test(np.array([[99, 1]] * 20), sure, seed=0).passes


def test_the_same_seed_gives_the_same_test_and_batches_do_not_matter(monkeypatch):
    p = some_softmax(10, 8)
    counts = np.random.default_rng(1).multinomial(50, p)
    first = multinomial_test(counts, p, seed=3)
    assert multinomial_test(counts, p, seed=3) == first
    assert multinomial_test(counts, p, seed=4) != first
    monkeypatch.setattr("analysis.shares.SIMULATED_AT_ONCE", 100)
    assert multinomial_test(counts, p, seed=3) == first


def test_the_predicted_rms_distance_is_that_of_a_multinomial():
    rng = np.random.default_rng(6)
    p = some_softmax(2000, 8)
    result = multinomial_test(rng.multinomial(40, p), p, seed=0, draws=39)
    assert result.rms_l2 == pytest.approx(result.predicted_rms_l2, rel=0.02)


def test_a_test_that_cannot_be_made_is_refused():
    p, counts = np.full((2, 4), 0.25), np.ones((2, 4), dtype=int)
    for confidence in (0, 1, 99, math.nan):
        with pytest.raises(ConfigError, match="confidence"):
            multinomial_test(counts, p, seed=0, confidence=confidence)
    with pytest.raises(ConfigError, match="draws"):
        multinomial_test(counts, p, seed=0, draws=38)
    for v_start in (-0.1, 1, math.nan):
        with pytest.raises(ConfigError, match="v_start"):
            integration_test(counts, p, v_start)
    for error in (-0.1, math.inf, math.nan):
        with pytest.raises(ConfigError, match="logit_error"):
            integration_test(counts, p, logit_error=error)


# --- the integration test


@pytest.mark.parametrize("v_start", [0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("spread", [0.1, 1.5, 6])
def test_integrate_and_fire_counts_pass_exactly(v_start, spread):
    for total in (40, 300, 10**4, 10**9):
        p = some_softmax(50, 32, spread, seed=total)
        result = integration_test(integrated(p, total, v_start), p, v_start)
        assert result.passes and result.worst_ratio <= 1 and result.mean_tv <= result.high
        assert result.needed_logit_error == pytest.approx(0, abs=1e-12)


def test_the_bound_is_reached_but_for_the_room_for_rounding():
    # 1000 equal tokens round up all but one, which rounds down: |0 - p| K = 1/2 (1 + (n - 2) p), nearly.
    p = np.full((1, 1000), 0.001)
    counts = np.ones((1, 1000), dtype=int)
    counts[0, 0] = 0
    result = integration_test(counts, p)
    assert result.worst_ratio == pytest.approx(0.999 / (0.5 * 2)) and result.passes
    assert integration_test(counts, p, v_start=0.4).worst_ratio == pytest.approx(0.999 / (0.6 * 2))
    assert result.needed_logit_error == 0  # a common drive of exactly 1/2 each is the limit of both


def test_the_allowed_total_variation_is_n_over_twice_the_spikes():
    p = some_softmax(20, 10)
    counts = integrated(p, 500)
    expected = (10 / (2 * counts.sum(axis=1))).mean()
    assert integration_test(counts, p).high == pytest.approx(expected)
    assert integration_test(counts, p, v_start=0).high == pytest.approx(2 * expected)


def test_multinomial_counts_fail_the_integration_test_once_spikes_are_many():
    p = some_softmax(20, 16)
    counts = np.random.default_rng(0).multinomial(100_000, p)
    result = integration_test(counts, p)
    assert not result.passes and result.worst_ratio > 10 and result.mean_tv > result.high


def test_one_spike_too_many_is_seen():
    p = some_softmax(20, 16)
    counts = integrated(p, 10_000)
    assert integration_test(counts, p).passes
    counts[7, 3] += 2
    assert not integration_test(counts, p).passes
    assert integration_test(counts, p).needed_logit_error > 0


@pytest.mark.parametrize("v_start", [0.5, 0.0, 0.8])
def test_the_predicted_rms_distance_is_that_of_uniform_rounding(v_start):
    p = np.tile(some_softmax(1, 12, spread=0.7), (400, 1))
    totals = np.random.default_rng(2).uniform(3000, 4000, (400, 1))
    result = integration_test(integrated(p, totals, v_start), p, v_start)
    assert result.rms_l2 == pytest.approx(result.predicted_rms_l2, rel=0.05)


# --- logits with a known error


@pytest.mark.parametrize("error", [0.01, 0.2, 1.0])
def test_counts_of_shifted_logits_pass_when_the_shift_is_allowed_for_and_fail_otherwise(error):
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, (40, 16))
    shifted = softmax(logits + error * rng.choice([-1, 1], logits.shape))
    counts = integrated(shifted, 200_000)
    assert not integration_test(counts, softmax(logits)).passes
    result = integration_test(counts, softmax(logits), logit_error=error)
    assert result.passes and result.mean_tv <= result.high
    assert result.needed_logit_error == pytest.approx(error, rel=0.05)


def test_the_allowance_is_the_most_that_the_shift_can_do_and_no_more():
    logits = np.array([[0.3, -1.0, 2.0, 0.0]])
    p, error, total = softmax(logits), 0.3, 10**12
    for token, sign in itertools.product(range(4), (-1, 1)):
        worst = np.full((1, 4), -sign * error)
        worst[0, token] = sign * error
        counts = integrated(softmax(logits + worst), total)
        assert integration_test(counts, p, logit_error=error).passes
        # The token at its extreme sits on the bound, in one direction (up for p < 1/2, down above).
        if (sign > 0) == (p[0, token] < 0.5):
            assert integration_test(counts, p, logit_error=error).worst_ratio == pytest.approx(1, abs=1e-6)
            assert not integration_test(counts, p, logit_error=0.999 * error).passes


def test_the_allowance_widens_both_terms_of_the_bound():
    # g - 1 = 1: a share of 1/4 may become 2/5 at most, and its bound is 0.15 + 1/2 (1 + 4 x 0.4)/2.
    result = integration_test(np.array([[2, 0, 0, 0]]), np.full((1, 4), 0.25), logit_error=math.log(2) / 2)
    assert result.worst_ratio == pytest.approx(0.75 / (0.15 + 0.65))


def test_the_allowance_never_exceeds_the_simple_one():
    p = some_softmax(30, 16, spread=4)
    counts = integrated(p, 10**15)
    result = integration_test(counts, p, logit_error=0.1)
    simple = (np.expm1(0.2) * p).sum(axis=1).mean() / 2
    assert 0 < result.high <= simple


def test_the_needed_error_sees_a_winner_take_all_that_the_bound_cannot_with_few_spikes():
    p = np.array([[0.5, 0.1] + [0.4 / 254] * 254])
    counts = winner_takes_all(p, 100)
    result = integration_test(counts, p)
    assert not result.passes and result.worst_ratio < 1
    # The winner asks for a drive of 99.5/0.5, the runner-up stays silent only below 0.5/0.1.
    assert result.needed_logit_error == pytest.approx(0.5 * math.log(199 / 5))


def test_a_token_that_cannot_fire_but_did_is_beyond_any_logit_error():
    result = integration_test(np.array([[5, 1]]), np.array([[1.0, 0.0]]))
    assert result.needed_logit_error == math.inf
    assert result.to_json()["needed_logit_error"] is None


# --- the report


def test_a_test_becomes_json_of_plain_types_and_a_readable_text():
    p = some_softmax(10, 8)
    counts = np.random.default_rng(1).multinomial(50, p)
    for result in (multinomial_test(counts, p, seed=3), integration_test(counts, p, logit_error=0.01)):
        back = json.loads(json.dumps(result.to_json(), allow_nan=False))
        assert ShareTest(**back) == result
        assert result.name in str(result) and result.criterion in str(result)
    assert "95 % interval" in str(multinomial_test(counts, p, seed=3))
    assert "logits off by 0.01" in str(integration_test(counts, p, logit_error=0.01))
