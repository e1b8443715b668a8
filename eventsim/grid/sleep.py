"""Populations that may sleep: a block of neurons that nothing moved need not be looked at until something touches it.

Where update and threshold read nothing but a neuron's own variables and constants, a pass over a neuron that changes no
variable and fires nothing would do the same in the next tick, and in every later one. A kernel then lets the neuron's
block of BLOCK sleep; a delivery to one of its neurons wakes it, and who fires stays awake for its reset. Gates, relays
and counters sleep between two inputs, all by the same rule: nothing is estimated, so every bit is as if no block ever
slept. A block of ramps sleeps for so many ticks as are known to pass before one of them fires (`eventsim.grid.ramps`).

What changes by itself for ever would only pay for the comparison: a population sleeps only if most of it would at its
start. A gate that each pass sets to 0, at which it does not fire, need not be compared either: after a pass in which
none fired, nothing is left to do.
"""

import ast

import numpy as np

from eventsim.expressions import evaluate, names_in
from eventsim.grid.phases import in_one_pass

__all__ = ["BLOCK", "delivered_last", "is_plain", "operations_of", "settles", "sleepers"]

#: Neurons that sleep and wake together: eight vectors of eight numbers, and a single look when they sleep.
BLOCK = 64


def sleepers(network):
    """Indices of the populations that may sleep, a frozenset."""
    return frozenset(k for k, p in enumerate(network.populations) if not p.is_source and _may_sleep(network, k))


def is_plain(network, k):
    """Whether population k does the same in each tick, once, and nothing but a reset when it fires."""
    population, mine = network.populations[k], operations_of(network, k)
    plain = all(o.every == 1 and not (o.lag or o.once or o.tables or o.fired) for o in mine)
    return plain and not (population.guards or population.booleans) and sum(o.kind == "threshold" for o in mine) == 1


def operations_of(network, k):
    """What population k does in a tick, in order: all but deliveries."""
    return [o for o in network.schedule if o.kind != "deliver" and o.index == k]


def _may_sleep(network, k):
    population = network.populations[k]
    if not is_plain(network, k):
        return False
    passed = [o for o in operations_of(network, k) if o.kind in ("update", "threshold")]
    own = population.state.keys() | population.parameters.keys()
    closed = all(_is_closed(o, own, population) for o in passed)
    return closed and in_one_pass(network, k) and _mostly_sleeps(passed, population)


def _is_closed(operation, own, population):
    """Whether an operation gives the same for the same values of the neuron's own variables."""
    fixed = population.parameters.keys() | operation.constants.keys()
    known = set(own) | operation.constants.keys()
    for statement in operation.each:
        reads = names_in(statement.expression, population.name)
        if statement.op not in ("=", ":="):
            reads.add(statement.variable)
        if not reads <= known or "keyed_" in statement.expression or _tells_zeros_apart(statement.expression, fixed):
            return False
        known.add(statement.variable)
    return True


def _tells_zeros_apart(expression, fixed):
    """Whether an expression might differ between 0 and -0, which a comparison takes for the same."""
    inverse = (ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
    return any(
        isinstance(node, ast.BinOp) and isinstance(node.op, inverse)
        and not {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} <= fixed
        and not (isinstance(node.op, ast.Div) and _names(node.right) <= fixed)
        for node in ast.walk(ast.parse(expression.strip(), mode="eval"))
    )  # fmt: skip


def _names(tree):
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _mostly_sleeps(operations, population):
    """Whether one pass over the start values leaves most neurons as they are."""
    values = {name: np.array(v, dtype=np.float64) for name, v in population.state.items()}
    moves = np.zeros(population.size, dtype=bool)
    for operation in operations:
        known = population.parameters | operation.constants | values
        for statement in operation.each:
            new = evaluate(statement.expression, known, population.name)
            if statement.variable == "_cond":
                moves |= np.broadcast_to(np.not_equal(new, 0), moves.shape)
                continue
            if statement.op not in ("=", ":="):
                new = _OPERATORS[statement.op](known[statement.variable], new)
            known[statement.variable] = new
            if statement.variable in values:
                moves |= np.broadcast_to(new != values[statement.variable], moves.shape)
                values[statement.variable] = np.broadcast_to(new, moves.shape)
    return 2 * np.count_nonzero(moves) < max(1, population.size)


_OPERATORS = {"+=": np.add, "-=": np.subtract, "*=": np.multiply, "/=": np.true_divide}


def settles(network, k):
    """Whether any pass over population k, which may sleep, leaves neurons that the next would neither move nor fire."""
    population, values = network.populations[k], {}
    for operation in operations_of(network, k):
        known = population.parameters | operation.constants
        for statement in operation.each if operation.kind == "update" else ():
            if statement.op != "=" or not names_in(statement.expression, population.name) <= known.keys():
                return False
            values[statement.variable] = evaluate(statement.expression, known, population.name)
    threshold = next(o for o in operations_of(network, k) if o.kind == "threshold")
    known, condition = population.parameters | threshold.constants | values, threshold.each[-1].expression
    if len(threshold.each) > 1 or not names_in(condition, population.name) <= known.keys():
        return False
    return not np.any(evaluate(condition, known, population.name))


def delivered_last(network, k):
    """Whether updates and thresholds of population k all come before the first delivery to it, resets after."""
    delivered = False
    for operation in network.schedule:
        if operation.kind == "deliver":
            delivered |= network.pathways[operation.index].target == k
        elif operation.index == k and operation.kind in ("update", "threshold") and delivered:
            return False
    return True
