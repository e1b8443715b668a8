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

import numpy as np

from eventsim.counts import KINDS
from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, translate
from eventsim.grid_arrays import GridArrays, Layout

__all__ = ["kernel_source"]

_KIND = {name: index for index, name in enumerate(KINDS)}
_NAMES = "".join(f"    {name} = a.{name}\n" for name in GridArrays._fields)

# Phases must not be fused: the parts meet between them.
_PARALLEL = ', parallel={"fusion": False}'

_MODULE = '''"""Written by eventsim.grid_source; safe to delete."""
import math

from numba import njit, prange

from eventsim.philox import normal, uniform
from eventsim.tables import clip, exprel, table, timestep
'''

_PHASE = """

@njit(cache=True, nogil=True, error_model="numpy")
def phase_{number}(part, tick, a):
{names}{views}    n_parts, n_kinds, n_cores = tally.shape
    slot = tick % history_count.shape[1]
    busy_here = 0
{body}    busy[part] += busy_here
"""

# The source neurons fire as the stimulus says; a part of their own, the first, holds all their spikes.
_EMISSIONS = """

@njit(cache=True, nogil=True, error_model="numpy")
def emissions(tick, a):
{names}    part = 0
    slot = tick % history_count.shape[1]
    busy_here = 0
{body}    busy[part] += busy_here
"""

_RUN = """

@njit(cache=True, nogil=True, error_model="numpy"{parallel})
def {name}(first_tick, last_tick, a):
{names}    n_parts, n_kinds, n_cores = tally.shape
    depth = history_count.shape[1]
    spikes, counts = filled[0], filled[1]
    tick = first_tick
    samples, n_recorded = filled[2], recorded_at.size
    while tick < last_tick and filled[3] < filled[4]:
        if spike_tick.size - spikes < core_of.size or row_tick.size - counts < n_kinds * n_cores:
            break
        if n_recorded and tick % record_every == 0:
            if sample_tick.size == samples:
                break
            sample_tick[samples] = tick
            for r in range(n_recorded):
                sample_value[samples * n_recorded + r] = state[recorded_at[r]]
            samples += 1
        emissions(tick, a)
{phases}        slot = tick % depth
        for k in range(population_size.size):
            for part in range(n_parts):
                at = history_at[k] + slot * population_size[k] + bounds[part, k]
                for j in range(history_count[k, slot, part]):
                    neuron = population_start[k] + history[at + j]
                    spike_tick[spikes], spike_neuron[spikes] = tick, neuron
                    spikes += 1
                filled[3] += history_count[k, slot, part]
        if busy.any():
            busy[:] = 0
            for core in range(n_cores):
                for kind in range(n_kinds):
                    count = 0
                    for part in range(n_parts):
                        count += tally[part, kind, core]
                        tally[part, kind, core] = 0
                    if count:
                        row_tick[counts], row_core[counts] = tick, core - 1
                        row_kind[counts], row_count[counts] = kind, count
                        counts += 1
        tick += 1
    filled[0], filled[1], filled[2] = spikes, counts, samples
    return tick
"""

# One spike of neuron `i` of a population: remembered, counted, and announced to each core it reaches.
_SPIKE = """
                neuron = population_start[{k}] + i
                history[at + fired] = i
                fired += 1
                here = core_of[neuron] + 1
                tally[part, {spikes}, here] += 1
                for r in range(reach_at[neuron], reach_at[neuron + 1]):
                    there = reach[r] + 1
                    messages[part, here, there] += 1
                    tally[part, {messages_out}, here] += 1
                    tally[part, {messages_in}, there] += 1
"""

_EMIT = """    # {where}
    at = history_at[{k}] + slot * population_size[{k}]
    fired = 0
    if tick % {every} == 0:
            while cursor[{k}] < stimulus_at[{k} + 1] and stimulus_tick[cursor[{k}]] == tick:
                i = stimulus_neuron[cursor[{k}]]
                cursor[{k}] += 1{spike}    history_count[{k}, slot, part] = fired
    busy_here += fired
"""

_UPDATE = """    # {where}
    if tick % {every} == 0:
{once}        for i in range(bounds[part, {k}], bounds[part + 1, {k}]):
{each}"""

# A block is updated, then tested as a whole, and only searched for those that fire when there are any.
_FIRE = """    # {where}
    at = history_at[{k}] + slot * population_size[{k}] + bounds[part, {k}]
    fired = 0
    if tick % {every} == 0:
{once}        for block in range(bounds[part, {k}], bounds[part + 1, {k}], 256):
            stop = min(block + 256, bounds[part + 1, {k}])
{update}{test}            for i in range(block, stop):
{each}                if not condition:
                    continue{spike}{fired}    history_count[{k}, slot, part] = fired
    busy_here += fired
"""

_UPDATE_BLOCK = """            for i in range(block, stop):
{each}"""

_TEST_BLOCK = """            hits = 0
            for i in range(block, stop):
{each}                hits += 1 if condition else 0
            if hits == 0:
                continue
"""

# The same for a population that runs by touch.
_TOUCHED = """    # {where}, by touch
    at = history_at[{k}] + slot * population_size[{k}] + bounds[part, {k}]
    first_active = population_start[{k}] + bounds[part, {k}]
    fired = 0
    kept = 0
    for j in range(active_count[part, {k}]):
            i = active[first_active + j]
            stays = False
{each}            if stays:
                active[first_active + kept] = i
                kept += 1
            else:
                is_active[population_start[{k}] + i] = False
    active_count[part, {k}] = kept
    history[at:at + fired].sort()
    history_count[{k}, slot, part] = fired
    busy_here += fired
"""

_TOUCHED_UPDATE = """            if {place} != {value}:
                stays = True
            {place} = {value}
"""

_TOUCHED_THRESHOLD = """{each}            if condition:
                stays = True{spike}"""

_TOUCH = """                        if not is_active[neuron]:
                            is_active[neuron] = True
                            active[population_start[{g}] + bounds[part, {g}] + active_count[part, {g}]] = i_post
                            active_count[part, {g}] += 1
"""

_RESET = """    # {where}
    if tick % {every} == 0:
{once}        at = history_at[{k}] + slot * population_size[{k}] + bounds[part, {k}]
        for j in range(history_count[{k}, slot, part]):
            i = history[at + j]
{each}"""

_DELIVER = """    # {where}
    if tick % {every} == 0:
        n_delays = delays_at[{p} + 1] - delays_at[{p}]
        first = first_synapse[part, {p}]
        for d in range(n_delays - 1, -1, -1):
            past = (tick - delays[delays_at[{p}] + d]) % history_count.shape[1]
            for q in range(n_parts):
                at = history_at[{s}] + past * population_size[{s}] + bounds[q, {s}]
                for j in range(history_count[{s}, past, q]):
                    row = rows_at[part, {p}] + history[at + j] * n_delays + d
                    for synapse in range(first + rows[row], first + rows[row + 1]):
                        neuron = post[synapse]
                        i_post = neuron - population_start[{g}]
                        w = weight[synapse]
{effects}{touch}                        received_count[neuron] += 1
                        received_weight[neuron] += w
                        delivered[part, {p}] += 1
                        tally[part, {synaptic_events}, core_of[neuron] + 1] += 1
                        busy_here += 1
{zero}"""

_ZERO = """                        if w == 0.0:
                            tally[part, {zero_weight_events}, core_of[neuron] + 1] += 1
"""


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
    parts = [_MODULE, _EMISSIONS.format(names=_NAMES, body="".join(_emit(o) for o in emits))]
    phases = _phases(network)
    for number, operations in enumerate(phases):
        body = "".join(_segment(network, segment, layout, by_touch) for segment in _segments(operations))
        touched = {o.index if o.kind != "deliver" else network.pathways[o.index].target for o in operations}
        parts.append(_PHASE.format(number=number, names=_NAMES, views=layout.views(touched), body=body))
    for name, loop, parallel in (("run", "range", ""), ("run_in_parallel", "prange", _PARALLEL)):
        calls = "".join(
            f"        for part in {loop}(n_parts):\n            phase_{n}(part, tick, a)\n" for n in range(len(phases))
        )
        parts.append(_RUN.format(name=name, names=_NAMES, phases=calls, parallel=parallel))
    return "".join(parts), np.array(layout.constants, dtype=np.float64)


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
    return _EMIT.format(
        where=f"emission of population {k}", k=k, every=operation.every, spike=_SPIKE.format(k=k, **_KIND)
    )


def _update(network, operation, layout):
    writer = _StatementWriter(network, operation, layout)
    once = writer.lines(operation.once, 8, per_neuron=False)
    each = writer.lines(operation.each, 12) or " " * 12 + "pass\n"
    return _UPDATE.format(where=writer.where, k=operation.index, every=operation.every, once=once, each=each)


def _fire(network, operation, layout, update=None):
    """A threshold, perhaps with the update before it."""
    k, once, update_each = operation.index, "", ""
    if update is not None:
        writer = _StatementWriter(network, update, layout)
        once = writer.lines(update.once, 8, per_neuron=False)
        each = writer.lines(update.each, 16)
        update_each = _UPDATE_BLOCK.format(each=each) if each else ""
    writer = _StatementWriter(network, operation, layout, prefix="y")
    once += writer.lines(operation.once, 8, per_neuron=False)
    each = writer.lines(operation.each, 16)
    fired = writer.lines(operation.fired, 16, guarded=False)
    costly = any(name in each for name in ("uniform(", "normal("))  # drawn once, not once more in a search
    return _FIRE.format(
        where=writer.where, k=k, every=operation.every, once=once, update=update_each, each=each, fired=fired,
        test="" if costly else _TEST_BLOCK.format(each=each), spike=_SPIKE.format(k=k, **_KIND),
    )  # fmt: skip


def _reset(network, operation, layout):
    writer = _StatementWriter(network, operation, layout)
    once = writer.lines(operation.once, 8, per_neuron=False)
    each = writer.lines(operation.each, 12, guarded=False) or " " * 12 + "pass\n"
    return _RESET.format(where=writer.where, k=operation.index, every=operation.every, once=once, each=each)


def _touched(network, operations, layout):
    """Updates and threshold of a population that runs by touch."""
    source = ""
    for operation in operations:
        writer = _StatementWriter(network, operation, layout, prefix="xy"[operation.kind == "threshold"])
        if operation.kind == "threshold":
            spike = _SPIKE.format(k=operation.index, **_KIND)
            source += _TOUCHED_THRESHOLD.format(each=writer.lines(operation.each, 12), spike=spike)
        else:
            assignments = (writer.assignment(statement) for statement in operation.each)
            source += "".join(_TOUCHED_UPDATE.format(place=place, value=value) for place, value in assignments)
    where = f"population {operations[0].index}"
    return _TOUCHED.format(where=where, k=operations[0].index, each=source)


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
    return _DELIVER.format(
        where=where, p=p, s=pathway.source, g=pathway.target, every=operation.every, effects="".join(lines),
        touch=_TOUCH.format(g=pathway.target) if pathway.target in by_touch else "",
        zero=_ZERO.format(**_KIND) if pathway.weighted else "", **_KIND,
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
