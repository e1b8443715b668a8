"""The grid kernel: one Numba function that runs a network's schedule tick by tick.

The source of the function is written from the network's schedule, so that every population and pathway runs
its own statements, in Brian2's order, with nothing interpreted in the loop. The source depends on the
model only (which statements, which effects), never on sizes, weights or names: all arrays and constants are
arguments, and the compiled function is cached on disk under the hash of its source.

Invariants of the kernel
- `history` keeps, for each population and each of the last `depth` ticks, the neurons that fired, ascending.
  A pathway delivers at tick t, for each delay d from the longest to zero, the rows of the spikes of tick
  t - d: older spikes first, then by sending neuron, then by synapse, which is the order of Brian2's queue.
- A delivery is counted where it is scattered, and nowhere else.
- Nothing is reordered and nothing is summed in parallel; there is no fastmath.
"""

import hashlib
import importlib.util
import os
import sys
from functools import lru_cache
from pathlib import Path

import numba
import numpy as np

import eventsim.philox
import eventsim.tables
from eventsim.counts import KINDS
from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, translate

__all__ = ["ARGUMENTS", "cache_folder", "kernel_for", "kernel_source"]

#: Arguments of every kernel, in order; see `eventsim.simulate` for shapes and meaning.
ARGUMENTS = (
    "first_tick", "last_tick", "key_lo", "key_hi", "tables", "tables_at",
    "state", "state_at", "floats", "floats_at", "integers", "integers_at", "constants", "population_start", "population_size", "depth", "history", "history_at", "history_count",
    "stimulus_tick", "stimulus_neuron", "stimulus_at", "cursor",
    "post", "weight", "first_synapse", "delays", "delays_at", "rows", "rows_at",
    "core_of", "reach", "reach_at", "received_count", "received_weight", "delivered", "messages", "tally",
    "spike_tick", "spike_neuron", "row_tick", "row_core", "row_kind", "row_count", "filled",
)  # fmt: skip

_HEADER = '''"""Written by eventsim.grid_kernel; safe to delete."""
import math

from numba import njit

from eventsim.philox import normal, uniform
from eventsim.tables import clip, exprel, table, timestep


@njit(cache=True, nogil=True, error_model="numpy")
def run({arguments}):
    n_kinds, n_cores = tally.shape
    n_neurons = core_of.size
    spikes, counts = filled[0], filled[1]
{views}
    tick = first_tick
    while tick < last_tick:
        if spike_tick.size - spikes < n_neurons or row_tick.size - counts < n_kinds * n_cores:
            break
        slot = tick % depth
        busy = 0
'''

_FOOTER = """        if busy:
            for core in range(n_cores):
                for kind in range(n_kinds):
                    if tally[kind, core]:
                        row_tick[counts], row_core[counts] = tick, core - 1
                        row_kind[counts], row_count[counts] = kind, tally[kind, core]
                        tally[kind, core] = 0
                        counts += 1
        tick += 1
    filled[0], filled[1] = spikes, counts
    return tick
"""

# One spike of neuron `i` of a population: remembered, recorded, counted, and announced to each core it reaches.
_SPIKE = """
            neuron = population_start[{k}] + i
            history[history_at[{k}] + slot * population_size[{k}] + fired] = i
            fired += 1
            spike_tick[spikes], spike_neuron[spikes] = tick, neuron
            spikes += 1
            here = core_of[neuron] + 1
            tally[{spikes}, here] += 1
            for r in range(reach_at[neuron], reach_at[neuron + 1]):
                there = reach[r] + 1
                messages[here, there] += 1
                tally[{messages_out}, here] += 1
                tally[{messages_in}, there] += 1
"""

_EMIT = """        # {where}
        fired = 0
        while cursor[{k}] < stimulus_at[{k} + 1] and stimulus_tick[cursor[{k}]] == tick:
            i = stimulus_neuron[cursor[{k}]]
            cursor[{k}] += 1{spike}{fired}        history_count[{k}, slot] = fired
        busy += fired
"""

_UPDATE = """        # {where}
{once}        for i in range(population_size[{k}]):
{each}"""

_THRESHOLD = """        # {where}
{once}        fired = 0
        for i in range(population_size[{k}]):
{each}            if not condition:
                continue{spike}{fired}        history_count[{k}, slot] = fired
        busy += fired
"""

_RESET = """        # {where}
{once}        for j in range(history_count[{k}, slot]):
            i = history[history_at[{k}] + slot * population_size[{k}] + j]
{each}"""

_DELIVER = """        # {where}
        n_delays = delays_at[{p} + 1] - delays_at[{p}]
        for d in range(n_delays - 1, -1, -1):
            past = (tick - delays[delays_at[{p}] + d]) % depth
            for j in range(history_count[{s}, past]):
                i = history[history_at[{s}] + past * population_size[{s}] + j]
                row = rows_at[{p}] + i * n_delays + d
                for synapse in range(first_synapse[{p}] + rows[row], first_synapse[{p}] + rows[row + 1]):
                    neuron = post[synapse]
                    i_post = neuron - population_start[{g}]
                    w = weight[synapse]
{effects}                    received_count[neuron] += 1
                    received_weight[neuron] += w
                    delivered[{p}] += 1
                    tally[{synaptic_events}, core_of[neuron] + 1] += 1
                    busy += 1
{zero}"""

_ZERO = """                    if w == 0.0:
                        tally[{zero_weight_events}, core_of[neuron] + 1] += 1
"""

_KIND = {name: index for index, name in enumerate(KINDS)}


class Layout:
    """Where each variable of a network lies in the kernel's flat arrays.

    Attributes
    ----------
    state, floats, integers : list of (population, name)
        Variables in order of their place; those of one population are in order of name.
    constants : list of float
        Every scalar the statements name, operation by operation.
    """

    def __init__(self, network):
        self.state, self.floats, self.integers, self.constants = [], [], [], []
        for k, population in enumerate(network.populations):
            self.state += [(k, name) for name in sorted(population.state)]
            for name, values in sorted(population.parameters.items()):
                is_float = np.issubdtype(values.dtype, np.floating)
                (self.floats if is_float else self.integers).append((k, name))

    def views(self):
        """Source lines that name each variable's slice of its array."""
        lines = []
        for array, letter in (("state", "s"), ("floats", "f"), ("integers", "n")):
            for place, _ in enumerate(getattr(self, array)):
                lines.append(f"    {letter}{place} = {array}[{array}_at[{place}]:{array}_at[{place} + 1]]")
        return "\n".join(lines)

    def names(self, k):
        """Mapping from a variable's name in population k to its slice."""
        return {
            name: f"{letter}{place}"
            for array, letter in (("state", "s"), ("floats", "f"), ("integers", "n"))
            for place, (owner, name) in enumerate(getattr(self, array)) if owner == k
        }  # fmt: skip

    def constant(self, value):
        """Source of a scalar: its place among the kernel's constants."""
        self.constants.append(float(value))
        source = f"constants[{len(self.constants) - 1}]"
        return f"int({source})" if isinstance(value, int) else source

    def table(self, table, k):
        """Source of the first arguments of `eventsim.tables.table` for table k."""
        numbers = (self.constant(table.n_columns), self.constant(table.step_s), self.constant(table.refine))
        return f"tables, tables_at[{k}], tables_at[{k} + 1], {', '.join(numbers)}"


def kernel_source(network):
    """The kernel's source text and the values of its constants.

    Returns
    -------
    source : str
    constants : (n_constants,) float64

    Raises
    ------
    CompileError
        When a statement leaves the grammar of `eventsim.expressions`.
    """
    layout = Layout(network)
    body = [_operation(network, operation, layout) for operation in network.schedule]
    header = _HEADER.format(arguments=", ".join(ARGUMENTS), views=layout.views())
    return header + "".join(body) + _FOOTER, np.array(layout.constants, dtype=np.float64)


def _operation(network, operation, layout):
    if operation.kind == "deliver":
        source = _deliver(network, operation.index, layout)
    elif operation.kind in _TEMPLATES:
        source = _of_population(network, operation, layout)
    else:
        raise CompileError(network.populations[operation.index].name, f"the operation '{operation.kind}'",
                           f"{', '.join(_TEMPLATES)}, deliver")  # fmt: skip
    return source if operation.every == 1 else _now_and_then(source, operation)


def _now_and_then(source, operation):
    """An operation on a slower clock; in the ticks between, nobody of its population fires."""
    inside = "".join(f"    {line}\n" for line in source.splitlines())
    silent = f"        else:\n            history_count[{operation.index}, slot] = 0\n"
    return (f"        if tick % {operation.every} == 0:\n{inside}"
            + (silent if operation.kind in ("emit", "threshold") else ""))  # fmt: skip


def _of_population(network, operation, layout):
    k = operation.index
    where = f"{operation.kind} of population {k}"
    writer = _StatementWriter(network, operation, layout, where)
    once = writer.lines(operation.once, " " * 8, per_neuron=False)
    each = writer.lines(operation.each, " " * 12, guarded=operation.kind != "reset")
    fired = writer.lines(operation.fired, " " * 12, guarded=False)
    return _TEMPLATES[operation.kind].format(
        where=where, k=k, once=once, each=each or " " * 12 + "pass\n", fired=fired, spike=_SPIKE.format(k=k, **_KIND)
    )


class _StatementWriter:
    """Source of the statements of one operation; temporaries become known as they appear."""

    def __init__(self, network, operation, layout, where):
        population = network.populations[operation.index]
        self.places, self.guards, self.where = layout.names(operation.index), population.guards, where
        self.variables = {name: f"{place}[i]" for name, place in self.places.items()}
        self.variables |= {name: f"({self.places[name]}[i] != 0.0)" for name in population.booleans}
        start = f"population_start[{operation.index}] + i"
        self.names = {name: f"{name}[{start}]" for name in ("key_lo", "key_hi")}
        self.names |= {name: layout.constant(value) for name, value in sorted(operation.constants.items())}
        self.names["t_in_timesteps"] = f"(tick // {operation.every})" if operation.every > 1 else "tick"
        if "dt" in self.names:
            self.names["t"] = f"({self.names['t_in_timesteps']} * {self.names['dt']})"
        self.names |= {"True": "True", "False": "False"}
        self.tables = {name: layout.table(network.tables[k], k) for name, k in sorted(operation.tables.items())}

    def lines(self, statements, indent, guarded=True, per_neuron=True):
        return "".join(f"{indent}{self._line(s, guarded, per_neuron)}\n" for s in statements)

    def _line(self, statement, guarded, per_neuron):
        name, op = statement.variable, statement.op
        readable = self.names | self.variables if per_neuron else self.names
        expression = translate(statement.expression, readable, self.where, self.tables)
        if name == "_cond":
            return f"condition = {expression}"
        if op == ":=" and name not in self.variables:
            self.names[name] = f"x{len(self.names)}"
            return f"{self.names[name]} = {expression}"
        if op in ("=", "+=", "-=", "*=", "/=") and name in self.places and per_neuron:
            assignment = f"{self.places[name]}[i] {op} {expression}"
            guard = self.guards.get(name) if guarded else None
            return f"if {self.variables[guard]}: {assignment}" if guard else assignment
        if op == "=" and name in self.names:
            return f"{self.names[name]} = {expression}"
        raise CompileError(self.where, f"'{name} {op} {statement.expression}'",
                           "temporaries, and assignments to the population's own variables")  # fmt: skip


def _deliver(network, p, layout):
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
        lines.append(f"{' ' * 20}{condition}{places[variable]}[i_post] {'+=' if op == 'add' else '='} {expression}\n")
    zero = _ZERO.format(**_KIND) if pathway.weighted else ""
    ends = {"s": pathway.source, "g": pathway.target}
    return _DELIVER.format(where=where, p=p, effects="".join(lines), zero=zero, **ends, **_KIND)


_TEMPLATES = {"emit": _EMIT, "update": _UPDATE, "threshold": _THRESHOLD, "reset": _RESET}


def cache_folder():
    """Where kernels are kept: $EVENTSIM_CACHE, else $XDG_CACHE_HOME/eventsim, else ~/.cache/eventsim."""
    if os.environ.get("EVENTSIM_CACHE"):
        return Path(os.environ["EVENTSIM_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eventsim"


@lru_cache(maxsize=64)
def _load(source):
    """The compiled `run` of a source, from the cache folder when that can be written."""
    ours = "".join(Path(module.__file__).read_text() for module in (eventsim.philox, eventsim.tables))
    versions = f"{numba.__version__} {np.__version__}\n{ours}"
    name = f"grid_{hashlib.sha256((versions + source).encode()).hexdigest()[:32]}"
    path = cache_folder() / f"{name}.py"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != source:
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(source)
            os.replace(temporary, path)
    except OSError:
        namespace = {"__name__": name}
        exec(source.replace("cache=True, ", ""), namespace)  # our own text: see `translate`
        return namespace["run"]
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # Numba's cache looks it up by name
    spec.loader.exec_module(module)
    return module.run


def kernel_for(network):
    """The compiled kernel of a network, and the values of its constants."""
    source, constants = kernel_source(network)
    return _load(source), constants
