"""Ranks that really run: any number gives the same trace, and one that dies leaves what all had."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import eventsim
from analysis.audit import audit
from eventsim.errors import EnvironmentProblem, EventSimError
from eventsim.ranks import simulate_on_ranks
from eventsim.ranks.job import Settings, make_folder, write_job
from eventsim.ranks.launcher import mpiexec
from eventsim.ranks.partition import owners, ticks_between_meetings
from runs.benchmarks.networks import delta_lif
from tests.support.rank_cases import EXCHANGES

pytest.importorskip("mpi4py")
pytestmark = pytest.mark.optional

CASES = "tests/support/rank_cases.py"


def start(root, n_ranks, *arguments, **environment):
    command = [*mpiexec(), "-n", str(n_ranks), sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)} | environment, text=True,
                          capture_output=True, timeout=600, check=False)  # fmt: skip


@pytest.fixture(scope="module")
def root(request):
    return request.config.rootpath


@pytest.fixture(scope="module")
def compiled():
    return eventsim.compile_network(delta_lif(300, 60))


def compared(root, n_ranks, *how):
    done = start(root, n_ranks, CASES, *how)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # all there is: ranks but the first print nothing


def wrong(found):
    return [name for name, case in found.items() if case["different"] or case["failed"]]


def test_spikes_counters_samples_and_every_hash_are_those_of_one_process(root):
    found = compared(root, 2, "quick")
    assert [case["spikes"] for case in found.values()] == [532, 968, 1124]
    assert wrong(found) == []


@pytest.mark.slow
@pytest.mark.parametrize("n_ranks", [1, 2, 3, 4])
def test_more_networks_and_more_ranks_than_cores_change_no_bit(root, n_ranks):
    found = compared(root, n_ranks)
    assert len(found) == 8
    assert wrong(found) == []


def test_a_rank_that_keeps_its_spikes_to_itself_is_found_by_the_audit(root):
    found = compared(root, 2, "drop")
    assert {name: "deliveries" in case["failed"] for name, case in found.items()} == dict.fromkeys(EXCHANGES, True)


def pid_of(trace, rank):
    """The process of a rank, once it has begun."""
    mark = Path(f"{trace}.ranks") / f"rank-{rank:04d}" / "eventsim-segments.json"
    return json.loads(mark.read_text())["pid"]


def when(is_there, action):
    """Do something in another thread as soon as a file is there."""

    def wait():
        until = time.monotonic() + 120
        while not is_there() and time.monotonic() < until:
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_a_killed_rank_ends_the_run_with_one_error_and_leaves_a_trace_that_passes_the_audit(compiled, tmp_path):
    trace = tmp_path / "t.h5"

    def kept():
        return all(len(list(tmp_path.glob(f"t.h5.ranks/rank-000{rank}/totals-*.h5"))) > 1 for rank in (0, 1))

    when(kept, lambda: os.kill(pid_of(trace, 1), signal.SIGKILL))
    message = r"one of 2 ranks died \(exit code (9|137)\).*t.partial.h5 holds the first"  # of MPICH, of Open MPI
    with pytest.raises(EnvironmentProblem, match=message):
        simulate_on_ranks(2, compiled, compiled.stimulus.lasting(10_000_000), trace=trace, keep_every_s=0.3)
    assert os.listdir(tmp_path) == ["t.partial.h5"]
    with eventsim.open_trace(tmp_path / "t.partial.h5") as partial:
        assert 0 < partial.duration_ticks < 10_000_000
        assert audit(partial, neurons=20).passed
        with eventsim.simulate(compiled, compiled.stimulus.lasting(partial.duration_ticks)) as whole:
            assert partial.manifest["spikes_hash"] == whole.manifest["spikes_hash"]


def test_what_a_launcher_that_died_with_its_ranks_left_is_made_into_a_trace(root, compiled, tmp_path):
    folder, until = make_folder(tmp_path / "t.h5.ranks"), 10_000_000
    settings = Settings(n_ranks=2, span_ticks=ticks_between_meetings(compiled), keep_every_s=0.3)
    cores = np.zeros(compiled.n_neurons, dtype=np.int32)
    write_job(folder, compiled, compiled.stimulus.lasting(until), cores, owners(compiled, 2), settings)

    def kept():
        return all(len(list(folder.glob(f"rank-000{rank}/totals-*.h5"))) > 1 for rank in (0, 1))

    when(kept, lambda: os.kill(pid_of(tmp_path / "t.h5", 0), signal.SIGKILL))
    assert start(root, 2, "-m", "eventsim.ranks", "run", str(folder)).returncode in (9, 137)  # of MPICH, of Open MPI
    done = subprocess.run([sys.executable, "-m", "eventsim.ranks", "recover", str(folder), str(tmp_path / "p.h5")],
                          cwd=root, capture_output=True, text=True, timeout=60, check=True)  # fmt: skip
    assert done.stdout.startswith("<Trace")
    with eventsim.open_trace(tmp_path / "p.h5") as partial:
        assert 0 < partial.duration_ticks < until and audit(partial, neurons=20).passed


def test_an_interrupt_from_the_keyboard_ends_the_ranks_at_one_tick_and_leaves_a_whole_trace(compiled, tmp_path):
    trace = tmp_path / "t.h5"
    has_begun = (tmp_path / "t.h5.ranks" / "rank-0001" / "eventsim-segments.json").exists
    when(has_begun, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        eventsim.simulate(compiled, compiled.stimulus.lasting(10_000_000), trace=trace, ranks=2)
    assert os.listdir(tmp_path) == ["t.h5"]
    with eventsim.open_trace(trace) as stopped:
        assert 0 < stopped.duration_ticks < 10_000_000
        assert stopped.verify_hashes() == [(name, True) for name, _ in stopped.verify_hashes()]


def test_what_is_wrong_on_a_rank_is_said_once_and_names_the_rank(compiled, tmp_path):
    with pytest.raises(EventSimError, match=r"^rank \d of 2: memory, in bytes, exceeded on max_bytes"):
        eventsim.simulate(compiled, duration_ms=10, ranks=2, max_bytes=1000, trace=tmp_path / "t.h5")
    assert os.listdir(tmp_path) == []


def test_a_launcher_of_another_mpi_is_named_in_place_of_as_many_runs_as_it_started(root):
    told = {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "4"}
    done = subprocess.run([sys.executable, "-m", "runs.cli", "chips"], cwd=root, env=os.environ | told, text=True,
                          capture_output=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 3
    assert "this is process 0 of 4 (OMPI_COMM_WORLD_SIZE)" in done.stderr and done.stderr.count("\n") == 1
    done = subprocess.run([sys.executable, "-m", "runs.cli", "chips"], cwd=root, text=True, capture_output=True,
                          env=os.environ | told | {"OMPI_COMM_WORLD_RANK": "3"}, timeout=60, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@pytest.mark.parametrize("arguments, said", [
    (["no-such-experiment"], "no-such-experiment"),
    (["--brian2", "script.py"], "start it without --ranks, mpirun or srun"),
])  # fmt: skip
def test_the_command_line_says_a_mistake_once_however_many_ranks_there_are(root, arguments, said):
    done = start(root, 2, "-m", "runs.cli", "run", *arguments)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("eventsim: ") == 1 and said in done.stderr
