"""The definition that a spiking code sees: how evenly standard deviation is spread over the channels that carry it."""

import numpy as np

from analysis.effective_dimension.spectrum import channel_variances

__all__ = ["half_dimension"]


def half_dimension(samples):
    r"""(sum_c s_c)^2 / sum_c s_c^2 over the standard deviations s_c of the channels, from 1 to D.

    It depends on the basis. Channel c is coded by a pair of Poisson neurons, one for each sign, of one gain g for all:
    g E|x_c| spikes, mean squared error E|x_c| / g. With N spikes in all the error is (sum_c E|x_c|)^2 / N, and where
    E|x_c| is the same multiple of s_c in all channels, spikes at a given relative error go as this dimension.

    Parameters
    ----------
    samples : (S, D) or (D,) float
        Samples in the coding basis; or the variances of the channels. A covariance's spectrum stands for its own basis,
        in which the dimension is the least of all orthogonal bases.
    """
    deviations = np.sqrt(channel_variances(samples))
    return float(deviations.sum() ** 2 / np.square(deviations).sum())
