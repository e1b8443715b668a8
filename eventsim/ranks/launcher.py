"""How ranks come to be: started here by mpiexec, or started by the user's mpirun or srun together with this process."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

from eventsim.errors import ConfigError, EnvironmentProblem, EventSimError
from eventsim.extras import need

__all__ = ["MPIEXEC", "launched_ranks", "mpiexec", "run_job", "world"]

#: Names another command than mpiexec, with its options: "srun --mpi=pmix", "mpirun --oversubscribe".
MPIEXEC = "EVENTSIM_MPIEXEC"

#: Where launchers tell a process its rank and how many there are: MPICH's hydra and what derives from it, Open MPI,
#: Slurm's srun (a batch script outside srun has SLURM_NTASKS, but is one process).
_TOLD = (
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)

#: What a rank's last line begins with when it ends the run.
SAYS = "eventsim: "


def launched_ranks():
    """(rank, how many, by what variable) as this process's launcher says, or None where it was started alone."""
    for rank, size in _TOLD:
        told = os.environ.get(rank, ""), os.environ.get(size, "")
        if all(text.isdecimal() for text in told) and int(told[1]) > 1:
            return int(told[0]), int(told[1]), size
    return None


def world():
    """The communicator of all processes that this one was launched with; None where it was started alone.

    Raises
    ------
    EnvironmentProblem
        When mpi4py is missing, or belongs to another MPI than the launcher, so that each process thinks it is alone.
    """
    told = launched_ranks()
    if told is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # mpi4py guesses at what is said below
        need("mpi4py.MPI", "mpi")
    from mpi4py import MPI

    if MPI.COMM_WORLD.size == 1:
        if told[0]:
            raise SystemExit(3)  # the first says it for all
        library = MPI.Get_library_version().split("\n")[0].strip("\0 ")
        raise EnvironmentProblem(
            f"this is process {told[0]} of {told[1]} ({told[2]}), but its MPI library ({library}) knows of no "
            "other: launcher and library are of different MPIs; use the mpiexec of that library, or have mpi4py use "
            "yours (MPI4PY_LIBMPI=/path/to/libmpi.so)"
        )
    return MPI.COMM_WORLD


def mpiexec():
    """The command that starts ranks, as a list: $EVENTSIM_MPIEXEC, else what lies beside this Python, else on the path.

    Raises
    ------
    EnvironmentProblem
        When there is none, or mpi4py is missing.
    """
    need("mpi4py", "mpi")
    if os.environ.get(MPIEXEC):
        return shlex.split(os.environ[MPIEXEC])
    beside = Path(sys.executable).parent / "mpiexec"
    found = str(beside) if beside.is_file() else shutil.which("mpiexec")
    if found is None:
        raise EnvironmentProblem(f"no mpiexec is found; pip install mpich, or set {MPIEXEC} to the command of your MPI")
    return [found]


def run_job(job, report=None):
    """Run a job on ranks that are started here, and wait for them.

    Parameters
    ----------
    job : Job
    report : callable, optional
        Given (tick, duration_ticks) now and then.

    Raises
    ------
    KeyboardInterrupt
        After an interrupt from the keyboard; the ranks have then ended at a tick, with all that belongs to it.
    EventSimError
        What a rank said before it ended the run.
    EnvironmentProblem
        When a rank died.
    """
    n_ranks = job.settings.n_ranks
    if launched_ranks() is not None:
        raise ConfigError("these processes were started by an MPI launcher, which has its own number of ranks; "
                          "leave out --ranks and ranks=")  # fmt: skip
    command = [*mpiexec(), "-n", str(n_ranks), sys.executable, "-m", "eventsim.ranks", "run", str(job.folder)]
    ours = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([ours, *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryFile() as complaints:
        try:
            # A group of its own: an interrupt from the keyboard is for this process, which asks the ranks to stop.
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True, errors="replace",
                                       stdin=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": path},
                                       start_new_session=True)  # fmt: skip
        except OSError as error:
            raise EnvironmentProblem(f"cannot start {command[0]} ({error.strerror})") from None
        interrupted = _follow(process, job, report)
        if process.returncode:
            complaints.seek(0)
            _blame(process.returncode, complaints.read().decode(errors="replace"), n_ranks)
    if interrupted:
        raise KeyboardInterrupt


def _follow(process, job, report):
    """Pass on what the first rank reports until all have ended; returns whether there was an interrupt."""
    interrupted = False
    try:
        while True:
            try:
                for line in process.stdout:
                    with suppress(ValueError, TypeError, KeyError):
                        told = json.loads(line)
                        if report is not None:
                            report(told["tick"], told["duration_ticks"])
                process.wait()
                return interrupted
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                job.ask_to_stop()
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def _blame(code, complaints, n_ranks):
    """Raise what a rank said, or that one died."""
    lines = complaints.strip().splitlines()
    said = next((line.removeprefix(SAYS) for line in lines if line.startswith(SAYS)), None)
    if said is not None:
        kind = EnvironmentProblem if code == 3 else EventSimError
        raise kind(said)
    last = f"; the last thing said: {lines[-1]}" if lines else ""
    raise EnvironmentProblem(f"one of {n_ranks} ranks died (exit code {code}), killed perhaps for want of memory{last}")
