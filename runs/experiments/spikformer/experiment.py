"""What `eventsim run spikformer` does with a checkpoint and images."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from circuits.attention.ssa import ORDERS, SSA
from circuits.checkpoint import MODELS
from circuits.trained_model import WHOLE_MODELS, load_transformer
from eventsim.errors import ConfigError
from runs.experiments.spikformer.measure import OnChip, figures, run_model
from runs.inputs import Options, read_own
from runs.inputs.arrays import read_array

__all__ = ["Config", "lines", "run"]

Positive = Annotated[int, Meta(ge=1)]

#: Of SpikingJelly's LIFNode, with which these models are trained; `circuits` builds no other for them.
_NEURON = {"tau": 2.0, "v_threshold": 1.0, "v_reset": 0.0}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/spikformer.toml for what each key means."""

    weights: str
    images: str
    labels: str
    array: str
    most: Positive
    side: Positive
    model: Literal[WHOLE_MODELS]
    prefix: str
    heads: Positive
    steps: Positive
    bits: Annotated[int, Meta(ge=1, le=16)]
    pixel_scale: float | list[float]
    pixel_shift: float | list[float]
    strides: list[int]
    paddings: list[int]
    pools: list[bool]
    order: Literal[tuple(ORDERS)]
    attention_scale: Annotated[float, Meta(gt=0)]
    tau: float
    v_threshold: float
    v_reset: float
    chips: dict[str, OnChip]
    native: list[str]


def run(config, folder, progress):
    """Run the experiment; write trace.h5 and report.html into `folder` and return the summary."""
    from runs.experiments.spikformer.report import write  # matplotlib takes a while to import

    _check(config)
    images, labels = _images(config)
    products = MODELS[config.model].attention is SSA
    order = {"order": config.order, "scale": config.attention_scale} if products else {}
    model = load_transformer(
        config.weights, config.model, grid=images.shape[1:3], heads=config.heads, bits=config.bits,
        pixel_scale=config.pixel_scale, pixel_shift=config.pixel_shift, strides=config.strides,
        paddings=config.paddings, pools=config.pools, prefix=config.prefix, **order,
    )  # fmt: skip
    ran = run_model("spikformer", config, model, images, labels, folder / "trace.h5", progress)
    summary = {"experiment": "spikformer", "config": msgspec.to_builtins(config),
               "models": [{"model": config.model, **figures(ran, config, progress)}]}  # fmt: skip
    write(folder / "report.html", "A trained spiking transformer, spike by spike", summary, {config.model: ran})
    ran.trace.close()
    return summary


def _check(config):
    for key in ("weights", "images"):
        if not getattr(config, key):
            raise ConfigError(f"spikformer: {key} is not given; say --{key} FILE")
    for key, value in _NEURON.items():
        given = getattr(config, key)
        if given != value:
            raise ConfigError(f"spikformer: {key} is {given:g}; these circuits have the published models' neurons, "
                              f"{key} = {value:g}; train with that")  # fmt: skip


def _images(config):
    """(images (m, rows, columns[, colours]) of numbers, labels (m,) or None)."""
    path = Path(config.images)
    if path.is_dir():
        if config.labels:
            raise ConfigError(f"labels '{config.labels}': those of a folder are not known; give images as an array")
        data = read_own(path, most=config.most, options=Options(side=config.side))
        return np.round(data.samples * 255).astype(np.int64).reshape(-1, *data.shape), None
    if not path.exists():
        raise ConfigError(f"{path}: there is no such file or folder")
    images = read_array(path, config.array, axes=3)
    if images.ndim not in (3, 4):
        raise ConfigError(f"{path}: its array has shape {images.shape}; images are (m, rows, columns) or "
                          "(m, rows, columns, colours)")  # fmt: skip
    labels = _labels(config, path, len(images))
    return images[: config.most], None if labels is None else labels[: config.most]


def _labels(config, images, m):
    """From a file of their own, or an array of the images' .npz."""
    if not config.labels:
        return None
    own = Path(config.labels)
    labels = read_array(own, "", axes=1, kinds="iu") if own.exists() else read_array(images, config.labels, 1, "iu")
    if labels.shape != (m,) or labels.min() < 0:
        raise ConfigError(f"labels '{config.labels}' have shape {labels.shape}; give one class, from 0, for each of "
                          f"{m} images")  # fmt: skip
    return labels.astype(np.int64)


def lines(summary):
    """The summary in words, for a terminal."""
    from runs.experiments.spikformer.words import in_words

    return in_words(summary)
