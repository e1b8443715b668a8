"""Spikes that a decoder of Poisson counts needs, whatever the encoder: the square law of rate codes."""

import math

import numpy as np

from analysis.spike_bounds.bound import Assumption, Bound, given_bits, whole

__all__ = ["CERTIFIED_COUNT", "PROVEN_COUNT", "counts_only", "rate_bound", "rectified_rate_bound"]

#: Up to this mean count E the entropy of any count, at most (1 + E) log2(1 + E) - E log2(E), is below log2(1 + sqrt E).
PROVEN_COUNT = 0.05

#: Up to this mean count log2(1 + sqrt E) was also compared, at single points, with numerical dual certificates of the
#: capacity (Blahut-Arimoto). The tests compute them at six means from 0.06 on.
CERTIFIED_COUNT = 400.0


def rate_bound(bits, channels, *, cut):
    r"""Spikes that a decoder of Poisson counts needs for `bits`, whatever the encoder.

    Counts that are Poisson and independent given their rates carry at most sum_i C_P(E_i) bits, C_P(E) being the
    capacity at mean count E. It is concave, so N spikes on m channels carry at most m C_P(N/m) bits: only the mean
    matters. With C_P(E) <= log2(1 + sqrt E) follows N >= m (2^(bits/m) - 1)^2.

    Where the inequality comes from. For every output law Q, C_P(E) <= sup_x [D(Poisson(x) || Q) - lambda x] + lambda E.
    Let Q be negative binomial of shape 1/2 and mean E, its probability of zero multiplied by sqrt(2 e) and all
    renormalised, and lambda = ln(1 + 1/(2 E)). If the supremum is at x = 0, then in nats

        C_P(E) <= (E + 1/2) ln(E + 1/2) - E ln E - 1/2 + ln(1 + (sqrt(2 e) - 1)/sqrt(1 + 2 E)) <= ln(1 + sqrt E).

    Proven: all but two steps. Numerical: that the supremum is at x = 0 (an inequality in x alone, free of E; the gap
    goes as -x ln(1/x) for small x and -1/(24 x) for large), and the last step (proven in both limits: E ln(1/E)
    against sqrt E, and 0.942/sqrt E against 1/sqrt E above ln(E)/2). The tests check both on dense grids. For E up to
    0.05 neither is needed: a count of mean E has at most the entropy of a geometric law, which is less already.

    Parameters
    ----------
    bits : float or Information
        Per query.
    channels : int
        Counts that the decoder sees. A pair of neurons for the two signs of a scalar is two channels.
    cut : str
        The population whose spikes are counted.

    Raises
    ------
    ConfigError
        A negative or non-finite `bits`, fewer than one channel.

    Source
    ------
    Lapidoth and Moser 2009, IEEE Trans. Inf. Theory 55(1):303: C_P(E) = log2(E)/2 + o(1) for large E under a limit on
    the mean alone, so the bound is tight there. The form of Q: Martinez 2007, J. Opt. Soc. Am. B 24(4):739,
    DOI 10.1364/JOSAB.24.000739.

    Examples
    --------
    >>> round(rate_bound(64 * 3.321928094887362, channels=64, cut="values").spikes_needed, 9)
    5184.0
    """
    bits = given_bits(bits)
    channels = whole("channels", channels)
    needed = _poisson_spikes(bits.bits, channels)
    return Bound(
        name="Poisson count bound",
        spikes_needed=needed,
        bits=bits.bits, cut=cut, channels=channels, ticks=None,
        assumptions=(
            counts_only(channels, cut),
            Assumption("given the query, counts are Poisson and independent", "poisson"),
            *_capacity_status(needed / channels),
            *bits.assumptions,
        ),
        is_bound=bits.is_bound,
        formula=f"channels log2(1 + sqrt(N/channels)) >= bits; bits: {bits.formula}",
        source="Lapidoth and Moser 2009, IEEE Trans. Inf. Theory 55(1):303 (asymptote); "
        f"Martinez 2007, J. Opt. Soc. Am. B 24(4):739 (inequality); bits: {bits.source}",
    )  # fmt: skip


def rectified_rate_bound(bits, pairs, *, cut):
    """As `rate_bound` for signed numbers that two channels share, one for + and one for -, of which one is silent.

    The pair tells the sign, at most 1 bit, and the magnitude through one Poisson count: at most 1 + C_P(E) bits. So
    N >= pairs (2^(bits/pairs - 1) - 1)^2, and nothing is asked below 1 bit per pair.

    Parameters
    ----------
    bits : float or Information
        Per query.
    pairs : int
        Pairs of channels, each of one number.
    cut : str
        The population whose spikes are counted.

    Raises
    ------
    ConfigError
        A negative or non-finite `bits`, fewer than one pair.
    """
    bits, pairs = given_bits(bits), whole("pairs", pairs)
    needed = _poisson_spikes(max(bits.bits - pairs, 0.0), pairs)
    return Bound(
        name="Poisson count bound, signed pairs",
        spikes_needed=needed,
        bits=bits.bits, cut=cut, channels=2 * pairs, ticks=None,
        assumptions=(
            counts_only(2 * pairs, cut),
            Assumption("given the query, counts are Poisson and independent, and of the two channels of a number one "
                       "is silent", "poisson"),
            *_capacity_status(needed / pairs),
            *bits.assumptions,
        ),
        is_bound=bits.is_bound,
        formula=f"pairs (1 + log2(1 + sqrt(N/pairs))) >= bits; bits: {bits.formula}",
        source="derived here from the Poisson count bound (1 bit for the sign); Lapidoth and Moser 2009, IEEE Trans. "
        f"Inf. Theory 55(1):303; bits: {bits.source}",
    )  # fmt: skip


def counts_only(channels, cut):
    """What every bound on counts assumes."""
    text = f"the decoder learns only from how often each of the {channels} channels of {cut} fires in the window"
    return Assumption(text, "counts")


def _poisson_spikes(bits, channels):
    """channels (2^(bits/channels) - 1)^2, accurate for few bits and inf beyond floats."""
    with np.errstate(over="ignore"):
        return float(channels * np.square(np.expm1(np.float64(bits) / channels * math.log(2))))


def _capacity_status(mean_count):
    """What is proven and what is numerical about the capacity of one channel at this mean count."""
    claim = "a Poisson count of mean E carries at most log2(1 + sqrt E) bits"
    if mean_count <= PROVEN_COUNT:
        proof = f"proven for so few spikes per channel, {mean_count:.4g}, by the entropy of the count"
        return (Assumption(f"{claim} ({proof})"),)
    numerical = Assumption(f"{claim} (two steps are numerical, not proven)")
    if mean_count <= CERTIFIED_COUNT:
        return (numerical,)
    place = f"the mean count per channel, {mean_count:.4g}, is above {CERTIFIED_COUNT:g}"
    warning = f"WARNING: {place}, to where that was also certified by duality; here one argument carries it"
    return (numerical, Assumption(warning))
