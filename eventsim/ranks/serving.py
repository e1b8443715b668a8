"""Ranks that were launched together: the first does what it was started for, the others help with its simulations."""

import sys
import traceback
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from eventsim.errors import EnvironmentProblem, EventSimError
from eventsim.ranks.exchange import wait_for
from eventsim.ranks.job import open_job
from eventsim.ranks.launcher import SAYS, world
from eventsim.ranks.worker import run_rank

__all__ = ["chosen_ranks", "launched_together", "on_ranks", "run_job_together", "take_part"]

_CHOSEN = ContextVar("ranks", default=None)
_MESSAGE_BYTES = 4096


def chosen_ranks():
    """Where simulations run: None, in this process; a number, on so many ranks; a communicator, on all of its ranks."""
    return _CHOSEN.get()


@contextmanager
def on_ranks(ranks):
    """Simulations within run on so many ranks (see `chosen_ranks`), unless they say otherwise.

    Parameters
    ----------
    ranks : int, mpi4py.MPI.Comm or None
    """
    before = _CHOSEN.set(ranks)
    try:
        yield
    finally:
        _CHOSEN.reset(before)


@contextmanager
def launched_together():
    """Make the processes that mpirun or srun started one: the first goes on, and its simulations run on all.

    Gives whether this process is the first. The others come out of it when the first does. A process that was started
    alone is the first, and nothing changes for it.

    Raises
    ------
    EnvironmentProblem
        When mpi4py is missing, or does not belong to the launcher.

    Examples
    --------
    >>> with launched_together() as is_first:       # mpirun -n 4 python script.py     # doctest: +SKIP
    ...     if is_first:
    ...         trace = eventsim.simulate(network, trace="trace.h5")
    """
    comm = world()
    if comm is None:
        yield True
    elif comm.rank:
        _serve(comm)
        yield False
    else:
        try:
            with on_ranks(comm):
                yield True
        finally:
            _send(comm, "")


def run_job_together(comm, job, report=None):
    """Run a job on the ranks of a communicator whose first rank calls this, while the others serve."""
    _send(comm, str(job.folder.resolve()))
    take_part(comm, job.folder, report)


def take_part(comm, folder, report=None):
    """Run this process's rank of the job in a folder; an error ends all ranks, with one line on standard error."""
    try:
        with open_job(folder) as job:
            run_rank(comm, job, report)
    except BaseException as error:
        code = 3 if isinstance(error, EnvironmentProblem) else 2 if isinstance(error, EventSimError) else 1
        if code == 1:
            traceback.print_exc()
        message = " ".join(f"{error or type(error).__name__}".split())
        print(f"{SAYS}rank {comm.rank} of {comm.size}: {message}", file=sys.stderr, flush=True)
        comm.Abort(code)


def _serve(comm):
    """Take part in each job of the first rank, until it has none."""
    while True:
        message = np.zeros(_MESSAGE_BYTES, dtype=np.uint8)
        wait_for(comm.Ibcast(message, root=0))
        folder = message.tobytes().rstrip(b"\0").decode()
        if not folder:
            return
        take_part(comm, folder)


def _send(comm, folder):
    message = np.zeros(_MESSAGE_BYTES, dtype=np.uint8)
    text = np.frombuffer(folder.encode(), dtype=np.uint8)
    message[: text.size] = text
    comm.Ibcast(message, root=0).Wait()
