"""What a grid kernel works on: a network and its stimulus as one named tuple of flat arrays."""

from collections import namedtuple

import numpy as np
from scipy.sparse import coo_array, csr_array

from eventsim.buffers import BufferSizes
from eventsim.counts import KINDS
from eventsim.errors import ConfigError
from eventsim.grid.events import event_arrays
from eventsim.grid.parts import bounds_of_parts, divide, flat
from eventsim.grid.phases import history_ticks, ticks_ahead

__all__ = ["CHANGING", "GridArrays", "Layout", "START", "allocate", "totals"]

_AT_ONCE = 1 << 20  # synapses, pairs of a neuron and a core: what is handled at once, to take little memory

_FIELDS = (
    # the network
    "key_lo", "key_hi", "tables", "tables_at", "state", "state_at", "floats", "floats_at", "integers", "integers_at",
    "constants", "population_start", "population_size", "bounds",
    # its synapses
    "target", "weight", "code", "row_code", "row_code_at", "values", "first_synapse", "delays", "delays_at", "rows",
    "rows_at",
    # its input
    "stimulus_tick", "stimulus_neuron", "stimulus_at", "cursor",
    # the last `depth` ticks
    "history", "history_at", "history_count",
    # the neurons to look at, of populations that run by touch
    "active", "active_count", "is_active",
    # the neurons that rest, of populations that are parked
    "resting", "resting_head", "resting_count", "held",
    # counters
    "core_of", "reach", "reach_at", "sent", "arrived", "received", "received_weight", "is_zero_class", "gather_every",
    "stretch_stop", "stretch_core", "stretch_at", "stretch_sum", "delivered", "tally", "busy",
    # what is recorded of the state
    "recorded_at", "record_every", "sample_tick", "sample_value",
    # what is recorded of the deliveries
    "event_window", "event_at", "event_most", "event_end", "event_synapse", "mark_tick", "mark_end", "n_marks",
    "synapse_of",
    # what was recorded since the last look
    "spike_tick", "spike_neuron", "row_tick", "row_core", "row_kind", "row_count", "filled",
    # how far parts run, and where they meet
    "may_run", "meeting",
)  # fmt: skip

#: Arguments of a kernel. Sizes: P populations, W pathways, Q parts, T ticks of history, D ticks that parts run ahead,
#: C cores and the host, K classes of weight (see `eventsim.grid.storage`).
#:
#: state, floats, integers : variables and parameters end to end; `Layout` says in which order, *_at where each begins
#: bounds : (Q + 1, P) int64; part q owns neurons bounds[q, k], ..., bounds[q + 1, k] - 1 of population k
#: target : uint16 or uint32; receiving neurons, counted from the part's first of the population; synapses are sorted
#: by (part, pathway, sender, delay, creation)
#: weight, code, row_code, values : weights, as eventsim.grid.storage has them; row_code_at : (W + 1,)
#: first_synapse, rows_at : (Q, W) int64; where the synapses and the rows of a part's pathway begin
#: rows : as in Pathway, for each part and pathway, but counted from the first synapse of all
#: history : int32; for each population T slots of `size` neurons, part q's spikes from bounds[q, k] on
#: history_count : (P, T, Q) int64
#: active : (n_neurons,) int32; of population k and part q the first active_count[q, k] from the part's first neuron on
#: resting : (n_neurons,) int32; a ring for each population and part, resting_count[q, k] from resting_head[q, k] on
#: held : as state, where populations are parked, else empty; what is put back, -infinity where nothing is
#: sent : (n_neurons,) int64; spikes of each neuron
#: arrived : (K * n_neurons,) uint16 or uint32, and received : int64; deliveries by neuron and class, since they were
#: last gathered, and before; for each population and part K stretches of its size
#: received_weight : (n_neurons,) float64; sums of weights, where classes do not tell them
#: stretch_stop, stretch_core, stretch_at, stretch_sum : neurons of a part and population that are on one core, one
#: after the other; stretch_at : (Q, P + 1); stretch_sum : (n, K) int64, of `arrived` in the last tick
#: delivered : (Q, W) int64; tally : (Q, D, kinds, C) int64, of the last ticks; busy : (Q, D) bool
#: recorded_at : places in `state` that are sampled at the start of each `record_every`-th tick
#: event_window : (W, 2) int64; ticks of arrival, first and last + 1, in which a pathway's deliveries are recorded
#: event_synapse : uint32; part q's recorded deliveries from event_at[q] to event_end[q], at most event_most[q] more
#: in a tick; mark_tick, mark_end : (marks,), (marks, Q) int64; how far each part was at the end of a tick with any
#: synapse_of : uint32; id of each synapse where they are partitioned and deliveries recorded, else empty
#: spike_*, row_*, sample_* : buffers of which filled[0], filled[1] and filled[2] entries are in use
#: filled[3], filled[4] : spikes so far, and the number at which the kernel stops
#: may_run : (2,) int64; the tick up to which parts may run, and D
GridArrays = namedtuple("GridArrays", _FIELDS)

#: What changes during a run, and so what a checkpoint holds besides the recording.
CHANGING = ("state", "history", "history_count", "active", "active_count", "is_active", "resting", "resting_head",
            "resting_count", "cursor", "received", "received_weight", "sent", "delivered", "filled")  # fmt: skip
#: Among it, what a reset by the host puts back.
START = ("state", "history_count", "active", "active_count", "is_active", "resting_count")


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
        self.state, self.floats, self.integers, self.constants, self._writers = [], [], [], [], 0
        for k, population in enumerate(network.populations):
            self.state += [(k, name) for name in sorted(population.state)]
            for name, values in sorted(population.parameters.items()):
                is_float = np.issubdtype(values.dtype, np.floating)
                (self.floats if is_float else self.integers).append((k, name))

    def _places(self):
        """(array, letter, place, population, name) of every variable."""
        for array, letter in (("state", "s"), ("floats", "f"), ("integers", "m")):
            for place, (population, name) in enumerate(getattr(self, array)):
                yield array, letter, place, population, name

    def views(self, populations, parked):
        """Source lines that name the part's slices of these populations' variables, and what is held of parked ones."""
        lines = []
        for array, letter, place, k, name in self._places():
            at = f"a.{array}_at[{place}] + base{k}"
            if k in populations:
                lines.append(f"    {letter}{place} = a.{array}[{at}:{at} + n{k}]\n")
            if k in parked and name == parked[k].variable:
                lines.append(f"    held_{letter}{place} = a.held[{at}:{at} + n{k}]\n")
        return "".join(lines)

    def whole(self, k, variable):
        """Source line that names a whole variable of population k, of all parts."""
        array, letter, place = next(found[:3] for found in self._places() if found[3:] == (k, variable))
        return f"    all_{letter}{place} = a.{array}[a.{array}_at[{place}]:a.{array}_at[{place} + 1]]\n"

    def names(self, k):
        """Mapping from a variable's name in population k to its slice."""
        return {name: f"{letter}{place}" for _, letter, place, owner, name in self._places() if owner == k}

    def letters(self):
        """A beginning of names that no other writer of statements has: all of a kernel's names are in one function."""
        self._writers += 1
        return f"x{self._writers}"

    def constant(self, value):
        """Source of a scalar: its place among the kernel's constants."""
        self.constants.append(float(value))
        source = f"constants[{len(self.constants) - 1}]"
        return f"int({source})" if isinstance(value, int) else source

    def table(self, table, k):
        """Source of the first arguments of `eventsim.tables.table` for table k."""
        numbers = (self.constant(table.n_columns), self.constant(table.step_s), self.constant(table.refine))
        return f"tables, tables_at[{k}], tables_at[{k} + 1], {', '.join(numbers)}"


def allocate(network, stimulus, core_of, constants, plan, n_parts=1, buffers=None, recorded=(), record_every=1,
             events=None):  # fmt: skip
    """A fresh GridArrays, ready for tick 0.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus
    core_of : (n_neurons,) int32
    constants : (n_constants,) float64
    plan : eventsim.grid.plan.Plan
        The kernel's, or one that differs in `by_touch` only.
    n_parts : int
    buffers : BufferSizes, optional
        What the buffers hold at least.
    recorded : sequence of (variable, neuron id)
        What is sampled, at the start of every `record_every`-th tick.
    events : EventChoice, optional
        Which deliveries are recorded; none if left out.
    """
    buffers = BufferSizes() if buffers is None else buffers
    layout, populations, pathways = Layout(network), network.populations, network.pathways
    sizes = np.array([p.size for p in populations], dtype=np.int64)
    span, depth = ticks_ahead(network), history_ticks(network)
    n_cores = int(core_of.max(initial=0)) + 2  # and the host
    bounds = bounds_of_parts(network, n_parts)
    arrays = divide(network, bounds, plan.storage, keep_ids=events is not None)
    ids = arrays.pop("synapse_of")
    ids = ids if ids.size else None
    arrays |= event_arrays(network, events, buffers.deliveries, arrays["first_synapse"], ids)
    for name, parts, dtype in (
        ("state", [populations[k].state[name] for k, name in layout.state], np.float64),
        ("floats", [populations[k].parameters[name] for k, name in layout.floats], np.float64),
        ("integers", [populations[k].parameters[name] for k, name in layout.integers], np.int64),
        ("delays", [p.delays for p in pathways], np.int64),
        ("tables", [table.values for table in network.tables], np.float64),
    ):
        arrays[name], arrays[f"{name}_at"] = flat(parts, dtype)
    arrays["reach"], arrays["reach_at"] = _reach(network, core_of)
    arrays["stimulus_tick"], arrays["stimulus_neuron"], arrays["stimulus_at"] = _by_population(network, stimulus)
    per_tick = len(KINDS) * n_cores
    return GridArrays(
        **arrays, **_counters(network, core_of, bounds, plan.storage), key_lo=network.key_lo, key_hi=network.key_hi,
        constants=constants, bounds=bounds, values=plan.storage.values,
        population_start=np.array([p.start for p in populations], dtype=np.int64), population_size=sizes,
        cursor=arrays["stimulus_at"][:-1].copy(),
        history=np.zeros(int(depth * sizes.sum()), dtype=np.int32), history_at=depth * (np.cumsum(sizes) - sizes),
        history_count=np.zeros((sizes.size, depth, n_parts), dtype=np.int64),
        active=_counted_from_the_first(bounds), active_count=np.diff(bounds, axis=0),
        is_active=np.ones(network.n_neurons, dtype=bool),
        resting=np.zeros(network.n_neurons, dtype=np.int32),
        resting_head=np.zeros((n_parts, sizes.size), dtype=np.int64),
        resting_count=np.zeros((n_parts, sizes.size), dtype=np.int64),
        held=np.full(arrays["state"].size if plan.parked else 0, -np.inf),
        tally=np.zeros((n_parts, span, len(KINDS), n_cores), dtype=np.int64),
        busy=np.zeros((n_parts, span), dtype=bool),
        spike_tick=np.empty(buffers.spikes + network.n_neurons, dtype=np.int64),
        spike_neuron=np.empty(buffers.spikes + network.n_neurons, dtype=np.int32),
        row_tick=np.empty(buffers.rows + per_tick, dtype=np.int64),
        row_core=np.empty(buffers.rows + per_tick, dtype=np.int32),
        row_kind=np.empty(buffers.rows + per_tick, dtype=np.uint8),
        row_count=np.empty(buffers.rows + per_tick, dtype=np.int64),
        recorded_at=_places(network, layout, arrays["state_at"], recorded), record_every=record_every,
        sample_tick=np.empty(buffers.samples if recorded else 0, dtype=np.int64),
        sample_value=np.empty(buffers.samples * len(recorded)), filled=np.array([0, 0, 0, 0, 2**62], dtype=np.int64),
        may_run=np.array([0, span], dtype=np.int64), meeting=np.zeros(16, dtype=np.int64),
    )  # fmt: skip


def totals(arrays):
    """What the counters of a kernel come to, in the form that `TraceWriter.finish` takes.

    Returns
    -------
    dict : received_count (n_neurons,) int64; received_weight (n_neurons,) float64; delivered (n_pathways,) int64;
        message_source, message_destination, message_count, sorted and without zeros, cores counted from the host, -1
    """
    n_classes, n_neurons = arrays.is_zero_class.size, arrays.core_of.size
    count, weight = np.zeros(n_neurons, dtype=np.int64), arrays.received_weight.copy()
    first = arrays.population_start + arrays.bounds
    for start, stop in zip(first[:-1].ravel().tolist(), first[1:].ravel().tolist()):
        of_class = arrays.received[n_classes * start : n_classes * stop].reshape(n_classes, stop - start)
        count[start:stop] = of_class.sum(axis=0)
        if n_classes == arrays.values.size:
            weight[start:stop] += arrays.values @ of_class
    return {"received_count": count, "received_weight": weight, "delivered": arrays.delivered.sum(axis=0),
            **_messages(arrays)}  # fmt: skip


def _messages(arrays):
    """Messages between cores: what each neuron sent, to each core that it reaches."""
    n_cores, at = arrays.tally.shape[3], arrays.reach_at
    matrix, first = csr_array((n_cores, n_cores), dtype=np.int64), 0
    while first < arrays.sent.size:
        last = max(first + 1, int(np.searchsorted(at, at[first] + _AT_ONCE, side="right")) - 1)
        size = np.diff(at[first : last + 1])
        source = np.repeat(arrays.core_of[first:last].astype(np.int32) + 1, size)
        destination = arrays.reach[at[first] : at[last]].astype(np.int32) + 1
        some = coo_array((np.repeat(arrays.sent[first:last], size), (source, destination)), shape=matrix.shape)
        matrix, first = matrix + some.tocsr(), last
    matrix.eliminate_zeros()
    matrix.sort_indices()
    source, destination = matrix.nonzero()
    return {"message_source": (source - 1).astype(np.int32), "message_destination": (destination - 1).astype(np.int32),
            "message_count": matrix.data}  # fmt: skip


def _counted_from_the_first(bounds):
    """(n_neurons,) int32: each neuron's place in its part of its population, in order of neuron id."""
    sizes = np.diff(bounds, axis=0)
    parts = [np.arange(size, dtype=np.int32) for size in sizes.T.ravel().tolist()]
    return np.concatenate([np.empty(0, np.int32), *parts])


def _counters(network, core_of, bounds, storage):
    """The fields of GridArrays that count deliveries."""
    stops, cores, at, n_stretches = [], [], np.zeros((len(bounds) - 1, bounds.shape[1] + 1), dtype=np.int64), 0
    for part in range(len(bounds) - 1):
        for k, p in enumerate(network.populations):
            at[part, k] = n_stretches
            mine = core_of[p.start + bounds[part, k] : p.start + bounds[part + 1, k]]
            ends = np.append(np.flatnonzero(mine[1:] != mine[:-1]) + 1, mine.size) if mine.size else np.empty(0, int)
            stops.append(ends.astype(np.int64))
            cores.append(mine[ends - 1].astype(np.int64))
            n_stretches += ends.size
        at[part, -1] = n_stretches
    most = int(np.bincount(network.post, minlength=1).max(initial=1))  # deliveries to a neuron in one tick
    narrow = most <= 4095
    return {
        "core_of": core_of, "sent": np.zeros(network.n_neurons, dtype=np.int64),
        "arrived": np.zeros(storage.is_zero_class.size * network.n_neurons, dtype=np.uint16 if narrow else np.uint32),
        "received": np.zeros(storage.is_zero_class.size * network.n_neurons, dtype=np.int64),
        "received_weight": np.zeros(network.n_neurons), "is_zero_class": storage.is_zero_class,
        "gather_every": np.array([(2**16 if narrow else 2**32) // (most + 1)], dtype=np.int64),
        "stretch_stop": flat(stops, np.int64)[0], "stretch_core": flat(cores, np.int64)[0], "stretch_at": at,
        "stretch_sum": np.zeros((n_stretches, storage.is_zero_class.size), dtype=np.int64),
        "delivered": np.zeros((len(bounds) - 1, len(network.pathways)), dtype=np.int64),
    }  # fmt: skip


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
    cores = [np.empty(0, np.uint16 if n_cores <= 1 << 16 else np.uint32)]
    counts = np.zeros(network.n_neurons, dtype=np.int64)
    by_neuron = {}
    for p in network.pathways:
        by_neuron.setdefault(p.source, []).append(p)
    for source, pathways in sorted(by_neuron.items()):
        start, size = network.populations[source].start, network.populations[source].size
        at_once = max(1, min(4 * _AT_ONCE // n_cores, size * _AT_ONCE // max(1, *(p.size for p in pathways))))
        for first in range(0, size, at_once):
            reached = np.zeros((min(at_once, size - first), n_cores), dtype=bool)
            for p in pathways:
                rows = p.rows[:: p.delays.size][first : first + len(reached) + 1]
                sender = np.repeat(np.arange(len(reached)), np.diff(rows))
                reached[sender, core_of[network.post[p.first + rows[0] : p.first + rows[-1]]]] = True
            counts[start + first : start + first + len(reached)] = reached.sum(axis=1)
            cores.append(np.nonzero(reached)[1].astype(cores[0].dtype))
    return np.concatenate(cores), np.concatenate([[0], np.cumsum(counts)])
