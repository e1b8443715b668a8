"""The instructions of the replay's machine: what one of them does to a stack of numbers and to registers.

An instruction is executed for a block of neurons, or of arrivals, before the next one; a value on the stack is one
number for each of them. Nothing is written before it has been read by all: the assembler sees to that.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.outline import outlined
from eventsim.philox import binomial, normal, uniform

__all__ = ["BLOCK", "OPCODES", "STACK", "Functions", "execute"]

#: Neurons, or arrivals, that are handled together.
BLOCK = 256

#: Values on the stack at most: an expression is at most 100 levels deep (eventsim.expressions), and a call of five
#: arguments keeps four waiting in each.
STACK = 512

_NAMES = (
    "number", "load", "step", "weight", "store", "add_to", "store_if", "add_to_if", "select", "neg", "not", "powi",
    "add", "sub", "mul", "div", "gt", "ge", "lt", "le", "eq", "ne", "and", "or", "floordiv", "mod", "pow",
    "exp", "expm1", "log", "log1p", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos",
    "arctan", "floor", "ceil", "abs", "sign", "int", "exprel", "clip", "timestep", "table", "uniform", "normal",
    "binomial",
)  # fmt: skip

#: Name of an instruction -> its number.
OPCODES = {name: number for number, name in enumerate(_NAMES)}

(_NUMBER, _LOAD, _STEP, _WEIGHT, _STORE, _ADD_TO, _STORE_IF, _ADD_TO_IF, _SELECT, _NEG, _NOT, _POWI,
 _ADD, _SUB, _MUL, _DIV, _GT, _GE, _LT, _LE, _EQ, _NE, _AND, _OR, _FLOORDIV, _MOD, _POW,
 _EXP, _EXPM1, _LOG, _LOG1P, _LOG10, _SQRT, _SIN, _COS, _TAN, _SINH, _COSH, _TANH, _ARCSIN, _ARCCOS,
 _ARCTAN, _FLOOR, _CEIL, _ABS, _SIGN, _INT, _EXPREL, _CLIP, _TIMESTEP, _TABLE, _UNIFORM, _NORMAL,
 _BINOMIAL) = range(len(_NAMES))  # fmt: skip


class Functions(NamedTuple):
    """Functions of time.

    Parameters
    ----------
    values, at : float64, int64
        Values of all of them end to end, and where each begins.
    shape : (n_tables, 3) float64
        Columns, step in seconds, parts of a step.
    """

    values: np.ndarray
    at: np.ndarray
    shape: np.ndarray


@outlined
@cached_njit(error_model="numpy")
def execute(program, from_, to, registers, slots, weight, step, stack, block):
    """Run instructions for each of `slots`, as many at a time as `block` says."""
    _, code, numbers, functions = program
    for begin in range(0, slots.size if to > from_ else 0, block):
        here, top = slots[begin : begin + block], 0
        for k in range(from_, to):
            opcode, argument = code[k, 0], code[k, 1]
            if opcode < _SELECT:
                top = _move(opcode, argument, numbers, registers, here, weight[begin : begin + block], step, stack, top)
            else:
                top = _compute(opcode, argument, functions, stack, top, here.size)


@outlined
@cached_njit()
def _move(opcode, argument, numbers, registers, slots, weight, step, stack, top):
    """An instruction that pushes a number, or takes one off the stack into registers; returns where the stack ends."""
    n = slots.size
    if opcode == _LOAD:
        for j in range(n):
            stack[top, j] = registers[argument, slots[j]]
    elif opcode == _WEIGHT:
        for j in range(n):
            stack[top, j] = weight[j]
    elif opcode < _STORE:
        value = numbers[argument] if opcode == _NUMBER else step
        for j in range(n):
            stack[top, j] = value
    if opcode < _STORE:
        return top + 1
    for j in range(n):  # in order: several arrivals may meet in one neuron
        if opcode >= _STORE_IF and stack[top - 2, j] == 0.0:
            continue
        if opcode in (_ADD_TO, _ADD_TO_IF):
            registers[argument, slots[j]] += stack[top - 1, j]
        else:
            registers[argument, slots[j]] = stack[top - 1, j]
    return top - 1 if opcode < _STORE_IF else top - 2


@outlined
@cached_njit(error_model="numpy")
def _compute(opcode, argument, functions, stack, top, n):
    """An instruction on the values on top of the stack; returns where it ends afterwards."""
    if opcode == _SELECT:
        top -= 2
        for j in range(n):
            if stack[top - 1, j] == 0.0:
                stack[top - 1, j] = stack[top + 1, j]
            else:
                stack[top - 1, j] = stack[top, j]
        return top
    if opcode < _ADD:
        for j in range(n):
            stack[top - 1, j] = _unary(opcode, argument, stack[top - 1, j])
        return top
    if opcode < _EXP:
        top -= 1
        _binary(opcode, stack[top - 1, :n], stack[top, :n])
        return top
    taken = _TAKEN[opcode - _EXP]
    top -= taken - 1
    for j in range(n):
        stack[top - 1, j] = _call(opcode, argument, functions, stack[top - 1 : top - 1 + taken, j])
    return top


#: How many arguments each function takes.
_TAKEN = np.array([1] * 21 + [3, 2, 2, 5, 5, 7])


@njit(inline="always")
def _unary(opcode, argument, x):
    if opcode == _NEG:
        return -x
    if opcode == _NOT:
        return 1.0 if x == 0.0 else 0.0
    return _power(x, argument)


@njit
def _power(base, exponent):
    """base ** exponent for a whole number that the statement spells out, by squaring."""
    result, left = 1.0, abs(exponent)
    while left:
        if left & 1:
            result *= base
        base *= base
        left >>= 1
    return 1.0 / result if exponent < 0 else result


@outlined
@cached_njit(error_model="numpy")
def _binary(opcode, a, b):
    """a = a operator b; the common operators have loops of their own, which become vector loops."""
    n = a.size
    if opcode == _ADD:
        for j in range(n):
            a[j] = a[j] + b[j]
    elif opcode == _SUB:
        for j in range(n):
            a[j] = a[j] - b[j]
    elif opcode == _MUL:
        for j in range(n):
            a[j] = a[j] * b[j]
    elif opcode == _DIV:
        for j in range(n):
            a[j] = a[j] / b[j]
    elif opcode == _GT:
        for j in range(n):
            a[j] = 1.0 if a[j] > b[j] else 0.0
    elif opcode == _GE:
        for j in range(n):
            a[j] = 1.0 if a[j] >= b[j] else 0.0
    else:
        for j in range(n):
            a[j] = _other(opcode, a[j], b[j])


@outlined
@cached_njit(error_model="numpy")
def _other(opcode, x, y):
    if opcode == _FLOORDIV:
        return x // y
    if opcode == _MOD:
        return x % y
    if opcode == _POW:
        return x**y
    if opcode == _AND:
        return 1.0 if x != 0.0 and y != 0.0 else 0.0
    if opcode == _OR:
        return 1.0 if x != 0.0 or y != 0.0 else 0.0
    if opcode == _LT:
        return 1.0 if x < y else 0.0
    if opcode == _LE:
        return 1.0 if x <= y else 0.0
    return 1.0 if (x == y) == (opcode == _EQ) else 0.0


@outlined
@cached_njit(error_model="numpy")
def _call(opcode, argument, functions, x):
    """A function of as many values as it takes."""
    if opcode == _EXP:
        return math.exp(x[0])
    if opcode == _EXPM1:
        return math.expm1(x[0])
    if opcode == _LOG1P:
        return math.log1p(x[0])
    if opcode == _ARCSIN:
        return math.asin(x[0])
    if opcode == _ARCCOS:
        return math.acos(x[0])
    if opcode == _SIGN:
        return np.sign(x[0])
    if opcode == _LOG:
        return math.log(x[0])
    if opcode == _LOG10:
        return math.log10(x[0])
    if opcode == _SQRT:
        return math.sqrt(x[0])
    if opcode == _SIN:
        return math.sin(x[0])
    if opcode == _COS:
        return math.cos(x[0])
    if opcode == _TAN:
        return math.tan(x[0])
    if opcode == _SINH:
        return math.sinh(x[0])
    if opcode == _COSH:
        return math.cosh(x[0])
    if opcode == _TANH:
        return math.tanh(x[0])
    if opcode == _ARCTAN:
        return math.atan(x[0])
    if opcode == _FLOOR:
        return np.floor(x[0])
    if opcode == _CEIL:
        return np.ceil(x[0])
    if opcode == _ABS:
        return abs(x[0])
    if opcode == _INT:
        return np.trunc(x[0])
    if opcode == _EXPREL:
        return math.expm1(x[0]) / x[0] if x[0] != 0.0 else 1.0
    if opcode == _CLIP:
        return min(max(x[0], x[1]), x[2])
    if opcode == _TIMESTEP:
        return np.trunc((x[0] + 1e-3 * x[1]) / x[1])
    if opcode == _TABLE:
        return _look_up(functions, argument, x[0], int(x[1]))
    key_lo, key_hi, step, purpose, seed = int(x[0]), int(x[1]), int(x[2]), int(x[3]), int(x[4])
    if opcode == _UNIFORM:
        return uniform(key_lo, key_hi, step, purpose, seed)
    if opcode == _NORMAL:
        return normal(key_lo, key_hi, step, purpose, seed)
    return float(binomial(key_lo, key_hi, step, purpose, seed, int(x[5]), x[6]))


@njit(inline="always")
def _look_up(functions, k, t, column):
    """A function of time, as eventsim.compiled_network.Table defines it; not a number where it has no such column."""
    n_columns, step_s, refine = functions.shape[k]
    values = functions.values[functions.at[k] : functions.at[k + 1]]
    if not 0 <= column < n_columns:
        return np.nan
    row, last = np.floor(np.rint(t / (step_s / refine)) / refine), values.size // int(n_columns) - 1
    row = row if row >= 0.0 else 0.0
    return values[int(min(row, float(last))) * int(n_columns) + column]
