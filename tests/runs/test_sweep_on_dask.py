"""A sweep on a real Dask cluster: a scheduler and two workers, processes of their own, one of which is killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

import runs
from tests.runs.sweeps import TINY, results

pytestmark = [pytest.mark.optional, pytest.mark.slow]

SEEDS = "seed=1,2,3,4"


@pytest.fixture
def cluster(tmp_path):
    """(scheduler's address, worker processes): workers without a nanny, so that a killed one stays dead."""
    distributed = pytest.importorskip("distributed")
    known, elsewhere = tmp_path / "scheduler.json", tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = os.environ | {"PYTHONPATH": str(Path(runs.__file__).parents[1])}
    with ExitStack() as started:

        def start(*arguments):
            command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", known, "--no-dashboard"]
            process = started.enter_context(
                subprocess.Popen(command, env=environment, cwd=elsewhere, stderr=subprocess.DEVNULL)
            )
            started.callback(process.kill)
            return process

        start("scheduler", "--host", "127.0.0.1", "--port", "0")
        workers = [start("worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]
        with distributed.Client(scheduler_file=str(known), timeout=120, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
            address = client.scheduler.address
        yield address, workers


def test_one_worker_is_killed_half_way_and_all_points_come_out_as_on_one_process_here(cluster, eventsim, tmp_path):
    address, (first, _) = cluster
    (tmp_path / "tiny.toml").write_text(TINY)
    arguments = ("sweep", "tiny.toml", "--over", SEEDS, "--out")
    command = [sys.executable, "-m", "runs.cli", *arguments, "far", "--scheduler", address]
    environment = os.environ | {"PYTHONPATH": str(Path(runs.__file__).parents[1])}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as sweep:
        while not list(tmp_path.glob("far/points/*/summary.json")) and sweep.poll() is None:
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        done = len(list(tmp_path.glob("far/points/*/summary.json")))
        printed, _ = sweep.communicate(timeout=600)
    assert done < 4, "all points were there before the worker was killed"
    assert (sweep.returncode, printed.splitlines()[0]) == (0, "4 points: 4 finished, 0 of them before; 0 failed")
    assert eventsim(*arguments[:1], tmp_path / "tiny.toml", *arguments[2:], tmp_path / "near", "--workers", 1).code == 0
    assert results(tmp_path / "far") == results(tmp_path / "near")


def test_a_point_that_fails_on_the_cluster_is_reported_as_here(cluster, eventsim, tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    over = ("--over", "recording=missing.npz", "--out", tmp_path / "far", "--scheduler", cluster[0])
    result = eventsim("sweep", tmp_path / "tiny.toml", *over)
    assert (result.code, "failed: recording=missing.npz-" in result.out, result.err) == (1, True, "")


def test_a_scheduler_that_does_not_answer_is_one_line(eventsim, tmp_path):
    pytest.importorskip("distributed")
    (tmp_path / "tiny.toml").write_text(TINY)
    arguments = ("--over", "seed=1", "--out", tmp_path / "far", "--scheduler")
    for address in ("tcp://127.0.0.1:1", "carrier-pigeon://x"):
        result = eventsim("sweep", tmp_path / "tiny.toml", *arguments, address)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), result.err
        assert f"--scheduler {address}: no Dask scheduler answers" in result.err
