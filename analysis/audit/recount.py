"""The recount: what a run delivered and what it must have counted, from spikes and connectivity alone.

Nothing here reads a number that was counted while running, nor walks the row table that the kernel walks: synapses
come from their flat columns (pathway, sender, delay, receiver, weight), gathered into `analysis.audit.bundles`.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from analysis.audit.bundles import ARRIVED, DROPPED, IN_FLIGHT, Bundles, UnderWay, fates_of
from analysis.audit.tally import Tally, count_deliveries, count_spikes, reached, received
from eventsim.counts import HOST, KINDS, EventCounts

__all__ = ["Deliveries", "EventRecount", "recount_deliveries", "recount_events", "spike_windows", "window_ends"]

# They bound the memory and change no result.
_SPIKES_PER_WINDOW = 1 << 20  # on average
_ROWS_PER_WINDOW = 1 << 21  # at most, on average

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


def window_ends(trace):
    """Ticks, ascending up to the end of the run, that cut a trace into windows whose spikes, and the counts that follow
    from them, are each small enough to be held in memory."""
    network, duration, n_spikes = trace.network, trace.duration_ticks, max(trace.n_spikes, 1)
    n_events = n_spikes * (2 + network.n_synapses // max(network.n_neurons, 1))  # about, and no more rows than that
    ticks = max(1, min(duration * _SPIKES_PER_WINDOW // n_spikes, duration * _ROWS_PER_WINDOW // n_events))
    return [*range(ticks, duration, ticks), duration] if duration else []


def spike_windows(trace):
    """The spikes of a trace in these windows: (tick where it stops, SpikeTable)."""
    for start, stop in pairwise([0, *window_ends(trace)]):
        yield stop, trace.spikes(start_tick=start, stop_tick=stop)


def recount_deliveries(trace, windows=None):
    """Expand every spike and sum what arrived, by pathway and by neuron.

    Parameters
    ----------
    trace : Trace
    windows : iterable of (int, SpikeTable), optional
        As `spike_windows` gives them.

    Returns
    -------
    Deliveries
    """
    network, bundles = trace.network, Bundles(trace.network)
    fired = np.zeros(network.n_neurons, dtype=np.int64)
    times = np.zeros((3, bundles.size.size), dtype=np.int64)  # fate, bundle
    for _, spikes in spike_windows(trace) if windows is None else windows:
        fired += np.bincount(spikes.neuron, minlength=fired.size)
        for bundle, _, fate in fates_of(bundles, spikes, trace.stimulus):
            np.add.at(times, (fate, bundle), 1)
    n_pathways = len(network.pathways)
    sent = _sums(bundles.pathway, fired[bundles.pre] * bundles.size, n_pathways)
    in_flight, dropped = (_sums(bundles.pathway, times[k] * bundles.size, n_pathways) for k in (IN_FLIGHT, DROPPED))
    return Deliveries(fired, sent, in_flight, dropped, *_received(network, bundles.first, times[ARRIVED]))


def recount_events(trace, core_of, windows=None):
    """The EventCounts that a run must have under a placement.

    Parameters
    ----------
    trace : Trace
    core_of : (n_neurons,) int32
        Core of each neuron, -1 for the host.
    windows : iterable of (int, SpikeTable), optional
        As `spike_windows` gives them.

    Returns
    -------
    EventCounts
    """
    recount = EventRecount(trace, core_of)
    parts = [recount.rows(*window) for window in (spike_windows(trace) if windows is None else windows)]
    columns = [np.concatenate(column) for column in zip(recount.no_rows(), *parts)]
    return EventCounts(
        *columns, *recount.messages(), np.asarray(core_of, dtype=np.int32), int(trace.duration_ticks),
        "floor" if trace.clock == "continuous" else None,
    )  # fmt: skip


class EventRecount:
    """The same, one window of time after the other.

    Parameters
    ----------
    trace : Trace
    core_of : (n_neurons,) int32

    Attributes
    ----------
    fired : (n_neurons,) int64
        Spikes so far.
    """

    def __init__(self, trace, core_of):
        network = trace.network
        self._bundles, self.fired = Bundles(network), np.zeros(network.n_neurons, dtype=np.int64)
        self._cores, self._slot = np.unique(core_of, return_inverse=True)
        slot_of_post = self._slot.astype(np.int32)[network.post]
        weighted = np.array([p.weighted for p in network.pathways], dtype=bool)
        zero = (network.weight == 0) & weighted[network.pathway_of]
        first = self._bundles.first
        self._synapses = first, slot_of_post, zero
        self._reach = reached(self._bundles.by_pre, self._bundles.at, first, slot_of_post, self._cores != HOST)
        self._tally, self._under_way = Tally(self._cores.size), UnderWay(self._bundles, trace.stimulus)

    def no_rows(self):
        """The columns of `rows`, empty."""
        return tuple(np.empty(0, dtype) for dtype in (np.int64, np.int32, np.uint8, np.int64))

    def rows(self, stop, spikes):
        """(tick, core, kind, count) before tick `stop`, sorted, given all spikes before it that were not given yet."""
        self.fired += np.bincount(spikes.neuron, minlength=self.fired.size)
        self._tally.add(spikes.tick, count_spikes, spikes.neuron, self._slot, *self._reach)
        for bundle, tick in self._under_way.until(stop, spikes):
            self._tally.add(tick, count_deliveries, bundle, *self._synapses)
        tick, column, count = self._tally.take()
        core, kind = self._cores[column // len(KINDS)].astype(np.int32), (column % len(KINDS)).astype(np.uint8)
        return tick, core, kind, count

    def messages(self):
        """(source, destination, count) so far: a message for each spike and each core that its neuron reaches."""
        source, destination, count = _messages(self.fired, self._slot, self._cores.size, *self._reach)
        return self._cores[source].astype(np.int32), self._cores[destination].astype(np.int32), count


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
