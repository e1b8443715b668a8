"""What is wrong with this installation, if anything: one finding per thing that has been seen to go wrong."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from eventsim.errors import EnvironmentProblem
from eventsim.packages import DISTRIBUTION, SIBLINGS, find_intruders
from eventsim.ranks.launcher import mpiexec

__all__ = ["Finding", "THREAD_VARIABLES", "diagnose", "usable_cores"]

_OLDEST_PYTHON = (3, 11)

#: Brian2 before 2.10 calls ndarray.ptp when imported, which numpy 2.4 removed.
_BRIAN2_WITHOUT_PTP, _NUMPY_WITHOUT_PTP = Version("2.10"), Version("2.4")

#: Enough for the default experiment with room to spare; a choice, not a measured limit.
_DISK_BYTES = _MEMORY_BYTES = 1 << 30

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

#: Where the import name is not the distribution's.
_MODULES = {"scikit-learn": "sklearn", "pillow": "PIL"}

#: Importing all dependencies takes a few seconds; on a cold, slow disk a minute.
_IMPORT_SECONDS = 180

_REINSTALL = "pip install -c constraints.txt -e . in the checkout"

#: Run in a process of its own, for an import may end the process. One line per module, so that what is missing
#: at the end is what ended it. An import may raise anything at all, hence BaseException.
_IMPORT_EACH = """
import importlib, json, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        error = None
    except BaseException as problem:
        error = f"{type(problem).__name__}: {problem}".splitlines()[0]
    print(json.dumps([name, error]), flush=True)
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Parameters
    ----------
    name : str
        What was looked at.
    ok : bool
        Whether eventsim works with it as it is.
    detail : str
        What was found.
    remedy : str
        What the user can do; empty when all is well.
    """

    name: str
    ok: bool
    detail: str
    remedy: str


def diagnose():
    """Look at everything an eventsim run depends on; prints nothing, changes nothing.

    Returns
    -------
    list of Finding
        In the order in which they are best mended.
    """
    return [
        _python(),
        *_dependencies(),
        _brian2_with_numpy(),
        *_packages(),
        _numba_cache(),
        *_threads(),
        _disk(),
        _memory(),
        _compiler(),
        _mpi(),
    ]


def _finding(name, ok, detail, remedy):
    return Finding(name, ok, detail, "" if ok else remedy)


def _python():
    oldest = ".".join(map(str, _OLDEST_PYTHON))
    found = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= _OLDEST_PYTHON
    return _finding("python", ok, f"{found}, needs {oldest} or newer", f"make PYTHON=python{oldest}")


def _dependencies():
    """One finding per core dependency; the supported ranges are the installed metadata's, written nowhere else."""
    try:
        stated = [Requirement(line) for line in requires(DISTRIBUTION) or ()]
    except PackageNotFoundError:
        return [Finding("installation", False, f"{DISTRIBUTION} is not installed in this Python", _REINSTALL)]
    core = [needed for needed in stated if needed.marker is None or needed.marker.evaluate({"extra": ""})]
    errors = _import_errors([_module_of(needed) for needed in core])
    return [_dependency(needed, errors[_module_of(needed)]) for needed in core]


def _dependency(needed, error):
    found = _version_of(needed.name)
    if found is None:
        return Finding(needed.name, False, f"missing, needs {needed.specifier}", _REINSTALL)
    if error is not None:
        return Finding(needed.name, False, f"{found} cannot be imported: {error}", _REINSTALL)
    ok = needed.specifier.contains(found, prereleases=True)
    return _finding(needed.name, ok, f"{found}, needs {needed.specifier}", _REINSTALL)


def _module_of(needed):
    return _MODULES.get(needed.name, needed.name)


def _version_of(distribution):
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _import_errors(modules):
    """Import the modules in another process; a dict from module to what went wrong, None when nothing did."""
    command = [sys.executable, "-c", _IMPORT_EACH, *modules]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_IMPORT_SECONDS, check=False)
        printed, silence = done.stdout, f"ended the process (exit code {done.returncode})"
    except subprocess.TimeoutExpired as expired:
        printed, silence = (expired.stdout or b"").decode(), f"took more than {_IMPORT_SECONDS} s"
    reported = dict(json.loads(line) for line in printed.splitlines() if line.startswith("["))
    errors = dict.fromkeys(modules, "not tried, an earlier import failed for good") | reported
    culprit = next((module for module in modules if module not in reported), None)
    return errors if culprit is None else errors | {culprit: silence}


def _brian2_with_numpy():
    """The one combination that pip may choose and that cannot work."""
    brian2, numpy = _version_of("brian2"), _version_of("numpy")
    if brian2 is None or numpy is None:
        return Finding("brian2 with numpy", False, f"brian2 {brian2}, numpy {numpy}", _REINSTALL)
    ok = Version(brian2) >= _BRIAN2_WITHOUT_PTP or Version(numpy) < _NUMPY_WITHOUT_PTP
    detail = f"brian2 {brian2} with numpy {numpy}" + ("" if ok else " cannot be imported (ndarray.ptp is gone)")
    return _finding("brian2 with numpy", ok, detail, 'pip install "numpy<2.4"')


def _packages():
    intruders = find_intruders()
    if not intruders:
        return [Finding("packages", True, f"{', '.join(SIBLINGS)} are ours", "")]
    return [Finding("packages", False, intruder.problem, intruder.remedy) for intruder in intruders]


def _numba_cache():
    """Numba keeps compiled kernels in the first writable of these; with none, each start compiles them again."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folders = [Path(__file__).parent / "__pycache__", user_cache / "numba"]
    folders = [Path(chosen), *folders] if chosen else folders
    writable = next((folder for folder in folders if _can_write(folder)), None)
    if writable is None:
        detail = f"none of {', '.join(map(str, folders))} can be written: kernels compile again at every start"
        return Finding("numba cache", False, detail, "set NUMBA_CACHE_DIR to a folder that you can write")
    return Finding("numba cache", True, str(writable), "")


def _can_write(folder):
    """Whether a file can be made in the folder, or in the nearest one above that exists."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return True
    except OSError:
        return False


def _threads():
    cores = usable_cores()
    found = [Finding("cores", True, f"{cores} usable", "")]
    for variable in THREAD_VARIABLES:
        if (text := os.environ.get(variable)) is not None:
            # OpenMP allows one number per nesting level, as in "4,2"; the outermost counts here.
            outermost = text.split(",")[0].strip()
            ok = outermost.isdigit() and 1 <= int(outermost) <= cores
            found.append(_finding(variable, ok, f"{text} on {cores} cores", f"export {variable}={cores}, or unset it"))
    return found


def usable_cores():
    """Cores this process may run on, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _disk():
    free = shutil.disk_usage(Path.cwd()).free
    detail = f"{free / 2**30:.1f} GiB free in {Path.cwd()}"
    return _finding("disk", free >= _DISK_BYTES, detail, "free 1 GiB, or write elsewhere with --out")


def _memory():
    available = _available_memory()
    if available is None:
        return Finding("memory", True, "this system does not say how much is available", "")
    detail = f"{available / 2**30:.1f} GiB available"
    return _finding("memory", available >= _MEMORY_BYTES, detail, "close other programs: 1 GiB is needed")


def _available_memory():
    """Bytes that can be had without swapping, or None where Linux's /proc is not there to tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return None if kibibytes is None else int(kibibytes) * 1024


def _mpi():
    found, lacks = _version_of("mpi4py"), "needed only for --ranks: pip install 'eventsim-spiking[mpi]' mpich"
    if found is None:
        return Finding("MPI", True, f"no mpi4py; {lacks}", "")
    try:
        return Finding("MPI", True, f"mpi4py {found}, ranks are started by {' '.join(mpiexec())}", "")
    except EnvironmentProblem as problem:
        return Finding("MPI", True, f"mpi4py {found}, but {problem}; {lacks}", "")


def _compiler():
    found = next(filter(None, map(shutil.which, ("c++", "g++", "clang++", "cl"))), None)
    detail = found or "none; needed only to compare with Brian2's C++ code"
    return Finding("C++ compiler", True, detail, "")
