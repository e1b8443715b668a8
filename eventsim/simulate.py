"""simulate: run a compiled network on the grid and write what happened into a trace."""

import sys
import time

import numba
import numpy as np

from eventsim.counts import HOST
from eventsim.errors import ConfigError
from eventsim.grid_arrays import allocate
from eventsim.grid_kernel import kernel_for
from eventsim.network import CompiledNetwork
from eventsim.trace import TraceWriter

__all__ = ["simulate"]

_SPIKES_PER_SEGMENT = 1 << 20
_ROWS_PER_SEGMENT = 1 << 20
_SECONDS_PER_STRETCH = 0.25  # between two looks at the clock, the keyboard and the progress report


def simulate(network, stimulus=None, *, duration_ms=None, trace=None, core_of=None, threads=1, progress=None,
             manifest=None):  # fmt: skip
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
    threads : int
        Spikes, counts and states are the same, bit for bit, for any number.
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
        raise ConfigError(
            f"simulate takes a CompiledNetwork, not {type(network).__name__}; use compile_network() first"
        )
    stimulus = network.stimulus if stimulus is None else stimulus
    if duration_ms is not None:
        stimulus = stimulus.lasting(_whole_ticks(duration_ms, network.dt_ms))
    core_of = _check_core_of(network, core_of)
    _check_sources(network, stimulus)
    _set_threads(threads)
    kernel, constants = kernel_for(network, threads)
    arrays = allocate(network, stimulus, core_of, constants, threads, _SPIKES_PER_SEGMENT, _ROWS_PER_SEGMENT)
    with TraceWriter(trace, network, stimulus, manifest=manifest or {}) as writer:
        report = _reporter(progress, stimulus.duration_ticks * network.dt_ms / 1e3)
        _run(kernel, arrays, stimulus, writer, report)
        messages = arrays.messages.sum(axis=0)
        source, destination = np.nonzero(messages)
        return writer.finish(
            received_count=arrays.received_count, received_weight=arrays.received_weight,
            delivered=arrays.delivered.sum(axis=0), core_of=core_of,
            message_source=(source - 1).astype(np.int32), message_destination=(destination - 1).astype(np.int32),
            message_count=messages[source, destination],
        )  # fmt: skip


def _run(kernel, arrays, stimulus, writer, report):
    """Call the kernel for stretches of ticks, up to each reset by the host, and hand on what it recorded."""
    start_state = arrays.state.copy()
    host_resets = set(stimulus.query_start.tolist()) if stimulus.reset == "host" else set()
    stops = np.unique([*host_resets, stimulus.duration_ticks])
    tick, stretch, began = 0, 64, time.perf_counter()
    while tick < stimulus.duration_ticks:
        if tick in host_resets:
            arrays.state[:] = start_state
            arrays.history_count[:] = 0
        stop = min(int(stops[np.searchsorted(stops, tick, side="right")]), tick + stretch)
        before = time.perf_counter()
        reached = kernel(tick, stop, arrays)
        if reached < stop:  # a buffer was full
            _flush(arrays, writer)
        seconds = time.perf_counter() - before
        if reached > tick:
            stretch = max(64, int((reached - tick) * _SECONDS_PER_STRETCH / max(seconds, 1e-6)))
        tick = reached
        report(time.perf_counter() - began, tick / stimulus.duration_ticks)
    _flush(arrays, writer)


def _flush(arrays, writer):
    """Write the recorded spikes and counts as one segment and empty the buffers."""
    spikes, rows = arrays.filled
    recorded = (arrays.spike_tick[:spikes], arrays.spike_neuron[:spikes], arrays.row_tick[:rows],
                arrays.row_core[:rows], arrays.row_kind[:rows], arrays.row_count[:rows])  # fmt: skip
    writer.write_segment(*(column.copy() for column in recorded))
    arrays.filled[:] = 0


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
        raise ConfigError(
            f"core_of[{wrong[0]}] is {core_of[wrong[0]]}; spike sources, and only they, are on the host (-1)"
        )
    return core_of.astype(np.int32)


def _set_threads(threads):
    most = numba.config.NUMBA_NUM_THREADS
    if not 1 <= threads <= most:
        raise ConfigError(f"threads is {threads}; it must lie in 1 to {most} (NUMBA_NUM_THREADS)")
    if threads > 1:
        numba.set_num_threads(threads)


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
        print(
            f"\rsimulating {completed:6.1%}, {elapsed:.1f} s, {left:.1f} s left ", end=end, file=sys.stderr, flush=True
        )

    return to_terminal
