"""Reading: a population's equations, threshold, reset and refractory period as numbers, at one time."""

import ast
from functools import cached_property

import numpy as np

from eventsim.errors import CompileError
from eventsim.neurons import FAMILIES
from eventsim.neurons.affine import Affine, affine_form, inline
from eventsim.neurons.refractory import period_of
from eventsim.neurons.steps import row_at, tables_of

__all__ = ["GUARD", "Reading"]

#: Brian2's name for not being refractory. Rates are read as they are outside the refractory period.
GUARD = "not_refractory"


class Reading:
    """Population k of a network, functions of time being constants with their value in a tick.

    Raises
    ------
    CompileError
        When a rate is not made of multiples of variables and exponentials of such.
    """

    def __init__(self, network, k, tick=0):
        self.population, self.tick_s = network.populations[k], network.dt_ms * 1e-3
        self.name, self.size = self.population.name, self.population.size
        kinds = ("update", "threshold", "reset")
        self.operations = [o for o in network.schedule if o.index == k and o.kind in kinds and o.each]
        self.variables = tuple(v for v in self.population.state if v not in self.population.booleans)
        self.tables = {
            name: (table.values.reshape(-1, table.n_columns)[row_at(table, np.int64(tick), self.tick_s)])
            for name, table in tables_of(network, k).items()
        }
        part = slice(self.population.start, self.population.stop)
        self.parameters = {"key_lo": network.key_lo[part], "key_hi": network.key_hi[part]} | self.population.parameters
        self.rates = {v: self._rate_form(text) for v, text in self.population.rates.items()}
        self._check_guards()

    def _rate_form(self, text):
        return self.form(text, self.population.rate_constants | {GUARD: 1})

    def form(self, text, constants):
        """The affine form of an expression."""
        return affine_form(text, self.parameters | constants, self.variables, self.name, self.tables)

    def rate(self, variable):
        """The affine form of a variable's derivative per second."""
        return self.rates.get(variable, Affine())

    def per_tick(self, per_second):
        return self.filled(per_second) * self.tick_s

    def filled(self, value):
        return np.broadcast_to(np.asarray(value, dtype=np.float64), self.size).copy()

    def all(self, kind):
        return [o for o in self.operations if o.kind == kind]

    @cached_property
    def condition(self):
        """(comparison, constants) of the threshold, without the test of refractoriness; None without a threshold."""
        if len(self.all("threshold")) > 1 or len(self.all("reset")) > 1:
            raise self.refusal("several thresholds or resets")
        if not self.all("threshold"):
            return None
        (operation,) = self.all("threshold")
        text = inline([*operation.once, *operation.each], self.name, self.tables)
        tree = ast.parse(text, mode="eval").body
        parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        parts = [p for p in parts if not (isinstance(p, ast.Name) and p.id == GUARD)]
        if len(parts) != 1 or not isinstance(parts[0], ast.Compare) or len(parts[0].ops) != 1:
            raise self.refusal(f"the threshold '{text}'")
        return parts[0], operation.constants

    def excess(self):
        """(affine form, strict): the neuron fires when the form rises above 0, or to it unless strict."""
        if self.condition is None:
            raise self.refusal("no threshold")
        compare, constants = self.condition
        op, sides = compare.ops[0], [compare.left, compare.comparators[0]]
        if isinstance(op, ast.Eq | ast.NotEq):
            raise self.refusal(f"the threshold '{ast.unparse(compare)}'")
        if isinstance(op, ast.Lt | ast.LtE):
            sides.reverse()
        high, low = (self.form(ast.unparse(side), constants) for side in sides)
        return high.plus(low.times(-1.0)), isinstance(op, ast.Gt | ast.Lt)

    def resets(self):
        """variable -> (keep, shift) of what a spike makes of it."""
        found = {}
        for operation in self.all("reset"):
            if operation.lag:
                raise self.refusal("a schedule with resets before thresholds")
            temporaries = [*operation.once]
            for s in operation.each:
                if s.op == ":=":
                    temporaries.append(s)
                    continue
                text = s.expression if s.op == "=" else f"{s.variable} {s.op[0]} ({s.expression})"
                statement = type(s)(s.variable, "=", text)
                form = self.form(inline([*temporaries, statement], self.name), operation.constants)
                if form.exponentials or set(form.coefficients) - {s.variable} or s.variable in found:
                    raise self.refusal(f"the reset '{s.variable} {s.op} {s.expression}'")
                found[s.variable] = (form.of(s.variable), form.constant)
        return found

    def forgotten(self):
        """Variables that an update sets to 0 in every tick, besides what integrates the rates."""
        kept = {*self.population.booleans, "lastspike", *self.rates}
        forgotten = set()
        for operation in self.all("update"):
            written = [s for s in operation.each if s.op != ":="]
            statements = "; ".join(f"{s.variable} {s.op} {s.expression}" for s in written)
            if operation.integrates:
                if any(s.variable not in kept for s in written):
                    raise self.refusal(f"equations that are not in the grammar of expressions, as in {statements}")
                continue
            if any(s.op != "=" or s.expression.strip() not in ("0", "0.0") for s in written):
                raise self.refusal(f"{statements} (an update besides the differential equations)")
            forgotten |= {s.variable for s in written}
        return forgotten

    def refractory(self):
        """(size,) float64: length of the refractory period in ticks, 0 without one."""
        if self.population.refractory_s is not None:
            return self.filled(self._whole(self.population.refractory_s / self.tick_s))
        if not any(GUARD in s.expression for o in self.all("threshold") for s in o.each):
            return np.zeros(self.size)
        setting = [o for o in self.all("update") if any(s.variable == GUARD for s in o.each)]
        for operation in setting:
            last = max(j for j, s in enumerate(operation.each) if s.variable == GUARD)
            text = inline([*operation.once, *operation.each[: last + 1]], self.name)
            period = period_of(text, lambda node, o=operation: self._constant(node, o.constants), self.tick_s)
            if period is None:
                raise self.refusal(f"the refractory period '{GUARD} = {text}'")
            return self.filled(self._whole(period))
        raise self.refusal("a refractory period that nothing ends")

    def _constant(self, node, constants):
        """The value of an expression of constants, or None."""
        try:
            form = self.form(ast.unparse(node), constants)
        except CompileError:
            return None
        return np.asarray(form.constant, dtype=np.float64) if form.is_constant else None

    @staticmethod
    def _whole(ticks):
        """Whole numbers of ticks that are off by a rounding, as such."""
        near = np.round(ticks)
        return np.where(np.abs(ticks - near) < 1e-9 * np.maximum(ticks, 1.0), near, ticks)

    def _check_guards(self):
        """A rate that stops while refractory belongs to a variable that takes no delivery then, and the other way."""
        for variable in self.variables:
            stops = GUARD in self.population.rates.get(variable, "")
            if variable in self.rates and stops != (variable in self.population.guards):
                raise self.refusal(f"d{variable}/dt = {self.population.rates[variable]} (guarded in one way only)")

    def refusal(self, statement):
        """The error that this is not supported."""
        return CompileError(self.name, f"{statement} in continuous time", FAMILIES)
