"""The six softmax circuits against their laws."""

import brian2
import numpy as np
import pytest

from circuits import size
from circuits.softmax import latency_shares
from tests.circuits.softmax_zoo import (
    BETA,
    BY_SCORE,
    OTHERS,
    SCORES,
    SHIFTED,
    SIX,
    SPAN,
    TAU,
    TICKS,
    N,
    P,
    deviation,
    run_together,
)  # fmt: skip


@pytest.fixture(scope="module")
def ran():
    return run_together(SIX)


@pytest.mark.parametrize("name", SIX | OTHERS)
def test_a_circuit_has_the_size_that_was_said_before_it_was_built(name):
    build, arguments, options = (SIX | OTHERS)[name]
    said, built = size(build, *arguments, **options), build(*arguments, **options)
    assert (said.neurons, said.synapses) == (built.n_neurons, built.n_synapses)


def test_brian2_alone_gives_the_same_spikes(ran):
    network = ran.circuit.network()
    groups = [g for g in network.objects if isinstance(g, brian2.NeuronGroup)]
    monitors = {group.name: brian2.SpikeMonitor(group) for group in groups}
    network.add(*monitors.values())
    network.run(300 * brian2.ms)
    starts, start = {}, 0
    for name, blocks in ran.circuit.plan.groups:
        starts[name], start = start, start + sum(block.size for block in blocks)
    theirs = sorted(
        (round(float(t) * 1e3), int(i) + starts[name])
        for name, monitor in monitors.items() for t, i in zip(monitor.t_, monitor.i)
    )  # fmt: skip
    early = ran.tick < 300
    assert len(theirs) > 1000
    assert sorted(zip(ran.tick[early].tolist(), ran.neuron[early].tolist())) == theirs


@pytest.mark.parametrize("name", ["escape", "escape_early", "race_lateral", "race_relay"])
def test_winners_are_multinomial_draws_of_softmax(ran, name):
    counts = ran.counts(name, "passed")
    assert counts.sum() > 2000
    assert 1e-4 < deviation(counts, P) < 1 - 1e-4
    assert deviation(counts, P**0.75 / (P**0.75).sum()) < 1e-4  # a temperature a quarter off would be seen


def test_a_race_keeps_its_rounds_apart(ran):
    lateral, relay = (np.diff(np.unique(ran.train(f"race_{how}", "pool")[0])) for how in ("lateral", "relay"))
    assert lateral.min() == 4  # three ticks of rest
    assert 1 in relay and not np.isin([2, 3, 4], relay).any()  # one tick until the gate speaks, then three of rest


def test_integrate_counts_are_one_drive_rounded_to_nearest(ran):
    counts = ran.counts("integrate", "pool")
    total = counts.sum()
    assert total == pytest.approx(0.2 * TICKS, abs=20)
    assert (np.abs(counts / total - P) <= (1 + N * P) / (2 * total) + 1e-12).all()
    wrong = P**0.98 / (P**0.98).sum()
    assert not (np.abs(counts / total - wrong) <= (1 + N * wrong) / (2 * total)).all()


def test_thinning_shares_are_softmax_of_scores_and_counts_are_binomial(ran):
    counts = ran.counts("thinning", "passed")
    rounds = TICKS / N
    assert deviation(counts, BY_SCORE) > 1e-4
    q = np.exp(BETA * (SCORES - 5.0))
    assert (np.abs(counts[q == 1] - rounds) <= 1).all()  # a full score passes each time, nothing left to chance
    z = (counts - rounds * q)[q < 1] / np.sqrt(rounds * q * (1 - q))[q < 1]
    assert 0.1 < np.sqrt(np.mean(z**2)) < 2.2
    tick, neuron = ran.train("thinning", "ring")
    assert (neuron == tick % N).all() and tick.size == TICKS


def test_self_inhibition_of_one_gives_0_19_81_where_softmax_is_09_24_67(ran):
    counts = ran.counts("self_inhibition", "pool")
    assert (counts / counts.sum()).round(2).tolist() == [0, 0.19, 0.81]
    assert (np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()).round(2).tolist() == [0.09, 0.24, 0.67]
    x = np.expm1([1.0, 2.0])
    np.testing.assert_allclose(TICKS / counts[1:], 1000 * np.log((x + 1) / (x - 1)), rtol=0.06)


def test_first_spike_answers_in_n_plus_1_spikes_with_the_error_of_a_tick(ran):
    tick, neuron = ran.train("first_spike", "pool")
    release, _ = ran.train("first_spike", "release")
    assert sorted(neuron.tolist()) == list(range(N)) and release.size == 1
    assert release[0] == pytest.approx(TAU * (np.log(np.exp(SHIFTED).sum()) + SPAN), abs=2)
    shares = latency_shares(tick[np.argsort(neuron)], release[0], tau_ticks=TAU, span=SPAN)
    assert (np.abs(shares / P - 1) < 2 / TAU).all()
    wrong = P**0.98 / (P**0.98).sum()
    assert not (np.abs(shares / wrong - 1) < 2 / TAU).all()


def test_jitter_and_mismatch_of_latencies_are_errors_of_the_logits(ran):
    slopes, jitter = np.random.default_rng(0).standard_normal((2, N))
    moved = {"jittery": SHIFTED + 0.1 * jitter, "mismatched": SHIFTED / (1 + 0.02 * slopes)}
    for name, logits in moved.items():
        tick, neuron = ran.train(f"first_spike_{name}", "pool")
        release, _ = ran.train(f"first_spike_{name}", "release")
        shares = latency_shares(tick[np.argsort(neuron)], release[0], tau_ticks=TAU, span=SPAN)
        p = np.exp(logits) / np.exp(logits).sum()
        assert (np.abs(shares / p - 1) < 2 / TAU).all() and np.abs(shares / P - 1).max() > 0.03


def test_gated_counts_round_p_times_a_total_given_beforehand(ran):
    counts = ran.counts("gated_counts", "counter")
    assert (np.abs(counts - 180 * P) <= 0.5 + 180 * P * 1.5 / TAU).all()
    assert not (np.abs(counts - 180 * P**0.9 / (P**0.9).sum()) <= 0.5 + 180 * P * 1.5 / TAU).all()
    assert not (np.abs(ran.counts("gated_counts_mismatched", "counter") - 180 * P) <= 0.5 + 180 * P * 1.5 / TAU).all()
    tick, _ = ran.train("gated_counts", "counter")
    release, _ = ran.train("gated_counts", "release")
    assert tick.min() > release[0]  # nothing before the gate opens
