"""QKChannelAttention: QKFormer's channel attention, a mask of channels: an OR over tokens, then an AND."""

from dataclasses import dataclass

from circuits.attention.projections import require_projections
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.gates import And, Or
from circuits.maps import Linear

__all__ = ["QKChannelAttention"]


@dataclass(frozen=True, eq=False)
class QKChannelAttention(Block):
    """QKFormer's Q-K channel attention, exact (Zhou et al., NeurIPS 2024, arXiv 2403.16552).

    q, k = LIF(W x); a_c = LIF(sum_i q_ic) with threshold 1/2; output = LIF(W_proj (a_c k_ic)). Heads change
    nothing in it. Why a_c is an OR gate: see `QKTokenAttention`.

    Parameters
    ----------
    q, k, proj : Linear
        With batch normalisation folded in.
    """

    q: Linear
    k: Linear
    proj: Linear

    def __post_init__(self):
        require_projections(1, self.proj, q=self.q, k=self.k)

    @property
    def channels(self):
        return self.q.inputs

    def build(self, flow, x):
        q, k = (flow.layer(name, x, linear) for name, linear in (("q", self.q), ("k", self.k)))
        attention = flow.gate("attn", Or(), q, shape=q.shape[1:], token=-1)
        kept = flow.gate("kept", And(), k, attention)
        return Stream.of(flow.layer("proj", Stream.of(kept), self.proj))
