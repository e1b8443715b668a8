"""What a benchmark prepares once and keeps: made anew where sources or versions changed, or the files did."""

import hashlib
import json
import platform
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from eventsim.errors import ConfigError

__all__ = ["prepared", "versions"]

_PACKAGES = ("eventsim-spiking", "brian2", "numba", "llvmlite", "numpy")
_HOME = Path(__file__).resolve().parents[2]
#: What prepared files are made by: all but the engines, which only read them.
_SOURCES = ("circuits/**/*.py", "eventsim/*.py", "eventsim/compile/*.py", "eventsim/trace/exports/**/*.py",
            "hardware_models/**/*.py", "runs/benchmarks/*.py")  # fmt: skip


def prepared(folder, patterns, make):
    """What was told when the files of a folder were made: now, or earlier, if they are still what they were.

    Parameters
    ----------
    folder : path
        Made if it is not there; its prepared.json says what the files were made from, and what they were.
    patterns : sequence of str
        Names of the files; "*" stands for any characters.
    make : callable
        Makes the files, and tells plain types.

    Raises
    ------
    ConfigError
        When a file lies where the folder should.
    """
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise ConfigError(f"{folder} is a file where a folder is needed; delete it, or give another --out") from None
    record = folder / "prepared.json"
    with suppress(OSError, ValueError, TypeError, KeyError):  # whatever is wrong with them, they are made anew
        kept = json.loads(record.read_text(encoding="utf-8"))
        if kept["made_from"] == _made_from() and kept["files"] == _digests(folder, patterns):
            return kept["told"]
    told = make()
    kept = {"made_from": _made_from(), "files": _digests(folder, patterns), "told": told}
    record.write_text(json.dumps(kept), encoding="utf-8")
    return told


def versions():
    """Package -> version, and that of Python."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def _made_from():
    """Digest of the sources and versions that prepared files depend on."""
    paths = sorted(path for pattern in _SOURCES for path in _HOME.glob(pattern))
    sources = "".join(f"{path.relative_to(_HOME)}\n{path.read_text(encoding='utf-8')}" for path in paths)
    return hashlib.sha256((sources + json.dumps(versions())).encode()).hexdigest()


def _digests(folder, patterns):
    return {str(path.relative_to(folder)): _digest(path) for pattern in patterns for path in folder.glob(pattern)}


def _digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
