"""Artefacts as flat arrays: text as bytes, a content hash, and checked look-up.

Everything eventsim stores is a mapping from a slash-separated name to a one-dimensional numeric array;
text travels as UTF-8 bytes. The content hash of an artefact is the hash of that mapping.
"""

import hashlib
import json

import numpy as np

from eventsim.errors import TraceFormatError

__all__ = ["content_hash", "decode_json", "encode_json", "freeze", "take"]


def encode_json(value):
    """A JSON document as a uint8 array, keys sorted so that equal documents have equal bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return np.frombuffer(text.encode(), dtype=np.uint8)


def decode_json(array, what):
    """The document in a uint8 array; raises TraceFormatError naming `what` when it is not JSON."""
    try:
        return json.loads(np.asarray(array, dtype=np.uint8).tobytes().decode())
    except (ValueError, RecursionError) as error:
        raise TraceFormatError(f"{what} is not valid JSON ({error}); the file is damaged") from None


def content_hash(arrays):
    """SHA-256, in hexadecimal, of a mapping name -> one-dimensional array.

    Depends on names, dtypes, lengths and bytes; not on the order of the mapping.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}\0{array.dtype.str}\0{array.size}\0".encode())
        digest.update(array.data)
    return digest.hexdigest()


def freeze(owner, *names):
    """Make fields of a frozen dataclass views that nobody can write through; a field is an array, or a mapping of names
    to arrays, which is sorted by name. What an artefact holds, and its hash, then stay what they are."""
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, dict):
            owner.__dict__[name] = {key: _read_only(value[key]) for key in sorted(value)}
        else:
            owner.__dict__[name] = _read_only(value)


def _read_only(array):
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def take(arrays, name, dtype, size=None):
    """The array `name` as `dtype`, or TraceFormatError when it is missing, of another kind or length."""
    if name not in arrays:
        raise TraceFormatError(f"'{name}' is missing; the file is incomplete or of another program")
    array = np.asarray(arrays[name])
    if array.dtype != np.dtype(dtype):
        raise TraceFormatError(f"'{name}' has dtype {array.dtype}, expected {np.dtype(dtype)}")
    if size is not None and array.size != size:
        raise TraceFormatError(f"'{name}' has {array.size} entries, expected {size}")
    return array
