"""Scene: a run in a child process that tells how far it is, and the judgement of what a broken one left on disk."""

import os
import shutil
import signal
import time
from contextlib import ExitStack
from unittest import mock

from eventsim import Simulation
from eventsim.trace import TraceWriter
from eventsim.trace.background import Background
from tests.reliability.processes import Child, shared_integers
from tests.reliability.victim import Victim, columns_of, content_of, segments_of

__all__ = ["CALLS", "FINISHES", "HANDED", "RUNS", "TICK", "TO_DISK", "Scene"]

#: What a child tells: that it runs, ticks that it has reported, segments that it has handed over, that it finishes,
#: calls to the disk since then.
RUNS, TICK, HANDED, FINISHES, CALLS = range(5)

#: Functions of `os` that change what is on disk.
TO_DISK = ("fsync", "replace", "unlink", "rmdir")


class Scene:
    """A victim on one clock, what it leaves undisturbed, and how long it takes.

    Parameters
    ----------
    folder : Path
    clock : str
    ticks : int
        Length of the run.
    """

    def __init__(self, folder, clock, ticks=3000):
        self.victim, self.clock = Victim(clock=clock, ticks=ticks), clock
        self.content, self.segments = self.victim.undisturbed(folder)
        self.older = folder / f"older-{clock}.h5"
        Victim(1, clock, ticks=500).run(self.older)
        child, told = self.start(folder / f"timed-{clock}.h5")
        child.wait_until(lambda: told[RUNS])
        began = time.perf_counter()
        child.wait_until(lambda: told[FINISHES])
        finishing = time.perf_counter()
        if child.wait():
            raise RuntimeError("the undisturbed run failed")
        self.run_s, self.finish_s = finishing - began, time.perf_counter() - finishing
        self.calls = int(told[CALLS])

    def place(self, folder, with_older):
        """A path for a trace in a new folder, an older trace in its place or none."""
        folder.mkdir()
        if with_older:
            shutil.copy(self.older, folder / "t.h5")
        return folder / "t.h5"

    def start(self, path, dies_at=None):
        """(Child, what it tells) of a run; with `dies_at` (call, before) it kills itself there while it finishes."""
        told = shared_integers(5)
        return Child(_run, self.victim, path, told, dies_at), told

    def faults(self, path, handed):
        """(faults, segments lost) of what a broken run, which had handed over so many, left at a path."""
        faults, left = [], segments_of(path)
        is_new = path.exists() and path.read_bytes() != self.older.read_bytes()
        numbers = [int(segment.stem.removeprefix("segment-")) for segment in left]
        if not is_new and numbers != list(range(len(left))):
            faults.append(f"the segments are {numbers}")
        for k, segment in zip(numbers, left):
            if columns_of(segment) != self.segments[k]:
                faults.append(f"{segment.name} is not what was recorded")
        if is_new and content_of(path) != self.content:
            faults.append("the trace is not that of the run")
        lost = 0 if is_new else max(0, handed - len(left))
        if lost > 1:
            faults.append(f"{lost} segments are lost")
        return faults, lost

    def faults_of_a_rerun(self, path):
        """What is wrong when the same is run again at the path of a broken run."""
        if Child(self.victim.run, path).wait():
            return ["it cannot be run again"]
        faults = [] if content_of(path) == self.content else ["run again, it gives another SHA-256"]
        left = os.listdir(path.parent)
        return faults if left == [path.name] else [*faults, f"run again, it leaves {left}"]


def _run(victim, path, told, dies_at):
    """In the child: the run, which tells how far it is."""

    def progress(elapsed_s, completed, *_):
        told[TICK] = round(completed * victim.ticks)

    with ExitStack() as watched:
        watched.enter_context(_told(Simulation, "run", told, RUNS, before=True))
        watched.enter_context(_told(TraceWriter, "finish", told, FINISHES, before=True))
        watched.enter_context(_told(Background, "append", told, HANDED))
        for name in TO_DISK:
            watched.enter_context(mock.patch.object(os, name, _counted(getattr(os, name), told, dies_at)))
        victim.run(path, progress)


def _told(owner, method, told, place, before=False):
    """A patch by which each call of a method is counted, before or after it is made."""
    original = getattr(owner, method)

    def counted(*arguments, **keywords):
        told[place] += before
        result = original(*arguments, **keywords)
        told[place] += not before
        return result

    return mock.patch.object(owner, method, counted)


def _counted(original, told, dies_at):
    """A call to the disk, counted once the run finishes; the process dies before or after the one that was chosen."""

    def call(*arguments, **keywords):
        told[CALLS] += bool(told[FINISHES])
        if dies_at == (told[CALLS], True):
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return original(*arguments, **keywords)
        finally:
            if dies_at == (told[CALLS], False):
                os.kill(os.getpid(), signal.SIGKILL)

    return call
