"""SDSA: the attention of the Spike-driven Transformer, all masks and additions: AND, OR over tokens, AND."""

from dataclasses import dataclass

from circuits.attention.projections import require_projections
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.gates import And, Or
from circuits.maps import Linear

__all__ = ["SDSA"]


@dataclass(frozen=True, eq=False)
class SDSA(Block):
    """Spike-driven self-attention, exact (Yao et al., NeurIPS 2023, arXiv 2307.01694).

    s = LIF(x); q, k, v = LIF(W s); m_c = LIF(sum_j k_jc v_jc) with threshold 1/2; output = W_proj (q_ic m_c), a
    membrane potential that the residual path carries on. Heads change nothing in it. That m_c is an OR gate:
    see `QKTokenAttention`. The scale, the second LIF and the mixing of heads that the authors' module declares are
    not used by it and are not built.

    Parameters
    ----------
    q, k, v, proj : Linear
        With batch normalisation folded in.
    """

    q: Linear
    k: Linear
    v: Linear
    proj: Linear

    def __post_init__(self):
        require_projections(1, self.proj, q=self.q, k=self.k, v=self.v)

    @property
    def channels(self):
        return self.q.inputs

    def build(self, flow, x):
        spikes = Stream.of(flow.layer("shortcut", x))
        q, k, v = (flow.layer(name, spikes, linear) for name, linear in (("q", self.q), ("k", self.k), ("v", self.v)))
        both = flow.gate("kv", And(), k, v)
        attention = flow.gate("attn", Or(), both, shape=both.shape[1:], token=-1)
        return Stream.of(flow.gate("kept", And(), q, attention), self.proj)
