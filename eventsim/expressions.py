"""The grammar of statements: what a neuron model may compute, and how it becomes Numba source or a value.

Expressions are text, possibly from a file somebody sent. They are parsed, never executed: only numbers,
names, arithmetic, comparisons, `and`, `or`, `not` and calls of the functions below are accepted, and every
name is replaced by one of ours before any source is written.
"""

import ast
from functools import lru_cache, reduce

import numpy as np

from eventsim.errors import CompileError

__all__ = ["FUNCTIONS", "arguments_of", "calls_in", "evaluate", "names_in", "substitute", "translate", "tree_of"]

#: Function name in a statement -> (name in the kernel's source, numpy function, number of arguments).
FUNCTIONS = {
    "exp": ("math.exp", np.exp, 1),
    "log": ("math.log", np.log, 1),
    "sqrt": ("math.sqrt", np.sqrt, 1),
    "abs": ("abs", np.abs, 1),
    "sin": ("math.sin", np.sin, 1),
    "cos": ("math.cos", np.cos, 1),
    "tanh": ("math.tanh", np.tanh, 1),
    "int": ("int", lambda value: np.asarray(value).astype(np.int64)[()], 1),
    "tan": ("math.tan", np.tan, 1),
    "sinh": ("math.sinh", np.sinh, 1),
    "cosh": ("math.cosh", np.cosh, 1),
    "arctan": ("math.atan", np.arctan, 1),
    "log10": ("math.log10", np.log10, 1),
    "floor": ("math.floor", np.floor, 1),
    "ceil": ("math.ceil", np.ceil, 1),
    "exprel": (
        "exprel",
        lambda value: np.where(value == 0, 1.0, np.expm1(value) / np.where(value == 0, 1.0, value)),
        1,
    ),
    "clip": ("clip", np.clip, 3),
    "where": ("where", np.where, 3),
    "timestep": ("timestep", lambda t, dt: np.asarray((t + 1e-3 * dt) / dt).astype(np.int64)[()], 2),
    "keyed_uniform": ("uniform", None, 5),
    "keyed_normal": ("normal", None, 5),
    "keyed_binomial": ("binomial", None, 7),
    "sign": ("sign", np.sign, 1),
    "arcsin": ("math.asin", np.arcsin, 1),
    "arccos": ("math.acos", np.arccos, 1),
    "expm1": ("math.expm1", np.expm1, 1),
    "log1p": ("math.log1p", np.log1p, 1),
}

# Python's parser, and all who walk its trees, recurse: a hostile file must not choose how deeply.
_LONGEST = 10_000  # characters
_DEEPEST = 100  # levels
_LARGEST = 2**63 - 1
_NODES = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Load,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd, ast.Not, ast.And,
    ast.Or, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq,
)  # fmt: skip
_SUPPORTED = f"numbers, names, + - * / // % **, comparisons, and, or, not, and {', '.join(FUNCTIONS)}"


def tree_of(expression, where, tables=()):
    """The syntax tree of an expression that is in the grammar, calls of `tables` among it; else a CompileError."""
    _check_text(expression, where)
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise CompileError(where, f"'{expression}' is not an expression", _SUPPORTED) from None
    if _depth(tree) > _DEEPEST:
        raise CompileError(where, f"an expression nested more than {_DEEPEST} deep", "a shorter one, or temporaries")
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise CompileError(where, f"{type(node).__name__} in '{expression}'", _SUPPORTED)
        if isinstance(node, ast.Constant) and not _is_number(node.value):
            raise CompileError(where, f"{node.value!r} in '{expression}'", _SUPPORTED)
        if isinstance(node, ast.Call):
            known = isinstance(node.func, ast.Name) and not node.keywords and _arity(node.func.id, tables)
            if not known or len(node.args) not in known:
                raise CompileError(where, f"the function call {ast.unparse(node)} in '{expression}'", _SUPPORTED)
    return tree


def _check_text(expression, where):
    if not isinstance(expression, str):
        raise CompileError(where, f"{expression!r} is not an expression", _SUPPORTED)
    if len(expression) > _LONGEST:
        raise CompileError(where, f"an expression of {len(expression)} characters", f"up to {_LONGEST}")


def _arity(name, tables):
    """How many arguments a function takes: a tuple of numbers; empty for one that is not known."""
    return (1, 2) if name in tables else (FUNCTIONS[name][2],) if name in FUNCTIONS else ()


def _depth(tree):
    """Levels of a tree, counted without recursion; it stops counting once there are too many."""
    level, depth = [tree], 0
    while level and depth <= _DEEPEST:
        level, depth = [child for node in level for child in ast.iter_child_nodes(node)], depth + 1
    return depth


def _is_number(value):
    return isinstance(value, (bool, float)) or (isinstance(value, int) and value <= _LARGEST)


def names_in(expression, where, tables=()):
    """The set of names an expression reads, names of functions and of `tables` left out."""
    _check_text(expression, where)
    return set(_names_in(expression, where, frozenset(tables)))


@lru_cache(maxsize=4096)
def _names_in(expression, where, tables):
    tree = tree_of(expression, where, tables)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)


def calls_in(tree):
    """(name, arguments) of every function call in a syntax tree."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(call.func.id, call.args) for call in calls if isinstance(call.func, ast.Name)]


def arguments_of(node, function):
    """The arguments, syntax trees, when a node calls that function; else None."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    return node.args if called else None


class _Rename(ast.NodeTransformer):
    def __init__(self, names, tables, expression, where):
        self.names, self.tables, self.expression, self.where = names, tables, expression, where

    def visit_Call(self, node):
        name = ast.unparse(node.func)
        arguments = [self.visit(argument) for argument in node.args]
        if name in self.tables:
            if len(arguments) == 1:
                arguments.append(ast.Constant(0))
            return ast.Call(ast.Name("table", ast.Load()), [ast.Name(self.tables[name], ast.Load()), *arguments], [])
        if name == "where":
            return ast.IfExp(*arguments)
        return ast.Call(ast.Name(FUNCTIONS[name][0], ast.Load()), arguments, [])

    def visit_BoolOp(self, node):
        """Comparisons are all made, without a branch, so that a loop stays one over vectors; what draws is not."""
        operands = [self.visit(operand) for operand in node.values]
        if not all(_is_comparison(operand) for operand in operands):
            return ast.BoolOp(node.op, operands)
        both = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        return reduce(lambda left, right: ast.BinOp(left, both, right), operands)

    def visit_Name(self, node):
        if node.id not in self.names:
            raise CompileError(self.where, f"the unknown name '{node.id}' in '{self.expression}'",
                               f"the names {', '.join(sorted(self.names)) or 'of this object'}")  # fmt: skip
        return ast.Name(self.names[node.id], ast.Load())


def _is_comparison(node):
    """Whether source is a comparison that calls nothing; a name may stand for one by now."""
    tree = ast.parse(ast.unparse(node), mode="eval").body
    return isinstance(tree, ast.Compare) and not calls_in(tree)


def translate(expression, names, where, tables=None):
    """Numba source of an expression with every name replaced.

    Parameters
    ----------
    expression : str
    names : mapping of str to str
        Name in the expression -> source text that stands for it.
    where : str
        Object that the expression belongs to, for messages.
    tables : mapping of str to str, optional
        Function of time -> source of the first arguments of `eventsim.tables.table`.

    Raises
    ------
    CompileError
        When the expression leaves the grammar or uses a name that is not in `names`.
    """
    tables = tables or {}
    return ast.unparse(_Rename(names, tables, expression, where).visit(tree_of(expression, where, tables)))


class _Substitute(ast.NodeTransformer):
    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        return ast.parse(self.names[node.id], mode="eval").body if node.id in self.names else node


def substitute(expression, names, where, tables=()):
    """The expression, still in this grammar, with some names replaced by expressions."""
    return ast.unparse(_Substitute(names).visit(tree_of(expression, where, tables)))


def evaluate(expression, values, where) -> np.ndarray | float:
    """The value of an expression over numbers and arrays, by numpy, as Brian2's numpy target would give.

    `values` maps each name to a number or an array; functions without a numpy form raise CompileError.
    """
    return _value(tree_of(expression, where), values, where)


def _power(base, exponent):
    """As Brian2's code does it, by numpy's `**`; in float64, where a tower of integers cannot fill the memory."""
    return np.asarray(base, dtype=np.float64)[()] ** exponent


_BINARY = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide, ast.Mod: np.mod, ast.Pow: _power,
}  # fmt: skip
_COMPARE = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
    ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip


def _value(node, values, where):
    match node:
        case ast.Constant(int() | float() as number):
            return number
        case ast.Name(name):
            return values[name]
        case ast.BinOp(left, op, right):
            return _BINARY[type(op)](_value(left, values, where), _value(right, values, where))
        case ast.UnaryOp(ast.Not(), operand):
            return np.logical_not(_value(operand, values, where))
        case ast.UnaryOp(op, operand):
            value = _value(operand, values, where)
            return -value if isinstance(op, ast.USub) else value
        case ast.Call(ast.Name(name), arguments) if (function := FUNCTIONS[name][1]) is not None:
            return function(*(_value(argument, values, where) for argument in arguments))
        case ast.BoolOp(op, operands):
            both = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return reduce(both, (_value(operand, values, where) for operand in operands))
        case ast.Compare(left, [op], [right]):
            return _COMPARE[type(op)](_value(left, values, where), _value(right, values, where))
    raise CompileError(where, f"'{ast.unparse(node)}' where a constant is needed", "arithmetic on constants")
