"""Published attentions on spikes equal a plain float64 implementation, spike for spike, at every layer."""

import numpy as np
import pytest

import eventsim
from circuits.attention import SDSA, SSA, MetaAttention, QKChannelAttention, QKTokenAttention
from circuits.pipeline import Pipeline
from circuits.size import Size, size
from tests.circuits.attention.plain import Plain, raw_conv, raw_linear

#: Potentials nearer to threshold than this could round either way, since sums are made in another order.
ROUNDING = 1e-9


def _shape(rng):
    """Tokens to 16, channels to 32, heads 1 to 4 that divide them."""
    heads = int(rng.integers(1, 5))
    return int(rng.integers(4, 17)), heads * int(rng.integers(2, 32 // heads + 1)), heads


def _run(block, x, **options):
    circuit = Pipeline(block, x.shape[-2], steps=x.shape[-3], **options)
    assert Size(circuit.n_neurons, circuit.n_synapses) == size(block, x.shape[-2], levels=circuit.levels)
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(x))
    return circuit, trace


def _assert_equal(circuit, trace, plain, output):
    for path, spikes in plain.stages.items():
        np.testing.assert_array_equal(circuit.decode(trace, path)[0].reshape(spikes.shape), spikes, err_msg=path)
    np.testing.assert_allclose(circuit.decode(trace)[0], output, rtol=0, atol=1e-12)
    assert all(spikes.any() for path, spikes in plain.stages.items() if path != "proj")


def _linears(rng, names, channels, **options):
    return {name: raw_linear(rng, channels, channels, **options) for name in names}


def _folded(maps):
    return {name: raw.folded() for name, raw in maps.items()}


@pytest.mark.parametrize("order", ["score_first", "kv_first", pytest.param("serial", marks=pytest.mark.slow)])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_ssa_with_dyadic_weights_is_exact_ties_included(order, seed):
    rng = np.random.default_rng(seed)
    n, channels, heads = _shape(rng)
    maps, x, plain = _linears(rng, ("q", "k", "v", "proj"), channels), rng.random((5, n, channels)) < 0.4, Plain()
    scale = 0.125 if n * channels // heads > 32 else 0.5  # so few products would not reach the threshold
    y = plain.ssa(x, **maps, heads=heads, scale=scale)
    assert plain.ties > 0
    _assert_equal(*_run(SSA(**_folded(maps), heads=heads, order=order, scale=scale), x), plain, y)


@pytest.mark.parametrize("order", ["score_first", "kv_first", "serial"])
def test_ssa_with_real_weights_is_exact_while_no_potential_lies_within_rounding_of_threshold(order):
    rng = np.random.default_rng(10)
    maps, x, plain = _linears(rng, ("q", "k", "v", "proj"), 24, dyadic=False), rng.random((6, 11, 24)) < 0.4, Plain()
    y = plain.ssa(x, **maps, heads=3, scale=0.11)
    assert plain.margin > ROUNDING
    _assert_equal(*_run(SSA(**_folded(maps), heads=3, order=order, scale=0.11), x), plain, y)


@pytest.mark.parametrize("dyadic", [True, False])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_qk_attentions_with_published_lif_masks_are_the_circuits_gates(seed, dyadic):
    rng = np.random.default_rng(20 + seed)
    n, channels, heads = _shape(rng)
    maps, x = _linears(rng, ("q", "k", "proj"), channels, dyadic=dyadic), rng.random((6, n, channels)) < 0.3
    token, channel = Plain(), Plain()
    y = token.qk_token(x, **maps, heads=heads)
    assert dyadic or token.margin > ROUNDING
    _assert_equal(*_run(QKTokenAttention(**_folded(maps), heads=heads), x), token, y)
    y = channel.qk_channel(x, **maps)
    assert dyadic or channel.margin > ROUNDING
    _assert_equal(*_run(QKChannelAttention(**_folded(maps)), x), channel, y)


@pytest.mark.parametrize("dyadic", [True, False])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_sdsa_is_exact_down_to_its_membrane_potential(seed, dyadic):
    rng = np.random.default_rng(30 + seed)
    n, channels, _ = _shape(rng)
    maps, x = _linears(rng, ("q", "k", "v", "proj"), channels, dyadic=dyadic), rng.integers(0, 4, (6, n, channels))
    plain = Plain()
    y = plain.sdsa(x, **maps)
    assert dyadic or plain.margin > ROUNDING
    _assert_equal(*_run(SDSA(**_folded(maps)), x, levels=3), plain, y)


@pytest.mark.parametrize("order", ["kv_first", pytest.param("serial", marks=pytest.mark.slow)])
def test_meta_attention_on_convolved_spikes_is_exact(order):
    rng = np.random.default_rng(40)
    maps = {name: raw_conv(rng, 8, 8, (3, 4), gain=0.5) for name in ("q", "k", "v", "proj")}
    x, plain = rng.integers(0, 3, (5, 12, 8)), Plain()
    y = plain.meta(x, **maps, heads=2)
    assert plain.ties > 0
    _assert_equal(*_run(MetaAttention(**_folded(maps), heads=2, order=order), x, levels=2), plain, y)


def test_membranes_carry_over_between_steps_and_return_to_rest_between_queries():
    rng = np.random.default_rng(50)
    maps, x = _linears(rng, ("q", "k", "proj"), 8), rng.random((3, 4, 6, 8)) < 0.4
    circuit, trace = _run(QKTokenAttention(**_folded(maps), heads=2), x)
    alone = [Plain().qk_token(one, **maps, heads=2) for one in x]
    np.testing.assert_array_equal(circuit.decode(trace), alone)
    single_steps = [[Plain().qk_token(x[:1], **maps, heads=2)[0] for x in one[:, None]] for one in x]
    assert (np.array(single_steps) != alone).any()


def _ssa_block(n_channels, heads, order="score_first", seed=0):
    rng = np.random.default_rng(seed)
    return SSA(**_folded(_linears(rng, ("q", "k", "v", "proj"), n_channels)), heads=heads, order=order)


def test_sizes_are_those_of_the_products_in_closed_form():
    n, d, h = 6, 4, 3
    channels = h * d
    # sources and bias neuron, q, k, v, attn, proj; four dense maps with their biases
    neurons, synapses = 1 + n * channels + 5 * n * channels, 4 * n * channels * (channels + 1)
    products = {
        "score_first": (h * n**2 * d + h * n**2 * d**2, 2 * h * n**2 * d + 3 * h * n**2 * d**2),
        "kv_first": (h * n * d**2 + h * n**2 * d**2, 2 * h * n * d**2 + 3 * h * n**2 * d**2),
        "serial": (2 * h * n**2 * d + h * n**2 + n * channels, 6 * h * n**2 * d + n * channels + 5 * n * channels),
    }
    for order, (gates, wires) in products.items():
        assert size(_ssa_block(channels, h, order), n) == Size(neurons + gates, synapses + wires)
    rng = np.random.default_rng(0)
    maps = _folded(_linears(rng, ("q", "k", "v", "proj"), channels))
    sources, dense, lif = 1 + n * channels, n * channels * (channels + 1), n * channels
    sdsa, qk = SDSA(**maps), {name: maps[name] for name in ("q", "k", "proj")}
    assert size(sdsa, n) == Size(sources + 4 * lif + 2 * lif + channels, lif + 3 * dense + 5 * lif)
    assert size(QKTokenAttention(**qk, heads=h), n) == Size(sources + 3 * lif + n * h + lif, 3 * dense + 3 * lif)
    assert size(QKChannelAttention(**qk), n) == Size(sources + 3 * lif + channels + lif, 3 * dense + 3 * lif)


def test_counting_a_block_too_large_for_any_machine_takes_no_memory():
    assert size(_ssa_block(512, 8), 4096).neurons == 6 * 4096 * 512 + 1 + 8 * 4096**2 * 64 * 65


def test_the_largest_single_machine_block_is_built_run_and_right():
    n, d, h = 16, 16, 4
    rng = np.random.default_rng(60)
    maps = {name: raw_linear(rng, d * h, d * h, gain=0.5) for name in ("q", "k", "v", "proj")}
    x, plain = rng.random((4, n, d * h)) < 0.15, Plain()
    y = plain.ssa(x, **maps, heads=h)
    circuit, trace = _run(SSA(**_folded(maps), heads=h), x)
    assert circuit["triple"].size == 262_144
    core = circuit.n_synapses - 4 * n * d * h * (d * h + 1)
    assert core == 819_200
    _assert_equal(circuit, trace, plain, y)
