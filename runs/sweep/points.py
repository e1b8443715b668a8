"""A point of a sweep: its configuration, its folder, and how a worker runs it."""

import hashlib
import json
import re
import traceback
from contextlib import chdir, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from eventsim.errors import ConfigError, EventSimError
from runs.experiments import EXPERIMENTS
from runs.run import execute

__all__ = ["Point", "make_points", "run_point"]


@dataclass(frozen=True)
class Point:
    """One configuration of a sweep.

    Parameters
    ----------
    experiment : str
    swept : dict
        The values of the swept keys.
    config : dict
        The whole configuration in plain types: all that a worker is told.
    folder : Path
        Where its results go. The name is made of the swept values and a hash of experiment and configuration, so that
        results of another configuration are never taken for these.
    """

    experiment: str
    swept: dict
    config: dict
    folder: Path

    @property
    def name(self):
        return self.folder.name

    def summary(self):
        """What an earlier run left in summary.json, or None: it is written last, so what is there is whole."""
        try:
            return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def make_points(experiment, swept, configs, folder):
    """A Point for each pair of swept values and checked configuration; ConfigError where two are the same."""
    points = {}
    for values, config in zip(swept, configs):
        plain = msgspec.to_builtins(config)
        name = _name(experiment, values, plain)
        if name in points:
            raise ConfigError(f"two points of this sweep are the same ({name}); give each value once")
        points[name] = Point(experiment, values, plain, folder / name)
    return list(points.values())


def _name(experiment, values, plain):
    said = ",".join(f"{key}={value}" for key, value in values.items())
    digest = hashlib.sha256(json.dumps([experiment, plain], sort_keys=True).encode()).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9_.,=+-]+', '_', said)[:80]}-{digest[:10]}"


def run_point(experiment, config, folder, working_folder):
    """Run one point; called in the main thread of a worker process, with plain types alone.

    Parameters
    ----------
    experiment : str
    config : dict
        Checked once more here.
    folder, working_folder : str
        For the results; and what relative paths in `config` start from.

    Returns
    -------
    str or None
        What went wrong, in one line. The whole traceback is then in error.txt.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "error.txt").unlink(missing_ok=True)
        with chdir(working_folder):
            module = EXPERIMENTS[experiment]
            execute(module, msgspec.convert(config, module.Config), folder, progress=False)
    except Exception as error:  # whatever it is, it stops this point alone and is written down
        return _reported(error, folder)
    return None


def _reported(error, folder):
    with suppress(OSError):  # the disk is full, or the folder cannot be made
        (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
    text = str(error) if isinstance(error, EventSimError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())
