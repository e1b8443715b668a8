"""The merge of a recording into one finished trace file."""

from collections import Counter

import numpy as np

from eventsim.arrays import encode_json
from eventsim.trace.disk import create, in_memory
from eventsim.trace.guard import allowed_bytes
from eventsim.trace.open_file import InMemory
from eventsim.trace.schema import (
    COUNT_COLUMNS,
    COUNTED,
    COUNTS,
    EVENT_COLUMNS,
    EVENTS,
    MANIFEST,
    NETWORK,
    OPTIONAL,
    SAMPLE_COLUMNS,
    SAMPLES,
    STIMULUS,
    datasets,
    mark_as_sonata,
    reserve,
    reserve_population,
    spikes_hash,
    store,
    store_again_uncompressed,
    stored_hash,
)
from eventsim.trace.segments import durably
from eventsim.trace.spikes import time_ms

__all__ = ["write_trace"]


def write_trace(path, recording, stimulus, totals, manifest):
    """Write a complete trace; holds one segment at a time.

    Parameters
    ----------
    path : path or None
        None keeps it in memory.
    recording : Recording
    stimulus : Stimulus
    totals : mapping of str to array
        Datasets that are known only at the end, by their full names.
    manifest : dict
        Without the hashes of spikes and counts, which are added here.

    Returns
    -------
    path or InMemory
        What `Trace` opens.
    """
    if path is None:
        file = in_memory()
        _merge_into(file, recording, totals)
        _complete(file, manifest)
        return InMemory(file, recording.network.driven_by(stimulus))
    with durably(path) as temporary, create(temporary) as file:
        _merge_into(file, recording, totals | _artefacts(recording.network, stimulus))
        _stay_within_allowed_expansion(file)
        _complete(file, manifest)
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


def _complete(file, manifest):
    parts = COUNTED | OPTIONAL
    hashes = {f"{name}_hash": stored_hash(file[path]) for name, path in parts.items() if path in file}
    hashes["spikes_hash"] = spikes_hash(file)
    store(file, MANIFEST, encode_json(manifest | hashes | {"complete": True}))


def _merge_segments(file, recording):
    """Fill the columns, whose lengths are known by now, segment after segment."""
    groups = [
        reserve_population(file, p.name, n, recording.clock)
        for p, n in zip(recording.network.populations, recording.n_spikes.tolist())
    ]
    columns, filled = _reserve_columns(file, recording), Counter()
    for segment in recording.segments:
        _merge_spikes(groups, recording, segment, filled)
        segment = segment | {"events_end": segment["events_end"] + filled["events_synapse"]}
        for name, dataset in columns.items():
            dataset[filled[name] : filled[name] + segment[name].size] = segment[name]
            filled[name] += segment[name].size
        del segment  # or it would be held while the next one is read


def _reserve_columns(file, recording):
    """Mapping column of a segment -> the dataset that it goes to, for all but the spikes."""
    reserved = {}
    if COUNTS in file:
        reserved |= {
            f"counts_{name}": reserve(file, f"{COUNTS}/{name}", recording.n_rows, dtype)
            for name, dtype in COUNT_COLUMNS.items()
        }
    if SAMPLES in file:
        sizes = {"tick": recording.n_samples, "value": recording.n_samples * recording.n_recorded}
        reserved |= {
            f"samples_{name}": reserve(file, f"{SAMPLES}/{name}", sizes[name], dtype)
            for name, dtype in SAMPLE_COLUMNS.items()
        }
    if EVENTS in file:
        sizes = {"tick": recording.n_event_ticks, "end": recording.n_event_ticks, "synapse": recording.n_events}
        reserved |= {
            f"events_{name}": reserve(file, f"{EVENTS}/{name}", sizes[name], dtype)
            for name, dtype in EVENT_COLUMNS.items()
        }
    return reserved


def _merge_spikes(groups, recording, segment, filled):
    network = recording.network
    population = recording.population_of(segment["neuron"])
    for k in np.unique(population).tolist():
        tick, neuron = (segment[name][population == k] for name in ("tick", "neuron"))
        offset = segment["offset"][population == k] if recording.clock == "continuous" else None
        here = slice(filled[k], filled[k] + tick.size)
        groups[k]["ticks"][here] = tick
        groups[k]["node_ids"][here] = (neuron - network.populations[k].start).astype(np.uint64)
        groups[k]["timestamps"][here] = time_ms(tick, offset, network.dt_ms)
        if offset is not None:
            groups[k]["offsets"][here] = offset
        filled[k] = here.stop


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
