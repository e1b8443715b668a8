"""Run one experiment, or a Brian2 script, and leave the results in a folder."""

import json
import os
import sys
from pathlib import Path

from eventsim.errors import ConfigError
from eventsim.ranks import chosen_ranks, on_ranks
from runs.config import load_config, read_settings
from runs.experiments import EXPERIMENTS
from runs.rehearsal import start_rehearsal

__all__ = ["execute", "results_folder", "run_brian2", "run_experiment"]


def run_experiment(name, settings, folder=None, ranks=None):
    """Run an experiment by name or file.

    Parameters
    ----------
    name : str
    settings : sequence of str
        Overrides "key=value".
    folder : path, optional
        out/NAME by default. Files of an earlier run are replaced when their successor is whole, one by one or
        all at the end.
    ranks : int, optional
        Processes among which each simulation is divided; see `eventsim.ranks`.

    Returns
    -------
    (summary, text) : the summary, which is also in summary.json, and the same in words
    """
    start_rehearsal()
    experiment, config = load_config(name, settings, EXPERIMENTS)
    folder = results_folder(folder, Path(name).stem)
    with on_ranks(chosen_ranks() if ranks is None else ranks):
        summary = execute(experiment, config, folder, progress=sys.stderr.isatty())
    files = ", ".join(str(file) for file in sorted(folder.iterdir()) if file.suffix in (".html", ".json", ".h5"))
    return summary, "\n".join([*experiment.lines(summary), f"written: {files}"])


def execute(experiment, config, folder, progress):
    """The summary of a checked configuration; summary.json is written last, when all else is there."""
    summary = experiment.run(config, folder, progress=progress)
    _write_json(folder / "summary.json", summary)
    return summary


def run_brian2(script, settings, folder=None):
    """Execute a Brian2 script with eventsim in place of Brian2's loop; otherwise as `run_experiment`."""
    from runs.brian2_scripts import Settings, run_script

    chosen = read_settings(settings, Settings, "--brian2")
    folder = results_folder(folder, Path(script).stem)
    summary = run_script(script, chosen, folder, progress=True)
    _write_json(folder / "summary.json", summary)
    return summary, "\n".join(line for run in summary["runs"] for line in _run_lines(run))


def _run_lines(run):
    yield (f"{run['trace']}: {run['duration_ms']:g} ms, {run['neurons']:,} neurons, {run['synapses']:,} synapses; "
           f"{run['spikes']:,} spikes, {run['synaptic_events']:,} synaptic events")  # fmt: skip
    yield from (f"  {note}" for note in run["notes"])


def results_folder(folder, name):
    """The folder for results, out/NAME if none is given, made if it is not there."""
    folder = Path("out") / name if folder is None else folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {folder}: cannot make this folder ({error.strerror})") from None
    return folder


def _write_json(path, document):
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
