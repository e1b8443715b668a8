"""State updates, thresholds, resets and regular operations: one Brian2 object into one Operation."""

from dataclasses import replace

from brian2.core.variables import ArrayVariable, AuxiliaryVariable
from brian2.parsing.bast import brian_ast

from eventsim.compile.group import owner_of
from eventsim.compile.noise import OURS
from eventsim.compile.statements import as_statements, fold, functions_of_time, read_constants, statements_of
from eventsim.compiled_network import Operation, Statement
from eventsim.errors import CompileError
from eventsim.expressions import names_in, substitute

__all__ = ["read_operation"]

_FIRED = (Statement("not_refractory", "=", "False"), Statement("lastspike", "=", "t"))


def read_operation(runner, kind, reader, every, changing, tables, rekeying):
    """The Operation of a StateUpdater, Thresholder, Resetter, PoissonInput or run_regularly.

    Parameters
    ----------
    runner : brian2 CodeRunner
    kind : str
        See Operation.
    reader : GroupReader
        Of its group.
    every : int
        Length of its clock's step, in ticks.
    changing : frozenset of (str, str)
        See `eventsim.compile.changes`.
    tables : Tables
    rekeying : Rekeying or None
    """
    if every % reader.every:
        raise CompileError(runner.name, f"its clock ticks between those of '{reader.name}'",
                           "a step that is a multiple of its group's")  # fmt: skip
    code, variables = runner.abstract_code, runner.codeobj.variables
    if rekeying is not None:
        code, variables = rekeying.rekeyed(runner, code, variables)
    once, each = statements_of(runner.name, code, variables)
    dt_s, statements = float(runner.group.clock.dt_), (*once, *each)
    used = tables.used_by(statements, variables, dt_s)
    shared = _changing_scalars(runner.name, statements, variables, changing)
    constants = read_constants(runner.name, statements, variables, dt_s, shared)
    once, moved = _per_neuron(runner.name, fold(runner.name, once, constants, variables), variables, shared)
    each = [*moved, *each]
    _check_types(runner.name, each, variables)
    for statement in (*once, *each):
        for name in names_in(statement.expr, runner.name, used):
            reader.note(runner.name, name, variables)
        reader.note_written(runner.name, statement.var, variables)
    once, each = (_on_clock_of_group(as_statements(part), every // reader.every, used) for part in (once, each))
    fired = _fired(runner, reader, constants) if kind == "threshold" else ()
    return Operation(kind, reader.index, once, each, fired, constants, used, every)


def _on_clock_of_group(statements, ratio, tables):
    """Of an object with a slower clock than its group's: Brian2's t is the group's, an Operation's is its own."""
    if ratio == 1:
        return statements
    step = f"(t_in_timesteps * {ratio})"
    names = {"t_in_timesteps": step, "t": f"({step} * dt)"}
    return tuple(replace(s, expression=substitute(s.expression, names, s.variable, tables)) for s in statements)


def _changing_scalars(where, statements, variables, changing):
    """Shared variables that statements read or write and that change; each neuron keeps a copy of its group's."""
    tables = functions_of_time(variables)
    names = set().union(*(names_in(s.expr, where, tables) | {s.var} for s in statements))
    scalars = {name for name in names if isinstance(variables.get(name), ArrayVariable) and variables[name].scalar}
    return {name for name in scalars if (owner_of(variables[name]), variables[name].name) in changing}


def _per_neuron(where, once, variables, shared):
    """(once, moved): statements for the group, and those that concern its changing shared variables.

    Each neuron computes the latter from its own copy, with the same bits.
    """
    moved, names, tables = [], set(shared), functions_of_time(variables)
    for statement in once:
        if any(name in statement.expr for name in OURS):
            raise CompileError(
                where, f"'{_text(statement)}' draws one random number for all neurons", "draws by each neuron"
            )
        if names & (names_in(statement.expr, where, tables) | {statement.var}):
            names.add(statement.var)
            moved.append(statement)
    return [statement for statement in once if statement not in moved], moved


def _check_types(where, statements, variables):
    """Whole numbers and truth values are assigned only such."""
    types = dict(variables)
    for statement in statements:
        variable = variables.get(statement.var)
        if not isinstance(variable, ArrayVariable):
            types[statement.var] = AuxiliaryVariable(statement.var, dtype=statement.dtype)
            continue
        allowed = {"boolean": ("boolean",), "integer": ("integer", "boolean")}.get(_type_of(variable))
        if allowed and (statement.op == "/=" or brian_ast(statement.expr, types).dtype not in allowed):
            what = f"'{_text(statement)}' makes a fraction of the {_type_of(variable)} '{statement.var}'"
            raise CompileError(where, what, "whole values for integers, truth values for booleans")  # fmt: skip


def _text(statement):
    return f"{statement.var} {statement.op} {statement.expr}"


def _type_of(variable):
    return "boolean" if variable.is_boolean else "integer" if variable.is_integer else "float"


def _fired(thresholder, reader, constants):
    """What a threshold does to neurons that fire: with a refractory period, Brian2's two assignments."""
    if getattr(reader.group, "_refractory", False) is False:
        return ()
    for name in ("not_refractory", "lastspike"):
        reader.note_written(thresholder.name, name, reader.group.variables)
    constants["dt"] = float(reader.group.clock.dt_)
    return _FIRED
