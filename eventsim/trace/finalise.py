"""The merge of a recording into one finished trace file."""

from collections import Counter

import numpy as np

from eventsim.arrays import encode_json
from eventsim.trace.disk import create
from eventsim.trace.guard import allowed_bytes
from eventsim.trace.keep import keep_trace
from eventsim.trace.schema import (
    COUNT_COLUMNS,
    COUNTS,
    MANIFEST,
    MESSAGE_COLUMNS,
    NETWORK,
    STIMULUS,
    STREAMS,
    datasets,
    mark_as_sonata,
    reserve,
    reserve_population,
    result_hashes,
    store,
    store_again_uncompressed,
)
from eventsim.trace.segments import durably

__all__ = ["write_trace"]

#: A writer says so last.
_COMPLETE = {"complete": True}


def write_trace(path, recording, stimulus, totals, messages, manifest):
    """Write a complete trace; holds one segment at a time.

    Parameters
    ----------
    path : path or None
        None keeps it in memory.
    recording : Recording
    stimulus : Stimulus
    totals : mapping of str to array
        Datasets that are known only at the end, by their full names.
    messages : mapping of str to array, or Made
        MESSAGE_COLUMNS; empty where nobody counted.
    manifest : dict
        Without the hashes of spikes and counts, which are added here.

    Returns
    -------
    path or InMemory
        What `Trace` opens.
    """
    if path is None:
        return keep_trace(recording, stimulus, totals, messages, manifest | _COMPLETE)
    totals = totals | {f"{COUNTS}/{name}": messages[name] for name in (MESSAGE_COLUMNS if messages else ())}
    with durably(path) as temporary, create(temporary) as file:
        _merge_into(file, recording, totals | _artefacts(recording.network, stimulus))
        _stay_within_allowed_expansion(file)
        store(file, MANIFEST, encode_json(manifest | result_hashes(file) | _COMPLETE))
    return path


def _artefacts(network, stimulus):
    """Mapping of full name -> array of what was run."""
    return {
        f"{prefix}/{name}": np.asarray(values)
        for prefix, artefact in ((NETWORK, network), (STIMULUS, stimulus))
        for name, values in artefact.to_arrays().items()
    }


def _merge_into(file, recording, whole):
    """Write the datasets that are known as a whole, by their full names, and those that segments are merged into."""
    mark_as_sonata(file)
    for name, values in whole.items():
        store(file, name, values)
    _merge_segments(file, recording)


def _merge_segments(file, recording):
    """Fill the columns, whose lengths are known by now, segment after segment."""
    groups = [
        reserve_population(file, p.name, n, recording.clock)
        for p, n in zip(recording.network.populations, recording.n_spikes.tolist())
    ]
    columns, filled = _reserve_columns(file, recording), Counter()
    for segment in recording.segments:
        for k, spikes in recording.by_population(segment):
            for name, values in spikes.items():
                groups[k][name][filled[k] : filled[k] + values.size] = values
            filled[k] += spikes["ticks"].size
        segment = segment | {"events_end": segment["events_end"] + filled["events_synapse"]}
        for name, dataset in columns.items():
            dataset[filled[name] : filled[name] + segment[name].size] = segment[name]
            filled[name] += segment[name].size
        del segment  # or it would be held while the next one is read


def _reserve_columns(file, recording):
    """Mapping column of a segment -> the dataset that it goes to, for all but the spikes."""
    sizes = {"counts_tick": recording.n_rows, "samples_tick": recording.n_samples,
             "samples_value": recording.n_samples * recording.n_recorded, "events_tick": recording.n_event_ticks,
             "events_end": recording.n_event_ticks, "events_synapse": recording.n_events}  # fmt: skip
    sizes |= {f"counts_{name}": recording.n_rows for name in COUNT_COLUMNS}
    return {
        f"{stream}_{name}": reserve(file, f"{path}/{name}", sizes[f"{stream}_{name}"], dtype)
        for stream, (path, columns) in STREAMS.items() if path in file for name, dtype in columns.items()
    }  # fmt: skip


def _stay_within_allowed_expansion(file):
    """Make sure that no reader takes the file for a compression bomb.

    A large network whose wiring and weights are perfectly regular compresses a thousandfold. Then its largest
    columns are stored as they are until the file is large enough for what it holds.
    """
    found = datasets(file)
    expanded = sum(dataset.nbytes for dataset in found.values())
    if expanded <= allowed_bytes(0):
        return
    columns = sorted(found.items(), key=lambda item: item[1].nbytes)
    while expanded > allowed_bytes(sum(dataset.id.get_storage_size() for _, dataset in columns)):
        name, _ = columns.pop()
        store_again_uncompressed(file, name)
        columns.insert(0, (name, file[name]))
