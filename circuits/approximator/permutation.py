"""Whether spikes follow their tokens: a run of permuted inputs, compared spike by spike."""

import numpy as np

__all__ = ["follows"]


def follows(circuit, trace, orders):
    """Whether each query's spikes are those of the first query, neuron by neuron and tick by tick, permuted.

    Parameters
    ----------
    circuit : SpikingTransformer
    trace : Trace
        Of queries that hold the same tokens in several orders.
    orders : (queries, n) integer array
        Token i of query m is token orders[m, i] of the first query, whose own order is 0, 1, ...

    Returns
    -------
    (queries,) bool
    """
    spikes, starts = trace.spikes(), trace.queries()["start_tick"].to_numpy()
    edges = np.searchsorted(spikes.tick, [*starts, np.iinfo(np.int64).max])
    expected, found = None, np.zeros(len(orders), dtype=bool)
    for query, (order, first, last) in enumerate(zip(orders, edges[:-1], edges[1:], strict=True)):
        neuron = _images(circuit, order)[spikes.neuron[first:last]]
        columns = np.stack([spikes.tick[first:last] - starts[query], neuron])
        columns = columns[:, np.lexsort(columns[::-1])]
        expected = columns if expected is None else expected
        found[query] = np.array_equal(columns, expected)
    return found


def _images(circuit, order):
    """Id of the neuron that each neuron stands for when token i is token order[i]."""
    found = np.empty(circuit.n_neurons, dtype=np.int64)
    for neurons, axes in circuit.token_axes:
        ids = circuit.neuron_ids(neurons)
        tokens = (order,) if axes == 1 else np.ix_(order, order)
        found[ids] = ids[tokens] if axes else ids
    return found
