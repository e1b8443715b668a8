"""IDX files, the format of MNIST and its relatives, plain or compressed by gzip.

Two zero bytes, a byte for the type, a byte for the number of axes, the axes as big-endian 32-bit numbers, the values.
Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section on file formats.
"""

import math
import struct

import numpy as np

from eventsim.errors import ConfigError
from runs.inputs.bounded import check_expansion, draw, opened, reading, take_rows
from runs.inputs.data_set import DataSet

__all__ = ["read", "recognises"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_AXES = 8
#: What a folder is looked through for.
_TRAINING = [f"train-images{dot}idx3-ubyte{packed}" for dot in "-." for packed in ("", ".gz")]


def recognises(path):
    """Whether this file, or the training images of this folder, begin as an IDX file does."""
    file = _file(path)
    if file is None:
        return False
    with reading(file):
        stream, _ = opened(file)
        with stream:
            head = stream.read(4)
    return len(head) == 4 and head[:2] == b"\0\0" and head[2] in _TYPES and 1 <= head[3] <= _MOST_AXES


def read(path, most, rng, options):
    """At most `most` samples as a DataSet, one for each place along the first axis.

    Raises
    ------
    ConfigError
        Another beginning, fewer than two axes (labels), or a size that is not what the axes say.
    """
    file = _file(path)
    if file is None:
        raise ConfigError(f"{path}: holds none of {', '.join(_TRAINING)}")
    with reading(file):
        stream, packed = opened(file)
        with stream:
            return _samples(stream, packed, file.stat().st_size, most, rng)


def _file(path):
    if not path.is_dir():
        return path
    return next((path / name for name in _TRAINING if (path / name).is_file()), None)


def _samples(stream, packed, size, most, rng):
    kind, axes = _header(stream)
    start, row_bytes = 4 + 4 * len(axes), math.prod(axes[1:]) * kind.itemsize
    expected = start + axes[0] * row_bytes
    if packed:
        check_expansion(expected, size)
    elif size != expected:
        raise ConfigError(f"{size:,} bytes long; its axes {axes} of {kind} say {expected:,}")
    chosen = draw(axes[0], most, math.prod(axes[1:]), rng)
    rows = take_rows(stream, start, row_bytes, chosen)
    stream.seek(expected - 1)
    if len(stream.read(2)) != 1:
        raise ConfigError(f"is not {expected:,} bytes long when expanded, as its axes {axes} of {kind} say")
    values = rows.view(kind).astype(float)
    if kind == "u1":
        values /= 255
    return DataSet("IDX file", values, axes[1:], axes[0], f"an array of {' x '.join(map(str, axes[1:]))}")


def _header(stream):
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not 1 <= head[3] <= _MOST_AXES:
        allowed = "00 00, a type from 08 to 0e, and 1 to 8 axes"
        raise ConfigError(f"begins with {head.hex(' ') or 'nothing'}; an IDX file begins with {allowed}")
    axes = struct.unpack(f">{head[3]}I", stream.read(4 * head[3]))
    if len(axes) < 2 or 0 in axes:
        raise ConfigError(f"has axes {axes}; samples take two or more, none of them 0 (labels have one)")
    return np.dtype(_TYPES[head[2]]), axes
