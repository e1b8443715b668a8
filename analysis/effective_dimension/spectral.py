r"""Definitions that see only the eigenvalues v_1 >= v_2 >= ... of the covariance.

    participation ratio   (sum v)^2 / sum v^2
    stable rank           sum v / v_1
    entropy rank          exp(-sum p ln p), p = v / sum v

k equal eigenvalues have dimension k. Estimated from S samples of D channels, all are biased: no
sample spectrum has more than S - 1 eigenvalues above 0, and the large ones come out too large. Only for the
participation ratio is there an exact remedy.
"""

import math

import numpy as np
from scipy.special import entr

from analysis.effective_dimension.spectrum import channel_variances, checked_samples, smaller_covariance, spectrum

__all__ = [
    "corrected_participation_ratio", "entropy_rank", "participation_ratio", "stable_rank", "unbiased_traces",
]  # fmt: skip

#: Estimates of tr Sigma^2 below this part of the sample's (tr C)^2 are rounding.
_ROUNDING = 1e-12


def participation_ratio(samples):
    """(sum v)^2 / sum v^2, from 1 to D.

    Parameters
    ----------
    samples : (S, D) or (D,) float
        Samples, or a spectrum.

    Source
    ------
    Gao et al. 2017, bioRxiv 214262: as a dimension of neural data. Bell and Dean 1970, Discuss. Faraday Soc. 50:55: the
    name.
    """
    v = spectrum(samples)
    return float(v.sum() ** 2 / np.square(v).sum())


def unbiased_traces(samples):
    r"""Estimates of (tr Sigma)^2 and of tr Sigma^2 that are right on average, whatever law the samples come from.

    With S samples, their covariance C (divisor S - 1) and Q = sum_i ||x_i - mean||^4 / (S - 1):

        (tr Sigma)^2    (S-1)/(S(S-2)(S-3)) [2 tr C^2 + (S^2 - 3S + 1)(tr C)^2 - S Q]
        tr Sigma^2      (S-1)/(S(S-2)(S-3)) [(S-1)(S-2) tr C^2 + (tr C)^2 - S Q]

    Parameters
    ----------
    samples : (S, D) float
        Independent, S at least 4.

    Returns
    -------
    (float, float)
        The second is between 0 and the first: it is the mean of ((a - b).(c - d))^2 / 4 over samples a, b, c, d.

    Source
    ------
    Himeno and Yamada 2014, J. Multivariate Anal. 130:27.
    """
    samples = checked_samples(samples, least=4)
    count, covariance = len(samples), smaller_covariance(samples)
    fourth = np.square(np.square(samples - samples.mean(axis=0)).sum(axis=1)).sum() / (count - 1)
    trace_square, square_trace = np.trace(covariance) ** 2, np.square(covariance).sum()
    scale = (count - 1) / (count * (count - 2) * (count - 3))
    above = 2 * square_trace + (count**2 - 3 * count + 1) * trace_square - count * fourth
    below = (count - 1) * (count - 2) * square_trace + trace_square - count * fourth
    return float(scale * above), float(scale * below)


def corrected_participation_ratio(samples):
    """The participation ratio of the source in place of the sample's: the ratio of `unbiased_traces`.

    A ratio of unbiased estimates is not quite unbiased itself. Sixty samples of a long-tailed law leave it a tenth too
    large; Gaussian ones leave nothing to be seen.

    Parameters
    ----------
    samples : (S, D) float
        Independent, S at least 4. A spectrum does not say enough.

    Returns
    -------
    float
        1 or more; inf where all samples but one are the same.
    """
    above, below = unbiased_traces(samples)
    rounding = _ROUNDING * channel_variances(samples).sum() ** 2
    return above / below if below > rounding else math.inf


def stable_rank(samples):
    """sum v / v_1, from 1 to D.

    Parameters
    ----------
    samples : (S, D) or (D,) float

    Source
    ------
    Rudelson and Vershynin 2007, J. ACM 54(4):21: ||A||_F^2 / ||A||^2, here of the centred samples.
    """
    v = spectrum(samples)
    return float(v.sum() / v[0])


def entropy_rank(samples):
    """exp of the entropy of v / sum v, from 1 to D.

    Parameters
    ----------
    samples : (S, D) or (D,) float

    Source
    ------
    Roy and Vetterli 2007, EUSIPCO: the effective rank, here of the covariance.
    """
    v = spectrum(samples)
    return float(np.exp(entr(v / v.sum()).sum()))
