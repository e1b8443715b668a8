"""NEST and SANA-FE beside Brian2, on the networks that they can run, each by an interpreter that has it.

NEST (Gewaltig and Diesmann, Scholarpedia 2 (2007) 1430) gets the same neurons and synapses by `eventsim export --to
nest`; its potentials differ in the last bits and its currents have delays of a tick at least, so its spikes are its
own. SANA-FE (Boyle et al., IEEE TCAD 2025) gets a network of whole numbers on a placement, and must give the same
spikes. Neither is a dependency.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from eventsim.errors import ConfigError
from runs.benchmarks.prepared import prepared
from runs.benchmarks.processes import module, run_process
from runs.benchmarks.spikes import spikes_digest

__all__ = ["PROGRAMS", "interpreters", "prepare_other", "run_other"]

_HERE = Path(__file__).parent

#: Program -> the package that has it, and the networks that it is measured on.
PROGRAMS = {"nest": ("nest", ("B1", "B1x10", "B2")), "sanafe": ("sanafe", ("chip",))}

#: Program -> the files that it runs a network from.
_FILES = {"nest": ("network.npz", "run_in_nest.py"), "sanafe": ("chip.yaml", "network.yaml", "starts.npy")}

_MEASURED = ("run_s", "spikes")


def interpreters(given):
    """Program -> interpreter: the one that is given, else this one where it has the package.

    Parameters
    ----------
    given : mapping of str to path or None

    Raises
    ------
    ConfigError
        When one that is given has not the package.
    """
    found = {}
    for program, (package, _) in PROGRAMS.items():
        if given.get(program):
            found[program] = _having(package, given[program])
        elif importlib.util.find_spec(package):
            found[program] = sys.executable
    return found


def _having(package, python):
    """The interpreter's path, after it was seen to have a package: before minutes of building are spent."""
    found = shutil.which(python)
    if found is None or not _imports(found, package):
        raise ConfigError(f"{python} cannot import {package}; give a Python interpreter that can")
    return str(Path(found).absolute())


def _imports(python, package):
    """Whether an interpreter says that it has a package, as no other program would; a mere folder has no __file__."""
    code = f"import {package}; assert {package}.__file__; print({package}.__name__)"
    try:
        done = subprocess.run([python, "-c", code], check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.stdout.split()[-1:] == [package.encode()]


def prepare_other(program, case, flags, home):
    """Write a compiled network for another program, unless that was done; returns the folder."""
    folder = home / program
    command = module("eventsim_side", program, case.name, home / "network.npz", *flags, "--folder", folder)
    prepared(folder, _FILES[program], lambda: run_process(command))
    return folder


def run_other(program, python, folder, threads, ticks):
    """One run; returns what it measured, with a digest of the spikes where they must be the same.

    Raises
    ------
    EnvironmentProblem
        When the program does not run, or does not say what it measured.
    """
    if program == "nest":
        command = [python, str(_HERE / "nest_timed.py"), str(folder), str(threads)]
        return run_process(command, needed=_MEASURED)
    files = [str(folder / name) for name in ("chip.yaml", "network.yaml")]
    command = [python, str(_HERE / "sanafe_timed.py"), *files, str(ticks), str(folder / "spikes.npy")]
    measured = run_process(command, needed=_MEASURED)
    tick, population, neuron = np.load(folder / "spikes.npy").T
    starts = np.load(folder / "starts.npy")
    return measured | {"digest": spikes_digest(tick, starts[population] + neuron)}
