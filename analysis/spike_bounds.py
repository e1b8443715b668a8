r"""How many spikes a task needs: information asked for, against what the spikes on one cut can carry.

A bound belongs to a cut: a population of m channels through which everything the decoder learns has to pass. It
compares the bits that are known to cross the cut (from a decoder's error) with the most that N spikes can carry
there. Bits and spikes are both means per query. Spikes elsewhere in the circuit do not count.

Bits come from `fano_bits` (a classification error; valid whatever the data) or from `gaussian_bits` (a squared
error; an assumption). Bounds come from `information_bound` (valid for any code) or from `rate_bound` (Poisson counts).
Each states what it assumes; when fewer spikes are used than needed, one of those statements is false.
"""

import math
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy.optimize import brentq
from scipy.special import xlog1py, xlogy

from analysis.water_filling import reverse_water_filling
from eventsim.errors import ConfigError

__all__ = [
    "Bound", "GaussianRate", "Information", "binary_entropy", "fano_bits", "gaussian_bits", "information_bound",
    "rate_bound",
]  # fmt: skip

#: Label of every figure that rests on a Gaussian of the same covariance.
NOT_A_BOUND = "Gaussian assumption, not a bound"

#: Up to this mean count E the entropy of any count, at most (1 + E) log2(1 + E) - E log2(E), is below log2(1 + sqrt E).
PROVEN_COUNT = 0.05

#: Up to this mean count log2(1 + sqrt E) was also compared, at single points, with numerical dual certificates of the
#: capacity (Blahut-Arimoto). The tests compute them at six means from 0.06 on.
CERTIFIED_COUNT = 400.0

#: Ratios this close to 1 are 1: the inversion of the entropy is exact to about 1e-12.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Information:
    """Bits per query that must have crossed a cut, and why.

    Parameters
    ----------
    bits : float
    is_bound : bool
        Whether at least so many bits are certain to have crossed under `assumptions`.
    assumptions : tuple of str
    formula, source : str
    """

    bits: float
    is_bound: bool
    assumptions: tuple[str, ...]
    formula: str
    source: str

    def __float__(self):
        return self.bits


@dataclass(frozen=True)
class GaussianRate(Information):
    """Rate of a Gaussian at a squared error; coordinates whose variance is below `water_level` get no bits."""

    water_level: float
    active_dimensions: int


@dataclass(frozen=True)
class Bound:
    """The spikes per query that a cut needs, and everything this rests on.

    Parameters
    ----------
    name : str
    spikes_needed : float
        Mean per query; inf when no number of spikes suffices.
    bits : float
        Information per query asked of the cut.
    cut : str
        The population whose spikes are counted.
    channels : int
        Its neurons.
    ticks : int or None
        Length of the window; None where the bound does not depend on it.
    assumptions : tuple of str
    is_bound : bool
        False for a figure that merely resembles one, such as one that takes the data to be Gaussian.
    formula, source : str
    """

    name: str
    spikes_needed: float
    bits: float
    cut: str
    channels: int
    ticks: int | None
    assumptions: tuple[str, ...]
    is_bound: bool
    formula: str
    source: str

    def saturation(self, spikes_used):
        """Spikes used over spikes needed, as float: inf when none are needed, 0 when none would suffice."""
        if not (math.isfinite(spikes_used) and spikes_used >= 0):
            raise ConfigError(f"spikes_used is {spikes_used}; it must be a mean count per query, 0 or more")
        return float(spikes_used) / self.spikes_needed if self.spikes_needed > 0 else math.inf

    def verdict(self, spikes_used):
        """One sentence: consistent, or which statements cannot all be true."""
        ratio = self.saturation(spikes_used)
        figures = f"{self.name}: {spikes_used:.6g} spikes used on {self.cut}, {self._needed()}"
        if ratio >= 1 - ROUNDING:
            return f"{figures}; ratio {ratio:.4g}, consistent"
        if not self.is_bound:
            return f"{figures}; ratio {ratio:.4g} is below 1, which refutes nothing: {NOT_A_BOUND}"
        return f"{figures}; ratio {ratio:.4g} is below 1: at least one of these fails: {'; '.join(self.assumptions)}"

    def to_json(self):
        """Mapping of plain types; an infinite need becomes None."""
        need = self.spikes_needed if math.isfinite(self.spikes_needed) else None
        return {**vars(self), "spikes_needed": need, "assumptions": list(self.assumptions)}

    def __str__(self):
        label = "" if self.is_bound else f" ({NOT_A_BOUND})"
        lines = [f"{self.name}{label}: {self._needed()} on {self.cut}, {self.channels} channels", f"  {self.formula}"]
        return "\n".join(lines + [f"  assumes: {text}" for text in self.assumptions] + [f"  source: {self.source}"])

    def _needed(self):
        if math.isfinite(self.spikes_needed):
            return f"{self.spikes_needed:.6g} needed for {self.bits:.6g} bits"
        return f"no number suffices for {self.bits:.6g} bits"


def binary_entropy(x):
    """Entropy in bits of a coin of probability `x`, (...) float in [0, 1]; of the shape of `x`."""
    x = np.asarray(x, dtype=float)
    if not np.all((x >= 0) & (x <= 1)):
        raise ConfigError("binary_entropy: every probability must lie in [0, 1]")
    # The sum 0 - ... instead of a minus sign: no negative zero at 0 and 1.
    return 0.0 - (xlogy(x, x) + xlog1py(1 - x, -x)) / math.log(2)


def information_bound(bits, channels, ticks, *, cut):
    r"""Spikes without which no code whatever carries `bits` through the cut.

    A window holds M = channels x ticks bins, each with a spike or without. If bin b fires with probability r_b, the
    pattern has at most sum_b Hb(r_b) <= M Hb(N/M) bits, Hb being concave, where N is the mean spike count. So
    N >= M Hb^-1(bits/M), on the branch N <= M/2 (more spikes than that carry no more); inf when bits > M.

    Parameters
    ----------
    bits : float or Information
        Per query.
    channels, ticks : int
    cut : str
        The population whose spikes are counted.

    Raises
    ------
    ConfigError
        A negative or non-finite `bits`, fewer than one channel or tick.

    Source
    ------
    Cover and Thomas, Elements of Information Theory, 2nd ed. 2006: section 2.6 (independence bound on entropy,
    theorem 2.6.6) and theorem 2.7.3 (concavity).

    Examples
    --------
    >>> round(information_bound(80.7931359, channels=10, ticks=100, cut="pool").spikes_needed, 6)
    10.0
    """
    bits = _information(bits)
    bins = _whole("channels", channels) * _whole("ticks", ticks)
    return Bound(
        name="coding-agnostic bound",
        spikes_needed=bins * _sparsest_rate(bits.bits / bins),
        bits=bits.bits, cut=cut, channels=int(channels), ticks=int(ticks),
        assumptions=(
            f"the decoder learns only from which of the {channels} channels of {cut} fire in which of {ticks} ticks",
            "a channel fires at most once in a tick",
            *bits.assumptions,
        ),
        is_bound=bits.is_bound,
        formula=f"channels ticks Hb(N/(channels ticks)) >= bits; bits: {bits.formula}",
        source=f"Cover and Thomas 2006, theorems 2.6.6 and 2.7.3; bits: {bits.source}",
    )  # fmt: skip


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
    bits = _information(bits)
    channels = _whole("channels", channels)
    with np.errstate(over="ignore"):
        needed = float(channels * np.square(np.expm1(np.float64(bits.bits) / channels * math.log(2))))
    return Bound(
        name="Poisson count bound",
        spikes_needed=needed,
        bits=bits.bits, cut=cut, channels=channels, ticks=None,
        assumptions=(
            f"the decoder learns only from how often each of the {channels} channels of {cut} fires in the window",
            "given the query, counts are Poisson and independent",
            *_capacity_status(needed / channels),
            *bits.assumptions,
        ),
        is_bound=bits.is_bound,
        formula=f"channels log2(1 + sqrt(N/channels)) >= bits; bits: {bits.formula}",
        source="Lapidoth and Moser 2009, IEEE Trans. Inf. Theory 55(1):303 (asymptote); "
        f"Martinez 2007, J. Opt. Soc. Am. B 24(4):739 (inequality); bits: {bits.source}",
    )  # fmt: skip


def fano_bits(labels_entropy_bits, error_rate, n_classes):
    """Bits about the class that a decoder with this error rate must have been given, as Information.

    H - Hb(Pe) - Pe log2(C - 1), no less than 0. A bound whatever the code, the data and the decoder.

    Parameters
    ----------
    labels_entropy_bits : float
        H, entropy of the true class over the queries, in bits; at most log2(C).
    error_rate : float
        Pe, the fraction of queries that are classified wrongly.
    n_classes : int
        C, at least 2.

    Source
    ------
    Fano 1961, Transmission of Information; Cover and Thomas 2006, section 2.10.
    """
    if _whole("n_classes", n_classes) < 2:
        raise ConfigError(f"n_classes is {n_classes}; a classification has at least 2")
    if not 0 <= error_rate <= 1:
        raise ConfigError(f"error_rate is {error_rate}; it must lie in [0, 1]")
    if not 0 <= labels_entropy_bits <= math.log2(n_classes) + ROUNDING:
        limit = f"it must lie in [0, log2(n_classes) = {math.log2(n_classes):.6g}]"
        raise ConfigError(f"labels_entropy_bits is {labels_entropy_bits}; {limit}")
    lost = float(binary_entropy(error_rate)) + error_rate * math.log2(n_classes - 1)
    return Information(
        bits=float(max(0.0, labels_entropy_bits - lost)),
        is_bound=True,
        assumptions=(
            "every answer is decoded from the spikes of this window alone",
            f"entropy ({labels_entropy_bits:.6g} bits) and error rate ({error_rate:.6g}) are those of the source of "
            "queries, not estimates from few of them",
        ),
        formula="H - Hb(Pe) - Pe log2(C - 1)",
        source="Fano 1961, Transmission of Information; Cover and Thomas 2006, section 2.10",
    )


def gaussian_bits(covariance, mse):
    """Bits that a Gaussian of this covariance needs at total squared error `mse`, as GaussianRate.

    Reverse water-filling: each eigenvalue v gets max(0, log2(v / level) / 2) bits, with the level such that
    sum min(level, v) = mse. A Gaussian needs the most bits of all laws with the same covariance, so for other data
    this is an upper bound on the bits: not a bound on spikes.

    Parameters
    ----------
    covariance : (d, d) float
        Symmetric, positive semi-definite.
    mse : float
        Mean squared error summed over coordinates; above 0.

    Source
    ------
    Cover and Thomas 2006, section 10.3.3, theorem 10.3.3.
    """
    variances = _eigenvalues(covariance)
    if not (math.isfinite(mse) and mse > 0):
        raise ConfigError(f"mse is {mse}; it must be above 0 (a real number exactly takes infinitely many bits)")
    filled = reverse_water_filling(variances, mse)
    return GaussianRate(
        bits=filled.bits,
        is_bound=False,
        assumptions=(f"the output is Gaussian with the measured covariance ({NOT_A_BOUND} for other data)",),
        formula="sum_i max(0, log2(v_i / level) / 2), sum_i min(level, v_i) = mse",
        source="Cover and Thomas 2006, theorem 10.3.3",
        water_level=filled.level,
        active_dimensions=filled.active,
    )


def _sparsest_rate(bits_per_bin):
    """The x <= 1/2 with Hb(x) = bits_per_bin; inf when there is none."""
    if bits_per_bin > 1:
        return math.inf
    # Below 1e-300 bits per bin the rate is not a normal float; 0 is still a lower bound.
    if bits_per_bin < 1e-300:
        return 0.0
    # In log x: rates of 1e-12 and less are found to the same relative accuracy as those near 1/2.
    low, high = math.log(1e-305), math.log(0.5)
    if binary_entropy(math.exp(high)) <= bits_per_bin:
        return 0.5
    return math.exp(brentq(lambda y: float(binary_entropy(math.exp(y))) - bits_per_bin, low, high, xtol=1e-14))


def _capacity_status(mean_count):
    """What is proven and what is numerical about the capacity of one channel at this mean count."""
    claim = "a Poisson count of mean E carries at most log2(1 + sqrt E) bits"
    if mean_count <= PROVEN_COUNT:
        return (f"{claim} (proven for so few spikes per channel, {mean_count:.4g}, by the entropy of the count)",)
    numerical = f"{claim} (two steps are numerical, not proven)"
    if mean_count <= CERTIFIED_COUNT:
        return (numerical,)
    place = f"the mean count per channel, {mean_count:.4g}, is above {CERTIFIED_COUNT:g}"
    return (numerical, f"WARNING: {place}, to where that was also certified by duality; here one argument carries it")


def _information(bits):
    """`bits` as Information; a bare number is taken as given."""
    if isinstance(bits, Information):
        return bits
    if not (math.isfinite(bits) and bits >= 0):
        raise ConfigError(f"bits is {bits}; it must be finite and 0 or more")
    claim = f"{bits:.6g} bits per query cross the cut"
    return Information(float(bits), is_bound=True, assumptions=(claim,), formula="given", source="given")


def _whole(name, value):
    """`value` as int, at least 1."""
    if not isinstance(value, Integral) or value < 1:
        raise ConfigError(f"{name} is {value}; it must be a whole number, 1 or more")
    return int(value)


def _eigenvalues(covariance):
    """Eigenvalues of a covariance in descending order, (d,) float64; tiny negative ones set to 0."""
    matrix = np.asarray(covariance, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size or not np.isfinite(matrix).all():
        raise ConfigError(f"covariance has shape {matrix.shape}; it must be a finite (d, d) matrix")
    scale = np.abs(matrix).max()
    values = np.linalg.eigvalsh(matrix)[::-1]
    if np.abs(matrix - matrix.T).max() > 1e-9 * scale or values[-1] < -1e-9 * scale:
        raise ConfigError("covariance is not symmetric and positive semi-definite; pass the output of numpy.cov")
    return np.clip(values, 0.0, None)
