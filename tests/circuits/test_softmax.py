"""Softmax circuits: shares of spikes against softmax, with the veto and without, and the relay's multiplicity."""

import numpy as np
import pytest
from scipy import stats

import eventsim
from circuits import SOFTMAX, Circuit, IntegrateFire, escape_inhibition, integrate_inhibition, winner_take_all
from eventsim.errors import CircuitError
from eventsim.stimulus import Stimulus

LOGITS = np.array([0.0, -0.5, -1.0, 0.3, -2.0, -0.2, 0.1, -3.0])


def _softmax(z):
    return np.exp(z) / np.exp(z).sum()


def _counts(circuit, ticks, *paths):
    """Spikes of each neuron of each population, over `ticks` ticks without input."""
    compiled = eventsim.compile_network(circuit.network())
    spikes = eventsim.simulate(compiled, Stimulus.silent(ticks)).spikes()
    total = np.bincount(spikes.neuron, minlength=compiled.n_neurons)
    return [total[circuit.neuron_ids(circuit[path])] for path in paths]


def _deviation(counts, p):
    """p-value of counts against a multinomial of probabilities p."""
    return stats.chisquare(counts, counts.sum() * p).pvalue


def test_escape_shares_are_softmax_at_any_rate_thanks_to_the_veto_and_biased_without_it():
    for rate, seed in ((0.1, 1), (0.7, 2)):
        circuit = escape_inhibition(8, rate_per_tick=rate, inhibition=0.5, u_start=LOGITS - 3, seed=seed)
        passed, pool = _counts(circuit, 60_000, "passed", "pool")
        assert _deviation(passed, _softmax(LOGITS)) > 1e-4
        assert pool.sum() == pytest.approx(rate * 60_000, abs=40)
    # At 0.7 spikes per tick the pool's own shares are far off: the strongest neurons lose most to saturation.
    assert _deviation(pool, _softmax(LOGITS)) < 1e-12
    assert 0.3 * pool.sum() < passed.sum() < 0.8 * pool.sum()


def test_escape_counts_of_another_seed_are_other_counts_and_of_the_same_seed_the_same():
    def counts(seed):
        circuit = escape_inhibition(8, rate_per_tick=0.1, inhibition=1, u_start=LOGITS - 2, seed=seed)
        return _counts(circuit, 4000, "passed")[0].tolist()

    assert counts(5) == counts(5) != counts(6)


def test_integrate_counts_lie_within_the_bound():
    rng = np.random.default_rng(0)
    for _ in range(6):
        z = rng.normal(0, 1, 8)
        circuit = integrate_inhibition(8, rate_per_tick=0.1, inhibition=0.5, u_start=z - np.log(np.exp(z).sum()))
        (k,) = _counts(circuit, 5000, "pool")
        p, total = _softmax(z), k.sum()
        assert total == pytest.approx(500, abs=20)
        assert (np.abs(k / total - p) <= (1 + 8 * p) / (2 * total) + 1e-12).all()
        wrong = _softmax(1.1 * z)  # the bound is tight enough to see a wrong temperature
        assert not (np.abs(k / total - wrong) <= (1 + 8 * wrong) / (2 * total)).all()


def test_winner_take_all_is_no_softmax():
    z = LOGITS - np.log(np.exp(LOGITS).sum())
    (k,) = _counts(winner_take_all(8, rate_per_tick=0.1, inhibition=0.5, u_start=z), 5000, "pool")
    assert k[3] > 0.9 * k.sum() > 300  # the largest logit takes nearly all
    assert np.abs(k / k.sum() - _softmax(LOGITS)).sum() / 2 > 0.5
    assert _deviation(k, _softmax(LOGITS)) < 1e-12


@pytest.mark.parametrize("build", [escape_inhibition, integrate_inhibition])
def test_permuted_tokens_with_their_keys_give_permuted_spikes_bit_for_bit(build):
    order = np.random.default_rng(3).permutation(8)

    def spikes(z, keys):
        circuit = build(8, rate_per_tick=0.3, inhibition=0.7, u_start=z - 2, seed=9, token_keys=keys)
        compiled = eventsim.compile_network(circuit.network())
        trace, ids = eventsim.simulate(compiled, Stimulus.silent(3000)), circuit.neuron_ids(circuit["pool"])
        found = trace.spikes(neurons=ids)
        return sorted(zip(found.tick.tolist(), (found.neuron - ids[0]).tolist()))

    plain = spikes(LOGITS, np.arange(8))
    permuted = [(tick, int(order[neuron])) for tick, neuron in spikes(LOGITS[order], order)]
    assert len(plain) > 500 and sorted(permuted) == plain
    if build is escape_inhibition:  # with keys by position the noise stays behind, and so do the spikes
        stayed = [(tick, int(order[neuron])) for tick, neuron in spikes(LOGITS[order], np.arange(8))]
        assert sorted(stayed) != plain


@pytest.mark.parametrize("together", [1, 2, 7])
def test_the_relay_loses_no_spike_however_many_come_together(together):
    n = 7
    c = Circuit("c")
    drive = c.inputs("drive", n)
    part = c.use(integrate_inhibition(n, rate_per_tick=1e-9, inhibition=1e-9, u_start=-50), "softmax")
    c.connect(drive, part.relay)
    compiled = eventsim.compile_network(c.network())
    times = [0, 20, 21]
    tick = np.repeat(times, together)
    neuron = np.tile(c.neuron_ids(drive)[:together], len(times))
    trace = eventsim.simulate(compiled, Stimulus.of(tick, neuron, duration_ticks=60))
    k = together * len(times)
    assert len(trace.spikes(neurons=c.neuron_ids(part.relay))) == k
    into_relay, into_pool = (trace.received()[0][c.neuron_ids(end)].sum() for end in (part.relay, part.pool))
    assert into_relay == k and into_pool == n * k
    assert trace.counts().total("synaptic_events") == k + n * k


def test_simultaneous_pool_spikes_cost_k_deliveries_in_and_n_k_out():
    n, ticks = 8, 2000
    circuit = escape_inhibition(n, rate_per_tick=0.8, inhibition=0.3, u_start=LOGITS - 2)
    compiled = eventsim.compile_network(circuit.network())
    trace = eventsim.simulate(compiled, Stimulus.silent(ticks))
    pool, relay = (trace.spikes(neurons=circuit.neuron_ids(circuit[path])) for path in ("pool", "relay"))
    assert (np.bincount(pool.tick) > 1).sum() > 100
    received = trace.received()[0]
    assert received[circuit.neuron_ids(circuit["relay"])].sum() == len(pool)
    assert received[circuit.neuron_ids(circuit["pool"])].sum() == n * len(relay)
    # All but those that still wait in the relay have left it.
    queue, waiting = 0, []
    arrivals, departures = (np.bincount(s.tick, minlength=ticks) for s in (pool, relay))
    for tick in range(ticks):
        queue += arrivals[tick] - departures[tick]
        waiting.append(queue)
    assert min(waiting) >= 0 and waiting[-1] == len(pool) - len(relay) < 10


@pytest.mark.parametrize("name", SOFTMAX)
def test_every_circuit_has_the_three_ports_and_states_its_flush(name):
    circuit = SOFTMAX[name](5, rate_per_tick=0.1, inhibition=1)
    c = Circuit("c")
    part, out = c.use(circuit, "part"), c.neuron("out", IntegrateFire())
    assert (part.pool.shape, part.relay.shape, part.weights.shape) == ((5,), (1,), (5,))
    assert circuit.phases.flush_ticks >= 12
    c.connect(part.weights, out)
    c.connect(out, part.pool, receptor="current")
    assert c.neuron_table().query("path == 'part/pool'")["token"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n": 0}, "at least 1"), ({"rate_per_tick": 0}, "positive"), ({"inhibition": 0}, "positive"),
        ({"token_keys": [1, 1, 2]}, "keys must differ"), ({"token_keys": [1, 2]}, "broadcast"),
        ({"u_start": [0, 1]}, "u_start has shape"),
        ({"n": 3.0}, "integer"), ({"n": True}, "integer"), ({"through": "wire"}, "relay, lateral"),
        ({"u_start": np.nan}, "finite"), ({"u_start": [0, 1, np.inf]}, "finite"), ({"leak_ticks": 0}, "leak_ticks"),
        ({"refractory_ticks": 1.5}, "refractory_ticks"), ({"mismatch": -1}, "mismatch"), ({"seed": -1}, "seed"),
    ],
)  # fmt: skip
def test_senseless_numbers_are_refused(options, message):
    with pytest.raises(CircuitError, match=message):
        escape_inhibition(**({"n": 3, "rate_per_tick": 0.1, "inhibition": 1} | options))
