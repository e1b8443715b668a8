"""Trace: a finished run, read lazily from a file that is treated as hostile."""

import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from eventsim.arrays import take
from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import ConfigError, EventSimError, NotRecordedError, TraceFormatError
from eventsim.samples import Samples
from eventsim.stimulus import Stimulus
from eventsim.trace.chosen import ChosenSpikes
from eventsim.trace.counted import check_ids, hashes_due, iter_rows, read_cores, read_counts, read_messages
from eventsim.trace.event_record import read_choice, read_marks, read_record
from eventsim.trace.foreign import trace_of_arrays
from eventsim.trace.guard import MAX_BYTES, open_checked, refusing
from eventsim.trace.manifest import check_json_size, read_foreign, read_manifest
from eventsim.trace.schema import (
    COUNTS,
    DELIVERED,
    EVENTS,
    NETWORK,
    RECEIVED_COUNT,
    RECEIVED_WEIGHT,
    SAMPLES,
    SPIKES,
    STIMULUS,
    read_arrays,
)
from eventsim.trace.selection import neurons_named, pathways_named, population_range, window, within_run
from eventsim.trace.sonata_files import trace_of_sonata
from eventsim.trace.spikes import find_fault
from eventsim.trace.synaptic_events import SynapticEvents, expand, expand_in_chunks, longest_delay

__all__ = ["Trace", "open_trace"]

#: Spikes that are read at once while deliveries are streamed.
_SPIKES_AT_ONCE = 1 << 16


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
            with self.reading() as file:
                self.manifest = read_manifest(file)
        except BaseException:
            self.close()
            raise

    from_arrays = classmethod(trace_of_arrays)
    from_sonata = classmethod(trace_of_sonata)

    @contextmanager
    def reading(self):
        """The open file; whatever goes wrong with its content becomes a TraceFormatError that names it."""
        if not self._file:
            raise ConfigError(f"{self._name} has been closed; open it again with open_trace()")
        with refusing(self._name):
            yield self._file

    @cached_property
    def network(self):
        """The CompiledNetwork that was run, checked; its default stimulus is the one of this run."""
        with self.reading() as file:
            check_json_size(file, f"{STIMULUS}/header")
            check_json_size(file, f"{NETWORK}/description")
            stimulus = Stimulus.from_arrays(read_arrays(file[STIMULUS]))
            network = CompiledNetwork.from_arrays(read_arrays(file[NETWORK]), stimulus)
            check_ids("the stimulus's neuron", stimulus.neuron, 0, network.n_neurons)
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
    def clock(self):
        """What time was: "grid" for whole ticks, "continuous" for ticks and a fraction of one."""
        return self.manifest["clock"]

    @property
    def complete(self):
        """Whether the writer finished; it says so last."""
        return self.manifest.get("complete") is True

    def queries(self):
        """DataFrame, one row per query: start_tick, stop_tick, input_id."""
        return self.stimulus.queries()

    def spikes(self, population=None, start_tick=None, stop_tick=None, neurons=None, *, label=None, query=None):
        """Spikes of a population and a window of time; reads no more than that.

        Parameters
        ----------
        population : str, optional
            A population of the network, or a range of ids that the circuit labelled; all if left out.
        start_tick, stop_tick : int, optional
            The window start_tick <= tick < stop_tick.
        neurons : (m,) int, optional
            Ids of the compiled network to which the spikes are restricted.
        label : str, optional
            A label of the circuit or one of its paths, and all below it: "head0" stands for "head0/softmax" too.
        query : int, optional
            Place in `queries()`, in place of a window.

        Returns
        -------
        SpikeTable

        Raises
        ------
        ConfigError
            When there is no such population, label, neuron or query.
        TraceFormatError
            When the columns contradict each other.
        """
        chosen = self._choose(population, label, neurons)
        return chosen.read(*window(self.stimulus, start_tick, stop_tick, query))

    def iter_spikes(self, population=None, start_tick=None, stop_tick=None, neurons=None, *, label=None, query=None,
                    max_spikes=1 << 20):  # fmt: skip
        """As `spikes`, one SpikeTable after the other, each read for at most `max_spikes` spikes or for one tick."""
        chosen = self._choose(population, label, neurons)
        for ends in chosen.windows(*window(self.stimulus, start_tick, stop_tick, query), max_spikes):
            yield chosen.read(*ends)

    def _choose(self, population, label, neurons):
        network, kept = self.network, None
        with self._naming():
            start, stop = population_range(population, network, self.manifest)
            for selector in (label, neurons):
                if selector is not None:
                    named = neurons_named(selector, network, self.manifest)
                    kept = named if kept is None else kept & named
        return ChosenSpikes(self, start, stop, kept)

    @contextmanager
    def _naming(self):
        """An error about a name says in which trace."""
        try:
            yield
        except (ConfigError, TraceFormatError) as error:
            raise type(error)(f"{self._name}: {error}") from None

    @property
    def n_spikes(self):
        """Number of spikes of all populations, from the lengths of the columns."""
        names = [p.name for p in self.network.populations]
        with self.reading() as file:
            return sum(file[f"{SPIKES}/{name}/ticks"].size for name in names)

    @property
    def t(self):
        """(n_spikes,) float64: time of every spike in ms, in the order of `i`.

        Brian2's SpikeMonitor.t is a quantity; a trace is read without Brian2, so this is the bare number of ms.
        """
        return self.spikes().t_ms

    @property
    def i(self):
        """(n_spikes,) int32: neuron of every spike, in order of time, then of neuron."""
        return self.spikes().neuron

    def spike_trains(self, population=None, *, label=None, query=None):
        """Mapping index -> (n,) float64 spike times in ms, silent neurons included, as Brian2's SpikeMonitor gives it.

        Indices count the chosen neurons in order of id: of a population, they are those of its Brian2 group.
        """
        ids = self._choose(population, label, None).ids
        spikes = self.spikes(population, label=label, query=query)
        order = np.argsort(spikes.neuron, kind="stable")
        ends = np.searchsorted(spikes.neuron[order], ids[1:])
        return dict(enumerate(np.split(spikes.t_ms[order], ends))) if ids.size else {}

    def samples(self, start_tick=None, stop_tick=None):
        """The Samples that were recorded with start_tick <= tick < stop_tick; reads no more than those.

        Raises NotRecordedError when none were recorded.
        """
        with self.reading() as file:
            samples = Samples.read(file[SAMPLES], start_tick, stop_tick) if SAMPLES in file else None
        if samples is None:
            raise NotRecordedError(f"{self._name} holds no samples; record: simulate(..., record={{'v': neurons}})")
        return samples

    def potentials(self, variable="v", neurons=None, start_tick=None, stop_tick=None):
        """The Samples of one variable, of all neurons or of those that a name, a label or ids stand for.

        Raises NotRecordedError when that variable of one of those neurons was not recorded.
        """
        samples = self.samples(start_tick, stop_tick)
        if neurons is None:
            return samples.of(variable)
        with self._naming():
            named = neurons_named(neurons, self.network, self.manifest)
        return samples.of(variable, np.flatnonzero(named))

    def synaptic_events(self, start_tick=None, stop_tick=None, *, pre=None, post=None, core=None, pathway=None,
                        query=None):  # fmt: skip
        """Every delivery that arrived in a window of time, expanded from spikes and connectivity.

        Parameters
        ----------
        start_tick, stop_tick : int, optional
            The window start_tick <= tick of arrival < stop_tick.
        pre, post : str or (m,) int, optional
            Sending and receiving neurons: a population, a label or path and all below it, or ids.
        core : int or (m,) int, optional
            Cores of the receiving neurons.
        pathway : str or sequence of str, optional
            Names of pathways.
        query : int, optional
            Place in `queries()`, in place of a window.

        Returns
        -------
        SynapticEvents

        Raises
        ------
        CapacityError
            When there are too many to be held at once; then take `iter_synaptic_events`.
        ConfigError
            When there is no such neuron, label, pathway or query.
        """
        sending, asked = self._ask(pre, post, core, pathway)
        start, stop = within_run(self.stimulus, *window(self.stimulus, start_tick, stop_tick, query))
        spikes = sending.read(start - longest_delay(self.network), stop)
        return expand(self.network, self.stimulus, spikes, start, stop, **asked)

    def iter_synaptic_events(self, start_tick=None, stop_tick=None, *, pre=None, post=None, core=None, pathway=None,
                             query=None, max_events=1 << 20):  # fmt: skip
        """As `synaptic_events`, in pieces of at most `max_events`, however many there are in all.

        A piece is larger only where one spike alone sends more over one pathway.
        """
        sending, asked = self._ask(pre, post, core, pathway)
        longest, ends = longest_delay(self.network), window(self.stimulus, start_tick, stop_tick, query)
        for start, stop in sending.windows(*within_run(self.stimulus, *ends), _SPIKES_AT_ONCE, longest + 1):
            spikes = sending.read(start - longest, stop)
            yield from expand_in_chunks(self.network, self.stimulus, spikes, start, stop, max_events, **asked)

    def _ask(self, pre, post, core, pathway):
        """The chosen senders, and what `expand` is to be told of the rest."""
        network, wanted = self.network, None
        with self._naming():
            wanted = None if post is None else neurons_named(post, network, self.manifest)
            pathways = None if pathway is None else pathways_named(pathway, network)
        core_of = None if self.foreign is not None and core is None else self.core_of
        if core is not None:
            on_core = np.isin(core_of, core)
            wanted = on_core if wanted is None else wanted & on_core
        return self._choose(None, None, pre), {"wanted": wanted, "pathways": pathways, "core_of": core_of}

    @property
    def event_choice(self):
        """The EventChoice that says which deliveries were recorded, checked; None when none were."""
        with self.reading() as file:
            return read_choice(file, self.network, self.duration_ticks)

    def recorded_events(self, start_tick=None, stop_tick=None):
        """The deliveries that were recorded where they were scattered; reads no more than those of the window.

        Parameters
        ----------
        start_tick, stop_tick : int, optional
            The window start_tick <= tick of arrival < stop_tick.

        Returns
        -------
        SynapticEvents

        Raises
        ------
        NotRecordedError
            When no deliveries were recorded.
        CapacityError
            When there are too many to be held at once; then ask for one window after the other.
        """
        network, choice = self.network, self._recorded_choice()
        marks = self._marks(choice, start_tick, stop_tick)
        with self.reading() as file:
            tick, synapse = read_record(file, network, choice, marks)
        return SynapticEvents(
            tick, synapse, network.pre[synapse], network.post[synapse], network.weight[synapse], network.dt_ms
        )

    def recorded_synapses(self, start_tick=None, stop_tick=None):
        """(Marks, (n,) uint32): the same as it is stored, by tick the ids of synapses; nobody has looked at the ids."""
        marks = self._marks(self._recorded_choice(), start_tick, stop_tick)
        with self.reading() as file:
            return marks, file[f"{EVENTS}/synapse"][marks.rows]

    def _recorded_choice(self):
        choice = self.event_choice
        if choice is None:
            raise NotRecordedError(f"{self._name} holds no record of deliveries; make one: "
                                   "simulate(..., record_events=True)")  # fmt: skip
        return choice

    def _marks(self, choice, start_tick, stop_tick):
        with self.reading() as file:
            stop_tick = self.duration_ticks if stop_tick is None else stop_tick
            marks = read_marks(file, choice, start_tick or 0, stop_tick)
        marks.require_room()
        return marks

    @property
    def foreign(self):
        """Foreign, where the spikes are those of another program; None where eventsim simulated them."""
        with self.reading() as file:
            return None if COUNTS in file else read_foreign(self.manifest)

    def _require_counted(self):
        if self.foreign is not None:
            raise NotRecordedError(f"{self._name} holds spikes of {self.foreign.program}, which counted nothing while "
                                   "running; recount: hardware_models.count_events(trace, placement)")  # fmt: skip

    @cached_property
    def core_of(self):
        """(n_neurons,) int32: the core of each neuron in the run's counts, -1 for the host."""
        self._require_counted()
        with self.reading() as file:
            return read_cores(file, self.network.n_neurons)

    def counts(self):
        """The EventCounts that were counted while running; raises NotRecordedError where none were, as the next two."""
        self._require_counted()
        with self.reading() as file:
            return read_counts(file, self.network.n_neurons, self.duration_ticks)

    def iter_counts(self, stops):
        """The rows of `counts()`, (tick, core, kind, count), up to one of ascending ticks after the other.

        Raises TraceFormatError when they do not fit the trace, or do not rise by tick.
        """
        core_of = self.core_of
        with self.reading() as file:
            yield from iter_rows(file, core_of, self.duration_ticks, stops)

    def messages(self):
        """(source, destination, count): messages between pairs of cores, as `counts()` has them."""
        core_of = self.core_of
        with self.reading() as file:
            return read_messages(file, core_of)

    def received(self):
        """(n_neurons,) int64 deliveries that each neuron received, and (n_neurons,) float64 sum of their weights."""
        self._require_counted()
        n_neurons = self.network.n_neurons
        return self._column(RECEIVED_COUNT, np.int64, n_neurons), self._column(RECEIVED_WEIGHT, np.float64, n_neurons)

    def delivered(self):
        """(n_pathways,) int64: deliveries of each pathway."""
        self._require_counted()
        return self._column(DELIVERED, np.int64, len(self.network.pathways))

    def _column(self, name, dtype, size):
        with self.reading() as file:
            return take({name: file[name][:]}, name, dtype, size)

    def verify_hashes(self):
        """[(name, whether the stored columns still have the hash in the manifest)] of each artefact."""
        with self.reading() as file:
            due = hashes_due(file, self.manifest)
        return [(name, self._has_hash(f"{name}_hash", compute)) for name, compute in due.items()]

    def _has_hash(self, key, compute):
        try:
            with self.reading() as file:
                return compute(file) == self.manifest.get(key)
        except TraceFormatError:
            return False

    def column_faults(self):
        """What is wrong with the spike columns, one line for each population at fault."""
        populations, dt_ms, duration = self.network.populations, self.dt_ms, self.duration_ticks
        with self.reading() as file:
            faults = [find_fault(file, p, self.clock, dt_ms, duration) for p in populations]
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
