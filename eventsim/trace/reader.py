"""Trace: a finished run, read lazily from a file that is treated as hostile."""

import numpy as np

from eventsim.arguments import whole_numbers
from eventsim.arrays import take
from eventsim.errors import ConfigError, EventSimError, TraceFormatError
from eventsim.trace.child import column_at, group_at
from eventsim.trace.counted import hashes_due, iter_rows, read_counts, read_messages
from eventsim.trace.delivery_reader import DeliveryReader
from eventsim.trace.foreign import trace_of_arrays
from eventsim.trace.guard import MAX_BYTES
from eventsim.trace.schema import DELIVERED, RECEIVED_COUNT, RECEIVED_WEIGHT, SPIKES
from eventsim.trace.sonata_files import trace_of_sonata
from eventsim.trace.spikes import find_fault

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
    return Trace(path, max_bytes=max_bytes)


class Trace(DeliveryReader):
    """What happened in a run: its network, stimulus, spikes, deliveries and counts.

    Opening checks the structure only; columns are read, and checked, when asked for.

    Parameters
    ----------
    source : path or InMemory
    max_bytes : int
        What the file's columns may hold together.
    """

    from_arrays = classmethod(trace_of_arrays)
    from_sonata = classmethod(trace_of_sonata)

    def counts(self):
        """The EventCounts that were counted while running; raises NotRecordedError where none were, as the next two."""
        self.require_counted()
        with self.reading() as file:
            return read_counts(file, self.network.n_neurons, self.duration_ticks)

    def iter_counts(self, stops):
        """The rows of `counts()`, (tick, core, kind, count), up to one of ascending ticks after the other.

        Raises ConfigError when the ticks do not ascend, TraceFormatError when the rows do not fit the trace, or do not
        rise by tick.
        """
        stops = whole_numbers("stops", stops).tolist()
        if sorted(stops) != stops:
            raise ConfigError(f"stops are {stops}; give ascending ticks")
        core_of, duration = self.core_of, self.duration_ticks
        with self.reading() as file:
            rows = iter_rows(file, core_of, duration, stops)
        while True:
            with self.reading():  # whoever takes the rows may close the trace in between
                some = next(rows, None)
            if some is None:
                return
            yield some

    def messages(self):
        """(source, destination, count): messages between pairs of cores, as `counts()` has them."""
        core_of = self.core_of
        with self.reading() as file:
            return read_messages(file, core_of)

    def received(self):
        """(n_neurons,) int64 deliveries that each neuron received, and (n_neurons,) float64 sum of their weights."""
        self.require_counted()
        n_neurons = self.network.n_neurons
        return self._column(RECEIVED_COUNT, np.int64, n_neurons), self._column(RECEIVED_WEIGHT, np.float64, n_neurons)

    def delivered(self):
        """(n_pathways,) int64: deliveries of each pathway."""
        self.require_counted()
        return self._column(DELIVERED, np.int64, len(self.network.pathways))

    def _column(self, name, dtype, size):
        with self.reading() as file:
            return take({name: column_at(file, name)[:]}, name, dtype, size)

    def verify_hashes(self):
        """[(name, whether the stored columns still have the hash in the manifest)] of each artefact."""
        with self.reading() as file:
            due = hashes_due(file, self.manifest, self._apart)
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
            strangers = set(group_at(file, SPIKES)) - {p.name for p in populations}
        return [fault for fault in faults if fault] + [
            f"population '{name}' is not of this network" for name in sorted(strangers)
        ]

    def __repr__(self):
        try:
            return (
                f"<Trace {self._name}: {self.network.n_neurons:,} neurons, {self.n_spikes:,} spikes, "
                f"{self.duration_ticks:,} ticks of {self.dt_ms:g} ms, {self.stimulus.n_queries:,} queries>"
            )
        except EventSimError as error:
            return f"<Trace {error}>"
