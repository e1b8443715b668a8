"""What a grid kernel works on: a network and its stimulus as one named tuple of flat arrays.

Neurons are divided into parts, one per thread: a part owns a stretch of each population, and the synapses onto it.
Each part keeps the order of its synapses (pathway, sender, delay, creation), so every neuron adds up its deliveries in
the same order whatever the number of parts.
"""

from collections import namedtuple

import numpy as np

from eventsim.counts import KINDS
from eventsim.errors import ConfigError

__all__ = ["GridArrays", "Layout", "allocate"]

_SAMPLES = 1 << 14  # ticks of recorded state between two looks

_FIELDS = (
    # the network
    "key_lo", "key_hi", "tables", "tables_at", "state", "state_at", "floats", "floats_at", "integers", "integers_at",
    "constants", "population_start", "population_size", "bounds", "post", "weight", "first_synapse",
    "delays", "delays_at", "rows", "rows_at",
    # its input
    "stimulus_tick", "stimulus_neuron", "stimulus_at", "cursor",
    # the last `depth` ticks
    "history", "history_at", "history_count",
    # the neurons to look at, of populations that run by touch
    "active", "active_count", "is_active",
    # counters
    "core_of", "reach", "reach_at", "received_count", "received_weight", "delivered", "messages", "tally", "busy",
    # what is recorded of the state
    "recorded_at", "record_every", "sample_tick", "sample_value",
    # what was recorded since the last look
    "spike_tick", "spike_neuron", "row_tick", "row_core", "row_kind", "row_count", "filled",
)  # fmt: skip

#: Arguments of a kernel. Sizes: P populations, W pathways, Q parts, T ticks of history, C cores and the host.
#:
#: state, floats, integers : variables and parameters end to end; `Layout` says in which order, *_at where each begins
#: bounds : (Q + 1, P) int64; part q owns neurons bounds[q, k], ..., bounds[q + 1, k] - 1 of population k
#: post, weight : synapses sorted by (part, pathway, sender, delay, creation)
#: first_synapse, rows_at : (Q, W) int64; where the synapses and the rows of a part's pathway begin
#: rows : as in Pathway, for each part and pathway
#: history : int32; for each population T slots of `size` neurons, part q's spikes from bounds[q, k] on
#: history_count : (P, T, Q) int64
#: active : (n_neurons,) int32; of population k and part q the first active_count[q, k] from the part's first neuron on
#: delivered : (Q, W) int64; messages : (Q, C, C) int64; tally : (Q, kinds, C) int64, of this tick; busy : (Q,) int64
#: recorded_at : places in `state` that are sampled at the start of each `record_every`-th tick
#: spike_*, row_*, sample_* : buffers of which filled[0], filled[1] and filled[2] entries are in use
#: filled[3], filled[4] : spikes so far, and the number at which the kernel stops
GridArrays = namedtuple("GridArrays", _FIELDS)


class Layout:
    """Where each variable of a network lies in a kernel's flat arrays.

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

    def _places(self):
        """(array, letter, place, population, name) of every variable."""
        for array, letter in (("state", "s"), ("floats", "f"), ("integers", "n")):
            for place, (population, name) in enumerate(getattr(self, array)):
                yield array, letter, place, population, name

    def views(self, populations):
        """Source lines that name the slices of these populations' variables."""
        return "".join(
            f"    {letter}{place} = a.{array}[a.{array}_at[{place}]:a.{array}_at[{place} + 1]]\n"
            for array, letter, place, k, _ in self._places() if k in populations
        )  # fmt: skip

    def names(self, k):
        """Mapping from a variable's name in population k to its slice."""
        return {name: f"{letter}{place}" for _, letter, place, owner, name in self._places() if owner == k}

    def constant(self, value):
        """Source of a scalar: its place among the kernel's constants."""
        self.constants.append(float(value))
        source = f"constants[{len(self.constants) - 1}]"
        return f"int({source})" if isinstance(value, int) else source

    def table(self, table, k):
        """Source of the first arguments of `eventsim.tables.table` for table k."""
        numbers = (self.constant(table.n_columns), self.constant(table.step_s), self.constant(table.refine))
        return f"tables, tables_at[{k}], tables_at[{k} + 1], {', '.join(numbers)}"


def allocate(network, stimulus, core_of, constants, n_parts=1, spike_room=1 << 20, row_room=1 << 20, recorded=(),
             record_every=1):  # fmt: skip
    """A fresh GridArrays, ready for tick 0.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus
    core_of : (n_neurons,) int32
    constants : (n_constants,) float64
    n_parts : int
    spike_room, row_room : int
        Spikes, and rows of counts, that the buffers hold at least.
    recorded : sequence of (variable, neuron id)
        What is sampled, at the start of every `record_every`-th tick.
    """
    layout, populations, pathways = Layout(network), network.populations, network.pathways
    sizes = np.array([p.size for p in populations], dtype=np.int64)
    depth = 1 + max((int(p.delays[-1]) for p in pathways), default=0)
    n_cores = int(core_of.max(initial=0)) + 2  # and the host
    bounds = _bounds(network, n_parts)
    arrays = _partition(network, bounds)
    for name, parts, dtype in (
        ("state", [populations[k].state[name] for k, name in layout.state], np.float64),
        ("floats", [populations[k].parameters[name] for k, name in layout.floats], np.float64),
        ("integers", [populations[k].parameters[name] for k, name in layout.integers], np.int64),
        ("delays", [p.delays for p in pathways], np.int64),
        ("tables", [table.values for table in network.tables], np.float64),
    ):
        arrays[name], arrays[f"{name}_at"] = _flat(parts, dtype)
    arrays["reach"], arrays["reach_at"] = _reach(network, core_of)
    arrays["stimulus_tick"], arrays["stimulus_neuron"], arrays["stimulus_at"] = _by_population(network, stimulus)
    return GridArrays(
        **arrays, key_lo=network.key_lo, key_hi=network.key_hi, constants=constants, bounds=bounds,
        population_start=np.array([p.start for p in populations], dtype=np.int64), population_size=sizes,
        cursor=arrays["stimulus_at"][:-1].copy(),
        history=np.zeros(int(depth * sizes.sum()), dtype=np.int32), history_at=depth * (np.cumsum(sizes) - sizes),
        history_count=np.zeros((sizes.size, depth, n_parts), dtype=np.int64),
        active=np.concatenate([np.empty(0, np.int32), *(np.arange(p.size, dtype=np.int32) for p in populations)]),
        active_count=np.diff(bounds, axis=0), is_active=np.ones(network.n_neurons, dtype=bool),
        core_of=core_of, received_count=np.zeros(network.n_neurons, dtype=np.int64),
        received_weight=np.zeros(network.n_neurons), delivered=np.zeros((n_parts, len(pathways)), dtype=np.int64),
        messages=np.zeros((n_parts, n_cores, n_cores), dtype=np.int64),
        tally=np.zeros((n_parts, len(KINDS), n_cores), dtype=np.int64), busy=np.zeros(n_parts, dtype=np.int64),
        spike_tick=np.empty(spike_room + network.n_neurons, dtype=np.int64),
        spike_neuron=np.empty(spike_room + network.n_neurons, dtype=np.int32),
        row_tick=np.empty(row_room + len(KINDS) * n_cores, dtype=np.int64),
        row_core=np.empty(row_room + len(KINDS) * n_cores, dtype=np.int32),
        row_kind=np.empty(row_room + len(KINDS) * n_cores, dtype=np.uint8),
        row_count=np.empty(row_room + len(KINDS) * n_cores, dtype=np.int64),
        recorded_at=_places(network, layout, arrays["state_at"], recorded), record_every=record_every,
        sample_tick=np.empty(_SAMPLES if recorded else 0, dtype=np.int64),
        sample_value=np.empty(_SAMPLES * len(recorded)), filled=np.array([0, 0, 0, 0, 2**62], dtype=np.int64),
    )  # fmt: skip


def _places(network, layout, state_at, recorded):
    """Where in the flat state each (variable, neuron) lies; raises ConfigError for what no neuron has."""
    starts = np.array([p.start for p in network.populations])
    places = []
    for variable, neuron in recorded:
        inside = 0 <= neuron < network.n_neurons
        k = int(np.searchsorted(starts, neuron, side="right") - 1) if inside else -1
        if not inside or (k, variable) not in layout.state:
            there_are = (
                ", ".join(sorted(network.populations[k].state)) if inside else f"neurons 0 to {network.n_neurons - 1}"
            )
            raise ConfigError(
                f"cannot record '{variable}' of neuron {neuron}; there are: {there_are or 'no variables'}"
            )
        places.append(state_at[layout.state.index((k, variable))] + neuron - network.populations[k].start)
    return np.array(places, dtype=np.int64)


def _bounds(network, n_parts):
    """(n_parts + 1, n_populations) int64: each population cut where the work, neurons and synapses, is even."""
    work = 1 + np.bincount(network.post, minlength=network.n_neurons)
    bounds = np.zeros((n_parts + 1, len(network.populations)), dtype=np.int64)
    for k, p in enumerate(network.populations):
        done = np.cumsum(work[p.start : p.stop])
        bounds[1:, k] = np.searchsorted(done, done[-1] * np.arange(1, n_parts + 1) / n_parts)
        bounds[-1, k] = p.size
    return bounds


def _partition(network, bounds):
    """Synapses by (part, pathway, sender, delay, creation), with the rows of each part and pathway."""
    n_parts, pathways = len(bounds) - 1, network.pathways
    if n_parts == 1:
        rows, rows_at = _flat([p.rows for p in pathways], np.int64)
        first = np.array([[p.first for p in pathways]], dtype=np.int64)
        return {"post": network.post, "weight": network.weight, "first_synapse": first, "rows": rows,
                "rows_at": rows_at[None, :-1].copy()}  # fmt: skip
    part_of = np.zeros(network.n_neurons, dtype=np.int64)
    for k, p in enumerate(network.populations):
        part_of[p.start : p.stop] = np.searchsorted(bounds[1:, k], np.arange(p.size), side="right")
    part_of_synapse = part_of[network.post]
    order = np.argsort(part_of_synapse, kind="stable")
    rows, firsts, first = [], [], 0
    for part in range(n_parts):
        for p in pathways:
            mine = part_of_synapse[p.first : p.first + p.size] == part
            counted = np.concatenate([[0], np.cumsum(mine)])[p.rows]  # of mine, before each row
            rows.append(counted)
            firsts.append(first)
            first += int(counted[-1])
    flat, at = _flat(rows, np.int64)
    shape = (n_parts, len(pathways))
    first_synapse = np.array(firsts, dtype=np.int64).reshape(shape)
    return {"post": network.post[order], "weight": network.weight[order], "first_synapse": first_synapse, "rows": flat,
            "rows_at": at[:-1].reshape(shape).copy()}  # fmt: skip


def _flat(arrays, dtype):
    """Arrays end to end, and where each begins (one entry more than there are arrays)."""
    at = np.concatenate([[0], np.cumsum([a.size for a in arrays], dtype=np.int64)]).astype(np.int64)
    return np.concatenate([np.empty(0, dtype), *arrays]).astype(dtype), at


def _by_population(network, stimulus):
    """The stimulus sorted by (source population, tick, neuron), neurons counted within their population."""
    starts = np.array([p.start for p in network.populations], dtype=np.int64)
    population = np.searchsorted(starts, stimulus.neuron, side="right") - 1
    order = np.lexsort((stimulus.neuron, stimulus.tick, population))
    at = np.searchsorted(population[order], np.arange(starts.size + 1)).astype(np.int64)
    local = stimulus.neuron[order] - starts[population[order]]
    return stimulus.tick[order].astype(np.int64), local.astype(np.int64), at


def _reach(network, core_of):
    """For each neuron the distinct cores its synapses reach, ascending, and where its list begins."""
    n_cores = int(core_of.max(initial=0)) + 1
    pairs = np.unique(network.pre.astype(np.int64) * n_cores + core_of[network.post])
    at = np.searchsorted(pairs // n_cores, np.arange(network.n_neurons + 1)).astype(np.int64)
    return (pairs % n_cores).astype(np.int64), at
