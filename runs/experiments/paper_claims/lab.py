"""Runs the experiments that claims rest on, each once, as many at a time as there are cores."""

from concurrent.futures import Executor, Future
from contextlib import nullcontext
from time import perf_counter
from typing import NamedTuple

from eventsim.doctor import usable_cores
from eventsim.ranks import chosen_ranks
from runs.config import load_config
from runs.experiments import EXPERIMENTS
from runs.run import execute, results_folder
from runs.sweep.executors import local

__all__ = ["Lab", "Need", "workers"]


class Need(NamedTuple):
    """An experiment that a claim rests on, with its settings ("key=value") for a full run and for a quick one."""

    name: str
    settings: tuple[str, ...]
    quick_settings: tuple[str, ...]


class Lab:
    """Summaries of experiments by name. All are begun at once, in the order in which they are needed.

    Parameters
    ----------
    folder : Path
    quick : bool
        Whether runs are to be small.
    needs : sequence of Need
        Of several of one name the first decides.
    executor : concurrent.futures.Executor
    say : callable
        Called with a line when all begin, and when one has ended.

    Attributes
    ----------
    seconds : dict of str to float
        What each took that has been asked for.
    """

    def __init__(self, folder, quick, needs, executor, say):
        chosen = {}
        for need in needs:
            chosen.setdefault(need.name, need.quick_settings if quick else need.settings)
        say(f"running {', '.join(chosen)}")
        self.quick, self.seconds = quick, {}
        self._begun = {name: executor.submit(_measured, name, settings, folder / name)
                       for name, settings in chosen.items()}  # fmt: skip
        for name, future in self._begun.items():
            future.add_done_callback(lambda _, name=name: say(f"{name} has ended"))

    def summary(self, name):
        """What an experiment found, as soon as it has ended."""
        found, self.seconds[name] = self._begun[name].result()
        return found


def workers():
    """The executor of a Lab, as a context: a process for each core; this one where simulations are divided by MPI."""
    return local(usable_cores()) if chosen_ranks() is None else nullcontext(_Here())


class _Here(Executor):
    """Runs what is submitted at once, in this process."""

    def submit(self, function, /, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


def _measured(name, settings, folder):
    """Run an experiment; its summary and the seconds that it took."""
    began = perf_counter()
    experiment, config = load_config(name, settings, EXPERIMENTS)
    summary = execute(experiment, config, results_folder(folder, name), progress=False)
    return summary, perf_counter() - began
