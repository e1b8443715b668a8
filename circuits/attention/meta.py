"""MetaAttention: the attention of Meta-SpikeFormer (Spike-driven Transformer V2): SSA on convolved spikes."""

from dataclasses import dataclass

from circuits.arguments import checked
from circuits.attention.ssa import SSA, spike_products
from circuits.dataflow import Stream

__all__ = ["MetaAttention"]


@checked()
@dataclass(frozen=True, eq=False)
class MetaAttention(SSA):
    """SSA between membrane potentials, exact (Yao et al., ICLR 2024, arXiv 2404.03663).

    s = LIF(x); q, k, v = LIF(K * s), each K a re-parameterised convolution folded into one 3 x 3 kernel (see
    `RepConv`); attn as in `SSA`; output = K_proj * attn, a membrane potential that the residual path carries on.

    Parameters
    ----------
    q, k, v, proj : Conv or Linear
    heads : int
    order, scale
        See `SSA`; the authors' order is "kv_first".
    """

    order: str = "kv_first"

    def build(self, flow, x):
        spikes = Stream.of(flow.layer("shortcut", x))
        q, k, v = (flow.layer(name, spikes, linear) for name, linear in (("q", self.q), ("k", self.k), ("v", self.v)))
        return Stream.of(spike_products(flow, q, k, v, self.heads, self.order, self.scale), self.proj)
