"""The definitions of effective dimension that the laws may use, by name; each takes tokens (S, d)."""

from functools import partial

import numpy as np

from analysis.effective_dimension import (
    entropy_rank,
    half_dimension,
    participation_ratio,
    pca_dimension,
    stable_rank,
)

__all__ = ["DIMENSIONS", "magnitude_dimension"]


def magnitude_dimension(tokens):
    r"""(sum_c E|x_c|)^2 / sum_c E x_c^2 of centred tokens: what a pair of Poisson neurons per channel needs.

    Channel c costs g E|x_c| spikes at the gain g that all share, and errs by E|x_c|/g in the square; so spikes times
    squared error is (sum_c E|x_c|)^2. At most the half-dimension, to which it is 2/pi if all channels are Gaussian;
    less for data that are sparse.

    Parameters
    ----------
    tokens : (S, d) float
    """
    centred = tokens - tokens.mean(axis=0)
    return float(np.abs(centred).mean(axis=0).sum() ** 2 / np.square(centred).mean(axis=0).sum())


def _channels(tokens):
    return tokens.shape[1]


#: The first two depend on the basis in which tokens are encoded, "channels" is no effective dimension at all; the
#: others see eigenvalues only.
DIMENSIONS = {
    "magnitude": magnitude_dimension, "half": half_dimension, "participation ratio": participation_ratio,
    "pca 95 %": partial(pca_dimension, fraction=0.95), "entropy rank": entropy_rank, "stable rank": stable_rank,
    "channels": _channels,
}  # fmt: skip
