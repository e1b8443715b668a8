"""Encoders of several blocks equal a plain float64 implementation, with integer and with membrane residual paths."""

import numpy as np
import pytest

import eventsim
from circuits.attention import SDSA, SSA, MetaAttention, QKTokenAttention
from circuits.encoder import Encoder, EncoderBlock, MembraneFeedForward, SpikingFeedForward
from circuits.maps import Linear
from circuits.pipeline import Pipeline
from circuits.size import Size, size
from eventsim.errors import CircuitError
from tests.circuits.attention.plain import Plain, raw_conv, raw_linear

CHANNELS, HIDDEN, TOKENS, HEADS = 8, 12, 6, 2


def _folded(maps):
    return {name: raw.folded() for name, raw in maps.items()}


def _attention(rng, names, channels=CHANNELS, **options):
    return {name: raw_linear(rng, channels, channels, **options) for name in names}


def _feed_forward(rng, hidden=HIDDEN, **options):
    return {"fc1": raw_linear(rng, CHANNELS, hidden, **options), "fc2": raw_linear(rng, hidden, CHANNELS, **options)}


def _run(encoder, x, levels):
    circuit = Pipeline(encoder, x.shape[-2], steps=len(x), levels=levels)
    assert Size(circuit.n_neurons, circuit.n_synapses) == size(encoder, x.shape[-2], levels=levels)
    return circuit, eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(x))


def _assert_equal(circuit, trace, plain, output):
    for path, spikes in plain.stages.items():
        np.testing.assert_array_equal(circuit.decode(trace, path)[0].reshape(spikes.shape), spikes, err_msg=path)
        assert spikes.any(), path
    np.testing.assert_allclose(circuit.decode(trace)[0], output, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "order", ["score_first", *(pytest.param(o, marks=pytest.mark.slow) for o in ("kv_first", "serial"))]
)
@pytest.mark.parametrize("dyadic", [True, False])
def test_two_spikformer_blocks_with_integer_residuals_are_exact(dyadic, order):
    rng, blocks = np.random.default_rng(3 + dyadic), []
    x = start = rng.integers(0, 3, (5, TOKENS, CHANNELS))
    plain, scale = Plain(), 0.25
    for k in range(2):
        maps = _attention(rng, ("q", "k", "v", "proj"), dyadic=dyadic)
        layers = _feed_forward(rng, dyadic=dyadic)
        x = x + plain.ssa(x, **maps, heads=HEADS, scale=scale, at=f"block{k}/attention/")
        x = x + plain.spiking_feed_forward(x, **layers, at=f"block{k}/feed_forward/")
        attention = SSA(**_folded(maps), heads=HEADS, scale=scale, order=order)
        blocks.append(EncoderBlock(attention, SpikingFeedForward(**_folded(layers))))
    assert plain.ties > 0 if dyadic else plain.margin > 1e-9
    assert x.max() > 3
    _assert_equal(*_run(Encoder(blocks), start, levels=2), plain, x)


@pytest.mark.slow
def test_a_token_block_before_a_self_attention_block_as_in_qkformer_is_exact():
    rng, plain = np.random.default_rng(5), Plain()
    x = start = rng.random((5, TOKENS, CHANNELS)) < 0.5
    token, full = _attention(rng, ("q", "k", "proj")), _attention(rng, ("q", "k", "v", "proj"))
    layers = [_feed_forward(rng), _feed_forward(rng)]
    x = x + plain.qk_token(x, **token, heads=HEADS, at="block0/attention/")
    x = x + plain.spiking_feed_forward(x, **layers[0], at="block0/feed_forward/")
    x = x + plain.ssa(x, **full, heads=HEADS, scale=0.25, at="block1/attention/")
    x = x + plain.spiking_feed_forward(x, **layers[1], at="block1/feed_forward/")
    attentions = QKTokenAttention(**_folded(token), heads=HEADS), SSA(**_folded(full), heads=HEADS, scale=0.25)
    encoder = Encoder([EncoderBlock(a, SpikingFeedForward(**_folded(f))) for a, f in zip(attentions, layers)])
    _assert_equal(*_run(encoder, start, levels=1), plain, x)


@pytest.mark.parametrize("inner_residual", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dyadic", [True, False])
def test_two_spike_driven_blocks_with_membrane_residuals_are_exact(dyadic, inner_residual):
    rng, plain, blocks = np.random.default_rng(7), Plain(), []
    hidden = CHANNELS if inner_residual else HIDDEN
    x = start = rng.integers(0, 4, (6, TOKENS, CHANNELS))
    for k in range(2):
        maps, layers = (
            _attention(rng, ("q", "k", "v", "proj"), dyadic=dyadic),
            _feed_forward(rng, hidden, dyadic=dyadic),
        )
        x = x + plain.sdsa(x, **maps, at=f"block{k}/attention/")
        x = x + plain.membrane_feed_forward(x, **layers, at=f"block{k}/feed_forward/", inner_residual=inner_residual)
        feed_forward = MembraneFeedForward(**_folded(layers), inner_residual=inner_residual)
        blocks.append(EncoderBlock(SDSA(**_folded(maps)), feed_forward))
    assert plain.ties > 0 if dyadic else plain.margin > 1e-9
    _assert_equal(*_run(Encoder(blocks), start, levels=3), plain, x)


@pytest.mark.slow
def test_two_meta_blocks_with_convolutions_are_exact():
    rng, plain, blocks = np.random.default_rng(8), Plain(), []
    x = start = rng.integers(0, 3, (4, 9, CHANNELS))
    for k in range(2):
        maps = {name: raw_conv(rng, CHANNELS, CHANNELS, (3, 3), gain=0.5) for name in ("q", "k", "v", "proj")}
        layers = _feed_forward(rng)
        x = x + plain.meta(x, **maps, heads=HEADS, at=f"block{k}/attention/")
        x = x + plain.membrane_feed_forward(x, **layers, at=f"block{k}/feed_forward/")
        blocks.append(EncoderBlock(MetaAttention(**_folded(maps), heads=HEADS), MembraneFeedForward(**_folded(layers))))
    assert plain.ties > 0
    _assert_equal(*_run(Encoder(blocks), start, levels=2), plain, x)


def test_every_spike_train_of_a_residual_path_has_its_own_synapses():
    rng = np.random.default_rng(9)
    maps, layers = _folded(_attention(rng, ("q", "k", "v", "proj"))), _folded(_feed_forward(rng))
    block = EncoderBlock(SSA(**maps, heads=HEADS), SpikingFeedForward(**layers))
    circuit = Pipeline(Encoder([block, block]), TOKENS, levels=2)
    table = circuit.synapse_table()
    senders = table[table["post_path"] == "block1/attention/q"]["pre_path"].value_counts()
    dense = TOKENS * CHANNELS * CHANNELS
    assert senders.to_dict() == {
        "input": 2 * dense, "block0/attention/proj": dense, "block0/feed_forward/fc2": dense, "one": TOKENS * CHANNELS,
    }  # fmt: skip


def test_channels_that_do_not_fit_together_are_refused():
    rng = np.random.default_rng(9)
    maps, layers = _folded(_attention(rng, ("q", "k", "v", "proj"))), _folded(_feed_forward(rng))
    attention, feed_forward = SSA(**maps, heads=HEADS), SpikingFeedForward(**layers)
    wide = SpikingFeedForward(Linear(np.ones((4, 9))), Linear(np.ones((9, 4))))
    for act, message in (
        (lambda: EncoderBlock(attention, wide), r"equal channels everywhere, got \[8, 9\]"),
        (lambda: SpikingFeedForward(layers["fc1"], layers["fc1"]), "fc2 reads 8 channels, fc1 makes 12"),
        (lambda: MembraneFeedForward(**layers, inner_residual=True), "adds 8 channels to 12"),
        (lambda: Encoder([]), "at least one block"),
        (lambda: SpikingFeedForward(layers["fc1"], np.ones((8, 12))), "must be a Linear or a Conv"),
        (lambda: Encoder([EncoderBlock(attention, feed_forward), _narrow_block(rng)]), r"equal channels, got \[4, 8\]"),
    ):
        with pytest.raises(CircuitError, match=message):
            act()


def _narrow_block(rng):
    maps = _folded(_attention(rng, ("q", "k", "v", "proj"), 4))
    return EncoderBlock(SSA(**maps, heads=2), SpikingFeedForward(maps["q"], maps["k"]))
