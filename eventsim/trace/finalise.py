"""The merge of a recording into one finished trace file."""

import numpy as np

from eventsim.arrays import encode_json
from eventsim.trace.guard import allowed_bytes
from eventsim.trace.schema import (
    COUNT_COLUMNS,
    COUNTS,
    MANIFEST,
    NETWORK,
    STIMULUS,
    create,
    datasets,
    mark_as_sonata,
    reserve,
    reserve_population,
    spikes_hash,
    store,
    store_again_uncompressed,
    stored_hash,
)

__all__ = ["merge_into"]


def merge_into(target, recording, stimulus, totals, manifest):
    """Write a complete trace; holds one segment at a time.

    Parameters
    ----------
    target : path or io.BytesIO
    recording : Recording
    stimulus : Stimulus
    totals : mapping of str to array
        Datasets that are known only at the end, by their full names.
    manifest : dict
        Without the hashes of spikes and counts, which are added here.
    """
    with create(target) as file:
        mark_as_sonata(file)
        for prefix, artefact in ((NETWORK, recording.network), (STIMULUS, stimulus)):
            for name, values in artefact.to_arrays().items():
                store(file, f"{prefix}/{name}", np.asarray(values))
        for name, values in totals.items():
            store(file, name, values)
        _merge_segments(file, recording)
        _stay_within_allowed_expansion(file)
        hashes = {"spikes_hash": spikes_hash(file), "counts_hash": stored_hash(file[COUNTS])}
        store(file, MANIFEST, encode_json(manifest | hashes | {"complete": True}))


def _merge_segments(file, recording):
    """Fill the columns, whose lengths are known by now, segment after segment."""
    network = recording.network
    groups = [reserve_population(file, p.name, n) for p, n in zip(network.populations, recording.n_spikes.tolist())]
    rows = {name: reserve(file, f"{COUNTS}/{name}", recording.n_rows, t) for name, t in COUNT_COLUMNS.items()}
    spikes_so_far, rows_so_far = [0] * len(groups), 0
    for segment in recording.segments:
        population = recording.population_of(segment["neuron"])
        for k in np.unique(population):
            tick, neuron = (segment[name][population == k] for name in ("tick", "neuron"))
            here = slice(spikes_so_far[k], spikes_so_far[k] + tick.size)
            groups[k]["ticks"][here] = tick
            groups[k]["node_ids"][here] = (neuron - network.populations[k].start).astype(np.uint64)
            groups[k]["timestamps"][here] = tick * network.dt_ms
            spikes_so_far[k] = here.stop
        here = slice(rows_so_far, rows_so_far + segment["counts_tick"].size)
        for name, dataset in rows.items():
            dataset[here] = segment[f"counts_{name}"]
        rows_so_far = here.stop


def _stay_within_allowed_expansion(file):
    """Make sure that no reader takes the file for a compression bomb.

    A large network whose wiring and weights are perfectly regular compresses a thousandfold. Then its largest
    columns are stored as they are until the file is large enough for what it holds.
    """
    columns = sorted(datasets(file).items(), key=lambda item: item[1].nbytes)
    expanded = sum(dataset.nbytes for _, dataset in columns)
    while expanded > allowed_bytes(sum(dataset.id.get_storage_size() for _, dataset in columns)):
        name, _ = columns.pop()
        store_again_uncompressed(file, name)
        columns.insert(0, (name, file[name]))
