"""What reaches chosen neurons, and when: expanded from spikes and the flat columns of the synapses, by windows."""

import numpy as np

from analysis.audit.bundles import lost_at
from analysis.audit.machine import Arrivals

__all__ = ["Afferents"]


class Afferents:
    """The synapses onto chosen neurons, by sender, and what is on its way through them.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus
        Its resets decide what is dropped.
    slot_of : (n_neurons,) int64
        Slot of each chosen neuron, -1 for the others.
    place_of : (n_pathways,) int64
        The operation that applies each pathway's deliveries, -1 for those that do not matter.
    """

    def __init__(self, network, stimulus, slot_of, place_of):
        chosen = (slot_of[network.post] >= 0) & (place_of[network.pathway_of] >= 0)
        synapse = np.flatnonzero(chosen)
        # Stable: those of one sender stay in order of pathway and, within it, of delay and creation.
        self.synapse = synapse[np.argsort(network.pre[synapse], kind="stable")]
        self.at = np.searchsorted(network.pre[self.synapse], np.arange(network.n_neurons + 1))
        self.network, self.stimulus, self.slot_of, self.place_of = network, stimulus, slot_of, place_of
        self.waiting = None

    def until(self, stop, spikes):
        """The Arrivals before tick `stop`, given all spikes before it that were not given yet.

        Of one neuron and one operation they come in the order of Brian2's queue: those of older spikes first, then
        by synapse.

        Returns
        -------
        arrivals : Arrivals
        synapse : (n,) int64
        """
        tick, synapse, *_ = self.unsorted(stop, spikes)
        place = self.place_of[self.network.pathway_of[synapse]]
        order = np.lexsort((place, tick))  # stable, so that older spikes stay first
        tick, place, synapse = tick[order], place[order], synapse[order]
        return Arrivals(tick, place, self.slot_of[self.network.post[synapse]], self.network.weight[synapse]), synapse

    def unsorted(self, stop, spikes):
        """Columns tick and synapse, and in continuous time offset, of the same arrivals: those that were waiting first,
        then spike by spike."""
        sent = self._sent(spikes)
        if self.waiting is not None:
            sent = [np.concatenate(columns) for columns in zip(self.waiting, sent)]
        now = sent[0] < stop
        self.waiting = [column[~now] for column in sent]
        return [column[now] for column in sent]

    def _sent(self, spikes):
        """The same columns of all that spikes send to the chosen neurons and that arrives, spike by spike."""
        n = self.at[spikes.neuron + 1] - self.at[spikes.neuron]
        spike = np.repeat(np.arange(n.size), n)
        synapse = self.synapse[self.at[spikes.neuron[spike]] + np.arange(spike.size) - np.repeat(np.cumsum(n) - n, n)]
        delay, left = self.network.delay[synapse], (lost_at(spikes.tick, self.stimulus) - spikes.tick)[spike]
        arrives = delay < left  # subtracting cannot overflow; a tick plus a delay could
        spike, columns = spike[arrives], [spikes.tick[spike[arrives]] + delay[arrives], synapse[arrives]]
        return columns if spikes.offset is None else [*columns, spikes.offset[spike]]
