"""Brian2's abstract code into statements: constants taken, loop invariants evaluated, functions checked."""

import ast
from collections.abc import Iterable

import numpy as np
from brian2 import TimedArray
from brian2.codegen.translation import make_statements
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.variables import ArrayVariable, Constant
from brian2.input.binomial import BinomialFunction
from brian2.parsing.bast import brian_dtype_from_dtype

from eventsim.compile.noise import OURS, RANDOM
from eventsim.compiled_network import Statement
from eventsim.errors import CompileError
from eventsim.expressions import FUNCTIONS, calls_in, evaluate, names_in

__all__ = ["as_statements", "fold", "functions_of_time", "read_constants", "statements_of"]

_KEYED = "keyed_uniform, or compile_network(..., noise='rekey')"


def statements_of(where, code, variables, instead_of_noise=_KEYED):
    """(once, each): the Brian2 statements of abstract code, as its numpy target runs them.

    Parameters
    ----------
    where : str
        Object that the code belongs to, for messages.
    code : str
    variables : mapping of str to Variable or Function
    instead_of_noise : str
        What is supported in place of unkeyed random numbers.
    """
    once, each = make_statements(code, variables, np.float64)
    for statement in (*once, *each):
        _check_functions(where, statement.expr, variables, instead_of_noise)
    return once, each


def read_constants(where, statements, variables, dt_s, changing: Iterable[str] = ()):
    """Scalars that statements read: constants of the namespace, scalar variables of a group, dt if they read t.

    `changing` names the scalars that are no constants.
    """
    found, tables = {}, functions_of_time(variables)
    for name in set().union(*(names_in(s.expr, where, tables) for s in statements)) - set(changing):
        variable = variables.get(name)
        scalar = isinstance(variable, ArrayVariable) and variable.scalar and name not in ("t", "t_in_timesteps")
        if isinstance(variable, Constant) or scalar:
            value = np.asarray(variable.get_value()).reshape(-1)[0]
            found[name] = int(value) if np.issubdtype(type(value), np.integer) else float(value)
            if not np.isfinite(value):
                raise CompileError(where, f"the constant '{name}' is {value}", "finite constants")
    if any("t" in names_in(s.expr, where, tables) for s in statements):
        found["dt"] = dt_s
    return found


def fold(where, once, constants, variables):
    """Evaluate loop invariants of constants here, with numpy as Brian2 does; return those that remain.

    `constants` gains the values.
    """
    remaining, tables = [], functions_of_time(variables)
    for statement in once:
        reads = names_in(statement.expr, where, tables)
        calls = _called(statement.expr) & ({*tables} | {*OURS})
        if statement.op != ":=" or calls or not reads <= set(constants):
            remaining.append(statement)
        else:
            value = evaluate(statement.expr, constants, where)
            constants[statement.var] = value.item() if isinstance(value, np.generic) else value
    return remaining


def as_statements(statements):
    return tuple(Statement(s.var, s.op, _as_numpy_runs_it(s)) for s in statements)


def functions_of_time(variables):
    """Names of the TimedArrays among the variables."""
    return tuple(name for name, variable in variables.items() if isinstance(variable, TimedArray))


def _as_numpy_runs_it(statement):
    """The expression, with Brian2's numpy target's rule: one boolean that saves work is taken out as a choice."""
    booleans = statement.used_boolean_variables or []
    worth_it = (
        len(booleans) == 1
        and brian_dtype_from_dtype(statement.dtype) == "float"
        and statement.complexity_std > sum(statement.complexities.values())
    )
    if not worth_it:
        return statement.expr
    simplified = {assigned[0][1]: expr for assigned, expr in statement.boolean_simplified_expressions.items()}
    return f"where({booleans[0]}, {simplified[True]}, {simplified[False]})"


def _called(expression):
    """Names of the functions that an expression calls."""
    tree = ast.parse(expression.strip(), mode="eval")
    return {name for name, _ in calls_in(tree)}


def _check_functions(where, expression, variables, instead_of_noise):
    """A function must be Brian2's own, ours, or a TimedArray; not a user's of the same name."""
    for name in _called(expression):
        found = variables.get(name)
        if isinstance(found, TimedArray):
            continue
        if name in (*RANDOM, "poisson") or isinstance(found, BinomialFunction):
            raise CompileError(where, f"unkeyed noise, {name}(), in '{expression}'", instead_of_noise)
        ours = OURS.get(name, DEFAULT_FUNCTIONS.get(name))
        if isinstance(found, Function) and found is not ours:
            raise CompileError(where, f"the function '{name}' in '{expression}' is not Brian2's own",
                               ", ".join(FUNCTIONS))  # fmt: skip
