"""What an expression is made of: a constant plus multiples of variables, found from its syntax tree."""

import ast
from dataclasses import dataclass, field

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import FUNCTIONS, tree_of

__all__ = ["Affine", "affine_form", "inline"]


@dataclass(frozen=True, eq=False)
class Affine:
    """constant + sum of coefficients * variables + sum of factors * exp(affine).

    Parameters
    ----------
    constant : float or array
    coefficients : mapping of str to float or array
    exponentials : tuple of (factor, Affine)
    """

    constant: float | np.ndarray = 0.0
    coefficients: dict = field(default_factory=dict)
    exponentials: tuple = ()

    @property
    def is_constant(self):
        return not self.coefficients and not self.exponentials

    def of(self, variable) -> float | np.ndarray:
        """The coefficient of a variable, 0 if it does not occur."""
        return self.coefficients.get(variable, 0.0)

    def times(self, factor):
        return Affine(self.constant * factor, {k: c * factor for k, c in self.coefficients.items()},
                      tuple((f * factor, inner) for f, inner in self.exponentials))  # fmt: skip

    def over(self, divisor):
        """Divided, not multiplied by a reciprocal, so that -v/tau has exactly the coefficient -1/tau."""
        return Affine(self.constant / divisor, {k: c / divisor for k, c in self.coefficients.items()},
                      tuple((f / divisor, inner) for f, inner in self.exponentials))  # fmt: skip

    def plus(self, other):
        names = self.coefficients.keys() | other.coefficients.keys()
        return Affine(self.constant + other.constant, {k: self.of(k) + other.of(k) for k in sorted(names)},
                      self.exponentials + other.exponentials)  # fmt: skip


def affine_form(expression, constants, variables, where, tables=None):
    """The affine form of an expression.

    Parameters
    ----------
    expression : str
    constants : mapping of str to float or array
    variables : collection of str
    where : str
        Population or pathway, for messages.
    tables : mapping of str to (n_columns,) float64, optional
        Functions of time that it may call -> their present values.

    Raises
    ------
    CompileError
        When it is not a constant plus multiples of variables and of exponentials of such.
    """
    tables = tables or {}
    tree = tree_of(expression, where, tuple(tables))  # only the grammar's own nodes beyond this point
    with np.errstate(divide="ignore", invalid="ignore"):
        return _form(tree, constants, variables, where, tables)


def inline(statements, where, tables=()):
    """The last statement's expression with the temporaries defined before it written out."""
    known = {}
    for statement in statements:
        tree = _Substitute(known).visit(tree_of(statement.expression, where, tuple(tables)))
        known[statement.variable] = tree
    return ast.unparse(tree)


class _Substitute(ast.NodeTransformer):
    def __init__(self, known):
        self.known = known

    def visit_Name(self, node):
        return self.known.get(node.id, node)


def _form(node, constants, variables, where, tables):
    refusal = CompileError(where, f"'{ast.unparse(node)}' in continuous time", "a constant plus multiples of variables "
                           "and of exp(...) of such")  # fmt: skip
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Affine(float(node.value))
    if isinstance(node, ast.Name):
        if node.id in variables:
            return Affine(coefficients={node.id: 1.0})
        if node.id not in constants:
            raise refusal
        return Affine(constants[node.id])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _form(node.operand, constants, variables, where, tables)
        return inner.times(-1.0) if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call):
        return _call(node, constants, variables, where, tables, refusal)
    if not isinstance(node, ast.BinOp):
        raise refusal
    left, right = (_form(side, constants, variables, where, tables) for side in (node.left, node.right))
    if isinstance(node.op, ast.Add):
        return left.plus(right)
    if isinstance(node.op, ast.Sub):
        return left.plus(right.times(-1.0))
    if isinstance(node.op, ast.Mult) and (left.is_constant or right.is_constant):
        return left.times(right.constant) if right.is_constant else right.times(left.constant)
    if isinstance(node.op, ast.Div) and right.is_constant:
        return left.over(right.constant)
    if isinstance(node.op, ast.Pow) and left.is_constant and right.is_constant:
        return Affine(np.asarray(left.constant, dtype=np.float64)[()] ** right.constant)
    raise refusal


def _call(node, constants, variables, where, tables, refusal):
    name = ast.unparse(node.func)
    if name in tables:
        column = [_form(argument, constants, variables, where, tables) for argument in node.args[1:]]
        if ast.unparse(node.args[0]) != "t" or not all(c.is_constant for c in column):
            raise refusal
        return Affine(tables[name][np.asarray(column[0].constant if column else 0, dtype=np.int64)])
    arguments = [_form(argument, constants, variables, where, tables) for argument in node.args]
    if all(argument.is_constant for argument in arguments) and FUNCTIONS[name][1] is not None:
        return Affine(FUNCTIONS[name][1](*(argument.constant for argument in arguments)))
    if name == "exp" and not arguments[0].exponentials:
        return Affine(exponentials=((1.0, arguments[0]),))
    raise refusal
