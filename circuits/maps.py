"""Linear maps between the spikes of tokens, ready to be synapses: linear layers, convolutions, folded batch norm."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from circuits.arguments import checked, numbers
from circuits.errors import require
from circuits.windows import Windows

__all__ = ["BatchNorm", "Conv", "Linear"]


@checked()
@dataclass(frozen=True, eq=False)
class BatchNorm:
    """Batch normalisation at inference: y = weight (x - mean)/sqrt(var + eps) + bias, per channel.

    Parameters
    ----------
    weight, bias, mean, var : (c,) float64
    eps : float
        PyTorch's default is 1e-5.
    """

    weight: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    var: np.ndarray
    eps: float = 1e-5

    def __post_init__(self):
        for name in ("weight", "bias", "mean", "var"):
            object.__setattr__(self, name, _finite(getattr(self, name), 1, f"batch norm: {name}"))
        sizes = {getattr(self, name).size for name in ("weight", "bias", "mean", "var")}
        require(
            len(sizes) == 1, f"batch norm: weight, bias, mean and var have {sorted(sizes)} channels; give equal ones"
        )
        require((self.var + self.eps > 0).all(), "batch norm: a variance is negative; var + eps must be positive")

    @cached_property
    def scale(self):
        return self.weight / np.sqrt(self.var + self.eps)

    @cached_property
    def shift(self):
        return self.bias - self.mean * self.scale


class _Map:
    """What linear layers and convolutions have in common: `weight`, out channels first, and `bias`, one per channel."""

    def __post_init__(self):
        kind = type(self).__name__
        weight = _finite(self.weight, self._NDIM, f"{kind}: weight")
        require(weight.size > 0, f"{kind}: weight has shape {weight.shape}; it must not be empty")
        object.__setattr__(self, "weight", weight)
        if self.bias is not None:
            object.__setattr__(self, "bias", _finite(self.bias, 1, f"{kind}: bias"))
            fits = self.bias.size == self.outputs
            require(fits, f"{kind}: {self.bias.size} biases for a weight of shape {weight.shape}; give one per row")

    @property
    def outputs(self):
        return self.weight.shape[0]

    @property
    def inputs(self):
        return self.weight.shape[1]

    def folded(self, norm):
        """This map followed by a batch normalisation, as one map."""
        require(norm.scale.size == self.outputs,
                f"batch norm of {norm.scale.size} channels does not fit {self.outputs} outputs")  # fmt: skip
        weight = self.weight * norm.scale.reshape((-1,) + (1,) * (self.weight.ndim - 1))
        bias = 0.0 if self.bias is None else self.bias
        return replace(self, weight=weight, bias=bias * norm.scale + norm.shift)

    def rows(self, start, stop):
        """The map onto some of its outputs only."""
        return replace(self, weight=self.weight[start:stop], bias=None if self.bias is None else self.bias[start:stop])

    def __repr__(self):
        return f"<{type(self).__name__} {self.inputs} -> {self.outputs} channels>"


@dataclass(frozen=True, eq=False, repr=False)
class Linear(_Map):
    """y_i = weight x_i + bias for every token i.

    Parameters
    ----------
    weight : (outputs, inputs) float64
    bias : (outputs,) float64, optional
        Without it there are no bias synapses.
    """

    weight: np.ndarray
    bias: np.ndarray | None = None
    _NDIM = 2

    def tokens_out(self, tokens):
        return tokens

    def n_synapses(self, tokens):
        """Synapses for this many input tokens."""
        return tokens * self.inputs * self.outputs

    def table(self, tokens):
        """(pre, post, weight), one row per synapse; neurons are counted token by token, channels within."""
        token = np.arange(tokens)[:, None, None]
        pre = token * self.inputs + np.arange(self.inputs)
        post = token * self.outputs + np.arange(self.outputs)[:, None]
        return _flat(pre, post, self.weight)

    def __call__(self, x):
        """The map in plain numpy: (..., tokens, inputs) -> (..., tokens, outputs)."""
        return x @ self.weight.T + (0.0 if self.bias is None else self.bias)


@checked()
@dataclass(frozen=True, eq=False, repr=False)
class Conv(_Map):
    """Two-dimensional convolution of tokens on a grid, zeros around it.

    Parameters
    ----------
    weight : (outputs, inputs, height, width) float64
    bias : (outputs,) float64, optional
    grid : (rows, columns)
        Where tokens lie: token = row * columns + column.
    stride, padding : int
    """

    weight: np.ndarray
    bias: np.ndarray | None = None
    grid: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: int = 0
    _NDIM = 4

    def __post_init__(self):
        super().__post_init__()
        self._windows.check("Conv")

    @cached_property
    def _windows(self):
        return Windows(self.grid, self.weight.shape[2:], self.stride, self.padding)

    @property
    def grid_out(self):
        """(rows, columns) of the tokens it makes."""
        return self._windows.grid_out

    def tokens_out(self, tokens):
        require(tokens == self.grid[0] * self.grid[1], f"{tokens} tokens do not fill Conv's grid {self.grid}")
        return self.grid_out[0] * self.grid_out[1]

    def n_synapses(self, tokens):
        """Synapses for this many input tokens: none where the kernel hangs over the edge."""
        self.tokens_out(tokens)
        return self._windows.pairs[0].size * self.inputs * self.outputs

    def table(self, tokens):
        """(pre, post, weight), one row per synapse; neurons are counted token by token, channels within."""
        self.tokens_out(tokens)
        token_in, token_out, row, column = self._windows.pairs
        pre = token_in[:, None, None] * self.inputs + np.arange(self.inputs)
        post = token_out[:, None, None] * self.outputs + np.arange(self.outputs)[:, None]
        return _flat(pre, post, self.weight[:, :, row, column].transpose(2, 0, 1))

    def __call__(self, x):
        """The map in plain numpy: (..., tokens, inputs) -> (..., tokens out, outputs)."""
        token_in, token_out, row, column = self._windows.pairs
        out = np.zeros((*x.shape[:-2], self.tokens_out(x.shape[-2]), self.outputs))
        for i, o, r, c in zip(token_in, token_out, row, column):
            out[..., o, :] += x[..., i, :] @ self.weight[:, :, r, c].T
        return out + (0.0 if self.bias is None else self.bias)


def _flat(pre, post, weight):
    return tuple(array.ravel() for array in np.broadcast_arrays(pre, post, weight))


def _finite(values, ndim, what):
    values = numbers(what, values)
    require(values.ndim == ndim, f"{what} has shape {values.shape}; it must have {ndim} dimensions")
    require(np.isfinite(values).all(), f"{what} must be finite")
    return values
