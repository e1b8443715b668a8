"""Escape-rate neurons against their interval distribution, and what shared inhibition makes of shares."""

import numpy as np
import pytest
from scipy import stats

from tests.eventsim.continuous.hand_made import escape, exponential, integrate, network, wires
from tests.eventsim.continuous.runs import run_exactly

LOGITS = np.array([0.0, 1.0, 2.0, -1.0, 0.5])
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum()


def _pool(pool, inhibition):
    """The pool with its relay, which inhibits all of it."""
    n = pool.size
    synapses = [wires("pool", "relay", np.arange(n), 0, 1.0, 1),
                wires("relay", "pool", 0, np.arange(n), -inhibition, 1, variable="u")]  # fmt: skip
    return [pool, integrate("relay", 1)], synapses


def test_intervals_at_constant_hazard_are_exponential():
    found = run_exactly(network([escape("cells", 40, rate=0.05, drift=0.0, seed=3)], ticks=20_000))
    order = np.lexsort((found.time_ms, found.neuron))
    time, neuron = (found.tick + found.offset)[order], found.neuron[order]
    intervals = np.diff(time)[np.diff(neuron) == 0]
    assert intervals.size > 30_000
    assert stats.kstest(intervals, "expon", args=(0, 20.0)).pvalue > 1e-3
    assert stats.kstest(intervals, "expon", args=(0, 20.6)).pvalue < 1e-3  # the test sees 3 %


def test_first_spikes_under_rising_drive_follow_the_survival_function():
    rate, drift, n = 0.01, 0.02, 20_000
    found = run_exactly(network([escape("cells", n, rate=rate, drift=drift, u=-0.5)], ticks=150))
    _, first = np.unique(found.neuron, return_index=True)
    time = (found.tick + found.offset)[first]

    def survival(t):
        return np.exp(-rate * np.exp(-0.5) * np.expm1(drift * t) / drift)

    def distribution(t):
        return (1 - survival(t)) / (1 - survival(150))

    assert time.size == pytest.approx(n * (1 - survival(150)), abs=5 * np.sqrt(n * survival(150)) + 1)
    assert stats.kstest(time, distribution).pvalue > 1e-3
    assert stats.kstest(time, lambda t: distribution(1.02 * t).clip(0, 1)).pvalue < 1e-3


def test_trains_belong_to_keys_not_to_places():
    keys = np.arange(6)
    spikes = []
    for order in (keys, keys[::-1]):
        found = run_exactly(network([escape("cells", 6, rate=0.05, drift=0.0, keys=order)], ticks=2000))
        spikes.append({key: found.time_ms[found.neuron == place].tolist() for place, key in enumerate(order)})
    assert spikes[0] == spikes[1]
    assert len({tuple(train) for train in spikes[0].values()}) == 6


@pytest.mark.parametrize("start", [-6.0, 0.0, 6.0])
def test_shares_under_shared_inhibition_are_multinomial_from_any_start(start):
    rate, b = 0.2, 0.2
    cells, synapses = _pool(escape("pool", 5, rate=rate, drift=b * rate, u=LOGITS + start, seed=1), b)
    found = run_exactly(network(cells, synapses, ticks=100_000))
    counts = np.bincount(found.neuron, minlength=6)
    assert counts[5] in (counts[:5].sum(), counts[:5].sum() - 1)  # the relay loses none
    assert counts[:5].sum() == pytest.approx(20_000, abs=200)
    assert stats.chisquare(counts[:5], SOFTMAX * counts[:5].sum()).pvalue > 1e-3
    softer = SOFTMAX**0.95 / (SOFTMAX**0.95).sum()
    assert stats.chisquare(counts[:5], softer * counts[:5].sum()).pvalue < 1e-3


def test_a_pool_whose_inhibition_is_not_common_has_other_shares():
    cells, synapses = _pool(escape("pool", 5, rate=0.2, drift=0.04, u=LOGITS, seed=1), 0.2)
    source, target, pre, post, weight, delay, effects = synapses[1]
    synapses[1] = (source, target, pre, post, weight * np.array([1.0, 1.0, 1.0, 1.0, 1.02]), delay, effects)
    counts = np.bincount(run_exactly(network(cells, synapses, ticks=100_000)).neuron, minlength=6)[:5]
    assert stats.chisquare(counts, SOFTMAX * counts.sum()).pvalue < 1e-6


@pytest.mark.parametrize("ticks", [2_000, 50_000])
def test_integrators_under_shared_inhibition_keep_within_one_spike_of_the_softmax(ticks):
    rate, b, n = 0.1, 0.2, LOGITS.size
    cells, synapses = _pool(exponential("pool", n, rate=rate, drift=b * rate, u=LOGITS), b)
    found = run_exactly(network(cells, synapses, ticks=ticks))
    counts = np.bincount(found.neuron, minlength=n + 1)[:n]
    total = counts.sum()
    assert total > 0.1 * ticks
    assert (np.abs(counts / total - SOFTMAX) <= (1 + n * SOFTMAX) / (2 * total)).all()


def test_integrators_with_equal_logits_fire_at_exactly_the_same_instants():
    cells, synapses = _pool(exponential("pool", 4, rate=0.1, drift=0.02, u=np.zeros(4)), 0.2)
    found = run_exactly(network(cells, synapses, ticks=20_000))
    times = (found.tick + found.offset)[found.neuron < 4].reshape(-1, 4)
    assert (times == times[:, :1]).all()
    relayed = (found.tick + found.offset)[found.neuron == 4]
    assert (np.unique(relayed, return_counts=True)[1] == 4).all()  # all four at once
