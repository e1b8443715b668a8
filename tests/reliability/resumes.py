"""Runs taken up from a checkpoint after each tenth, each time by another process: the same bits as in one go."""

from tests.reliability.processes import Child
from tests.reliability.rows import Row
from tests.reliability.victim import CLOCKS, Victim, content_of

__all__ = ["resumes"]

_TENTHS = range(1, 10)


def resumes(folder, seeds):
    """So many random networks, on either clock in turn."""
    faults, tried = [], 0
    for seed in range(seeds):
        victim, place = Victim(seed, CLOCKS[seed % 2], ticks=1000), folder / str(seed)
        place.mkdir()
        content, _ = victim.undisturbed(place)
        if Child(_save_each_tenth, victim, place).wait():
            faults.append(f"seed {seed}: it cannot be saved")
        for tenth in _TENTHS:
            tried += 1
            path = place / f"resumed-{tenth}.h5"
            if Child(_resume, victim, place / f"saved-{tenth}", path).wait():
                faults.append(f"seed {seed} at {tenth}0 %: it cannot be resumed")
            elif content_of(path) != content:
                faults.append(f"seed {seed} at {tenth}0 %: another SHA-256")
    what = f"runs of {seeds} seeds resumed at each 10 %: the same SHA-256 as uninterrupted"
    return Row(what, tried, tuple(faults), f"{tried - len(faults):,} equal")


def _save_each_tenth(victim, place):
    with victim.simulation(place / "saved.h5") as simulation:
        for tenth in _TENTHS:
            simulation.run(tenth * victim.ticks // 10 - simulation.tick).save(place / f"saved-{tenth}")


def _resume(victim, checkpoint, path):
    with victim.simulation(path) as simulation:
        simulation.load(checkpoint).run().finish().close()
