"""What each rank does: load its share, run from meeting to meeting, write its own segments and totals."""

import os
import socket
import time

import numpy as np

from eventsim.buffers import buffer_sizes
from eventsim.memory import available_bytes
from eventsim.ranks.directory import Directory
from eventsim.ranks.engine import RankEngine
from eventsim.ranks.exchange import Meeting, tell_pairs, wait_for
from eventsim.ranks.record import RankRecord
from eventsim.ranks.share import load_share

__all__ = ["run_rank"]

#: What ranks tell each other at each meeting besides spikes: how many of its neurons fired; whether its buffers want to
#: be written; and, from the first rank, whether to keep all that a trace up to here needs, and whether to stop.
_FIRED, _IS_FULL, _KEEP, _STOP = range(4)

#: What a rank spends its seconds on.
_LOADING, _RUNNING, _MEETING = range(3)

_LOOK_S = 0.25  # between two looks at the clock, the file that asks to stop, and whoever waits


def run_rank(comm, job, report=None):
    """Run one rank of a job, to the end or until it is asked to stop.

    Every rank of `comm` calls it.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        As many ranks as the job was saved for.
    job : Job
    report : callable, optional
        Given (tick, duration_ticks) now and then, on the first rank.

    Raises
    ------
    CapacityError
        When a rank needs more memory than there is for it.
    EnvironmentProblem
        When the disk is full or fails.
    """
    return _Run(comm, job, report).run()


class _Run:
    def __init__(self, comm, job, report):
        settings, rank, self._began = job.settings, comm.rank, time.perf_counter()
        self._comm, self._job, self._report = comm, job, report
        owner = job.file["owner"][:]
        share = load_share(job, rank)
        here = _ranks_here(comm)
        columns = [place for place, (_, neuron) in enumerate(settings.recorded) if owner[neuron] == rank]
        self._engine = RankEngine(
            share, _reach(comm, share, owner), [settings.recorded[place] for place in columns],
            settings.record_every_ticks, buffer_sizes(settings.buffer_mb, len(columns)), threads=settings.threads,
            updates=settings.updates, max_bytes=_allowed_bytes(here.size, settings.max_bytes),
        )  # fmt: skip
        _compile(here, self._engine)
        self.share, self.stimulus = self._engine.share, share.network.stimulus
        self._record = RankRecord(job.folder_of(rank), rank, self.share, columns)
        self._mirrors = Directory(self.share.mirrored)
        self._meeting = Meeting(comm, settings.span_ticks, 4)
        starts = self.stimulus.query_start if self.stimulus.reset == "host" else []
        self._resets = {int(tick) for tick in starts if tick > 0}
        wait_for(comm.Ibarrier())
        self._seconds = np.zeros(3)
        self._seconds[_LOADING] = time.perf_counter() - self._began
        self._n_spikes, self._looked, self._kept = 0, time.monotonic(), time.monotonic()

    def run(self):
        tick, duration, is_over = 0, self.stimulus.duration_ticks, False
        most = self._job.settings.stop_after_spikes
        is_over = most is not None and most <= 0
        while tick < duration and not is_over:
            stop = min([tick + self._job.settings.span_ticks, duration, *(t for t in self._resets if t > tick)])
            is_full, ran = self._run_to(tick, stop), time.perf_counter()
            words = self._meet(tick, is_full, stop)
            self._seconds[_MEETING] += time.perf_counter() - ran
            tick = stop
            if tick in self._resets:
                self._engine.start_again(tick)
            self._n_spikes += int(words[:, _FIRED].sum())
            is_over = bool(words[0, _STOP]) or (most is not None and self._n_spikes >= most)
            if words[:, _IS_FULL].any() or words[0, _KEEP]:
                self._record.write(self._engine.take())
            if words[0, _KEEP]:
                self._keep(tick)
        self._record.write(self._engine.take())
        self._keep(tick)
        self._record.close()
        self._comm.Barrier()
        return tick

    def _keep(self, tick):
        seconds = self._seconds.copy()
        seconds[_RUNNING] = time.perf_counter() - self._began - seconds[_LOADING] - seconds[_MEETING]
        self._record.keep(tick, self._engine.totals(tick), seconds)

    def _run_to(self, tick, stop):
        """Advance, emptying the buffers on the way where they are full; returns whether they were."""
        self._fired, was_full = [], False
        while tick < stop:
            reached = self._engine.advance(tick, stop)
            self._fired.append(self._engine.fired())
            if reached < stop:
                self._record.hold(self._engine.take())
                was_full = True
            tick = reached
        return was_full

    def _meet(self, first_tick, is_full, stop):
        ticks, neurons = (np.concatenate(columns) for columns in zip(*self._fired))
        wanted = np.flatnonzero(self.share.sends[neurons])
        words = [ticks.size, is_full, *self._wishes(stop)]
        tick, neuron, words = self._meeting.exchange(first_tick, ticks[wanted], self.share.own[neurons[wanted]], words)
        here, mirror = self._mirrors.find(neuron)
        self._engine.hear(tick[here] + self._job.settings.span_ticks, mirror)
        return words

    def _wishes(self, tick):
        """Whether to keep and to stop, which the first rank decides."""
        now = time.monotonic()
        if self._comm.rank or now - self._looked < _LOOK_S:
            return False, False
        self._looked = now
        if self._report is not None:
            self._report(tick, self.stimulus.duration_ticks)
        keeps = now - self._kept >= self._job.settings.keep_every_s
        if keeps:
            self._kept = now
        return keeps, self._job.should_stop or _is_gone(self._job.settings.parent)


def _reach(comm, share, owner):
    """(counts, cores): how many cores each own neuron reaches, on all ranks, and which."""
    neuron, core = np.divmod(tell_pairs(comm, share.pairs, owner, share.n_cores), share.n_cores)
    return np.bincount(np.searchsorted(share.own, neuron), minlength=share.own.size), core


def _ranks_here(comm):
    """The ranks on this rank's machine."""
    from mpi4py import MPI

    return comm.Split_type(MPI.COMM_TYPE_SHARED)


def _allowed_bytes(n_here, max_bytes):
    """Memory for this rank: what it is allowed, or its part of what the ranks of its machine have together."""
    available = available_bytes() if max_bytes is None else None
    return max_bytes if available is None else available // n_here


def _compile(here, engine):
    """Compile the kernel, on each machine one rank first: the others then find it in the cache."""
    if here.rank == 0:
        engine.advance(0, 0)
    wait_for(here.Ibarrier())
    engine.advance(0, 0)
    here.Free()


def _is_gone(parent):
    """Whether the process that waits for the run has ended."""
    if parent is None or parent[0] != socket.gethostname():
        return False
    try:
        os.kill(parent[1], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
