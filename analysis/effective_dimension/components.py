"""Definitions that count components: how many it takes to hold the variance, or to rise above the water.

A count moves by jumps, of which an interval cannot be made. Each count therefore has a crossing beside it, a real
number that moves with every eigenvalue, and the count is the crossing rounded.
"""

import math

import numpy as np

from analysis.effective_dimension.spectrum import spectrum
from analysis.water_filling import reverse_water_filling
from eventsim.errors import ConfigError

__all__ = ["pca_crossing", "pca_dimension", "water_filling_crossing", "water_filling_dimension"]

#: Cumulated variance within this of the fraction asked for has reached it: the rounding of a sum of ten thousand.
_ROUNDING = 1e-12


def pca_dimension(samples, fraction=0.95):
    """The fewest principal components that hold this fraction of the variance.

    Parameters
    ----------
    samples : (S, D) or (D,) float
        Samples, or a spectrum.
    fraction : float
        Above 0, at most 1.

    Source
    ------
    Jolliffe 2002, Principal Component Analysis, section 6.1.1.
    """
    return math.ceil(pca_crossing(samples, fraction))


def pca_crossing(samples, fraction=0.95):
    """Where the cumulated variance crosses the fraction, between the last two whole numbers of components."""
    if not 0 < fraction <= 1:
        raise ConfigError(f"fraction is {fraction}; it must lie above 0 and be at most 1, such as 0.95")
    v = spectrum(samples)
    held = np.cumsum(v) / v.sum()
    last = int(np.argmax(held >= fraction - _ROUNDING))
    before = held[last - 1] if last else 0.0
    return last + float(np.clip((fraction - before) / (held[last] - before), 1e-9, 1.0))


def water_filling_dimension(samples, distortion=0.1):
    """How many directions a Gaussian source of this covariance spends bits on.

    Parameters
    ----------
    samples : (S, D) or (D,) float
        Samples, or a spectrum.
    distortion : float
        Mean squared error over the total variance, between 0 and 1.

    Source
    ------
    Cover and Thomas 2006, theorem 10.3.3; see `analysis.water_filling`.
    """
    return math.floor(water_filling_crossing(samples, distortion))


def water_filling_crossing(samples, distortion=0.1):
    """Where the eigenvalues, joined by straight lines in their logarithms, cross the water level."""
    if not 0 < distortion < 1:
        raise ConfigError(f"distortion is {distortion}; it is a fraction of the variance, between 0 and 1")
    v = spectrum(samples)
    filled = reverse_water_filling(v, distortion * v.sum())
    last, above = filled.active, math.log(v[filled.active - 1] / filled.level)
    below = math.log(filled.level / v[last]) if last < len(v) and v[last] > 0 else math.inf
    return last + min(above / (above + below), 1 - 1e-9) if above + below > 0 else float(last)
