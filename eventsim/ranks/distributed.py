"""One network on many ranks: saved once, run by all, merged into one trace."""

import os
import shutil
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from eventsim.arguments import whole_number
from eventsim.errors import ConfigError, EnvironmentProblem
from eventsim.grid.allocate import check_recorded
from eventsim.ranks.job import Settings, make_folder, open_job, remove_folder, write_job
from eventsim.ranks.launcher import run_job
from eventsim.ranks.merge import merge_ranks, recover, trace_writer
from eventsim.ranks.partition import owners, ticks_between_meetings
from eventsim.ranks.serving import run_job_together
from eventsim.simulation import checked

__all__ = ["simulate_on_ranks"]


def simulate_on_ranks(ranks, network, stimulus=None, *, clock="grid", trace=None, core_of=None, record=None,
                      record_every_ticks=1, record_events=None, progress=None, stop_when=None, manifest=None,
                      **settings):  # fmt: skip
    """Run a network on the grid, as `eventsim.simulate` does, divided among ranks.

    Parameters
    ----------
    ranks : int or mpi4py.MPI.Comm
        So many processes, which are started here; or those of a communicator, of which this is the first.
    trace : path, optional
        In memory if left out; the ranks then share a temporary folder.
    progress : callable, optional
        Called as Brian2's `report`.
    network, stimulus, clock, core_of, record, record_every_ticks, record_events, stop_when, manifest
        As `eventsim.simulate` has them.
    **settings
        Others of `eventsim.ranks.job.Settings`.

    Returns
    -------
    Trace

    Raises
    ------
    ConfigError
        When the network cannot be divided so, naming the pathway; or something is asked for that ranks do not have.
    EnvironmentProblem
        When a rank died. Beside the path of the trace is then one with `.partial` in its name, up to the last tick at
        which all ranks kept what belongs to it, if there was any.
    """
    _refuse(clock, record_events, stop_when)
    network, stimulus, core_of, recorded = checked(network, stimulus, core_of, record, record_every_ticks)
    check_recorded(network, recorded)
    together = hasattr(ranks, "Get_size")  # a communicator
    n_ranks = ranks.Get_size() if together else whole_number("ranks", ranks, 1)
    stops = settings.get("stop_after_spikes") is not None
    settings = Settings(
        n_ranks=n_ranks, span_ticks=1 if stops else ticks_between_meetings(network), recorded=tuple(recorded),
        record_every_ticks=record_every_ticks, manifest=manifest or {},
        parent=None if together else (socket.gethostname(), os.getpid()), **settings,
    )  # fmt: skip
    owner = owners(network, n_ranks)
    with trace_writer(trace, network, stimulus, settings) as writer, _folder(trace) as folder:
        write_job(folder, network, stimulus, core_of, owner, settings)
        with open_job(folder) as job:
            report = _report(progress, network.dt_ms)
            try:
                run_job_together(ranks, job, report) if together else run_job(job, report)
            except KeyboardInterrupt:
                if trace is not None:
                    merge_ranks(job, writer, core_of).close()
                raise
            except EnvironmentProblem as error:
                raise EnvironmentProblem(f"{error}; {_partial(job, trace)}") from None
            return merge_ranks(job, writer, core_of)


def _refuse(clock, record_events, stop_when):
    """What needs more of a run than one rank knows."""
    if clock != "grid":
        raise ConfigError(f"clock is '{clock}'; on ranks it is 'grid': leave out --ranks and ranks=")
    if record_events is not None and record_events is not False:
        raise ConfigError("record_events is not for ranks; take Trace.synaptic_events(), which has the same deliveries")
    if stop_when is not None:
        raise ConfigError("stop_when is not for ranks, which do not know the whole run; use stop_after_spikes")


@contextmanager
def _folder(trace):
    """A folder that the ranks share, removed in the end; beside the trace if that is a file."""
    if trace is None:
        folder = Path(tempfile.mkdtemp(prefix="eventsim-ranks-"))
    else:
        folder = make_folder(Path(trace).with_name(f"{Path(trace).name}.ranks"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True) if trace is None else remove_folder(folder)


def _partial(job, trace):
    """Make the trace of what all ranks kept; returns what became of it."""
    if trace is None:
        return "nothing of the run is kept, since its trace was to be in memory"
    path = Path(trace)
    path = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        with recover(job, path) as partial:
            return f"{path} holds the first {partial.duration_ticks:,} ticks, complete"
    except EnvironmentProblem:
        return "no tick was kept by all ranks before"


def _report(progress, dt_ms):
    """What is called with (tick, duration_ticks)."""
    if progress is None:
        return None
    began = time.perf_counter()
    return lambda tick, duration: progress(
        time.perf_counter() - began, tick / max(duration, 1), 0.0, duration * dt_ms / 1e3
    )
