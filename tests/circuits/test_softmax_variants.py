"""What can go wrong in a softmax circuit, switched on, and circuits that are no softmax."""

import numpy as np
import pytest

from tests.circuits.softmax_zoo import OTHERS, SURVIVES, TICKS, N, P, deviation, run_together, variation

pytestmark = pytest.mark.slow  # dozens of models to compile


@pytest.fixture(scope="module")
def ran():
    return run_together(OTHERS)


def test_relay_and_lateral_synapses_inhibit_alike(ran):
    target = 0.2 * TICKS
    for name in ("escape_lateral", "integrate_lateral"):
        assert ran.counts(name, "pool").sum() == pytest.approx(target, abs=20)


def test_without_the_veto_ties_leave_a_bias(ran):
    counts = ran.counts("escape_unvetoed", "pool")
    assert variation(counts, P) > 0.03 and deviation(counts, P) < 1e-12
    assert counts[3] / counts.sum() < P[3]  # the strongest saturates


def test_a_leak_of_the_inhibition_changes_the_number_of_spikes_and_not_the_shares(ran):
    for name in ("escape_leaky", "integrate_leaky"):
        assert ran.counts(name, "pool").sum() < 0.2 * TICKS - 100  # started too low by 1, and drawn back there
    assert deviation(ran.counts("escape_leaky", "passed"), P) > 1e-4
    for name in ("integrate_leaky", "integrate_lateral"):
        counts = ran.counts(name, "pool")
        assert (np.abs(counts / counts.sum() - P) <= (1 + N * P) / (2 * counts.sum()) + 1e-12).all()


def test_mismatch_without_leak_is_added_up_for_ever_and_with_leak_is_bounded(ran):
    for name, population in (("escape_mismatched", "passed"), ("integrate_mismatched", "pool")):
        early = ran.counts(name, population) - ran.counts(name, population, after=TICKS // 8)
        late = ran.counts(name, population, after=TICKS - TICKS // 8)
        assert variation(early, P) + 0.2 < variation(late, P) > 0.4
    assert variation(ran.counts("escape_mismatched_leaky", "passed"), P) < 0.1


def test_a_refractory_period_takes_from_the_strong(ran):
    # With I settled at I*, token i has rate x/(1 + d x) at a drive of x = R exp(z - I*) per tick; the sum is R.
    def shares(deadtime):
        low, high = 1e-3, 1e3
        for _ in range(200):
            scale = np.sqrt(low * high)
            rate = scale * P / (1 + deadtime * scale * P)
            low, high = (scale, high) if rate.sum() < 0.2 else (low, scale)
        return rate / rate.sum()

    counts = ran.counts("integrate_refractory", "pool")
    assert variation(counts, P) > 0.05
    assert variation(counts, shares(20)) < variation(counts, P) / 10
    assert deviation(ran.counts("escape_refractory", "passed"), P) < 1e-6


def test_thinning_at_once_follows_another_law(ran):
    counts = ran.counts("thinning_at_once", "only/passed")
    law = SURVIVES / (1 - SURVIVES)
    assert deviation(counts, law / law.sum()) > 1e-4
    assert variation(counts, SURVIVES / SURVIVES.sum()) > 0.05
    assert deviation(counts, SURVIVES / SURVIVES.sum()) < 1e-12


def test_a_hard_reset_has_a_floor(ran):
    early, late = (variation(ran.counts("hard_reset", "pool", after), P) for after in (0, TICKS // 2))
    assert early > 0.01 and late > 0.01


def test_leaky_membranes_have_the_rates_of_leaky_membranes(ran):
    # Rate of a neuron with drive x and leak g: g/ln(x/(x - g)), 0 below x = g; the sum is R.
    def shares(gain):
        g, low, high = 0.2 / gain, 1e-3, 1e3
        for _ in range(200):
            x = np.sqrt(low * high) * P
            rate = np.where(x > g, g / np.log(x / np.maximum(x - g, 1e-300)), 0)
            low, high = (np.sqrt(low * high), high) if rate.sum() < 0.2 else (low, np.sqrt(low * high))
        return rate / rate.sum()

    for gain in (10, 1000):
        counts = ran.counts(f"leaky_{gain}", "pool")
        assert variation(counts, shares(gain)) < 0.02
    assert variation(ran.counts("leaky_10", "pool"), P) > 0.08
    assert ran.counts("leaky_10", "pool")[7] == 0  # dead for ever


def test_winner_take_all_is_no_softmax(ran):
    counts = ran.counts("winner_take_all", "pool")
    assert counts[3] > 0.9 * counts.sum() and variation(counts, P) > 0.5
