"""Neurons that fire by chance: most are seen not to fire before a chance is worked out.

An escape-rate neuron fires at u < 1/(1 + exp(-x)), u a keyed uniform number: ten rounds of Philox and an exponential,
for each neuron in each tick. But the chance is below exp(x), so no neuron fires whose x is at most log u, and of log u
the upper bits of u tell a lower bound without a logarithm (`eventsim.philox.least_logs`, many neurons at once). The
model's own question is asked of those only that this does not settle, few more than fire. Draws are stateless: where
every x of a block is at most log 2^-54, the smallest u, nothing is drawn, and otherwise for several ticks ahead, which
share the arithmetic of the keys.

Parts of a condition that draw nothing are asked first in any case: a gate of noise draws when it is called.
"""

import ast
from dataclasses import dataclass

from eventsim.expressions import arguments_of, names_in, tree_of

__all__ = ["LEAST_LOG", "Screen", "draws", "screen_of"]

#: The name that stands in a screen for a lower bound of the logarithm of the uniform number.
LEAST_LOG = "least_log"
_DRAWS = ("keyed_uniform", "keyed_normal", "keyed_binomial")
_KEYS = ["key_lo", "key_hi"]


@dataclass(frozen=True)
class Screen:
    """What holds wherever a condition does, and costs less.

    Parameters
    ----------
    expression : str
        May name LEAST_LOG.
    drawn : tuple of str
        Step, purpose and seed of the uniform number that LEAST_LOG stands for; empty where the screen does without.
    """

    expression: str
    drawn: tuple[str, ...] = ()


def draws(expression):
    """Whether an expression draws a random number."""
    return any(f"{name}(" in expression for name in _DRAWS)


def screen_of(expression, own, where, moving=("t", "t_in_timesteps")):
    """The Screen of a condition that draws; None when nothing cheaper is known of it.

    Parameters
    ----------
    expression : str
    own : collection of str
        Names whose values differ between neurons.
    where : str
        Named in errors.
    moving : collection of str
        Names whose values differ between ticks; of a draw only the step may read them.
    """
    tree = tree_of(expression, where)
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    plain = [ast.unparse(part) for part in parts if not draws(ast.unparse(part))]
    for part in parts:
        found = _log_odds(part)
        if found is None or names_in(" + ".join(found[1]), where) & set(own):
            continue
        if names_in(" + ".join(found[1][1:]), where) & set(moving):
            continue
        return Screen(" and ".join([*(f"({p})" for p in plain), f"({found[0]} > {LEAST_LOG})"]), found[1])
    return Screen(" and ".join(f"({p})" for p in plain)) if plain else None


def _log_odds(tree):
    """(x, (step, purpose, seed)) of the comparison keyed_uniform(key_lo, key_hi, step, ...) < 1/(1 + exp(-x))."""
    match tree:
        case ast.Compare(draw, [ast.Lt() | ast.LtE()], [ast.BinOp(one, ast.Div(), ast.BinOp(left, ast.Add(), right))]):
            drawn, others = arguments_of(draw, "keyed_uniform"), [term for term in (left, right) if not _is_one(term)]
        case _:
            return None
    if drawn is None or not _is_one(one) or len(others) != 1 or draws(ast.unparse(others[0])):
        return None
    *keys, step, purpose, seed = map(ast.unparse, drawn)
    match arguments_of(others[0], "exp"):
        case [ast.UnaryOp(ast.USub(), exponent)] if keys == _KEYS:
            return f"({ast.unparse(exponent)})", (step, purpose, seed)
    return None


def _is_one(tree):
    return isinstance(tree, ast.Constant) and tree.value == 1
