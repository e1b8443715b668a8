"""TraceFile: an open trace, read lazily from a file that is treated as hostile; what was run, and by whom."""

import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import ConfigError, NotRecordedError, TraceFormatError
from eventsim.stimulus import Stimulus
from eventsim.trace.counted import check_ids, read_cores
from eventsim.trace.guard import MAX_BYTES, open_checked, refusing
from eventsim.trace.in_memory import InMemory
from eventsim.trace.manifest import check_json_size, read_foreign, read_manifest
from eventsim.trace.schema import COUNTS, NETWORK, STIMULUS, read_arrays, result_hashes

__all__ = ["TraceFile"]


class TraceFile:
    """The file of a trace; opening it checks the structure only, columns are read, and checked, when asked for.

    Parameters
    ----------
    source : path or InMemory
    max_bytes : int
        What the file's columns may hold together.
    """

    def __init__(self, source, *, max_bytes=MAX_BYTES):
        in_memory = isinstance(source, InMemory)
        if not in_memory and not isinstance(source, (str, os.PathLike)):
            raise ConfigError(f"a trace is opened by its path, not by {source!r}")
        self.path = None if in_memory else Path(source)
        self._name = "the trace in memory" if in_memory else str(source)
        self._file = source.file if in_memory else open_checked(source, self._name, max_bytes)
        self._apart = {NETWORK: source.network, STIMULUS: source.network.stimulus} if in_memory else {}
        try:
            with self.reading() as file:
                self.stated = source.manifest if in_memory else read_manifest(file)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self):
        """The open file; whatever goes wrong with its content becomes a TraceFormatError that names it."""
        if not self._file:
            again = "" if self.path is None else "; open it again with open_trace()"
            raise ConfigError(f"{self._name} has been closed{again}")
        with refusing(self._name):
            yield self._file

    @cached_property
    def manifest(self):
        """What the user left with the run, where the trace comes from, and the hash of all that it holds.

        In memory nobody has hashed that before this is asked for; `stated` is what was known without.
        """
        if self.path is not None:
            return self.stated
        with self.reading() as file:
            return self.stated | result_hashes(file)

    @cached_property
    def network(self):
        """The CompiledNetwork that was run, checked; its default stimulus is the one of this run."""
        with self.reading() as file:
            if NETWORK in self._apart:
                return self._apart[NETWORK]
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
        return self.stated["clock"]

    @property
    def complete(self):
        """Whether the writer finished; it says so last."""
        return self.stated.get("complete") is True

    def queries(self):
        """DataFrame, one row per query: start_tick, stop_tick, input_id."""
        return self.stimulus.queries()

    @contextmanager
    def naming(self):
        """An error about a name says in which trace."""
        try:
            yield
        except (ConfigError, TraceFormatError) as error:
            raise type(error)(f"{self._name}: {error}") from None

    @property
    def foreign(self):
        """Foreign, where the spikes are those of another program; None where eventsim simulated them."""
        with self.reading() as file:
            return None if COUNTS in file else read_foreign(self.stated)

    def require_counted(self):
        if self.foreign is not None:
            raise NotRecordedError(f"{self._name} holds spikes of {self.foreign.program}, which counted nothing while "
                                   "running; recount: hardware_models.count_events(trace, placement)")  # fmt: skip

    @cached_property
    def core_of(self):
        """(n_neurons,) int32: the core of each neuron in the run's counts, -1 for the host."""
        self.require_counted()
        with self.reading() as file:
            return read_cores(file, self.network.n_neurons)

    def close(self):
        """Close the file; what has been read stays."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
