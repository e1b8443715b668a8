"""Entropy of symbols from samples, by four estimators."""

import math
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy.special import betaln, digamma, gammaln, polygamma

from analysis.given import generator
from eventsim.errors import ConfigError

__all__ = ["METHODS", "Estimate", "entropy", "extrapolated", "plug_in_bits", "require_samples", "symbols"]

#: Fewest samples for each symbol that was seen, by method: there, the bias of the information that counts carry about
#: one of eight rates is below 0.1 bit (the tests measure it).
SAMPLES_PER_SYMBOL = {"plug_in": 8.0, "miller_madow": 3.0, "quadratic": 3.0, "shuffle": 6.0, "nsb": 2.0}

#: Largest alphabet of which floats can hold the square: words of 500 bins, each with a spike or without.
_LARGEST_ALPHABET = 2**500

#: Random halvings that a quadratic extrapolation averages over.
_HALVINGS = 16


@dataclass(frozen=True)
class Estimate:
    """Bits, and what they rest on.

    Parameters
    ----------
    bits : float
    standard_error : float
        Of sampling alone: bias is not in it.
    method : str
    samples : int
    seen : int
        Different symbols (of a pair: different pairs) among the samples.
    """

    bits: float
    standard_error: float
    method: str
    samples: int
    seen: int

    def __float__(self):
        return self.bits

    def to_json(self):
        """Mapping of plain types."""
        return dict(vars(self))

    def __str__(self):
        return f"{self.bits:.4g} ± {self.standard_error:.2g} bits ({self.method}, {self.samples:,} samples)"


def entropy(samples, method="miller_madow", *, alphabet=None, seed=0):
    """Entropy of the law behind samples, as Estimate.

    Parameters
    ----------
    samples : (S,) or (S, length) array
        Counts, or words: one row is one symbol.
    method : str
        "plug_in": -sum f log2 f of the frequencies f, too low by about (K - 1)/(2 S ln 2).
        "miller_madow": the same with that added, K being the symbols seen.
        "quadratic": plug-in estimates of all samples, of halves and of quarters, extrapolated to 1/S = 0.
        "nsb": the mean under a prior that is nearly flat in the entropy; it needs `alphabet`, the number K of symbols
        that there can be.
    alphabet : int, optional
    seed : int
        Of the halvings.

    Raises
    ------
    ConfigError
        Too few samples for the method, samples that are no numbers, or an alphabet smaller than what was seen.

    Source
    ------
    Miller 1955, Information Theory in Psychology: 95; Strong, Koberle, de Ruyter van Steveninck and Bialek 1998, Phys.
    Rev. Lett. 80:197; Nemenman, Shafee and Bialek 2002, NIPS 14:471.

    Examples
    --------
    >>> round(entropy([0] * 8 + [1] * 4 + [2] * 2 + [3, 4]).bits, 6)  # 1.875 + 4/(32 ln 2)
    2.055337
    """
    if method not in METHODS:
        raise ConfigError(f"method is '{method}'; choose one of {', '.join(METHODS)}")
    ids = symbols(samples)
    counts = np.bincount(ids)
    require_samples(method, ids.size, counts.size, "entropy")
    if method == "quadratic":
        bits = extrapolated(lambda rows: plug_in_bits(np.bincount(ids[rows])), ids.size, seed)
    elif method == "nsb":
        bits = nsb_bits(counts, alphabet)
    else:
        bits = plug_in_bits(counts) + (miller_madow_bits(counts) if method == "miller_madow" else 0.0)
    f = counts / ids.size
    spread = max(0.0, float((f * np.log2(f) ** 2).sum() - (f * np.log2(f)).sum() ** 2))
    return Estimate(float(bits), math.sqrt(spread / ids.size), method, ids.size, counts.size)


METHODS = ("plug_in", "miller_madow", "quadratic", "nsb")


def symbols(samples):
    """(S,) int64: a number for each different sample; rows of a matrix are words."""
    try:
        samples = np.asarray(samples)
    except ValueError:
        raise ConfigError("samples: words must all be of one length") from None
    if samples.ndim not in (1, 2) or not samples.size or samples.dtype.kind not in "biufSU":
        raise ConfigError(f"samples have shape {samples.shape} and type {samples.dtype}; give (S,) symbols or "
                          "(S, length) words, of numbers or of text")  # fmt: skip
    if samples.dtype.kind == "f" and np.isnan(samples).any():
        raise ConfigError("samples hold nan, which is no symbol; leave those out")
    return np.unique(samples, axis=0, return_inverse=True)[1].ravel()


def require_samples(method, samples, seen, what):
    """Refuse an estimate that so few samples cannot give."""
    needed = math.ceil(SAMPLES_PER_SYMBOL[method] * seen)
    if samples < needed:
        raise ConfigError(f"{samples:,} samples show {seen:,} different symbols; for this {what} '{method}' needs "
                          f"{needed:,} samples or more of so many: ask more queries, or use fewer or coarser symbols "
                          "(fewer channels, wider bins, counts instead of words)")  # fmt: skip


def plug_in_bits(counts):
    """Entropy of the frequencies."""
    f = counts[counts > 0] / counts.sum()
    return float(0.0 - (f * np.log2(f)).sum())


def miller_madow_bits(counts):
    """(K - 1)/(2 S ln 2), K symbols seen in S samples."""
    return (np.count_nonzero(counts) - 1) / (2 * counts.sum() * math.log(2))


def extrapolated(estimate, samples, seed):
    """estimate(rows) = bits + a/S + b/S^2 through all samples, halves and quarters of random orders: bits."""
    rng = generator(seed)
    whole, halves, quarters = estimate(np.arange(samples)), [], []
    for _ in range(_HALVINGS):
        order = rng.permutation(samples)
        halves += [estimate(rows) for rows in np.array_split(order, 2)]
        quarters += [estimate(rows) for rows in np.array_split(order, 4)]
    # Lagrange's polynomial through S, S/2, S/4 at 1/S = 0.
    return (8 * whole - 6 * np.mean(halves) + np.mean(quarters)) / 3


def nsb_bits(counts, alphabet):
    r"""Mean entropy given counts n of K symbols under a mixture of Dirichlet laws of parameter beta.

    Given beta, <H> = psi(S + K beta + 1) - sum_i (n_i + beta)/(S + K beta) psi(n_i + beta + 1). Before any sample it is
    xi(beta) = psi(K beta + 1) - psi(beta + 1), from 0 to log K; the mixture is flat in xi. The evidence of beta is
    Gamma(K beta)/Gamma(S + K beta) prod_i Gamma(n_i + beta)/Gamma(beta).
    """
    counts = counts[counts > 0].astype(float)
    if not isinstance(alphabet, Integral) or not max(2, counts.size) <= alphabet <= _LARGEST_ALPHABET:
        raise ConfigError(f"alphabet is {alphabet!r:.40}; 'nsb' needs the number of symbols that there can be, a whole "
                          f"number of at least 2 and the {counts.size} that were seen")  # fmt: skip
    K, S, absent = float(alphabet), counts.sum(), float(alphabet - counts.size)
    # xi is near 0 where K beta is small, and near log K where beta is large.
    beta = np.geomspace(1e-9 / K, 1e6, 1500 + 30 * math.ceil(math.log2(K)))
    kinds, number = np.unique(counts, return_counts=True)
    n = kinds[:, None]
    # betaln, since for large K the two Gamma functions of K beta would cancel to nothing.
    log_evidence = betaln(K * beta, S) + (number[:, None] * (gammaln(n + beta) - gammaln(beta))).sum(axis=0)
    flat = K * polygamma(1, K * beta + 1) - polygamma(1, beta + 1)
    share = (number[:, None] * (n + beta) * digamma(n + beta + 1)).sum(axis=0) + absent * beta * digamma(beta + 1)
    mean = digamma(S + K * beta + 1) - share / (S + K * beta)
    weight = np.exp(log_evidence - log_evidence.max()) * flat * beta  # d beta = beta d log beta
    return float((weight * mean).sum() / weight.sum() / math.log(2))
