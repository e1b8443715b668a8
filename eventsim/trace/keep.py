"""The merge of a recording into a trace in memory, put off until somebody asks for what is merged."""

from functools import partial

import numpy as np

from eventsim.made import Made
from eventsim.trace.in_memory import Column, Group, InMemory
from eventsim.trace.schema import COUNTS, MESSAGE_COLUMNS, SPIKE_COLUMNS, SPIKES, STREAMS

__all__ = ["keep_trace"]


def keep_trace(recording, stimulus, totals, messages, manifest):
    """The InMemory of a recording; see `eventsim.trace.finalise.write_trace`."""
    return InMemory(Group(_columns(recording, totals, messages)), recording.network.driven_by(stimulus), manifest)


def _columns(recording, totals, messages):
    """Mapping of full name -> Column: totals as they are; messages, spikes, each stream made when it is asked for."""
    segments, clock = list(recording.segments.segments), recording.clock
    paths = [f"{SPIKES}/{p.name}/{name}" for p in recording.network.populations for name in SPIKE_COLUMNS[clock]]
    spikes = Made(partial(_merged_spikes, recording, [segment.spikes for segment in segments]))
    columns = {name: Column(totals, name) for name in totals} | {path: Column(spikes, path) for path in paths}
    columns |= {f"{COUNTS}/{name}": Column(messages, name) for name in (MESSAGE_COLUMNS if messages else ())}
    for stream, (path, dtypes) in STREAMS.items():
        if any(name.startswith(f"{path}/") for name in totals):
            made = Made(partial(_merged, dtypes, [segment.maker(stream) for segment in segments]))
            columns |= {f"{path}/{name}": Column(made, name) for name in dtypes}
    return columns


def _merged_spikes(recording, segments):
    """Mapping of full name -> column of the spikes of all populations."""
    merged = {
        f"{SPIKES}/{p.name}/{name}": [np.empty(0, dtype)]
        for p in recording.network.populations for name, dtype in SPIKE_COLUMNS[recording.clock].items()
    }  # fmt: skip
    for segment in segments:
        for k, spikes in recording.by_population(segment):
            for name, values in spikes.items():
                merged[f"{SPIKES}/{recording.network.populations[k].name}/{name}"].append(values)
    return {name: np.concatenate(parts) for name, parts in merged.items()}


def _merged(dtypes, makers):
    """Mapping of name -> column of a stream, from what makes those of each segment."""
    parts = [{name: np.empty(0, dtype) for name, dtype in dtypes.items()}, *(make() for make in makers)]
    merged = {name: np.concatenate([part[name] for part in parts]) for name in dtypes}
    if "end" in merged:  # where rows of a tick end is counted from the start of each segment
        before = np.cumsum([part["synapse"].size for part in parts])
        merged["end"] += np.repeat(np.append(0, before[:-1]), [part["end"].size for part in parts])
    return merged
