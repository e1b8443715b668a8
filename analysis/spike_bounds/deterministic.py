"""Spikes that a decoder of counts needs when counts have no noise: the first-power law of rounding."""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import xlogy

from analysis.spike_bounds.bound import Bound, given_bits, whole
from analysis.spike_bounds.poisson import counts_only

__all__ = ["deterministic_count_bound"]


def deterministic_count_bound(bits, channels, *, cut):
    """Spikes that a decoder of counts needs, noise or none.

    A count of mean E has at most the entropy of the geometric law, g(E) = (1 + E) log2(1 + E) - E log2(E) bits, which
    is concave: bits <= channels g(N/channels). As g(E) <= log2(e (1 + E)), N >= channels (2^(bits/channels)/e - 1), and
    for a scalar of error eps N grows as 1/eps, where Poisson counts need 1/eps^2.

    Parameters
    ----------
    bits : float or Information
        Per query.
    channels : int
        Counts that the decoder sees.
    cut : str
        The population whose spikes are counted.

    Raises
    ------
    ConfigError
        A negative or non-finite `bits`, fewer than one channel.

    Source
    ------
    Cover and Thomas 2006, theorem 12.1.1 (maximum entropy under a mean: the geometric law on the whole numbers).

    Examples
    --------
    >>> round(deterministic_count_bound(2.0, 1, cut="values").spikes_needed, 9)  # g(1) = 2
    1.0
    """
    bits, channels = given_bits(bits), whole("channels", channels)
    return Bound(
        name="count bound",
        spikes_needed=channels * _mean_count(bits.bits / channels),
        bits=bits.bits, cut=cut, channels=channels, ticks=None,
        assumptions=(counts_only(channels, cut), *bits.assumptions),
        is_bound=bits.is_bound,
        formula="channels g(N/channels) >= bits, g(E) = (1 + E) log2(1 + E) - E log2 E; bits: " + bits.formula,
        source=f"Cover and Thomas 2006, theorem 12.1.1; bits: {bits.source}",
    )  # fmt: skip


def _mean_count(bits):
    """The E with g(E) = bits."""
    if bits < 1e-300:
        return 0.0
    if bits > 1000:  # 2^bits is beyond floats
        return math.inf
    # g(E) lies between log2(1 + E) and log2(e (1 + E)).
    low = bits * math.log(2) - 2 if bits > 3 else math.log(1e-305)
    high = bits * math.log(2) + 1
    return math.exp(brentq(lambda y: _geometric_entropy(math.exp(y)) - bits, low, high, xtol=1e-14))


def _geometric_entropy(mean):
    # (1 + E) log(1 + E) - E log E, arranged so that large terms do not cancel.
    spread = mean * np.log1p(1 / mean) if mean > 1 else xlogy(mean, (1 + mean) / mean)
    return float((np.log1p(mean) + spread) / math.log(2))
