"""The judgement behind the table is no rubber stamp: a trace, a segment or a reader that is wrong is seen."""

import sys

import numpy as np
import pytest

from eventsim.trace.segments import durably
from tests.reliability import mutants, soak
from tests.reliability.corpora import Corpus
from tests.reliability.processes import Child, how_it_ended, run_watched
from tests.reliability.scene import Scene
from tests.reliability.victim import Victim, segments_of


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("scene"), "grid", ticks=300)


def _broken_off(scene, folder):
    """A path with the segments of a run that was aborted."""
    path = scene.place(folder / "run", with_older=False)
    with scene.victim.simulation(path) as simulation:
        simulation.run()
    return path, len(segments_of(path))


def test_what_a_run_leaves_is_sound_and_a_segment_too_few_or_of_another_run_is_not(scene, tmp_path):
    path, n = _broken_off(scene, tmp_path)
    assert n > 2 and scene.faults(path, n) == ([], 0)
    assert scene.faults(path, n + 2) == (["2 segments are lost"], 2)
    segments_of(path)[1].write_bytes(segments_of(path)[0].read_bytes())
    assert scene.faults(path, n)[0] == ["segment-000001.h5 is not what was recorded"]
    segments_of(path)[0].unlink()
    assert scene.faults(path, n)[0][0].startswith("the segments are [1, 2")


def test_a_trace_of_another_run_is_seen(scene, tmp_path):
    path = scene.place(tmp_path / "run", with_older=False)
    Victim(5, ticks=300).run(path)
    assert scene.faults(path, 0)[0] == ["the trace is not that of the run"]


def test_how_a_child_ends_is_told():
    assert [Child(act).wait() for act in (lambda: None, lambda: 1 // 0, lambda: _press())] == [0, 1, 130]


def _press():
    raise KeyboardInterrupt


@pytest.mark.parametrize("act, told", [
    ("os._exit(3)", "exit code 3, without a word"), ("os.kill(os.getpid(), 9)", "ended by SIGKILL, without a word"),
    ("print('half'); os._exit(3)", "exit code 3, half"), ("os.abort()", "ended by SIGABRT, Fatal Python error"),
])  # fmt: skip
def test_how_a_program_ends_is_told_even_if_it_says_nothing(act, told):
    assert how_it_ended(run_watched([sys.executable, "-uc", f"import os; {act}"])).startswith(told)


@pytest.mark.parametrize("act, fault", [
    (lambda: [0][1], "IndexError at test_seeing.py"), (lambda: np.zeros(1 << 40), "MemoryError at"),
    (lambda: durably(1).__enter__(), "AttributeError at segments.py"),
])  # fmt: skip
def test_any_error_but_ours_is_a_fault_of_a_reader(act, fault, tmp_path):
    corpus = Corpus(make=None, alter=None, read=lambda path: [act])
    (found,) = mutants._read(corpus, tmp_path / "x")[1]
    assert fault in found


def test_memory_and_files_that_grow_are_seen(tmp_path, monkeypatch):
    leak = []

    def leaking():
        leak.append(open(tmp_path / "leak", "a"))  # noqa: SIM115 - that is the leak
        return 100_000_000 + 1_000_000 * len(leak), len(leak), 1

    monkeypatch.setattr(soak, "_resources", leaking)
    row = soak.soak(tmp_path, 0)
    assert [fault.partition(" grew")[0] for fault in row.faults] == ["memory", "open files"]
