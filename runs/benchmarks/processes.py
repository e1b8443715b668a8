"""Whole processes, measured: what one printed, how long it took, how much memory it had at its peak."""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from eventsim.errors import EnvironmentProblem

__all__ = ["module", "run_process"]

_LOOK_S = 0.01
_ROOT = Path(__file__).resolve().parents[2]


def module(name, *arguments):
    """The command that runs a module of this folder in a fresh interpreter."""
    return [sys.executable, "-m", f"runs.benchmarks.{name}", *map(str, arguments)]


def run_process(command, folder=_ROOT):
    """Run a command to its end.

    Returns
    -------
    dict : what its last line of output says, when that is JSON; wall_s; peak_mb (the largest resident set, 0 where
        there is no /proc)

    Raises
    ------
    EnvironmentProblem
        When it fails.
    """
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=errors)
        peak_mb = _watch(process)
        wall_s = time.perf_counter() - began
        printed, complaints = (_text(file) for file in (output, errors))
    if process.returncode:
        last = (complaints.strip().splitlines() or ["it said nothing"])[-1]
        raise EnvironmentProblem(f"{' '.join(map(str, command))} ended with code {process.returncode}: {last}")
    return _last_line(printed) | {"wall_s": wall_s, "peak_mb": peak_mb}


def _watch(process):
    """Wait for a process; returns its largest resident set in MB.

    It is looked at from time to time: what the system tells at the end counts in the memory of this process, of which
    the other began as a copy.
    """
    peak_kb, status_file = 0, Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        with suppress(OSError):
            lines = [line for line in status_file.read_text().splitlines() if line.startswith("VmHWM")]
            peak_kb = max([peak_kb, *(int(line.split()[1]) for line in lines)])
        time.sleep(_LOOK_S)
    return peak_kb / 1024


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")


def _last_line(printed):
    lines = printed.strip().splitlines()
    try:
        return dict(json.loads(lines[-1])) if lines else {}
    except (ValueError, TypeError):
        return {}
