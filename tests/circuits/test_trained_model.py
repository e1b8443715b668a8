"""Whole classifiers from checkpoints: from pixels to logits, against the published layers in plain numpy."""

import json

import numpy as np
import pytest

import eventsim
from circuits.classifier import Classifier
from circuits.decoder import read_decoder
from circuits.encoder import PatchEmbedding, SpikePool
from circuits.encoding import BitPlanes
from circuits.maps import Conv, Linear
from circuits.size import Size, size
from circuits.trained_model import load_transformer
from eventsim.errors import CircuitError, ConfigError
from tests.circuits.attention.plain import Plain, raw_conv, raw_linear

C, HEADS, CLASSES = 8, 2, 3
NORM = ("weight", "bias", "running_mean", "running_var")


def _entries(name, norm, raw, ones=0):
    entries = {f"{name}.weight": raw.weight.reshape(raw.weight.shape + (1,) * ones)}
    entries |= {f"{norm}.{part}": values for part, values in zip(NORM, raw.norm)}
    return entries if raw.bias is None else entries | {f"{name}.bias": raw.bias}


def _spikformer(rng, grid, colours=1):
    """(entries, maps): two convolutions, the first one pooled, relative positions, one block, a head."""
    half = tuple(-(-g // 2) for g in grid)
    sizes = {"proj": (colours, 4, grid), "proj1": (4, C, half), "rpe": (C, C, half)}
    maps, entries = {name: raw_conv(rng, *size) for name, size in sizes.items()}, {}
    for name, raw in maps.items():
        raw.weight -= 0.25  # its mean is about 0, so that the model does not saturate
        number = name.removeprefix("proj") if name != "rpe" else ""
        part = "rpe" if name == "rpe" else "proj"
        entries |= _entries(f"patch_embed.{part}_conv{number}", f"patch_embed.{part}_bn{number}", raw)
    for name, (i, o) in {"q": (C, C), "k": (C, C), "v": (C, C), "proj": (C, C), "fc1": (C, 12), "fc2": (12, C)}.items():
        maps[f"block.{name}"] = raw = raw_linear(rng, i, o)
        where = "mlp" if name[:2] == "fc" else "attn"
        entries |= _entries(f"block.0.{where}.{name}_linear", f"block.0.{where}.{name}_bn", raw)
    entries |= {"head.weight": rng.integers(-8, 9, (CLASSES, C)) / 8, "head.bias": rng.integers(-8, 9, CLASSES) / 8}
    return entries, maps


def _max_pooled(spikes, grid):
    """3 x 3 windows, stride 2, padding 1, on (steps, tokens, channels)."""
    image = np.pad(spikes.reshape(len(spikes), *grid, -1), ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, columns = (range(0, g, 2) for g in grid)
    pooled = [image[:, r : r + 3, c : c + 3].max(axis=(1, 2)) for r in rows for c in columns]
    return np.stack(pooled, axis=1)


def _published(x, maps, grid):
    """Of one image x (tokens, colours), real, the published layers in four steps: what the head averages."""
    plain, now = Plain(), np.repeat(x[None], 4, axis=0)
    now = _max_pooled(plain.lif("proj", maps["proj"](now)), grid)
    now = plain.lif("proj1", maps["proj1"](now))
    now = now + plain.lif("rpe", maps["rpe"](now))
    attention = {name: maps[f"block.{name}"] for name in ("q", "k", "v", "proj")}
    now = now + plain.ssa(now, **attention, heads=HEADS)
    return now + plain.spiking_feed_forward(now, maps["block.fc1"], maps["block.fc2"])


@pytest.mark.parametrize("shift", [0.0, -0.5])
def test_a_model_with_the_authors_names_says_what_the_published_layers_say(shift, tmp_path):
    rng, grid = np.random.default_rng(3), (6, 8)
    entries, maps = _spikformer(rng, grid, colours=2)
    images = rng.integers(0, 8, (2, *grid, 2))
    model = load_transformer(
        entries, "spikformer", grid=grid, heads=HEADS, bits=3, pixel_scale=1 / 4, pixel_shift=shift,
        pools=(True, False), eps=0.0,
    )  # fmt: skip
    circuit = Classifier(model, steps=4)
    assert Size(circuit.n_neurons, circuit.n_synapses) == size(model, model.tokens)
    manifest = {"circuit": {"populations": circuit.labels()}}
    trace = eventsim.simulate(
        eventsim.compile_network(circuit.network()), circuit.shown(images), trace=tmp_path / "t.h5", manifest=manifest
    )
    expected = np.array([_published(image.reshape(48, 2) / 4 + shift, maps, grid) for image in images])
    made = circuit.decode(trace)
    np.testing.assert_array_equal(made, expected)
    assert (made[0] != made[1]).any() and len(np.unique(made)) >= 3
    logits = expected.mean(axis=(1, 2)) @ entries["head.weight"].T + entries["head.bias"]
    np.testing.assert_allclose(circuit.logits(trace), logits, rtol=1e-13)
    decoder = read_decoder(json.loads(json.dumps(circuit.decoder.to_json())), "t.h5")
    np.testing.assert_allclose(decoder.decode(trace)[:, 0], logits, rtol=1e-13)
    assert circuit.cuts[0] == ("patch_embed/proj1", "patch_embed/rpe")
    first = expected[:, :2].mean(axis=(1, 2)) @ entries["head.weight"].T + entries["head.bias"]
    np.testing.assert_allclose(circuit.logits(trace, steps=2), first, rtol=1e-13)


def test_a_map_without_batch_normalisation_is_taken_as_it_is():
    entries, maps = _spikformer(np.random.default_rng(0), (4, 4))
    plain = {name: values for name, values in entries.items() if "_bn" not in name}
    model = load_transformer(plain, "spikformer", grid=(4, 4), heads=HEADS, pools=(True, False))
    attention = model.encoder.blocks[0].attention
    np.testing.assert_array_equal(attention.q.weight, maps["block.q"].weight)
    np.testing.assert_array_equal(attention.q.bias, maps["block.q"].bias)


def test_digits_of_a_number_add_up_to_it_and_the_shift_stays_inside_the_image():
    planes, numbers = BitPlanes(4, [0.5, 2.0], [0.25, -1.0]), np.arange(12).reshape(2, 3, 2)
    kernel = Conv(np.arange(1.0, 37).reshape(2, 2, 3, 3), grid=(1, 3), padding=1)
    read = planes.reading(kernel)(planes.encode(numbers))
    np.testing.assert_array_equal(read, kernel(numbers * [0.5, 2.0] + [0.25, -1.0]))
    assert planes.planes == 9 and BitPlanes(4, 1.0, 0.0).planes == 4
    np.testing.assert_array_equal(BitPlanes(4, 1.0, 0.0).encode(np.array([[6]])), [[0, 1, 1, 0]])


def test_pooling_of_spikes_is_an_or_over_windows():
    pool = SpikePool(2, (3, 4))
    rows, columns = 2 + 2, 2 + 3  # what the first and the second window see of each axis
    assert pool.grid_out == (2, 2) and pool.n_synapses(12) == 2 * rows * columns == len(pool.table(12)[0])


@pytest.mark.parametrize(
    "spoil, options, message",
    [
        ({"patch_embed2.proj_conv.weight": np.ones(1)}, {}, "'patch_embed2.proj_conv.weight', which lies in none of"),
        ({"module.head.weight": np.ones(1)}, {}, "if all names begin alike, give that as prefix"),
        ({"patch_embed.proj_lif.w": np.ones(())}, {}, "'patch_embed.proj_lif.w', a time constant that was learnt"),
        ({"patch_embed.proj3_conv.weight": np.ones(1)}, {}, "nothing here reads: 'proj3_conv.weight'"),
        ({"head.weight": np.ones((3, C + 1))}, {}, "the encoder makes 8 channels, and what follows it reads 9"),
        ({"head.weight": None}, {}, "the checkpoint has no 'head.weight'"),
        ({"patch_embed.proj_conv.weight": None}, {}, "the checkpoint has no 'patch_embed.proj_conv.weight'"),
        ({"patch_embed.proj_conv.weight": np.ones((4, 1))}, {}, r"has shape \(4, 1\); expected"),
        ({}, {"strides": (2,)}, "strides has 1 entries; the patch embedding has 2 convolutions"),
        ({}, {"pixel_scale": (1, 2)}, "reads 1 colours; give one pixel_scale and pixel_shift, or 1 of each"),
        ({}, {"bits": 0}, "bits is 0; it must be 1 to 16"),
        ({}, {"heads": None}, "heads is not stored in a checkpoint"),
        ({}, {"strides": (0, 1)}, "stride is 0"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(spoil, options, message):
    entries, _ = _spikformer(np.random.default_rng(0), (4, 4))
    entries = {name: values for name, values in (entries | spoil).items() if values is not None}
    with pytest.raises(CircuitError, match=message) as caught:
        load_transformer(entries, "spikformer", **{"grid": (4, 4), "heads": HEADS, **options})
    assert "\n" not in str(caught.value)


def test_a_model_of_another_kind_is_refused():
    with pytest.raises(CircuitError, match="'spike_driven' cannot be loaded; choose one of spikformer, qkformer_token"):
        load_transformer({}, "spike_driven", grid=(4, 4))


def test_images_that_do_not_fit_are_refused():
    entries, _ = _spikformer(np.random.default_rng(0), (4, 4))
    model = load_transformer(entries, "spikformer", grid=(4, 4), heads=HEADS, bits=4, pools=(True, False))
    with pytest.raises(CircuitError, match=r"images have shape \(1, 4, 5\); they must be \(m, 4, 4, 1\)"):
        model.spikes(np.zeros((1, 4, 5), dtype=int), 4)
    with pytest.raises(CircuitError, match=r"whole numbers from 0 to 15 \(4 bits\), got 0 to 16"):
        model.spikes(np.full((1, 4, 4), 16) * np.eye(4, dtype=int), 4)
    with pytest.raises(CircuitError, match=r"got 0\.5 to 0\.5 of float64"):
        model.spikes(np.full((1, 4, 4), 0.5), 4)


def test_layers_of_an_embedding_must_follow_each_other():
    first = Conv(np.ones((4, 1, 3, 3)), grid=(4, 4), padding=1)
    with pytest.raises(CircuitError, match="reads 5 channels on"):
        PatchEmbedding(((first, None), (Conv(np.ones((4, 5, 3, 3)), grid=(4, 4), padding=1), None)))
    with pytest.raises(CircuitError, match="must make as many tokens and channels as it reads"):
        PatchEmbedding(((first, None),), Conv(np.ones((4, 4, 3, 3)), grid=(4, 4)))
    with pytest.raises(CircuitError, match="does not read images of 2 channels"):
        BitPlanes(3, [1.0, 1.0], 0.0).reading(Linear(np.ones((1, 3))))


@pytest.mark.parametrize("spoil", [{"of": "proj"}, {"of": []}, {"weight": [1.0]}, {"bias": [0.0]}, {"over": 0}])
def test_a_linear_decoder_that_is_described_wrongly_is_refused(spoil):
    document = {"kind": "linear", "of": ["proj"], "weight": [[1.0], [2.0]], "bias": [0.0, 0.0], "over": 3}
    assert read_decoder(document, "t.h5").over == 3
    with pytest.raises(ConfigError, match="describes a decoder of kind 'linear' wrongly"):
        read_decoder(document | spoil, "t.h5")
