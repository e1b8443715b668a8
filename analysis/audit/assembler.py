"""The assembler of the replay: a network's schedule as a program for `analysis.audit.machine`.

The third reading of the statements, besides that of the kernels and that of the reference: see eventsim.reference for
what an operation means.
"""

import ast

import numpy as np

from analysis.audit.instructions import BLOCK, OPCODES, Functions
from analysis.audit.machine import CONDITION, DELIVER, FIRST_FREE, RESET, THRESHOLD, UPDATE, Program
from eventsim.compiled_network import EFFECTS
from eventsim.errors import CompileError
from eventsim.expressions import names_in

__all__ = ["assemble", "places_of"]

_KINDS = {"update": UPDATE, "threshold": THRESHOLD, "reset": RESET, "deliver": DELIVER}
_OPERATORS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
    ast.And: "and", ast.Or: "or", ast.USub: "neg", ast.Not: "not",
}  # fmt: skip
_RENAMED = {"keyed_uniform": "uniform", "keyed_normal": "normal", "keyed_binomial": "binomial",
            "where": "select"}  # fmt: skip
_SCALING = {"*=": "mul", "/=": "div"}


def places_of(population):
    """Mapping name -> register of a population's variables, its parameters, and its neurons' keys."""
    names = dict.fromkeys([*sorted(population.state), *sorted(population.parameters), "key_lo", "key_hi"])
    return {name: FIRST_FREE + k for k, name in enumerate(names)}


def assemble(network, slots):
    """The program that replays some neurons.

    Parameters
    ----------
    network : CompiledNetwork
    slots : mapping of int to (int, int)
        Population -> first and last + 1 of the slots that its replayed neurons have.

    Returns
    -------
    program : Program
    place_of : (n_pathways,) int64
        The operation by which each pathway delivers, -1 for those that reach no replayed neuron or never deliver.
    width : int
        Registers that a neuron needs.

    Raises
    ------
    CompileError
        When a statement leaves the grammar of `eventsim.expressions`.
    """
    writer, rows, place_of = _Writer(network), [], np.full(len(network.pathways), -1, dtype=np.int64)
    for operation in network.schedule:
        kind, k = operation.kind, operation.index
        k = network.pathways[k].target if kind == "deliver" else k
        if kind not in _KINDS or k not in slots:
            continue
        if kind == "deliver":
            place_of[operation.index] = len(rows)
            ranges = [*writer.effects(operation), 0, 0, _together(network, operation.index), 0]
        else:
            ranges = [*writer.operation(operation), BLOCK, operation.lag]
        rows.append([_KINDS[kind], operation.every, *slots[k], *ranges])
    program = Program(
        np.array(rows, dtype=np.int64).reshape(-1, 10), np.array(writer.code, dtype=np.int64).reshape(-1, 2),
        np.array(writer.numbers, dtype=np.float64), _functions(network.tables),
    )  # fmt: skip
    return program, place_of, writer.width


def _together(network, p):
    """How many arrivals by a pathway may be handled together: one, when an effect reads what an effect may write."""
    pathway = network.pathways[p]
    guards = network.populations[pathway.target].guards
    written = {variable for variable, _, _ in pathway.effects}
    read = set().union(*(names_in(value, pathway.name) for _, _, value in pathway.effects))
    read |= {guards[variable] for variable in written if variable in guards}
    apart = all(op in ("add", "set") for _, op, _ in pathway.effects) and len(written) == len(pathway.effects)
    return BLOCK if apart and not read & written else 1


def _functions(tables):
    """The network's functions of time, as the machine has them."""
    return Functions(
        np.concatenate([np.empty(0), *(t.values for t in tables)]), np.cumsum([0, *(t.values.size for t in tables)]),
        np.array([[t.n_columns, t.step_s, t.refine] for t in tables], dtype=np.float64).reshape(-1, 3),
    )  # fmt: skip


class _Writer:
    """Instructions written so far, and the numbers that they push."""

    def __init__(self, network):
        self.network, self.code, self.numbers, self.width = network, [], [], FIRST_FREE

    def operation(self, operation):
        """[from, to, fired from, fired to] of an operation on neurons."""
        population = self.network.populations[operation.index]
        self._enter(population, operation, operation.constants)
        guards = {} if operation.kind == "reset" else population.guards
        ends = [len(self.code)]
        for statements, guarded in (((*operation.once, *operation.each), guards), (operation.fired, {})):
            for statement in statements:
                self._assign(statement.variable, statement.op, statement.expression, guarded)
            ends.append(len(self.code))
        return [ends[0], ends[1], ends[1], ends[2]]

    def effects(self, operation):
        """(from, to) of a delivery by a pathway."""
        pathway, first = self.network.pathways[operation.index], len(self.code)
        population = self.network.populations[pathway.target]
        if pathway.senders:
            raise CompileError(pathway.name, f"an effect that reads '{min(pathway.senders)}' of the sender",
                               "effects that follow from the receiving neuron alone")  # fmt: skip
        self._enter(population, operation, pathway.constants)
        self.is_delivery = True
        for variable, op, value in pathway.effects:
            self._assign(variable, EFFECTS[op], value, population.guards)
        return first, len(self.code)

    def _enter(self, population, operation, constants):
        """Make the names of a population, and of an operation on it, known."""
        self.population, self.is_delivery = population, False
        self.places, self.constants, self.tables = places_of(population), dict(constants), dict(operation.tables)
        self.dt = self.constants.setdefault("dt", operation.every * self.network.dt_ms * 1e-3)
        self.width = max(self.width, FIRST_FREE + len(self.places))

    def _assign(self, variable, op, expression, guards):
        where = self.population.name
        names_in(expression, where, tuple(self.tables))  # only the grammar's own nodes beyond this point
        guard, is_state = guards.get(variable), variable in self.population.state
        if guard:
            self._name(guard)
        scales = is_state and op in _SCALING
        if scales:
            self._name(variable)
        self._expression(ast.parse(expression.strip(), mode="eval").body)
        if scales:
            self._emit(_SCALING[op])
        if is_state and op == "-=":
            self._emit("neg")  # x - y is x + -y, bit for bit
        adds = is_state and op in ("+=", "-=")
        self._emit(("add_to" if adds else "store") + ("_if" if guard else ""), self._place(variable))

    def _place(self, variable):
        """The register of a variable; temporaries get one as they appear."""
        if variable == "_cond":
            self.places[variable] = CONDITION
        elif variable not in self.places:
            self.places[variable] = FIRST_FREE + len(self.places)
            self.width = max(self.width, self.places[variable] + 1)
        return self.places[variable]

    def _emit(self, name, argument=0):
        self.code.append((OPCODES[name], argument))

    def _push(self, value):
        self.numbers.append(float(value))
        self._emit("number", len(self.numbers) - 1)

    def _name(self, name):
        """Push the value of a name."""
        if name in self.places:
            self._emit("load", self.places[name])
            if name in self.population.booleans:
                self._push(0.0)
                self._emit("ne")
        elif name in self.constants:
            self._push(self.constants[name])
        elif name == "weight" and self.is_delivery:
            self._emit("weight")
        elif name in ("t", "t_in_timesteps"):
            self._emit("step")
            if name == "t":
                self._push(self.dt)
                self._emit("mul")
        else:
            raise CompileError(self.population.name, f"the unknown name '{name}'", f"{', '.join(sorted(self.places))}")

    def _expression(self, node):
        """Push the value of an expression."""
        match node:
            case ast.Constant(value=value):
                self._push(value)
            case ast.Name(id=name):
                self._name(name)
            case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
                self._expression(base)
                self._emit("powi", exponent)
            case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
                self._expression(left)
                self._expression(right)
                self._emit(_OPERATORS[type(op)])
            case ast.UnaryOp(op=op, operand=operand):
                self._expression(operand)
                if not isinstance(op, ast.UAdd):
                    self._emit(_OPERATORS[type(op)])
            case ast.BoolOp(op=op, values=[first, *others]):
                self._expression(first)
                for value in others:
                    self._expression(value)
                    self._emit(_OPERATORS[type(op)])
            case ast.Call(func=ast.Name(id=name), args=arguments):
                self._call(name, arguments)
            case _:
                raise CompileError(
                    self.population.name, f"'{ast.unparse(node)}'", "the grammar of eventsim.expressions"
                )

    def _call(self, name, arguments):
        for argument in arguments:
            self._expression(argument)
        if name in self.tables:
            if len(arguments) == 1:
                self._push(0)
            self._emit("table", self.tables[name])
        else:
            self._emit(_RENAMED.get(name, name))
