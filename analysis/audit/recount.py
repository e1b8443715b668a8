"""The recount: what a run delivered and what it must have counted, from spikes and connectivity alone.

Nothing here reads a number that was counted while running, nor walks the row table that the kernel walks: synapses
come from their flat columns (pathway, sender, delay, receiver, weight). They are gathered into bundles, runs of
synapses that share pathway, sender and delay. A spike sends each bundle of its neuron once and as a whole, so the
work grows with spikes times bundles, not with the number of deliveries.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from analysis.audit.tally import Tally, count_deliveries, count_spikes, reached, received
from eventsim.counts import HOST, KINDS, EventCounts

__all__ = ["Deliveries", "lost_at", "recount_deliveries", "recount_events", "spike_windows"]

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


def recount_deliveries(trace, windows=None):
    """Expand every spike and sum what arrived, by pathway and by neuron.

    Parameters
    ----------
    trace : Trace
    windows : iterable of SpikeTable, optional
        Its spikes, if they are to be read by somebody else.

    Returns
    -------
    Deliveries
    """
    network, bundles = trace.network, _Bundles(trace.network)
    fired = np.zeros(network.n_neurons, dtype=np.int64)
    times = np.zeros((3, bundles.size.size), dtype=np.int64)  # fate, bundle
    for spikes in spike_windows(trace) if windows is None else windows:
        fired += np.bincount(spikes.neuron, minlength=fired.size)
        for bundle, _, fate in _sent(bundles, spikes, trace.stimulus):
            np.add.at(times, (fate, bundle), 1)
    n_pathways = len(network.pathways)
    sent = _sums(bundles.pathway, fired[bundles.pre] * bundles.size, n_pathways)
    in_flight, dropped = (_sums(bundles.pathway, times[k] * bundles.size, n_pathways) for k in (_IN_FLIGHT, _DROPPED))
    return Deliveries(fired, sent, in_flight, dropped, *_received(network, bundles.first, times[_ARRIVED]))


def recount_events(trace, core_of, windows=None):
    """The EventCounts that a run must have under a placement.

    Parameters
    ----------
    trace : Trace
    core_of : (n_neurons,) int32
        Core of each neuron, -1 for the host.
    windows : iterable of SpikeTable, optional
        The trace's spikes, if they are to be read by somebody else.

    Returns
    -------
    EventCounts
    """
    network, bundles = trace.network, _Bundles(trace.network)
    cores, slot = np.unique(core_of, return_inverse=True)
    slot_of_post = slot.astype(np.int32)[network.post]
    zero = (network.weight == 0) & np.array([p.weighted for p in network.pathways], dtype=bool)[network.pathway_of]
    reach = reached(bundles.by_pre, bundles.at, bundles.first, slot_of_post, cores != HOST)
    fired, tally = np.zeros(network.n_neurons, dtype=np.int64), Tally(cores.size)
    for spikes in spike_windows(trace) if windows is None else windows:
        fired += np.bincount(spikes.neuron, minlength=fired.size)
        tally.add(spikes.tick, count_spikes, spikes.neuron, slot, *reach)
        for bundle, arrival, fate in _sent(bundles, spikes, trace.stimulus):
            arrived = fate == _ARRIVED
            tally.add(arrival[arrived], count_deliveries, bundle[arrived], bundles.first, slot_of_post, zero)
    tick, column, count = tally.entries()
    source, destination, messages = _messages(fired, slot, cores.size, *reach)
    return EventCounts(
        tick, cores[column // len(KINDS)].astype(np.int32), (column % len(KINDS)).astype(np.uint8), count,
        cores[source].astype(np.int32), cores[destination].astype(np.int32), messages,
        np.asarray(core_of, dtype=np.int32), int(trace.duration_ticks),
        "floor" if trace.clock == "continuous" else None,
    )  # fmt: skip


class _Bundles:
    """Runs of synapses that share pathway, sender and delay.

    Attributes
    ----------
    pathway, pre, delay, size : (n_bundles,) int
    first : (n_bundles + 1,) int64
        Synapses of bundle b are first[b], ..., first[b + 1] - 1.
    by_pre : (n_bundles,) int64
        Bundles by sender; those of neuron i are by_pre[at[i]:at[i + 1]].
    """

    def __init__(self, network):
        columns = (network.pathway_of, network.pre, network.delay)
        begins = np.zeros(network.n_synapses, dtype=bool)
        begins[:1] = True
        for column in columns:
            begins[1:] |= column[1:] != column[:-1]
        first = np.flatnonzero(begins)
        self.pathway, self.pre, self.delay = (column[first].astype(np.int64) for column in columns)
        self.first = np.append(first, network.n_synapses)
        self.size = np.diff(self.first)
        self.by_pre = np.argsort(self.pre, kind="stable")
        self.at = np.searchsorted(self.pre[self.by_pre], np.arange(network.n_neurons + 1))


def _sent(bundles, spikes, stimulus):
    """Chunks of (bundle, tick of arrival, fate) of everything that spikes send; no arrival is later than the run."""
    lost = lost_at(spikes.tick, stimulus)
    n = bundles.at[spikes.neuron + 1] - bundles.at[spikes.neuron]
    ends = np.cumsum(n)
    cuts = np.searchsorted(ends, np.arange(0, n.sum(), _BUNDLES_PER_CHUNK))
    for start, stop in zip(cuts, [*cuts[1:], n.size]):
        here = slice(start, stop)
        spike = np.repeat(np.arange(start, stop), n[here])
        within = np.arange(spike.size) - np.repeat(np.cumsum(n[here]) - n[here], n[here])
        bundle = bundles.by_pre[bundles.at[spikes.neuron[spike]] + within]
        # Subtracting cannot overflow; a tick plus a delay could.
        left, delay = lost[spike] - spikes.tick[spike], bundles.delay[bundle]
        fate = np.where(lost[spike] < stimulus.duration_ticks, _DROPPED, _IN_FLIGHT)
        fate[delay < left] = _ARRIVED
        yield bundle, spikes.tick[spike] + np.minimum(delay, left), fate


def lost_at(tick, stimulus):
    """(n,) int64: the first tick after each spike at which whatever it still has in flight is lost."""
    resets = stimulus.query_start if stimulus.reset == "host" else np.empty(0, np.int64)
    ends = np.append(resets[resets < stimulus.duration_ticks], stimulus.duration_ticks)
    return ends[np.searchsorted(ends, tick, side="right")]


def _sums(index, values, size):
    """(size,) int64: the integers `values` summed by index, exactly."""
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, index, values)
    return sums


def _received(network, first, times):
    """Deliveries, their weight and its rounding, by neuron, when bundle b was delivered times[b] times.

    A sum of n terms in any order is off by at most gamma(n - 1) sum|w|, gamma(k) = k u/(1 - k u), u the unit
    roundoff; the sum here, of m rounded products, by gamma(m) sum|w|; and sum|w| itself, computed alike, is too small
    by a factor 1 - gamma(m) at most. Together that is less than gamma(n + 3 m) times the computed sum|w|.
    Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, section 4.2 and lemma 3.3.
    """
    count, delivering, weight, magnitude = received(network.post, network.weight, first, times, network.n_neurons)
    roundings = (count + 3 * delivering) * _UNIT_ROUNDOFF
    return count, weight, roundings / (1 - roundings) * magnitude


def _messages(fired, slot, n_slots, reach, reach_at):
    """(source, destination, messages): a message for each spike and each core that its neuron reaches."""
    cores_of = csr_array((np.ones(reach.size, np.int64), reach, reach_at), shape=(fired.size, n_slots))
    senders = csr_array((fired, (slot, np.arange(fired.size))), shape=(n_slots, fired.size))
    matrix = senders @ cores_of
    matrix.sum_duplicates()
    coo = matrix.tocoo()
    kept = coo.data != 0
    return coo.row[kept].astype(np.int64), coo.col[kept].astype(np.int64), coo.data[kept]
