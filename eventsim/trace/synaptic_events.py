"""Every synaptic event of a run, expanded from its spikes and its connectivity."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from eventsim.errors import CapacityError

__all__ = ["SynapticEvents", "expand"]

#: Deliveries that are expanded at once; they take about 60 bytes each while they are sorted.
_MAX_EVENTS = 1 << 27


@dataclass(frozen=True, eq=False)
class SynapticEvents:
    """Deliveries sorted by (tick, synapse).

    Parameters
    ----------
    tick : (n,) int64
        Tick of arrival: that of the spike plus the synapse's delay.
    synapse : (n,) int64
    pre, post : (n,) int32
        Ids of the compiled network.
    weight : (n,) float64
        In units of the target variable; 0 where the pathway uses no weight.
    dt_ms : float
        Length of a tick.
    """

    tick: np.ndarray
    synapse: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    dt_ms: float

    def __len__(self):
        return self.tick.size

    @property
    def t_ms(self):
        """(n,) float64: time of arrival."""
        return self.tick * self.dt_ms

    def to_frame(self):
        """DataFrame with columns t_ms, tick, synapse, pre, post, weight."""
        return pd.DataFrame({
            "t_ms": self.t_ms, "tick": self.tick, "synapse": self.synapse, "pre": self.pre, "post": self.post,
            "weight": self.weight,
        })  # fmt: skip

    def __repr__(self):
        return f"<SynapticEvents {len(self):,} deliveries>"


def expand(network, stimulus, spikes, start_tick, stop_tick):
    """The deliveries with start_tick <= tick of arrival < stop_tick.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus
        Its resets decide which deliveries never arrived.
    spikes : SpikeTable
        All spikes from the longest delay before `start_tick` on.

    Returns
    -------
    SynapticEvents

    Raises
    ------
    CapacityError
        When they would not fit in memory.
    """
    _check_capacity(network, spikes)
    parts = [_expand_pathway(network, p, stimulus, spikes, start_tick, stop_tick) for p in network.pathways]
    tick, synapse = (
        np.concatenate([np.empty(0, np.int64), *columns]) for columns in (zip(*parts) if parts else ((), ()))
    )
    # Each part is sorted and has higher synapses than the one before: a stable sort by tick merges them.
    order = np.argsort(tick, kind="stable")
    tick, synapse = tick[order], synapse[order]
    return SynapticEvents(
        tick, synapse, network.pre[synapse], network.post[synapse], network.weight[synapse], network.dt_ms
    )


def _check_capacity(network, spikes):
    """Refuse to expand more than memory holds, before anything is allocated."""
    sent = np.bincount(spikes.neuron, minlength=network.n_neurons)
    starts = [p.start for p in network.populations]
    sent_by_population = np.add.reduceat(sent, starts) if starts else sent
    cells = sum(int(sent_by_population[p.source]) * p.delays.size for p in network.pathways)
    demand = max(cells, int(sent @ network.out_degree))
    if demand > _MAX_EVENTS:
        remedy = "ask for a shorter window (start_tick, stop_tick)"
        raise CapacityError("synaptic events at once", "this machine", demand, _MAX_EVENTS, remedy)


def _expand_pathway(network, pathway, stimulus, spikes, start_tick, stop_tick):
    """(tick of arrival, synapse) of one pathway's deliveries, sorted."""
    source = network.populations[pathway.source]
    sent = (spikes.neuron >= source.start) & (spikes.neuron < source.stop)
    spike_tick, local = spikes.tick[sent, None], spikes.neuron[sent, None].astype(np.int64) - source.start
    # One cell for each (spike, delay): the synapses of that neuron with that delay lie in one row.
    arrival = spike_tick + pathway.delays
    row = local * pathway.delays.size + np.arange(pathway.delays.size)
    arrives = (arrival >= start_tick) & (arrival < stop_tick)
    if stimulus.reset == "host":
        arrives &= _query_of(stimulus, spike_tick) == _query_of(stimulus, arrival)
    arrival, row = arrival[arrives], row[arrives]
    order = np.lexsort((row, arrival))
    arrival, row = arrival[order], row[order]
    first, n = pathway.rows[row], pathway.rows[row + 1] - pathway.rows[row]
    within_row = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    return np.repeat(arrival, n), pathway.first + np.repeat(first, n) + within_row


def _query_of(stimulus, tick):
    """How many queries have begun by a tick; a reset by the host drops what is in flight when one begins."""
    return np.searchsorted(stimulus.query_start, tick, side="right")
