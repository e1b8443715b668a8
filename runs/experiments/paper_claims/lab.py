"""Runs the experiments that claims rest on, each once, each into a folder of its own beside the page."""

from time import perf_counter

from runs.run import run_experiment

__all__ = ["Lab"]


class Lab:
    """Summaries of experiments by name.

    Parameters
    ----------
    folder : Path
    quick : bool
        Whether claims are to ask for small runs.
    say : callable
        Called with a line before each experiment.
    """

    def __init__(self, folder, quick, say):
        self.folder, self.quick, self._say, self._found, self.seconds = folder, quick, say, {}, {}

    def summary(self, name, settings, quick_settings):
        """What an experiment found under these settings ("key=value"); the first that ask decide on them."""
        if name not in self._found:
            chosen = quick_settings if self.quick else settings
            self._say(f"running {name}")
            began = perf_counter()
            self._found[name] = run_experiment(name, chosen, self.folder / name)[0]
            self.seconds[name] = perf_counter() - began
        return self._found[name]
