r"""Functions of tokens, each with the derivative that says how it passes errors on, and the circuit that computes it.

A function takes x (queries, n, d) and gives (queries, outputs). What it encodes is a vector of tokens, `copies` for
each token of x: attention sends every token as query, key and value. Its gain is

    L^2 = E ||J||_F^2 / (copies n d),

J being the derivative by all encoded numbers: errors that are independent and alike in all of these reach the output
L^2 times as large, in squared sum.
"""

from dataclasses import dataclass

import numpy as np

from circuits.attention import HEADS
from circuits.coded_layers import INPUT_CODES, CodedLayers
from circuits.maps import Linear
from circuits.readout import spike_counts
from eventsim.errors import ConfigError

__all__ = ["ATTENTION", "Attention", "Built", "Layered"]

#: Codes of the attention heads -> names in `circuits.attention.HEADS`.
ATTENTION = {"random": "rate", "regular": "duration", "latency": "latency"}

#: Largest number that a layer can count to, over the largest of the examples: noise must not saturate it.
_HEADROOM = 1.5


@dataclass(frozen=True, eq=False)
class Built:
    """A circuit for one function, code and number of ticks: how it is asked, and how its answers are read.

    Parameters
    ----------
    circuit : Circuit
    stimulus : callable
        (x, seed) -> Stimulus.
    decode : callable
        Trace -> (queries, outputs).
    senders : list of Neurons
        Those whose spikes carry the encoded numbers.
    """

    circuit: object
    stimulus: object
    decode: object
    senders: list

    def sent(self, trace):
        """Spikes of the senders in each query: (queries,) int64."""
        return sum(spike_counts(self.circuit, trace, neurons).reshape(trace.stimulus.n_queries, -1).sum(axis=1)
                   for neurons in self.senders)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Layered:
    """Linear maps of all tokens' numbers together, ReLUs between them, and perhaps a limit on the outputs.

    Parameters
    ----------
    family : str
        What kind of function it is.
    layers : tuple of Linear
        The first takes n d numbers.
    saturates : float, optional
        Outputs are clipped to this magnitude.
    """

    family: str
    layers: tuple[Linear, ...]
    saturates: float | None = None

    copies = 1
    codes = INPUT_CODES

    @property
    def circuit(self):
        """The name of the architecture."""
        if self.saturates is not None:
            return "saturating layer"
        return {1: "one layer", 2: "two layers"}.get(len(self.layers), f"{len(self.layers)} layers")

    def __call__(self, x):
        z = self._sums(x)[-1]
        return z if self.saturates is None else np.clip(z, -self.saturates, self.saturates)

    def square_gain(self, x):
        """L^2 at these inputs (queries, n, d)."""
        *hidden, z = self._sums(x)
        jacobian = np.broadcast_to(self.layers[0].weight, (len(x), *self.layers[0].weight.shape))
        for sums, layer in zip(hidden, self.layers[1:]):
            jacobian = layer.weight @ ((sums > 0)[..., None] * jacobian)
        if self.saturates is not None:
            jacobian = (np.abs(z) < self.saturates)[..., None] * jacobian
        return float(np.square(jacobian).sum(axis=(1, 2)).mean() / x[0].size)

    def build(self, code, ticks, examples, amplitude):
        """The circuit, as Built; `examples` (queries, n, d) say how far its layers have to count."""
        limits = [_HEADROOM * np.abs(z).max() for z in self._sums(examples)]
        if self.saturates is not None:
            limits[-1] = self.saturates
        channels = np.tile(amplitude, examples.shape[1]) if np.ndim(amplitude) else amplitude
        circuit = CodedLayers(self.layers, ticks=ticks, limits=limits, code=code, amplitude=channels)
        return Built(circuit, lambda x, seed: circuit.stimulus(x.reshape(len(x), -1), seed=seed), circuit.decode,
                     [circuit.sources])  # fmt: skip

    def _sums(self, x):
        """What each layer's neurons add up, before ReLU and limit."""
        sums = [self.layers[0](x.reshape(len(x), -1))]
        for layer in self.layers[1:]:
            sums.append(layer(np.maximum(sums[-1], 0.0)))
        return sums


@dataclass(frozen=True, eq=False)
class Attention:
    """Softmax self-attention, y_i = sum_j softmax_j(beta x_i.x_j) x_j.

    Parameters
    ----------
    family : str
    beta : float
    """

    family: str
    beta: float

    copies = 3
    circuit = "attention head"
    codes = tuple(ATTENTION)

    def __call__(self, x):
        return (self._weights(x) @ x).reshape(len(x), -1)

    def square_gain(self, x):
        """L^2 at these inputs (queries, n, d), by queries, keys and values."""
        p = self._weights(x)
        y = p @ x
        apart = x[:, None] - y[:, :, None]  # of token i: v_j - y_i
        norms = np.square(x).sum(axis=-1)
        by_values = x.shape[-1] * np.square(p).sum(axis=(1, 2))
        by_queries = np.square(np.einsum("mij,mijc,mje->mice", p, apart, x)).sum(axis=(1, 2, 3))
        by_keys = (np.square(p) * np.square(apart).sum(axis=-1) * norms[:, :, None]).sum(axis=(1, 2))
        total = by_values + self.beta**2 * (by_queries + by_keys)
        return float(total.mean() / (self.copies * x[0].size))

    def build(self, code, ticks, examples, amplitude):
        """The head for numbers up to `amplitude`, as Built."""
        if np.ndim(amplitude):
            raise ConfigError("an attention head has one amplitude for all channels")
        n, d = examples.shape[1:]
        reach = abs(self.beta) * float(np.einsum("mic,mjc->mij", np.abs(examples), np.abs(examples)).max())
        head = HEADS[ATTENTION[code]](n, d, ticks=ticks, beta=self.beta * amplitude**2, logit_range=(-reach, reach))

        def stimulus(x, seed):
            scaled = np.clip(x / amplitude, -1.0, 1.0)[:, None]
            return head.stimulus(scaled, scaled, scaled, seed=seed)

        return Built(head, stimulus, lambda trace: amplitude * head.decode(trace).reshape(trace.stimulus.n_queries, -1),
                     [head.q, head.k, head.v])  # fmt: skip

    def _weights(self, x):
        z = self.beta * x @ x.swapaxes(1, 2)
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)
