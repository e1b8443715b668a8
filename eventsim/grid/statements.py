"""Statements of a network into lines of a kernel's source: what each name reads, and where each value is written."""

import re

from eventsim.errors import CompileError
from eventsim.expressions import translate

__all__ = ["StatementWriter", "is_time", "readable", "time_names"]


def readable(network, k, places, form):
    """Mapping from the variables of population k to source that reads them, as numbers, whole ones or truth values.

    `form` is the source of a value, {} standing for the variable's place.
    """
    values = {name: form.format(place) for name, place in places.items()}
    values |= {name: f"({values[name]} != 0.0)" for name in network.populations[k].booleans}
    return values | {name: f"int({values[name]})" for name in network.populations[k].integers}


def is_time(operation):
    """Source of whether an operation comes in this tick; where it always does, nothing that takes time to compile."""
    return "True" if operation.every == 1 else f"tick % {operation.every} == 0"


def time_names(operation, names):
    """Source of the names for time; "t" only where `names` tells the length of a step."""
    step = f"(tick // {operation.every})" if operation.every > 1 else "tick"
    return {"t_in_timesteps": step} | ({"t": f"({step} * {names['dt']})"} if "dt" in names else {})


class StatementWriter:
    """Source of the statements of one operation; temporaries become known as they appear.

    In a loop over blocks, `blocked`, variables are read and written through views of the block's neurons.
    """

    def __init__(self, network, operation, layout, blocked=False, held=None, names=None):
        population, k = network.populations[operation.index], operation.index
        self.where, self.blocked = f"{operation.kind} of population {k}", blocked
        self.places = layout.names(k)
        if held:
            self.places[held] = f"held_{self.places[held]}"
        if blocked:
            self.places = {name: f"block_{place}" for name, place in self.places.items()}
        self.guards, self.prefix = population.guards, layout.letters()
        self.variables = readable(network, k, self.places, "{}[i]")
        offset = f"first{k} + block" if blocked else f"first{k}"
        self.names = {name: f"{name}[{offset} + i]" for name in ("key_lo", "key_hi")}
        if names is None:
            constants = {name: layout.constant(value) for name, value in sorted(operation.constants.items())}
        else:
            constants = {name: text for name, text in names.items() if name not in self.names}
        self.names |= constants
        self.names |= time_names(operation, self.names)
        self.tables = {name: layout.table(network.tables[k], k) for name, k in sorted(operation.tables.items())}

    def views(self, source):
        """Lines that make the views of a block that `source` names."""
        words = set(re.findall(r"\w+", source))
        return "".join(
            f"                    {place} = {place.removeprefix('block_')}[block:block + size]\n"
            for place in self.places.values() if place in words
        )  # fmt: skip

    def expression(self, text):
        return translate(text, self.names | self.variables, self.where, self.tables)

    def lines(self, statements, indent, guarded=True, per_neuron=True):
        return "".join(f"{' ' * indent}{self._line(s, guarded, per_neuron)}\n" for s in statements)

    def assignment(self, statement):
        """(place, value) of a statement that sets a variable to a constant."""
        return f"{self.places[statement.variable]}[i]", translate(statement.expression, self.names, self.where)

    def _line(self, statement, guarded, per_neuron):
        name, op = statement.variable, statement.op
        readable = self.names | self.variables if per_neuron else self.names
        expression = translate(statement.expression, readable, self.where, self.tables)
        if name == "_cond":
            return f"condition = {expression}"
        if op == ":=" and name not in self.variables:
            self.names[name] = f"{self.prefix}_{len(self.names)}"
            return f"{self.names[name]} = {expression}"
        if op in ("=", "+=", "-=", "*=", "/=") and name in self.places and per_neuron:
            place = f"{self.places[name]}[i]"
            guard = self.guards.get(name) if guarded else None
            if guard is None:
                return f"{place} {op} {expression}"
            value = expression if op == "=" else f"{place} {op[0]} ({expression})"
            return (
                f"{place} = {value} if {self.variables[guard]} else {place}"  # no branch: the loop stays a vector loop
            )
        if op == "=" and name in self.names:
            return f"{self.names[name]} = {expression}"
        raise CompileError(self.where, f"'{name} {op} {statement.expression}'",
                           "temporaries, and assignments to the population's own variables")  # fmt: skip
