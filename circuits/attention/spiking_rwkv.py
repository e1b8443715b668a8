"""SpikingRWKV: SpikeGPT's time mixing, a recurrent softmax over past tokens, with tokens as steps in time."""

from dataclasses import dataclass, field

import numpy as np

from circuits.arguments import checked, numbers, of
from circuits.attention.mixing import Mixing
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.errors import require
from circuits.maps import Linear
from circuits.softmax.pool import SILENCE

__all__ = ["SpikingRWKV"]


@checked(key=of(Linear), decay=numbers, first=numbers, mix_k=numbers, mix_v=numbers, mix_r=numbers, mixing=of(Mixing))
@dataclass(frozen=True, eq=False)
class SpikingRWKV(Block):
    r"""SpikeGPT's RWKV block (Zhu et al., TMLR 2024, arXiv 2302.13939), its nearest circuit of neurons.

    Published, for token t and channel c, all in real numbers up to the last step: x' = mix x_t + (1 - mix) x_{t-1} with
    a mix of its own for each of k, v, r = W x'; wkv = (sum_{s<t} e^{k_s - (t-1-s) w} v_s + e^{k_t + first} v_t) divided
    by the same sum without v; output LIF(W_out (sigmoid(r) wkv)), the membrane running from token to token.

    Here step t is token t and x is spikes. wkv is a mean under a softmax over lags, and sigmoid(r) is a softmax over
    r and 0: their product is one softmax over pairs of a lag and open or closed, of whose shares the open ones count.
    So the block is one `Mixing` per channel with logits linear in spikes; synapses that are whole steps late bring
    past tokens; the values, linear in spikes too, are weights behind gates that hold x.

    Replaced: exponentials, division and products by that softmax of spikes, which rounds shares to 1/spikes; the
    unlimited past by `context` tokens (no difference for shorter inputs). Left out: the layer normalisation before the
    block, which needs a mean and a variance of every token.

    Parameters
    ----------
    key, value, receptance, output : Linear
        Without bias, as published.
    decay : (channels,) float64
        w > 0: the exponential of the stored `time_decay`.
    first : (channels,) float64
        The stored `time_first`.
    mix_k, mix_v, mix_r : (channels,) float64
    context : int
        Tokens that a step looks back on, itself included.
    mixing : Mixing
    """

    key: Linear
    value: Linear
    receptance: Linear
    output: Linear
    decay: np.ndarray
    first: np.ndarray
    mix_k: np.ndarray
    mix_v: np.ndarray
    mix_r: np.ndarray
    context: int
    mixing: Mixing = field(default_factory=Mixing)

    def __post_init__(self):
        for name in ("key", "value", "receptance", "output"):
            linear = getattr(self, name)
            square = isinstance(linear, Linear) and linear.bias is None
            square = square and linear.weight.shape == (self.key.outputs, self.key.outputs)
            require(square, f"{name} must be a Linear without bias, of as many outputs as inputs as key")
        for name in ("decay", "first", "mix_k", "mix_v", "mix_r"):
            values = np.asarray(getattr(self, name), dtype=np.float64).ravel()
            fits = values.size == self.channels and np.isfinite(values).all()
            require(fits, f"{name} must be one finite number for each of {self.channels} channels")
            object.__setattr__(self, name, values)
        require((self.decay > 0).all(), "decay must be positive: it is the exponential of what a checkpoint stores")
        count = isinstance(self.context, int) and self.context >= 1
        require(count, f"context is {self.context!r}; it must be an integer >= 1")

    @property
    def channels(self):
        return self.key.inputs

    @property
    def period(self):
        """Ticks per step."""
        return self.mixing.period

    def build(self, flow, x):
        require(x.shape[0] == 1, f"tokens are steps here: give 1 token per step, not {x.shape[0]}")
        require(len(x.terms) == 1 and x.terms[0][1] is None, "SpikingRWKV reads one spike train per channel")
        c, spikes = self.channels, x.terms[0][0][0]  # (f,)
        pool = self.mixing.pool(flow, (c, 2 * self.context), spikes.depth + 1, rest=SILENCE)
        of_lag = pool.view((c, self.context, 2))  # (c, lag, closed or open)
        offset = np.where(np.arange(self.context) == 0, self.first[:, None],
                          -self.decay[:, None] * (np.arange(self.context) - 1))  # fmt: skip
        for lag in range(self.context):
            here = of_lag[:, lag]
            flow.wire(self._ago(flow.one, lag), here, SILENCE + offset[:, lag, None], receptor="u")
            for spike, share in self._mixed(spikes, lag, self.mix_k):
                flow.wire(spike, here[..., None], (self.key.weight * share)[:, None], receptor="u")
        for spike, share in self._mixed(spikes, 0, self.mix_r):
            flow.wire(spike, of_lag[:, :, 1, None], (self.receptance.weight * share)[:, None], receptor="u")
        return Stream.of(self._read(flow, spikes, of_lag[:, :, 1]))

    def _ago(self, stage, lag):
        """A stage as it was `lag` tokens ago."""
        return stage.delayed(-lag * self.period)

    def _mixed(self, spikes, lag, mix):
        """x' of the token `lag` ago: pairs of spikes and their weights."""
        return (self._ago(spikes, lag), mix), (self._ago(spikes, lag + 1), 1 - mix)

    def _read(self, flow, spikes, shares):
        """LIF(W_out sum over lags of share * v)."""
        weight = self.output.weight[:, :, None] * self.value.weight / self.mixing.spikes  # (o, c, f)
        parts = []
        for lag in range(self.context):
            for age, (spike, share) in enumerate(self._mixed(spikes, lag, self.mix_v)):
                parts.append((self.mixing.gates(flow, f"held{lag}_{age}", shares[:, lag, None], spike), share))
        neurons, _ = self.mixing.collect(flow, "output", (1, self.channels), parts[0][0])
        for gates, share in parts:
            flow.wire(gates.delayed(self.period - 1), neurons[0][:, None, None], weight * share)
        return neurons
