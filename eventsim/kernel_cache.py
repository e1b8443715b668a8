"""Sources of kernels into functions, kept on disk under the fingerprint of the source."""

import os
import sys
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from eventsim.code_cache import fingerprint, write_whole

__all__ = ["cache_folder", "can_keep", "is_known", "load"]


def cache_folder():
    """Where kernels are kept: $EVENTSIM_CACHE, else $XDG_CACHE_HOME/eventsim, else ~/.cache/eventsim."""
    if os.environ.get("EVENTSIM_CACHE"):
        return Path(os.environ["EVENTSIM_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eventsim"


def can_keep():
    """Whether the folder, or the one that it would be made in, can be written."""
    folder = cache_folder()
    return os.access(next(place for place in (folder, *folder.parents) if place.exists()), os.W_OK)


def _path(source, prefix):
    return cache_folder() / f"{prefix}_{fingerprint(source)[:32]}.py"


def is_known(source, prefix):
    """Whether `load` was asked for this source before, on this machine."""
    return _path(source, prefix).exists()


@lru_cache(maxsize=64)
def load(source, prefix):
    """The names a source defines, its functions from the cache folder when that can be written.

    Parameters
    ----------
    source : str
        A module of our own writing: see `eventsim.expressions.translate`.
    prefix : str
        Of the file's name.
    """
    path = _path(source, prefix)
    name = path.stem
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != source:
            write_whole(path, source.encode())
    except OSError:
        module = sys.modules[name] = ModuleType(name)
        exec(source, vars(module))
        return vars(module)
    module = sys.modules[name] = ModuleType(name)  # Numba's cache looks it up by name
    SourceFileLoader(name, str(path)).exec_module(module)
    return vars(module)
