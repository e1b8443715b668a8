"""A threshold condition taken apart: what is compared with what, and how far they were from each other."""

import ast
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eventsim.expressions import names_in
from eventsim.interpreter import function_of
from eventsim.neurons.affine import inline

__all__ = ["Condition", "Part", "condition_of", "told"]

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_WRITTEN = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


@dataclass(frozen=True)
class Part:
    """One of the things that must all hold for a neuron to fire.

    Parameters
    ----------
    text : str
    left, op, right : str or None
        Of a comparison, the side that changes first; None for what is true or false by itself.
    """

    text: str
    left: str | None = None
    op: str | None = None
    right: str | None = None


@dataclass(frozen=True, eq=False)
class Condition:
    """The threshold condition of a population.

    Parameters
    ----------
    network : CompiledNetwork
    population : Population
    operation : Operation
        The threshold; None for a population that never fires.
    """

    network: object
    population: object
    operation: object

    @cached_property
    def text(self):
        if self.operation is None:
            return "False"
        statements = [*self.operation.once, *self.operation.each]
        return inline(statements, self.population.name)

    @cached_property
    def parts(self):
        """Its Parts: the terms of a conjunction."""
        tree = ast.parse(self.text, mode="eval").body
        terms = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        return tuple(self._part(term) for term in terms)

    def _part(self, term):
        text = ast.unparse(term)
        if not isinstance(term, ast.Compare) or len(term.ops) != 1:
            return Part(text)
        left, right, op = ast.unparse(term.left), ast.unparse(term.comparators[0]), _WRITTEN[type(term.ops[0])]
        changes = [bool(names_in(side, self.population.name) & self._changing) for side in (left, right)]
        if changes == [False, True] and op in _FLIPPED and "keyed_" not in left:
            left, op, right = right, _FLIPPED[op], left
        return Part(text, left, op, right)

    @property
    def _changing(self):
        return self.population.state.keys()

    def evaluate(self, expression, values, ticks):
        """(n,) float64: an expression's value when the variables had these values at these ticks."""
        function = function_of(expression, self._tables)
        return np.array([float(function(self._names(values, row, tick))) for row, tick in enumerate(ticks)])

    @cached_property
    def _tables(self):
        def look_up(k):
            table = self.network.tables[k]
            rows = table.values.reshape(-1, table.n_columns)
            step = table.step_s / table.refine
            return lambda t, c=0: float(rows[min(max(int(round(t / step) // table.refine), 0), len(rows) - 1), int(c)])

        return {name: look_up(k) for name, k in self.operation.tables.items()}

    def _names(self, values, row, tick):
        """Every name of the statements -> its value at one tick."""
        names, whole = {name: column[row].item() for name, column in values.items()}, {"key_lo", "key_hi"}
        whole |= {name for name, column in self.population.parameters.items() if column.dtype == np.int64}
        names |= {name: int(names[name]) for name in whole}
        names |= {name: names[name] != 0.0 for name in self.population.booleans}
        step = tick // self.operation.every
        dt = self.operation.constants.get("dt", self.operation.every * self.network.dt_ms * 1e-3)
        return names | self.operation.constants | {"dt": dt, "t_in_timesteps": step, "t": step * dt}


def condition_of(network, neuron):
    """The Condition of a neuron's population."""
    k = next(k for k, p in enumerate(network.populations) if neuron < p.stop)
    operation = next((o for o in network.schedule if o.kind == "threshold" and o.index == k), None)
    return Condition(network, network.populations[k], operation)


def told(condition, values, tick):
    """The condition at a tick in one line: whether it held, and the values that decided it.

    Parameters
    ----------
    condition : Condition
    values : mapping of str to (n,) float64
        Of which the last entry is that of the tick.
    tick : int
    """
    if condition.operation is None:
        return "its population never fires"
    now = {name: column[-1:] for name, column in values.items()}
    held = [bool(condition.evaluate(part.text, now, [tick])[0]) for part in condition.parts]
    figures = []
    for part, holds in zip(condition.parts, held):
        if holds != all(held):
            continue
        if part.op is None:
            figures.append(f"{part.text} is {'true' if holds else 'false'}")
        else:
            left, right = (condition.evaluate(side, now, [tick])[0] for side in (part.left, part.right))
            figures.append(f"{_with_value(part.left, left)} is {'' if holds else 'not '}{part.op} "
                           f"{_with_value(part.right, right)}")  # fmt: skip
    return " and ".join(figures)


def _with_value(text, value):
    """An expression and its value; a number stands for itself."""
    text = text if len(text) <= 60 else f"{text[:57]}..."
    try:
        return text if float(text) == value else f"{text} = {value!r}"
    except ValueError:
        return f"{text} = {float(value):.17g}"
