"""A user's own files as samples: the format is named, or told from what the files look like."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eventsim.errors import ConfigError
from runs.inputs import arrays, idx, image_folder, text
from runs.inputs.cifar import CIFAR10, CIFAR100

__all__ = ["FORMATS", "Options", "read_own"]

#: Name -> what reads it, in the order in which they are tried: an object or module with `recognises(path)` and
#: `read(path, most, rng, options)`.
FORMATS = {
    "array": arrays,
    "idx": idx,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "images": image_folder,
    "text": text,
}


@dataclass(frozen=True)
class Options:
    """What some formats need to know.

    Parameters
    ----------
    array : str
        Name of the array in an .npz file with several.
    side : int
        Pixels along a side that images of a folder are scaled and cut to.
    embeddings : str
        File with word vectors for a text; "" for vectors made of its own statistics.
    """

    array: str = ""
    side: int = 32
    embeddings: str = ""


def read_own(path, form="detect", most=2000, seed=0, options=None):
    """At most `most` samples of a user's own file or folder, drawn at random, as a DataSet.

    Parameters
    ----------
    path : path
    form : str
        One of `FORMATS`, or "detect".
    most : int
    seed : int
        Of the draw.
    options : Options, optional

    Raises
    ------
    ConfigError
        There is no such file, its format is not known, or it is damaged: one line that names the file.
    """
    path = Path(path)
    if not path.exists():
        raise ConfigError(f"{path}: there is no such file or folder")
    if form != "detect" and form not in FORMATS:
        raise ConfigError(f"format '{form}' is unknown; choose one of detect, {', '.join(FORMATS)}")
    names = [name for name, each in FORMATS.items() if form == name or (form == "detect" and each.recognises(path))]
    if not names:
        raise ConfigError(f"{path}: looks like none of {', '.join(FORMATS)}; name its format if it is one of these")
    data = FORMATS[names[0]].read(path, most, np.random.default_rng(seed), options or Options())
    if not np.isfinite(data.samples).all():
        raise ConfigError(f"{path}: holds values that are not finite; leave those samples out")
    return data
