"""Attention circuits give the spikes that SpikingJelly recorded, at every layer of neurons."""

from pathlib import Path

import numpy as np
import pytest

import eventsim
from circuits.attention import SDSA, SSA, QKTokenAttention
from circuits.attention.ssa import ORDERS
from circuits.maps import Linear
from circuits.pipeline import Pipeline

DATA = Path(__file__).parents[2] / "data"
TOKENS, STEPS, CHANNELS = 4, 4, 8


def _recording(name):
    with np.load(DATA / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def _token_major(array):
    """(steps, 1, channels, tokens...) -> (steps, tokens, channels)."""
    return array.reshape(STEPS, array.shape[2], TOKENS).transpose(0, 2, 1)


def _maps(z, name):
    """The maps stacked in one recorded weight."""
    weight, bias = z[f"{name}.W"], z[f"{name}.b"]
    return [Linear(weight[k : k + CHANNELS], bias[k : k + CHANNELS]) for k in range(0, len(weight), CHANNELS)]


def _run(block, x, **options):
    circuit = Pipeline(block, TOKENS, steps=STEPS, **options)
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(x))
    return lambda what=None: circuit.decode(trace, what)[0]


@pytest.mark.parametrize("order", ORDERS)
def test_ssa_is_spikingjelly_s_at_every_layer(order):
    z = _recording("ssa_dyadic_h1")
    q, k, v = _maps(z, "qkv_conv_bn")
    ours = _run(SSA(q, k, v, *_maps(z, "proj_conv_bn"), heads=int(z["heads"]), order=order), _token_major(z["x"]))
    theirs = _token_major(z["qkv_lif.S"])
    for part, name in enumerate("qkv"):
        np.testing.assert_array_equal(ours(name), theirs[..., part * CHANNELS : (part + 1) * CHANNELS])
    np.testing.assert_array_equal(ours("attn"), _token_major(z["attn_lif.S"][:, :, 0]))
    np.testing.assert_array_equal(ours("proj"), _token_major(z["proj_lif.S"]))
    np.testing.assert_array_equal(ours(), _token_major(z["y"]))


def test_qk_token_attention_is_spikingjelly_s_at_every_layer():
    z = _recording("qk_token")
    ours = _run(QKTokenAttention(*_maps(z, "qk_conv_bn"), *_maps(z, "proj_conv_bn"), int(z["heads"])),
                _token_major(z["x"]))  # fmt: skip
    theirs = _token_major(z["qk_lif.S"])
    np.testing.assert_array_equal(ours("q"), theirs[..., :CHANNELS])
    np.testing.assert_array_equal(ours("k"), theirs[..., CHANNELS:])
    np.testing.assert_array_equal(ours("attn")[..., 0], z["attn_lif.S"][:, 0, :, 0])
    np.testing.assert_array_equal(ours("proj"), _token_major(z["proj_lif.S"]))
    np.testing.assert_array_equal(ours(), _token_major(z["y"]))


def test_sdsa_is_spikingjelly_s_at_every_layer_and_its_output_adds_to_the_residual():
    z = _recording("sdsa")
    x = _token_major(z["x"])
    ours = _run(SDSA(*(_maps(z, name)[0] for name in ("q", "k", "v", "proj"))), x, levels=2)
    for name in ("shortcut", "q", "k", "v"):
        np.testing.assert_array_equal(ours(name), _token_major(z[f"{name}_lif.S"]))
    np.testing.assert_array_equal(ours("attn"), z["attn_lif.S"].reshape(STEPS, CHANNELS))
    np.testing.assert_array_equal(ours() + x, _token_major(z["y"]))


def test_the_recordings_hold_potentials_exactly_at_threshold_so_that_firing_above_it_is_seen_to_be_wrong():
    for name, stage in (("ssa_dyadic_h1", "qkv_lif"), ("qk_token", "qk_lif"), ("sdsa", "shortcut_lif")):
        z = _recording(name)
        at_threshold = z[f"{stage}.H"] == z[f"{stage}.params"][1]
        assert at_threshold.any() and z[f"{stage}.S"][at_threshold].all()
