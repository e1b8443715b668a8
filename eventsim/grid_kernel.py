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
from eventsim.counts import KINDS
from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, translate

__all__ = ["ARGUMENTS", "cache_folder", "kernel_for", "kernel_source"]

#: Arguments of every kernel, in order; see `eventsim.simulate` for shapes and meaning.
ARGUMENTS = (
    "first_tick", "last_tick", "dt", "state", "state_at", "floats", "floats_at", "integers", "integers_at",
    "constants", "population_start", "population_size", "depth", "history", "history_at", "history_count",
    "stimulus_tick", "stimulus_neuron", "stimulus_at", "cursor",
    "post", "weight", "first_synapse", "delays", "delays_at", "rows", "rows_at",
    "core_of", "reach", "reach_at", "received_count", "received_weight", "delivered", "messages", "tally",
    "spike_tick", "spike_neuron", "row_tick", "row_core", "row_kind", "row_count", "filled",
)  # fmt: skip

_HEADER = '''"""Written by eventsim.grid_kernel; safe to delete."""
import math

from numba import njit

from eventsim.philox import uniform


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
        t_in_timesteps = tick
        t = tick * dt
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
            cursor[{k}] += 1{spike}        history_count[{k}, slot] = fired
        busy += fired
"""

_UPDATE = """        # {where}
{once}        for i in range(population_size[{k}]):
{each}"""

_THRESHOLD = """        # {where}
{once}        fired = 0
        for i in range(population_size[{k}]):
{each}            if not condition:
                continue{spike}        history_count[{k}, slot] = fired
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
        return _deliver(network, operation.index, layout)
    k = operation.index
    where = f"{operation.kind} of population {k}"
    spike = _SPIKE.format(k=k, **_KIND)
    if operation.kind == "emit":
        return _EMIT.format(where=where, k=k, spike=spike)
    variables = layout.names(k)
    names = {name: layout.constant(value) for name, value in sorted(operation.constants.items())}
    names |= {"t": "t", "dt": "dt", "t_in_timesteps": "t_in_timesteps"}
    once = _statements(operation.once, {}, names, " " * 8, where)
    each = _statements(operation.each, variables, names, " " * 12, where)
    template = {"update": _UPDATE, "threshold": _THRESHOLD, "reset": _RESET}.get(operation.kind)
    if template is None:
        raise CompileError(network.populations[k].name, f"the operation '{operation.kind}'", "emit, update, threshold, "
                           "reset, deliver")  # fmt: skip
    return template.format(where=where, k=k, once=once, each=each or " " * 12 + "pass\n", spike=spike)


def _statements(statements, variables, names, indent, where):
    """Source of statements; temporaries join `names` as they appear."""
    lines = []
    for statement in statements:
        readable = names | {name: f"{place}[i]" for name, place in variables.items()}
        expression = translate(statement.expression, readable, where)
        if statement.variable == "_cond":
            lines.append(f"{indent}condition = {expression}")
        elif statement.op == ":=":
            names[statement.variable] = f"x{len(names)}"
            lines.append(f"{indent}{names[statement.variable]} = {expression}")
        elif statement.op in ("=", "+=", "-=", "*=", "/=") and statement.variable in variables:
            lines.append(f"{indent}{variables[statement.variable]}[i] {statement.op} {expression}")
        elif statement.op == "=" and statement.variable in names:
            lines.append(f"{indent}{names[statement.variable]} = {expression}")
        else:
            raise CompileError(where, f"'{statement.variable} {statement.op} {statement.expression}'",
                               "assignments to the population's own variables")  # fmt: skip
    return "".join(line + "\n" for line in lines)


def _deliver(network, p, layout):
    pathway = network.pathways[p]
    where = f"delivery by pathway {p}"
    variables = layout.names(pathway.target)
    lines = []
    for variable, op, value in pathway.effects:
        if variable not in network.populations[pathway.target].state or op not in ("add", "set"):
            raise CompileError(pathway.name, f"the effect {op} on '{variable}'", "add or set, a variable of the target")
        if value == "weight":
            source = "w"
        elif value in variables:
            source = f"{variables[value]}[i_post]"
        elif names_in(value, where):
            raise CompileError(pathway.name, f"the value '{value}'", "weight, a constant of the target, a number")
        else:
            source = layout.constant(float(evaluate(value, {}, where)))
        lines.append(f"{' ' * 20}{variables[variable]}[i_post] {'+=' if op == 'add' else '='} {source}\n")
    zero = _ZERO.format(**_KIND) if pathway.weighted else ""
    ends = {"s": pathway.source, "g": pathway.target}
    return _DELIVER.format(where=where, p=p, effects="".join(lines), zero=zero, **ends, **_KIND)


def cache_folder():
    """Where kernels are kept: $EVENTSIM_CACHE, else $XDG_CACHE_HOME/eventsim, else ~/.cache/eventsim."""
    if os.environ.get("EVENTSIM_CACHE"):
        return Path(os.environ["EVENTSIM_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eventsim"


@lru_cache(maxsize=64)
def _load(source):
    """The compiled `run` of a source, from the cache folder when that can be written."""
    versions = f"{numba.__version__} {np.__version__}\n{Path(eventsim.philox.__file__).read_text()}"
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
