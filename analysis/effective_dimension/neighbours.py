r"""Definitions that see only distances to nearest neighbours: the dimension of a curved set on their scale.

Both rest on one fact. Where density is even around a point, d dimensions put the distances r_1 < ... < r_k to its
neighbours such that the k - 1 values ln(r_k / r_j) are independent and exponential with rate d. In many dimensions
thousands of samples are far from that: both then come out too low. Rows that repeat an earlier one are left out, their
distance being 0.
"""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from analysis.effective_dimension.spectrum import checked_samples
from eventsim.errors import ConfigError

__all__ = ["NoNeighboursError", "mle_dimension", "mle_dimension_of", "neighbour_distances", "two_nn", "two_nn_of"]


class NoNeighboursError(ConfigError):
    """Distances between these samples tell no dimension: too few are different, or all are equally far."""


#: Fraction of ratios that `two_nn` fits to; Facco et al. discard the tenth that is largest.
_KEPT = 0.9

#: The search expands the square: a distance this small beside the samples has lost 6 of 16 digits, and is found anew.
_CLOSE = 1e-3


def two_nn(samples):
    r"""Dimension from the two nearest neighbours of each sample.

    The ratios mu = r_2 / r_1 have the distribution F(mu) = 1 - mu^-d. A line through the origin is fitted to
    -ln(1 - F) against ln(mu), the largest tenth of ratios left out.

    Parameters
    ----------
    samples : (S, D) float
        At least 3 different rows.

    Source
    ------
    Facco, d'Errico, Rodriguez and Laio 2017, Scientific Reports 7:12140.
    """
    return two_nn_of(neighbour_distances(samples, 2))


def two_nn_of(distances):
    """`two_nn` from the distances of each sample to its nearest others, (S, 2 or more), ascending."""
    log_ratio = np.sort(np.log(distances[:, 1] / distances[:, 0]))
    count = len(log_ratio)
    kept = log_ratio[: max(1, int(_KEPT * count))]
    # -ln(1 - F) with F = i / count for the i-th smallest.
    exponent = -np.log1p(-np.arange(1, len(kept) + 1) / count)
    return float(kept @ exponent / _above_zero(kept @ kept))


def mle_dimension(samples, neighbours=20):
    r"""Maximum-likelihood dimension from the k nearest neighbours of each sample, all samples pooled.

        1/d = mean over samples and j < k of ln(r_k / r_j)

    Parameters
    ----------
    samples : (S, D) float
        More than `neighbours` different rows.
    neighbours : int
        k, at least 2.

    Source
    ------
    Levina and Bickel 2004, NIPS 17; pooled as in MacKay and Ghahramani 2005, Comments on "Maximum likelihood
    estimation of intrinsic dimension": the mean over samples is that of 1/d, not that of d, which is too large.
    """
    if neighbours < 2:
        raise ConfigError(f"neighbours is {neighbours}; give at least 2")
    return mle_dimension_of(neighbour_distances(samples, neighbours))


def mle_dimension_of(distances):
    """`mle_dimension` from the distances of each sample to its k nearest others, (S, k), ascending."""
    return float(1 / _above_zero(np.log(distances[:, -1:] / distances[:, :-1]).mean()))


def neighbour_distances(samples, neighbours):
    """Distances of each different row to its nearest others, ascending, (S', neighbours) float64."""
    rows = np.unique(checked_samples(samples), axis=0)
    if len(rows) <= neighbours:
        found = f"{len(rows)} different samples"
        raise NoNeighboursError(f"{found}; {neighbours} neighbours take at least {neighbours + 1}")
    rows -= rows.mean(axis=0)
    distances, _ = NearestNeighbors(n_neighbors=neighbours).fit(rows).kneighbors()
    close = np.flatnonzero(distances[:, 0] < _CLOSE * np.linalg.norm(rows, axis=1).max())
    for few in np.array_split(close, len(close) // 256 + 1):
        exact = cdist(rows[few], rows)
        exact[np.arange(len(few)), few] = np.inf
        distances[few] = np.sort(np.partition(exact, neighbours - 1, axis=1)[:, :neighbours], axis=1)
    if not distances.all():
        raise NoNeighboursError("some samples differ by less than can be squared; scale them up, or round them")
    return distances


def _above_zero(sum_of_logarithms):
    """The sum, refused where all neighbours of a sample are equally far."""
    if sum_of_logarithms <= 0:
        raise NoNeighboursError("nearest neighbours are all equally far, as on a lattice; distances tell no dimension")
    return sum_of_logarithms
