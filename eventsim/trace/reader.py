"""Trace: a finished run, read lazily from a file that is treated as hostile."""

import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from eventsim.arrays import take
from eventsim.counts import HOST, KINDS, EventCounts
from eventsim.errors import ConfigError, EventSimError, TraceFormatError
from eventsim.network import CompiledNetwork
from eventsim.samples import Samples
from eventsim.stimulus import Stimulus
from eventsim.trace.guard import MAX_BYTES, open_checked, refusing
from eventsim.trace.manifest import check_json_size, labelled_ranges, read_manifest
from eventsim.trace.schema import (
    COUNTS,
    DELIVERED,
    NETWORK,
    RECEIVED_COUNT,
    RECEIVED_WEIGHT,
    SAMPLES,
    SPIKES,
    STIMULUS,
    read_arrays,
    spikes_hash,
    stored_hash,
)
from eventsim.trace.spikes import find_fault, merge, read_window
from eventsim.trace.synaptic_events import expand

__all__ = ["Trace", "open_trace"]


def open_trace(path, *, max_bytes=MAX_BYTES):
    """Open a trace file.

    Parameters
    ----------
    path : path
    max_bytes : int
        What the file's columns may hold together.

    Returns
    -------
    Trace

    Raises
    ------
    ConfigError
        When there is no such file.
    TraceFormatError
        When it is not a trace, is truncated, or holds anything that a trace does not need.
    """
    return Trace(Path(path), max_bytes=max_bytes)


class Trace:
    """What happened in a run: its network, stimulus, spikes and counts.

    Opening checks the structure only; columns are read, and checked, when asked for.

    Parameters
    ----------
    source : path or io.BytesIO
        The file, or its image in memory.
    max_bytes : int
        What the file's columns may hold together.
    """

    def __init__(self, source, *, max_bytes=MAX_BYTES):
        in_file = isinstance(source, str | os.PathLike)
        self.path = Path(source) if in_file else None
        self._name = str(source) if in_file else "the trace in memory"
        self._file = open_checked(source, self._name, max_bytes)
        try:
            with self._reading() as file:
                self.manifest = read_manifest(file)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _reading(self):
        """The open file; whatever goes wrong with its content becomes a TraceFormatError."""
        if not self._file:
            raise ConfigError(f"{self._name} has been closed; open it again with open_trace()")
        with refusing(self._name):
            yield self._file

    @cached_property
    def network(self):
        """The CompiledNetwork that was run, checked; its default stimulus is the one of this run."""
        with self._reading() as file:
            check_json_size(file, f"{STIMULUS}/header")
            check_json_size(file, f"{NETWORK}/description")
            stimulus = Stimulus.from_arrays(read_arrays(file[STIMULUS]))
            network = CompiledNetwork.from_arrays(read_arrays(file[NETWORK]), stimulus)
            _check_ids("the stimulus's neuron", stimulus.neuron, 0, network.n_neurons)
            return network

    @property
    def stimulus(self):
        """The Stimulus that drove it, checked."""
        return self.network.stimulus

    @property
    def dt_ms(self):
        return self.network.dt_ms

    @property
    def duration_ticks(self):
        return self.stimulus.duration_ticks

    @property
    def complete(self):
        """Whether the writer finished; it says so last."""
        return self.manifest.get("complete") is True

    def queries(self):
        """DataFrame, one row per query: start_tick, stop_tick, input_id."""
        return self.stimulus.queries()

    def spikes(self, population=None, start_tick=None, stop_tick=None, neurons=None):
        """Spikes of a population and a window of time; reads no more than that.

        Parameters
        ----------
        population : str, optional
            A population of the network, or a range of ids that the circuit labelled; all if left out.
        start_tick, stop_tick : int, optional
            The window start_tick <= tick < stop_tick.
        neurons : (m,) int, optional
            Ids of the compiled network to which the spikes are restricted.

        Returns
        -------
        SpikeTable

        Raises
        ------
        ConfigError
            When there is no such population or neuron.
        TraceFormatError
            When the columns contradict each other.
        """
        start, stop = self._id_range(population)
        dt_ms, duration = self.dt_ms, self.duration_ticks
        touched = [p for p in self.network.populations if p.start < stop and p.stop > start]
        with self._reading() as file:
            spikes = merge([read_window(file, p, dt_ms, duration, start_tick, stop_tick) for p in touched], dt_ms)
        if any(p.start < start or p.stop > stop for p in touched):
            spikes = spikes.where((spikes.neuron >= start) & (spikes.neuron < stop))
        if neurons is None:
            return spikes
        return spikes.where(np.isin(spikes.neuron, self._checked_neurons(neurons)))

    def _id_range(self, population):
        """(start, stop) ids of a population of the network or a labelled range."""
        n_neurons = self.network.n_neurons
        if population is None:
            return 0, n_neurons
        for p in self.network.populations:
            if p.name == population:
                return p.start, p.stop
        with refusing(self._name):
            labelled = labelled_ranges(self.manifest, n_neurons)
        if population not in labelled:
            there_are = ", ".join([p.name for p in self.network.populations] + sorted(labelled))
            raise ConfigError(f"{self._name} has no population '{population}'; there are: {there_are}")
        return labelled[population]

    def _checked_neurons(self, neurons):
        neurons = np.atleast_1d(neurons)
        outside = neurons[(neurons < 0) | (neurons >= self.network.n_neurons)]
        if outside.size:
            raise ConfigError(f"there is no neuron {outside[0]}; ids run from 0 to {self.network.n_neurons - 1}")
        return neurons

    @property
    def n_spikes(self):
        """Number of spikes of all populations, from the lengths of the columns."""
        names = [p.name for p in self.network.populations]
        with self._reading() as file:
            return sum(file[f"{SPIKES}/{name}/ticks"].size for name in names)

    @property
    def t(self):
        """(n_spikes,) float64: time of every spike in ms, in the order of `i`."""
        return self.spikes().t_ms

    @property
    def i(self):
        """(n_spikes,) int32: neuron of every spike, by (tick, neuron)."""
        return self.spikes().neuron

    def spike_trains(self, population=None):
        """Mapping index within the population -> (n,) float64 spike times in ms, silent neurons included."""
        start, stop = self._id_range(population)
        spikes = self.spikes(population)
        order = np.argsort(spikes.neuron, kind="stable")
        ends = np.searchsorted(spikes.neuron[order], np.arange(start + 1, stop))
        return dict(enumerate(np.split(spikes.t_ms[order], ends))) if stop > start else {}

    def samples(self):
        """The Samples that were recorded; raises ConfigError when none were."""
        with self._reading() as file:
            arrays = read_arrays(file[SAMPLES]) if SAMPLES in file else None
            samples = None if arrays is None else Samples.from_arrays(arrays)
        if samples is None:
            raise ConfigError(f"{self._name} holds no samples; record them: simulate(..., record={{'v': neurons}})")
        return samples

    def synaptic_events(self, start_tick=None, stop_tick=None):
        """Every delivery that arrived in a window of time, expanded from spikes and connectivity.

        Parameters
        ----------
        start_tick, stop_tick : int, optional
            The window start_tick <= tick of arrival < stop_tick.

        Returns
        -------
        SynapticEvents

        Raises
        ------
        CapacityError
            When there are too many to be held at once; then ask for one window after the other.
        """
        start = max(0, start_tick or 0)
        stop = self.duration_ticks if stop_tick is None else min(stop_tick, self.duration_ticks)
        longest = max((int(p.delays[-1]) for p in self.network.pathways), default=0)
        return expand(self.network, self.stimulus, self.spikes(None, start - longest, stop), start, stop)

    def counts(self):
        """The EventCounts that were counted while running."""
        n_neurons, duration = self.network.n_neurons, self.duration_ticks
        with self._reading() as file:
            counts = EventCounts.from_arrays(read_arrays(file[COUNTS]))
            if counts.core_of.size != n_neurons or counts.duration_ticks != duration:
                raise TraceFormatError(f"/{COUNTS} belongs to another network or another duration")
            n_cores = int(counts.core_of.max(initial=HOST)) + 1
            _check_ids("a core", counts.core_of, HOST, n_cores)
            _check_ids("a tick of the counts", counts.tick, 0, duration)
            _check_ids("a kind of the counts", counts.kind, 0, len(KINDS))
            for cores in (counts.core, counts.message_source, counts.message_destination):
                _check_ids("a core of the counts", cores, HOST, n_cores)
            return counts

    def received(self):
        """(n_neurons,) int64 deliveries that each neuron received, and (n_neurons,) float64 sum of their weights."""
        n_neurons = self.network.n_neurons
        return self._column(RECEIVED_COUNT, np.int64, n_neurons), self._column(RECEIVED_WEIGHT, np.float64, n_neurons)

    def delivered(self):
        """(n_pathways,) int64: deliveries of each pathway."""
        return self._column(DELIVERED, np.int64, len(self.network.pathways))

    def _column(self, name, dtype, size):
        with self._reading() as file:
            return take({name: file[name][:]}, name, dtype, size)

    def verify_hashes(self):
        """[(name, whether the stored columns still have the hash in the manifest)] of each artefact."""
        hashes = {
            "network": lambda file: stored_hash(file[NETWORK]), "stimulus": lambda file: stored_hash(file[STIMULUS]),
            "spikes": spikes_hash, "counts": lambda file: stored_hash(file[COUNTS]),
        }  # fmt: skip
        return [(name, self._has_hash(f"{name}_hash", compute)) for name, compute in hashes.items()]

    def _has_hash(self, key, compute):
        try:
            with self._reading() as file:
                return compute(file) == self.manifest.get(key)
        except TraceFormatError:
            return False

    def column_faults(self):
        """What is wrong with the spike columns, one line for each population at fault."""
        populations, dt_ms, duration = self.network.populations, self.dt_ms, self.duration_ticks
        with self._reading() as file:
            faults = [find_fault(file, p, dt_ms, duration) for p in populations]
            strangers = set(file[SPIKES]) - {p.name for p in populations}
        return [fault for fault in faults if fault] + [
            f"population '{name}' is not of this network" for name in sorted(strangers)
        ]

    def close(self):
        """Close the file; what has been read stays."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        try:
            return (
                f"<Trace {self._name}: {self.network.n_neurons:,} neurons, {self.n_spikes:,} spikes, "
                f"{self.duration_ticks:,} ticks of {self.dt_ms:g} ms, {self.stimulus.n_queries:,} queries>"
            )
        except EventSimError as error:
            return f"<Trace {error}>"


def _check_ids(what, values, first, stop):
    """Refuse ids with which somebody's array would be overrun."""
    if values.size and not (values.min() >= first and values.max() < stop):
        raise TraceFormatError(f"{what} lies outside {first} to {stop - 1}")
