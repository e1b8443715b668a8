"""Reading a trace query by query: how often, and when, each neuron fired."""

import numpy as np

from circuits.arguments import checked

__all__ = ["count_by_query", "first_by_query", "first_spikes", "spike_counts"]


@checked()
def spike_counts(circuit, trace, neurons, *, stop_tick=None):
    """Spikes of each neuron in each query.

    Parameters
    ----------
    circuit : Circuit
        The one that was run.
    trace : Trace
        One of the network's default stimulus knows of no queries: it is one.
    neurons : Neurons
        Of that circuit, in an array of any shape.
    stop_tick : int, optional
        Spikes from this tick of their query on do not count.

    Returns
    -------
    (queries, *neurons.shape) int64
    """
    return count_by_query(trace, circuit.neuron_ids(neurons), stop_tick=stop_tick)


@checked()
def first_spikes(circuit, trace, neurons):
    """Tick, within its query, of each neuron's first spike: (queries, *neurons.shape) float64, NaN without one.

    See `spike_counts` for the arguments.
    """
    return first_by_query(trace, circuit.neuron_ids(neurons))


@checked()
def count_by_query(trace, ids, *, stop_tick=None):
    """As `spike_counts`, of the neurons that have these ids in the compiled network: (queries, *ids.shape) int64."""
    shape, cell, tick = _by_query(trace, ids)
    kept = slice(None) if stop_tick is None else tick < stop_tick
    return np.bincount(cell[kept], minlength=int(np.prod(shape))).reshape(shape)


@checked()
def first_by_query(trace, ids):
    """As `first_spikes`, of the neurons that have these ids in the compiled network: (queries, *ids.shape) float64."""
    shape, cell, tick = _by_query(trace, ids)
    first = np.full(int(np.prod(shape)), np.nan)
    first[cell[::-1]] = tick[::-1]  # of several, the first one is written last
    return first.reshape(shape)


def _by_query(trace, ids):
    """Shape of the answer; of each spike, in order, its place in the flattened answer and its tick in its query."""
    shape, ids = np.shape(ids), np.ravel(ids)
    spikes = trace.spikes(neurons=ids)
    place = np.full(trace.network.n_neurons, -1)
    place[ids] = np.arange(ids.size)
    queries = trace.queries()
    starts = queries["start_tick"].to_numpy() if len(queries) else np.zeros(1, dtype=np.int64)
    query = np.searchsorted(starts, spikes.tick, side="right") - 1
    return (starts.size, *shape), query * ids.size + place[spikes.neuron], spikes.tick - starts[query]
