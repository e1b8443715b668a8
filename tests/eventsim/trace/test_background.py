"""The thread that writes segments: what fails in it, what it holds, and that none is left behind."""

import errno
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from eventsim.errors import EnvironmentProblem
from eventsim.trace import open_trace
from eventsim.trace.background import Background
from eventsim.trace.segments import read_segment

PARTS = "t.h5.parts"


def writers():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("eventsim-trace")]


class Folder:
    """Stands in for a SegmentFolder; a write lasts until it is let go, and fails as often as it is told to."""

    def __init__(self, failures=0):
        self.written, self.threads, self.abandoned = [], [], False
        self.go, self.failures = threading.Event(), failures

    def append(self, segment):
        self.threads.append(threading.current_thread().name)
        self.go.wait(timeout=60)
        if self.failures:
            self.failures -= 1
            raise EnvironmentProblem("cannot write it")
        self.written.append(segment)

    def __iter__(self):
        return iter(self.written)

    def abandon(self):
        self.abandoned = True


def test_a_segment_is_made_and_written_by_another_thread_while_the_caller_goes_on():
    folder = Folder()
    background = Background(folder)
    background.append(lambda: threading.current_thread().name)
    assert folder.written == []  # and yet `append` has returned
    folder.go.set()
    assert list(background) == folder.threads != [threading.current_thread().name]


def test_no_more_than_one_segment_waits_to_be_written():
    folder = Folder()
    background, made = Background(folder), []
    background.append(lambda: made.append(1))
    second = threading.Thread(target=background.append, args=(lambda: made.append(2),))
    second.start()
    second.join(timeout=0.2)
    assert second.is_alive() and 2 not in made
    folder.go.set()
    second.join(timeout=60)
    background.settle()
    assert made == [1, 2] and not second.is_alive()


def test_an_error_of_the_thread_is_raised_by_the_next_call_and_nothing_is_lost():
    folder = Folder(failures=2)
    folder.go.set()
    background = Background(folder)
    background.append(lambda: "first")
    for _ in range(2):
        with pytest.raises(EnvironmentProblem, match="cannot write it"):
            background.append(lambda: "second")
    background.append(lambda: "second")  # there is room again
    assert list(background) == ["first", "second"]


def test_an_error_that_nobody_foresaw_reaches_the_caller():
    background = Background(Folder())
    background.append(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        background.settle()


@pytest.mark.parametrize("failures", [0, 1])
def test_who_gives_up_waits_for_the_thread_and_sees_no_second_error(failures):
    folder = Folder(failures)
    folder.go.set()
    background = Background(folder)
    background.append(lambda: "segment")
    background.abandon()
    assert folder.abandoned and folder.written == ["segment"] * (1 - failures)


def test_no_thread_is_left_behind(start, totals, tmp_path):
    start(tmp_path / "aborted.h5", segments=2).abort()
    start(tmp_path / "finished.h5", segments=2).finish(**totals).close()
    forgotten = start(tmp_path / "forgotten.h5", segments=2)
    forgotten.settle()
    del forgotten
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("eventsim-trace"):
            thread.join(timeout=60)  # it has written already, and is on its way out
    assert writers() == []


@pytest.mark.parametrize("function, call", [("fsync", k) for k in range(1, 7)] + [("replace", k) for k in range(1, 4)])
def test_a_disk_that_fails_at_any_call_is_one_error_and_earlier_segments_stay(
    start, record, halves, totals, tmp_path, monkeypatch, function, call
):
    """Each of two segments and the trace is renamed once, and forced to disk twice: the file, then its folder."""
    writer, calls, original, to_write = start(tmp_path / "t.h5"), [], getattr(os, function), list(halves)

    def fail(*arguments):
        calls.append(1)
        if len(calls) >= call:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*arguments)

    def write_all():
        while to_write:
            writer.write_segment(*to_write[0])
            del to_write[0]
        writer.finish(**totals)

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises(EnvironmentProblem, match=r"cannot write .* \(No space left on device\)"):
            write_all()
    whole = sorted(path for path in (tmp_path / PARTS).iterdir() if path.suffix == ".h5")
    assert [read_segment(path)["tick"].size for path in whole] == [5, 1][: len(whole)]
    assert not (tmp_path / "t.h5").exists() or function == "fsync"  # renamed, though perhaps not for good
    for columns in to_write:
        writer.write_segment(*columns)
    trace = writer.finish(**totals)
    assert trace.manifest == record().manifest
    assert os.listdir(tmp_path) == ["t.h5"]


FULL = """
import pathlib, resource, sys
sys.path.insert(0, {here!r})
import numpy as np
import conftest as example
from eventsim.errors import EnvironmentProblem

writer = example.TraceWriter(pathlib.Path({path!r}), example.network.__wrapped__(), example.stimulus(), manifest={{}})
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
try:
    writer.write_segment(*example.segment(0, 5))
    writer.settle()
    print("written")
    writer.write_segment(*example.segment(5, 10))
    writer.finish(**example.TOTALS)
except EnvironmentProblem as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(len(writer.finish(**example.TOTALS).spikes()))
"""


def run_full(tmp_path, limit):
    here = Path(__file__).parent
    code = FULL.format(here=str(here), path=str(tmp_path / "t.h5"), limit=limit)
    done = subprocess.run([sys.executable, "-c", code], cwd=here.parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_disk_that_is_full_for_a_segment_loses_nothing(tmp_path):
    error, spikes = run_full(tmp_path, 1000)
    assert error.startswith("cannot write") and "segment-000000.h5" in error and "\n" not in error
    assert spikes == "5"  # the stretch that was handed over; the second never was


def test_a_disk_that_is_full_for_the_trace_loses_nothing(tmp_path):
    written, error, spikes = run_full(tmp_path, 12_000)
    assert written == "written" and error.startswith(f"cannot write {tmp_path / 't.h5'}")
    assert spikes == "6"
    with open_trace(tmp_path / "t.h5") as trace:
        assert all(intact for _, intact in trace.verify_hashes()) and trace.complete
        assert np.all(trace.spikes().tick == [0, 1, 2, 4, 4, 9])
