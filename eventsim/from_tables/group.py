"""One population of a table while it is built: its numbers, and its statements in Brian2's order."""

from dataclasses import dataclass, field

import numpy as np

from eventsim.compiled_network import Population, Statement

__all__ = ["Group", "repeated", "ticks"]

_LAST_SPIKE_S = -1e4  # Brian2's start value of `lastspike`: long ago

#: What Brian2 does to a neuron that fires and has a refractory period.
_RESTS = ("not_refractory = False", "lastspike = t")


@dataclass
class Group:
    """One population while it is built: its numbers, scalars where all neurons share one, and its statements."""

    name: str
    model: str
    start: int
    size: int
    dt: float
    equations: str = ""
    values: dict = field(default_factory=dict)  # name -> float, int, or (size,) array
    state: dict = field(default_factory=dict)
    operations: list = field(default_factory=list)  # (place in the tick, Brian2's name, Operation without index)
    rates: dict = field(default_factory=dict)
    rate_names: tuple = ()
    refractory: bool = False
    receptors: tuple = ("v",)  # what weights are added to; where there are two, the second takes those below zero

    def add(self, place, suffix, kind, each, names=(), fired=()):
        """One operation; `names` are the values it reads."""
        shared = [name for name in names if np.ndim(self.values[name]) == 0]
        constants = {name: np.asarray(self.values[name]).item() for name in shared}
        each, fired = (tuple(Statement(*words.split(" ", 2)) for words in part) for part in (each, fired))
        made = {"each": each, "fired": fired, "constants": constants, "integrates": suffix == "_stateupdater"}
        self.operations.append((place, f"{self.name}{suffix}", kind, made))

    def rest_for(self, refractory_ms):
        """Give it a refractory period, in which v neither moves nor receives."""
        self.refractory = True
        self.values["refractory_s"] = refractory_ms * 1e-3
        self.state |= {"lastspike": np.full(self.size, _LAST_SPIKE_S), "not_refractory": np.ones(self.size)}

    def add_threshold(self, comparison):
        condition = f"v {comparison} v_th"
        each, fired, names = [f"_cond := {condition}"], [], ["v_th"]
        if self.refractory:
            each, fired, names = [f"_cond := ({condition}) and not_refractory"], _RESTS, ["v_th", "dt"]
        self.add("thresholds", "_spike_thresholder", "threshold", each, names, fired)

    def population(self):
        parameters = {name: value for name, value in self.values.items() if np.ndim(value)}
        rest = self.values["refractory_s"] if self.refractory else None
        return Population(
            self.name, self.start, self.size, self.equations, self.state, parameters, self.model == "source",
            guards={"v": "not_refractory"} if self.refractory else {},
            booleans=("not_refractory",) if self.refractory else (), rates=self.rates,
            rate_constants={name: self.values[name] for name in self.rate_names if np.ndim(self.values[name]) == 0},
            refractory_s=None if rest is None or np.ndim(rest) else rest,
        )  # fmt: skip


def ticks(period_s, dt):
    """Brian2's `timestep`: whole ticks, a thousandth of one to spare."""
    whole = np.asarray((period_s + 1e-3 * dt) / dt).astype(np.int64)
    return whole if whole.ndim else int(whole)


def repeated(value, size):
    return np.broadcast_to(value, (size,)).astype(np.float64)
