"""The arrays of a kernel, fresh: a network and its stimulus, divided among parts, ready for tick 0."""

import math

import numpy as np

from eventsim.buffers import BufferSizes
from eventsim.counts import KINDS
from eventsim.engine import NO_LIMIT
from eventsim.errors import ConfigError
from eventsim.grid.alike import alike_rows
from eventsim.grid.arrays import GridArrays
from eventsim.grid.aside import windows_kept
from eventsim.grid.decay import powers_of
from eventsim.grid.events import event_arrays
from eventsim.grid.layout import Layout
from eventsim.grid.parts import apart, bounds_of_parts, divide, flat
from eventsim.grid.phases import history_ticks, ticks_ahead
from eventsim.grid.reach import each_neuron, few_kinds
from eventsim.grid.single import TOO_MANY, single_rows
from eventsim.grid.spread import spread

__all__ = ["allocate", "check_recorded"]


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
    windows = windows_kept(network, core_of, n_parts)
    span, depth = ticks_ahead(network, n_parts), history_ticks(network, n_parts, windows)
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
    arrays |= spread(network, core_of, bounds, arrays, plan.storage)
    kinds = few_kinds(network, core_of, n_parts)
    arrays["rows"] = np.column_stack([arrays["rows"], np.zeros_like(arrays["rows"])])
    if stimulus.duration_ticks >= 1 << 31:
        arrays["rows"] = arrays["rows"].astype(np.int64)
    arrays["row_times"] = arrays["rows"][:, 1]
    arrays["stimulus_tick"], arrays["stimulus_neuron"], arrays["stimulus_at"] = _by_population(network, stimulus)
    per_tick = len(KINDS) * n_cores
    count = np.uint32 if network.n_synapses < TOO_MANY else np.int64
    shape = (n_parts, span, len(KINDS), n_cores)
    single, held = single_rows(network, core_of, arrays["spread"], kinds is None, depth)
    alike, held_alike = alike_rows(network, arrays, kinds, depth)
    coming_at, n_coming = _places_of_coming(held | held_alike, len(pathways), math.prod(shape))
    if kinds is None:
        kinds = each_neuron(network, core_of, n_parts, np.flatnonzero(np.diff(single["single_at"]) == 0).tolist())
    cells = np.zeros(math.prod(shape) + n_coming, dtype=count)
    tally, coming = cells[: math.prod(shape)].reshape(shape), cells[math.prod(shape) :]
    row_of_counts = np.empty(buffers.rows + per_tick + 1, dtype=np.uint64)
    most_rows = max((p.rows.size - 1 for p in pathways), default=0)
    messages = apart(n_parts, (8 * -(-n_cores // 64),), np.uint64)
    return GridArrays(
        **arrays, **single, **alike, **kinds, coming_at=coming_at, core_of=core_of,
        key_lo=network.key_lo, key_hi=network.key_hi,
        constants=constants, bounds=bounds, values=plan.storage.values,
        population_start=np.array([p.start for p in populations], dtype=np.int64), population_size=sizes,
        cursor=arrays["stimulus_at"][:-1].copy(),
        history=np.zeros(int(depth * sizes.sum()), dtype=np.int32), history_at=depth * (np.cumsum(sizes) - sizes),
        history_count=apart(n_parts, (sizes.size, depth), np.int64),
        active=_counted_from_the_first(bounds), active_count=np.diff(bounds, axis=0),
        updated=np.full(network.n_neurons if plan.decays else 0, -2, dtype=np.int32),
        powers=np.concatenate([np.empty(0), *(powers_of(plan.decays[k]) for k in sorted(plan.decays))]),
        largest=np.zeros((n_parts, sizes.size)), in_doubt=np.zeros(n_parts, dtype=bool),
        resting=np.zeros(network.n_neurons, dtype=np.int32),
        resting_head=apart(n_parts, sizes.shape, np.int64), resting_count=apart(n_parts, sizes.shape, np.int64),
        held=np.full(arrays["state"].size if plan.parkable else 0, -np.inf),
        message_words=messages, message_bytes=messages.view(np.uint8), tally=tally, cells=cells, coming=coming,
        delivered=apart(n_parts, (len(pathways),), np.int64),
        busy=apart(n_parts, (span,), bool), announced=apart(n_parts, (span,), bool),
        spike_tick=np.empty(buffers.spikes + network.n_neurons, dtype=np.int64),
        spike_neuron=np.empty(buffers.spikes + network.n_neurons, dtype=np.int32),
        row_of_counts=row_of_counts, table_of_bytes=row_of_counts.view(np.uint8),
        table_of_pairs=row_of_counts.view(np.uint16), table_of_counts=row_of_counts.view(count),
        recorded_at=_places(network, layout, arrays["state_at"], recorded), record_every=record_every,
        sample_tick=np.empty(buffers.samples if recorded else 0, dtype=np.int64),
        sample_value=np.empty(buffers.samples * len(recorded)), filled=np.array([0, 0, 0, 0, NO_LIMIT], dtype=np.int64),
        may_run=np.array([0, span, 0], dtype=np.int64), meeting=apart(max(n_parts, windows), (1,), np.int64),
        came=np.zeros((depth if windows > 1 else 0, len(pathways)), dtype=np.int64),
        landed=np.empty((max(n_parts, windows), most_rows), dtype=np.int64),
        source_of=np.array([p.source for p in pathways], dtype=np.int64),
    )  # fmt: skip


def _places_of_coming(held, n_pathways, n_cells):
    """(n_pathways,) int64: where, behind so many cells, what is held of each begins, -1 where nothing ever is; and how
    much it is in all."""
    coming_at, size = np.full(n_pathways, -1, dtype=np.int64), 0
    for p, n in held.items():
        coming_at[p] = n_cells + size
        size += n
    return coming_at, size


def _counted_from_the_first(bounds):
    """(n_neurons,) int32: each neuron's place in its part of its population, in order of neuron id."""
    sizes = np.diff(bounds, axis=0)
    parts = [np.arange(size, dtype=np.int32) for size in sizes.T.ravel().tolist()]
    return np.concatenate([np.empty(0, np.int32), *parts])


def check_recorded(network, recorded):
    """The population of each (variable, neuron); raises ConfigError for what no neuron has."""
    starts = np.array([p.start for p in network.populations])
    found = []
    for variable, neuron in recorded:
        inside = 0 <= neuron < network.n_neurons
        k = int(np.searchsorted(starts, neuron, side="right") - 1) if inside else -1
        if not inside or variable not in network.populations[k].state:
            there_are = (
                ", ".join(sorted(network.populations[k].state)) if inside else f"neurons 0 to {network.n_neurons - 1}"
            )
            raise ConfigError(
                f"cannot record '{variable}' of neuron {neuron}; there are: {there_are or 'no variables'}"
            )
        found.append(k)
    return found


def _places(network, layout, state_at, recorded):
    """Where in the flat state each (variable, neuron) lies."""
    places = [
        state_at[layout.state.index((k, variable))] + neuron - network.populations[k].start
        for k, (variable, neuron) in zip(check_recorded(network, recorded), recorded)
    ]
    return np.array(places, dtype=np.int64)


def _by_population(network, stimulus):
    """The stimulus sorted by (source population, tick, neuron), neurons counted within their population."""
    starts = np.array([p.start for p in network.populations], dtype=np.int64)
    population = np.searchsorted(starts, stimulus.neuron, side="right").astype(np.uint32) - np.uint32(1)
    order = np.argsort(population, kind="stable")  # by tick and neuron they are in order
    at = np.searchsorted(population[order], np.arange(starts.size + 1)).astype(np.int64)
    local = stimulus.neuron[order] - starts[population[order]]
    return stimulus.tick[order].astype(np.int64), local.astype(np.int64), at
