"""Bounds for refractory channels and for neurons without noise, against enumeration and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy.special import comb, logsumexp

from analysis.spike_bounds import (
    deterministic_count_bound,
    information_bound,
    largest_rate,
    pattern_count,
    rate_bound,
    static_drive_bound,
)
from eventsim.errors import ConfigError


def largest_entropy_bits(spikes, log_words, mean):
    """The most bits of a law on words (log_words of each number of spikes) of this mean number: the Gibbs law's."""
    grid = np.linspace(-30, 30, 60_001)
    log_weight = log_words - grid[:, None] * spikes
    return float((logsumexp(log_weight, axis=1) + grid * mean).min() / math.log(2))


# --- refractory channels


@pytest.mark.parametrize("rho, bits", [(1, 1.0), (2, 0.6942419136306174), (3, 0.5514630897454077)])
def test_a_refractory_channel_has_at_most_the_rate_of_its_run_lengths(rho, bits):
    assert largest_rate(rho) == pytest.approx(bits, abs=1e-12)


@pytest.mark.parametrize("rho, most", [(2, 4), (3, 4), (1, 3)])
def test_words_with_a_gap_are_as_many_as_blocks_among_single_ticks(rho, most):
    words = np.array(list(itertools.product([0, 1], repeat=16)), dtype=bool)
    words = words[words.sum(axis=1) == most]
    gaps = np.array([np.diff(np.flatnonzero(word)).min() for word in words])
    assert (gaps >= rho).sum() == comb(16 - (most - 1) * (rho - 1), most, exact=True)


@pytest.mark.parametrize("ticks, rho", [(1, 2), (4, 2), (9, 2), (9, 3), (30, 4)])
def test_no_law_on_refractory_words_beats_the_bound_and_long_windows_come_close_to_it(ticks, rho):
    spikes = np.arange(-(-ticks // rho) + 1)
    log_words = np.log(comb(ticks - (spikes - 1) * (rho - 1), spikes))
    for mean in np.linspace(0.02, 0.9, 12) * ticks / (2 * rho):
        bits = largest_entropy_bits(spikes, log_words, mean)
        needed = information_bound(7 * bits, 7, ticks, cut="pool", refractory_ticks=rho).spikes_needed
        assert needed <= 7 * mean * (1 + 1e-6)
        assert ticks < 30 or needed > 0.8 * 7 * mean


def test_windows_without_their_last_gap_would_be_no_bound():
    # One tick, a spike half of the time: 1 bit. The limit of long windows would allow (1 - 1/2) Hb(1) = 0 there.
    assert information_bound(1.0, 1, 1, cut="pool", refractory_ticks=2).spikes_needed <= 0.5


def test_refractory_channels_have_their_hand_checked_values():
    # m = 10, T = 16, R = 50: 9.0049 spikes without a gap; the limit of long windows gives 9.2052 and 9.4434 for gaps of
    # 2 and 3 ticks, which L = T + rho - 1 approaches from below.
    assert information_bound(50, 10, 16, cut="pool").spikes_needed == pytest.approx(9.0049029, abs=1e-6)
    for rho, limit in ((2, 9.205157967482904), (3, 9.443381286845701)):
        assert 8.5 < information_bound(50, 10, 16, cut="pool", refractory_ticks=rho).spikes_needed < limit
        shorter = information_bound(50, 10, 16 - rho + 1, cut="pool", refractory_ticks=rho)  # L = 16
        assert shorter.spikes_needed == pytest.approx(limit, abs=1e-9)
    assert information_bound(120, 10, 16, cut="pool", refractory_ticks=2).spikes_needed == math.inf
    golden = 10 * 17 * math.log2((1 + math.sqrt(5)) / 2)
    assert information_bound(golden - 1e-9, 10, 16, cut="pool", refractory_ticks=2).spikes_needed < 80


def test_a_gap_of_one_tick_is_none_and_the_assumption_names_a_longer_one():
    free = information_bound(50, 10, 16, cut="pool")
    assert free == information_bound(50, 10, 16, cut="pool", refractory_ticks=1)
    held = information_bound(50, 10, 16, cut="pool", refractory_ticks=3)
    assert "silent for 2 ticks after a spike" in str(held)
    with pytest.raises(ConfigError, match="refractory_ticks"):
        information_bound(1, 1, 1, cut="pool", refractory_ticks=0)


# --- constant drive


def trains(ticks, leak, drives):
    """Spike trains of integrate-and-fire neurons from rest, as a set of words."""
    v, words = np.zeros(drives.size), np.zeros((drives.size, ticks), dtype=bool)
    for t in range(ticks):
        v = leak * v + drives
        fires = v >= 1 - 1e-9
        v, words[:, t] = v - fires, fires
    return {word.tobytes(): word.sum() for word in words}


@pytest.mark.parametrize("ticks, count", [(4, 7), (8, 23), (16, 81), (32, 325)])
def test_a_constant_drive_has_as_many_trains_as_farey_fractions(ticks, count):
    assert pattern_count(ticks) == count
    denominators = np.arange(1, ticks + 1)
    farey = {a / b for b in denominators for a in range(b + 1)}
    assert len(farey) == count
    assert len(trains(ticks, 1.0, np.sort(list(farey)))) == count
    assert len(trains(ticks, 0.9, np.linspace(0, 1, 100_001))) == count  # a leak gives as many
    assert len(set(trains(ticks, 1.0, np.sort(list(farey))).values())) == ticks + 1


def test_a_long_window_has_three_over_pi_squared_of_its_square():
    assert pattern_count(2000) / 2000**2 == pytest.approx(3 / math.pi**2, rel=1e-3)


def test_no_law_on_simulated_trains_beats_the_constant_drive_bound():
    found = np.array(list(trains(16, 1.0, np.sort([a / b for b in range(1, 17) for a in range(b + 1)])).values()))
    spikes, number = np.unique(found, return_counts=True)
    for mean in (0.3, 1.0, 3.0, 6.0):
        bits = largest_entropy_bits(spikes, np.log(number), mean)
        assert static_drive_bound(3 * bits, 3, 16, cut="out").spikes_needed == pytest.approx(3 * mean, rel=1e-5)
        # A free pattern needs no more, and a count alone no fewer, than a train that the drive decides.
        assert information_bound(3 * bits, 3, 16, cut="out").spikes_needed < 3 * mean
        assert deterministic_count_bound(3 * bits, 3, cut="out").spikes_needed > 3 * mean


def test_more_bits_than_trains_are_impossible_and_windows_too_long_are_refused():
    assert static_drive_bound(math.log2(81), 1, 16, cut="out").spikes_needed == pytest.approx(616 / 81, rel=1e-9)
    assert static_drive_bound(math.log2(81) + 1e-6, 1, 16, cut="out").spikes_needed == math.inf
    assert static_drive_bound(0, 1, 16, cut="out").spikes_needed == 0
    with pytest.raises(ConfigError, match="up to 4096"):
        static_drive_bound(1, 1, 5000, cut="out")


# --- counts


@pytest.mark.parametrize("bits, channels, spikes", [(0, 3, 0), (2, 1, 1), (6, 3, 3)])
def test_the_count_bound_has_its_closed_form(bits, channels, spikes):
    assert deterministic_count_bound(bits, channels, cut="out").spikes_needed == pytest.approx(spikes, abs=1e-12)


@pytest.mark.parametrize("mean", [1e-12, 1e-3, 0.7, 40.0, 1e9])
def test_geometric_counts_meet_the_count_bound_exactly(mean):
    bits = (math.log1p(mean) + mean * math.log1p(1 / mean)) / math.log(2)
    assert deterministic_count_bound(5 * bits, 5, cut="out").spikes_needed == pytest.approx(5 * mean, rel=1e-9)


@pytest.mark.parametrize("eps, spikes", [(0.2, 53.7), (0.1, 171.4), (0.05, 406.9), (0.01, 2290.4)])
def test_the_count_bound_of_64_scalars_goes_as_one_over_their_error(eps, spikes):
    bound = deterministic_count_bound(64 * math.log2(1 / eps), 64, cut="out")
    closed = 64 * (1 / (math.e * eps) - 1)
    assert closed == pytest.approx(spikes, abs=0.05)
    # The entropy is close to log2(e (1/2 + E)), so the closed form is half a spike per channel below.
    assert bound.spikes_needed == pytest.approx(closed + 32, abs=2)
    assert bound.spikes_needed < rate_bound(64 * math.log2(1 / eps), 64, cut="out").spikes_needed


def test_counts_beyond_floats_are_infinite():
    assert deterministic_count_bound(5000, 1, cut="out").spikes_needed == math.inf
