"""SpikingBertAttention: softmax attention between spikes, with its real products and its softmax made of spikes."""

from dataclasses import dataclass, field

import numpy as np

from circuits.arguments import checked, number, of
from circuits.attention.mixing import Mixing
from circuits.attention.projections import require_projections
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.errors import require
from circuits.gates import And
from circuits.maps import Conv, Linear
from circuits.step_neurons import ClockedSoftLIF

__all__ = ["SpikingBertAttention"]


@checked(k=of(Linear, Conv), leak=number, mixing=of(Mixing))
@dataclass(frozen=True, eq=False)
class SpikingBertAttention(Block):
    """SpikingBERT's attention (Bal and Sengupta, AAAI 2024, arXiv 2308.10873), its nearest circuit of neurons.

    Published: k, v = LIF(W x) are spikes; q = W_q x, the scores q k / sqrt(d), their softmax p and the context p v are
    real numbers; the context drives a LIF neuron. The LIF neuron adds its drive, fires once at threshold, subtracts the
    threshold, then leaks.

    Replaced: (1) the real query by weighted ANDs, exactly: q_i k_j = sum W_ef (x_if AND k_je) + sum b_e k_je; (2) the
    softmax by a `Mixing` per row of scores, which rounds the context to multiples of 1/spikes. k and v are the
    published ones spike for spike; the context misses by O(1/spikes). Left out: dropout, and the layer normalisation
    behind the attention's dense layer, which needs a mean and a variance at every step.

    Parameters
    ----------
    q, k, v : Linear
    heads : int
    leak : float
        Share of the membrane potential that survives a step.
    v_th : float
    mixing : Mixing
    """

    q: Linear
    k: Linear
    v: Linear
    heads: int
    leak: float = 0.9
    v_th: float = 1.0
    mixing: Mixing = field(default_factory=Mixing)

    def __post_init__(self):
        require_projections(self.heads, Linear(np.eye(self.k.outputs)), q=self.q, k=self.k, v=self.v)
        require(0 <= self.leak <= 1, f"leak is {self.leak}; it must lie in 0 to 1")

    @property
    def channels(self):
        return self.q.inputs

    @property
    def period(self):
        """Ticks per step."""
        return self.mixing.period

    def build(self, flow, x):
        h, n, neuron = self.heads, x.shape[0], ClockedSoftLIF(self.leak, self.v_th)
        d = self.q.outputs // h
        k, v = (flow.layer(name, x, linear, model=neuron) for name, linear in (("k", self.k), ("v", self.v)))
        pairs = [flow.gate(f"pair{t}", And(), stage[..., None, None], k) for t, (stage, _) in enumerate(x.terms)]
        pool = self.mixing.pool(flow, (h, n, n), pairs[0].depth + 1)
        weight = self.q.weight.reshape(h, d, -1).transpose(2, 0, 1)[:, None] / np.sqrt(d)  # (f, 1, h, e)
        by_query = pool.view((h, n, n), (1, 2, 0))[:, None, :, :, None]  # (i, 1, j, h, 1)
        for pair in pairs:
            flow.wire(pair.view((*pair.shape[:3], h, d)), by_query, weight, receptor="u")
        if self.q.bias is not None:
            bias = self.q.bias.reshape(h, 1, 1, d) / np.sqrt(d)
            flow.wire(k.heads(h)[:, None], pool[..., None], bias, receptor="u")
        mixed = self.mixing.gates(flow, "mixed", pool[..., None], v.heads(h)[:, None])
        context, spikes = self.mixing.collect(flow, "context", k.shape, mixed, neuron, k.token)
        flow.wire(spikes, context.heads(h)[:, :, None], 1 / self.mixing.spikes)
        return Stream.of(context)
