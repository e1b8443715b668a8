"""Simulation: a run that can be taken in pieces, stopped, saved and taken up again, on either clock."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike

import numpy as np

from eventsim.arguments import require_kind, whole_number, whole_numbers
from eventsim.arrays import content_hash
from eventsim.buffers import buffer_sizes
from eventsim.checkpoint import read_checkpoint, read_segments, write_checkpoint
from eventsim.compiled_network import CompiledNetwork
from eventsim.continuous import ContinuousEngine
from eventsim.counts import HOST
from eventsim.engine import NO_LIMIT
from eventsim.errors import ConfigError
from eventsim.grid import GridEngine
from eventsim.interrupts import interrupts_held_back
from eventsim.stimulus import Stimulus
from eventsim.trace import TraceWriter
from eventsim.trace.event_record import choose_events

__all__ = ["Simulation", "Summary", "checked"]

_SECONDS_PER_STRETCH = 0.25  # between two looks at the clock, the keyboard and the progress report


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
    """A network from tick 0 to the end of its stimulus.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus, optional
        Its default stimulus if left out.
    clock : str
        "grid": ticks of Brian2's dt, spike for spike what Brian2 gives. "continuous": the exact solution of the
        network's equations, see `eventsim.continuous`.
    trace : path, optional
        Where the trace is written; in memory if left out.
    core_of : (n_neurons,) int, optional
        Core of each neuron, for the online counters; -1 exactly for spike sources. All on core 0 if left out.
    threads : int
        Of the grid: spikes, counts and states are the same, bit for bit, for any number. With one, a large network on
        several cores is counted by another where there is a processor for it (NUMBA_NUM_THREADS=1: by itself).
    updates : str
        Of the grid: one of `eventsim.grid.engine.UPDATES`; changes the time a run takes and nothing else.
    record : mapping of str to sequence of int, optional
        Variable -> ids of the neurons whose values are sampled at the start of every `record_every_ticks`-th tick.
    record_events : bool or mapping, optional
        Of the grid: True writes down every delivery where it is scattered; a mapping with some of `pathways`,
        `populations` (names; of receiving ones) and `window_ticks` (first, last + 1) those that it names.
    buffer_mb : float
        Megabytes that the run may hold of its trace before it is on disk.
    max_bytes : int, optional
        Of the grid: memory that the run may take besides the network; what the machine has available if left out.
    manifest : dict, optional
        Anything JSON can hold, kept with the trace: configuration, labelled populations, task.

    Raises
    ------
    ConfigError
        When the stimulus drives a neuron that is no spike source, or another argument does not fit.
    CompileError
        When a population has no exact solution in continuous time.
    CapacityError
        When the run needs more memory than there is; none of it has been taken then.
    """

    def __init__(self, network, stimulus=None, *, clock="grid", trace=None, core_of=None, threads=1,
                 updates="measured", record=None, record_every_ticks=1, record_events=None, buffer_mb=64,
                 max_bytes=None, manifest=None):  # fmt: skip
        self.network, self.stimulus, self.core_of, self._recorded = checked(
            network, stimulus, core_of, record, record_every_ticks
        )
        self._events = choose_events(record_events, network, self.stimulus.duration_ticks)
        self.engine = _engine_of(clock, threads, updates, self._events, max_bytes)(
            network,
            self.stimulus,
            self.core_of,
            self._recorded,
            record_every_ticks,
            buffer_sizes(buffer_mb, len(self._recorded), self._events is not None),
        )
        self._writer = TraceWriter(trace, network, self.stimulus, manifest=manifest or {}, clock=clock,
                                   recorded=self._recorded, event_choice=self._events)  # fmt: skip
        self.tick, self._seconds, self._stretch = 0, 0.0, 64

    # -- running

    @property
    def summary(self):
        return Summary(self.tick, self.stimulus.duration_ticks, self.engine.n_spikes, self.engine.n_deliveries,
                       self._seconds)  # fmt: skip

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

        Raises
        ------
        ConfigError
            It has been finished, or an argument makes no sense.
        """
        if self.finished:
            raise ConfigError("this simulation has been finished, or was given up; make another one")
        if stop_when is not None and not callable(stop_when):
            raise ConfigError(f"stop_when is {stop_when!r}; give a function of the Summary")
        for name, value, least in (("ticks", ticks, 0), ("stop_after_spikes", stop_after_spikes, 0),
                                   ("look_every_ticks", look_every_ticks, 1)):  # fmt: skip
            if value is not None:
                whole_number(name, value, least, NO_LIMIT)
        end = self.stimulus.duration_ticks if ticks is None else min(self.tick + ticks, self.stimulus.duration_ticks)
        most = NO_LIMIT if stop_after_spikes is None else stop_after_spikes
        began, total_s = time.perf_counter(), self.stimulus.duration_ticks * self.network.dt_ms / 1e3
        while self.tick < end and self.engine.n_spikes < most:
            looks = stop_when is not None
            next_look = (self.tick // look_every_ticks + 1) * look_every_ticks if looks else end
            with interrupts_held_back():
                self._advance(min(end, next_look), most)
            if progress is not None:
                progress(time.perf_counter() - began, self.tick / max(self.stimulus.duration_ticks, 1), 0.0, total_s)
            if looks and self.tick % look_every_ticks == 0 and stop_when(self.summary):
                break
        return self

    def _advance(self, end, most):
        """One stretch of ticks: up to `end`, a reset by the host, a full buffer, or a moment of time."""
        stop = min(end, self._next_reset(), self.tick + self._stretch)
        before = time.perf_counter()
        reached = self.engine.advance(self.tick, stop, most)
        if reached < stop:  # a buffer was full, or the last spike has come
            self._flush()
        seconds = time.perf_counter() - before
        self._seconds += seconds
        if reached > self.tick:
            self._stretch = max(64, int((reached - self.tick) * _SECONDS_PER_STRETCH / max(seconds, 1e-6)))
            if self.stimulus.reset == "host" and np.isin(reached, self.stimulus.query_start):
                self.engine.start_again(reached)  # once, on arrival; at tick 0 everything is at its start
        self.tick = reached

    def _next_reset(self):
        starts = self.stimulus.query_start
        later = starts[starts > self.tick]
        return int(later[0]) if self.stimulus.reset == "host" and later.size else self.stimulus.duration_ticks

    def _flush(self):
        """Write what was recorded as one segment and empty the buffers."""
        with interrupts_held_back():
            self._writer.settle()  # an error comes before anything is taken out of them
            self._writer.write_segment(**self.engine.take())

    def state(self):
        """(population, variable) -> (size,) float64: values at the start of the present tick."""
        return self.engine.state(self.tick)

    # -- ending

    def finish(self):
        """The Trace of what was run, up to the present tick; an interrupt waits until it is whole."""
        with interrupts_held_back():
            self._flush()
            if self.tick < self.stimulus.duration_ticks:
                self._writer.cut(self.stimulus.until(self.tick))
            return self._writer.finish(**self.engine.totals(self.tick), core_of=self.core_of)

    @property
    def finished(self):
        """Whether the trace has been written."""
        return self._writer.finished

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._writer.abort()

    # -- checkpoints

    def save(self, path):
        """Write a checkpoint: everything `load` needs to go on as if there had been no interruption."""
        require_kind("path", path, str, PathLike)
        self._flush()
        engine = {f"engine/{name}": values for name, values in self.engine.snapshot().items()}
        write_checkpoint(path, self._identity(), {"tick": np.int64(self.tick)} | engine, self._writer.segments())

    def load(self, path):
        """Go on from a checkpoint of the same network, stimulus, cores and way to run; returns itself.

        Raises ConfigError when the checkpoint is of another run, TraceFormatError when it is damaged.
        """
        require_kind("path", path, str, PathLike)
        saved = read_checkpoint(path, self._identity())
        if self.tick:
            raise ConfigError(f"this simulation has come to tick {self.tick}; load {path} into one that has not run")
        self.tick = int(saved.pop("tick"))
        try:
            self.engine.restore({name.removeprefix("engine/"): values for name, values in saved.items()})
        except (KeyError, ValueError) as error:
            raise ConfigError(f"{path} was saved by another version of eventsim ({error}); go on with that one, or "
                              "start anew") from None  # fmt: skip
        for segment in read_segments(path):
            self._writer.write_segment(**segment)
        return self

    def _identity(self):
        cores = content_hash({"core_of": self.core_of})
        way = f"{self.engine.clock}, {self.engine.way}"
        return f"{self.network.hash} {self.stimulus.hash} {cores} {way} {self._recorded} {self._events}"


def checked(network, stimulus, core_of, record, record_every_ticks):
    """(network, stimulus, core_of, [(variable, neuron)] of a sample) of a run, from the arguments of `Simulation`.

    Raises ConfigError for what does not fit.
    """
    if not isinstance(network, CompiledNetwork):
        raise ConfigError(f"a simulation takes a CompiledNetwork, not {type(network).__name__}; "
                          "use compile_network() first")  # fmt: skip
    network.require_valid()
    stimulus, core_of = network.stimulus if stimulus is None else stimulus, _check_core_of(network, core_of)
    if not isinstance(stimulus, Stimulus):
        raise ConfigError(f"the stimulus is a {type(stimulus).__name__}; give a Stimulus, or None for the network's")
    network.require_driven(stimulus)
    whole_number("record_every_ticks", record_every_ticks, 1)
    record = {} if record is None else record
    if not isinstance(record, Mapping):
        raise ConfigError(f"record is {record!r}; give a mapping of variables to ids of neurons")
    recorded = [(name, i) for name, ids in record.items() for i in whole_numbers(f"record['{name}']", ids).tolist()]
    return network, stimulus, core_of, recorded


def _engine_of(clock, threads, updates, events, max_bytes):
    """What makes the engine of a clock; raises ConfigError for what that clock does not have."""
    if clock == "grid":
        return partial(GridEngine, threads=threads, updates=updates, events=events, max_bytes=max_bytes)
    if clock != "continuous":
        raise ConfigError(f"clock is '{clock}'; choose 'grid' or 'continuous'")
    if threads != 1 or updates != "measured":
        raise ConfigError(f"threads={threads!r} and updates={updates!r} are for clock='grid'; leave them out in "
                          "continuous time, which runs in one thread and updates what an event reaches")  # fmt: skip
    if events is not None:
        raise ConfigError("record_events is for clock='grid'; leave it out and take Trace.synaptic_events()")
    return ContinuousEngine


def _check_core_of(network, core_of):
    if core_of is None:
        return np.where(network.is_source, HOST, 0).astype(np.int32)
    core_of = whole_numbers("core_of", core_of, HOST, np.iinfo(np.int32).max)
    if core_of.size != network.n_neurons:
        raise ConfigError(f"core_of must hold one integer for each of {network.n_neurons} neurons, not {core_of.size}")
    wrong = np.flatnonzero((core_of == HOST) != network.is_source)
    if wrong.size:
        raise ConfigError(f"core_of[{wrong[0]}] is {core_of[wrong[0]]}; spike sources, and only they, are on the "
                          "host (-1)")  # fmt: skip
    return core_of.astype(np.int32)
