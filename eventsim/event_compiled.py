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
    files = [folder / "counts.py", *sorted(folder.glob("event_*.py")), *sorted((folder / "neurons").glob("*.py"))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    loaded = load(_WRAPPER.format(digest=digest), "events")
    return loaded["run"], loaded["settle"]


_WRAPPER = '''"""Written by eventsim.event_compiled for sources {digest}; safe to delete."""
from numba import njit

from eventsim import event_kernel

_run, _settle = event_kernel.run, event_kernel.settle


@njit(cache=True, nogil=True)
def run(*arguments):
    return _run(*arguments)


@njit(cache=True, nogil=True)
def settle(*arguments):
    return _settle(*arguments)
'''
