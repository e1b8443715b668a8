"""The length of a refractory period, from the condition that ends it.

Brian2 writes a period P as `not_refractory = timestep(t - lastspike, dt) >= timestep(P, dt)`, and a condition C, for as
long as which a neuron is refractory, as `not_refractory = not_refractory or not (C)`. C may be
`timestep(t - lastspike, dt) < k`, k whole ticks, or `t - lastspike < P`, strict or not.
"""

import ast

from eventsim.expressions import arguments_of

__all__ = ["period_of"]

_SINCE = "t - lastspike"
_SINCE_IN_STEPS = "timestep(t - lastspike, dt)"
_NEGATED = {ast.Lt: ast.GtE, ast.LtE: ast.Gt}


def period_of(text, constant, tick_s):
    """The period in ticks, float64 or one for each neuron; None when the condition is no such period.

    Parameters
    ----------
    text : str
        What not_refractory is set to.
    constant : function
        From a syntax tree to its value, None when it is not constant.
    tick_s : float
    """
    compare = _comparison(ast.parse(text, mode="eval").body)
    if compare is None:
        return None
    since, ends, limit = ast.unparse(compare.left), type(compare.ops[0]), compare.comparators[0]
    if ends not in (ast.GtE, ast.Gt):
        return None
    if since == _SINCE:
        period = constant(limit)
        return None if period is None else period / tick_s
    if since != _SINCE_IN_STEPS:
        return None
    if arguments := arguments_of(limit, "timestep"):
        period = constant(arguments[0])
        return None if period is None else period / tick_s
    steps = constant(limit)
    return None if steps is None else steps + (ends is ast.Gt)


def _comparison(tree):
    """The comparison that ends the period, as one of elapsed time with a limit from below; None when it is another."""
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.Or) and ast.unparse(tree.values[0]) == "not_refractory":
        tree = tree.values[1] if len(tree.values) == 2 else tree
    match tree:
        case ast.UnaryOp(ast.Not(), ast.Compare(left, [op], limit)) if type(op) in _NEGATED:
            return ast.Compare(left, [_NEGATED[type(op)]()], limit)
        case ast.Compare(ops=[_]):
            return tree
    return None
