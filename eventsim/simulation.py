"""Simulation: a run that can be taken in pieces, stopped, saved and taken up again."""

import time
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numba
import numpy as np

from eventsim.arrays import content_hash
from eventsim.counts import HOST
from eventsim.errors import ConfigError, TraceFormatError
from eventsim.grid_arrays import allocate
from eventsim.grid_kernel import kernel_for
from eventsim.network import CompiledNetwork
from eventsim.quiet import quiet_populations
from eventsim.samples import Samples
from eventsim.trace import TraceWriter

__all__ = ["Simulation", "Summary"]

_SPIKES_PER_SEGMENT = 1 << 20
_ROWS_PER_SEGMENT = 1 << 20
_SECONDS_PER_STRETCH = 0.25  # between two looks at the clock, the keyboard and the progress report
_SEGMENT = ("spike_tick", "spike_neuron", "row_tick", "row_core", "row_kind", "row_count")

#: What changes during a run, and so what a checkpoint holds besides the recording.
_CHANGING = ("state", "history", "history_count", "active", "active_count", "is_active", "cursor", "received_count",
             "received_weight", "delivered", "messages", "filled")  # fmt: skip

#: How neurons of quiet populations (`eventsim.quiet`) are looked at: all of them in each tick, only those that
#: something touched, or whichever suits the activity that is measured.
UPDATES = ("measured", "dense", "touched")

#: A touched neuron costs some ten times what a look at an idle one does, and another kernel seconds to compile: by
#: touch, when fewer than one neuron in fifty is touched per tick and there are so many looks to save.
_TOUCHED_AT_MOST, _LOOKS_TO_SAVE, _TRIAL_TICKS = 0.02, 1e10, 200


@dataclass(frozen=True)
class Summary:
    """Where a simulation stands."""

    tick: int
    duration_ticks: int
    spikes: int
    synaptic_events: int
    seconds: float

    def __str__(self):
        rate = self.synaptic_events / self.seconds / 1e6 if self.seconds else 0.0
        return (f"tick {self.tick:,} of {self.duration_ticks:,}: {self.spikes:,} spikes, {self.synaptic_events:,} "
                f"synaptic events in {self.seconds:.3g} s ({rate:.1f} M events/s)")  # fmt: skip


class Simulation:
    """A network on the grid, from tick 0 to the end of its stimulus.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus, optional
        Its default stimulus if left out.
    trace : path, optional
        Where the trace is written; in memory if left out.
    core_of : (n_neurons,) int, optional
        Core of each neuron, for the online counters; -1 exactly for spike sources. All on core 0 if left out.
    threads : int
        Spikes, counts and states are the same, bit for bit, for any number.
    updates : str
        One of UPDATES; changes the time a run takes and nothing else.
    record : mapping of str to sequence of int, optional
        Variable -> ids of the neurons whose values are sampled at the start of every `record_every_ticks`-th tick.
    manifest : dict, optional
        Anything JSON can hold, kept with the trace: configuration, labelled populations, task.

    Raises
    ------
    ConfigError
        When the stimulus drives a neuron that is no spike source, or another argument does not fit.
    """

    def __init__(self, network, stimulus=None, *, trace=None, core_of=None, threads=1, updates="measured",
                 record=None, record_every_ticks=1, manifest=None):  # fmt: skip
        if not isinstance(network, CompiledNetwork):
            raise ConfigError(f"a simulation takes a CompiledNetwork, not {type(network).__name__}; "
                              "use compile_network() first")  # fmt: skip
        self.network, self.stimulus = network, network.stimulus if stimulus is None else stimulus
        self.core_of = _check_core_of(network, core_of)
        _check_sources(network, self.stimulus)
        _set_threads(threads)
        if updates not in UPDATES:
            raise ConfigError(f"updates is '{updates}'; choose one of {', '.join(UPDATES)}")
        if record_every_ticks < 1:
            raise ConfigError(f"record_every_ticks is {record_every_ticks}; it must be at least 1")
        self._recorded = [(variable, int(i)) for variable, ids in (record or {}).items() for i in np.ravel(ids)]
        self._threads, self._quiet = threads, quiet_populations(network)
        self._measuring = updates == "measured" and bool(self._quiet)
        self._by_touch = self._quiet if updates == "touched" else frozenset()
        self._kernel, constants = kernel_for(network, threads, self._by_touch)
        self._arrays = allocate(
            network, self.stimulus, self.core_of, constants, threads, _SPIKES_PER_SEGMENT, _ROWS_PER_SEGMENT,
            self._recorded, record_every_ticks,
        )  # fmt: skip
        self._start = {name: getattr(self._arrays, name).copy() for name in ("state", "active", "active_count")}
        self._samples = []
        self._writer = TraceWriter(trace, network, self.stimulus, manifest=manifest or {})
        self.tick, self._seconds, self._stretch = 0, 0.0, 64

    # -- running

    @property
    def summary(self):
        return Summary(self.tick, self.stimulus.duration_ticks, int(self._arrays.filled[3]),
                       int(self._arrays.delivered.sum()), self._seconds)  # fmt: skip

    def run(self, ticks=None, *, progress=None, stop_after_spikes=None, stop_when=None, look_every_ticks=1000):
        """Run on, to the end or for some ticks.

        Parameters
        ----------
        ticks : int, optional
            At most so many from here.
        progress : callable, optional
            Called as Brian2's `report`: (elapsed_s, completed, start_s, duration_s).
        stop_after_spikes : int, optional
            Stop at the end of the tick in which the run has so many spikes.
        stop_when : callable, optional
            Given the Summary at every `look_every_ticks`-th tick; stop when it returns True.

        Returns
        -------
        Simulation
            Itself.
        """
        end = self.stimulus.duration_ticks if ticks is None else min(self.tick + ticks, self.stimulus.duration_ticks)
        self._arrays.filled[4] = 2**62 if stop_after_spikes is None else stop_after_spikes
        began, total_s = time.perf_counter(), self.stimulus.duration_ticks * self.network.dt_ms / 1e3
        while self.tick < end and self._arrays.filled[3] < self._arrays.filled[4]:
            looks = stop_when is not None
            next_look = (self.tick // look_every_ticks + 1) * look_every_ticks if looks else end
            self._advance(min(end, next_look))
            if progress is not None:
                progress(time.perf_counter() - began, self.tick / max(self.stimulus.duration_ticks, 1), 0.0, total_s)
            if looks and self.tick % look_every_ticks == 0 and stop_when(self.summary):
                break
        return self

    def _advance(self, end):
        """One stretch of ticks: up to `end`, a reset by the host, a full buffer, or a moment of time."""
        if self.stimulus.reset == "host" and np.isin(self.tick, self.stimulus.query_start):
            self._start_again()
        if self._measuring and self.tick >= _TRIAL_TICKS:
            self._choose_updates()
        trial = _TRIAL_TICKS if self._measuring else end
        stop = min(end, self._next_reset(), self.tick + self._stretch, trial)
        before = time.perf_counter()
        reached = self._kernel(self.tick, stop, self._arrays)
        if reached < stop:  # a buffer was full, or the last spike has come
            self._flush()
        seconds = time.perf_counter() - before
        self._seconds += seconds
        if reached > self.tick:
            self._stretch = max(64, int((reached - self.tick) * _SECONDS_PER_STRETCH / max(seconds, 1e-6)))
        self.tick = reached

    def _start_again(self):
        """A reset by the host: every start value back, nothing in flight."""
        for name, values in self._start.items():
            getattr(self._arrays, name)[...] = values
        self._arrays.is_active[:] = True
        self._arrays.history_count[:] = 0

    def _choose_updates(self):
        """Once: look at quiet populations by touch from here on, where the activity so far says that it pays."""
        self._measuring = False
        ticks_left = self.stimulus.duration_ticks - self.tick
        chosen = set()
        for k in self._quiet:
            p = self.network.populations[k]
            touched = self._arrays.received_count[p.start : p.stop].sum() / (p.size * self.tick)
            if touched < _TOUCHED_AT_MOST and p.size * ticks_left > _LOOKS_TO_SAVE:
                chosen.add(k)
        if chosen:
            self._by_touch = frozenset(chosen)
            self._kernel, _ = kernel_for(self.network, self._threads, self._by_touch)

    def _next_reset(self):
        starts = self.stimulus.query_start
        later = starts[starts > self.tick]
        return int(later[0]) if self.stimulus.reset == "host" and later.size else self.stimulus.duration_ticks

    def _flush(self):
        """Write the recorded spikes and counts as one segment and empty the buffers."""
        arrays, (spikes, rows, samples) = self._arrays, self._arrays.filled[:3]
        used = [getattr(arrays, name)[: spikes if name.startswith("spike") else rows].copy() for name in _SEGMENT]
        self._writer.write_segment(*used)
        width = arrays.recorded_at.size
        self._samples.append((arrays.sample_tick[:samples].copy(), arrays.sample_value[: samples * width].copy()))
        arrays.filled[:3] = 0

    # -- ending

    def finish(self):
        """The Trace of what was run, up to the present tick."""
        self._flush()
        if self.tick < self.stimulus.duration_ticks:
            self._writer.cut(self.stimulus.until(self.tick))
        messages = self._arrays.messages.sum(axis=0)
        source, destination = np.nonzero(messages)
        return self._writer.finish(
            received_count=self._arrays.received_count, received_weight=self._arrays.received_weight,
            delivered=self._arrays.delivered.sum(axis=0), core_of=self.core_of,
            message_source=(source - 1).astype(np.int32), message_destination=(destination - 1).astype(np.int32),
            message_count=messages[source, destination], samples=self._all_samples(),
        )  # fmt: skip

    def _all_samples(self):
        if not self._recorded:
            return None
        tick, value = (np.concatenate(parts) for parts in zip(*self._samples, strict=True))
        neuron = np.array([neuron for _, neuron in self._recorded], dtype=np.int32)
        return Samples(tick, tuple(v for v, _ in self._recorded), neuron, value.reshape(tick.size, neuron.size))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._writer.abort()

    # -- checkpoints

    def save(self, path):
        """Write a checkpoint: everything `load` needs to go on as if there had been no interruption."""
        self._flush()
        segments = (tuple(segment.values()) for segment in self._writer.segments())
        columns = [np.concatenate(parts) for parts in zip(*segments, strict=True)]
        recording = {f"recording/{k}": column for k, column in enumerate(columns)}
        tick, value = (np.concatenate(parts) for parts in zip(*self._samples, strict=True))
        changing = {name: getattr(self._arrays, name) for name in _CHANGING}
        identity = np.frombuffer(self._identity().encode(), dtype=np.uint8)
        temporary = Path(f"{path}.tmp")
        with open(temporary, "wb") as file:
            np.savez(file, tick=self.tick, identity=identity, samples_tick=tick, samples_value=value,
                     **changing, **recording)  # fmt: skip
        temporary.replace(path)

    def load(self, path):
        """Go on from a checkpoint of the same network, stimulus, cores and threads; returns itself.

        Raises ConfigError when the checkpoint is of another run, TraceFormatError when it is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                saved = {name: stored[name] for name in stored.files}
            identity = saved["identity"].tobytes().decode()
        except OSError as error:
            raise ConfigError(f"{path} cannot be read ({error})") from None
        except (ValueError, KeyError, EOFError, BadZipFile) as error:
            raise TraceFormatError(f"{path} is no checkpoint ({error})") from None
        if identity != self._identity():
            raise ConfigError(f"{path} is a checkpoint of another network, stimulus, placement, or way to run")
        for name in _CHANGING:
            getattr(self._arrays, name)[...] = saved[name]
        if "recording/0" in saved:
            self._writer.write_segment(*(saved[f"recording/{k}"] for k in range(len(_SEGMENT))))
        self._samples = [(saved["samples_tick"], saved["samples_value"])]
        self.tick = int(saved["tick"])
        return self

    def _identity(self):
        parts = f"{self._threads} threads, by touch {sorted(self._by_touch)}"
        cores = content_hash({"core_of": self.core_of})
        return f"{self.network.hash} {self.stimulus.hash} {cores} {parts} {self._recorded}"


def _check_core_of(network, core_of):
    if core_of is None:
        return np.where(network.is_source, HOST, 0).astype(np.int32)
    core_of = np.asarray(core_of)
    if core_of.shape != (network.n_neurons,) or not np.issubdtype(core_of.dtype, np.integer):
        raise ConfigError(f"core_of must hold one integer for each of {network.n_neurons} neurons, got {core_of.dtype} "
                          f"of shape {core_of.shape}")  # fmt: skip
    wrong = np.flatnonzero((core_of < HOST) | ((core_of == HOST) != network.is_source))
    if wrong.size:
        raise ConfigError(f"core_of[{wrong[0]}] is {core_of[wrong[0]]}; spike sources, and only they, are on the "
                          "host (-1)")  # fmt: skip
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
