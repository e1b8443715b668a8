"""Refractory neurons set aside: while they rest, a kernel's loops need not ask whether they do.

Most models with a refractory period guard one variable v, the one that the threshold reads: while a neuron rests, v
takes no part in the update and no delivery. A kernel may then *park* it: keep v aside, put -infinity in its place, and
put v back when the rest is over. Every guarded statement then comes to nothing by itself: an update c + a v with a > 0
keeps -infinity, a delivery adds to -infinity, no threshold is reached. The test "is it resting" leaves the loops over
neurons and synapses, and with it the reading of one more array; who comes back is read off a queue, since rests are of
equal length and begin in the order of the spikes. Bits are those of the guarded statements, which are not rewritten.
"""

import ast
from dataclasses import dataclass

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import arguments_of, evaluate, names_in, tree_of
from eventsim.network_parts import Statement
from eventsim.neurons.affine import affine_form

__all__ = ["Parking", "parking_of", "unguarded_threshold"]

_GUARD, _SINCE = "not_refractory", "lastspike"


@dataclass(frozen=True)
class Parking:
    """How a population is parked.

    Parameters
    ----------
    variable : str
        The guarded variable v.
    over : Statement
        Whether a rest is over, for a neuron that rests.
    update, threshold : tuple of Statement
        Those of the population, for neurons that do not rest.
    """

    variable: str
    over: Statement
    update: tuple[Statement, ...]
    threshold: tuple[Statement, ...]


def parking_of(network, k):
    """The Parking of population k, None when it must ask each neuron in each tick."""
    population = network.populations[k]
    mine = [o for o in network.schedule if o.kind != "deliver" and o.index == k]
    by_kind = {o.kind: o for o in mine}
    plain = all(o.every == 1 and not (o.tables or o.lag) for o in mine) and len(mine) == len(by_kind)
    if list(population.guards.values()) != [_GUARD] or not plain or not {"update", "threshold"} <= by_kind.keys():
        return None
    (variable,) = population.guards
    over, *update = by_kind["update"].each or (None,)
    if over is None or over.variable != _GUARD or over.op != "=" or by_kind["update"].once:
        return None
    update = _without_guard(update, variable, by_kind["update"], population)
    threshold = unguarded_threshold(by_kind["threshold"], variable, population)
    if update is None or threshold is None or not _rests_alike(over, by_kind["update"], population):
        return None
    if not _spike_begins_a_rest(by_kind["threshold"]) or not _left_alone(network, k, variable, by_kind.get("reset")):
        return None
    return Parking(variable, over, update, threshold[0])


def _without_guard(statements, variable, operation, population):
    """The update's statements for a neuron that does not rest; None unless they carry -infinity on."""
    known = population.parameters | operation.constants
    free, carriers, carried = [], {variable}, False
    for s in statements:
        tree = tree_of(s.expression, population.name, operation.tables)
        chosen = arguments_of(tree, "where")
        if chosen and ast.unparse(chosen[0]) == _GUARD:
            if not _stays(chosen[2], variable, known, population):
                return None
            tree = chosen[1]
        expression = ast.unparse(tree)
        reads = names_in(expression, population.name)
        if _GUARD in reads or _SINCE in reads or s.op not in ("=", ":="):
            return None
        if reads & carriers:
            if not _carries(expression, reads & carriers, known, reads):
                return None
            if s.op == ":=":
                carriers.add(s.variable)
            elif s.variable != variable:
                return None
        elif s.variable == variable:
            return None
        carried |= s.variable == variable
        free.append(Statement(s.variable, s.op, expression))
    return tuple(free) if carried else None


def _carries(expression, carriers, known, reads):
    """Whether an expression is a carrier times something positive, plus what is finite."""
    try:
        form = affine_form(expression, known, reads - known.keys(), "parking")
    except CompileError:
        return False
    return len(carriers) == 1 and not form.exponentials and np.all(np.asarray(form.of(*carriers)) > 0)


def _stays(tree, variable, known, population):
    """Whether an expression is the variable itself, perhaps plus 0."""
    try:
        form = affine_form(ast.unparse(tree), known, population.state.keys(), "parking")
    except CompileError:
        return False
    return not form.exponentials and {**form.coefficients} == {variable: 1.0} and not np.any(form.constant)


def unguarded_threshold(operation, variable, population, is_guarded=True):
    """(statements, limit) of the threshold for a neuron that does not rest, a comparison of the variable with a limit.

    None unless what lies below the limit does not fire, and the limit stays as it is.
    """
    if len(operation.each) != 1 or operation.once:
        return None
    tree = tree_of(operation.each[0].expression, population.name, operation.tables)
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    rest = [part for part in parts if ast.unparse(part) != _GUARD]
    if len(rest) != 1 or len(parts) != 1 + is_guarded or not isinstance(rest[0], ast.Compare) or len(rest[0].ops) != 1:
        return None
    above, limit = rest[0].left, rest[0].comparators[0]
    reads = names_in(ast.unparse(limit), population.name)
    if ast.unparse(above) != variable or not isinstance(rest[0].ops[0], ast.Gt | ast.GtE):
        return None
    if not reads <= operation.constants.keys() | population.parameters.keys():
        return None
    return (Statement("_cond", operation.each[0].op, ast.unparse(rest[0])),), ast.unparse(limit)


def _rests_alike(over, operation, population):
    """Whether rests are equally long, and all neurons start awake."""
    reads = names_in(over.expression, population.name)
    if _SINCE not in population.state or not {_SINCE} < reads <= operation.constants.keys() | {"t", _SINCE}:
        return False
    awake = evaluate(over.expression, operation.constants | {"t": 0.0, _SINCE: population.state[_SINCE]}, "parking")
    return bool(np.all(awake) and np.all(population.state[_GUARD] != 0.0))


def _spike_begins_a_rest(operation):
    found = {s.variable: (s.op, s.expression) for s in operation.fired}
    return found == {_GUARD: ("=", "False"), _SINCE: ("=", "t")}


def _left_alone(network, k, variable, reset):
    """Whether nothing but the update, the spike, the reset, and deliveries that add, touches what parking rests on."""
    watched = {variable, _GUARD, _SINCE}
    if reset is not None and any(s.variable in (_GUARD, _SINCE) for s in reset.each):
        return False
    for pathway in network.pathways:
        if pathway.source == k and watched & set(pathway.senders.values()):
            return False
        if pathway.target != k:
            continue
        for written, op, value in pathway.effects:
            if watched & names_in(value, pathway.name) or (written in watched and (written != variable or op != "add")):
                return False
    return True
