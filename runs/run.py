"""Run one experiment and leave its results in a folder."""

import json
import os
import sys
from pathlib import Path

from eventsim.errors import ConfigError
from runs.config import load_config
from runs.experiments import EXPERIMENTS

__all__ = ["run_experiment"]


def run_experiment(name, settings, folder=None):
    """Run an experiment by name or file.

    Parameters
    ----------
    name : str
    settings : sequence of str
        Overrides "key=value".
    folder : path, optional
        out/NAME by default. Files of an earlier run are replaced one by one, each when its successor is whole.

    Returns
    -------
    (summary, text) : the summary, which is also in summary.json, and the same in words
    """
    experiment, config = load_config(name, settings, EXPERIMENTS)
    folder = Path("out") / Path(name).stem if folder is None else folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {folder}: cannot make this folder ({error.strerror})") from None
    summary = experiment.run(config, folder, progress=sys.stderr.isatty())
    _write_json(folder / "summary.json", summary)
    files = ", ".join(str(file) for file in sorted(folder.iterdir()) if file.suffix in (".html", ".json", ".h5"))
    return summary, "\n".join([*experiment.lines(summary), f"written: {files}"])


def _write_json(path, document):
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
