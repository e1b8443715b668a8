"""Bundles: runs of synapses that share pathway, sender and delay, what spikes send over them, and what is under way.

A spike sends each bundle of its neuron once and as a whole, so that work grows with spikes times bundles, not with the
number of deliveries.
"""

from itertools import chain

import numpy as np

from eventsim.code_cache import cached_njit

__all__ = ["ARRIVED", "DROPPED", "IN_FLIGHT", "Bundles", "UnderWay", "agree", "fates_of", "lost_at"]

#: What became of a bundle that was sent.
ARRIVED, IN_FLIGHT, DROPPED = range(3)

#: It bounds the memory and changes no result.
_BUNDLES_PER_CHUNK = 1 << 20


class Bundles:
    """Runs of synapses that share pathway, sender and delay.

    Parameters
    ----------
    network : CompiledNetwork
    pathways : sequence of int, optional
        Those over which spikes send; all if left out.

    Attributes
    ----------
    pathway, pre, delay, size : (n_bundles,) int
    first : (n_bundles + 1,) int64
        Synapses of bundle b are first[b], ..., first[b + 1] - 1.
    by_pre : (n_bundles,) int64
        Bundles by sender; those of neuron i are by_pre[at[i]:at[i + 1]].
    """

    def __init__(self, network, pathways=None):
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
        if pathways is not None:
            self.by_pre = self.by_pre[np.isin(self.pathway[self.by_pre], pathways)]
        self.at = np.searchsorted(self.pre[self.by_pre], np.arange(network.n_neurons + 1))


def fates_of(bundles, spikes, stimulus):
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
        fate = np.where(lost[spike] < stimulus.duration_ticks, DROPPED, IN_FLIGHT)
        fate[delay < left] = ARRIVED
        yield bundle, spikes.tick[spike] + np.minimum(delay, left), fate


def lost_at(tick, stimulus):
    """(n,) int64: the first tick after each spike at which whatever it still has in flight is lost."""
    resets = stimulus.query_start if stimulus.reset == "host" else np.empty(0, np.int64)
    ends = np.append(resets[resets < stimulus.duration_ticks], stimulus.duration_ticks)
    return ends[np.searchsorted(ends, tick, side="right")]


class UnderWay:
    """Bundles that were sent and have not arrived yet.

    Parameters
    ----------
    bundles : Bundles
    stimulus : Stimulus
        Its resets decide what is dropped.
    """

    def __init__(self, bundles, stimulus):
        self._bundles, self._stimulus, self._waiting = bundles, stimulus, []

    def until(self, stop, spikes):
        """Chunks of (bundle, tick) that arrive before tick `stop`, given all spikes before it that were not given."""
        waited, self._waiting = self._waiting, []
        for bundle, tick in chain(waited, self._arriving(spikes)):
            now = tick < stop
            if not now.all():
                self._waiting.append((bundle[~now], tick[~now]))
            yield bundle[now], tick[now]
        if self._waiting:
            self._waiting = [tuple(np.concatenate(column) for column in zip(*self._waiting))]

    def _arriving(self, spikes):
        for bundle, tick, fate in fates_of(self._bundles, spikes, self._stimulus):
            arrives = fate == ARRIVED
            yield bundle[arrives], tick[arrives]


@cached_njit()
def agree(tick, first, size, mark_tick, mark_end, synapse):
    """Whether bundles, written out, are the recorded synapses of the marks."""
    at, mark = 0, 0
    for k in range(tick.size):
        stop = at + size[k]
        while mark < mark_end.size and mark_end[mark] <= at:
            mark += 1
        if mark == mark_end.size or mark_tick[mark] != tick[k] or mark_end[mark] < stop:
            return False
        differs = 0
        for j in range(size[k]):
            differs |= synapse[at + j] ^ (first[k] + j)
        if differs:
            return False
        at = stop
    return at == synapse.size
