"""StoredKeyAttention at small size: shares against softmax, the decoded output, and queries kept apart."""

import numpy as np
import pytest
from scipy import stats

import eventsim
from circuits import SOFTMAX, StoredKeyAttention
from eventsim.errors import CircuitError
from tests.support.brian2_runs import by_brian2, by_eventsim

N, D = 12, 5


def _keys(seed=0):
    keys = np.random.default_rng(seed).normal(size=(N, D))
    return keys / np.linalg.norm(keys, axis=1, keepdims=True)


def _values():
    return np.eye(3)[np.arange(N) % 3]


def _queries(m, circuit, seed=1):
    """Unit vectors, a little shortened, on the encoder's grid: what is encoded is exactly what is asked."""
    q = np.random.default_rng(seed).normal(size=(m, D))
    q *= 0.95 / np.linalg.norm(q, axis=1, keepdims=True)
    return circuit.latency.decode(circuit.latency.encode(q))


def _circuit(**options):
    return StoredKeyAttention(
        _keys(), _values(), **({"beta": 3.0, "active_ticks": 2000, "encode_ticks": 128} | options)
    )


def _run(circuit, queries):
    compiled = eventsim.compile_network(circuit.network())
    return eventsim.simulate(compiled, circuit.stimulus(queries))


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_plain_numpy_s_logits_and_softmax_are_what_they_are_called():
    circuit = _circuit()
    q = _queries(4, circuit)
    z = np.array([[3.0 * sum(a * b for a, b in zip(x, k)) for k in _keys()] for x in q])
    np.testing.assert_allclose(circuit.logits(q), z, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(circuit.exact(q), _softmax(z), rtol=1e-12)


@pytest.mark.slow
def test_escape_spikes_are_multinomial_draws_of_softmax():
    circuit = _circuit(seed=3)
    q = _queries(25, circuit)
    trace, p = _run(circuit, q), _softmax(3.0 * q @ _keys().T)
    counts = circuit.weight_counts(trace)
    total = counts.sum(axis=1, keepdims=True)
    pool = len(trace.spikes(neurons=circuit.neuron_ids(circuit.pool))) / len(q)
    assert pool == pytest.approx(circuit.target_spikes, rel=0.05)
    assert 0.8 * pool < total.mean() < 0.95 * pool  # the rest is vetoed

    def p_value(p):
        return stats.chi2.sf(((counts - total * p) ** 2 / (total * p)).sum(), df=len(q) * (N - 1))

    assert 1e-4 < p_value(p) < 1 - 1e-4  # neither worse nor better than chance
    assert p_value(_softmax(3.3 * q @ _keys().T)) < 1e-4  # a temperature 10 % off would be seen


def test_integrate_shares_lie_within_the_bound_for_every_query():
    circuit = _circuit(softmax="integrate_inhibition", active_ticks=4000)
    q = _queries(8, circuit)
    counts, p = circuit.weight_counts(_run(circuit, q)), _softmax(3.0 * q @ _keys().T)
    total = counts.sum(axis=1, keepdims=True)
    assert total.mean() == pytest.approx(circuit.target_spikes, rel=0.05)
    assert (np.abs(counts / total - p) <= (1 + N * p) / (2 * total) + 1e-9).all()


def test_winner_take_all_is_far_from_softmax():
    circuit = _circuit(softmax="winner_take_all")
    q = _queries(4, circuit)
    counts, p = circuit.weight_counts(_run(circuit, q)), _softmax(3.0 * q @ _keys().T)
    variation = np.abs(counts / counts.sum(axis=1, keepdims=True) - p).sum(axis=1) / 2
    assert variation.min() > 0.3
    assert (counts.argmax(axis=1) == p.argmax(axis=1)).all()


@pytest.mark.parametrize("softmax", ["escape_inhibition", "integrate_inhibition"])
def test_the_output_fires_once_for_each_weight_spike_times_value(softmax):
    circuit = _circuit(softmax=softmax)
    trace = _run(circuit, _queries(5, circuit))
    np.testing.assert_array_equal(circuit.decode(trace), circuit.weight_counts(trace) @ _values().astype(int))


def test_fractional_values_are_summed_before_they_are_rounded_down():
    values = np.random.default_rng(5).integers(0, 5, (N, 3)) / 4
    circuit = StoredKeyAttention(_keys(), values, beta=3.0, encode_ticks=128)
    trace = _run(circuit, _queries(4, circuit))
    np.testing.assert_array_equal(circuit.decode(trace), np.floor(circuit.weight_counts(trace) @ values))


@pytest.mark.parametrize("active_ticks", [1650, 1660, 1670, 1680])
def test_equal_keys_that_fire_all_together_just_before_the_end_lose_no_output_spike(active_ticks):
    keys = np.tile([[0.6, 0.8, 0.0]], (40, 1))
    circuit = StoredKeyAttention(keys, np.ones((40, 1)), beta=4.0, softmax="integrate_inhibition", encode_ticks=64,
                                 active_ticks=active_ticks)  # fmt: skip
    counts = circuit.weight_counts(trace := _run(circuit, [[0.6, 0.8, 0], [0.6, 0.8, 0], [0, 0, 1]]))
    assert counts.sum(axis=1).tolist() == circuit.decode(trace).ravel().tolist()
    assert counts[0].tolist() == counts[1].tolist() and counts.sum(axis=1).min() >= 160


@pytest.mark.parametrize("softmax", ["escape_inhibition", "integrate_inhibition"])
def test_permuted_tokens_with_their_keys_give_permuted_counts(softmax):
    order = np.random.default_rng(7).permutation(N)
    plain = _circuit(softmax=softmax, token_keys=np.arange(N))
    permuted = StoredKeyAttention(_keys()[order], _values()[order], beta=3.0, active_ticks=2000, encode_ticks=128,
                                  softmax=softmax, token_keys=order)  # fmt: skip
    q = _queries(3, plain)
    first, second = _run(plain, q), _run(permuted, q)
    ids = {c: c.neuron_ids(c.weights) for c in (plain, permuted)}
    a, b = first.spikes(neurons=ids[plain]), second.spikes(neurons=ids[permuted])
    here = sorted(zip(a.tick.tolist(), (a.neuron - ids[plain][0]).tolist()))
    there = sorted(zip(b.tick.tolist(), order[b.neuron - ids[permuted][0]].tolist()))
    assert len(here) > 300 and here == there
    assert (plain.decode(first) == permuted.decode(second)).all()


@pytest.mark.parametrize("reset", ["spikes", "host"])
def test_the_order_of_queries_changes_no_count_of_integrate(reset):
    circuit = _circuit(softmax="integrate_inhibition", reset=reset)
    q, order = _queries(5, circuit), [3, 0, 4, 2, 1]
    straight, shuffled = _run(circuit, q), _run(circuit, q[order])
    assert (circuit.weight_counts(straight)[order] == circuit.weight_counts(shuffled)).all()
    assert (circuit.decode(straight)[order] == circuit.decode(shuffled)).all()
    twice = circuit.weight_counts(_run(circuit, q[[2, 2, 2]]))
    assert (twice == twice[0]).all()


def test_without_a_reset_queries_do_mix():
    circuit = _circuit(softmax="integrate_inhibition", reset="none")
    q = _queries(3, circuit)
    alone = circuit.weight_counts(_run(circuit, q[2:]))[0]
    assert (circuit.weight_counts(_run(circuit, q))[2] != alone).any()


def test_counts_up_to_a_tick_are_those_of_a_shorter_run():
    circuit = _circuit()
    q = _queries(2, circuit)
    trace = _run(circuit, q)
    spikes, ids = trace.spikes(neurons=circuit.neuron_ids(circuit.weights)), circuit.neuron_ids(circuit.weights)
    opening = 2 + circuit.latency.ticks
    expected = np.zeros((2, N), dtype=int)
    for tick, neuron in zip(spikes.tick.tolist(), spikes.neuron.tolist()):
        query, within = divmod(tick, circuit.duration_ticks)
        if within < opening + 700:
            expected[query, neuron - ids[0]] += 1
    assert (circuit.weight_counts(trace, upto_ticks=700) == expected).all()
    assert (circuit.weight_counts(trace, upto_ticks=10**6) == circuit.weight_counts(trace)).all()


def test_the_pool_is_silent_until_it_opens_and_everything_after_the_flush():
    for name in SOFTMAX:
        circuit = _circuit(softmax=name, active_ticks=500)
        trace = _run(circuit, _queries(4, circuit))
        within = trace.spikes(neurons=circuit.neuron_ids(circuit.pool)).tick % circuit.duration_ticks
        opening = 1 + circuit.latency.ticks
        assert within.min() > opening and within.max() <= opening + 500
        moving = np.concatenate(
            [circuit.neuron_ids(part) for part in (circuit.relay, circuit.weights, circuit.outputs)]
        )
        last = trace.spikes(neurons=moving).tick % circuit.duration_ticks
        assert last.max() < circuit.duration_ticks - 1


def test_brian2_alone_gives_the_same_spikes():
    for name in SOFTMAX:
        circuit = _circuit(softmax=name, active_ticks=150, rate_per_tick=0.3)
        stimulus = circuit.stimulus(_queries(1, circuit))
        network = circuit.network(stimulus)
        compiled = eventsim.compile_network(network)
        ours = by_eventsim(compiled, stimulus.duration_ticks)
        theirs = by_brian2(network, compiled, stimulus.duration_ticks)
        assert len(theirs.spikes) > 80
        assert ours.spikes == theirs.spikes


def test_the_stimulus_lists_queries_with_their_inputs():
    circuit = _circuit()
    stimulus = circuit.stimulus(_queries(3, circuit), input_id=[11, 5, 8])
    assert stimulus.queries()["input_id"].tolist() == [11, 5, 8]
    assert stimulus.query_stop.tolist() == [circuit.duration_ticks * k for k in (1, 2, 3)]
    assert stimulus.tick.size == 3 * (D + 3) and stimulus.reset == "spikes"
    assert _circuit(reset="host").stimulus(_queries(3, circuit)).tick.size == 3 * (D + 2)


@pytest.mark.parametrize(
    "queries, message",
    [
        (np.zeros((1, D + 1)), "expected \\(m, 5\\)"), (np.zeros(D), "expected \\(m, 5\\)"),
        (np.full((1, D), 0.9), "norm"), (np.full((1, D), np.nan), "norm"),
    ],
)  # fmt: skip
def test_a_query_beyond_what_the_circuit_was_built_for_is_refused(queries, message):
    with pytest.raises(CircuitError, match=message):
        _circuit().stimulus(queries)


def test_an_entry_beyond_the_encoder_s_limit_is_refused():
    with pytest.raises(CircuitError, match="limit"):
        _circuit(limit=0.5).stimulus([[0.6, 0, 0, 0, 0]])


@pytest.mark.parametrize(
    "keys, values, options, message",
    [
        (np.ones(3), np.ones((3, 1)), {}, "keys"), (np.full((3, 2), np.nan), np.ones((3, 1)), {}, "keys"),
        (np.ones((3, 2)), np.ones((2, 1)), {}, "do not fit"), (np.ones((3, 2)), np.full((3, 1), 1.5), {}, "0 to 1"),
        (np.ones((3, 2)), np.full((3, 1), np.nan), {}, "0 to 1"),
        (np.ones((3, 2)), np.ones((3, 1)), {"softmax": "hardmax"}, "'hardmax' is unknown"),
        (np.ones((3, 2)), np.ones((3, 1)), {"active_ticks": 0}, "active_ticks"),
        (np.ones((3, 2)), np.ones((3, 1)), {"beta": np.inf}, "beta"),
    ],
)  # fmt: skip
def test_a_senseless_attention_is_refused(keys, values, options, message):
    with pytest.raises(CircuitError, match=message):
        StoredKeyAttention(keys, values, **options)
