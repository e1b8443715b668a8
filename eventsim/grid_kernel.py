"""Kernels as compiled functions: loaded from the cache folder, where each lies under the hash of its source."""

import hashlib
import importlib.util
import os
import sys
from functools import lru_cache
from pathlib import Path

import numba
import numpy as np

import eventsim.philox
import eventsim.tables
from eventsim.grid_source import kernel_source

__all__ = ["cache_folder", "kernel_for", "kernel_source"]


def kernel_for(network, threads=1):
    """The compiled kernel of a network, and the values of its constants.

    The kernel is a function (first_tick, last_tick, GridArrays) -> first tick not run, which is below last_tick when a
    buffer was full.
    """
    source, constants = kernel_source(network)
    module = _load(source)
    return (module["run"] if threads == 1 else module["run_in_parallel"]), constants


def cache_folder():
    """Where kernels are kept: $EVENTSIM_CACHE, else $XDG_CACHE_HOME/eventsim, else ~/.cache/eventsim."""
    if os.environ.get("EVENTSIM_CACHE"):
        return Path(os.environ["EVENTSIM_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eventsim"


@lru_cache(maxsize=64)
def _load(source):
    """The names a source defines, its functions from the cache folder when that can be written."""
    ours = "".join(Path(module.__file__).read_text() for module in (eventsim.philox, eventsim.tables))
    versions = f"{numba.__version__} {np.__version__}\n{ours}"
    name = f"grid_{hashlib.sha256((versions + source).encode()).hexdigest()[:32]}"
    path = cache_folder() / f"{name}.py"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != source:
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(source)
            os.replace(temporary, path)
    except OSError:
        namespace = {"__name__": name}
        exec(source.replace("cache=True, ", ""), namespace)  # our own text: see `eventsim.expressions.translate`
        return namespace
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # Numba's cache looks it up by name
    spec.loader.exec_module(module)
    return vars(module)
