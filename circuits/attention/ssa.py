"""SSA: spiking self-attention of Spikformer, softmax-free: (Q K^T) V on spikes, as ANDs and a count."""

from dataclasses import dataclass

from circuits.arguments import checked
from circuits.attention.projections import require_products, require_projections
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.gates import And
from circuits.maps import Linear
from circuits.neurons import IntegrateFire

__all__ = ["ORDERS", "SSA", "spike_products"]


@checked()
@dataclass(frozen=True, eq=False)
class SSA(Block):
    r"""Spikformer's attention block, exact.

    q, k, v = LIF(W x), per head of d channels; s_ic = scale * sum_{j,e} q_ie k_je v_jc; attn = LIF(s) with
    threshold 1/2; output = LIF(W_proj attn). A product of three spikes is an AND; the sum arrives as synapses of
    weight `scale`; all of this arithmetic is dyadic for the published scales. (Zhou et al., ICLR 2023,
    arXiv 2209.15425. Spikformer V2, arXiv 2401.02020, uses it unchanged behind another stem, and so does the last
    stage of QKFormer.)

    Parameters
    ----------
    q, k, v, proj : Linear or Conv
        With batch normalisation folded in.
    heads : int
    order : str
        Which product is made first: "score_first" (q k), "kv_first" (k v) or "serial", which makes scores as bursts
        of spikes, d ticks per step. All three give the same spikes at `attn` and later.
    scale : float
        1/8, whatever d; 1/4 in the authors' model for event cameras.
    """

    q: Linear
    k: Linear
    v: Linear
    proj: Linear
    heads: int
    order: str = "score_first"
    scale: float = 0.125

    def __post_init__(self):
        require_projections(self.heads, self.proj, q=self.q, k=self.k, v=self.v)
        require_products(self.order, ORDERS, self.scale)

    @property
    def channels(self):
        return self.q.inputs

    @property
    def period(self):
        """Ticks per step."""
        return self.q.outputs // self.heads if self.order == "serial" else 1

    def build(self, flow, x):
        q, k, v = (flow.layer(name, x, linear) for name, linear in (("q", self.q), ("k", self.k), ("v", self.v)))
        attention = spike_products(flow, q, k, v, self.heads, self.order, self.scale)
        return Stream.of(flow.layer("proj", Stream.of(attention), self.proj))


def spike_products(flow, q, k, v, heads, order, scale):
    """LIF(scale * (q k^T) v) with threshold 1/2, head by head; q, k, v and the result are (n, channels)."""
    q_, k_, v_ = (stage.heads(heads) for stage in (q, k, v))
    product = ORDERS[order](flow, q_, k_, v_)  # (h, i, ..., c), to be summed over the axes between
    attention = flow.lif("attn", q.shape, product.depth + 1, v_th=0.5, token=q.token)
    target = attention.heads(heads)
    flow.wire(product, target[(slice(None), slice(None), *[None] * (len(product.shape) - 3))], scale)
    return attention


def _score_first(flow, q, k, v):
    """(h, i, j, e, c) spikes: (q_ie AND k_je) AND v_jc."""
    pair = flow.gate("pair", And(), q[:, :, None], k[:, None])
    return flow.gate("triple", And(), pair[..., None], v[:, None, :, None])


def _kv_first(flow, q, k, v):
    """(h, i, j, e, c) spikes: q_ie AND (k_je AND v_jc)."""
    pair = flow.gate("pair", And(), k[..., None], v[:, :, None])
    return flow.gate("triple", And(), q[:, :, None, :, None], pair[:, None])


def _serial(flow, q, k, v):
    """(h, i, j, c) spikes, as many in a step's d ticks as e has q_ie AND k_je, if v_jc.

    `score` counts its pairs and puts the count out as a burst, one spike per tick; `hold` repeats v for d ticks.
    """
    d = q.shape[-1]
    pair = flow.gate("pair", And(), q[:, :, None], k[:, None])
    score = flow.population("score", pair.shape[:-1], IntegrateFire(), pair.depth + 1, pair.token[..., 0])
    flow.wire(pair, score[..., None])
    hold = flow.population("hold", v.shape, IntegrateFire(), pair.depth + 1, v.token)
    flow.wire(v, hold, float(d))
    return flow.gate("gated", And(), score[..., None], hold[:, None]).delayed(d - 1)


#: How the product of three spikes is made: name -> function(flow, q, k, v), each (heads, n, d).
ORDERS = {"score_first": _score_first, "kv_first": _kv_first, "serial": _serial}
