"""A table of neurons becomes populations: the statements, constants and start values of each model.

The statements are those that Brian2's exact integrator and its optimiser give for the equations of the model, in the
same association order and with constants evaluated by numpy: the spikes are then Brian2's.
"""

from dataclasses import dataclass, field

import numpy as np

from eventsim.errors import ConfigError
from eventsim.from_tables.columns import floats, refuse, required
from eventsim.network import Population, Statement

__all__ = ["MODELS", "NUMBERS", "Group", "groups_of"]

#: Model -> column that it reads -> value of neurons without one; None where there must be one.
MODELS = {
    "source": {},
    "lif": {"tau_ms": None, "v_th": 1.0, "v_reset": 0.0, "v_start": 0.0, "drive": 0.0, "refractory_ms": 0.0},
    "integrate": {"v_th": 1.0, "v_start": 0.0, "drive": 0.0},
    "gate": {"v_th": 0.5},
}

NUMBERS = tuple(sorted({column for columns in MODELS.values() for column in columns}))
_LAST_SPIKE_S = -1e4  # Brian2's start value of `lastspike`: long ago


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

    def add(self, place, suffix, kind, each, names=(), fired=()):
        """One operation; `names` are the values it reads."""
        shared = [name for name in names if np.ndim(self.values[name]) == 0]
        constants = {name: np.asarray(self.values[name]).item() for name in shared}
        each, fired = (tuple(Statement(*words.split(" ", 2)) for words in part) for part in (each, fired))
        made = {"each": each, "fired": fired, "constants": constants}
        self.operations.append((place, f"{self.name}{suffix}", kind, made))

    def population(self):
        parameters = {name: value for name, value in self.values.items() if np.ndim(value)}
        rest = self.values.get("refractory_s")
        return Population(
            self.name, self.start, self.size, self.equations, self.state, parameters, self.model == "source",
            guards={"v": "not_refractory"} if self.refractory else {},
            booleans=("not_refractory",) if self.refractory else (), rates=self.rates,
            rate_constants={name: self.values[name] for name in self.rate_names if np.ndim(self.values[name]) == 0},
            refractory_s=rest if self.refractory and np.ndim(rest) == 0 else None,
        )  # fmt: skip


def groups_of(neurons, model, dt_s):
    """The populations in order of their rows, each with its model's statements."""
    if model is not None and "model" in neurons:
        raise ConfigError("neurons: there is a column 'model', and model= as well; give one of them")
    lengths = {column.size for column in neurons.values()}
    models = np.full(max(lengths, default=0), model) if model is not None else required(neurons, "neurons", "model")
    models = models.astype(str)
    unknown = sorted(set(np.unique(models)) - set(MODELS))
    if unknown:
        raise ConfigError(f"neurons: unknown model '{unknown[0]}'; models are {', '.join(MODELS)}")
    names = neurons["population"].astype(str) if "population" in neurons else models
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]) if names.size else np.empty(0, int)
    seen, groups = set(), []
    for start, stop in zip(starts, np.r_[starts[1:], names.size]):
        rows, name = slice(int(start), int(stop)), str(names[start])
        if name in seen:
            raise ConfigError(f"neurons: population '{name}' goes on in row {start}; its rows must follow each other")
        if (models[rows] != models[start]).any():
            raise ConfigError(f"neurons: population '{name}' mixes models; give each model a population of its own")
        seen.add(name)
        group = Group(name, str(models[start]), rows.start, rows.stop - rows.start, dt_s)
        _DESCRIBE[group.model](group, _numbers(neurons, group, rows))
        groups.append(group)
    return groups


def _numbers(neurons, group, rows):
    """The columns of a group's model: column -> float where all its neurons share one, else (size,) float64."""
    numbers, first = {}, rows.start
    for column, default in MODELS[group.model].items():
        if column not in neurons and default is None:
            raise ConfigError(f"neurons: population '{group.name}' ({group.model}) needs the column '{column}'")
        values = _column(neurons, column, rows, default)
        if column.endswith("_ms"):
            wrong, allowed = (values <= 0, "positive") if default is None else (values < 0, "0 or more")
            refuse(wrong, "neurons", column, values, allowed, first)
        numbers[column] = float(values[0]) if (values == values[0]).all() else values
    for column in set(neurons) & set(NUMBERS) - set(numbers) if group.model != "source" else ():
        values = _column(neurons, column, rows, 0.0)
        refuse(values != 0, "neurons", column, values, f"left out (NaN), as {group.model} does not use it", first)
    return numbers


def _column(neurons, column, rows, default):
    """Some rows of a column, the default where there is none."""
    if column not in neurons:
        return np.full(1, default)
    values = floats(neurons, "neurons", column, rows, empty_allowed=default is not None)
    return values if default is None else np.where(np.isnan(values), default, values)


def _source(group, numbers):
    group.add("thresholds", "", "emit", ())


def _lif(group, numbers):
    tau, drive, rest = (numbers[name] for name in ("tau_ms", "drive", "refractory_ms"))
    driven, group.refractory = bool(np.any(drive)), bool(np.any(rest))
    group.values = {"dt": group.dt, "tau": tau * 1e-3, "v_th": numbers["v_th"], "v_reset": numbers["v_reset"]}
    if driven:
        group.values["drive"] = drive
    held = " (unless refractory)" if group.refractory else ""
    right = "(drive - v)/tau" if driven else "-v/tau"
    group.equations = f"dv/dt = {right} : 1{held}"
    group.rates = {"v": right.replace("/tau", "*int(not_refractory)/tau") if group.refractory else right}
    group.rate_names = ("drive", "tau") if driven else ("tau",)
    group.state = {"v": _repeated(numbers["v_start"], group.size)}
    if group.refractory:
        group.values["refractory_s"] = rest * 1e-3
        if np.ndim(tau) or np.ndim(drive) or np.ndim(rest):
            group.values["refractory_ticks"] = _ticks(rest * 1e-3, group.dt)
        group.state |= {"lastspike": np.full(group.size, _LAST_SPIKE_S), "not_refractory": np.ones(group.size)}
    each, names = (_uniform_leak if np.ndim(tau) == np.ndim(drive) == 0 else _leak_by_neuron)(group, driven)
    if group.refractory and "refractory_ticks" in group.values:
        each = ["not_refractory = timestep(t - lastspike, dt) >= refractory_ticks", *each]
        names.append("refractory_ticks")
    group.add("groups", "_stateupdater", "update", each, names)
    _threshold(group, ">=")
    group.add("resets", "_spike_resetter", "reset", ["v = v_reset"], ["v_reset"])


def _uniform_leak(group, driven):
    """As Brian2 writes it where the numbers are constants: all that does not change is evaluated beforehand."""
    values, dt = group.values, group.dt
    exponent = (-dt) / values["tau"]
    decay = float(np.exp(exponent))
    held = group.refractory and "refractory_ticks" not in values
    invariants = [_ticks(values["refractory_s"], dt), exponent] if held else []
    if driven:
        gain = values["drive"] - values["drive"] * decay
        invariants += ([0.0] if held else []) + [gain, decay]
    else:
        invariants.append(decay)
    names = [f"_lio_{k}" for k in range(1, len(invariants) + 1)]
    values.update(zip(names, invariants))
    leak = f"{names[-2]} + ({names[-1]} * v)" if driven else f"{names[-1]} * v"
    each = [f"_v := {leak}", "v = _v"]
    if held:
        still = "_lio_3 + v" if driven else "v"
        each = ["not_refractory = timestep(t - lastspike, dt) >= _lio_1",
                f"_v := where(not_refractory, {leak}, {still})", "v = _v"]  # fmt: skip
    return each, ["dt", "tau", *(["drive"] if driven else []), *names]


def _leak_by_neuron(group, driven):
    """As Brian2 evaluates it where a number is a neuron's own; what it finds anew in each tick is kept in tables."""
    values, dt = group.values, group.dt
    values["decay"] = np.exp((-dt) / values["tau"])
    each = ["_v := v * decay", "v = _v"]
    if driven:
        values["loss"] = values["drive"] * values["decay"]
        each[0] = "_v := (drive + (v * decay)) - loss"
    names = [name for name in ("dt", "drive", "decay", "loss") if name in values]
    return each, names


def _integrate(group, numbers):
    drive = numbers["drive"]
    group.values = {"tick": group.dt, "dt": group.dt, "v_th": numbers["v_th"], "drive": drive}
    group.state = {"v": _repeated(numbers["v_start"], group.size)}
    group.equations = "v : 1"
    if np.any(drive):
        group.equations, group.rates = "dv/dt = drive/tick : 1", {"v": "drive/tick"}
        group.rate_names = ("tick", "drive")
        shared = np.ndim(drive) == 0
        group.values["_lio_1"] = drive * group.dt / group.dt if shared else 1.0
        each = ["_v := _lio_1 + v" if shared else "_v := (_lio_1 * drive) + v", "v = _v"]
        group.add("groups", "_stateupdater", "update", each, ["tick", "dt", "drive", "_lio_1"])
    _threshold(group, ">=")
    group.add("resets", "_spike_resetter", "reset", ["v -= v_th"], ["v_th"])


def _gate(group, numbers):
    group.values, group.state, group.equations = {"v_th": numbers["v_th"]}, {"v": np.zeros(group.size)}, "v : 1"
    _threshold(group, ">")
    group.add("before_synapses", "_each_tick", "update", ["v = 0"])


_DESCRIBE = {"source": _source, "lif": _lif, "integrate": _integrate, "gate": _gate}


def _threshold(group, comparison):
    condition = f"v {comparison} v_th"
    each, fired, names = [f"_cond := {condition}"], [], ["v_th"]
    if group.refractory:
        each, fired, names = [f"_cond := ({condition}) and not_refractory"], _RESTS, ["v_th", "dt"]
    group.add("thresholds", "_spike_thresholder", "threshold", each, names, fired)


#: What Brian2 does to a neuron that fires and has a refractory period.
_RESTS = ("not_refractory = False", "lastspike = t")


def _ticks(period_s, dt):
    """Brian2's `timestep`: whole ticks, a thousandth of one to spare."""
    ticks = np.asarray((period_s + 1e-3 * dt) / dt).astype(np.int64)
    return ticks if ticks.ndim else int(ticks)


def _repeated(value, size):
    return np.broadcast_to(value, (size,)).astype(np.float64)
