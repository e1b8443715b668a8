"""`eventsim export`: files of other programs from the command line, and what it refuses."""

import json

import numpy as np
import pandas as pd
import pytest

import eventsim
from eventsim import Trace
from runs import cli


@pytest.fixture
def trace(tmp_path):
    """Path of a trace of four spikes, at 0, 1, 2 and 4 ms."""
    network = eventsim.network(
        {"model": ["source", "lif"], "tau_ms": [np.nan, 20.0]},
        {"pre": [0], "post": [1], "weight": [0.5], "delay_ms": [1.0]},
    )
    Trace.from_arrays(network, [0, 1, 0, 0], tick=[0, 1, 2, 4], path=tmp_path / "t.h5", duration_ms=6).close()
    return tmp_path / "t.h5"


def call(capsys, *arguments):
    """(exit code, standard output, standard error)."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return stop.value.code, printed.out, printed.err


def test_a_trace_is_exported_beside_itself(trace, capsys):
    code, out, err = call(capsys, "export", trace, "--to", "csv")
    assert (code, err) == (0, "") and "t-csv/spikes.csv" in out and "bytes" in out
    assert pd.read_csv(trace.with_name("t-csv") / "spikes.csv")["t_ms"].tolist() == [0, 1, 2, 4]


def test_a_window_in_ms_and_events_are_exported_where_asked(trace, tmp_path, capsys):
    code, out, _ = call(capsys, "export", trace, "--to", "csv", "--out", tmp_path / "x", "--start-ms", 1,
                        "--stop-ms", 3.5, "--events", "--json")  # fmt: skip
    document = json.loads(out)
    assert code == 0 and (document["start_tick"], document["stop_tick"]) == (1, 4)
    spikes, events = (pd.read_csv(path) for path in document["files"])
    assert spikes["tick"].tolist() == [1, 2] and events["tick"].tolist() == [1, 3]


@pytest.mark.parametrize("arguments, message", [
    (["--to", "xls"], "no format 'xls'; choose one of csv"), ([], "Missing option '--to'"),
    (["--to", "csv", "--start-ms", "soon"], "'soon' is not a valid float"),
    (["--to", "csv", "--start-ms", "nan"], "cannot begin or end at nan ms"),
    (["--to", "csv", "--out", "{tmp}/t.h5/x"], "cannot make the folder"),
    (["--to", "csv", "--start-ms", "5", "--stop-ms", "1"], "ends at tick 1 (1 ms), before it begins, at tick 5"),
    (["--to", "sonata", "--events"], "sonata has no synaptic events"),
])  # fmt: skip
def test_a_mistake_gives_one_line_and_exit_code_2(trace, tmp_path, capsys, arguments, message):
    code, out, err = call(capsys, "export", trace, *(argument.format(tmp=tmp_path) for argument in arguments))
    assert (code, out, err.count("\n")) == (2, "", 1) and message in err
    assert [path.name for path in tmp_path.iterdir()] == ["t.h5"]


def test_an_export_into_the_folder_of_its_trace_leaves_the_trace(trace, tmp_path, capsys):
    trace.rename(tmp_path / "spikes.h5")
    code, _, err = call(capsys, "export", tmp_path / "spikes.h5", "--to", "sonata", "--out", tmp_path)
    assert code == 2 and "spikes.h5 is the trace itself" in err
    assert call(capsys, "inspect", tmp_path / "spikes.h5")[0] == 0


def test_a_file_that_is_no_trace_is_refused(tmp_path, capsys):
    (tmp_path / "x.h5").write_text("text")
    code, _, err = call(capsys, "export", tmp_path / "x.h5", "--to", "csv")
    assert code == 2 and "not an HDF5 file" in err and not (tmp_path / "x-csv").exists()


def test_inspect_says_whose_spikes_they_are_and_that_nothing_was_counted(trace, capsys):
    code, out, _ = call(capsys, "inspect", trace)
    assert code == 0 and "4 spikes, by arrays" in out and "deliveries" not in out
    document = json.loads(call(capsys, "inspect", trace, "--json")[1])
    assert document["spikes_of"] == "arrays" and document["synaptic_events"] is None


def test_help_has_an_example(capsys):
    cli.main(["export", "--help"])
    assert "eventsim export out/" in capsys.readouterr().out
