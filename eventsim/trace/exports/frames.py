"""What several formats share: tables piece by piece, and names of neurons."""

from itertools import chain

import numpy as np
import pandas as pd

__all__ = ["event_frames", "names_of", "spike_frames", "unique_names"]


def spike_frames(trace, start_tick, stop_tick):
    """DataFrames of consecutive spikes, at least one: t_ms, tick, neuron, population, and index within that."""
    populations = trace.network.populations
    starts, names = np.array([p.start for p in populations]), [p.name for p in populations]
    for spikes in trace.iter_spikes(start_tick=start_tick, stop_tick=stop_tick):
        place = np.searchsorted(starts, spikes.neuron, side="right") - 1
        frame = spikes.to_frame()
        frame["population"] = pd.Categorical.from_codes(place, names)
        frame["index"] = spikes.neuron - starts[place]
        yield frame


def event_frames(trace, start_tick, stop_tick):
    """DataFrames of consecutive deliveries, at least one: as SynapticEvents.to_frame, and the pathway's name."""
    names = unique_names([p.name for p in trace.network.pathways])
    ends = np.cumsum([p.size for p in trace.network.pathways])
    pieces = trace.iter_synaptic_events(start_tick, stop_tick)
    for events in chain([next(pieces, trace.synaptic_events(0, 0))], pieces):
        frame = events.to_frame()
        frame["pathway"] = pd.Categorical.from_codes(np.searchsorted(ends, events.synapse, side="right"), names)
        yield frame


def unique_names(names):
    """The names, a number added to those that occur more than once."""
    return [name if names.count(name) == 1 else f"{name}.{names[:k].count(name)}" for k, name in enumerate(names)]


def names_of(network, neurons):
    """A name for each of some neurons: population and index within it, "pool[3]"."""
    starts = np.array([p.start for p in network.populations])
    place = np.searchsorted(starts, neurons, side="right") - 1
    index = neurons - starts[place]
    return [f"{network.populations[p].name}[{k}]" for p, k in zip(place.tolist(), index.tolist())]
