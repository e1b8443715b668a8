"""Trained models that come with the project, and what torch made of held-out images with them."""

from pathlib import Path

import numpy as np

__all__ = ["CHECKPOINTS", "recorded"]

#: The folder of the files.
CHECKPOINTS = Path(__file__).parent


def recorded(model):
    """What `train_digits.py` recorded of torch's forward pass.

    Parameters
    ----------
    model : str
        "spikformer" or "qkformer_token".

    Returns
    -------
    logits : (360, 10) float32
        Of all held-out images.
    stages : dict of str to (images, steps, ...) uint8
        Path of a population -> its spikes, for the first held-out images.
    """
    with np.load(CHECKPOINTS / f"digits_{model}_recording.npz", allow_pickle=False) as file:
        arrays = dict(file)
    logits = arrays.pop("logits")
    shapes = {name.removesuffix(".shape"): tuple(arrays[name]) for name in arrays if name.endswith(".shape")}
    stages = {path: np.unpackbits(arrays[path], count=int(np.prod(shape))).reshape(shape)
              for path, shape in shapes.items()}  # fmt: skip
    return logits, stages
