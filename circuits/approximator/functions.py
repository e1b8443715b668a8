"""Six permutation-equivariant functions of (n, d) arrays in [-1, 1]: what `approximate` is tried on."""

import numpy as np

__all__ = ["FUNCTIONS"]


def sum_decomposition(x):
    """y_i = tanh(x_i + mean_j phi(x_j)), phi_c(x) = sin(pi x_c) + x_c'^2 with the next coordinate c'."""
    return np.tanh(x + (np.sin(np.pi * x) + np.square(np.roll(x, 1, axis=1))).mean(axis=0))


def softmax_attention(x):
    """y_i = sum_j softmax_j(2 x_i.x_j) x_j."""
    return _normalised(np.exp(2 * x @ x.T)) @ x


def max_over_tokens(x):
    """y_ic = max_j x_jc, the same for all tokens."""
    return np.broadcast_to(x.max(axis=0), x.shape)


def mean_shift(x):
    """The step of mean shift: y_i = sum_j k_ij x_j / sum_j k_ij - x_i, k_ij = exp(-2 |x_i - x_j|^2)."""
    return _normalised(np.exp(-2 * _square_distances(x))) @ x - x


def kernel_average(x):
    """y_i = mean_j exp(-|x_i - x_j|^2)."""
    return np.exp(-_square_distances(x)).mean(axis=1, keepdims=True)


def smooth_rank(x):
    """y_ic = mean_j 1/(1 + exp(-4 (x_ic - x_jc)))."""
    return (1 / (1 + np.exp(-4 * (x[:, None] - x)))).mean(axis=1)


def _square_distances(x):
    return np.square(x[:, None] - x).sum(axis=-1)


def _normalised(weights):
    return weights / weights.sum(axis=1, keepdims=True)


FUNCTIONS = {f.__name__: f for f in (sum_decomposition, softmax_attention, max_over_tokens, mean_shift, kernel_average,
                                     smooth_rank)}  # fmt: skip
