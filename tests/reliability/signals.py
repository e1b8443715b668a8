"""Ctrl-C and SIGTERM at random instants of a run: the process ends by them and leaves a trace up to its last tick."""

import shutil
import signal
import time

import numpy as np

from eventsim import open_trace
from tests.reliability.rows import Row
from tests.reliability.scene import FINISHES, RUNS, TICK, Scene
from tests.reliability.victim import CLOCKS

__all__ = ["signals"]

#: Signal -> how a process ends that it was sent to: Python's code for an interrupt in the child, or by the signal.
_ENDS = {signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM}


def signals(folder, sent):
    """Either signal in turn, on either clock; one in four while the run finishes."""
    scenes = {clock: _with_spikes(Scene(folder, clock), folder) for clock in CLOCKS}
    rng, faults, shortest = np.random.default_rng(21), [], 1.0
    for k in range(sent):
        number, (scene, spikes) = list(_ENDS)[k % 2], scenes[CLOCKS[k // 2 % 2]]
        found = None
        while found is None:  # a run that ended before it was interrupted does not count
            shutil.rmtree(folder / "run", ignore_errors=True)
            path = scene.place(folder / "run", with_older=k % 3 == 0)
            found = _interrupted(scene, path, spikes, number, rng, finishing=k % 4 == 3)
        problems, covered = found
        faults += [f"{signal.Signals(number).name} {k}, {scene.clock}: {problem}" for problem in problems]
        shortest = min(shortest, covered)
    what = "SIGTERM and Ctrl-C at a random instant: a valid trace up to the last tick, and the process ends by them"
    return Row(what, sent, tuple(faults), f"0 ticks lost; the shortest trace had {shortest:.0%} of the run")


def _with_spikes(scene, folder):
    scene.victim.run(folder / "whole.h5")
    with open_trace(folder / "whole.h5") as trace:
        return scene, trace.spikes()


def _interrupted(scene, path, spikes, number, rng, finishing):
    """(faults, share of the run in the trace) after a signal, or None when it came too late."""
    child, told = scene.start(path)
    child.wait_until(lambda: told[FINISHES if finishing else RUNS])
    time.sleep(rng.uniform(0, 0.8 * scene.finish_s if finishing else scene.run_s))
    known = int(told[TICK])
    child.signal(number)
    code = child.wait()
    if code == 0:
        return None
    faults = [] if code == _ENDS[number] else [f"it ended with {code}"]
    try:
        with open_trace(path) as trace:
            ticks = trace.duration_ticks
            sound = trace.complete and not trace.column_faults() and all(same for _, same in trace.verify_hashes())
            same = trace.spikes().neuron.tobytes() == spikes.neuron[spikes.tick < ticks].tobytes()
            if not (sound and same and ticks >= known):
                faults.append(f"sound {sound}, the same spikes {same}, {ticks} ticks where {known} were done")
    except Exception as error:  # whatever a trace that is not sound raises is a fault to be told
        return [*faults, f"{type(error).__name__}: {error}"], 0.0
    left = sorted(entry.name for entry in path.parent.iterdir())
    return (faults if left == [path.name] else [*faults, f"it leaves {left}"]), ticks / scene.victim.ticks
