"""The recount: what a run delivered and what it must have counted, from spikes and connectivity alone.

Nothing here reads a number that was counted while running, nor walks the row table that the kernel walks: synapses
come from their flat columns (pathway, sender, delay, receiver, weight). They are gathered into bundles, runs of
synapses that share pathway, sender and delay. A spike sends each bundle of its neuron once and as a whole, so the
work grows with spikes times bundles, not with the number of deliveries.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from eventsim.counts import (
    HOST,
    KINDS,
    MESSAGES_IN,
    MESSAGES_OUT,
    SPIKES,
    SYNAPTIC_EVENTS,
    ZERO_WEIGHT_EVENTS,
    EventCounts,
)

__all__ = ["Deliveries", "recount_deliveries", "recount_events", "spike_windows"]

# Both bound the memory and change no result.
_SPIKES_PER_WINDOW = 1 << 20  # on average
_BUNDLES_PER_CHUNK = 1 << 20

#: What became of a bundle that was sent.
_ARRIVED, _IN_FLIGHT, _DROPPED = range(3)

#: Largest relative error of one rounding to nearest in float64.
_UNIT_ROUNDOFF = 2.0**-53


@dataclass(frozen=True, eq=False)
class Deliveries:
    """What became of everything that spikes sent.

    Parameters
    ----------
    fired : (n_neurons,) int64
        Spikes of each neuron.
    sent : (n_pathways,) int64
        Spikes times out-degree.
    in_flight, dropped : (n_pathways,) int64
        Not delivered because the run ended, or because the host reset the network, before it arrived.
    received : (n_neurons,) int64
        Deliveries to each neuron.
    weight : (n_neurons,) float64
        Sum of their weights.
    rounding : (n_neurons,) float64
        How far `weight` and a sum of the same weights in any order may be apart.
    """

    fired: np.ndarray
    sent: np.ndarray
    in_flight: np.ndarray
    dropped: np.ndarray
    received: np.ndarray
    weight: np.ndarray
    rounding: np.ndarray

    @property
    def arrived(self):
        """(n_pathways,) int64."""
        return self.sent - self.in_flight - self.dropped


def spike_windows(trace):
    """The spikes of a trace as consecutive SpikeTables, each small enough to be held in memory."""
    duration = trace.duration_ticks
    ticks = max(1, duration * _SPIKES_PER_WINDOW // max(trace.n_spikes, 1))
    for start in range(0, duration, ticks):
        yield trace.spikes(start_tick=start, stop_tick=min(start + ticks, duration))


def recount_deliveries(trace):
    """Expand every spike and sum what arrived, by pathway and by neuron.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Deliveries
    """
    network, bundles = trace.network, _Bundles(trace.network)
    fired = np.zeros(network.n_neurons, dtype=np.int64)
    times = np.zeros((3, bundles.size.size), dtype=np.int64)  # fate, bundle
    for spikes in spike_windows(trace):
        fired += np.bincount(spikes.neuron, minlength=fired.size)
        for bundle, _, fate in _sent(bundles, spikes, trace.stimulus):
            np.add.at(times, (fate, bundle), 1)
    n_pathways = len(network.pathways)
    sent = _sums(network.pathway_of, fired[network.pre], n_pathways)
    in_flight, dropped = (_sums(bundles.pathway, times[k] * bundles.size, n_pathways) for k in (_IN_FLIGHT, _DROPPED))
    received, weight, rounding = _received(network, times[_ARRIVED][bundles.of_synapse])
    return Deliveries(fired, sent, in_flight, dropped, received, weight, rounding)


def recount_events(trace, core_of):
    """The EventCounts that a run must have under a placement.

    Parameters
    ----------
    trace : Trace
    core_of : (n_neurons,) int32
        Core of each neuron, -1 for the host.

    Returns
    -------
    EventCounts
    """
    network, bundles = trace.network, _Bundles(trace.network)
    cores, slot = np.unique(core_of, return_inverse=True)
    reach = _reach(network, cores, slot)
    per_spike, per_bundle = _counts_of_spikes(slot, reach), _counts_of_bundles(network, bundles, slot, cores.size)
    fired = np.zeros(network.n_neurons, dtype=np.int64)
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))]
    for spikes in spike_windows(trace):
        fired += np.bincount(spikes.neuron, minlength=fired.size)
        parts.append(_by_tick(spikes.tick, spikes.neuron, per_spike))
        for bundle, arrival, fate in _sent(bundles, spikes, trace.stimulus):
            parts.append(_by_tick(arrival[fate == _ARRIVED], bundle[fate == _ARRIVED], per_bundle))
    tick, column, count = _merged(parts)
    senders = csr_array((fired, (slot, np.arange(fired.size))), shape=(cores.size, fired.size))
    source, destination, messages = _entries(senders @ reach)
    return EventCounts(
        tick, cores[column // len(KINDS)].astype(np.int32), (column % len(KINDS)).astype(np.uint8), count,
        cores[source].astype(np.int32), cores[destination].astype(np.int32), messages,
        np.asarray(core_of, dtype=np.int32), int(trace.duration_ticks),
    )  # fmt: skip


class _Bundles:
    """Runs of synapses that share pathway, sender and delay.

    Attributes
    ----------
    pathway, pre, delay, size : (n_bundles,) int
    of_synapse : (n_synapses,) int64
    by_pre : (n_bundles,) int64
        Bundles by sender; those of neuron i are by_pre[at[i]:at[i + 1]].
    """

    def __init__(self, network):
        columns = (network.pathway_of, network.pre, network.delay)
        begins = np.ones(network.n_synapses, dtype=bool)
        begins[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
        first = np.flatnonzero(begins)
        self.pathway, self.pre, self.delay = (column[first].astype(np.int64) for column in columns)
        self.size = np.diff(np.append(first, network.n_synapses))
        self.of_synapse = np.repeat(np.arange(first.size), self.size)
        self.by_pre = np.argsort(self.pre, kind="stable")
        self.at = np.searchsorted(self.pre[self.by_pre], np.arange(network.n_neurons + 1))


def _sent(bundles, spikes, stimulus):
    """Chunks of (bundle, tick of arrival, fate) of everything that spikes send; no arrival is later than the run."""
    lost_at = _lost_at(spikes.tick, stimulus)
    n = bundles.at[spikes.neuron + 1] - bundles.at[spikes.neuron]
    ends = np.cumsum(n)
    cuts = np.searchsorted(ends, np.arange(0, n.sum(), _BUNDLES_PER_CHUNK))
    for start, stop in zip(cuts, [*cuts[1:], n.size]):
        here = slice(start, stop)
        spike = np.repeat(np.arange(start, stop), n[here])
        within = np.arange(spike.size) - np.repeat(np.cumsum(n[here]) - n[here], n[here])
        bundle = bundles.by_pre[bundles.at[spikes.neuron[spike]] + within]
        # Subtracting cannot overflow; a tick plus a delay could.
        left, delay = lost_at[spike] - spikes.tick[spike], bundles.delay[bundle]
        fate = np.where(lost_at[spike] < stimulus.duration_ticks, _DROPPED, _IN_FLIGHT)
        fate[delay < left] = _ARRIVED
        yield bundle, spikes.tick[spike] + np.minimum(delay, left), fate


def _lost_at(tick, stimulus):
    """(n,) int64: the first tick after each spike at which whatever it still has in flight is lost."""
    resets = stimulus.query_start if stimulus.reset == "host" else np.empty(0, np.int64)
    ends = np.append(resets[resets < stimulus.duration_ticks], stimulus.duration_ticks)
    return ends[np.searchsorted(ends, tick, side="right")]


def _sums(index, values, size):
    """(size,) int64: the integers `values` summed by index, exactly."""
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, index, values)
    return sums


def _received(network, times):
    """Deliveries, their weight and its rounding, by neuron, when synapse k delivered times[k] times.

    A sum of n terms in any order is off by at most gamma(n - 1) sum|w|, gamma(k) = k u/(1 - k u), u the unit
    roundoff; the sum here, of m rounded products, by gamma(m) sum|w|; and sum|w| itself, computed alike, is too small
    by a factor 1 - gamma(m) at most. Together that is less than gamma(n + 3 m) times the computed sum|w|.
    Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, section 4.2 and lemma 3.3.
    """
    post, n = network.post, network.n_neurons
    received, delivering = _sums(post, times, n), _sums(post, times > 0, n)
    weight, magnitude = (np.bincount(post, times * w, n) for w in (network.weight, np.abs(network.weight)))
    roundings = (received + 3 * delivering) * _UNIT_ROUNDOFF
    return received, weight, roundings / (1 - roundings) * magnitude


def _reach(network, cores, slot):
    """(n_neurons, n_slots) sparse 0/1: the cores that each neuron has synapses onto; the host is none."""
    pairs = csr_array((np.ones(network.n_synapses, np.int64), (network.pre, slot[network.post])),
                      shape=(network.n_neurons, cores.size))  # fmt: skip
    neuron, reached, _ = _entries(pairs)
    on_chip = cores[reached] != HOST
    neuron, reached = neuron[on_chip], reached[on_chip]
    return csr_array((np.ones(neuron.size, np.int64), (neuron, reached)), shape=pairs.shape)


def _counts_of_spikes(slot, reach):
    """(n_neurons, n_slots * n_kinds) sparse int64: what one spike of a neuron adds to the counts of its tick."""
    n_kinds, ids = len(KINDS), np.arange(slot.size)
    sender, reached, _ = _entries(reach)
    rows = np.concatenate([ids, sender, sender])
    columns = np.concatenate([slot * n_kinds + SPIKES, slot[sender] * n_kinds + MESSAGES_OUT,
                              reached * n_kinds + MESSAGES_IN])  # fmt: skip
    return csr_array((np.ones(rows.size, np.int64), (rows, columns)), shape=(slot.size, reach.shape[1] * n_kinds))


def _counts_of_bundles(network, bundles, slot, n_slots):
    """(n_bundles, n_slots * n_kinds) sparse int64: what one arrival of a bundle adds to the counts of its tick."""
    weighted = np.array([p.weighted for p in network.pathways], dtype=bool)
    zero = np.flatnonzero(weighted[network.pathway_of] & (network.weight == 0))
    rows = np.concatenate([bundles.of_synapse, bundles.of_synapse[zero]])
    at = slot[network.post] * len(KINDS)
    columns = np.concatenate([at + SYNAPTIC_EVENTS, at[zero] + ZERO_WEIGHT_EVENTS])
    return csr_array((np.ones(rows.size, np.int64), (rows, columns)), shape=(bundles.size.size, n_slots * len(KINDS)))


def _by_tick(tick, item, per_item):
    """(tick, column, count): the rows of `per_item` that `item` names, summed over each tick."""
    ticks, row = np.unique(tick, return_inverse=True)
    happened = csr_array((np.ones(item.size, np.int64), (row, item)), shape=(ticks.size, per_item.shape[0]))
    row, column, count = _entries(happened @ per_item)
    return ticks[row], column, count


def _entries(matrix):
    """(row, column, value) of the entries of a sparse matrix that are not zero, sorted by row and column."""
    matrix.sum_duplicates()
    coo = matrix.tocoo()
    kept = coo.data != 0
    return coo.row[kept].astype(np.int64), coo.col[kept].astype(np.int64), coo.data[kept]


def _merged(parts):
    """Such entries of many parts as one table, sorted, equal places added up."""
    tick, column, count = (np.concatenate(columns) for columns in zip(*parts))
    order = np.lexsort((column, tick))
    tick, column, count = tick[order], column[order], count[order]
    first = np.ones(tick.size, dtype=bool)
    first[1:] = (tick[1:] != tick[:-1]) | (column[1:] != column[:-1])
    first = np.flatnonzero(first)
    return tick[first], column[first], np.add.reduceat(count, first) if first.size else count
