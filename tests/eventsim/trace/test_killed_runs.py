"""Runs that end early: what was written is still there, and an older trace is never harmed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eventsim.errors import ConfigError, EnvironmentProblem, TraceFormatError
from eventsim.trace import finalise, open_trace, schema, segments
from eventsim.trace.segments import read_segment

PARTS = "t.h5.parts"


@pytest.fixture
def older(record, tmp_path):
    """The bytes of a trace that is at the path already."""
    record(tmp_path / "t.h5", manifest={"run": "older"}).close()
    return (tmp_path / "t.h5").read_bytes()


def test_segments_of_an_aborted_run_stay_and_can_be_read(start, tmp_path, older):
    start(tmp_path / "t.h5", segments=2).abort()
    assert sorted(os.listdir(tmp_path / PARTS)) == ["eventsim-segments.json", "segment-000000.h5", "segment-000001.h5"]
    assert read_segment(tmp_path / PARTS / "segment-000000.h5")["neuron"].tolist() == [0, 3, 1, 0, 2]
    assert read_segment(tmp_path / PARTS / "segment-000001.h5")["tick"].tolist() == [9]
    assert (tmp_path / "t.h5").read_bytes() == older


def test_an_error_within_the_run_keeps_its_segments(start, tmp_path):
    with pytest.raises(ZeroDivisionError), start(tmp_path / "t.h5", segments=1):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == [PARTS]


def test_a_run_without_a_segment_leaves_nothing(start, tmp_path):
    with start(tmp_path / "t.h5"):
        pass
    assert os.listdir(tmp_path) == []


def test_the_segments_say_what_they_belong_to(start, network, tmp_path):
    start(tmp_path / "t.h5", segments=1).abort()
    mark = json.loads((tmp_path / PARTS / "eventsim-segments.json").read_text())
    assert mark["segments_schema"] == 1 and mark["network_hash"] == network.hash


def test_a_damaged_segment_is_refused(start, tmp_path):
    start(tmp_path / "t.h5", segments=1).abort()
    part = tmp_path / PARTS / "segment-000000.h5"
    os.truncate(part, part.stat().st_size // 2)
    with pytest.raises(TraceFormatError, match=r"segment-000000.h5 is truncated"):
        read_segment(part)


def test_a_new_run_removes_what_a_killed_one_left(start, totals, tmp_path):
    start(tmp_path / "t.h5", segments=2).abort()
    (tmp_path / PARTS / "segment-000002.h5.tmp").write_bytes(b"half")
    (tmp_path / "t.h5.tmp").write_bytes(b"half")
    trace = start(tmp_path / "t.h5", segments=1).finish(**totals)
    assert len(trace.spikes()) == 5
    assert os.listdir(tmp_path) == ["t.h5"]


@pytest.mark.parametrize("names", [[], ["eventsim-segments.json.tmp"]])
def test_a_run_killed_at_its_very_start_is_no_obstacle(start, tmp_path, names):
    (tmp_path / PARTS).mkdir()
    for name in names:
        (tmp_path / PARTS / name).write_bytes(b"{")
    start(tmp_path / "t.h5", segments=1).abort()


@pytest.mark.parametrize(
    "content",
    [
        {"thesis.txt": ""},
        {"segment-000000.h5": "no mark"},
        {"segment-000000.h5": "", "eventsim-segments.json": "{}"},
        {"eventsim-segments.json": '{"segments_schema": 1}', "thesis.txt": ""},
    ],
)
def test_a_folder_that_is_not_ours_is_never_emptied(start, tmp_path, content):
    (tmp_path / PARTS).mkdir()
    for name, text in content.items():
        (tmp_path / PARTS / name).write_text(text)
    with pytest.raises(ConfigError, match="not made by a trace writer"):
        start(tmp_path / "t.h5")
    assert sorted(os.listdir(tmp_path / PARTS)) == sorted(content)


def test_a_file_in_the_place_of_the_folder_is_never_removed(start, tmp_path):
    (tmp_path / PARTS).write_text("mine")
    with pytest.raises(ConfigError, match="not made by a trace writer"):
        start(tmp_path / "t.h5")
    assert (tmp_path / PARTS).read_text() == "mine"


def test_two_runs_cannot_write_to_the_same_path(start, totals, tmp_path):
    first = start(tmp_path / "t.h5", segments=1)
    with pytest.raises(ConfigError, match="another run is writing"):
        start(tmp_path / "t.h5")
    assert len(first.finish(**totals).spikes()) == 5


def fail(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("function", ["os.replace", "os.fsync"])
def test_a_failing_finish_leaves_the_older_trace_and_can_be_repeated(
    start, totals, tmp_path, older, monkeypatch, function
):
    writer = start(tmp_path / "t.h5", segments=2)
    with monkeypatch.context() as patch:
        patch.setattr(function, fail)
        with pytest.raises(EnvironmentProblem, match="No space left"):
            writer.finish(**totals)
    assert (tmp_path / "t.h5").read_bytes() == older
    assert sorted(os.listdir(tmp_path)) == ["t.h5", PARTS]
    assert writer.finish(**totals).manifest.get("run") is None
    assert os.listdir(tmp_path) == ["t.h5"]


def test_a_segment_that_cannot_be_written_is_one_error_and_leaves_no_half_file(start, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "store", fail)
    writer = start(tmp_path / "t.h5", segments=1)
    with pytest.raises(EnvironmentProblem, match=r"cannot write .*segment-000000.h5 \(No space left"):
        writer.settle()
    assert os.listdir(tmp_path / PARTS) == ["eventsim-segments.json"]


def test_the_manifest_is_written_last(start, totals, tmp_path, monkeypatch):
    """A merge cut off at any point therefore lacks it, and is refused."""
    written = []
    create = schema.reserve

    def create_and_note(group, name, *options, **named):
        written.append(name)
        return create(group, name, *options, **named)

    for module in (schema, finalise):
        monkeypatch.setattr(module, "reserve", create_and_note)
    start(tmp_path / "t.h5", segments=2).finish(**totals)
    assert written[-1] == "eventsim/manifest" and len(written) > 30


VICTIM = """
import os, pathlib, signal, sys
from eventsim.trace import finalise
sys.path.insert(0, {here!r})
import conftest as example

if {during_merge}:  # killed with the merged columns written and the manifest not
    finalise.result_hashes = lambda file: (file.flush(), os.kill(os.getpid(), signal.SIGKILL))
path = pathlib.Path({path!r})
writer = example.TraceWriter(path, example.network.__wrapped__(), example.stimulus(), manifest={{}})
writer.write_segment(*example.segment(0, 5))
writer.write_segment(*example.segment(5, 10))
writer.settle()
if {during_merge}:
    writer.finish(**example.TOTALS)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("during_merge", [False, True])
def test_a_process_killed_outright_loses_nothing_that_was_written(start, totals, tmp_path, older, during_merge):
    here = Path(__file__).parent
    code = VICTIM.format(here=str(here), path=str(tmp_path / "t.h5"), during_merge=during_merge)
    killed = subprocess.run([sys.executable, "-c", code], cwd=here.parents[2], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / "t.h5").read_bytes() == older
    ticks = [read_segment(tmp_path / PARTS / f"segment-00000{k}.h5")["tick"].tolist() for k in (0, 1)]
    assert ticks == [[0, 1, 2, 4, 4], [9]]
    if during_merge:
        with pytest.raises(TraceFormatError):
            open_trace(tmp_path / "t.h5.tmp")
    assert len(start(tmp_path / "t.h5", segments=2).finish(**totals).spikes()) == 6
    assert os.listdir(tmp_path) == ["t.h5"]
