"""`eventsim bench`: what is whole is not prepared again, a stop loses nothing measured, a mistake takes one line."""

import json
import sys
from itertools import count

import pytest

from eventsim.errors import ConfigError, EnvironmentProblem
from runs import cli
from runs.benchmarks import bench as benchmark
from runs.benchmarks import processes
from runs.benchmarks.prepared import prepared
from runs.benchmarks.processes import run_process
from runs.benchmarks.shown import table


@pytest.fixture
def quickly(monkeypatch):
    """Nothing is built or run: processes tell at once what is set here, and which were asked for."""
    asked = []

    def tell(command, *_):
        asked.append(list(map(str, command)))
        return {"neurons": 5, "synapses": 9, "compile_s": 0.5, "build_s": 18.0, "run_s": 0.25, "peak_mb": 100.0,
                "spikes": 7, "digest": "same", "audited": True, "replayed": 0}  # fmt: skip

    monkeypatch.setattr(benchmark, "run_process", tell)
    monkeypatch.setattr(benchmark, "standalone_result", lambda folder: {"run_s": 0.5})
    monkeypatch.setattr(benchmark, "interpreters", lambda given: {})
    return asked


def called(capsys, *arguments):
    """(exit code, standard output, standard error) of `eventsim bench`."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["bench", "--quick", "--rounds", "1", "--threads", "1", *map(str, arguments)])
    return stop.value.code, *capsys.readouterr()


def test_a_folder_that_cannot_be_made_takes_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    code, printed, complaint = called(capsys, "chip", "--out", tmp_path / "file" / "x")
    assert (code, printed) == (2, "")
    assert complaint == f"eventsim: --out {tmp_path / 'file' / 'x'}: cannot make this folder (Not a directory)\n"


def test_more_threads_than_there_are_take_one_line_before_anything_is_built(tmp_path, capsys):
    code, printed, complaint = called(capsys, "chip", "--threads", "9999", "--out", tmp_path)
    assert (code, printed, list(tmp_path.iterdir())) == (2, "", [])
    assert complaint.startswith("eventsim: threads is 9999; it must lie in 1 to ") and complaint.count("\n") == 1


def test_a_file_in_place_of_a_networks_folder_is_named(quickly, tmp_path, capsys):
    (tmp_path / "chip-quick").touch()
    code, _, complaint = called(capsys, "chip", "--out", tmp_path)
    assert code == 2 and complaint.count("\n") == 1
    assert f"{tmp_path / 'chip-quick'} is a file where a folder is needed; delete it" in complaint


def test_progress_is_a_line_for_each_network_and_the_output_one_document(quickly, tmp_path, capsys):
    code, printed, progress = called(capsys, "B1", "chip", "--json", "--out", tmp_path)
    document = json.loads(printed)
    assert code == 0 and [case["name"] for case in document["cases"]] == ["B1", "chip"]
    assert json.loads((tmp_path / "bench.json").read_text()) == document
    assert [line.split(",")[0] for line in progress.splitlines()] == ["B1: network 1 of 2", "chip: network 2 of 2"]


@pytest.mark.parametrize("stop, exit_code", [(EnvironmentProblem("broken"), 3), (KeyboardInterrupt(), 130)])
def test_what_was_measured_before_a_stop_is_kept(quickly, tmp_path, capsys, monkeypatch, stop, exit_code):
    measure, networks = benchmark._measure, count()

    def measure_one(*arguments):
        if next(networks):
            raise stop
        return measure(*arguments)

    monkeypatch.setattr(benchmark, "_measure", measure_one)
    code, printed, _ = called(capsys, "B1", "chip", "--out", tmp_path)
    assert (code, printed) == (exit_code, "")
    assert [case["name"] for case in json.loads((tmp_path / "bench.json").read_text())["cases"]] == ["B1"]
    assert (tmp_path / "bench.png").exists()


def test_without_a_compiler_the_error_says_what_to_install(quickly, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    code, _, complaint = called(capsys, "chip", "--out", tmp_path / "b")
    assert code == 3 and complaint.count("\n") == 1
    assert "needs a C++ compiler and make, and PATH has no g++ and no make; install them" in complaint
    assert not any("build" in command for command in quickly)


def test_the_compiler_is_the_one_that_make_would_take(quickly, tmp_path, monkeypatch):
    for name in ("my++", "make"):
        (tmp_path / name).touch(mode=0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", "my++ -m64")
    benchmark.bench(["chip"], quick=True, rounds=1, threads=[1], folder=tmp_path / "b")
    assert any("build" in command for command in quickly)


@pytest.fixture
def made(tmp_path):
    """(folder, function that prepares it), with how often it was made as what is told."""
    folder, times = tmp_path / "chip", count(1)

    def make():
        (folder / "parts").mkdir(exist_ok=True)
        for name in ("main", "parts/a"):
            (folder / name).write_text("whole")
        return {"made": next(times)}

    def prepare():
        return prepared(folder, ["main", "parts/*"], make)

    assert prepare() == {"made": 1}
    return folder, prepare


def test_what_is_whole_is_not_made_again(made):
    folder, prepare = made
    (folder / "result").write_text("of a run")
    assert prepare() == {"made": 1}


@pytest.mark.parametrize("record", [b"", b"{trunc", b"[]", b"{}", b'"text"', b'{"made_from": null}', b"\xff\xfe"])
def test_with_a_record_that_cannot_be_read_all_is_made_anew(made, record):
    folder, prepare = made
    (folder / "prepared.json").write_bytes(record)
    assert prepare() == {"made": 2} == prepare()


@pytest.mark.parametrize("name", ["main", "parts/a"])
@pytest.mark.parametrize("damage", [lambda path: path.write_text(""), lambda path: path.unlink()])
def test_what_is_damaged_is_made_anew(made, name, damage):
    folder, prepare = made
    damage(folder / name)
    assert prepare() == {"made": 2} == prepare()


def test_other_versions_make_anew(made, monkeypatch):
    _, prepare = made
    monkeypatch.setattr("runs.benchmarks.prepared._made_from", lambda: "other versions")
    assert prepare() == {"made": 2} == prepare()


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "chip").touch()
    with pytest.raises(ConfigError, match="chip is a file where a folder is needed; delete it, or give another --out"):
        prepared(tmp_path / "chip", [], dict)


@pytest.mark.parametrize("printed", ["", "hello", "[1]", '{"run_s": 1}'])
def test_a_process_that_ends_well_and_does_not_say_what_is_needed_is_a_problem(printed):
    command = [sys.executable, "-c", f"print('{printed}')"]
    with pytest.raises(EnvironmentProblem, match="ended without a last line of JSON with run_s, spikes"):
        run_process(command, needed=("run_s", "spikes"))


def test_a_process_that_says_what_is_needed_is_measured():
    command = [sys.executable, "-c", """print('noise\\n{"run_s": 1, "spikes": 2}')"""]
    said = run_process(command, needed=("run_s", "spikes"))
    assert (said["run_s"], said["spikes"]) == (1, 2)


def shown(rounds=5, **changes):
    row = {"simulator": "eventsim 1, continuous", "run_s": 0.25, "speed_up": 2.0, "time_of_eventsim": 1.0,
           "peak_mb": 100.0, "memory": 3.0, "spikes": 5366, "same_spikes": True, "replayed": 894}  # fmt: skip
    case = {"name": "B1", "neurons": 5, "synapses": 9, "duration_ms": 10, "compile_s": 0.5, "build_s": {"1": 18.0}}
    rows = [{key: value for key, value in (row | changes).items() if value is not None}]
    machine = {"processor": "abacus"}
    return table({"machine": machine, "versions": {}, "rounds": rounds, "cases": [case | {"rows": rows}]})


def test_the_table_says_what_was_done():
    assert "medians of 5 rounds in turn" in shown() and "medians of 1 round in turn" in shown(rounds=1)
    assert shown().endswith("5,366 audited (894 replayed)")
    assert shown(replayed=0).endswith("5,366 not replayed")
    assert shown(same_spikes=False).endswith("5,366 OTHER")


def test_memory_is_no_multiple_of_what_was_not_seen():
    cpp = {"run_s": 0.5, "peak_mb": 0.0, "spikes": 7, "digest": "same"}
    seen, ours = cpp | {"peak_mb": 5.0}, cpp | {"peak_mb": 100.0}
    rows = benchmark._rows({"cpp 1": [cpp, seen], "eventsim 1": [ours, ours]}, {})
    assert ["memory" in row for row in rows] == [False, False]
    rows = benchmark._rows({"cpp 1": [seen, seen], "eventsim 1": [ours, ours]}, {})
    assert [row["memory"] for row in rows] == [1.0, 20.0]
    assert "  100   3.00x  " in shown() and "100" in shown(memory=None) and "3.00x" not in shown(memory=None)
    assert "100" not in shown(memory=None, peak_mb=0.0)


def test_memory_is_not_looked_at_while_a_process_only_starts(monkeypatch):
    slept = []
    monkeypatch.setattr(processes.time, "sleep", slept.append)
    monkeypatch.setattr(processes, "peak_mb", lambda pid: 5.0 if slept else 1000.0)
    assert run_process([sys.executable, "-c", ""])["peak_mb"] == 5.0


def test_a_process_does_not_outlive_a_stop(monkeypatch):
    started = []

    def interrupted(process):
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "_watch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_process([sys.executable, "-c", "import time; time.sleep(60)"])
    assert started[0].wait(timeout=30) < 0
