"""Trained spiking transformers as a user runs them: spike for spike what torch recorded; users' own checkpoints."""

import json

import numpy as np
import pytest

import eventsim
from circuits.classifier import Classifier
from circuits.trained_model import load_transformer
from eventsim import open_trace
from eventsim.errors import CircuitError, ConfigError
from runs.checkpoints import CHECKPOINTS, recorded
from runs.experiments import spikformer_digits
from runs.experiments.spikformer.words import equality_verdict
from runs.inputs.digits import digit_images
from runs.run import run_experiment

TRAINED = ["bits=5", "pixel_scale=0.0625", "strides=[2, 1]", "paddings=[0, 1]", "heads=2", "native=[]"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    return folder, *run_experiment("spikformer-digits", ["models=['qkformer_token']", "images=6", "native=[]"], folder)


def test_every_stage_fires_as_it_did_in_torch_and_the_laws_hold(digits):
    (row,) = digits[1]["models"]
    assert [stage["different"] for stage in row["equality"]["stages"]] == [0] * 8
    assert row["equality"]["same_predictions"] == 1 and row["equality"]["logits_differ_by"] == 0
    assert all(stage["spikes"] > 0 for stage in row["equality"]["stages"])
    assert row["audit"]["passed"] and all(each["cores"] > 0 for each in row["chips"])
    assert equality_verdict(row["equality"])[1]


def test_it_leaves_a_trace_a_summary_and_a_report(digits):
    folder, summary, text = digits
    assert sorted(path.name for path in folder.iterdir()) == ["qkformer_token.h5", "report.html", "summary.json"]
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert (folder / "report.html").read_text().count("data:image/png;base64,") == 4
    assert "against torch    0 of 122,112 places differ" in text
    with open_trace(folder / "qkformer_token.h5") as trace:
        events = sum(stage["synaptic_events"] for stage in summary["models"][0]["stages"])
        assert round(6 * events) == int(trace.received()[0].sum()) == len(trace.synaptic_events())


@pytest.mark.slow
def test_both_models_side_by_side_on_the_chips(tmp_path):
    summary, text = run_experiment("spikformer-digits", ["images=12"], tmp_path)
    self_attention, mask = summary["models"]
    for row in (self_attention, mask):
        assert equality_verdict(row["equality"])[1] and row["audit"]["passed"]
        loihi, truenorth = row["native"]
        assert loihi["energy"]["missing"] == [] and loihi["same_predictions"] > 0.8
        assert "a potential that decays by a factor, 0.5 per tick" in truenorth["refused"]
        assert [each["chip"] for each in row["chips"]] == ["loihi", "truenorth"]
    pixels = {row["stages"][1]["spikes"] for row in (self_attention, mask)}
    assert len(pixels) == 1  # the same images
    assert self_attention["neurons"] - mask["neurons"] == 2 * 16 * 16 * 16 * 17 + 2 * 512 - (512 + 32)
    assert "less dynamic energy in the integers of loihi" in (tmp_path / "report.html").read_text()
    assert "places differ" in text


def test_its_trace_is_read_without_the_circuit(digits, eventsim):
    document = eventsim("bounds", digits[0] / "qkformer_token.h5", "--json").document
    cuts = {bound["cut"] for bound in document["bounds"]}
    last = "patch_embed/proj1 + block0/attention/proj + block0/feed_forward/fc2"
    assert cuts == {"patch_embed/proj1", last}
    assert eventsim("audit", digits[0] / "qkformer_token.h5").code == 0


def test_a_weight_that_is_off_by_one_step_of_rounding_is_found():
    data, model = digit_images(), _loaded("qkformer_token")
    busiest = recorded("qkformer_token")[1]["patch_embed/proj"].sum(axis=(0, 1, 2)).argmax()
    model.embedding.layers[1][0].weight[0, busiest, 1, 1] += 1 / 32
    assert _differing(model, "qkformer_token", data.held_out[:4]) > 0


@pytest.mark.parametrize(
    "order", ["score_first", *(pytest.param(o, marks=pytest.mark.slow) for o in ("kv_first", "serial"))]
)
def test_self_attention_of_a_trained_spikformer_is_torch_s(order):
    assert _differing(_loaded("spikformer", order=order), "spikformer", digit_images().held_out[:2]) == 0


def _loaded(name, **options):
    path = CHECKPOINTS / f"digits_{name}.safetensors"
    return load_transformer(path, name, **spikformer_digits.TRAINED, **options)


def _differing(model, name, images):
    """Places of all recorded stages at which a circuit is not what torch recorded."""
    circuit = Classifier(model)
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.shown(images))
    stages = recorded(name)[1]
    return sum(int((circuit.decode(trace, path) != spikes[: len(images)]).sum()) for path, spikes in stages.items())


@pytest.mark.parametrize("name", ["spikformer", "qkformer_token"])
def test_the_recorded_models_are_right_on_more_than_95_of_100_held_out_images(name):
    logits, stages = recorded(name)
    assert (logits.argmax(axis=1) == digit_images().answers).mean() > 0.95
    assert len(stages) == {"spikformer": 9, "qkformer_token": 8}[name]


@pytest.fixture
def own(tmp_path):
    """A user's images, with labels, in an .npz."""
    data = digit_images()
    np.savez(tmp_path / "own.npz", images=data.held_out[:3], labels=data.answers[:3])
    return tmp_path / "own.npz"


def test_a_user_s_checkpoint_and_images_go_the_same_way(own, eventsim, tmp_path):
    settings = [*TRAINED, "model=qkformer_token", "array=images", "labels=labels", "most=2"]
    weights = CHECKPOINTS / "digits_qkformer_token.safetensors"
    result = eventsim("run", "spikformer", "--weights", weights, "--images", own, "--json", "--out", tmp_path / "out",
                      *(part for setting in settings for part in ("--set", setting)))  # fmt: skip
    assert result.code == 0, result.err
    (row,) = result.document["models"]
    assert row["predictions"] == recorded("qkformer_token")[0][:2].argmax(axis=1).tolist()
    assert row["images"] == 2 and row["accuracy"] is not None and "equality" not in row


@pytest.mark.parametrize(
    "settings, error, message",
    [
        (["weights="], ConfigError, "weights is not given; say --weights FILE"),
        (["images="], ConfigError, "images is not given; say --images FILE"),
        (["images=none.npy"], ConfigError, "none.npy: there is no such file or folder"),
        (["weights=none.safetensors"], CircuitError, "there is no checkpoint 'none.safetensors'"),
        (["tau=3.0"], ConfigError, "tau is 3; these circuits have the published models' neurons, tau = 2"),
        (["v_reset=-1.0"], ConfigError, "v_reset is -1"),
        (["array="], ConfigError, "name one of its arrays: images, labels"),
        (["labels=images"], ConfigError, r"have shape \(3, 8, 8\); give one class"),
        (["heads=5"], CircuitError, "heads is 5"),
        (["bits=4"], CircuitError, r"whole numbers from 0 to 15 \(4 bits\)"),
        (["model=spikformer"], CircuitError, r"no entry below 'block\.0\.attn\.'"),
        (["strides=[2]"], CircuitError, "strides has 1 entries; the patch embedding has 2 convolutions"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(own, tmp_path, settings, error, message):
    given = [f"weights={CHECKPOINTS / 'digits_qkformer_token.safetensors'}", f"images={own}", "model=qkformer_token",
             "array=images", *TRAINED]  # fmt: skip
    with pytest.raises(error, match=message) as caught:
        run_experiment("spikformer", [*given, *settings], tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_images_of_a_folder_are_scaled_and_have_no_labels(tmp_path):
    from PIL import Image

    (tmp_path / "own" / "class").mkdir(parents=True)
    Image.fromarray(np.full((9, 9, 3), 255, dtype=np.uint8)).save(tmp_path / "own" / "class" / "a.png")
    given = [f"weights={CHECKPOINTS / 'digits_qkformer_token.safetensors'}", f"images={tmp_path / 'own'}", *TRAINED,
             "model=qkformer_token", "side=8"]  # fmt: skip
    with pytest.raises(ConfigError, match="labels 'labels': those of a folder are not known"):
        run_experiment("spikformer", [*given, "labels=labels"], tmp_path / "out")
    with pytest.raises(CircuitError, match="images have shape"):  # three colours for a model of one
        run_experiment("spikformer", given, tmp_path / "out")
