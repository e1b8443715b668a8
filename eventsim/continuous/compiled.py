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
    itself looks at one file only. What is compiled is a copy of their own files in the cache folder; a function there
    that called them would be optimised once more with all that they call."""
    folder = Path(eventsim.__file__).parent
    rooms = [sorted((folder / room).glob("*.py")) for room in ("continuous", "neurons")]
    files = [folder / "counts.py", *rooms[0], *rooms[1]]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    run, settle = (
        load(f"{(folder / 'continuous' / name).read_text()}\n# of the sources {digest}; safe to delete\n", prefix)
        for name, prefix in (("kernel.py", "events"), ("state.py", "state"))
    )
    return run["run"], settle["settle"]
