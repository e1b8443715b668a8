"""The weight of a synapse: the one number of each synapse's own that all effects of a pathway can share."""

import ast

import numpy as np

from eventsim.expressions import calls_in, evaluate, names_in

__all__ = ["common_weight"]


def common_weight(expressions, synaptic, n, where):
    """The weight of each synapse, and the expressions written with it.

    It is the value of the largest parts of the expressions that belong to the synapse alone, when all of them are the
    same; else the one synapse variable that they are made of, if it is one. A number that is added to every target is
    a weight as well. Either way the arithmetic, and so every bit, is that of the expressions.

    Parameters
    ----------
    expressions : sequence of (str, str)
        Expression and assignment, such as ("w*2", "-=").
    synaptic : mapping of str to (n,) array
        What belongs to the synapse alone.
    n : int
        Number of synapses.
    where : str

    Returns
    -------
    weight : (n,) float64
    expressions : list of str
        In terms of `weight`, and subtractions of sums of the negative.
    None instead of both when one number for each synapse is not enough.
    """
    if len(expressions) == 1 and expressions[0][1] == "-=":
        expressions = [(f"-({expressions[0][0]})", "+=")]
    texts = [text if op != "-=" else f"-({text})" for text, op in expressions]
    for whole in (True, False):
        folding = _Folding(set(synaptic), whole)
        folded = [ast.unparse(folding.visit(ast.parse(text, mode="eval"))) for text in texts]
        weights = [_as_floats(evaluate(part, synaptic, where), n) for part in sorted(folding.parts)]
        if not weights:
            return _added_number(texts, [op for _, op in expressions], n, where)
        if all(np.array_equal(weights[0], other, equal_nan=True) for other in weights[1:]):
            return weights[0], folded
    return None


def _as_floats(values, n):
    return np.broadcast_to(np.asarray(values, dtype=np.float64), (n,))


def _added_number(texts, ops, n, where):
    """No synapse has a number of its own: the first number that is added stands as the weight of all of them."""
    for text, op in zip(texts, ops):
        if op in ("+=", "-=") and not names_in(text, where):
            value = float(evaluate(text, {}, where))
            return np.full(n, value), ["weight" if other == text else other for other in texts]
    return np.zeros(n), texts


class _Folding(ast.NodeTransformer):
    """Replaces by `weight` the parts of an expression that belong to the synapse alone: the largest, or the names."""

    def __init__(self, synaptic, whole):
        self.synaptic, self.whole, self.parts = synaptic, whole, set()

    def visit(self, node):
        if isinstance(node, ast.expr) and (self.whole or isinstance(node, ast.Name)):
            names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} - _functions(node)
            if names and names <= self.synaptic:
                self.parts.add(ast.unparse(node))
                weight = ast.Name("weight", ast.Load())
                truth = isinstance(node, ast.Compare | ast.BoolOp) or _is_not(node)
                return ast.Compare(weight, [ast.NotEq()], [ast.Constant(0)]) if truth else weight
        return self.generic_visit(node)


def _functions(node):
    return {name for name, _ in calls_in(node)}


def _is_not(node):
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
