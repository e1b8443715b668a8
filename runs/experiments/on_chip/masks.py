"""Masks: what two published attentions are between their projections, gates alone, driven by given spikes."""

import numpy as np

from circuits import Circuit
from circuits.gates import And, Or
from eventsim.stimulus import Stimulus

__all__ = ["MASKS"]


class _Mask:
    """Gates that keep some of q, k and v's spikes.

    Parameters
    ----------
    name : str
    spikes : (3, steps, tokens, channels) bool
        q, k and v, one step per tick.
    """

    def __init__(self, name, spikes):
        self.spikes, self.circuit = spikes, Circuit(name)
        self.shape = spikes.shape[2:]
        self.sources = [self.circuit.inputs(each, self.shape) for each in "qkv"]

    def stimulus(self):
        """The spikes, and ticks in which the last ones pass."""
        source, step, *place = np.nonzero(self.spikes)
        ids = np.stack([self.circuit.neuron_ids(each) for each in self.sources])
        return Stimulus.of(step, ids[source, *place], duration_ticks=self.spikes.shape[1] + self.latency)

    def says(self, trace):
        """(steps, tokens, channels) of 0 and 1: what the gates kept."""
        ids = self.circuit.neuron_ids(self.kept).ravel()
        spikes, place = trace.spikes(neurons=ids), np.full(trace.network.n_neurons, -1)
        place[ids] = np.arange(ids.size)
        found = np.zeros((trace.duration_ticks, ids.size))
        found[spikes.tick, place[spikes.neuron]] = 1
        return found[self.latency :].reshape(-1, *self.shape)


class _TokenMask(_Mask):
    """QKFormer's token attention: kept = (OR over the channels of a head of q) AND k."""

    latency = 2

    def __init__(self, spikes, heads):
        super().__init__("qk_mask", spikes)
        (q, k, _), circuit, cells = self.sources, self.circuit, np.arange(np.prod(self.shape))
        token, channel = np.divmod(cells, self.shape[1])
        head = token * heads + channel * heads // self.shape[1]
        some = circuit.neurons("some", (self.shape[0], heads), Or())
        self.kept = circuit.neurons("kept", self.shape, And())
        circuit.connect(q, some, (cells, head, 1.0))
        circuit.connect(some, self.kept, (head, cells, 1.0))
        circuit.one_to_one(k, self.kept, delay_ms=circuit.dt_ms)
        q, k, _ = spikes
        of_head = q.reshape(*q.shape[:2], heads, -1).any(axis=-1)
        self.exact = np.repeat(of_head, self.shape[1] // heads, axis=-1) & k


class _ChannelMask(_Mask):
    """SDSA: kept = q AND (OR over tokens of k AND v)."""

    latency = 3

    def __init__(self, spikes, heads):
        super().__init__("sdsa_mask", spikes)
        (q, k, v), circuit, cells = self.sources, self.circuit, np.arange(np.prod(self.shape))
        channel = cells % self.shape[1]
        both, some = circuit.neurons("both", self.shape, And()), circuit.neurons("some", self.shape[1], Or())
        self.kept = circuit.neurons("kept", self.shape, And())
        for source in (k, v):
            circuit.one_to_one(source, both)
        circuit.connect(both, some, (cells, channel, 1.0))
        circuit.connect(some, self.kept, (channel, cells, 1.0))
        circuit.one_to_one(q, self.kept, delay_ms=2 * circuit.dt_ms)
        q, k, v = spikes
        self.exact = q & (k & v).any(axis=1, keepdims=True)


#: name -> made of spikes and heads.
MASKS = {"qk_mask": _TokenMask, "sdsa_mask": _ChannelMask}
