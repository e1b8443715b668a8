"""simulate: run a compiled network on the grid and write what happened into a trace."""

import sys
import time

import numpy as np

from eventsim.counts import HOST, KINDS
from eventsim.errors import ConfigError
from eventsim.grid_kernel import ARGUMENTS, Layout, kernel_for
from eventsim.network import CompiledNetwork
from eventsim.trace import TraceWriter

__all__ = ["simulate"]

_SPIKES_PER_SEGMENT = 1 << 20
_ROWS_PER_SEGMENT = 1 << 20
_SECONDS_PER_STRETCH = 0.25  # between two looks at the clock, the keyboard and the progress report


def simulate(network, stimulus=None, *, duration_ms=None, trace=None, core_of=None, progress=None, manifest=None):
    """Run a network for the length of its stimulus.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus, optional
        Its default stimulus if left out.
    duration_ms : float, optional
        Overrides the stimulus's duration; a whole number of ticks.
    trace : path, optional
        Where the trace is written; in memory if left out.
    core_of : (n_neurons,) int, optional
        Core of each neuron, for the online counters; -1 exactly for spike sources. All on core 0 if left out.
    progress : True or callable, optional
        True writes to a terminal's standard error. A callable is called as Brian2's `report`:
        (elapsed_s, completed, start_s, duration_s), `completed` running from 0.0 to 1.0.
    manifest : dict, optional
        Anything JSON can hold, kept with the trace: configuration, labelled populations, task.

    Returns
    -------
    Trace
        Open, complete and read-only.

    Raises
    ------
    ConfigError
        When the stimulus drives a neuron that is no spike source, or `core_of` does not fit.
    """
    if not isinstance(network, CompiledNetwork):
        raise ConfigError(f"simulate takes a CompiledNetwork, not {type(network).__name__}; use compile_network() "
                          f"first")
    stimulus = network.stimulus if stimulus is None else stimulus
    if duration_ms is not None:
        stimulus = stimulus.lasting(_whole_ticks(duration_ms, network.dt_ms))
    core_of = _check_core_of(network, core_of)
    _check_sources(network, stimulus)
    kernel, constants = kernel_for(network)
    arguments = _arguments(network, stimulus, core_of, constants)
    with TraceWriter(trace, network, stimulus, manifest=manifest or {}) as writer:
        report = _reporter(progress, stimulus.duration_ticks * network.dt_ms / 1e3)
        _run(kernel, arguments, stimulus, writer, report)
        source, destination = np.nonzero(arguments["messages"])
        return writer.finish(
            received_count=arguments["received_count"], received_weight=arguments["received_weight"],
            delivered=arguments["delivered"], core_of=core_of,
            message_source=(source - 1).astype(np.int32), message_destination=(destination - 1).astype(np.int32),
            message_count=arguments["messages"][source, destination],
        )  # fmt: skip


def _run(kernel, arguments, stimulus, writer, report):
    """Call the kernel for stretches of ticks, up to each reset by the host, and hand on what it recorded."""
    start_state = arguments["state"].copy()
    host_resets = set(stimulus.query_start.tolist()) if stimulus.reset == "host" else set()
    stops = np.unique([*host_resets, stimulus.duration_ticks])
    tick, stretch, began = 0, 64, time.perf_counter()
    while tick < stimulus.duration_ticks:
        if tick in host_resets:
            arguments["state"][:] = start_state
            arguments["history_count"][:] = 0
        stop = int(stops[np.searchsorted(stops, tick, side="right")])
        arguments["first_tick"], arguments["last_tick"] = tick, min(stop, tick + stretch)
        before = time.perf_counter()
        reached = kernel(*(arguments[name] for name in ARGUMENTS))
        if reached < arguments["last_tick"]:  # a buffer was full
            _flush(arguments, writer)
        seconds = time.perf_counter() - before
        if reached > tick:
            stretch = max(64, int((reached - tick) * _SECONDS_PER_STRETCH / max(seconds, 1e-6)))
        tick = reached
        report(time.perf_counter() - began, tick / stimulus.duration_ticks)
    _flush(arguments, writer)


def _flush(arguments, writer):
    """Write the recorded spikes and counts as one segment and empty the buffers."""
    spikes, rows = arguments["filled"]
    tick, neuron = arguments["spike_tick"][:spikes], arguments["spike_neuron"][:spikes]
    order = np.lexsort((neuron, tick))
    writer.write_segment(
        tick[order], neuron[order], *(arguments[name][:rows].copy() for name in ("row_tick", "row_core", "row_kind",
                                                                                "row_count")),
    )  # fmt: skip
    arguments["filled"][:] = 0


def _arguments(network, stimulus, core_of, constants):
    """The kernel's arguments by name (see ARGUMENTS), freshly allocated."""
    layout = Layout(network)
    populations, pathways = network.populations, network.pathways
    sizes = np.array([p.size for p in populations], dtype=np.int64)
    depth = 1 + max((int(p.delays[-1]) for p in pathways), default=0)
    n_cores = int(core_of.max(initial=0)) + 1
    state, state_at = _flat([populations[k].state[name] for k, name in layout.state], np.float64)
    floats, floats_at = _flat([populations[k].parameters[name] for k, name in layout.floats], np.float64)
    integers, integers_at = _flat([populations[k].parameters[name] for k, name in layout.integers], np.int64)
    delays, delays_at = _flat([p.delays for p in pathways], np.int64)
    rows, rows_at = _flat([p.rows for p in pathways], np.int64)
    tables, tables_at = _flat([table.values for table in network.tables], np.float64)
    stimulus_tick, stimulus_neuron, stimulus_at = _by_population(network, stimulus)
    reach, reach_at = _reach(network, core_of)
    spike_room = _SPIKES_PER_SEGMENT + network.n_neurons
    row_room = _ROWS_PER_SEGMENT + len(KINDS) * (n_cores + 1)
    return {
        "key_lo": network.key_lo, "key_hi": network.key_hi, "tables": tables, "tables_at": tables_at,
        "state": state, "state_at": state_at, "floats": floats, "floats_at": floats_at,
        "integers": integers, "integers_at": integers_at, "constants": constants,
        "population_start": np.array([p.start for p in populations], dtype=np.int64), "population_size": sizes,
        "depth": depth, "history": np.zeros(int(depth * sizes.sum()), dtype=np.int32),
        "history_at": depth * (np.cumsum(sizes) - sizes),
        "history_count": np.zeros((sizes.size, depth), dtype=np.int64),
        "stimulus_tick": stimulus_tick, "stimulus_neuron": stimulus_neuron, "stimulus_at": stimulus_at,
        "cursor": stimulus_at[:-1].copy(),
        "post": network.post, "weight": network.weight,
        "first_synapse": np.array([p.first for p in pathways], dtype=np.int64),
        "delays": delays, "delays_at": delays_at, "rows": rows, "rows_at": rows_at,
        "core_of": core_of, "reach": reach, "reach_at": reach_at,
        "received_count": np.zeros(network.n_neurons, dtype=np.int64),
        "received_weight": np.zeros(network.n_neurons), "delivered": np.zeros(len(pathways), dtype=np.int64),
        "messages": np.zeros((n_cores + 1, n_cores + 1), dtype=np.int64),
        "tally": np.zeros((len(KINDS), n_cores + 1), dtype=np.int64),
        "spike_tick": np.empty(spike_room, dtype=np.int64), "spike_neuron": np.empty(spike_room, dtype=np.int32),
        "row_tick": np.empty(row_room, dtype=np.int64), "row_core": np.empty(row_room, dtype=np.int32),
        "row_kind": np.empty(row_room, dtype=np.uint8), "row_count": np.empty(row_room, dtype=np.int64),
        "filled": np.zeros(2, dtype=np.int64),
    }  # fmt: skip


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


def _whole_ticks(duration_ms, dt_ms):
    steps = duration_ms / dt_ms
    if not (0 <= steps < 2**62 and abs(steps - round(steps)) <= 1e-6):  # not a number, among others
        raise ConfigError(f"duration_ms is {duration_ms:g}; it must be a whole number of ticks of {dt_ms:g} ms")
    return round(steps)


def _check_core_of(network, core_of):
    if core_of is None:
        return np.where(network.is_source, HOST, 0).astype(np.int32)
    core_of = np.asarray(core_of)
    if core_of.shape != (network.n_neurons,) or not np.issubdtype(core_of.dtype, np.integer):
        raise ConfigError(f"core_of must hold one integer for each of {network.n_neurons} neurons, got {core_of.dtype} "
                          f"of shape {core_of.shape}")  # fmt: skip
    wrong = np.flatnonzero((core_of < HOST) | ((core_of == HOST) != network.is_source))
    if wrong.size:
        raise ConfigError(f"core_of[{wrong[0]}] is {core_of[wrong[0]]}; spike sources, and only they, are on the host "
                          f"(-1)")
    return core_of.astype(np.int32)


def _check_sources(network, stimulus):
    outside = (stimulus.neuron < 0) | (stimulus.neuron >= network.n_neurons)
    wrong = outside | ~network.is_source[np.where(outside, 0, stimulus.neuron)] if network.n_neurons else outside
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        sources = ", ".join(f"{p.name} ({p.start} to {p.stop - 1})" for p in network.populations if p.is_source)
        raise ConfigError(f"the stimulus drives neuron {stimulus.neuron[k]} at tick {stimulus.tick[k]}, which is no "
                          f"spike source; sources are: {sources or 'none'}")  # fmt: skip


def _reporter(progress, duration_s):
    """A function (elapsed_s, completed) that reports as asked."""
    if callable(progress):
        return lambda elapsed, completed: progress(elapsed, completed, 0.0, duration_s)
    if not progress or not sys.stderr.isatty():
        return lambda elapsed, completed: None

    def to_terminal(elapsed, completed):
        left = elapsed / completed - elapsed
        end = "\n" if completed >= 1 else ""
        print(f"\rsimulating {completed:6.1%}, {elapsed:.1f} s, {left:.1f} s left "
              f"", end=end, file=sys.stderr, flush=True)

    return to_terminal
