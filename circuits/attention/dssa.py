"""DSSA: dual spike self-attention of SpikingResformer: a spike matrix times real values that are linear in spikes."""

from dataclasses import dataclass

import numpy as np

from circuits.arguments import checked, numbers
from circuits.attention.projections import require_projections
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.errors import require
from circuits.gates import And
from circuits.maps import Conv, Linear

__all__ = ["DSSA"]


@checked(rate_s=numbers, rate_a=numbers)
@dataclass(frozen=True, eq=False)
class DSSA(Block):
    r"""Dual spike self-attention (Shi et al., CVPR 2024, arXiv 2403.14302), its real products by weighted ANDs.

    s = LIF(x) on n tokens; y = W * s, a convolution whose p x p patches do not overlap, real, on m = n/p^2 patches; per
    head of d channels y1, y2 are d rows each. A_aj = LIF(sum_c y1_ca s_jc / sqrt(r_s d)); o_jc = LIF(sum_a y2_ca A_aj /
    sqrt(r_A m)); output W_proj o, a membrane potential that the residual path carries on.

    y is never formed. With y1_ca = sum_{r,e} W1_cer s_re + b1_c over the tokens r of patch a, the first product is
    sum W1_cer (s_re AND s_jc) + sum b1_c s_jc: one AND for each two neurons of s, with W1 as the weights of its
    synapses. The second is sum W2_cer (s_re AND A_aj) + sum b2_c A_aj. Nothing is approximated; sums are made in
    another order than a matrix product's, so that a potential within rounding of its threshold may fall either way.
    That takes (n C)^2 ANDs, where the published form multiplies real numbers.

    Parameters
    ----------
    y : Conv
        C -> 2 C channels, stride equal to kernel size, batch normalisation folded in; head by head d rows of y1, then
        d rows of y2.
    proj : Linear
    heads : int
    rate_s, rate_a : (heads,) float64
        r_s and r_A: the running mean rates of s and of A that training left in the model, per head.
    """

    y: Conv
    proj: Linear
    heads: int
    rate_s: np.ndarray
    rate_a: np.ndarray

    def __post_init__(self):
        kernel = self.y.weight.shape[2:] if isinstance(self.y, Conv) else ()
        patches = set(kernel) == {self.y.stride} if kernel else False
        require(patches and self.y.padding == 0, "y must be a Conv with stride equal to its kernel size and no padding")
        require(self.y.outputs == 2 * self.y.inputs, f"{self.y} must make twice as many channels as it reads")
        require(
            all(g % self.y.stride == 0 for g in self.y.grid), f"patches of {self.y.stride} do not fill {self.y.grid}"
        )
        require_projections(self.heads, self.proj, s=Linear(np.eye(self.channels)))
        for name in ("rate_s", "rate_a"):
            rate = np.asarray(getattr(self, name), dtype=np.float64).ravel()
            fits = rate.shape == (self.heads,) and ((rate > 0) & (rate <= 1)).all()
            require(fits, f"{name} must be one rate in (0, 1] for each of {self.heads} heads")
            object.__setattr__(self, name, rate)

    @property
    def channels(self):
        return self.y.inputs

    def build(self, flow, x):
        h, d, p = self.heads, self.channels // self.heads, self.y.stride
        rows, columns = (g // p for g in self.y.grid)
        n, m = x.shape[0], rows * columns
        self.y.tokens_out(n)
        s = flow.layer("s", x)
        # patch by patch: (row and column of the patch, row and column within it, channel)
        patched = s.view((rows, p, columns, p, self.channels), (0, 2, 1, 3, 4))
        (w1, b1), (w2, b2) = self._halves(h, d, m)

        pair = flow.gate("pair", And(), patched[..., None, None, None], s.view((n, h, d)), token=-1)
        a = flow.lif("a", (h, m, n), pair.depth + 1)
        to_a = a.view((h, rows, columns, n), (1, 2, 3, 0))[:, :, None, None, None, :, :, None]  # (.., j, h, 1)
        flow.wire(pair, to_a, w1.transpose(3, 4, 2, 0, 1)[:, :, :, None])
        flow.wire(s.view((n, h, d), (1, 0, 2))[:, None], a[..., None], b1[:, None, None])

        kept = flow.gate("kept", And(), patched[..., None, None],
                         a.view((h, rows, columns, n), (1, 2, 0, 3))[:, :, None, None, None], token=-1)  # fmt: skip
        o = flow.lif("o", (n, self.channels), kept.depth + 1, token=s.token)
        flow.wire(kept[..., None], o.heads(h), w2.transpose(3, 4, 2, 0, 1)[:, :, :, :, None])
        flow.wire(a[..., None], o.heads(h)[:, None], b2[:, None, None])
        return Stream.of(o, self.proj)

    def _halves(self, h, d, m):
        """(weight (h, d, e, row, column), bias (h, d)) of y1 and of y2, each with its scale."""
        weight = self.y.weight.reshape(h, 2, d, *self.y.weight.shape[1:])
        bias = np.zeros(2 * h * d) if self.y.bias is None else self.y.bias
        scales = 1 / np.sqrt(self.rate_s * d), 1 / np.sqrt(self.rate_a * m)
        return [
            (weight[:, half] * scale.reshape(-1, 1, 1, 1, 1), bias.reshape(h, 2, d)[:, half] * scale[:, None])
            for half, scale in enumerate(scales)
        ]
