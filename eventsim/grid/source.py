"""The source of a grid kernel, written from a network's schedule.

Every population and pathway runs its own statements, in Brian2's order, with nothing interpreted in the loop. The
source depends on the model and on the plan only (which statements, which effects, how weights are stored), never on
sizes, weights or names: all arrays and constants are arguments. A foreign name or text never reaches it: see
`eventsim.expressions.translate`.

Invariants of the kernel
- `history` keeps, for each population and each of the last `depth` ticks, the neurons that fired, ascending.
  A pathway delivers at tick t, for each delay d from the longest to zero, the rows of the spikes of tick
  t - d: older spikes first, then by sending neuron, then by synapse, which is the order of Brian2's queue.
- A part (see `eventsim.grid.parts`) writes the state of its own neurons only. Parts meet after as many ticks as the
  shortest delay lasts; within a tick, only before a delivery without delay, for which all parts must have fired.
- A delivery is counted where it is scattered, and nowhere else.
- Nothing is summed in parallel, and there is no fastmath: the bits are the same for any number of parts.
- Updates and thresholds of different populations do not touch each other, so those between two deliveries are grouped
  by population.
- Of a population that runs by touch, `active` lists for each part the neurons that something may have changed since
  their last test: touched by a delivery, fired, or set by an update. The others would neither fire nor change.
- A neuron that is parked (see `eventsim.grid.parking`) has -infinity for a potential while the kernel runs; between two
  runs the state is what Brian2's would be.
"""

import re

import numpy as np

from eventsim.compiled_network import EFFECTS
from eventsim.counts import KINDS
from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, translate
from eventsim.grid import templates
from eventsim.grid.arrays import GridArrays, Layout
from eventsim.grid.phases import phases_of
from eventsim.grid.plan import plan_for

__all__ = ["kernel_source"]

_KIND = {name: index for index, name in enumerate(KINDS)}


def kernel_source(network, plan=None, counting="eventsim.grid.counting"):
    """The kernel's source text and the values of its constants.

    Parameters
    ----------
    network : CompiledNetwork
    plan : eventsim.grid.plan.Plan, optional
        The one that suits the network if left out.
    counting : str
        The module that stands for `eventsim.grid.counting`.

    Returns
    -------
    source : str
        A module whose `run` takes (part, first_tick, last_tick, GridArrays).
    constants : (n_constants,) float64

    Raises
    ------
    CompileError
        When a statement leaves the grammar of `eventsim.expressions`.
    """
    plan = plan_for(network) if plan is None else plan
    layout = Layout(network)
    emissions = "".join(_emit(o) for o in network.schedule if o.kind == "emit")
    phases = templates.MEET.join(
        "".join(_segment(network, segment, layout, plan) for segment in _segments(operations))
        for operations in phases_of(network)
    )
    named = sorted({o.index for o in network.schedule if o.kind not in ("emit", "deliver")})
    targets = sorted({p.target for p in network.pathways})
    begin = "".join(_parked(network, layout, plan, k, templates.PARK) for k in sorted(plan.parked))
    end = "".join(_parked(network, layout, plan, k, templates.UNPARK) for k in sorted(plan.parked))
    views = "".join(templates.OF_POPULATION.format(k=k) for k in sorted({*named, *targets}))
    views += layout.views({*named, *targets}, plan.parked) + _views_of_senders(network, layout)
    views += "".join(templates.COUNTS.format(k=k) for k in targets)
    landed = "".join(templates.LANDED.format(k=k) for k in targets if k not in plan.by_touch)
    landed += "".join(templates.GATHER.format(k=k) for k in targets)
    source = _with_names(
        templates.RUN, views=views, begin=begin, emissions=emissions, phases=phases, landed=landed,
        no_landed="".join(f"            landed{k} = 0\n" for k in targets if k not in plan.by_touch),
        end=end + "".join(templates.GATHER_AT_END.format(k=k) for k in targets),
        event_room=templates.EVENT_ROOM if plan.records_events else "",
        event_mark=templates.EVENT_MARK if plan.records_events else "",
    )  # fmt: skip
    return templates.MODULE.format(counting=counting) + source, np.array(layout.constants, dtype=np.float64)


def _with_names(template, **parts):
    """A filled template, with a line for each array that it names; each line costs time to compile."""
    words = set(re.findall(r"\w+", template.format(names="", **parts)))
    names = "".join(f"    {name} = a.{name}\n" for name in GridArrays._fields if name in words)
    return template.format(names=names, **parts)


def _views_of_senders(network, layout):
    """Source of names for whole variables that deliveries read of their senders, whichever part these are in."""
    read = {(p.source, variable) for p in network.pathways for variable in p.senders.values()}
    return "".join(sorted(layout.whole(k, variable) for k, variable in read))


def _parked(network, layout, plan, k, template):
    return template.format(k=k, place=layout.names(k)[plan.parked[k].variable])


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


def _segment(network, operations, layout, plan):
    """Source of one segment; an update right before a threshold shares its loop."""
    if operations[0].kind == "deliver":
        return _deliver(network, operations[0], layout, plan)
    if operations[0].kind in ("update", "threshold") and operations[0].index in plan.by_touch:
        return _touched(network, operations, layout)
    source, waiting = "", None
    for operation in operations:
        if waiting is not None and operation.kind == "threshold" and operation.every == waiting.every:
            source += _fire(network, operation, layout, plan, waiting)
            waiting = None
            continue
        if waiting is not None:
            source += _update(network, waiting, layout, plan)
            waiting = None
        if operation.kind == "update":
            waiting = operation
        elif operation.kind in _WRITERS:
            source += _WRITERS[operation.kind](network, operation, layout, plan)
        else:
            name = network.populations[operation.index].name
            raise CompileError(
                name, f"the operation '{operation.kind}'", f"emit, update, deliver, {', '.join(_WRITERS)}"
            )
    return source + (_update(network, waiting, layout, plan) if waiting is not None else "")


def _emit(operation):
    k = operation.index
    return templates.EMIT.format(where=f"emission of population {k}", k=k, every=operation.every, counted=_fired(k, 16))


def _fired(k, indent=12):
    return templates.FIRED.format(indent=" " * indent, k=k)


def _update(network, operation, layout, plan):
    writer = _StatementWriter(network, operation, layout, blocked=True)
    parking = plan.parked.get(operation.index)
    once = writer.lines(operation.once, 16, per_neuron=False)
    each = writer.lines(parking.update if parking else operation.each, 24, guarded=not parking)
    return templates.UPDATE.format(
        where=writer.where, k=operation.index, every=operation.every, once=once, each=each or " " * 24 + "pass\n",
        back=_come_back(network, operation, layout, parking), views=writer.views(each),
    )  # fmt: skip


def _come_back(network, operation, layout, parking):
    """Source by which parked neurons take part again, once their rest is over."""
    if parking is None:
        return ""
    k, places = operation.index, layout.names(operation.index)
    writer = _StatementWriter(network, operation, layout)
    over = " " * 20 + f"is_over = {writer.expression(parking.over.expression)}\n"
    return templates.COME_BACK.format(
        k=k, over=over, place=places[parking.variable], guard=places[parking.over.variable]
    )


def _fire(network, operation, layout, plan, update=None):
    """A threshold, perhaps with the update before it."""
    k, once, update_each, back = operation.index, "", "", ""
    parking, rest = plan.parked.get(k), ""
    if update is not None:
        writer = _StatementWriter(network, update, layout, blocked=True)
        once = writer.lines(update.once, 16, per_neuron=False)
        update_each = writer.lines(parking.update if parking else update.each, 24, guarded=not parking)
        back = _come_back(network, update, layout, parking)
    if parking:
        rest = templates.REST.format(k=k, place=layout.names(k)[parking.variable])
    tests = parking.threshold if parking else operation.each
    swept = _StatementWriter(network, operation, layout, blocked=True)
    once += swept.lines(operation.once, 16, per_neuron=False)
    swept_each = swept.lines(tests, 24)
    writer = _StatementWriter(network, operation, layout, names=swept.names)
    each = writer.lines(tests, 24)
    fired = writer.lines(operation.fired, 24, guarded=False)
    costly = any(name in each for name in ("uniform(", "normal(", "binomial("))  # drawn once, not once more in a search
    sweep = templates.SWEEP_AND_TEST.format(each=update_each + swept_each)
    if costly:
        sweep = templates.SWEEP.format(each=update_each) if update_each else ""
    return templates.FIRE.format(
        where=writer.where, k=k, every=operation.every, back=back, once=once, views=swept.views(sweep), sweep=sweep,
        each=each, spike=templates.SPIKE.format(indent=" " * 24, k=k), fired=rest + fired, counted=_fired(k),
    )  # fmt: skip


def _reset(network, operation, layout, plan):
    parking = plan.parked.get(operation.index)
    writer = _StatementWriter(network, operation, layout, held=parking.variable if parking else None)
    once = writer.lines(operation.once, 16, per_neuron=False)
    each = writer.lines(operation.each, 20, guarded=False) or " " * 20 + "pass\n"
    return templates.RESET.format(
        where=writer.where, k=operation.index, every=operation.every, once=once, each=each,
        slot=f"((tick - {operation.lag}) % depth)" if operation.lag else "slot",
    )  # fmt: skip


def _touched(network, operations, layout):
    """Updates and threshold of a population that runs by touch."""
    source = ""
    for operation in operations:
        writer = _StatementWriter(network, operation, layout)
        if operation.kind == "threshold":
            spike = templates.SPIKE.format(indent=" " * 20, k=operation.index)
            source += templates.TOUCHED_THRESHOLD.format(each=writer.lines(operation.each, 16), spike=spike)
        else:
            assignments = (writer.assignment(statement) for statement in operation.each)
            source += "".join(templates.TOUCHED_UPDATE.format(place=place, value=value) for place, value in assignments)
    where = f"population {operations[0].index}"
    return templates.TOUCHED.format(
        where=where, k=operations[0].index, each=source, counted=_fired(operations[0].index)
    )


def _deliver(network, operation, layout, plan):
    p = operation.index
    pathway, way = network.pathways[p], plan.storage.ways[p]
    g, touch, landed = pathway.target, "", f"                            landed{pathway.target} += done\n"
    if g in plan.by_touch:
        zero = templates.TOUCH_ZERO.format(g=g, **_KIND) if way != "none" else ""
        touch, landed = templates.TOUCH.format(g=g, **_KIND) + zero, ""
    event = {"event_start": templates.EVENT_START, "event": templates.EVENT, "event_stop": templates.EVENT_STOP}
    return templates.DELIVER.format(
        where=f"delivery by pathway {p}", p=p, s=pathway.source, g=g, every=operation.every,
        effects=_effects(network, operation, layout, plan), ask=_ask(p, plan.storage),
        of_row=templates.ROW_WEIGHT[way].format(p=p), weight=templates.WEIGHT[way],
        count=_count(g, way, plan.storage.counts_classes), touch=touch, landed=landed,
        **{name: text.format(p=p) if plan.records_events else "" for name, text in event.items()},
    )  # fmt: skip


def _ask(p, storage):
    """Source that asks for rows ahead of time, where they are in no cache."""
    codes = templates.ASK_CODES if storage.ways[p] == "code" else ""
    return templates.ASK.format(p=p, codes=codes) if storage.is_large else ""


def _count(g, way, counts_classes):
    """Source that counts one delivery in its neuron's class of weight."""
    indent, by_class = " " * 32, f"np.uint64({{c}}) * np.uint64(n{g}) + np.uint64(i)"
    if way == "none":
        return f"{indent}counts{g}[i] += 1\n"
    if counts_classes:
        return f"{indent}counts{g}[{by_class.format(c='c')}] += 1\n"
    return f"{indent}counts{g}[{by_class.format(c='w == 0.0')}] += 1\n{indent}sums{g}[i] += w\n"


def _effects(network, operation, layout, plan):
    """Source of what a delivery does to its target's state."""
    pathway = network.pathways[operation.index]
    target, places = network.populations[pathway.target], layout.names(pathway.target)
    where = f"delivery by pathway {operation.index}"
    sent = _readable(network, pathway.source, layout.names(pathway.source), "all_{}[history[at + j]]")
    readable = _readable(network, pathway.target, places, "{}[i]") | {"weight": "w"}
    readable |= {name: sent[variable] for name, variable in pathway.senders.items()}
    readable |= {name: layout.constant(value) for name, value in sorted(pathway.constants.items())}
    readable |= _time(operation, readable)
    parking, lines = plan.parked.get(pathway.target), []
    for variable, op, value in pathway.effects:
        if variable not in target.state or op not in EFFECTS:
            raise CompileError(pathway.name, f"the effect {op} on '{variable}'",
                               f"{', '.join(EFFECTS)}, on a variable of the target")  # fmt: skip
        known = names_in(value, where)
        constant = layout.constant(float(evaluate(value, {}, where))) if not known else None
        expression = constant or translate(value, readable, where)
        guard = None if parking and parking.variable == variable else target.guards.get(variable)
        condition = f"if {places[guard]}[i] != 0.0: " if guard else ""
        lines.append(f"{' ' * 32}{condition}{places[variable]}[i] {EFFECTS[op]} {expression}\n")
    return "".join(lines)


_WRITERS = {"threshold": _fire, "reset": _reset}


def _readable(network, k, places, form):
    """Mapping from the variables of population k to source that reads them, as numbers, whole ones or truth values.

    `form` is the source of a value, {} standing for the variable's place.
    """
    values = {name: form.format(place) for name, place in places.items()}
    values |= {name: f"({values[name]} != 0.0)" for name in network.populations[k].booleans}
    return values | {name: f"int({values[name]})" for name in network.populations[k].integers}


def _time(operation, names):
    """Source of the names for time; "t" only where `names` tells the length of a step."""
    step = f"(tick // {operation.every})" if operation.every > 1 else "tick"
    return {"t_in_timesteps": step} | ({"t": f"({step} * {names['dt']})"} if "dt" in names else {})


class _StatementWriter:
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
        self.variables = _readable(network, k, self.places, "{}[i]")
        offset = f"first{k} + block" if blocked else f"first{k}"
        self.names = {name: f"{name}[{offset} + i]" for name in ("key_lo", "key_hi")}
        if names is None:
            constants = {name: layout.constant(value) for name, value in sorted(operation.constants.items())}
        else:
            constants = {name: text for name, text in names.items() if name not in self.names}
        self.names |= constants
        self.names |= _time(operation, self.names)
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
