"""Sweeps on this machine: which points there are, what is run again, and what a failure or a death costs."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import wait
from pathlib import Path

import pandas as pd
import pytest

import runs
from eventsim.doctor import THREAD_VARIABLES
from eventsim.errors import ConfigError
from runs import cli
from runs.sweep.executors import WorkerDied, local
from runs.sweep.expansion import expand
from runs.sweep.table import scalars
from tests.runs.sweeps import TINY, die_once, lives, results, start_and_wait

KEYS = ("beta", "seed", "ticks", "rate", "codes", "softmax")


def test_a_grid_has_all_combinations_and_a_zip_goes_in_step():
    plan = {"grid": {"beta": [1.0, 2.0]}, "zip": [{"ticks": [10, 20], "rate": [0.2, 0.1]}]}
    points, _ = expand(plan, ["seed=1,2"], "a.toml", KEYS)
    assert [tuple(point.values()) for point in points] == [
        (1.0, 10, 0.2, 1), (1.0, 10, 0.2, 2), (1.0, 20, 0.1, 1), (1.0, 20, 0.1, 2),
        (2.0, 10, 0.2, 1), (2.0, 10, 0.2, 2), (2.0, 20, 0.1, 1), (2.0, 20, 0.1, 2),
    ]  # fmt: skip
    assert list(points[0]) == ["beta", "ticks", "rate", "seed"]


@pytest.mark.parametrize(
    "text, values",
    [
        ("seed=1,2", [1, 2]),
        ("softmax=race, thinning", ["race", "thinning"]),
        ('codes=["rate"],["rate","latency"]', [["rate"], ["rate", "latency"]]),
        ("beta=1e3", [1000.0]),
    ],
)
def test_values_on_the_command_line_are_toml_or_bare_words(text, values):
    points, _ = expand({}, [text], "a.toml", KEYS)
    assert [value for point in points for value in point.values()] == values


@pytest.mark.parametrize(
    "plan, over, said",
    [
        ({}, [], "there are no points; give --over"),
        ({"grid": {"seed": []}}, [], "there are no points without values"),
        ({"grid": {"sed": [1]}}, [], "there is no key 'sed'; the keys are: beta, seed"),
        ({"grid": {"seed": 3}}, [], "give a list"),
        ({"grid": [1]}, [], "tables of lists"),
        ({"seed": [1, 2]}, [], "'grid' and 'zip' and nothing else"),
        ([1], [], "'grid' and 'zip' and nothing else"),
        ({"zip": {"ticks": [1, 2], "rate": [0.1]}}, [], "their lengths are: ticks 2, rate 1"),
        ({"grid": {"seed": [1]}}, ["seed=2"], "--over seed=2: 'seed' is swept already"),
        ({}, ["seed"], "--over seed: write key=v1,v2,..."),
        ({}, ["seed="], "give a list of at least one"),
        ({"grid": {key: list(range(100)) for key in ("seed", "ticks", "beta")}}, [], "1,000,000 points"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused_in_words(plan, over, said):
    with pytest.raises(ConfigError) as error:
        expand(plan, over, "a.toml", KEYS)
    assert said in str(error.value)


MISTAKES = {
    "no worker": (["--over", "seed=1", "--workers", "0"], "0 is not in the range x>=1"),
    "here and there": (["--over", "seed=1", "--workers", "1", "--scheduler", "tcp://x"], "or --scheduler"),
    "a wrong value": (["--over", "seed=1,none"], "--over seed=1,none: Expected `int`, got `str`"),
    "set and swept": (["--over", "seed=1,2", "--set", "seed=3"], "--set seed=3: 'seed' is swept"),
    "the same point twice": (["--over", "seed=1,1"], "two points of this sweep are the same"),
    "no points": ([], "there are no points"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gives_one_line_and_exit_code_2_before_anything_is_run(name, tmp_path, capsys):
    arguments, expected = MISTAKES[name]
    (tmp_path / "tiny.toml").write_text(TINY)
    with pytest.raises(SystemExit) as stop:
        cli.main(["sweep", str(tmp_path / "tiny.toml"), "--out", str(tmp_path / "out"), *arguments])
    printed = capsys.readouterr()
    assert (stop.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert expected in printed.err
    assert not (tmp_path / "out" / "points").exists()


def test_run_says_that_a_file_with_a_sweep_is_for_sweep(tmp_path, capsys):
    (tmp_path / "tiny.toml").write_text(TINY + "[sweep.grid]\nseed = [1]\n")
    with pytest.raises(SystemExit) as stop:
        cli.main(["run", str(tmp_path / "tiny.toml")])
    assert (stop.value.code, "it is for `eventsim sweep`" in capsys.readouterr().err) == (2, True)


@pytest.fixture(scope="module")
def swept(eventsim, tmp_path_factory):
    """(folder, command, Result): four points on two processes, of which the two whose recording is no file fail."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "tiny.toml").write_text(TINY + '[sweep.grid]\nseed = [1, 2]\nrecording = ["", "missing.npz"]\n')
    command = ("sweep", folder / "tiny.toml", "--json", "--out")
    return folder, command, eventsim(*command, folder / "two", "--workers", 2)


def test_a_point_that_fails_is_reported_and_stops_no_other(swept):
    folder, _, result = swept
    assert result.code == 1
    assert result.err == ""
    assert (result.document["points"], result.document["finished"]) == (4, 2)
    assert [each["error"].startswith("missing.npz") for each in result.document["failed"]] == [True, True]
    for each in result.document["failed"]:
        assert "ConfigError: missing.npz" in (folder / "two" / "points" / each["point"] / "error.txt").read_text()


def test_the_table_has_a_row_for_each_point_with_its_keys_and_the_scalars_of_its_summary(swept):
    table = pd.read_csv(swept[0] / "two" / "sweep.csv", keep_default_na=False)
    assert list(table["seed"]) == [1, 1, 2, 2]
    assert list(table["recording"]) == ["", "missing.npz"] * 2
    assert [bool(error) for error in table["error"]] == [False, True] * 2
    assert list(table["blocks.0.block"]) == ["qk_token", ""] * 2
    pytest.importorskip("pyarrow")
    stored = pd.read_parquet(swept[0] / "two" / "sweep.parquet")
    assert list(stored.columns) == list(table.columns)
    assert stored["blocks.0.block"].isna().tolist() == [False, True] * 2


def test_the_same_command_runs_only_what_is_missing_or_failed_and_one_process_gives_the_same_bytes_as_two(
    swept, eventsim
):
    folder, command, first = swept
    before = results(folder / "two")
    failed = {each["point"] for each in first.document["failed"]}
    whole, lost = sorted(path for path in (folder / "two" / "points").iterdir() if path.name not in failed)
    written = (whole / "summary.json").stat().st_mtime_ns
    for file in lost.iterdir():
        file.unlink()
    again = eventsim(*command, folder / "two", "--workers", 1)
    assert (again.code, again.document["run"], again.document["finished"]) == (1, 3, 2)
    assert (whole / "summary.json").stat().st_mtime_ns == written
    assert {"sweep.csv", f"points/{lost.name}/qk_token.h5", f"points/{lost.name}/summary.json"} <= set(before)
    assert results(folder / "two") == before


def test_a_key_of_the_summary_never_covers_another():
    assert scalars({"a": {"b": 1, "c": [1, 2]}, "d": [{"b": True}, {"b": None}]}) == {
        "a.b": 1, "d.0.b": True, "d.1.b": None,
    }  # fmt: skip


def test_a_worker_has_one_thread_for_each_library_and_this_process_keeps_its_own(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with local(1) as executor:
        assert list(executor.map(os.getenv, THREAD_VARIABLES)) == ["1"] * len(THREAD_VARIABLES)
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_a_killed_worker_loses_its_own_point_alone_and_another_takes_its_place(tmp_path):
    with local(2) as executor:
        process = executor.submit(os.getpid).result()
        once = executor.submit(die_once, str(tmp_path / "mark"))
        fatal = executor.submit(os._exit, 9)
        others = [executor.submit(os.getpid) for _ in range(4)]
        wait([once, fatal, *others])
        assert once.result() == "survived"
        assert isinstance(fatal.exception(), WorkerDied)
        assert process != os.getpid() and all(other.result() != os.getpid() for other in others)


def test_an_interrupt_ends_workers_at_once_and_what_they_started(tmp_path):
    note = tmp_path / "started"
    futures = []
    with pytest.raises(KeyboardInterrupt):
        _interrupted(futures, note)
    assert isinstance(futures[0].exception(), WorkerDied)
    assert futures[1].cancelled()
    assert _is_gone(int(note.read_text()))


def _interrupted(futures, note):
    with local(1) as executor:
        futures += [executor.submit(start_and_wait, str(note)) for _ in range(2)]
        while not note.exists():
            time.sleep(0.05)
        assert lives(int(note.read_text()))
        raise KeyboardInterrupt


#: A sweep whose worker sleeps: prints the worker's process id, then waits for it.
ENDLESS = """
import os, time
from runs.sweep.executors import local
if __name__ == "__main__":
    with local(1) as executor:
        print(executor.submit(os.getpid).result(), flush=True)
        executor.submit(time.sleep, 600).result()
"""


def test_workers_of_a_sweep_that_is_killed_do_not_stay(tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    environment = os.environ | {"PYTHONPATH": str(Path(runs.__file__).parents[1])}
    command = [sys.executable, tmp_path / "endless.py"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as sweep:
        worker = int(sweep.stdout.readline())
        assert lives(worker)
        sweep.kill()
        assert _is_gone(worker)


def _is_gone(process):
    """Whether a process ends within half a minute."""
    deadline = time.monotonic() + 30
    while lives(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not lives(process)


#: A sweep that gets SIGTERM, as from a cluster whose time is up, when it hands over its first point.
ENDED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from runs.sweep import sweep

class Executor:
    def submit(self, *_):
        os.kill(os.getpid(), signal.SIGTERM)

@contextmanager
def local(workers):
    try:
        yield Executor()
    finally:
        print("stopped")

sweep.local = local
sweep.run_sweep(sys.argv[1], (), ["seed=1,2"], Path(sys.argv[2]))
"""


def test_a_sweep_that_is_asked_to_end_stops_its_workers_and_ends_by_the_signal(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    command = [sys.executable, "-uc", ENDED, tmp_path / "tiny.toml", tmp_path / "out"]
    environment = os.environ | {"PYTHONPATH": str(Path(runs.__file__).parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "stopped\n", "")


#: A sweep that holds a folder: says so, then waits.
HOLDING = """
import sys, time
from pathlib import Path
from runs.sweep import sweep
sweep.write_table = lambda *_: (print("holds", flush=True), time.sleep(600))
sweep._run_all = lambda *_: {}
sweep.run_sweep(sys.argv[1], (), ["seed=1,2"], Path(sys.argv[2]))
"""


def test_two_sweeps_in_one_folder_are_one_error_and_a_killed_one_is_no_obstacle(tmp_path, eventsim):
    (tmp_path / "tiny.toml").write_text(TINY)
    command = [sys.executable, "-c", HOLDING, tmp_path / "tiny.toml", tmp_path / "out"]
    again = ("sweep", tmp_path / "tiny.toml", "--over", "seed=1", "--workers", 1, "--out", tmp_path / "out")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "holds\n"
        refused = eventsim(*again)
        first.kill()
    assert (refused.code, refused.out) == (2, "")
    there = f"another sweep is running in {tmp_path / 'out'}"
    assert refused.err == f"eventsim: {there}; wait for it, end it, or give another --out\n"
    assert eventsim(*again).code == 0
