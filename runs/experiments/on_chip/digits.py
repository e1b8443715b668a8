"""LatencyDigits: handwritten digits by attention whose weights are in the times of first spikes, for integer chips.

A pixel of the query is so many spikes, by its level. Each takes beta K_ic/levels off the way that token i, a ramp, has
to its threshold, so the token fires tau times its logit z_i after the lowest logit would, and its weight is
proportional to exp(t_i/tau). Pixels can be negative: a level counts from -limit, and what that adds to each logit is
known beforehand and part of the ramp's start. What is left to whoever reads the spikes is to divide by the sum.
"""

import numpy as np

from circuits import Circuit
from circuits.neurons import Ramp, Source
from circuits.readout import first_spikes
from eventsim.stimulus import Stimulus

__all__ = ["LatencyDigits"]

#: Logits of room below the lowest: partial sums of a query must not make a token fire.
_ROOM = 4.0


class LatencyDigits:
    """Attention over stored images, one spike per token.

    Parameters
    ----------
    data : Recall
        Keys and queries of unit length.
    beta : float
        Inverse temperature.
    tau_ticks : int
        Ticks per unit of logit.
    levels : int
        Levels of a pixel.
    """

    def __init__(self, data, beta, tau_ticks, levels):
        self.data, self.beta, self.tau_ticks, self.levels = data, beta, tau_ticks, levels
        limit = max(np.abs(data.keys).max(), np.abs(data.queries).max())
        self.step = 2 * limit / levels
        self.used = np.flatnonzero(data.keys.any(axis=0))  # pixels that are the same in all images say nothing
        keys = data.keys[:, self.used]
        self.circuit = Circuit("latency_digits")
        self.input = self.circuit.neurons("input", self.used.size, Source())
        start = beta + _ROOM - beta * limit * keys.sum(axis=1)
        model = Ramp(np.full(len(keys), 1 / tau_ticks), v_start=-start)
        self.pool = self.circuit.neurons("pool", len(keys), model, token=np.arange(len(keys)))
        self.circuit.connect(self.input, self.pool, -beta * self.step * keys.T, receptor="v")
        self.ticks = levels + int(np.ceil(tau_ticks * (2 * beta + _ROOM))) + 2
        self.exact = _softmax(beta * data.queries @ data.keys.T)

    def stimulus(self):
        """Every pixel of each query as spikes in its first ticks; the host resets in between."""
        limit = self.step * self.levels / 2
        level = np.round((self.data.queries[:, self.used] + limit) / self.step).astype(int)
        query, pixel, spike = np.nonzero(np.arange(self.levels + 1) < level[:, :, None])
        start = np.arange(len(level)) * self.ticks
        ids = self.circuit.neuron_ids(self.input)[pixel]
        return Stimulus.of(start[query] + spike, ids, np.column_stack([start, start + self.ticks]), reset="host")

    def weights(self, trace):
        """(queries, tokens) attention weights, from spike times; a token without a spike has the longest."""
        times = first_spikes(self.circuit, trace, self.pool)
        return _softmax(np.where(np.isnan(times), self.ticks, times) / self.tau_ticks)

    def accuracy(self, weights):
        """Share of queries whose class has most weight."""
        votes = weights @ np.eye(self.data.n_classes)[self.data.labels]
        return float((votes.argmax(axis=1) == self.data.answers).mean())


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
