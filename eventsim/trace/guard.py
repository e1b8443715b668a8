"""The structural check of an HDF5 file that anybody may have written.

HDF5 can be made to read other files (external links, external storage, virtual datasets), to load code
(filter plugins), and to turn kilobytes into terabytes (sizes without storage, compression bombs). None of
it is needed for a trace, so all of it is refused before one value is read.
"""

import math
import os
from contextlib import contextmanager

import h5py
import h5py.h5l
import h5py.h5o
import numpy as np

from eventsim.errors import ConfigError, EventSimError, TraceFormatError

__all__ = [
    "MAX_BYTES", "MOST_TEXT", "allowed_bytes", "check_file", "check_structure", "is_old", "open_checked", "refusing",
]  # fmt: skip

#: What a file may expand to unless the caller says otherwise.
MAX_BYTES = 32 << 30
#: Characters of all names and texts in a file of another program together.
MOST_TEXT = 1 << 22
#: What any file may expand to, however small it is.
_FREE_BYTES = 256 << 20
#: Beyond that, bytes in memory per byte on disk. Deflate reaches 1032 at most.
_EXPANSION = 200

_MAX_CHUNK_BYTES = 64 << 20
_MAX_CHUNKS = 1 << 20  # HDF5 keeps a record of about 100 bytes of each chunk it reads
_MAX_OBJECTS = 100_000
_MAX_DEPTH = 8
_MAX_NAME = 1024

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_CHECKSUMMED = 2  # the first version of the superblock with a checksum
_LAYOUTS = (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED)
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
_LINKS = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "an external link"}

#: What h5py and numpy raise on a damaged file.
_DAMAGE = (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError,
           MemoryError, SystemError)  # fmt: skip


@contextmanager
def refusing(name):
    """Whatever goes wrong with the content of a file becomes one TraceFormatError that names the file."""
    try:
        yield
    except EventSimError as error:
        raise TraceFormatError(f"{name}: {error}") from None
    except _DAMAGE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TraceFormatError(f"{name} is damaged ({reason})") from None


def allowed_bytes(size):
    """What a file of `size` bytes may expand to."""
    return _FREE_BYTES + _EXPANSION * size


def open_checked(source, name, max_bytes=MAX_BYTES, *, dimensions=1, text=False, old=False):
    """Open an HDF5 file for reading after checking its structure.

    Parameters
    ----------
    source : path
    name : str
        The file as messages call it.
    max_bytes : int
        What its datasets may hold together.
    dimensions : int
        The most that a dataset may have; files of other programs hold tables of two.
    text : bool
        Whether strings and single values are allowed, as files of other programs hold them. Strings of any length may
        share their storage, so read them one by one, and count.
    old : bool
        Whether formats of before 2016 are opened, on which the HDF5 library may never return
        (`eventsim.trace.quarantine`).

    Returns
    -------
    h5py.File

    Raises
    ------
    ConfigError
        When there is no such file, or it cannot be read.
    TraceFormatError
        When it is no HDF5 file, is truncated, or holds anything that a trace does not need.
    """
    size = check_file(source, name)
    if not old and is_old(source):
        raise TraceFormatError(f"{name}: it was written by another program, in HDF5's format of before 2016; SONATA's "
                               "spikes and edges are read by Trace.from_sonata")  # fmt: skip
    try:
        file = h5py.File(source, "r")
    except _DAMAGE as error:
        reason = str(error)
        if "truncated" in reason:
            raise TraceFormatError(f"{name} is truncated: it ends before its data do") from None
        raise TraceFormatError(f"{name} is damaged ({(reason.splitlines() or ['unreadable'])[0]})") from None
    try:
        with refusing(name):
            check_structure(file, min(max_bytes, allowed_bytes(size)), dimensions, text)
    except BaseException:
        file.close()
        raise
    return file


def is_old(source):
    """Whether a file is in one of HDF5's formats of before 2016, whose superblocks have the versions 0 and 1."""
    with open(source, "rb") as file:
        start = file.read(len(_SIGNATURE) + 1)
    return len(start) > len(_SIGNATURE) and start[-1] < _CHECKSUMMED


def check_file(source, name):
    """Size of the file in bytes; raises when it does not begin as HDF5 files do."""
    if not os.path.isfile(source):
        what = "is a folder" if os.path.isdir(source) else "does not exist or is no regular file"
        raise ConfigError(f"{name} {what}; give the path of a trace file")
    try:
        with open(source, "rb") as file:
            start, size = file.read(len(_SIGNATURE)), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ConfigError(f"{name} cannot be read ({error.strerror})") from None
    if not size:
        raise TraceFormatError(f"{name} is empty")
    if start != _SIGNATURE:
        raise TraceFormatError(f"{name} is not an HDF5 file")
    return size


def check_structure(file, max_bytes, dimensions=1, text=False):
    """Refuse whatever a trace does not need; `max_bytes` bounds what all datasets may hold together."""
    pending, seen, total, chunks = [(file.id, "", 0)], set(), 0, 0
    while pending:
        group, path, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise TraceFormatError(f"'{path}' lies deeper than {_MAX_DEPTH} groups")
        if len(seen) + group.get_num_objs() > _MAX_OBJECTS:
            raise TraceFormatError(f"it holds more than {_MAX_OBJECTS} objects")
        for link in group:
            item, name = _follow(group, link, path, seen)
            if isinstance(item, h5py.h5g.GroupID):
                pending.append((item, name, depth + 1))
                continue
            size, n_chunks = _check_dataset(item, name, dimensions, text)
            total, chunks = total + size, chunks + n_chunks
            if total > max_bytes:
                raise TraceFormatError(f"up to '{name}' it declares {total:,} bytes; {max_bytes:,} are allowed")
            if chunks > _MAX_CHUNKS:
                raise TraceFormatError(f"up to '{name}' it has {chunks:,} chunks; {_MAX_CHUNKS:,} are allowed")


def _follow(group, link, path, seen):
    """The object behind a hard link and its full name."""
    name = f"{path}/{link.decode(errors='replace')}"
    if len(name) > _MAX_NAME:
        raise TraceFormatError(f"a name is longer than {_MAX_NAME} characters: '{name[:40]}...'")
    kind = group.links.get_info(link).type
    if kind != h5py.h5l.TYPE_HARD:
        raise TraceFormatError(f"'{name}' is {_LINKS.get(kind, 'a link of unknown kind')}; only hard links are allowed")
    item = h5py.h5o.open(group, link)
    if not isinstance(item, h5py.h5g.GroupID | h5py.h5d.DatasetID):
        raise TraceFormatError(f"'{name}' is neither a group nor a dataset")
    address = h5py.h5o.get_info(item).addr
    if address in seen:
        raise TraceFormatError(f"'{name}' is a second name of another object")
    seen.add(address)
    return item, name


def _check_dataset(dataset, name, dimensions, text):
    """(bytes, chunks) that a dataset declares; raises when it is not a plain numeric column."""
    creation = dataset.get_create_plist()
    # Asking a virtual dataset for its shape may open its sources, so layout and storage come first.
    if creation.get_layout() not in _LAYOUTS:
        raise TraceFormatError(f"'{name}' is a virtual dataset, which reads other files")
    if creation.get_external_count():
        raise TraceFormatError(f"'{name}' is stored outside the file")
    space, stored_type = dataset.get_space(), dataset.get_type()
    numeric = stored_type.get_class() in (h5py.h5t.INTEGER, h5py.h5t.FLOAT) and stored_type.get_size() <= 8
    if not (numeric or (text and stored_type.get_class() == h5py.h5t.STRING and stored_type.get_size() <= _MAX_NAME)):
        raise TraceFormatError(f"'{name}' is not numeric{' and no text' if text else ''}")
    is_simple = space.get_simple_extent_type() == h5py.h5s.SIMPLE
    is_single = text and space.get_simple_extent_type() == h5py.h5s.SCALAR
    if not (is_single or (is_simple and 1 <= space.get_simple_extent_ndims() <= dimensions)):
        allowed = "one-dimensional" if dimensions == 1 else f"of 1 to {dimensions} dimensions"
        raise TraceFormatError(f"'{name}' is not {allowed}")
    filters = [creation.get_filter(k)[0] for k in range(creation.get_nfilters())]
    if not set(filters) <= _FILTERS or len(set(filters)) < len(filters):
        raise TraceFormatError(f"'{name}' uses filters {filters}; gzip, shuffle and fletcher32, each once, are allowed")
    extent, width = space.get_simple_extent_dims(), np.dtype(dataset.dtype).itemsize
    entries = math.prod(extent)
    if creation.get_layout() != h5py.h5d.CHUNKED:
        return entries * width, 0
    chunk = creation.get_chunk()
    chunk_bytes = math.prod(chunk) * width
    if chunk_bytes > _MAX_CHUNK_BYTES:
        raise TraceFormatError(f"'{name}' has chunks of {chunk_bytes:,} bytes; {_MAX_CHUNK_BYTES:,} are allowed")
    return entries * width, math.prod(-(-side // part) for side, part in zip(extent, chunk))
