"""Foreign traces: spikes that another program recorded, checked and brought into the form of a trace.

Such a trace has a network, a stimulus and spikes. It has no counts, because nobody counted while it ran; its manifest
says whose spikes they are (`eventsim.trace.manifest.Foreign`).
"""

import sys
from pathlib import Path

import numpy as np

from eventsim.arguments import whole_numbers
from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import ConfigError
from eventsim.stimulus import Stimulus
from eventsim.trace.background import SegmentList
from eventsim.trace.finalise import write_trace
from eventsim.trace.manifest import Foreign, new_manifest
from eventsim.trace.recording import Recording

__all__ = ["duration_of", "trace_of_arrays", "whole_ticks", "write_foreign"]

#: How far from a whole tick a time may lie, in ticks. Brian2 rounds times to steps with the same allowance (its
#: function `timestep`), which covers times that were stored as float32.
_TOLERANCE = 1e-3


def whole_ticks(t_ms, dt_ms, what):
    """(n,) int64: the ticks at which times in ms lie; raises ConfigError naming the first that is no tick."""
    try:
        t_ms = np.asarray(t_ms, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{what} must hold times in ms as numbers") from None
    steps = np.where(np.isfinite(t_ms), t_ms / dt_ms, -1)
    ticks = np.round(steps)
    wrong = ~((np.abs(steps - ticks) <= _TOLERANCE) & (ticks >= 0) & (ticks < 2**62))
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise ConfigError(f"{what}: time {t_ms[k]} ms of row {k} is no tick; times must be finite, not negative, and "
                          f"whole multiples of dt, {dt_ms:g} ms")  # fmt: skip
    return ticks.astype(np.int64)


def trace_of_arrays(cls, network, neuron, *, t_ms=None, tick=None, stimulus=None, duration_ms=None, path=None,
                    program="arrays"):  # fmt: skip
    """A trace of spikes that another program recorded.

    It has a network and spikes, and nothing that was counted while running: what would need that raises
    NotRecordedError, and an audit reports it as not checkable.

    Parameters
    ----------
    network : CompiledNetwork
    neuron : (n,) int
        Ids of the compiled network.
    t_ms : (n,) float, or tick : (n,) int
        One of both. Times do not fall, and are whole ticks of the network to a thousandth.
    stimulus : Stimulus, optional
        What drove the run. Left out, the spikes of the sources are taken for it; sources that have no spike in
        the arrays are taken to have fired as it says.
    duration_ms : float, optional
        Length of the run; that of the stimulus if left out, else up to the last spike.
    path : path, optional
        Where the trace is written; in memory if left out.
    program : str
        Whose spikes they are, for messages.

    Returns
    -------
    Trace

    Raises
    ------
    ConfigError
        When times fall or are no ticks, a neuron does not exist or fires twice in a tick.
    """
    if not isinstance(network, CompiledNetwork) or not isinstance(stimulus, Stimulus | None):
        raise ConfigError(f"spikes are those of a CompiledNetwork under a Stimulus or None, not of a "
                          f"{type(network).__name__} under a {type(stimulus).__name__}")  # fmt: skip
    if not isinstance(program, str):
        raise ConfigError(f"program is {program!r}; give the name of the program that the spikes are of")
    neuron, tick = _spikes_of_arrays(network, neuron, t_ms, tick)
    duration = duration_of(duration_ms, network.dt_ms)
    return cls(write_foreign(path, network, tick, neuron, stimulus, duration, program), max_bytes=sys.maxsize)


def duration_of(duration_ms, dt_ms):
    """A duration in ticks; None for None."""
    return None if duration_ms is None else int(whole_ticks([duration_ms], dt_ms, "duration_ms")[0])


def _spikes_of_arrays(network, neuron, t_ms, tick):
    """(neuron, tick), checked, of arrays in order of time."""
    if (t_ms is None) == (tick is None):
        raise ConfigError("spikes: give either t_ms or tick")
    neuron = _integers(neuron, "neuron")
    tick = whole_ticks(t_ms, network.dt_ms, "spikes") if tick is None else _integers(tick, "tick")
    if neuron.shape != tick.shape:
        raise ConfigError(f"spikes: there are {neuron.size} neurons for {tick.size} times; give one of each per spike")
    falls = np.flatnonzero(np.diff(tick) < 0)
    if falls.size:
        raise ConfigError(f"spikes: row {falls[0] + 1} is earlier than the row before it; sort them by time")
    outside = np.flatnonzero((neuron < 0) | (neuron >= network.n_neurons))
    if outside.size:
        raise ConfigError(f"spikes: row {outside[0]} is of neuron {neuron[outside[0]]}; ids run from 0 to "
                          f"{network.n_neurons - 1}")  # fmt: skip
    return neuron, tick


def _integers(values, what):
    return whole_numbers(f"spikes: {what}", values)


def _in_order(neuron, tick, network):
    """(neuron, tick) sorted by (tick, neuron); raises ConfigError when a neuron fires twice in a tick."""
    order = np.lexsort((neuron, tick))
    neuron, tick = neuron[order], tick[order]
    twice = np.flatnonzero((np.diff(tick) == 0) & (np.diff(neuron) == 0))
    if twice.size:
        k = twice[0]
        p = next(p for p in network.populations if neuron[k] < p.stop)
        raise ConfigError(f"spikes: neuron {neuron[k] - p.start} of '{p.name}' fires twice in tick {tick[k]} "
                          f"({tick[k] * network.dt_ms:g} ms); on a grid it can fire once")  # fmt: skip
    return neuron, tick


def write_foreign(path, network, tick, neuron, stimulus, duration_ticks, program, lacking=None):
    """Write a foreign trace.

    Parameters
    ----------
    path : path or None
        None keeps it in memory.
    network : CompiledNetwork
    tick, neuron : (n,) int64
        Spikes in any order.
    stimulus : Stimulus or None
        None takes the spikes of the sources for it.
    duration_ticks : int or None
    program : str
    lacking : (n_neurons,) bool, optional
        Sources whose spikes were not recorded, so that the stimulus's are taken; if left out, all those of a
        population of sources that has no spike.

    Returns
    -------
    Path or InMemory
        What `Trace` opens.
    """
    network.require_valid()
    if stimulus is not None:
        network.require_driven(stimulus)
    neuron, tick = _in_order(neuron, tick, network)
    of_source = network.is_source[neuron]
    last = int(tick[-1]) + 1 if tick.size else 0
    apart = stimulus is not None
    if stimulus is None:
        stimulus = Stimulus.of(
            tick[of_source], neuron[of_source], duration_ticks=last if duration_ticks is None else duration_ticks
        )
    elif duration_ticks is not None:
        stimulus = stimulus.lasting(duration_ticks)
    if last > stimulus.duration_ticks:
        raise ConfigError(f"spikes: the last is in tick {last - 1}, but the run lasts {stimulus.duration_ticks} ticks")
    lacking = _silent_sources(network, neuron) if lacking is None else lacking
    taken = lacking[stimulus.neuron] if apart else np.zeros(0, bool)
    if taken.any():
        apart = False
        neuron, tick = _in_order(np.r_[neuron, stimulus.neuron[taken]], np.r_[tick, stimulus.tick[taken]], network)
    return _write(path, network, tick, neuron, stimulus, Foreign(program, apart))


def _silent_sources(network, neuron):
    fired = np.bincount(neuron, minlength=network.n_neurons)
    return np.concatenate([np.full(p.size, p.is_source and not fired[p.start : p.stop].any())
                           for p in network.populations])  # fmt: skip


def _write(path, network, tick, neuron, stimulus, foreign):
    recording = Recording(network, stimulus.duration_ticks, SegmentList())
    recording.append({"tick": tick, "neuron": neuron})
    manifest = new_manifest({}, network, stimulus, "grid", foreign)
    return write_trace(None if path is None else Path(path), recording, stimulus, {}, {}, manifest)
