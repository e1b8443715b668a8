"""A table of neurons becomes populations: the statements, constants and start values of each model.

The statements are those that Brian2's exact integrator and its optimiser give for the equations of the model, in the
same association order and with constants evaluated by numpy: the spikes are then Brian2's.
"""

import numpy as np

from eventsim.errors import ConfigError
from eventsim.from_tables import currents, delta
from eventsim.from_tables.columns import floats, refuse, required
from eventsim.from_tables.group import Group

__all__ = ["MODELS", "NUMBERS", "groups_of"]

_LIF = {"tau_ms": None, "v_th": 1.0, "v_reset": 0.0, "v_start": 0.0, "drive": 0.0, "refractory_ms": 0.0}

#: Model -> column that it reads -> value of neurons without one; None where there must be one.
MODELS = {
    "source": {},
    "lif": _LIF,
    "lif_exp": _LIF | {"tau_exc_ms": None, "tau_inh_ms": None},
    "lif_alpha": _LIF | {"tau_syn_ms": None},
    "integrate": {"v_th": 1.0, "v_start": 0.0, "drive": 0.0},
    "gate": {"v_th": 0.5},
}

_DESCRIBE = {
    "source": delta.source, "lif": delta.lif, "lif_exp": currents.lif_exp, "lif_alpha": currents.lif_alpha,
    "integrate": delta.integrate, "gate": delta.gate,
}  # fmt: skip

NUMBERS = tuple(sorted({column for columns in MODELS.values() for column in columns}))


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
