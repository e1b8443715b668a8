"""What is measured: networks, how long each is run, and the small sizes of `--quick`."""

from dataclasses import dataclass

import numpy as np

__all__ = ["CASES", "Case"]

#: Name -> (function of `runs.benchmarks.networks` or `.attention`, arguments, milliseconds), whole and quick.
_WHOLE = {
    "B1": ("cuba", (), 1000),
    "B1x10": ("cuba", (40_000,), 1000),
    "B2": ("delta_lif", (), 1000),
    "B3": ("coincidence", (), 200),
    "B4": ("hardware_like", (), 1000),
    "sparse": ("hardware_like", (1_000_000, 8), 1000),
    "clusters": ("hardware_like", (102_400, 100, 512), 1000),
    "planted": ("hardware_like", (100_000, 100, 500, 0.8, True), 1000),
    "planted20": ("hardware_like", (100_000, 20, 500, 0.9, True), 1000),
    "chip": ("integrators", (), 1000),
    "softmax": ("softmax", (), 5000),
    "head": ("head", (), 900),
    "SSA": ("ssa", (), 200),
    "QKTA": ("qkta", (), 200),
}
_QUICK = {
    "B1": ("cuba", (1000,), 200),
    "B1x10": ("cuba", (4000,), 100),
    "B2": ("delta_lif", (1000, 100), 200),
    "B3": ("coincidence", (16, 16), 50),
    "B4": ("hardware_like", (8192, 32), 100),
    "sparse": ("hardware_like", (8192, 4), 50),
    "clusters": ("hardware_like", (8192, 32, 512), 50),
    "planted": ("hardware_like", (8000, 32, 500, 0.8, True), 50),
    "planted20": ("hardware_like", (8000, 8, 500, 0.9, True), 50),
    "chip": ("integrators", (512, 32, 100.0), 100),
    "softmax": ("softmax", (16, 4, 2, 200), 600),
    "head": ("head", (2, 2, 32), 100),
    "SSA": ("ssa", (4, 8, 2, 20), 20),
    "QKTA": ("qkta", (4, 8, 2, 20), 20),
}
CASES = tuple(_WHOLE)

#: As many as a core of Loihi holds (Davies et al., IEEE Micro 38 (2018) 82); "chip" is spread over all 128.
_NEURONS_PER_CORE, _SPREAD = 1024, {"chip": 32}


@dataclass(frozen=True)
class Case:
    """One network and the length of its run.

    Parameters
    ----------
    name : str
    quick : bool
        A small network and a short run, to see that everything works.
    """

    name: str
    quick: bool = False

    @property
    def duration_ms(self):
        return self._row[2]

    @property
    def folder(self):
        """Name of the folder that holds what is prepared for it."""
        return f"{self.name}-quick" if self.quick else self.name

    def build(self):
        """The brian2.Network."""
        from runs.benchmarks import attention, networks  # Brian2, which a saved network does without

        function, arguments, _ = self._row
        return getattr(networks if hasattr(networks, function) else attention, function)(*arguments)

    def cores(self, compiled):
        """(n_neurons,) int32: core of each neuron, each population on cores of its own, filled in order of neuron."""
        core_of, first = np.full(compiled.n_neurons, -1, dtype=np.int32), 0
        per_core = _SPREAD.get(self.name, _NEURONS_PER_CORE)
        for p in compiled.populations:
            if not p.is_source:
                core_of[p.start : p.stop] = first + np.arange(p.size) // per_core
                first = int(core_of[p.stop - 1]) + 1
        return core_of

    @property
    def _row(self):
        return (_QUICK if self.quick else _WHOLE)[self.name]
