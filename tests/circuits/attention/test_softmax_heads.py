"""Softmax attention heads: what their spikes say, against softmax attention in plain numpy."""

import numpy as np
import pytest

import eventsim
from circuits import size
from circuits.attention import AttentionHead, DurationHead, LatencyHead, RateHead
from circuits.attention.masks import causal, sparse
from circuits.readout import spike_counts
from eventsim.errors import CapacityError, CircuitError
from tests.support.brian2_runs import by_brian2

HEADS = [RateHead, DurationHead, LatencyHead]


def inputs(n, d, queries=1, heads=1, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (3, queries, heads, n, d))


def run(head, q, k, v, seed=0):
    return eventsim.simulate(eventsim.compile_network(head.network()), head.stimulus(q, k, v, seed=seed))


def plain(q, k, v, mask=None):
    """Softmax attention, written a second time: outputs (queries, heads, n, d)."""
    z = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    e = np.exp(z) * (1.0 if mask is None else mask)
    return e / e.sum(axis=-1, keepdims=True) @ v


def rmse(got, due):
    return np.sqrt(np.mean((got - due) ** 2))


# What the error may be at 128 ticks: five standard errors of sampling for the rate code; rounding for the others.
@pytest.mark.parametrize(("kind", "most"), [
    (DurationHead, 0.012), pytest.param(RateHead, 0.1, marks=pytest.mark.slow),
    pytest.param(LatencyHead, 0.02, marks=pytest.mark.slow),
])  # fmt: skip
def test_a_head_computes_softmax_attention_and_four_times_the_ticks_make_it_better(kind, most):
    q, k, v = inputs(4, 3, queries=12)
    errors = {}
    for ticks in (32, 128):
        head = kind(4, 3, ticks=ticks)
        errors[ticks] = rmse(head.decode(run(head, q, k, v)), plain(q, k, v))
    assert errors[128] < most
    assert errors[128] < errors[32] * (0.7 if kind is RateHead else 0.45)


def test_products_of_durations_are_within_a_spike_and_shares_within_a_token():
    ticks, n, d = 64, 4, 3
    q, k, v = inputs(n, d, queries=5)
    head = DurationHead(n, d, ticks=ticks)
    trace = run(head, q, k, v)
    z = head.decode_logits(trace)
    exact_z, _, _ = head.exact(q, k, v)
    # floor(|q| round(|k| T) + 1/2) is off by 1/2 + |q|/2 at most, in each of d products.
    assert np.abs(z - exact_z).max() <= d * 1.0 / (ticks * np.sqrt(d))
    counts = spike_counts(head, trace, head.weights).reshape(5, n, n)
    total = counts.sum(axis=-1, keepdims=True)
    p = head.softmax(z)[:, 0]
    assert (np.abs(counts - total * p) <= (1 + n * p) / 2 + 1e-9).all()


def test_logits_of_random_trains_scatter_as_their_variance_says():
    ticks, n, d = 128, 4, 3
    q, k, v = inputs(n, d, queries=40)
    head = RateHead(n, d, ticks=ticks)
    exact_z, _, _ = head.exact(q, k, v)
    product = np.abs(np.einsum("mhic,mhjc->mhijc", q, k))
    variance = (product * (1 - product)).sum(axis=-1) / (d * ticks)
    deviation = (head.decode_logits(run(head, q, k, v)) - exact_z) / np.sqrt(variance)
    # 640 correlated values of variance 1: their mean square is 1 within five times sqrt(2/160).
    assert np.mean(deviation**2) == pytest.approx(1.0, abs=0.56)


@pytest.mark.parametrize("kind", HEADS)
def test_masked_pairs_have_no_weight_and_a_token_that_sees_itself_alone_keeps_its_value(kind):
    q, k, v = inputs(4, 3, queries=2)
    head = kind(4, 3, ticks=128, mask=causal(4))
    trace = run(head, q, k, v)
    assert (head.decode_weights(trace)[..., ~causal(4)] == 0).all()
    assert rmse(head.decode(trace), plain(q, k, v, causal(4))) < 0.15
    assert rmse(head.decode(trace)[:, :, 0], v[:, :, 0]) < 0.12
    assert rmse(head.decode(trace), plain(q, k, v)) > 0.2  # it would be seen if the mask were not heeded


def test_two_heads_are_two_single_heads_and_other_tokens_than_the_own_can_be_attended_to():
    rng = np.random.default_rng(1)
    q, k, v = (rng.uniform(-1, 1, (1, 2, tokens, d)) for tokens, d in ((2, 3), (5, 3), (5, 1)))
    shape = {"n_keys": 5, "d_values": 1, "ticks": 64}
    both = DurationHead(2, 3, heads=2, **shape)
    one = DurationHead(2, 3, **shape)
    together = both.decode(run(both, q, k, v))
    alone = [one.decode(run(one, q[0, h], k[0, h], v[0, h])) for h in range(2)]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))
    assert rmse(together, plain(q, k, v)) < 0.05


def test_outputs_follow_permuted_tokens_bit_for_bit_if_the_noise_does():
    q, k, v = inputs(4, 3)
    order = np.array([2, 0, 3, 1])
    straight = RateHead(4, 3, ticks=64)
    expected = straight.decode(run(straight, q, k, v))[:, :, order]
    permuted = tuple(operand[:, :, order] for operand in (q, k, v))
    by_token, by_place = (RateHead(4, 3, ticks=64, token_keys=keys) for keys in (order, None))
    np.testing.assert_array_equal(by_token.decode(run(by_token, *permuted)), expected)
    assert (by_place.decode(run(by_place, *permuted)) != expected).any()


@pytest.mark.parametrize("kind", [LatencyHead, *(pytest.param(kind, marks=pytest.mark.slow) for kind in HEADS[:2])])
def test_brian2_fires_the_same_spikes(kind):
    q, k, v = inputs(3, 2)
    head = kind(3, 2, ticks=16)
    stimulus = head.stimulus(q, k, v)
    trace = run(head, q, k, v)
    spikes = trace.spikes()
    in_brian2 = by_brian2(head.network(stimulus), trace.network, stimulus.duration_ticks)
    assert list(zip(spikes.tick.tolist(), spikes.neuron.tolist())) == in_brian2.spikes


def test_each_query_starts_anew_whatever_came_before():
    q, k, v = inputs(3, 2, queries=3)
    for kind in (DurationHead, LatencyHead):
        head = kind(3, 2, ticks=16)
        first, _, last = head.decode(run(head, q[[0, 1, 0]], k[[0, 1, 0]], v[[0, 1, 0]]))
        np.testing.assert_array_equal(first, last)


@pytest.mark.parametrize("kind", HEADS)
def test_numbers_without_sign_need_one_channel_only(kind):
    q, k, v = np.abs(inputs(4, 3, queries=2))
    signed, unsigned = (kind(4, 3, ticks=128, signed=signed) for signed in (True, False))
    assert unsigned.n_neurons < signed.n_neurons / 2
    np.testing.assert_array_equal(unsigned.decode(run(unsigned, q, k, v)), signed.decode(run(signed, q, k, v)))


def test_errors_are_told_stage_by_stage():
    q, k, v = inputs(4, 3, queries=4)
    head = DurationHead(4, 3, ticks=64)
    table = head.errors(run(head, q, k, v), q, k, v).set_index("stage")
    assert set(table.index) == {"logits", "softmax", "values", "weights, whole", "whole"}
    assert (table["rmse"] < 0.1 * table["scale"]).all()
    assert table["rmse"]["whole"] == pytest.approx(rmse(head.decode(run(head, q, k, v)), plain(q, k, v)), rel=1e-12)


@pytest.mark.parametrize("code", ["rate", "duration", "latency"])
def test_a_head_made_for_given_arrays_has_them_as_its_default_stimulus(code):
    q, k, v = inputs(3, 2)[:, 0, 0]
    head = AttentionHead(q, k, v, code=code, ticks=256)
    compiled = eventsim.compile_network(head.network())
    trace = eventsim.simulate(compiled, duration_ms=head.duration_ticks * head.dt_ms)
    assert rmse(head.decode(trace)[0, 0], plain(q, k, v)) < 0.15


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("shape", [
    {}, {"heads": 2, "n_keys": 7, "d_values": 2}, {"signed": False}, {"mask": causal(5), "reset": "host"},
    {"mask": sparse(5, window=0, global_tokens=1, random=1)},
])  # fmt: skip
def test_a_head_has_the_size_that_was_said_before(kind, shape):
    head = kind(5, 3, **shape)
    said = size(kind, 5, 3, **shape)
    assert (head.n_neurons, head.n_synapses) == (said.neurons, said.synapses)


def test_a_sparse_mask_is_window_and_global_and_random():
    mask = sparse(16, window=1, global_tokens=2, random=3, seed=5)
    i, j = np.indices((16, 16))
    fixed = (abs(i - j) <= 1) | (i < 2) | (j < 2)
    assert mask[fixed].all()
    assert (mask & ~fixed)[2:].sum(axis=1).tolist() == [3] * 14
    assert (sparse(16, random=3, seed=5) == sparse(16, random=3, seed=5)).all()


def test_the_time_of_one_spike_says_more_per_spike_than_a_rate():
    q, k, v = inputs(4, 3, queries=4)
    spikes, errors = {}, {}
    for kind in (RateHead, LatencyHead):
        head = kind(4, 3, ticks=128)
        trace = run(head, q, k, v)
        spikes[kind], errors[kind] = trace.n_spikes, rmse(head.decode(trace), plain(q, k, v))
    assert spikes[LatencyHead] < spikes[RateHead] / 20
    assert errors[LatencyHead] < errors[RateHead]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: RateHead(0, 3), "n is 0"),
    (lambda: RateHead(4, 3, ticks=0), "ticks is 0"),
    (lambda: RateHead(4, 3, limit=2.0), "limit is always 1"),
    (lambda: LatencyHead(4, 3, smallest=2.0), "smallest is 2"),
    (lambda: LatencyHead(4, 3, beta=np.nan), "beta is nan"),
    (lambda: DurationHead(3, 3, mask=np.tri(3, k=-1, dtype=bool)), "row 0 is empty"),
    (lambda: DurationHead(3, 3, mask=np.ones((2, 3), dtype=bool)), r"mask has shape \(2, 3\)"),
    (lambda: DurationHead(3, 3, token_keys=[1, 1, 2]), "3 different integers"),
    (lambda: DurationHead(3, 3).stimulus(*inputs(3, 2)), r"q has shape \(1, 1, 3, 2\)"),
    (lambda: DurationHead(3, 3).stimulus(*(2 * inputs(3, 3))), "beyond the head's limit 1"),
    (lambda: DurationHead(3, 3).stimulus(*(np.nan * inputs(3, 3))), "not finite"),
    (lambda: DurationHead(3, 3, signed=False).stimulus(*inputs(3, 3)), "takes none below 0"),
    (lambda: DurationHead(3, 3, logit_range=(-0.01, 0.01)).stimulus(*inputs(3, 3)), "widen logit_range"),
    (lambda: AttentionHead(*np.ones((3, 2, 2)), code="phase"), "choose one of rate, duration, latency"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(make, message):
    with pytest.raises(CircuitError, match=message):
        make()


def test_a_head_beyond_memory_is_refused_before_any_work():
    with pytest.raises(CapacityError, match="bytes"):
        RateHead(100_000, 64)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(4, 4), (8, 8), (16, 16), (16, 4)])
@pytest.mark.parametrize(("kind", "slope", "within"), [
    (RateHead, -0.5, 0.06), (DurationHead, -1.0, 0.06), (LatencyHead, -0.9, 0.12),
])  # fmt: skip
def test_errors_fall_with_ticks_as_they_should(kind, slope, within, n, d):
    lengths = np.array([64, 128, 256, 512, 1024])
    queries = 96 // n
    errors = []
    for ticks in lengths.tolist():
        head = kind(n, d, ticks=ticks)
        q, k, v = inputs(n, d, queries=queries, seed=ticks)
        errors.append(rmse(head.decode(run(head, q, k, v, seed=ticks)), plain(q, k, v)))
    assert np.polyfit(np.log(lengths), np.log(errors), 1)[0] == pytest.approx(slope, abs=within)
