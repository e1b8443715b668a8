"""Segments: what happened in stretches of time, safe on disk before the run is over.

A segment is a file of its own, written under a temporary name, closed, forced to disk and renamed. A process
killed at any instant therefore leaves whole segments and at most one file with a temporary name.
"""

import json
import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path

from eventsim.arrays import take
from eventsim.errors import ConfigError, EnvironmentProblem
from eventsim.trace.disk import create
from eventsim.trace.guard import open_checked, refusing
from eventsim.trace.lock import hold
from eventsim.trace.schema import SCHEMA, SEGMENT_COLUMNS, SEGMENT_SPIKES, read_arrays, store

__all__ = ["SegmentFolder", "durably", "read_segment"]

_MARK = "eventsim-segments.json"
_OURS = re.compile(rf"(segment-\d{{6,}}\.h5|{re.escape(_MARK)})(\.tmp)?")


@contextmanager
def durably(path):
    """Give a temporary path to write to; afterwards it has `path`'s name, on disk, or `path` is untouched."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        yield temporary
        _force_to_disk(temporary)
        os.replace(temporary, path)
        _force_to_disk(path.parent)
    except (OSError, RuntimeError) as error:  # h5py raises either when the disk is full
        reason = getattr(error, "strerror", None) or error
        raise EnvironmentProblem(f"cannot write {path} ({reason})") from None
    finally:
        with suppress(OSError):  # it was renamed, or never made
            temporary.unlink()


def _force_to_disk(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class SegmentFolder:
    """The segments of one run, in a folder beside the trace that this run alone may touch.

    Parameters
    ----------
    folder : Path
        Made here. What a killed run left there is removed first; the folder of a living run, or anybody
        else's, raises ConfigError.
    run : dict
        What the segments belong to; kept beside them as JSON.
    """

    def __init__(self, folder, run):
        self.folder, self._n = folder, 0
        if os.path.lexists(folder):
            _remove_leftover(folder)
        try:
            folder.mkdir()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", error)
            raise ConfigError(f"cannot make {folder} ({reason}); choose another path for the trace") from None
        with durably(folder / _MARK) as temporary:
            temporary.write_text(json.dumps({"segments_schema": SCHEMA} | run))
        self._lock = _lock(folder)

    def append(self, segment):
        """Write one segment, a mapping as SEGMENT_COLUMNS."""
        with durably(self._path(self._n)) as temporary, create(temporary) as file:
            for name, values in segment.items():
                store(file, name, values, compressed=name not in SEGMENT_SPIKES)
        self._n += 1

    def __iter__(self):
        return (read_segment(self._path(k)) for k in range(self._n))

    def _path(self, k):
        return self.folder / f"segment-{k:06d}.h5"

    def delete(self):
        """Remove the folder."""
        _delete(self.folder)
        self._lock.close()

    def abandon(self):
        """Keep what was written; a folder without a segment has nothing to keep."""
        if not self._n:
            _delete(self.folder)
        self._lock.close()


def _lock(folder):
    """Hold the folder for as long as the returned file is open, or this process lives."""
    return hold(folder / _MARK, f"another run is writing to {folder}; wait for it or choose another path")


def _remove_leftover(folder):
    """Delete what a killed run left, after making sure that all of it is ours."""
    names = os.listdir(folder) if folder.is_dir() else [folder.name]
    is_ours = all(_OURS.fullmatch(name) for name in names)
    if not is_ours or not (_is_marked(folder) or set(names) <= {_MARK + ".tmp"}):
        raise ConfigError(f"{folder} was not made by a trace writer; remove it or choose another path")
    if _MARK in names:
        with _lock(folder):
            _delete(folder)
    else:
        _delete(folder)


def _is_marked(folder):
    try:
        return "segments_schema" in json.loads((folder / _MARK).read_text())
    except (OSError, ValueError, TypeError):
        return False


def _delete(folder):
    # The mark goes last: a folder that is only half deleted must still be known as ours.
    for name in sorted(os.listdir(folder), key=lambda name: name == _MARK):
        (folder / name).unlink()
    folder.rmdir()


def read_segment(path):
    """The columns of one segment file, as SEGMENT_COLUMNS names them; raises TraceFormatError when damaged."""
    name = str(path)
    with open_checked(Path(path), name) as file, refusing(name):
        arrays = read_arrays(file)
        return {column: take(arrays, column, dtype) for column, dtype in SEGMENT_COLUMNS.items()}
