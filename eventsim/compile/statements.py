"""Brian2's abstract code into statements: constants taken, loop invariants evaluated, functions checked."""

import ast
import re

import numpy as np
from brian2 import TimedArray
from brian2.codegen.translation import make_statements
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.variables import ArrayVariable, AuxiliaryVariable, Constant
from brian2.input.timedarray import _find_K
from brian2.parsing.bast import brian_dtype_from_dtype

from eventsim.errors import CompileError
from eventsim.expressions import FUNCTIONS, evaluate, names_in
from eventsim.network import Statement, Table
from eventsim.noise import keyed_normal, keyed_uniform

__all__ = ["Tables", "fold", "read_constants", "statements_of"]

_OURS = {"keyed_uniform": keyed_uniform, "keyed_normal": keyed_normal}
_RANDOM = {"rand": "keyed_uniform", "randn": "keyed_normal"}


class Tables:
    """The TimedArrays that a network's statements call, each stored once."""

    def __init__(self):
        self.tables, self._index = [], {}

    def index(self, timed_array, dt_s):
        """Place of the table for a TimedArray read by an object with this time step."""
        key = (id(timed_array), dt_s)
        if key not in self._index:
            values = np.asarray(timed_array.values, dtype=np.float64)
            columns = values.shape[1] if values.ndim == 2 else 1
            table = Table(values.ravel(), columns, float(timed_array.dt), int(_find_K(dt_s, timed_array.dt)))
            self._index[key] = len(self.tables)
            self.tables.append(table)
        return self._index[key]


def statements_of(where, code, variables, rekey_seed, optimise=True):
    """(once, each) Brian2 statements of abstract code, with the names they may read.

    With `rekey_seed`, rand() and randn() become keyed draws with that seed; each call gets a purpose of its own.
    """
    if rekey_seed is not None:
        code, variables = _rekeyed(code, variables, rekey_seed)
    once, each = make_statements(code, variables, np.float64, optimise=optimise)
    for statement in (*once, *each):
        _check_functions(where, statement.expr, variables)
    return once, each, variables


def _rekeyed(code, variables, seed):
    """The code with unkeyed draws replaced; purposes 1, 2, ... leave 0 to the models' own noise."""
    count = 0

    def keyed(match):
        nonlocal count
        count += 1
        return f"{_RANDOM[match.group(1)]}(key_lo, key_hi, t_in_timesteps, {count}, {seed})"

    code = re.sub(r"\b(rand|randn)\(\s*\)", keyed, code)
    keys = {name: AuxiliaryVariable(name, dtype=np.int32) for name in ("key_lo", "key_hi")}
    keys["t_in_timesteps"] = AuxiliaryVariable("t_in_timesteps", dtype=np.int64, scalar=True)
    return code, {**variables, **{k: v for k, v in keys.items() if k not in variables}, **_OURS}


def read_constants(where, statements, variables, dt_s):
    """Scalars that statements read: constants of the namespace, scalar variables of the group, dt if they read t."""
    found = {}
    for name in set().union(*(names_in(s.expr, where, _tables_in(variables)) for s in statements)):
        variable = variables.get(name)
        scalar = isinstance(variable, ArrayVariable) and variable.scalar and name not in ("t", "t_in_timesteps")
        if isinstance(variable, Constant) or scalar:
            value = np.asarray(variable.get_value()).reshape(-1)[0]
            found[name] = int(value) if np.issubdtype(type(value), np.integer) else float(value)
            if not np.isfinite(value):
                raise CompileError(where, f"the constant '{name}' is {value}", "finite constants")
    if any("t" in names_in(s.expr, where, _tables_in(variables)) for s in statements):
        found["dt"] = dt_s
    return found


def fold(where, once, constants, variables):
    """Evaluate loop invariants of constants here, with numpy as Brian2 does; return those that remain."""
    remaining = []
    for statement in once:
        reads = names_in(statement.expr, where, _tables_in(variables))
        calls_table = any(name in statement.expr for name in _tables_in(variables))
        if statement.op != ":=" or calls_table or not reads <= set(constants):
            remaining.append(statement)
        else:
            value = evaluate(statement.expr, constants, where)
            constants[statement.var] = value.item() if isinstance(value, np.generic) else value
    return remaining


def tables_used(statements, variables, tables, dt_s):
    """Mapping function name -> place of its table, for the TimedArrays that statements call."""
    text = " ".join(s.expr for s in statements)
    return {
        name: tables.index(variables[name], dt_s)
        for name in _tables_in(variables) if re.search(rf"\b{re.escape(name)}\(", text)
    }  # fmt: skip


def as_statements(statements):
    return tuple(Statement(s.var, s.op, _as_numpy_runs_it(s)) for s in statements)


def _as_numpy_runs_it(statement):
    """The expression, with Brian2's numpy target's rule: one boolean that saves work is taken out as a choice."""
    booleans = statement.used_boolean_variables
    worth_it = (
        booleans is not None
        and len(booleans) == 1
        and brian_dtype_from_dtype(statement.dtype) == "float"
        and statement.complexity_std > sum(statement.complexities.values())
    )
    if not worth_it:
        return statement.expr
    simplified = {assigned[0][1]: expr for assigned, expr in statement.boolean_simplified_expressions.items()}
    return f"where({booleans[0]}, {simplified[True]}, {simplified[False]})"


def _tables_in(variables):
    return tuple(name for name, variable in variables.items() if isinstance(variable, TimedArray))


def _check_functions(where, expression, variables):
    """A function must be Brian2's own, ours, or a TimedArray; not a user's of the same name."""
    for node in ast.walk(ast.parse(expression.strip(), mode="eval")):
        if isinstance(node, ast.Call):
            name = node.func.id
            found = variables.get(name)
            if isinstance(found, TimedArray):
                continue
            if name in _RANDOM:
                raise CompileError(where, f"unkeyed noise, {name}(), in '{expression}'",
                                   "keyed_uniform, or compile_network(..., noise='rekey')")  # fmt: skip
            ours = _OURS.get(name, DEFAULT_FUNCTIONS.get(name))
            if isinstance(found, Function) and found is not ours:
                raise CompileError(where, f"the function '{name}' in '{expression}' is not Brian2's own",
                                   ", ".join(FUNCTIONS))  # fmt: skip
