"""Checkpoints: a run set down as arrays in one file, from which the same run goes on."""

from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from eventsim.errors import ConfigError, TraceFormatError
from eventsim.trace.segments import durably

__all__ = ["read_checkpoint", "read_segments", "write_checkpoint"]

_SEGMENT = "segment"


def write_checkpoint(path, run, arrays, segments):
    """Write arrays and segments, whole or not at all; holds one segment at a time.

    Parameters
    ----------
    path : path
    run : str
        What tells this run from others.
    arrays : mapping of str to array
    segments : iterable of mapping of str to array
        What was recorded.

    Raises
    ------
    EnvironmentProblem
        When the disk is full or fails.
    """
    with durably(Path(path)) as temporary, ZipFile(temporary, "w") as archive:
        for name, values in {"run": np.frombuffer(run.encode(), dtype=np.uint8), **arrays}.items():
            _store(archive, name, values)
        for k, segment in enumerate(segments):
            for name, values in segment.items():
                _store(archive, f"{_SEGMENT}/{k}/{name}", values)


def _store(archive, name, values):
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array(file, np.asarray(values), allow_pickle=False)


def read_checkpoint(path, run):
    """The arrays of a checkpoint of the run called `run`, without its segments.

    Raises ConfigError when it is of another run or cannot be read, TraceFormatError when it is damaged.
    """
    with _opened(path) as stored:
        arrays = {name: stored[name] for name in stored.files if not name.startswith(f"{_SEGMENT}/")}
        found = arrays.pop("run").tobytes().decode()
    if found != run:
        raise ConfigError(f"{path} is a checkpoint of another network, stimulus, placement, or way to run")
    return arrays


def read_segments(path):
    """The segments of a checkpoint, one after the other; raises as `read_checkpoint` does."""
    with _opened(path) as stored:
        names = {}
        for name in stored.files:
            if name.startswith(f"{_SEGMENT}/"):
                _, k, column = name.split("/")
                names.setdefault(int(k), []).append(column)
        for k in sorted(names):
            yield {column: stored[f"{_SEGMENT}/{k}/{column}"] for column in names[k]}


@contextmanager
def _opened(path):
    """The archive at a path; whatever is wrong with it becomes one error that names it."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            yield stored
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error})") from None
    except (ValueError, KeyError, EOFError, AttributeError, TypeError, BadZipFile) as error:
        raise TraceFormatError(f"{path} is no checkpoint ({error})") from None
