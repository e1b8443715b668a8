"""chance_gates: a population as gates that fire by chance, as through TrueNorth's stochastic synapses.

Such a gate forgets what arrived in each tick, and where its sum exceeds a threshold it fires with a fixed probability:

    fires if v + held > threshold and uniform < chance;    v = 0,    held stays

Inputs onto v call it, negative ones onto `held` silence it for good. On the chip a call comes through a stochastic
synapse of weight 256 chance, which adds 1 or nothing to a potential that fires at 1; a neuron that is held lies so far
below that no call brings it back.
"""

import ast
from dataclasses import dataclass

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import arguments_of, evaluate
from eventsim.neurons.affine import inline

__all__ = ["ChanceGates", "chance_gates"]


@dataclass(frozen=True, eq=False)
class ChanceGates:
    """Gates that fire by chance when called.

    Parameters
    ----------
    chance : (n,) float64
    held : (n,) bool
        Silent from the start.
    gain : mapping of str to (n,) float64
        1 for each variable that receives weights.
    threshold : (n,) float64
        What a call must exceed.
    """

    chance: np.ndarray
    held: np.ndarray
    gain: dict
    threshold: np.ndarray


def chance_gates(network, k):
    """Population k of a network as ChanceGates.

    Raises
    ------
    CompileError
        When it is something else.
    """
    population = network.populations[k]
    sums, chance, constants = _condition(network, k)
    forgets = [s.variable for o in network.schedule if o.kind == "update" and o.index == k for s in o.each
               if s.op == "=" and s.expression.strip() in ("0", "0.0")]  # fmt: skip
    resets = [s for o in network.schedule if o.kind == "reset" and o.index == k for s in o.each]
    received = {name for p in network.pathways if p.target == k for name, _, _ in p.effects}
    _require(not resets and len(forgets) == 1 and received <= population.state.keys(), population)

    def excess(v, held):
        names = population.parameters | constants | held | {forgets[0]: np.full(population.size, v)}
        return np.broadcast_to(evaluate(sums, names, population.name), population.size).astype(np.float64)

    starts = {name: values for name, values in population.state.items() if name != forgets[0]}
    free = {name: np.zeros(population.size) for name in starts}
    _require(np.allclose(excess(1.0, free) - excess(0.0, free), 1.0), population)
    return ChanceGates(
        np.broadcast_to(np.asarray(chance, dtype=np.float64), population.size).copy(), excess(1.0, starts) <= 0,
        {name: np.ones(population.size) for name in population.state}, -excess(0.0, free),
    )  # fmt: skip


def _condition(network, k):
    """(text of what must exceed 0, chance, constants) of a threshold with one draw that is compared with a chance."""
    population = network.populations[k]
    (operation,) = [o for o in network.schedule if o.kind == "threshold" and o.index == k]
    tree = ast.parse(inline([*operation.once, *operation.each], population.name), mode="eval").body
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else []
    compares = [p for p in parts if isinstance(p, ast.Compare) and len(p.ops) == 1]
    _require(len(parts) == len(compares) == 2, population)
    draws = [p for p in compares if isinstance(p.ops[0], ast.Lt) and arguments_of(p.left, "keyed_uniform")]
    sums = [p for p in compares if p not in draws and isinstance(p.ops[0], ast.Gt)]
    _require(len(draws) == len(sums) == 1, population)
    names = population.parameters | operation.constants
    chance = evaluate(ast.unparse(draws[0].comparators[0]), names, population.name)
    (above,) = sums
    return f"({ast.unparse(above.left)}) - ({ast.unparse(above.comparators[0])})", chance, operation.constants


def _require(fine, population):
    if not fine:
        raise CompileError(population.name, "random draws in its threshold", "a gate that fires by chance when called")
