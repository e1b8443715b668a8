"""What was counted while running, read and checked; and the hashes that the columns of a trace must have."""

from bisect import bisect_left
from functools import partial

import numpy as np

from eventsim.arrays import content_hash, take
from eventsim.counts import HOST, KINDS, EventCounts
from eventsim.errors import TraceFormatError
from eventsim.trace.schema import (
    COUNT_COLUMNS,
    COUNTED,
    COUNTS,
    NETWORK,
    OPTIONAL,
    STIMULUS,
    read_arrays,
    spikes_hash,
    stored_hash,
)

__all__ = ["check_ids", "hashes_due", "iter_rows", "read_cores", "read_counts", "read_messages"]


def read_counts(file, n_neurons, duration_ticks):
    """The EventCounts of an open trace; raises TraceFormatError when they do not fit its network."""
    counts = EventCounts.from_arrays(read_arrays(file[COUNTS]))
    if counts.core_of.size != n_neurons or counts.duration_ticks != duration_ticks:
        raise TraceFormatError(f"/{COUNTS} belongs to another network or another duration")
    n_cores = int(counts.core_of.max(initial=HOST)) + 1
    check_ids("a core", counts.core_of, HOST, n_cores)
    check_ids("a tick of the counts", counts.tick, 0, duration_ticks)
    check_ids("a kind of the counts", counts.kind, 0, len(KINDS))
    for cores in (counts.core, counts.message_source, counts.message_destination):
        check_ids("a core of the counts", cores, HOST, n_cores)
    return counts


def iter_rows(file, core_of, duration_ticks, stops):
    """The rows of the counts of an open trace, (tick, core, kind, count), up to one of ascending ticks after the other.

    Holds those of one stretch at a time. Raises TraceFormatError when they do not fit the trace or do not rise by tick.
    """
    columns = {name: file.get(f"{COUNTS}/{name}") for name in COUNT_COLUMNS}
    for name, dtype in COUNT_COLUMNS.items():
        if columns[name] is None or columns[name].dtype != dtype or columns[name].size != columns["tick"].size:
            raise TraceFormatError(f"/{COUNTS} has no column {name} of {np.dtype(dtype)}, as long as that of ticks")
    begin, before, n_cores = 0, 0, int(core_of.max(initial=HOST)) + 1
    for stop in stops:
        end = bisect_left(columns["tick"], stop, lo=begin)
        tick, core, kind, count = (column[begin:end] for column in columns.values())
        check_ids("a tick of the counts", tick, before, stop)
        check_ids("a core of the counts", core, HOST, n_cores)
        check_ids("a kind of the counts", kind, 0, len(KINDS))
        yield tick, core, kind, count
        begin, before = end, stop
    if before == duration_ticks and begin != columns["tick"].size:
        raise TraceFormatError(f"/{COUNTS} has rows behind the end of the run, or not sorted by tick")


def read_messages(file, core_of):
    """(source, destination, count) of the messages between pairs of cores, in an open trace."""
    types = {"message_source": np.int32, "message_destination": np.int32, "message_count": np.int64}
    arrays = {name: file[f"{COUNTS}/{name}"][:] for name in types}
    size, n_cores = arrays["message_source"].size, int(core_of.max(initial=HOST)) + 1
    messages = tuple(take(arrays, name, dtype, size) for name, dtype in types.items())
    for cores in messages[:2]:
        check_ids("a core of the counts", cores, HOST, n_cores)
    return messages


def read_cores(file, n_neurons):
    """(n_neurons,) int32: the core of each neuron in the counts of an open trace, -1 for the host."""
    cores = take({"core_of": file[f"{COUNTS}/core_of"][:]}, "core_of", np.int32, n_neurons)
    check_ids("a core", cores, HOST, np.iinfo(np.int32).max)
    return cores


def check_ids(what, values, first, stop):
    """Refuse ids with which somebody's array would be overrun."""
    if values.size and not (values.min() >= first and values.max() < stop):
        raise TraceFormatError(f"{what} lies outside {first} to {stop - 1}")


def hashes_due(file, manifest, apart):
    """Mapping artefact -> function of the open file that computes its hash; those that the trace has or should have.

    Artefacts that are kept `apart`, a mapping of where they would be, are hashed as they are.
    """
    parts = {"network": NETWORK, "stimulus": STIMULUS} | COUNTED | OPTIONAL
    there = {name: path for name, path in parts.items() if path in file or f"{name}_hash" in manifest}
    hashes = {name: partial(_hash_of, path, apart) for name, path in there.items()}
    order = dict.fromkeys(["network", "stimulus", "spikes", *hashes])
    return {name: (hashes | {"spikes": spikes_hash})[name] for name in order}


def _hash_of(path, apart, file):
    return content_hash(apart[path].to_arrays()) if path in apart else stored_hash(file[path])
