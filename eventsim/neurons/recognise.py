"""Which exact solution a population has: from its equations, threshold and reset to the kernel's numbers."""

import ast

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import arguments_of, evaluate
from eventsim.neurons import (
    ADAPTIVE,
    CURRENTS,
    ESCAPE,
    EXPONENTIAL,
    FAMILIES,
    GATE,
    LEAKY,
    SOURCE,
    adaptive,
    currents,
    exponential,
    leaky,
)
from eventsim.neurons.model import model_of
from eventsim.neurons.reading import Reading

__all__ = ["recognise"]


def recognise(network, k, tick=0):
    """The model of population k, functions of time having their values in a tick.

    Raises
    ------
    CompileError
        Naming the population, the statement, and the families there are.
    """
    population = network.populations[k]
    if population.is_source:
        return model_of(population.size, SOURCE, (), [], np.inf, False)
    try:
        return _model(Reading(network, k, tick))
    except CompileError as error:
        raise CompileError(population.name, error.statement, FAMILIES) from None


def _model(reading):
    forgets = reading.forgotten()
    if reading.condition is None:
        return _silent(reading)
    if "keyed_uniform" in ast.unparse(reading.condition[0]):
        return _random(reading)
    if forgets:
        return _gate(reading, forgets)
    excess, strict = reading.excess()
    relaxing = _relaxing(reading, excess)
    if relaxing:
        return _adaptive(reading, excess, relaxing, strict)
    v, theta = _level(reading, excess)
    return _integrator(reading, v, theta, strict)


def _silent(reading):
    """A population without threshold, which only integrates."""
    if not reading.variables:
        return model_of(reading.size, LEAKY, (), [], np.inf, False)
    driven = [x for x, rate in reading.rates.items() if set(rate.coefficients) - {x}]
    return _integrator(reading, (driven or reading.variables)[0], np.full(reading.size, np.inf), False)


def _gate(reading, forgets):
    excess, strict = reading.excess()
    v, theta = _level(reading, excess)
    if forgets != {v} or reading.rates or reading.all("reset"):
        raise reading.refusal(f"an update of {', '.join(sorted(forgets))}")
    return model_of(reading.size, GATE, (v,), [], theta, strict)


def _level(reading, excess):
    """The variable with a threshold, and where that is."""
    (v, scale), *others = excess.coefficients.items() or [("", 0.0)]
    if others or excess.exponentials or np.any(np.asarray(scale) <= 0):
        raise reading.refusal(f"the threshold '{ast.unparse(reading.condition[0])}'")
    return v, reading.filled(-excess.constant / scale)


def _relaxing(reading, excess):
    """The variable, other than the one with the threshold, of which the threshold is made; None if there is none."""
    falling = [name for name, scale in excess.coefficients.items() if np.all(np.asarray(scale) < 0)]
    rising = [name for name, scale in excess.coefficients.items() if np.all(np.asarray(scale) > 0)]
    pair = len(falling) == len(rising) == 1 and len(excess.coefficients) == 2
    return (rising[0], falling[0]) if pair and not excess.exponentials else None


def _options(reading, v):
    """What all integrators share."""
    return {"guarded": v in reading.population.guards, "refractory": reading.refractory(), "resets": reading.resets(),
            "restless": True}  # fmt: skip


def _integrator(reading, v, theta, strict):
    """The families that integrate v up to a fixed threshold."""
    rate, options = reading.rate(v), _options(reading, v)
    if rate.exponentials:
        if len(rate.exponentials) > 1 or rate.coefficients or np.any(options["refractory"]) or np.any(rate.constant):
            raise reading.refusal(f"d{v}/dt = {reading.population.rates[v]}")
        factor, inside = rate.exponentials[0]
        return _exponential(reading, EXPONENTIAL, v, reading.per_tick(factor), inside, theta, strict, **options)
    leak, drive = -reading.per_tick(rate.of(v)), reading.per_tick(rate.constant)
    others = [name for name in rate.coefficients if name != v]
    if others:
        return _currents(reading, v, leak, drive, others, theta, strict, options)
    with np.errstate(divide="ignore", invalid="ignore"):
        climbs = np.any(np.where(leak > 0, drive / leak > theta, drive - leak * theta > 0))
    start = reading.population.state[v] >= theta
    open_refractory = np.any(options["refractory"] > 0) and not options["guarded"]
    options["restless"] = bool(climbs or start.any() or open_refractory or reading.tables)
    return model_of(reading.size, LEAKY, (v,), leaky.parameters(leak, drive), theta, strict, **options)


def _decaying(reading, names, drives):
    """Per tick, how fast currents decay; refuses what is no such current."""
    if any(np.any(reading.rate(x).constant) or reading.rate(x).exponentials for x in names):
        raise reading.refusal(drives)
    if any(x in reading.population.guards for x in names):
        raise reading.refusal(f"a guarded current ({', '.join(names)})")
    decay = [-reading.per_tick(reading.rate(x).of(x)) for x in names]
    if any(np.any(r <= 0) for r in decay):
        raise reading.refusal(f"a current of {', '.join(names)} that does not decay")
    return decay


def _currents(reading, v, leak, drive, others, theta, strict, options):
    names, feed, drives = list(others), 0.0, f"d{v}/dt = {reading.population.rates[v]}"
    for name in others:
        names += [x for x in reading.rate(name).coefficients if x != name and x not in names]
    if len(names) > 2:
        raise reading.refusal(drives)
    decay = [*_decaying(reading, names, drives), 1.0]
    rate = reading.rate(v)
    if len(names) == 2:
        feed, back = reading.per_tick(reading.rate(names[0]).of(names[1])), reading.rate(names[1]).of(names[0])
        fed = np.any(feed != 0)
        if np.any(back != 0) or (fed and (np.any(decay[0] != decay[1]) or np.any(rate.of(names[1]) != 0))):
            raise reading.refusal(f"the coupling of {names[0]} and {names[1]}")
    elif set(reading.rate(names[0]).coefficients) - {names[0]}:
        raise reading.refusal(f"the coupling of {names[0]} and {v}")
    k2 = reading.per_tick(rate.of(names[1])) if len(names) == 2 else 0.0 * leak
    parameters = currents.parameters(leak, drive, reading.per_tick(rate.of(names[0])), reading.filled(decay[0]), k2,
                                     reading.filled(decay[1]), reading.filled(feed))  # fmt: skip
    return model_of(reading.size, CURRENTS, (v, *names), parameters, theta, strict, **options)


def _adaptive(reading, excess, pair, strict):
    """A threshold that relaxes: v above theta + gain (y - rest)."""
    v, y = pair
    rate, relaxes, options = reading.rate(v), reading.rate(y), _options(reading, v)
    currents_ = [name for name in rate.coefficients if name != v]
    r = -reading.per_tick(relaxes.of(y))
    if set(relaxes.coefficients) - {y} or relaxes.exponentials or np.any(r <= 0) or y in reading.population.guards:
        raise reading.refusal(f"the threshold '{ast.unparse(reading.condition[0])}', which does not just relax,")
    if y in currents_ or len(currents_) > 1 or rate.exponentials:
        raise reading.refusal(f"d{v}/dt = {reading.population.rates[v]} under a threshold that changes")
    leak, drive = -reading.per_tick(rate.of(v)), reading.per_tick(rate.constant)
    decay = [*_decaying(reading, currents_, f"d{v}/dt = {reading.population.rates.get(v, '0')}"), 1.0]
    if currents_ and set(reading.rate(currents_[0]).coefficients) - {currents_[0]}:
        raise reading.refusal(f"the coupling of {currents_[0]} and others")
    scale = reading.filled(excess.of(v))
    gain, rest = reading.filled(-excess.of(y)) / scale, reading.per_tick(relaxes.constant) / r
    theta = reading.filled(-excess.constant) / scale + gain * rest
    k = reading.per_tick(rate.of(currents_[0])) if currents_ else 0.0 * leak
    parameters = adaptive.parameters(leak, drive, theta, r, gain, rest, k, reading.filled(decay[0]))
    return model_of(reading.size, ADAPTIVE, (v, y, *currents_), parameters, theta, strict, **options)


def _exponential(reading, family, first, factor, inside, theta, strict, **options):
    """An integrator or an escape-rate neuron whose log-drive is `inside`."""
    if len(inside.coefficients) != 1:
        raise reading.refusal("an exponential of several variables")
    (u, gain), *_ = inside.coefficients.items()
    rate = reading.rate(u)
    sources = list(rate.coefficients)
    still = all(np.all(reading.rate(x).constant == 0) and not reading.rate(x).coefficients for x in sources)
    if len(sources) > 1 or u in sources or rate.exponentials or not still or np.any(factor <= 0):
        raise reading.refusal(f"d{u}/dt = {reading.population.rates.get(u, '0')}")
    if reading.population.guards or np.any(reading.refractory()):
        raise reading.refusal("a refractory period")
    parameters = exponential.parameters(
        np.log(reading.filled(factor)) + inside.constant, reading.filled(gain),
        reading.per_tick(rate.of(sources[0]) if sources else 0.0), reading.per_tick(rate.constant),
    )  # fmt: skip
    return model_of(reading.size, family, (first, u, *sources), parameters, theta, strict, **options)


def _random(reading):
    """keyed_uniform(...) below 1/(1 + exp(-log odds)), or below a chance: hazard exp(log odds), or chance, per tick."""
    compare, constants = reading.condition
    draw, chance = compare.left, compare.comparators[0]
    refusal = reading.refusal(f"the threshold '{ast.unparse(compare)}'")
    drawn = arguments_of(draw, "keyed_uniform")
    if not (drawn and isinstance(compare.ops[0], ast.Lt | ast.LtE)) or reading.all("reset"):
        raise refusal
    words = [evaluate(ast.unparse(drawn[j]), reading.parameters | constants, reading.name) for j in (0, 1, 3, 4)]
    noise = np.column_stack([np.broadcast_to(np.asarray(w, dtype=np.int64), reading.size) for w in words])
    options = {"restless": True, "noise": noise}
    odds = _logistic_argument(chance)
    if odds is None:
        return _poisson(reading, reading.form(ast.unparse(chance), constants), refusal, options)
    inside = reading.form(ast.unparse(odds), constants)
    if inside.exponentials:
        raise refusal
    return _exponential(reading, ESCAPE, "", np.ones(reading.size), inside, np.inf, False, **options)


def _poisson(reading, chance, refusal, options):
    """An escape-rate neuron of a given hazard: as many per tick as the grid's chance of one."""
    if not chance.is_constant or np.any(np.asarray(chance.constant) < 0) or reading.refractory().any():
        raise refusal
    nothing = np.zeros(reading.size)
    with np.errstate(divide="ignore"):  # a chance of 0 never fires
        log_chance = np.log(reading.filled(chance.constant))
    parameters = exponential.parameters(log_chance, nothing, nothing, nothing)
    return model_of(reading.size, ESCAPE, ("",), parameters, np.inf, False, **options)


def _is_one(node):
    return isinstance(node, ast.Constant) and node.value == 1


def _logistic_argument(tree):
    """x of 1/(1 + exp(-x)), as a tree; None when it is something else."""
    if not (isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div) and _is_one(tree.left)):
        return None
    below = tree.right
    if not (isinstance(below, ast.BinOp) and isinstance(below.op, ast.Add)):
        return None
    power = arguments_of(below.right if _is_one(below.left) else below.left, "exp")
    if not (_is_one(below.left) or _is_one(below.right)) or not power:
        return None
    return ast.UnaryOp(ast.USub(), power[0])
