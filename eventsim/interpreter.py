"""An expression of `eventsim.expressions` as a Python function over Python floats: the reference's own evaluator.

Written independently of the kernels, which get their expressions as Numba source, and of numpy.
"""

import ast
import math
import operator
from functools import partial

import numpy as np

from eventsim.errors import CompileError

__all__ = ["divide", "function_of"]


def function_of(expression, tables=None):
    """The function (mapping name -> value) -> value of an expression.

    Parameters
    ----------
    expression : str
    tables : mapping of str to function, optional
        Functions of time that it may call besides those of the grammar.

    Raises
    ------
    CompileError
        When the expression leaves the grammar.
    """
    return _closure(ast.parse(expression.strip(), mode="eval").body, expression, tables or {})


def _closure(node, expression, tables):
    read = partial(_closure, expression=expression, tables=tables)
    match node:
        case ast.Constant(value=value):
            return lambda names: value
        case ast.Name(id=name):
            return lambda names: names[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            apply, left, right = _BINARY[type(op)], read(left), read(right)
            return lambda names: apply(left(names), right(names))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            apply, operand = _UNARY[type(op)], read(operand)
            return lambda names: apply(operand(names))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            apply, left, right = _COMPARE[type(op)], read(left), read(right)
            return lambda names: apply(left(names), right(names))
        case ast.BoolOp(op=op, values=values):
            every, values = all if isinstance(op, ast.And) else any, [read(value) for value in values]
            return lambda names: every(value(names) for value in values)
        case ast.Call(func=ast.Name(id="where"), args=[condition, yes, no], keywords=[]):
            condition, yes, no = read(condition), read(yes), read(no)
            return lambda names: yes(names) if condition(names) else no(names)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS or name in tables:
            function, arguments = tables.get(name) or _FUNCTIONS[name], [read(argument) for argument in arguments]
            return lambda names: function(*(value(names) for value in arguments))
    raise CompileError("reference", f"'{ast.unparse(node)}' in '{expression}'", "the grammar of eventsim.expressions")


def _ieee(function, by_numpy):
    """`function`, with IEEE 754's value (an infinity or not a number) where Python raises an error."""

    def apply(*operands):
        try:
            return function(*operands)
        except (ZeroDivisionError, OverflowError, ValueError):
            with np.errstate(all="ignore"):
                return float(by_numpy(*(np.float64(operand) for operand in operands)))

    return apply


def _fractions(key_lo, key_hi, step, purpose, seed):
    """Two numbers in (0, 1), each from 53 bits of the four words of a block: see eventsim.philox."""
    mask = 0xFFFFFFFF
    key = [key_lo & mask, key_hi & mask]
    word = [step & mask, (step >> 32) & mask, purpose & mask, seed & mask]
    for _ in range(10):
        left, right = 0xD2511F53 * word[0], 0xCD9E8D57 * word[2]
        word = [right >> 32 ^ word[1] ^ key[0], right & mask, left >> 32 ^ word[3] ^ key[1], left & mask]
        key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
    return [((word[k] >> 5) * 2.0**26 + (word[k + 1] >> 6) + 0.5) * 2.0**-53 for k in (0, 2)]


def _keyed_normal(*counter):
    radius, angle = _fractions(*counter)
    return math.sqrt(-2.0 * math.log(radius)) * math.cos(2.0 * math.pi * angle)


def _keyed_binomial(*counter_n_p):
    """The smallest number of successes whose distribution function reaches the keyed fraction."""
    *counter, n, p = counter_n_p
    rest, rare = _fractions(*counter)[0], min(p, 1.0 - p)
    for k in range(n + 1):
        chance = math.comb(n, k) * rare**k * (1.0 - rare) ** (n - k)
        if rest <= chance or k == n:
            return k if p <= 0.5 else n - k
        rest -= chance


#: As IEEE 754 has it: an infinity, or not a number, for a divisor of zero.
divide = _ieee(operator.truediv, np.true_divide)

_BINARY = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: divide, ast.FloorDiv: _ieee(operator.floordiv, np.floor_divide),
    ast.Mod: _ieee(operator.mod, np.mod), ast.Pow: _ieee(math.pow, np.power),
}  # fmt: skip
_UNARY = {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_}
_COMPARE = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_OF_MATH = ("exp", "expm1", "log", "log1p", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "floor",
            "ceil")  # fmt: skip
_FUNCTIONS = {
    **{name: _ieee(getattr(math, name), getattr(np, name)) for name in _OF_MATH},
    "arctan": math.atan, "arcsin": _ieee(math.asin, np.arcsin), "arccos": _ieee(math.acos, np.arccos),
    "abs": abs, "int": int, "sign": lambda x: float(np.sign(x)),
    "exprel": lambda x: math.expm1(x) / x if x else 1.0,
    "clip": lambda x, low, high: min(max(x, low), high),
    "timestep": lambda t, dt: int((t + 1e-3 * dt) / dt),  # Brian2's: rounded down, a thousandth of a step to spare
    "keyed_uniform": lambda *counter: _fractions(*counter)[0],
    "keyed_normal": _keyed_normal, "keyed_binomial": _keyed_binomial,
}  # fmt: skip
