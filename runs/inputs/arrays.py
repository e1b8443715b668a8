"""Arrays that numpy saved: .npy, or one array of an .npz. Objects are never unpickled."""

import io
import math
import warnings
import zipfile
from contextlib import contextmanager

import numpy as np

from eventsim.errors import ConfigError
from runs.inputs.bounded import check_drawn, check_expansion, draw, reading, take_rows
from runs.inputs.data_set import DataSet

__all__ = ["read", "read_array", "recognises"]

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
_NUMBERS = "biuf"
#: Version -> bytes of the header's length, and numpy's reader. Version 3 is for names of fields, which are refused.
_VERSIONS = {(1, 0): (2, np.lib.format.read_array_header_1_0), (2, 0): (4, np.lib.format.read_array_header_2_0)}


def recognises(path):
    """Whether the file begins as .npy and .npz do."""
    if path.is_dir():
        return False
    with reading(path), path.open("rb") as stream:
        return stream.read(6) == _MAGIC or zipfile.is_zipfile(path)


def read(path, most, rng, options):
    """At most `most` samples as a DataSet, one for each place along the first axis.

    Raises
    ------
    ConfigError
        No array in the file, more than one and none named, objects or text in it, fewer than two axes, or a size that
        is not what the header says.
    """
    with _array(path, options.array) as (stream, size):
        shape, fortran, kind, start = _header(stream, size, axes=2)
        width = math.prod(shape[1:])
        chosen = draw(shape[0], most, width, rng)
        if fortran:  # no sample lies in one piece, so all are read
            check_drawn(shape[0], width)
            drawn = _whole(stream, shape, fortran, kind)[chosen]
        else:
            drawn = take_rows(stream, start, width * kind.itemsize, chosen).view(kind)
    return DataSet("array", drawn.reshape(len(drawn), -1).astype(float), shape[1:], shape[0],
                   f"an array of {' x '.join(map(str, shape[1:]))}")  # fmt: skip


def read_array(path, name, axes, kinds=_NUMBERS):
    """A whole array of so many axes of a file; of an .npz the one with this name."""
    with _array(path, name) as (stream, size):
        shape, fortran, kind, _ = _header(stream, size, axes, kinds)
        check_drawn(shape[0], max(1, math.prod(shape[1:]) * kind.itemsize // 8))
        return _whole(stream, shape, fortran, kind)


def _whole(stream, shape, fortran, kind):
    values = stream.read(math.prod(shape) * kind.itemsize)
    return np.frombuffer(values, dtype=kind).reshape(shape, order="F" if fortran else "C")


@contextmanager
def _array(path, name):
    """The bytes of a .npy file or of one array of an .npz, as a stream and their number."""
    with reading(path):
        if not zipfile.is_zipfile(path):
            if name:
                raise ConfigError(f"is no .npz file, so it has no array '{name}'")
            with path.open("rb") as stream:
                yield stream, path.stat().st_size
            return
        with zipfile.ZipFile(path) as archive:
            member = _member(archive, name)
            check_expansion(member.file_size, member.compress_size)
            with archive.open(member) as stream:
                yield stream, member.file_size


def _member(archive, name):
    arrays = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    members = {info.filename.removesuffix(".npy"): info for info in arrays}
    if not name and len(members) == 1:
        (name,) = members
    if name not in members:
        some = ", ".join(sorted(members)[:20]) or "none"
        raise ConfigError(f"has no array '{name}'; it has: {some}" if name else f"name one of its arrays: {some}")
    if members[name].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ConfigError(f"array '{name}' is compressed in a way that numpy does not write; save it anew")
    return members[name]


def _header(stream, size, axes, kinds=_NUMBERS):
    """Shape, whether the first axis runs fastest, type, and where the values start, checked against the size."""
    head = stream.read(8)
    if head[:6] != _MAGIC or tuple(head[6:]) not in _VERSIONS:
        raise ConfigError("is not an array of numpy's format 1.0 or 2.0")
    length_bytes, parse = _VERSIONS[tuple(head[6:])]
    length = stream.read(length_bytes)
    claimed = int.from_bytes(length, "little")
    if claimed > _LONGEST_HEADER:
        raise ConfigError(f"its header says it is {claimed:,} bytes long; {_LONGEST_HEADER:,} are allowed")
    with warnings.catch_warnings(action="ignore"):  # numpy warns of headers that Python 2 wrote
        shape, fortran, kind = parse(io.BytesIO(length + stream.read(claimed)))
    if kind.kind not in kinds:
        raise ConfigError(f"its array is of type {kind}; numbers are needed (objects are not unpickled)")
    if len(shape) < axes or min(shape) <= 0:
        raise ConfigError(f"its array has shape {shape}; {axes} axes or more are needed, none of them 0")
    start = 8 + length_bytes + claimed
    expected = start + math.prod(shape) * kind.itemsize
    if size != expected:
        raise ConfigError(f"its array takes {size:,} bytes; shape {shape} of {kind} says {expected:,}")
    return shape, fortran, kind, start
