"""Which exact solution a population has: from its rates, threshold and reset to the kernel's numbers."""

import ast
from dataclasses import dataclass

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import evaluate
from eventsim.neurons import CURRENTS, ESCAPE, EXPONENTIAL, FAMILIES, GATE, LEAKY, SOURCE, currents, exponential, leaky
from eventsim.neurons.affine import Affine, affine_form, inline
from eventsim.neurons.cell import N_PARAMETERS, STATE

__all__ = ["Model", "recognise"]

#: Brian2's name for not being refractory. Rates are read as they are outside the refractory period.
_GUARD = "not_refractory"


@dataclass(frozen=True, eq=False)
class Model:
    """A population in the kernel's terms; times in ticks. What each means is said in `eventsim.neurons.cell`.

    Parameters
    ----------
    family : int
    variables : tuple of str
        The variable behind each of the first state places.
    parameters, theta, strict, keep, shift : arrays
    guarded : bool
    refractory : float
        In ticks.
    restless : bool
    noise : (n, 4) int64
        All zero without noise.
    """

    family: int
    variables: tuple
    parameters: np.ndarray
    theta: np.ndarray
    strict: bool
    keep: np.ndarray
    shift: np.ndarray
    guarded: bool = False
    refractory: float = 0.0
    restless: bool = False
    noise: np.ndarray | None = None


def recognise(network, k):
    """The model of population k.

    Raises
    ------
    CompileError
        Naming the population, the statement, and the families there are.
    """
    population = network.populations[k]
    if population.is_source:
        return _made(population.size, SOURCE, (), [], np.inf, False, {})
    try:
        return _Reader(network, k).read()
    except CompileError as error:
        raise CompileError(population.name, error.statement, FAMILIES) from None


class _Reader:
    """One population: its names, and its operations by kind."""

    def __init__(self, network, k):
        self.population = network.populations[k]
        self.name, self.size = self.population.name, self.population.size
        self.tick_s = network.dt_ms * 1e-3
        kinds = ("update", "threshold", "reset")
        self.operations = [o for o in network.schedule if o.index == k and o.kind in kinds and o.each]
        self.variables = tuple(v for v in self.population.state if v not in self.population.booleans)
        self.rates = {v: self._form(text, self.population.rate_constants) for v, text in self.population.rates.items()}

    def read(self):
        self._check_guards()
        updates = [o for o in self.operations if o.kind == "update"]
        forgets = self._forgotten(updates)
        if len(self._all("threshold")) > 1 or len(self._all("reset")) > 1:
            raise self._refusal("several thresholds or resets")
        if not self._all("threshold"):
            return self._silent()
        compare = self._condition(self._all("threshold")[0])
        if "keyed_uniform" in ast.unparse(compare):
            return self._escape(compare)
        variable, theta, strict = self._threshold(compare)
        if forgets:
            if forgets != {variable} or self.rates or self._all("reset"):
                raise self._refusal(f"an update of {', '.join(sorted(forgets))}")
            return _made(self.size, GATE, (variable,), [], theta, strict, {})
        return self._integrator(variable, theta, strict)

    def _integrator(self, v, theta, strict):
        """The families that integrate v up to a threshold."""
        rate = self.rates.get(v, Affine())
        refractory = self._refractory()
        options = {"guarded": v in self.population.guards, "refractory": refractory,
                   "resets": self._resets(), "restless": True}  # fmt: skip
        others = [name for name in rate.coefficients if name != v]
        leak, drive = -self._per_tick(rate.of(v)), self._per_tick(rate.constant)
        if rate.exponentials:
            if len(rate.exponentials) > 1 or rate.coefficients or refractory or np.any(rate.constant):
                raise self._refusal(f"d{v}/dt = {self.population.rates[v]}")
            factor, inside = rate.exponentials[0]
            return self._exponential(EXPONENTIAL, v, self._per_tick(factor), inside, theta, strict, options)
        if not others:
            with np.errstate(divide="ignore", invalid="ignore"):
                climbs = np.any(np.where(leak > 0, drive / leak > theta, drive - leak * theta > 0))
            start = self.population.state[v] >= theta
            open_refractory = refractory > 0 and not options["guarded"]
            options["restless"] = bool(climbs or start.any() or open_refractory)
            return _made(self.size, LEAKY, (v,), leaky.parameters(leak, drive), theta, strict, **options)
        return self._currents(v, leak, drive, rate, others, theta, strict, options)

    def _currents(self, v, leak, drive, rate, others, theta, strict, options):
        names, feed = list(others), 0.0
        for name in others:
            extra = [x for x in self._rate(name).coefficients if x != name]
            names += [x for x in extra if x not in names]
        if len(names) > 2 or any(np.any(self._rate(x).constant) or self._rate(x).exponentials for x in names):
            raise self._refusal(f"d{v}/dt = {self.population.rates[v]}")
        if any(x in self.population.guards for x in names):
            raise self._refusal(f"a guarded current ({', '.join(names)})")
        decay = [-self._per_tick(self._rate(x).of(x)) for x in names] + [1.0]
        if any(np.any(r <= 0) for r in decay):
            raise self._refusal(f"a current of {', '.join(names)} that does not decay")
        if len(names) == 2:
            feed, back = self._per_tick(self._rate(names[0]).of(names[1])), self._rate(names[1]).of(names[0])
            fed = np.any(feed != 0)
            if np.any(back != 0) or (fed and (np.any(decay[0] != decay[1]) or np.any(rate.of(names[1]) != 0))):
                raise self._refusal(f"the coupling of {names[0]} and {names[1]}")
        k2 = self._per_tick(rate.of(names[1])) if len(names) == 2 else 0.0 * leak
        parameters = currents.parameters(leak, drive, self._per_tick(rate.of(names[0])), self._filled(decay[0]), k2,
                                         self._filled(decay[1]), self._filled(feed))  # fmt: skip
        return _made(self.size, CURRENTS, (v, *names), parameters, theta, strict, **options)

    def _exponential(self, family, first, factor, inside, theta, strict, options):
        """An integrator or an escape-rate neuron whose log-drive is `inside`."""
        if len(inside.coefficients) != 1:
            raise self._refusal("an exponential of several variables")
        (u, gain), *_ = inside.coefficients.items()
        rate = self._rate(u)
        sources = list(rate.coefficients)
        still = all(np.all(self._rate(x).constant == 0) and not self._rate(x).coefficients for x in sources)
        if len(sources) > 1 or u in sources or rate.exponentials or not still or np.any(factor <= 0):
            raise self._refusal(f"d{u}/dt = {self.population.rates.get(u, '0')}")
        if self.population.guards or self._refractory():
            raise self._refusal("a refractory period")
        parameters = exponential.parameters(
            np.log(self._filled(factor)) + inside.constant, self._filled(gain),
            self._per_tick(rate.of(sources[0]) if sources else 0.0), self._per_tick(rate.constant),
        )  # fmt: skip
        return _made(self.size, family, (first, u, *sources), parameters, theta, strict, **options)

    def _escape(self, compare):
        """keyed_uniform(...) < 1/(1 + exp(-log odds)): hazard exp(log odds) per tick."""
        draw, chance = compare.left, compare.comparators[0]
        form = isinstance(compare.ops[0], ast.Lt | ast.LtE) and isinstance(draw, ast.Call)
        odds = _logistic_argument(chance)
        if not form or odds is None or self._all("reset"):
            raise self._refusal(f"the threshold '{ast.unparse(compare)}'")
        constants = self._constants(self._all("threshold")[0])
        inside = affine_form(ast.unparse(odds), constants, self.variables, self.name)
        if inside.exponentials:
            raise self._refusal(f"the threshold '{ast.unparse(compare)}'")
        words = [evaluate(ast.unparse(draw.args[j]), constants, self.name) for j in (0, 1, 3, 4)]
        noise = np.column_stack([np.broadcast_to(np.asarray(w, dtype=np.int64), self.size) for w in words])
        options = {"resets": {}, "restless": True, "noise": noise}
        return self._exponential(ESCAPE, "", np.ones(self.size), inside, np.inf, False, options)

    def _silent(self):
        """A population without threshold, which only integrates."""
        if not self.variables:
            return _made(self.size, LEAKY, (), [], np.inf, False, {})
        driven = [x for x, rate in self.rates.items() if set(rate.coefficients) - {x}]
        v = (driven or self.variables)[0]
        return self._integrator(v, np.full(self.size, np.inf), False)

    def _threshold(self, compare):
        """Variable, level and strictness of a comparison such as v >= v_th or 1 <= v."""
        op = compare.ops[0]
        sides = [compare.left, compare.comparators[0]]
        if isinstance(op, ast.Lt | ast.LtE):
            sides.reverse()
        constants = self._constants(self._all("threshold")[0])
        high, low = (affine_form(ast.unparse(side), constants, self.variables, self.name) for side in sides)
        excess = high.plus(low.times(-1.0))
        if len(high.coefficients) == 1 and low.is_constant and not np.any(high.constant):
            excess = Affine(-low.constant, high.coefficients)
        (v, scale), *others = excess.coefficients.items() or [("", 0.0)]
        if others or excess.exponentials or np.any(np.asarray(scale) <= 0) or isinstance(op, ast.Eq | ast.NotEq):
            raise self._refusal(f"the threshold '{ast.unparse(compare)}'")
        return v, self._filled(-excess.constant / scale), isinstance(op, ast.Gt | ast.Lt)

    def _condition(self, operation):
        """The comparison in a threshold, without the test of refractoriness."""
        text = inline([*operation.once, *operation.each], self.name)
        tree = ast.parse(text, mode="eval").body
        parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        parts = [p for p in parts if not (isinstance(p, ast.Name) and p.id == _GUARD)]
        if len(parts) != 1 or not isinstance(parts[0], ast.Compare) or len(parts[0].ops) != 1:
            raise self._refusal(f"the threshold '{text}'")
        return parts[0]

    def _resets(self):
        """variable -> (keep, shift) of what a spike makes of it."""
        found = {}
        for operation in self._all("reset"):
            constants = self._constants(operation)
            temporaries = [*operation.once]
            for s in operation.each:
                if s.op == ":=":
                    temporaries.append(s)
                    continue
                text = s.expression if s.op == "=" else f"{s.variable} {s.op[0]} ({s.expression})"
                statement = type(s)(s.variable, "=", text)
                form = affine_form(inline([*temporaries, statement], self.name), constants, self.variables, self.name)
                if form.exponentials or set(form.coefficients) - {s.variable} or s.variable in found:
                    raise self._refusal(f"the reset '{s.variable} {s.op} {s.expression}'")
                found[s.variable] = (form.of(s.variable), form.constant)
        return found

    def _forgotten(self, updates):
        """Variables that an update sets to 0 in every tick."""
        kept = {*self.population.booleans, "lastspike", *self.rates}
        others = [o for o in updates if not all(s.op == ":=" or s.variable in kept for s in o.each)]
        if sum(any(s.variable in self.rates for s in o.each) for o in updates) > 1:
            raise self._refusal("a regular update besides the differential equations")
        if any(s.op != "=" or s.expression.strip() not in ("0", "0.0") for o in others for s in o.each):
            raise self._refusal("; ".join(f"{s.variable} {s.op} {s.expression}" for o in others for s in o.each))
        return {s.variable for o in others for s in o.each}

    def _refractory(self):
        """Ticks; 0 without a refractory period."""
        if self.population.refractory_s is None:
            if any(_GUARD in s.expression for o in self._all("threshold") for s in o.each):
                raise self._refusal("a refractory period that is not one number")
            return 0.0
        ticks = self.population.refractory_s / self.tick_s
        return float(round(ticks)) if abs(ticks - round(ticks)) < 1e-9 * max(ticks, 1.0) else ticks

    def _rate(self, variable):
        return self.rates.get(variable, Affine())

    def _per_tick(self, per_second):
        return self._filled(per_second) * self.tick_s

    def _filled(self, value):
        return np.broadcast_to(np.asarray(value, dtype=np.float64), self.size).copy()

    def _constants(self, operation):
        return self.population.parameters | operation.constants

    def _form(self, text, constants):
        constants = self.population.parameters | constants | {_GUARD: 1}
        return affine_form(text, constants, self.variables, self.name)

    def _check_guards(self):
        """A rate that stops while refractory belongs to a variable that takes no delivery then, and the other way."""
        for variable in self.variables:
            stops = _GUARD in self.population.rates.get(variable, "")
            if variable in self.rates and stops != (variable in self.population.guards):
                raise self._refusal(f"d{variable}/dt = {self.population.rates[variable]} (guarded in one way only)")

    def _all(self, kind):
        return [o for o in self.operations if o.kind == kind]

    def _refusal(self, statement):
        return CompileError(self.name, f"{statement} in continuous time", FAMILIES)


def _is_one(node):
    return isinstance(node, ast.Constant) and node.value == 1


def _logistic_argument(tree):
    """x of 1/(1 + exp(-x)), as a tree; None when it is something else."""
    if not (isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div) and _is_one(tree.left)):
        return None
    below = tree.right
    if not (isinstance(below, ast.BinOp) and isinstance(below.op, ast.Add)):
        return None
    call = below.right if _is_one(below.left) else below.left
    if not (_is_one(below.left) or _is_one(below.right)) or not isinstance(call, ast.Call) or call.func.id != "exp":
        return None
    return ast.UnaryOp(ast.USub(), call.args[0])


def _made(size, family, variables, parameters, theta, strict, resets, **options):
    """A Model whose arrays have the kernel's widths."""
    wide = np.zeros((size, N_PARAMETERS))
    if len(parameters):
        wide[:, : parameters.shape[1]] = parameters
    keep, shift = np.ones((size, len(STATE))), np.zeros((size, len(STATE)))
    for variable, (factor, constant) in resets.items():
        keep[:, variables.index(variable)], shift[:, variables.index(variable)] = factor, constant
    return Model(family, variables, wide, np.broadcast_to(np.asarray(theta, dtype=np.float64), size).copy(), strict,
                 keep, shift, **options)  # fmt: skip
