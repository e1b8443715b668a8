"""Published attention blocks in plain float64 numpy, layer by layer, written without the circuits.

Batch normalisation is applied after each linear map, never folded into it. Arrays are (steps, tokens, channels).
"""

from dataclasses import dataclass, field

import numpy as np

from circuits.maps import BatchNorm, Conv, Linear

__all__ = ["Plain", "Raw", "raw_conv", "raw_linear"]


@dataclass
class Raw:
    """A linear map as it is trained: weight, bias or None, batch normalisation (weight, bias, mean, var, eps)."""

    weight: np.ndarray
    bias: np.ndarray | None
    norm: tuple
    grid: tuple | None = None

    def __call__(self, x):
        y = x @ self.weight.T if self.grid is None else self._convolved(x)
        y = y + (0 if self.bias is None else self.bias)
        weight, bias, mean, var, eps = self.norm
        return (y - mean) / np.sqrt(var + eps) * weight + bias

    def _convolved(self, x):
        """Same-size convolution by shifting a padded image."""
        (height, width), k = self.grid, self.weight.shape[-1]
        image = np.pad(
            x.reshape(*x.shape[:-2], height, width, -1), [(0, 0)] * (x.ndim - 2) + [(k // 2,) * 2] * 2 + [(0, 0)]
        )
        out = sum(image[..., r : r + height, c : c + width, :] @ self.weight[:, :, r, c].T
                  for r in range(k) for c in range(k))  # fmt: skip
        return out.reshape(*x.shape[:-1], -1)

    def folded(self):
        """The same map as the circuits take it."""
        if self.grid is None:
            made = Linear(self.weight, self.bias)
        else:
            made = Conv(self.weight, self.bias, grid=self.grid, padding=self.weight.shape[-1] // 2)
        return made.folded(BatchNorm(*self.norm))


def raw_linear(rng, inputs, outputs, *, dyadic=True, gain=1.0):
    """Random map; with `dyadic` all products and normalised sums are multiples of 1/64, so that nothing rounds."""
    if not dyadic:
        norm = (rng.uniform(0.5, 1.5, outputs), rng.normal(0.3, 0.3, outputs), rng.normal(0, 0.5, outputs),
                rng.uniform(0.3, 2, outputs), 1e-5)  # fmt: skip
        return Raw(gain * rng.normal(0.15, 1, (outputs, inputs)), rng.normal(0, 0.2, outputs), norm)
    norm = (rng.choice([0.5, 1.0], outputs), rng.integers(-2, 9, outputs) / 8, rng.integers(-4, 5, outputs) / 8,
            rng.choice([0.25, 1.0, 4.0], outputs), 0.0)  # fmt: skip
    weight = rng.integers(-6, 11, (outputs, inputs)) / 8
    return Raw(gain * weight, rng.integers(-4, 5, outputs) / 8, norm)


def raw_conv(rng, inputs, outputs, grid, **options):
    """A random 3 x 3 convolution."""
    flat = raw_linear(rng, inputs * 9, outputs, **options)
    return Raw(flat.weight.reshape(outputs, inputs, 3, 3), flat.bias, flat.norm, grid)


@dataclass
class Plain:
    """Runs blocks and remembers the spikes of every layer by its path, and how near to threshold potentials came."""

    stages: dict = field(default_factory=dict)
    margin: float = np.inf
    ties: int = 0

    def lif(self, path, current, v_th=1.0, tau=2.0, v_reset=0.0, counts=False):
        """One layer of neurons; the potentials of `counts` are sums of integers over powers of two and never round."""
        v, spikes = np.full(current.shape[1:], v_reset), []
        for now in current:
            h = v + (now - (v - v_reset)) / tau
            fires = h >= v_th
            self.margin = min(self.margin, np.inf if counts else np.abs(h - v_th).min())
            self.ties += int((h == v_th).sum())
            spikes.append(fires)
            v = np.where(fires, v_reset, h)
        self.stages[path] = np.array(spikes, dtype=float)
        return self.stages[path]

    @staticmethod
    def heads(x, heads):
        """(steps, n, channels) -> (steps, heads, n, d)."""
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    def ssa(self, x, q, k, v, proj, heads, scale=0.125, at=""):
        """Spikformer's attention: spikes out."""
        attention = self.products(self.qkv(x, at, q=q, k=k, v=v), heads, scale, at)
        return self.lif(at + "proj", proj(attention))

    def qkv(self, x, at, **maps):
        return [self.lif(at + name, linear(x)) for name, linear in maps.items()]

    def products(self, qkv, heads, scale, at):
        q, k, v = (self.heads(stage, heads) for stage in qkv)
        y = (q @ k.swapaxes(-1, -2)) @ v * scale
        dyadic = np.frexp(scale)[0] == 0.5
        return self.lif(at + "attn", y.transpose(0, 2, 1, 3).reshape(qkv[0].shape), v_th=0.5, counts=dyadic)

    def qk_token(self, x, q, k, proj, heads, at=""):
        """QKFormer's token attention, its mask by a LIF neuron as published."""
        q, k = (self.heads(stage, heads) for stage in self.qkv(x, at, q=q, k=k))
        mask = self.lif(at + "attn", q.sum(axis=-1, keepdims=True), v_th=0.5, counts=True)
        kept = (mask * k).transpose(0, 2, 1, 3).reshape(*x.shape[:2], -1)
        return self.lif(at + "proj", proj(kept))

    def qk_channel(self, x, q, k, proj, at=""):
        """QKFormer's channel attention, its mask by a LIF neuron as published."""
        q, k = self.qkv(x, at, q=q, k=k)
        mask = self.lif(at + "attn", q.sum(axis=1), v_th=0.5, counts=True)
        return self.lif(at + "proj", proj(mask[:, None] * k))

    def sdsa(self, x, q, k, v, proj, at=""):
        """Attention of the Spike-driven Transformer: a membrane potential out."""
        spikes = self.lif(at + "shortcut", x, counts=True)
        q, k, v = self.qkv(spikes, at, q=q, k=k, v=v)
        mask = self.lif(at + "attn", (k * v).sum(axis=1), v_th=0.5, counts=True)
        return proj(q * mask[:, None])

    def meta(self, x, q, k, v, proj, heads, at=""):
        """Attention of Meta-SpikeFormer: a membrane potential out."""
        spikes = self.lif(at + "shortcut", x)
        return proj(self.products(self.qkv(spikes, at, q=q, k=k, v=v), heads, 0.125, at))

    def spiking_feed_forward(self, x, fc1, fc2, at=""):
        return self.lif(at + "fc2", fc2(self.lif(at + "fc1", fc1(x))))

    def membrane_feed_forward(self, x, fc1, fc2, at="", inner_residual=False):
        first = fc1(self.lif(at + "fc1", x))
        second = fc2(self.lif(at + "fc2", x + first if inner_residual else first))
        return first + second if inner_residual else second
