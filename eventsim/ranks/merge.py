"""The segments and totals of all ranks, made into one trace."""

import numpy as np

from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import EnvironmentProblem
from eventsim.ranks.record import kept_segments, read_rank_segment, read_totals
from eventsim.stimulus import Stimulus
from eventsim.trace.schema import MESSAGE_COLUMNS, read_arrays
from eventsim.trace.writer import TraceWriter

__all__ = ["merge_ranks", "recover", "trace_writer"]


def merge_ranks(job, writer, core_of):
    """Write what all ranks have in common.

    Parameters
    ----------
    job : Job
        Its ranks have ended, or died.
    writer : TraceWriter
        Of the whole network and stimulus.
    core_of : (n_neurons,) int32

    Returns
    -------
    Trace
        Complete up to the last tick at which every rank kept its totals.

    Raises
    ------
    EnvironmentProblem
        When there is none.
    """
    folders = [job.folder_of(rank) for rank in range(job.settings.n_ranks)]
    n = kept_segments(folders)
    if not n:
        raise EnvironmentProblem(f"{job.folder}: no tick is known up to which all {len(folders)} ranks came")
    totals = [read_totals(folder, n) for folder in folders]
    for k in range(n):
        segments = [read_rank_segment(folder, k) for folder in folders]
        writer.write_segment(**_spikes(segments), **_rows(segments), **_samples(segments, totals))
    tick = int(totals[0]["tick"][0])
    if tick < writer.stimulus.duration_ticks:
        writer.cut(writer.stimulus.until(tick))
    return writer.finish(**_summed(totals, core_of.size, len(job.description.pathways)), core_of=core_of)


def recover(job, path):
    """The trace of a job whose ranks died, from what they left, up to the last tick at which all kept their totals.

    Parameters
    ----------
    job : Job
    path : path
        Where the trace is written.

    Returns
    -------
    Trace

    Raises
    ------
    EnvironmentProblem
        When there is no such tick.
    """
    stimulus = Stimulus.from_arrays(read_arrays(job.file["stimulus"]))
    network = CompiledNetwork.from_arrays(read_arrays(job.file["network"]), stimulus)
    with trace_writer(path, network, stimulus, job.settings) as writer:
        return merge_ranks(job, writer, job.file["core_of"][:])


def trace_writer(path, network, stimulus, settings):
    """The TraceWriter of a run on ranks."""
    return TraceWriter(path, network, stimulus, manifest=settings.manifest, recorded=settings.recorded)


def _joined(parts, name):
    return np.concatenate([part[name] for part in parts])


def _spikes(segments):
    tick, neuron = _joined(segments, "tick"), _joined(segments, "neuron")
    order = np.lexsort((neuron, tick))
    return {"tick": tick[order], "neuron": neuron[order]}


def _rows(segments):
    """Rows of counts, those of a tick, core and kind added up."""
    columns = [_joined(segments, f"counts_{name}") for name in ("tick", "core", "kind", "count")]
    tick, core, kind, count = _added(*columns)
    return {"counts_tick": tick, "counts_core": core, "counts_kind": kind, "counts_count": count}


def _added(*columns):
    """Columns of keys and, last, of numbers: sorted by key, numbers of equal keys added up."""
    *keys, numbers = columns
    order = np.lexsort(keys[::-1])
    keys, numbers = [key[order] for key in keys], numbers[order]
    is_first = np.ones(numbers.size, dtype=bool)
    is_first[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    first = np.flatnonzero(is_first)
    return *(key[first] for key in keys), np.add.reduceat(numbers, first) if first.size else numbers


def _samples(segments, totals):
    """Sampled values, those of each rank at their places."""
    ticks = max((segment["samples_tick"] for segment in segments), key=len)
    value = np.empty((ticks.size, sum(t["columns"].size for t in totals)))
    for segment, kept in zip(segments, totals):
        if kept["columns"].size:
            value[:, kept["columns"]] = segment["samples_value"].reshape(ticks.size, kept["columns"].size)
    return {"samples_tick": ticks, "samples_value": value.ravel()}


def _summed(totals, n_neurons, n_pathways):
    """What `TraceWriter.finish` takes."""
    count, weight = np.zeros(n_neurons, dtype=np.int64), np.zeros(n_neurons)
    delivered = np.zeros(n_pathways, dtype=np.int64)
    for kept in totals:
        count[kept["own"]], weight[kept["own"]] = kept["received_count"], kept["received_weight"]
        delivered[kept["pathways"]] += kept["delivered"]
    messages = _added(*(_joined(totals, name) for name in MESSAGE_COLUMNS))
    return {"received_count": count, "received_weight": weight, "delivered": delivered,
            "messages": dict(zip(MESSAGE_COLUMNS, messages))}  # fmt: skip
