"""QKTokenAttention: QKFormer's token attention, a mask of tokens: an OR over channels, then an AND."""

from dataclasses import dataclass

from circuits.attention.projections import require_projections
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.gates import And, Or
from circuits.maps import Linear

__all__ = ["QKTokenAttention"]


@dataclass(frozen=True, eq=False)
class QKTokenAttention(Block):
    """QKFormer's Q-K token attention, exact (Zhou et al., NeurIPS 2024, arXiv 2403.16552).

    q, k = LIF(W x); per head a_i = LIF(sum_c q_ic) with threshold 1/2; output = LIF(W_proj (a_i k_ic)).

    That LIF needs no memory: its input is an integer s, its potential before the step lies in [0, 1/2), and
    h = v/2 + s/2 >= 1/2 exactly when s >= 1 (tau = 2, hard reset to 0). So a_i is an OR gate.

    Parameters
    ----------
    q, k, proj : Linear
        With batch normalisation folded in.
    heads : int
    """

    q: Linear
    k: Linear
    proj: Linear
    heads: int

    def __post_init__(self):
        require_projections(self.heads, self.proj, q=self.q, k=self.k)

    @property
    def channels(self):
        return self.q.inputs

    def build(self, flow, x):
        q, k = (flow.layer(name, x, linear) for name, linear in (("q", self.q), ("k", self.k)))
        q, per_head = q.heads(self.heads), k.heads(self.heads)
        attention = flow.gate("attn", Or(), q, shape=(*q.shape[:2], 1), token=q.token[..., :1])
        kept = flow.gate("kept", And(), per_head, attention)
        return Stream.of(flow.layer("proj", Stream.of(kept.merged()), self.proj))
