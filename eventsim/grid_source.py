"""The source of a grid kernel, written from a network's schedule.

Every population and pathway runs its own statements, in Brian2's order, with nothing interpreted in the loop. The
source depends on the model only (which statements, which effects), never on sizes, weights or names: all arrays and
constants are arguments. A foreign name or text never reaches it: see `eventsim.expressions.translate`.

Invariants of the kernel
- `history` keeps, for each population and each of the last `depth` ticks, the neurons that fired, ascending.
  A pathway delivers at tick t, for each delay d from the longest to zero, the rows of the spikes of tick
  t - d: older spikes first, then by sending neuron, then by synapse, which is the order of Brian2's queue.
- A part (see `eventsim.grid_arrays`) writes the state of its own neurons only. Parts meet at the end of a phase; a
  phase ends before a delivery without delay, for which all parts must have fired.
- A delivery is counted where it is scattered, and nowhere else.
- Nothing is summed in parallel, and there is no fastmath: the bits are the same for any number of parts.
- Updates and thresholds of different populations do not touch each other, so those between two deliveries are grouped
  by population.
- Of a population that runs by touch, `active` lists for each part the neurons that something may have changed since
  their last test: touched by a delivery, fired, or set by an update. The others would neither fire nor change.
"""

import re

import numpy as np

from eventsim import grid_templates as templates
from eventsim.counts import KINDS
from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, translate
from eventsim.grid_arrays import GridArrays, Layout

__all__ = ["kernel_source"]

_KIND = {name: index for index, name in enumerate(KINDS)}


def kernel_source(network, by_touch=frozenset()):
    """The kernel's source text and the values of its constants.

    Parameters
    ----------
    network : CompiledNetwork
    by_touch : frozenset of int
        Populations, quiet ones (see `eventsim.quiet`), of which only touched neurons are looked at.

    Returns
    -------
    source : str
        A module with `run` for one thread and `run_in_parallel` for many.
    constants : (n_constants,) float64

    Raises
    ------
    CompileError
        When a statement leaves the grammar of `eventsim.expressions`.
    """
    layout = Layout(network)
    emits = [o for o in network.schedule if o.kind == "emit"]
    parts = [templates.MODULE, _with_names(templates.EMISSIONS, body="".join(_emit(o) for o in emits))]
    phases = _phases(network)
    for number, operations in enumerate(phases):
        body = "".join(_segment(network, segment, layout, by_touch) for segment in _segments(operations))
        touched = {o.index if o.kind != "deliver" else network.pathways[o.index].target for o in operations}
        parts.append(_with_names(templates.PHASE, number=number, views=layout.views(touched), body=body))
    for name, loop, parallel in (("run", "range", ""), ("run_in_parallel", "prange", templates.PARALLEL)):
        calls = "".join(
            f"        for part in {loop}(n_parts):\n            phase_{n}(part, tick, a)\n" for n in range(len(phases))
        )
        parts.append(_with_names(templates.RUN, name=name, phases=calls, parallel=parallel))
    return "".join(parts), np.array(layout.constants, dtype=np.float64)


def _with_names(template, **parts):
    """A filled template, with a line for each array that it names; each line costs time to compile and in each tick."""
    words = set(re.findall(r"\w+", template.format(names="", **parts)))
    names = "".join(f"    {name} = a.{name}\n" for name in GridArrays._fields if name in words)
    return template.format(names=names, **parts)


def _phases(network):
    """The schedule without emissions, cut before each delivery that needs this tick's spikes of all parts."""
    phases, fired = [[]], set()
    for operation in network.schedule:
        if operation.kind == "emit":
            continue
        if operation.kind == "deliver":
            pathway = network.pathways[operation.index]
            if pathway.source in fired and pathway.delays[0] == 0:
                phases.append([])
                fired.clear()
        elif operation.kind == "threshold":
            fired.add(operation.index)
        phases[-1].append(operation)
    return [phase for phase in phases if phase]


def _segments(operations):
    """Lists of operations that stay together: updates and thresholds of one population, or one of another kind."""
    segments, by_population = [], {}
    for operation in operations:
        if operation.kind in ("update", "threshold"):
            by_population.setdefault(operation.index, []).append(operation)
        else:
            segments += [*by_population.values(), [operation]]
            by_population = {}
    return segments + list(by_population.values())


def _segment(network, operations, layout, by_touch):
    """Source of one segment; an update right before a threshold shares its loop."""
    if operations[0].kind == "deliver":
        return _deliver(network, operations[0], layout, by_touch)
    if operations[0].kind in ("update", "threshold") and operations[0].index in by_touch:
        return _touched(network, operations, layout)
    source, waiting = "", None
    for operation in operations:
        if waiting is not None and operation.kind == "threshold" and operation.every == waiting.every:
            source += _fire(network, operation, layout, waiting)
            waiting = None
            continue
        if waiting is not None:
            source += _update(network, waiting, layout)
            waiting = None
        if operation.kind == "update":
            waiting = operation
        elif operation.kind in _WRITERS:
            source += _WRITERS[operation.kind](network, operation, layout)
        else:
            name = network.populations[operation.index].name
            raise CompileError(
                name, f"the operation '{operation.kind}'", f"emit, update, deliver, {', '.join(_WRITERS)}"
            )
    return source + (_update(network, waiting, layout) if waiting is not None else "")


def _emit(operation):
    k = operation.index
    return templates.EMIT.format(
        where=f"emission of population {k}", k=k, every=operation.every, spike=templates.SPIKE.format(k=k, **_KIND)
    )


def _update(network, operation, layout):
    writer = _StatementWriter(network, operation, layout)
    once = writer.lines(operation.once, 8, per_neuron=False)
    each = writer.lines(operation.each, 12) or " " * 12 + "pass\n"
    return templates.UPDATE.format(where=writer.where, k=operation.index, every=operation.every, once=once, each=each)


def _fire(network, operation, layout, update=None):
    """A threshold, perhaps with the update before it."""
    k, once, update_each = operation.index, "", ""
    if update is not None:
        writer = _StatementWriter(network, update, layout)
        once = writer.lines(update.once, 8, per_neuron=False)
        each = writer.lines(update.each, 16)
        update_each = templates.UPDATE_BLOCK.format(each=each) if each else ""
    writer = _StatementWriter(network, operation, layout, prefix="y")
    once += writer.lines(operation.once, 8, per_neuron=False)
    each = writer.lines(operation.each, 16)
    fired = writer.lines(operation.fired, 16, guarded=False)
    costly = any(name in each for name in ("uniform(", "normal("))  # drawn once, not once more in a search
    return templates.FIRE.format(
        where=writer.where, k=k, every=operation.every, once=once, update=update_each, each=each, fired=fired,
        test="" if costly else templates.TEST_BLOCK.format(each=each), spike=templates.SPIKE.format(k=k, **_KIND),
    )  # fmt: skip


def _reset(network, operation, layout):
    writer = _StatementWriter(network, operation, layout)
    once = writer.lines(operation.once, 8, per_neuron=False)
    each = writer.lines(operation.each, 12, guarded=False) or " " * 12 + "pass\n"
    return templates.RESET.format(where=writer.where, k=operation.index, every=operation.every, once=once, each=each)


def _touched(network, operations, layout):
    """Updates and threshold of a population that runs by touch."""
    source = ""
    for operation in operations:
        writer = _StatementWriter(network, operation, layout, prefix="xy"[operation.kind == "threshold"])
        if operation.kind == "threshold":
            spike = templates.SPIKE.format(k=operation.index, **_KIND)
            source += templates.TOUCHED_THRESHOLD.format(each=writer.lines(operation.each, 12), spike=spike)
        else:
            assignments = (writer.assignment(statement) for statement in operation.each)
            source += "".join(templates.TOUCHED_UPDATE.format(place=place, value=value) for place, value in assignments)
    where = f"population {operations[0].index}"
    return templates.TOUCHED.format(where=where, k=operations[0].index, each=source)


def _deliver(network, operation, layout, by_touch):
    p = operation.index
    pathway = network.pathways[p]
    where = f"delivery by pathway {p}"
    target, places = network.populations[pathway.target], layout.names(pathway.target)
    readable = {name: f"{place}[i_post]" for name, place in places.items()} | {"weight": "w"}
    lines = []
    for variable, op, value in pathway.effects:
        if variable not in target.state or op not in ("add", "set"):
            raise CompileError(pathway.name, f"the effect {op} on '{variable}'", "add or set, a variable of the target")
        known = names_in(value, where)
        constant = layout.constant(float(evaluate(value, {}, where))) if not known else None
        expression = constant or translate(value, readable, where)
        guard = target.guards.get(variable)
        condition = f"if {places[guard]}[i_post] != 0.0: " if guard else ""
        lines.append(f"{' ' * 24}{condition}{places[variable]}[i_post] {'+=' if op == 'add' else '='} {expression}\n")
    return templates.DELIVER.format(
        where=where, p=p, s=pathway.source, g=pathway.target, every=operation.every, effects="".join(lines),
        touch=templates.TOUCH.format(g=pathway.target) if pathway.target in by_touch else "",
        zero=templates.ZERO.format(**_KIND) if pathway.weighted else "", **_KIND,
    )  # fmt: skip


_WRITERS = {"threshold": _fire, "reset": _reset}


class _StatementWriter:
    """Source of the statements of one operation; temporaries become known as they appear."""

    def __init__(self, network, operation, layout, prefix="x"):
        population = network.populations[operation.index]
        self.where = f"{operation.kind} of population {operation.index}"
        self.places, self.guards, self.prefix = layout.names(operation.index), population.guards, prefix
        self.variables = {name: f"{place}[i]" for name, place in self.places.items()}
        self.variables |= {name: f"({self.places[name]}[i] != 0.0)" for name in population.booleans}
        self.names = {name: f"{name}[population_start[{operation.index}] + i]" for name in ("key_lo", "key_hi")}
        self.names |= {name: layout.constant(value) for name, value in sorted(operation.constants.items())}
        self.names["t_in_timesteps"] = f"(tick // {operation.every})" if operation.every > 1 else "tick"
        if "dt" in self.names:
            self.names["t"] = f"({self.names['t_in_timesteps']} * {self.names['dt']})"
        self.tables = {name: layout.table(network.tables[k], k) for name, k in sorted(operation.tables.items())}

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
            self.names[name] = f"{self.prefix}{len(self.names)}"
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
