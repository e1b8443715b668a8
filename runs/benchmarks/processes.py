"""Whole processes, measured: what one printed, how long it took, how much memory it had at its peak."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from eventsim.errors import EnvironmentProblem
from eventsim.memory import taken_bytes

__all__ = ["module", "peak_mb", "run_process"]

_LOOK_S = 0.01
_ROOT = Path(__file__).resolve().parents[2]


def module(name, *arguments):
    """The command that runs a module of this folder in a fresh interpreter."""
    return [sys.executable, "-m", f"runs.benchmarks.{name}", *map(str, arguments)]


def run_process(command, folder=_ROOT, needed=()):
    """Run a command to its end.

    Parameters
    ----------
    command : sequence of str
    folder : path
        Where it runs.
    needed : sequence of str
        What its last line of output has to say.

    Returns
    -------
    dict : wall_s; peak_mb (the largest resident set, 0 where it was not seen: there is no /proc, or the end came at
        once); and what its last line of output says, when that is JSON, a peak of its own in place of the other

    Raises
    ------
    EnvironmentProblem
        When it fails, or does not say what is needed.
    """
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=errors)
        try:
            peak = _watch(process)
        finally:
            process.kill()  # it must not outlive a stop of this one
        wall_s = time.perf_counter() - began
        printed, complaints = (_text(file) for file in (output, errors))
    shown = " ".join(map(str, command))
    if process.returncode:
        last = (complaints.strip().splitlines() or ["it said nothing"])[-1]
        raise EnvironmentProblem(f"{shown} ended with code {process.returncode}: {last}")
    told = _last_line(printed)
    if not told.keys() >= set(needed):
        raise EnvironmentProblem(f"{shown} ended without a last line of JSON with {', '.join(needed)}")
    return {"wall_s": wall_s, "peak_mb": peak} | told


def peak_mb(process="self"):
    """The largest resident set that a process has had so far, in MB; 0 where nothing tells it, or no longer."""
    return taken_bytes(process)[1] / 1e6


def _watch(process):
    """Wait for a process; returns its largest resident set in MB.

    It is looked at from time to time: what the system tells at the end counts in the memory of this process, of which
    the other began as a copy. Nothing is seen of one that ends before the first look.
    """
    peak = 0.0
    while process.poll() is None:
        time.sleep(_LOOK_S)
        peak = max(peak, peak_mb(process.pid))
    return peak


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")


def _last_line(printed):
    lines = printed.strip().splitlines()
    try:
        return dict(json.loads(lines[-1])) if lines else {}
    except (ValueError, TypeError):
        return {}
