"""Runs killed outright: at random instants, while they finish, and before or after each step of finishing."""

import shutil
import signal
import time

import numpy as np

from tests.reliability.rows import Row
from tests.reliability.scene import FINISHES, HANDED, RUNS, Scene
from tests.reliability.victim import CLOCKS

__all__ = ["kills_during_a_run", "kills_during_the_finish"]


def kills_during_a_run(folder, kills):
    """At instants drawn evenly from the length of a run."""
    what = ("SIGKILL at a random instant of a run: segments and an older trace intact, at most one segment lost, "
            "the same SHA-256 when run again")  # fmt: skip
    return _killed(folder, kills, _within_the_run, what)


def kills_during_the_finish(folder, kills):
    """Two of four at a random instant of the finish; two before or after one of its calls to the disk."""
    return _killed(folder, kills, _within_the_finish, "SIGKILL while a run merges, renames and clears up: the same")


def _killed(folder, kills, kill, what):
    """The row of so many kills: on either clock in turn, over an older trace every other time."""
    scenes = [Scene(folder, clock) for clock in CLOCKS]
    rng, faults, most_lost = np.random.default_rng(20), [], 0
    for k in range(kills):
        scene, told = scenes[k % 2], None
        while told is None:  # a run that ended before it was killed does not count
            shutil.rmtree(folder / "run", ignore_errors=True)
            path = scene.place(folder / "run", with_older=k % 4 < 2)
            told = kill(scene, path, rng, k)
        found, lost = scene.faults(path, int(told[HANDED]))
        found += scene.faults_of_a_rerun(path)
        faults += [f"kill {k}, {scene.clock}: {fault}" for fault in found]
        most_lost = max(most_lost, lost)
    return Row(what, kills, tuple(faults), f"{most_lost} segment{'s' * (most_lost != 1)} lost")


def _within_the_run(scene, path, rng, _):
    child, told = scene.start(path)
    child.wait_until(lambda: told[RUNS])
    time.sleep(rng.uniform(0, scene.run_s))
    return _killed_by_us(child, told)


def _within_the_finish(scene, path, rng, k):
    if k // 2 % 2:
        # Its first calls force the trace to disk and rename it; the many after them delete segments.
        step = int(rng.integers(1, 8)) if rng.random() < 0.7 else int(rng.integers(8, scene.calls + 1))
        child, told = scene.start(path, dies_at=(step, bool(rng.integers(2))))
        return told if child.wait() == -signal.SIGKILL else None
    child, told = scene.start(path)
    child.wait_until(lambda: told[FINISHES])
    time.sleep(rng.uniform(0, scene.finish_s))
    return _killed_by_us(child, told)


def _killed_by_us(child, told):
    child.signal(signal.SIGKILL)
    return told if child.wait() == -signal.SIGKILL else None
