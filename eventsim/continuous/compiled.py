"""The event kernel's functions, compiled, from the cache folder."""

import hashlib
from functools import lru_cache
from pathlib import Path

import eventsim
from eventsim.kernel_cache import load

__all__ = ["kernel"]


@lru_cache
def kernel():
    """`run` and `settle` of the event kernel, kept under the hash of every file that they are compiled from: Numba
    itself looks at one file only."""
    folder = Path(eventsim.__file__).parent
    rooms = [sorted((folder / room).glob("*.py")) for room in ("continuous", "neurons")]
    files = [folder / "counts.py", *rooms[0], *rooms[1]]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    loaded = load(_WRAPPER.format(digest=digest), "events")
    return loaded["run"], loaded["settle"]


_WRAPPER = '''"""Written by eventsim.continuous.compiled for sources {digest}; safe to delete."""
from numba import njit

from eventsim.continuous import kernel

_run, _settle = kernel.run, kernel.settle


@njit(cache=True, nogil=True)
def run(*arguments):
    return _run(*arguments)


@njit(cache=True, nogil=True)
def settle(*arguments):
    return _settle(*arguments)
'''
