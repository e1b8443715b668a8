"""Equations: one neuron's differential equations, threshold, reset and effects as matrices, read from a network.

The audit's own reading of them, besides that of `eventsim.neurons`: statements are computed with Forms. A state is a
column of the variables with a 1 below it, so that each affine map is one matrix; times are in ticks.
"""

import ast
import math
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from analysis.audit.forms import SUPPORTED, Form, Logistic, evaluate
from analysis.audit.statements import GUARD, Statements
from eventsim.compiled_network import EFFECTS
from eventsim.errors import CompileError
from eventsim.interpreter import function_of

__all__ = ["Equations", "Motion"]

_RISES, _FALLS = {ast.Gt: True, ast.GtE: False}, {ast.Lt: True, ast.LtE: False}  # whether strictly
_UNIFORM = function_of("keyed_uniform(lo, hi, draw, purpose, seed)")
#: Of the chance in a threshold that is drawn: variable that sums the hazard up.
_HAZARD = "_hazard"


@dataclass(frozen=True, eq=False)
class Motion:
    """How a state moves between events, as long as no function of time changes.

    Parameters
    ----------
    tick : int
        From which on it holds.
    matrix : (n + 1, n + 1) float64
        d state/dt = matrix @ state, per tick.
    excess : (n + 1,) float64
        excess @ state is how far the neuron is above its threshold.
    growth : (int, (n + 1,) float64) or None
        A variable that grows by exp(row @ state) per tick besides.
    """

    tick: int
    matrix: np.ndarray
    excess: np.ndarray
    growth: tuple | None


class Equations(Statements):
    """One neuron.

    Parameters
    ----------
    network : CompiledNetwork
    neuron : int

    Attributes
    ----------
    variables : tuple of str
    start : (n + 1,) float64
        Its state when a run, or a query after a reset by the host, begins.
    sides : (str, str, str) or None
        The threshold's comparison as text, what rises first; None without threshold.
    strict : bool
        Fires above its threshold only.
    period : (int, float)
        Refractory period: whole ticks and a fraction of one.
    forgets : (n,) int64
        Variables that are 0 again as soon as an instant is over.
    fires_once : bool
        In one instant, whatever is left of what made it fire.

    Raises
    ------
    CompileError
        When there is something that cannot be replayed exactly.
    """

    def __init__(self, network, neuron):
        super().__init__(network, neuron)
        p = self.population
        self._condition, self._drawn, self.sides, self.strict = self._threshold()
        if self._drawn is not None:
            self.variables += (_HAZARD,)
        self.places = {name: place for place, name in enumerate(self.variables)}
        self.start = np.array([*(self._begin.get(v, 0.0) for v in self.variables), 1.0])
        self.period, self.guarded = self._refractory(), [self.places[v] for v in p.guards if v in self.places]
        self.forgets = self._forgotten()
        self.fires_once = bool(self.forgets.size)
        self.reset = self._reset()
        self.is_still = not p.rates and self._drawn is None  # nothing happens between events
        self._effects = lru_cache(None)(self._effects_of)
        self._motions = lru_cache(None)(self._motion)
        for refractory in (False, True):
            self.motion(0, refractory)

    # -- the threshold

    def _threshold(self):
        """(comparison, words of the random stream or None, its text, whether it is strict)."""
        operation = self._only("threshold")
        if operation is None:
            return None, None, None, False
        tree = ast.parse(operation.each[-1].expression.strip(), mode="eval").body
        terms = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        terms = [term for term in terms if not (isinstance(term, ast.Name) and term.id == GUARD)]
        if len(terms) != 1 or not isinstance(terms[0], ast.Compare) or len(terms[0].ops) != 1:
            raise self._refusal(f"the threshold '{ast.unparse(tree)}'")
        left, right, op = terms[0].left, terms[0].comparators[0], type(terms[0].ops[0])
        drawn = isinstance(left, ast.Call) and left.func.id == "keyed_uniform"
        if op not in (_FALLS if drawn else _RISES | _FALLS):
            raise self._refusal(f"the threshold '{ast.unparse(tree)}'")
        if op in _FALLS and not drawn:
            left, right = right, left
        sides = tuple(ast.unparse(side) for side in (left, right))
        words = None
        if drawn:
            names = self.constants | operation.constants
            words = [int(evaluate(ast.unparse(left.args[j]), names, self.name)) for j in (0, 1, 3, 4)]
        return operation, words, sides, (_RISES | _FALLS)[op] and not drawn

    def draw(self, number):
        """The unit exponential variate that a neuron which fires at random waits for after so many others."""
        lo, hi, purpose, seed = self._drawn
        return -math.log(_UNIFORM({"lo": lo, "hi": hi, "draw": number, "purpose": purpose, "seed": seed}))

    @property
    def is_drawn(self):
        """Whether it fires at random, when its hazard has summed up to a draw."""
        return self._drawn is not None

    def side(self, which, tick):
        """(n + 1,) float64: the row of one side of the comparison, 0 for what rises, 1 for the threshold."""
        return self._form(self.sides[which], self._condition, tick).row(self.places)

    # -- what a spike, and what time does

    def _reset(self):
        """(n + 1, n + 1) float64: what a spike makes of the state."""
        matrix, operation = np.eye(len(self.variables) + 1), self._only("reset")
        if operation is None:
            if self._drawn is not None:
                matrix[self.places[_HAZARD]] = 0.0
            return matrix
        if operation.lag or self._drawn is not None:
            raise self._refusal("a reset of what fires at random, or one before thresholds,")
        names = self._names(operation)
        for s in (*operation.once, *operation.each):
            value = evaluate(s.expression, names, self.name)
            if s.op not in (":=", "="):
                names["_is"], names["_by"] = names[s.variable], value
                value = evaluate(f"_is {s.op[0]} _by", names, self.name)
            names[s.variable] = value
        for name, place in self.places.items():
            matrix[place] = self._affine(names[name], f"reset of {name}").row(self.places)
        return matrix

    def _forgotten(self):
        """Variables that an update other than the integration sets to 0 in each tick."""
        forgotten = set()
        known = {*self.population.booleans, "lastspike"}
        for operation in self._operations:
            for s in operation.each if operation.kind == "update" and not operation.integrates else ():
                if s.op == ":=" or s.variable in known:
                    continue
                if s.op != "=" or s.expression.strip() not in ("0", "0.0") or s.variable in self.population.rates:
                    raise self._refusal(f"'{s.variable} {s.op} {s.expression}' in each tick")
                forgotten.add(self.places[s.variable])
        return np.array(sorted(forgotten), dtype=np.int64)

    def _refractory(self):
        p = self.population
        if p.refractory_s is None:
            if p.guards or GUARD in p.state:
                raise self._refusal("a refractory period that is no single number")
            return 0, 0.0
        ticks = p.refractory_s * 1e3 / self.network.dt_ms
        whole = round(ticks)
        ticks = whole if abs(ticks - whole) < 1e-9 * max(ticks, 1.0) else ticks  # seconds over seconds are rounded
        return math.floor(ticks), ticks - math.floor(ticks)

    def motion(self, tick, refractory):
        """The Motion from a tick on; that of `changes` in between stands for all ticks up to the next of them."""
        changes = self.changes
        return self._motions(int(changes[np.searchsorted(changes, tick, side="right") - 1]), refractory)

    def _motion(self, tick, refractory):
        p, n = self.population, len(self.variables)
        matrix, growth = np.zeros((n + 1, n + 1)), None
        updates = [o for o in self._operations if o.kind == "update"]
        tables = {name: f for o in updates for name, f in self._tables(o).items()}
        names = self._names(None, tick, refractory) | p.rate_constants
        for variable, text in p.rates.items():
            place, rate = self.places[variable], Form.of(evaluate(text, names, self.name, tables))
            if refractory and variable in p.guards:
                continue
            matrix[place] = Form(rate.constant, rate.coefficients).row(self.places) * self.network.dt_ms * 1e-3
            if rate.exponentials:
                (factor, inner), *others = rate.exponentials
                if others or matrix[place].any() or factor <= 0 or growth:
                    raise self._refusal(f"d{variable}/dt = {text}")
                row = inner.row(self.places)
                row[-1] += math.log(factor * self.network.dt_ms * 1e-3)
                growth = place, row
        if self._drawn is not None:
            growth = self.places[_HAZARD], self._log_hazard(tick)
        self._check_growth(matrix, growth)
        return Motion(tick, matrix, self._excess(tick), growth)

    def _log_hazard(self, tick):
        """Row of the logarithm of the hazard, per tick: the odds of a logistic chance, else the chance itself."""
        names = self._names(self._condition, tick)
        chance = evaluate(self.sides[1], names, self.name, self._tables(self._condition))
        if isinstance(chance, Logistic):
            return self._affine(chance.inner, self.sides[1]).row(self.places)
        chance = Form.of(chance)
        if not chance.is_constant or chance.constant < 0:
            raise self._refusal(f"the chance '{self.sides[1]}'")
        row = np.zeros(len(self.variables) + 1)
        row[-1] = math.log(chance.constant) if chance.constant else -np.inf
        return row

    def _excess(self, tick):
        if self.sides is None or self._drawn is not None:
            row = np.zeros(len(self.variables) + 1)
            row[-1] = -np.inf if self.sides is None else 0.0
            if self._drawn is not None:
                row[self.places[_HAZARD]] = 1.0
            return row
        return self.side(0, tick) - self.side(1, tick)

    def _check_growth(self, matrix, growth):
        """What grows exponentially has an exponent that is linear in time, and drives nothing."""
        if growth is None:
            return
        place, row = growth
        finite = np.where(np.isfinite(row), row, 0.0)
        if (finite @ matrix @ matrix).any() or matrix[:, place].any() or finite[place]:
            raise self._refusal("an exponential of what does not grow linearly")

    # -- what arrives

    def effects(self, p):
        """[(place, whether it sets, function of the weight, None for the weight itself)] of a delivery by pathway p."""
        return self._effects(p)

    def _effects_of(self, p):
        pathway, found = self.network.pathways[p], []
        names = self.constants | pathway.constants
        for variable, op, text in pathway.effects:
            if EFFECTS[op] not in ("+=", "=") or variable not in self.places or pathway.senders:
                raise CompileError(pathway.name, f"{variable} {EFFECTS[op]} {text} in continuous time", SUPPORTED)
            function = None
            if text.strip() != "weight":
                evaluate(text, names | {"weight": 1.0}, pathway.name)
                function = partial(lambda f, w: float(f(names | {"weight": w})), function_of(text))
            found.append((self.places[variable], op == "set", function))
        return found
