"""Samples into the variances that the definitions are made of, checked once."""

import numpy as np

from analysis.given import numbers
from eventsim.errors import ConfigError

#: Fourth powers of this, over a million channels, are still floats.
_LEAST_SPREAD = 1e-70

__all__ = ["channel_variances", "checked_samples", "smaller_covariance", "spectrum"]


def checked_samples(samples, least=2):
    """`samples` as (S, D) float64, finite, of at least `least` rows that are not all the same.

    Raises
    ------
    ConfigError
        Another shape, too few rows, values that are not finite, or rows that do not differ.
    """
    samples = numbers("samples", samples)
    if samples.ndim != 2 or len(samples) < least or not samples.shape[1]:
        raise ConfigError(f"samples have shape {samples.shape}; give (S, D), S of at least {least}, one row a sample")
    if not np.isfinite(samples).all():
        raise ConfigError("samples hold values that are not finite; leave those rows out")
    if (samples == samples[0]).all():
        raise ConfigError(f"all {len(samples)} samples are the same; a dimension needs some that differ")
    spread = np.ptp(samples, axis=0).max()
    if not _LEAST_SPREAD < spread < 1 / _LEAST_SPREAD:
        raise ConfigError(f"samples differ by up to {spread:.3g}, whose powers floats cannot hold; change their unit")
    return samples


def spectrum(samples):
    """Eigenvalues of the covariance of samples, or of a spectrum given as such, in descending order.

    Parameters
    ----------
    samples : (S, D) or (D,) float
        One row a sample; or the eigenvalues themselves, in any order.

    Returns
    -------
    (D,) or, of fewer samples than dimensions, (S,) float64
        0 or more. The covariance has the divisor S - 1; eigenvalues that must be 0 for want of samples are left out.

    Raises
    ------
    ConfigError
        See `checked_samples`; or a spectrum that is negative, not finite, empty or 0 throughout.
    """
    if np.ndim(samples) == 1:
        return np.sort(_checked_variances(samples))[::-1]
    return np.clip(np.linalg.eigvalsh(smaller_covariance(checked_samples(samples)))[::-1], 0.0, None)


def smaller_covariance(samples):
    """Of the two matrices with the eigenvalues of the covariance, but for zeros, the smaller."""
    centred = samples - samples.mean(axis=0)
    product = centred.T @ centred if len(centred) > centred.shape[1] else centred @ centred.T
    return product / (len(samples) - 1)


def channel_variances(samples):
    """Variance of each channel of samples (S, D), or the variances (D,) given as such; (D,) float64."""
    if np.ndim(samples) == 1:
        return _checked_variances(samples)
    return checked_samples(samples).var(axis=0, ddof=1)


def _checked_variances(values):
    values = numbers("a spectrum", values)
    if not (np.isfinite(values).all() and (values >= 0).all() and values.any()):
        raise ConfigError("a spectrum holds variances: finite, 0 or more, not all 0")
    return values
