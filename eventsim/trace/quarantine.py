"""Files of other programs in HDF5's formats of before 2016, which are read by a process of their own.

Those formats carry no checksums, and on some altered files the HDF5 library runs in circles, where nothing can
interrupt it, or crashes (HDF5 2.0.0: circles in 3 of 1,400 altered files). So a child with little processor time and
memory checks such a file and copies it into the format that traces are written in, and only the copy is opened here.
"""

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np

from eventsim.errors import ConfigError, EnvironmentProblem, EventSimError, TraceFormatError
from eventsim.trace.disk import create
from eventsim.trace.guard import MOST_TEXT, check_file, is_old, open_checked, refusing

__all__ = ["answer", "open_foreign"]

#: Processor time that a child may take once Python and its libraries are loaded: seconds for any file, and bytes per
#: second beyond.
_SECONDS, _BYTES_PER_SECOND = 20, 5_000_000
#: Address space that it may take; Python and its libraries are 0.3 GB of it.
_MEMORY = 4 << 30
#: Attributes that are larger than HDF5 keeps beside an object are none of those that anybody here reads.
_LARGEST_ATTRIBUTE = 1 << 16
_BLOCK = 1 << 20  # entries

_CHILD = "from eventsim.trace import quarantine; quarantine.answer()"

_ERRORS = {kind.__name__: kind for kind in (ConfigError, EnvironmentProblem, TraceFormatError)}


def open_foreign(path, *, dimensions=1, text=False):
    """Open an HDF5 file that another program wrote; otherwise as `eventsim.trace.guard.open_checked`.

    Raises
    ------
    TraceFormatError
        Also when the HDF5 library does not come to an end with it, or crashes.
    EnvironmentProblem
        When there is no room for the copy.
    """
    name = str(path)
    size = check_file(path, name)
    if not is_old(path):
        return open_checked(path, name, dimensions=dimensions, text=text)
    with TemporaryDirectory(prefix="eventsim-") as folder:  # what is open stays when its name is gone
        copy = Path(folder, "copy.h5")
        _copied_apart(name, copy, dimensions, text, _SECONDS + size // _BYTES_PER_SECOND)
        return open_checked(copy, name, dimensions=dimensions, text=text)


def _copied_apart(name, copy, dimensions, text, seconds):
    """Have a child copy a file; raises what it raised, or says how it ended."""
    command = [sys.executable, "-c", _CHILD]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    job = json.dumps([os.path.abspath(name), name, str(copy), dimensions, text, seconds])
    child = subprocess.run(command, env=environment, input=job, capture_output=True, text=True, check=False)
    if child.returncode == -signal.SIGXCPU:
        raise TraceFormatError(f"{name} is damaged: the HDF5 library had not come to an end with it after {seconds} s")
    if child.returncode < 0:
        how = signal.Signals(-child.returncode).name
        raise TraceFormatError(f"{name} is damaged: the HDF5 library crashed on it ({how})")
    lines = child.stdout.splitlines()
    if child.returncode or not lines:
        reason = (child.stderr.splitlines() or ["no reason given"])[-1]
        raise EnvironmentProblem(f"{name} cannot be read: the process that should copy it failed ({reason})")
    kind, message = json.loads(lines[-1])
    if kind is not None:
        raise _ERRORS[kind](message)


def answer():
    """In the child: read what to copy, copy it, and print the error, or two nulls."""
    source, name, copy, dimensions, text, seconds = json.loads(sys.stdin.read())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds += math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    with suppress(ValueError, OSError):  # not every system limits it
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    kind = message = None
    try:
        whole = open_checked(source, name, dimensions=dimensions, text=text, old=True)
        with create(copy) as new, whole as file, refusing(name):
            _copy_group(file, new, _Text())
    except EventSimError as error:
        kind, message = type(error).__name__, str(error)
    except OSError as error:
        kind, message = "EnvironmentProblem", f"no room for a copy of {name} ({error.strerror}); set TMPDIR elsewhere"
    print("\n" + json.dumps([kind, message]), flush=True)
    os._exit(0)  # what HDF5 would tidy up in the end may be damaged


def _copy_group(group, new, text):
    _copy_attributes(group, new)
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            _copy_group(item, new.create_group(name), text)
        else:
            _copy_attributes(item, _copy_dataset(item, new, name, text))


def _copy_attributes(thing, new):
    for name in thing.attrs:
        attribute = thing.attrs.get_id(name)
        if attribute.get_storage_size() <= _LARGEST_ATTRIBUTE:
            new.attrs.create(name, thing.attrs[name], dtype=attribute.dtype)


def _copy_dataset(dataset, new, name, text):
    """The dataset of that name in the new file; rows of text one by one, since their letters may be shared."""
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    if dataset.ndim == 0:
        return new.create_dataset(name, data=text.counted(dataset[()]) if is_text else dataset[()], dtype=dataset.dtype)
    packed = {"chunks": True, "compression": "gzip", "compression_opts": 1} if dataset.compression else {}
    made = new.create_dataset(name, shape=dataset.shape, dtype=dataset.dtype, **packed)
    if is_text:
        for place in np.ndindex(dataset.shape):
            made[place] = text.counted(dataset[place])
        return made
    rows = max(1, _BLOCK // max(1, math.prod(dataset.shape[1:])))
    for first in range(0, len(dataset), rows) if dataset.size else ():
        made[first : first + rows] = dataset[first : first + rows]
    return made


class _Text:
    """How much text may still be copied."""

    def __init__(self):
        self._left = MOST_TEXT

    def counted(self, value):
        self._left -= len(value)
        if self._left < 0:
            raise TraceFormatError(f"it holds more than {MOST_TEXT:,} characters of names")
        return value
