"""Populations that rise or fall by the same step in each tick, so that a kernel may take many of their steps at once.

A neuron with v -> v + c x in each tick, where only deliveries and resets change v and x, is on a straight line until
something touches it. After n ticks it is at v + n c x, and it first meets a limit in tick ceil((limit - v)/(c x)). A
kernel then looks at a block of neurons again in the tick in which the first of them may fire, and a delivery to one of
them first makes up for the steps that were left out.

This gives the same bits where every sum is exact. All start values, weights and resets of v are multiples of a power
of two q, and so is c x; then so is every v, since a sum that is rounded to a float64 stays a multiple of q. A block is
left alone only while all that its neurons can reach lies below 2^51 q, where each sum and product is exact in 53 bits.
Ceil, the difference and the quotient are rounded, but to the same side of a whole number of steps: v + n c x is a
float64, and rounding keeps order. So no tick is passed over in which a neuron would fire.
"""

import ast
from dataclasses import dataclass

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.expressions import evaluate, names_in, tree_of
from eventsim.grid.parking import unguarded_threshold
from eventsim.grid.phases import in_one_pass
from eventsim.grid.sleep import BLOCK, delivered_last, is_plain, operations_of
from eventsim.machine import use_wide_vectors
from eventsim.neurons.affine import inline
from eventsim.outline import UNCOUNTED, outlined

__all__ = ["Ramp", "catch_up", "ramps_of", "ticks_to_go"]

#: So many ticks a block is left alone at most, and so many units q a neuron may reach meanwhile: half of it where it
#: starts, half of it by its steps.
_MOST_TICKS, _UNITS = 1 << 20, 2.0**51


@dataclass(frozen=True)
class Ramp:
    """How a population rises.

    Parameters
    ----------
    variable, slope : str
        v and x; x may be a parameter.
    scale : float
        c.
    limit : str
        What v is compared with, an expression of what stays as it is.
    reach : float
        Up to here every sum is exact: half of 2^51 q.
    """

    variable: str
    slope: str
    scale: float
    limit: str
    reach: float


def ramps_of(network, sampled=frozenset()):
    """Mapping from the populations that rise, and none of whose neurons is `sampled`, to how they do."""
    mine = (k for k, p in enumerate(network.populations) if not p.is_source and k not in sampled)
    found = {k: _ramp_of(network, k) for k in mine}
    return {k: ramp for k, ramp in found.items() if ramp is not None}


def _ramp_of(network, k):
    """The Ramp of population k, None when it does more than that, or when its sums need not be exact."""
    population, mine = network.populations[k], operations_of(network, k)
    by_kind = {o.kind: o for o in mine}
    in_order = [o.kind for o in mine] in (["update", "threshold"], ["update", "threshold", "reset"])
    if not in_order or not (is_plain(network, k) and in_one_pass(network, k) and delivered_last(network, k)):
        return None
    if any(p.source == k and p.senders for p in network.pathways):  # which read what may be behind the time
        return None
    step = _step(by_kind["update"], population)
    if step is None or {*step} & {*population.integers}:
        return None
    variable, slope, scale = step
    threshold = unguarded_threshold(by_kind["threshold"], variable, population, is_guarded=False)
    if threshold is None:
        return None
    unit, unit_of_slope = (_unit(network, k, name, by_kind.get("reset")) for name in (variable, slope))
    if unit is None or unit_of_slope is None:
        return None
    reach = min(unit, unit_of_slope * _lowest_bit(scale)) * _UNITS / 2
    above = evaluate(threshold[1], population.parameters | by_kind["threshold"].constants, population.name)
    is_near = bool(np.all(np.abs(above) < reach))
    return Ramp(variable, slope, scale, threshold[1], reach) if is_near else None


def _step(operation, population):
    """(v, x, c) of an update that is worked out as v + c x, c a number; None when it is anything else."""
    if operation.once or not operation.each or any(s.op != ":=" for s in operation.each[:-1]):
        return None
    *_, last = operation.each
    tree, added = tree_of(inline(operation.each, population.name), population.name), None
    if last.op == "+=":
        added = tree
    elif last.op == "=":
        added = next((other for one, other in _sides(tree, ast.Add) if _is_name(one, last.variable)), None)
    found = _multiple(added, operation.constants, population) if added is not None else None
    return (last.variable, *found) if found and found[0] != last.variable else None


def _multiple(tree, constants, population):
    """(x, c) of c x, x a variable or parameter and c a number; None for anything else."""
    own = population.state.keys() | {n for n, v in population.parameters.items() if v.dtype == np.float64}
    for one, scale in ((tree, ast.Constant(1.0)), *_sides(tree, ast.Mult)):
        text = ast.unparse(scale)
        if isinstance(one, ast.Name) and one.id in own and names_in(text, population.name) <= constants.keys():
            return one.id, float(evaluate(text, constants, population.name))
    return None


def _sides(tree, op):
    """Both sides of an operation, either first; none of anything else."""
    is_such = isinstance(tree, ast.BinOp) and isinstance(tree.op, op)
    return ((tree.left, tree.right), (tree.right, tree.left)) if is_such else ()


def _is_name(tree, name):
    return isinstance(tree, ast.Name) and tree.id == name


def _unit(network, k, variable, reset):
    """The largest power of two of which all that is ever put into a variable, or added to it, is a multiple.

    None when that cannot be told from the network.
    """
    population = network.populations[k]
    start = (population.parameters | population.state)[variable]
    put = [start, *_by_deliveries(network, k, variable)]
    put += _by_reset(reset, variable, population) if reset is not None else ()
    return None if any(values is None for values in put) else min(map(_lowest_bit, put))


def _by_reset(reset, variable, population):
    """What a reset puts into a variable, or adds to it; None where that is no constant."""
    known = population.parameters | reset.constants
    for statement in reset.each:
        if statement.variable == variable:
            is_constant = names_in(statement.expression, population.name) <= known.keys()
            adds = statement.op in ("=", "+=", "-=")
            yield evaluate(statement.expression, known, population.name) if is_constant and adds else None


def _by_deliveries(network, k, variable):
    """What deliveries put into a variable of population k, or add to it; None where that is no weight or constant."""
    for pathway in network.pathways:
        for written, op, value in pathway.effects:
            if pathway.target != k or written != variable:
                continue
            if value == "weight" and op in ("add", "set"):
                yield network.weight[pathway.synapses]
            else:
                is_constant = op in ("add", "set") and not names_in(value, pathway.name)
                yield evaluate(value, {}, pathway.name) if is_constant else None


def _lowest_bit(values):
    """The largest power of two of which all values are multiples; infinity for zeros."""
    values = np.atleast_1d(np.asarray(values, dtype=np.float64))
    fraction, exponent = np.frexp(values[values != 0])
    whole = (np.abs(fraction) * 2.0**53).astype(np.int64)
    lowest = np.ldexp((whole & -whole).astype(np.float64), exponent - 53)
    return float(lowest.min(initial=np.inf))


# -- what a kernel calls; places are unsigned, since of a signed one Numba asks whether it counts from the end


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def catch_up(variable, slope, scale, seen, b, tick):
    """Take the steps of block b up to the start of `tick`, all at once; seen[b] is up to where they were taken."""
    use_wide_vectors()
    ticks = tick - seen[b]
    if ticks > 0:
        for i in range(np.uint64(b * BLOCK), np.uint64(min((b + 1) * BLOCK, variable.size))):
            variable[i] += ticks * (scale * slope[i])
        seen[b] = tick


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def ticks_to_go(variable, slope, scale, limit, reach, b):
    """After how many ticks a neuron of block b may be the first to fire, at least 1."""
    use_wide_vectors()
    least, beyond = np.int32(_MOST_TICKS), 0
    for i in range(np.uint64(b * BLOCK), np.uint64(min((b + 1) * BLOCK, variable.size))):
        step, room = scale * slope[i], limit[i] - variable[i]
        ticks = np.ceil(room / step) if step > 0.0 else float(_MOST_TICKS)
        ticks = ticks if ticks < _MOST_TICKS else float(_MOST_TICKS)
        ticks = ticks if room > 0.0 else 1.0
        least = min(least, np.int32(ticks))
        is_exact = abs(variable[i]) < reach and abs(step) * _MOST_TICKS < reach
        beyond += 0 if is_exact else 1
    return np.int64(1 if beyond else least)
