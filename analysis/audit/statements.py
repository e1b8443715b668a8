"""Statements of one neuron's population, computed with Forms in place of its variables."""

from functools import cached_property, partial

import numpy as np

from analysis.audit.forms import SUPPORTED, Form, Logistic, Now, evaluate
from eventsim.errors import CompileError

__all__ = ["GUARD", "Statements"]

#: Brian2's name for not being refractory.
GUARD = "not_refractory"


class Statements:
    """What the schedule does with one neuron.

    Parameters
    ----------
    network : CompiledNetwork
    neuron : int

    Attributes
    ----------
    population : Population
    constants : mapping of str to number
        Its keys and parameters.
    variables : tuple of str
    """

    def __init__(self, network, neuron):
        self.k = next(k for k, p in enumerate(network.populations) if neuron < p.stop)
        self.network, self.population = network, network.populations[self.k]
        self.name, index = self.population.name, neuron - self.population.start
        p = self.population
        self.constants = {"key_lo": int(network.key_lo[neuron]), "key_hi": int(network.key_hi[neuron])}
        self.constants |= {name: column[index].item() for name, column in p.parameters.items()}
        self.variables = tuple(v for v in p.state if v not in p.booleans and v != "lastspike")
        self._begin = {v: p.state[v][index] for v in self.variables}
        self._operations = [o for o in network.schedule if o.index == self.k and o.kind != "deliver"]

    def _only(self, kind):
        found = [o for o in self._operations if o.kind == kind and (o.each or kind == "threshold")]
        if len(found) > 1:
            raise self._refusal(f"{len(found)} operations of kind {kind}")
        return found[0] if found else None

    def _refusal(self, statement):
        return CompileError(self.name, f"{statement} in continuous time", SUPPORTED)

    def _names(self, operation, tick=0, refractory=False):
        dt = operation.every * self.network.dt_ms * 1e-3 if operation else self.network.dt_ms * 1e-3
        names = {"dt": dt, GUARD: not refractory} | self.constants | (operation.constants if operation else {})
        own = {v: Form(0.0, {v: 1.0}) for v in self._begin}
        return names | own | {"t": Now(tick * self.network.dt_ms * 1e-3)}

    def _form(self, text, operation, tick=0):
        names = self._names(operation, tick)
        tables = self._tables(operation)
        for s in (*operation.once, *operation.each):
            if s.op == ":=" and s.variable != "_cond":
                names[s.variable] = evaluate(s.expression, names, self.name, tables)
        return self._affine(evaluate(text, names, self.name, tables), text)

    def _affine(self, value, text):
        if isinstance(value, Logistic) or not Form.of(value).is_affine:
            raise self._refusal(f"'{text}'")
        return Form.of(value)

    def _tables(self, operation):
        return {name: partial(_look_up, self.network.tables[k]) for name, k in operation.tables.items()}

    @cached_property
    def changes(self):
        """(n,) int64: ticks at which a function of time that it reads has a new row, 0 the first."""
        tables = {k for o in self._operations if o.kind in ("update", "threshold") for k in o.tables.values()}
        found = [_changes(self.network.tables[k], self.network.dt_ms * 1e-3) for k in sorted(tables)]
        return np.unique(np.concatenate([np.zeros(1, np.int64), *found]))


def _look_up(table, now, column=0):
    """Value of a function of time, as eventsim.compiled_network.Table says."""
    rows = table.values.reshape(-1, table.n_columns)
    row = int(round(now.seconds / (table.step_s / table.refine)) // table.refine)
    return float(rows[min(max(row, 0), len(rows) - 1), int(column)])


def _changes(table, tick_s):
    """The ticks at whose start a function of time has reached a later row than in the tick before."""
    rows = np.arange(1, table.values.size // table.n_columns)
    near = np.maximum(np.round(rows * table.step_s / tick_s).astype(np.int64) + np.arange(-2, 3)[:, None], 1)
    reached = np.round(near * tick_s / (table.step_s / table.refine)) // table.refine >= rows
    return near[reached.argmax(axis=0), np.arange(rows.size)]
