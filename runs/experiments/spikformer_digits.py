"""spikformer-digits: two small spiking transformers that were trained on handwritten digits, spike by spike.

Spikformer's self-attention, and QKFormer's token attention in its place, trained once with torch (runs/checkpoints).
Beside each lies a recording of torch's forward pass: every stage of the circuit has to fire as it did there.
"""

from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from circuits.attention.ssa import ORDERS
from circuits.trained_model import load_transformer
from eventsim.errors import ConfigError
from runs.checkpoints import CHECKPOINTS, recorded
from runs.experiments.spikformer.measure import OnChip, figures, run_model
from runs.experiments.spikformer.words import in_words
from runs.inputs.digits import digit_images

__all__ = ["TRAINED", "Config", "lines", "run"]

#: What the state_dicts do not say; see runs/checkpoints/train_digits.py.
TRAINED = {"grid": (8, 8), "heads": 2, "bits": 5, "pixel_scale": 1 / 16, "strides": (2, 1), "paddings": (0, 1)}

#: Steps with which they were trained and recorded.
STEPS = 4


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/spikformer_digits.toml for what each key means."""

    models: Annotated[list[Literal["spikformer", "qkformer_token"]], Meta(min_length=1)]
    images: Annotated[int, Meta(ge=1)]
    steps: Annotated[int, Meta(ge=1)]
    order: Literal[tuple(ORDERS)]
    chips: dict[str, OnChip]
    native: list[str]


def run(config, folder, progress):
    """Run the experiment; write a trace for each model and report.html into `folder` and return the summary."""
    from runs.experiments.spikformer.report import write  # matplotlib takes a while to import

    data, rows, all_ran = digit_images(), [], {}
    if config.images > len(data.held_out):
        raise ConfigError(f"images = {config.images}; {len(data.held_out)} are held out; lower it")
    for name in config.models:
        options = {"order": config.order} if name == "spikformer" else {}
        model = load_transformer(CHECKPOINTS / f"digits_{name}.safetensors", name, **TRAINED, **options)
        ran = run_model("spikformer-digits", config, model, data.held_out[: config.images],
                        data.answers[: config.images], folder / f"{name}.h5", progress,
                        data.input_id[: config.images])  # fmt: skip
        all_ran[name] = ran
        rows.append({"model": name, **figures(ran, config, progress), "equality": _equality(ran, name, config)})
    summary = {"experiment": "spikformer-digits", "config": msgspec.to_builtins(config), "models": rows}
    write(folder / "report.html", "Trained spiking transformers on digits, spike by spike", summary, all_ran)
    for ran in all_ran.values():
        ran.trace.close()
    return summary


def _equality(ran, name, config):
    """The circuit beside torch's recording: spikes of each stage that differ, and what the head said."""
    (logits, stages), answers = recorded(name), digit_images().answers
    steps = min(config.steps, STEPS)
    rows = []
    for path, spikes in stages.items():
        made = ran.circuit.decode(ran.trace, path)[: len(spikes), :steps]
        expected = spikes[: len(made), :steps]
        rows.append({"stage": path, "spikes": int(expected.sum()), "compared": expected.size,
                     "different": int((made != expected).sum())})  # fmt: skip
    compared = {
        "images": min(len(spikes), ran.n_images),
        "stages": rows,
        "accuracy_of_torch": float((logits.argmax(axis=1) == answers).mean()),
        "held_out": len(answers),
    }
    if config.steps != STEPS:  # torch's head has read the steps that it was trained with
        return compared | {"logits_differ_by": None, "same_predictions": None}
    of_circuit, of_torch = ran.model.logits(ran.features), logits[: ran.n_images]
    return compared | {
        "logits_differ_by": float(np.abs(of_circuit - of_torch).max()),
        "same_predictions": float((of_circuit.argmax(axis=1) == of_torch.argmax(axis=1)).mean()),
    }


def lines(summary):
    """The summary in words, for a terminal."""
    return in_words(summary)
