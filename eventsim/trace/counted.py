"""What was counted while running, read and checked; and the hashes that the columns of a trace must have."""

import numpy as np

from eventsim.arrays import take
from eventsim.counts import HOST, KINDS, EventCounts
from eventsim.errors import TraceFormatError
from eventsim.trace.schema import COUNTS, NETWORK, OPTIONAL, STIMULUS, read_arrays, spikes_hash, stored_hash

__all__ = ["check_ids", "hashes_due", "read_cores", "read_counts"]


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


def read_cores(file, n_neurons):
    """(n_neurons,) int32: the core of each neuron in the counts of an open trace, -1 for the host."""
    cores = take({"core_of": file[f"{COUNTS}/core_of"][:]}, "core_of", np.int32, n_neurons)
    check_ids("a core", cores, HOST, np.iinfo(np.int32).max)
    return cores


def check_ids(what, values, first, stop):
    """Refuse ids with which somebody's array would be overrun."""
    if values.size and not (values.min() >= first and values.max() < stop):
        raise TraceFormatError(f"{what} lies outside {first} to {stop - 1}")


def hashes_due(file, manifest):
    """Mapping artefact -> function of the open file that computes its hash; those that the trace has or should have."""
    groups = {"network": NETWORK, "stimulus": STIMULUS, "counts": COUNTS} | OPTIONAL
    there = {name: path for name, path in groups.items() if path in file or f"{name}_hash" in manifest}
    hashes = {name: lambda file, path=path: stored_hash(file[path]) for name, path in there.items()}
    order = dict.fromkeys(["network", "stimulus", "spikes", *hashes])
    return {name: (hashes | {"spikes": spikes_hash})[name] for name in order}
