"""Circuits of trained blocks from files with the names that SpikingJelly and the models' authors give the entries."""

import numpy as np
import pytest

import eventsim
from circuits.attention import DSSA, SDSA, SSA, MetaAttention, QKChannelAttention, QKTokenAttention
from circuits.checkpoint import load_attention, load_block, load_encoder
from circuits.encoder import MembraneFeedForward, SpikingFeedForward
from circuits.pipeline import Pipeline
from circuits.state_dict import read_state
from eventsim.errors import CircuitError
from tests.circuits.attention.plain import Plain, Raw, raw_linear

C, HIDDEN, HEADS = 8, 12, 2


def _norm(name, norm):
    entries = {
        f"{name}.{part}": values for part, values in zip(("weight", "bias", "running_mean", "running_var"), norm)
    }
    return entries | {f"{name}.num_batches_tracked": np.array(7)}


def _layer(raw, layer, norm, ones=0):
    """The entries of a map whose kernel has `ones` trailing axes of length 1."""
    entries = {f"{layer}.weight": raw.weight.reshape(raw.weight.shape + (1,) * ones)} | _norm(norm, raw.norm)
    return entries if raw.bias is None else entries | {f"{layer}.bias": raw.bias}


def _raw(rng, inputs, outputs, bias=True):
    raw = raw_linear(rng, inputs, outputs, dyadic=False)
    return Raw(raw.weight, raw.bias if bias else None, (*raw.norm[:4], 1e-5))


def _author_block(rng, kind, layer, mlp, section, ones=0, names="qkv", prefix="", hidden=HIDDEN):
    """(entries, maps) of a block with separate maps."""
    maps = {name: _raw(rng, C, C, bias=layer == "linear" or name == "proj") for name in (*names, "proj")}
    maps |= {"fc1": _raw(rng, C, hidden), "fc2": _raw(rng, hidden, C)}
    entries = {}
    for name, raw in maps.items():
        where = f"{prefix}{section}.{name}" if name in (*names, "proj") else f"{prefix}mlp.{mlp}{name[-1]}"
        entries |= _layer(raw, f"{where}_{layer}", f"{where}_bn", ones)
    return entries, maps


def _assert_maps(block, maps):
    for name, raw in maps.items():
        np.testing.assert_allclose(getattr(block, name).weight, raw.folded().weight, rtol=1e-14)
        np.testing.assert_allclose(getattr(block, name).bias, raw.folded().bias, rtol=1e-13, atol=1e-14)


def _halves(maps):
    return {k: v for k, v in maps.items() if k[:2] != "fc"}, {k: v for k, v in maps.items() if k[:2] == "fc"}


@pytest.mark.parametrize(
    "model, layer, mlp, section, ones, names, attention, feed_forward",
    [
        ("spikformer", "linear", "fc", "attn", 0, "qkv", SSA, SpikingFeedForward),
        ("spikformer", "conv", "fc", "attn", 1, "qkv", SSA, SpikingFeedForward),
        ("qkformer_token", "conv", "mlp", "tssa", 1, "qk", QKTokenAttention, SpikingFeedForward),
        ("qkformer_self", "conv", "mlp", "ssa", 1, "qkv", SSA, SpikingFeedForward),
        ("spike_driven", "conv", "fc", "attn", 2, "qkv", SDSA, MembraneFeedForward),
    ],
)
def test_blocks_are_read_by_the_authors_names(model, layer, mlp, section, ones, names, attention, feed_forward):
    entries, maps = _author_block(np.random.default_rng(0), model, layer, mlp, section, ones, names, "block.3.")
    entries |= {"head.weight": np.ones(3), "block.3.norm1.weight": np.ones(C)} if model == "spikformer" else {}
    entries |= {"block.3.attn.talking_heads.weight": np.ones((2, 2, 1))} if model == "spike_driven" else {}
    block = load_block(entries, model, prefix="block.3", heads=HEADS)
    assert type(block.attention) is attention and type(block.feed_forward) is feed_forward
    of_attention, of_feed_forward = _halves(maps)
    _assert_maps(block.attention, of_attention)
    _assert_maps(block.feed_forward, of_feed_forward)


def test_the_spike_driven_feed_forward_adds_inside_when_it_does_not_widen():
    for hidden, inner in ((C, True), (HIDDEN, False)):
        entries, _ = _author_block(np.random.default_rng(0), "", "conv", "fc", "attn", 2, hidden=hidden)
        assert load_block(entries, "spike_driven").feed_forward.inner_residual == inner


def _spikingjelly(rng, names):
    whole, proj = _raw(rng, C, len(names) * C, bias=False), _raw(rng, C, C, bias=False)
    entries = _layer(whole, f"{names}_conv_bn.0", f"{names}_conv_bn.1", 1)
    entries |= _layer(proj, "proj_conv_bn.0", "proj_conv_bn.1", 1)
    parts = {
        name: Raw(whole.weight[k * C : (k + 1) * C], None, (*(a[k * C : (k + 1) * C] for a in whole.norm[:4]), 1e-5))
        for k, name in enumerate(names)
    }
    return entries, parts | {"proj": proj}


@pytest.mark.parametrize(
    "model, names, attention",
    [
        ("spikformer", "qkv", SSA),
        ("qkformer_token", "qk", QKTokenAttention),
        ("qkformer_channel", "qk", QKChannelAttention),
    ],
)
def test_spikingjelly_s_stacked_weights_are_q_then_k_then_v(model, names, attention):
    entries, maps = _spikingjelly(np.random.default_rng(1), names)
    made = load_attention(entries, model, heads=HEADS)
    assert type(made) is attention
    _assert_maps(made, maps)


def _rep_conv_entries(rng, name):
    parts = {"a": rng.normal(size=(C, C)), "d": rng.normal(size=(C, 1, 3, 3)), "p": rng.normal(size=(C, C))}
    norms = [_raw(rng, C, C).norm for _ in range(3)]
    body = f"{name}_conv.0.body"
    entries = {f"{body}.0.weight": parts["a"][..., None, None], f"{body}.2.0.weight": parts["d"],
               f"{body}.2.1.weight": parts["p"][..., None, None]}  # fmt: skip
    for where, norm in zip((f"{body}.1.bn", f"{body}.2.2", f"{name}_conv.1"), norms):
        entries |= _norm(where, norm)
    return entries, (parts, norms)


def _rep_conv_layer_by_layer(x, parts, norms, grid):
    """The five layers and the batch norm after them, with the published padding by the first norm's image of zero."""

    def normed(y, norm):
        weight, bias, mean, var, eps = norm
        return (y - mean) / np.sqrt(var + eps) * weight + bias

    y = normed(x.reshape(*grid, C) @ parts["a"].T, norms[0])
    padded = np.empty((grid[0] + 2, grid[1] + 2, C))
    padded[:] = normed(np.zeros(C), norms[0])
    padded[1:-1, 1:-1] = y
    y = sum(padded[r : r + grid[0], c : c + grid[1]] * parts["d"][:, 0, r, c] for r in range(3) for c in range(3))
    return normed(normed(y @ parts["p"].T, norms[1]), norms[2]).reshape(-1, C)


def test_a_re_parameterised_convolution_is_the_five_layers_it_was_trained_as():
    rng, grid, entries, layers = np.random.default_rng(2), (3, 4), {}, {}
    for name in ("q", "k", "v", "proj"):
        made, layers[name] = _rep_conv_entries(rng, name)
        entries |= made
    attention = load_attention(entries, "meta_spikeformer", heads=HEADS, grid=grid)
    assert type(attention) is MetaAttention
    x = rng.normal(size=(12, C))
    for name, (parts, norms) in layers.items():
        expected = _rep_conv_layer_by_layer(x, parts, norms, grid)
        np.testing.assert_allclose(getattr(attention, name)(x), expected, rtol=1e-11, atol=1e-11)


def test_spikingresformer_s_attention_is_read_with_its_rates():
    rng = np.random.default_rng(6)
    y, proj = _raw(rng, C * 4, 2 * C, bias=False), _raw(rng, C, C, bias=False)
    kernel = y.weight.reshape(2 * C, C, 2, 2)
    entries = {"W.weight": kernel} | _norm("norm", y.norm) | _layer(proj, "Wproj", "norm_proj", 2)
    rates = rng.uniform(0.1, 0.9, (2, HEADS))
    entries |= {f"firing_rate_{what}": rate.reshape(1, 1, -1, 1, 1) for what, rate in zip(("x", "attn"), rates)}
    made = load_attention(entries, "spikingresformer", heads=HEADS, grid=(4, 6))
    assert type(made) is DSSA and made.y.stride == 2 and made.y.grid == (4, 6)
    np.testing.assert_array_equal([made.rate_s, made.rate_a], rates)
    np.testing.assert_allclose(made.y.weight.reshape(2 * C, -1), y.folded().weight, rtol=1e-14)
    _assert_maps(made, {"proj": proj})
    with pytest.raises(CircuitError, match="only the attention can be loaded"):
        load_block(entries, "spikingresformer", heads=HEADS, grid=(4, 6))
    with pytest.raises(CircuitError, match=r"'firing_rate_x' has shape \(1, 1, 2, 1, 1\); expected \(1, 1, 4, 1, 1\)"):
        load_attention(entries, "spikingresformer", heads=4, grid=(4, 6))


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_a_trained_encoder_in_a_file_becomes_a_circuit_that_is_exact(ending, tmp_path):
    rng, entries, blocks, x = np.random.default_rng(3), {}, [], np.random.default_rng(4).random((4, 6, C)) < 0.5
    for k in range(2):
        made, maps = _author_block(rng, "", "linear", "fc", "attn", prefix=f"block.{k}.")
        entries |= made
        blocks.append(_halves(maps))
    path = tmp_path / f"model.{ending}"
    if ending == "npz":
        np.savez(path, **entries)
    else:
        from safetensors.numpy import save_file

        save_file(entries, path)
    circuit = Pipeline(load_encoder(path, "spikformer", heads=HEADS, order="kv_first"), 6, steps=4)
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(x))
    plain, y = Plain(), x
    for k, (attention, feed_forward) in enumerate(blocks):
        y = y + plain.ssa(y, **attention, heads=HEADS, at=f"{k}a")
        y = y + plain.spiking_feed_forward(y, **feed_forward, at=f"{k}f")
    assert plain.margin > 1e-9
    np.testing.assert_array_equal(circuit.decode(trace)[0], y)
    assert y.max() > 2


def _spikformer():
    return _author_block(np.random.default_rng(5), "", "linear", "fc", "attn")[0]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (
            lambda e: e.update({"attn.q_linear.weight": np.ones((C, C, 3))}),
            r"'attn.q_linear.weight' has shape \(8, 8, 3\)",
        ),
        (lambda e: e.update({"attn.q_linear.weight": np.ones(C)}), r"'attn.q_linear.weight' has shape \(8,\)"),
        (lambda e: e.update({"attn.q_bn.weight": np.ones(3)}), r"'attn.q_bn.weight' has shape \(3,\); expected \(8\)"),
        (lambda e: e.update({"attn.q_bn.running_var": np.full(C, -1.0)}), "variance is negative"),
        (
            lambda e: e.update({"attn.q_bn.bias": np.full(C, np.nan)}),
            "'attn.q_bn.bias' has an entry that is not finite",
        ),
        (lambda e: e.update({"attn.k_linear.bias": np.array(["x"] * C)}), "'attn.k_linear.bias' holds <U1"),
        (lambda e: e.update({"attn.v_linear.weight": np.ones((C, C + 1))}), r"v has shape \(8, 9\), q has \(8, 8\)"),
        (lambda e: e.update({"attn.q_lif.w": np.ones(())}), "'attn.q_lif.w', a time constant that was learnt"),
        (lambda e: e.update({"mlp.fc3_linear.weight": np.ones((2, 2))}), "nothing here reads: 'mlp.fc3_linear.weight'"),
        (lambda e: e.pop("attn.proj_linear.weight"), "none of 'attn.proj_linear.weight', 'attn.proj_conv.weight'"),
        (lambda e: e.pop("attn.q_bn.running_mean"), "has no 'attn.q_bn.running_mean'"),
        (lambda e: e.pop("mlp.fc2_linear.weight"), "none of 'mlp.fc2_linear.weight'"),
    ],
)
def test_an_entry_that_does_not_fit_is_one_clear_error(spoil, message):
    entries = _spikformer()
    load_block(entries, "spikformer", heads=HEADS)
    spoil(entries)
    with pytest.raises(CircuitError, match=message) as caught:
        load_block(entries, "spikformer", heads=HEADS)
    assert "\n" not in str(caught.value)


def test_what_the_caller_left_out_or_got_wrong_is_one_clear_error(tmp_path):
    entries = _spikformer()
    (tmp_path / "model.npz").write_bytes(b"no zip file")
    np.savez(tmp_path / "pickled.npz", weight=np.array([{}], dtype=object))
    for act, message in (
        (lambda: load_block(entries, "spikformer"), "heads is not stored"),
        (lambda: load_block(entries, "spikformer", heads=3), "heads is 3; it must be an integer that divides the 8"),
        (lambda: load_block(entries, "bert", heads=2), "model 'bert' is unknown; choose one of spikformer"),
        (lambda: load_block(entries, "spikformer", prefix="block.0", heads=2), "no entry below 'block.0.'"),
        (lambda: load_encoder(entries, "spikformer", heads=2), "numbered from 0 without gaps, got"),
        (lambda: load_attention(entries, "meta_spikeformer", prefix="attn", heads=2), r"give grid=\(rows, columns\)"),
        (lambda: read_state(tmp_path / "none.npz"), "there is no checkpoint"),
        (lambda: read_state(__file__), "save the state_dict as .safetensors or .npz"),
        (lambda: read_state(tmp_path / "model.npz"), "not a readable .npz"),
        (lambda: read_state(tmp_path / "pickled.npz"), "not a readable .npz"),
    ):
        with pytest.raises(CircuitError, match=message) as caught:
            act()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [31, 60, 80])
def test_a_damaged_npz_file_is_one_clear_error(tmp_path, place):
    path = tmp_path / "model.npz"
    np.savez_compressed(path, weight=np.arange(50.0))
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(CircuitError, match=r"not a readable \.npz"):
        read_state(path)


def test_a_damaged_safetensors_file_is_one_clear_error(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(CircuitError, match=r"not a readable .safetensors"):
        read_state(tmp_path / "model.safetensors")
