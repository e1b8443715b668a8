"""eventsim report: a page about any trace, with what can be said of it, and why the rest cannot."""

import numpy as np
import pytest

from eventsim import Trace, network
from runs import cli


def page_of(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["report", *map(str, arguments)])
    printed = capsys.readouterr()
    assert stop.value.code == 0, printed.err
    return printed.out


def test_the_page_of_a_run_has_every_topic(small_run, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert page_of([small_run[0] / "trace.h5", "--out", out], capsys) == f"written: {out}\n"
    page = out.read_text(encoding="utf-8")
    topics = ("Circuit", "Spikes", "Placement", "Energy", "Spikes used against spikes needed", "Audit")
    assert [topic for topic in topics if f"<h2>{topic}</h2>" not in page] == []
    assert page.count("<img") == 5 and "softmax/pool" in page and "davies2018" in page and "laws hold" in page


def test_a_trace_by_another_program_says_what_cannot_be_told(tmp_path, capsys):
    neurons = {"model": "lif", "tau_ms": [10.0, 10.0], "population": "a<b"}
    model = network(neurons, {"pre": [0], "post": [1], "weight": [1.0], "delay_ms": [1.0]})
    Trace.from_arrays(model, np.array([0]), tick=[2], duration_ms=5, path=tmp_path / "t.h5").close()
    page_of([tmp_path / "t.h5", "--chip", "truenorth"], capsys)
    page = (tmp_path / "t-report.html").read_text(encoding="utf-8")
    assert "No bound can be set" in page and "not checkable" in page
    assert "a&lt;b" in page and "a<b" not in page  # names of foreign files are text, never markup


def test_one_core_of_one_chip_is_said_in_the_singular(tmp_path, capsys):
    neurons = {"model": "lif", "tau_ms": [10.0, 10.0]}
    model = network(neurons, {"pre": [0], "post": [1], "weight": [1.0], "delay_ms": [1.0]})
    Trace.from_arrays(model, np.array([0]), tick=[2], duration_ms=5, path=tmp_path / "t.h5").close()
    page_of([tmp_path / "t.h5"], capsys)
    assert "1 core of 1 chip, Intel Loihi" in (tmp_path / "t-report.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_one_line(small_run, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["report", str(small_run[0] / "trace.h5"), "--out", str(tmp_path / "none" / "page.html")])
    assert stop.value.code == 2
    assert "cannot be written (No such file or directory)" in capsys.readouterr().err


@pytest.mark.parametrize("options, message", [
    (["--table", "zz"], "loihi has no table 'zz'; there are davies2018"),
    (["--placer", "zz"], "choose one of in_order, greedy, partition"),
    (["--out", "trace.h5"], "--out trace.h5 is the trace itself; give the page another name"),
])  # fmt: skip
def test_a_mistake_writes_no_page_and_leaves_the_trace(small_run, tmp_path, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    before = (small_run[0] / "trace.h5").read_bytes()
    (tmp_path / "trace.h5").write_bytes(before)
    with pytest.raises(SystemExit) as stop:
        cli.main(["report", "trace.h5", *options])
    assert stop.value.code == 2 and message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["trace.h5"]
    assert (tmp_path / "trace.h5").read_bytes() == before
