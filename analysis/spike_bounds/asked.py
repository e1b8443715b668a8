"""Bits that a decoder must have been given, from how well it did: a classification, or a squared error."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma, gammaln

from analysis.given import number, numbers
from analysis.spike_bounds.bound import NOT_A_BOUND, ROUNDING, Assumption, Information, whole
from analysis.spike_bounds.patterns import binary_entropy
from analysis.water_filling import reverse_water_filling
from eventsim.errors import ConfigError

__all__ = ["GaussianRate", "entropy_estimate", "fano_bits", "gaussian_bits", "lipschitz_bits", "shannon_bits",
           "shannon_bits_of_samples"]  # fmt: skip

#: Neighbour whose distance estimates the density (Kraskov et al. 2004 recommend 2 to 4).
NEIGHBOUR = 3

#: Fewest samples for each dimension of a density that is to be estimated. At 20, the estimate for a Gaussian of up to 8
#: dimensions is off by less than 0.2 bits per dimension (tests).
SAMPLES_PER_DIMENSION = 20

#: So many standard errors of its estimate are taken off an entropy.
MARGIN = 3.0


@dataclass(frozen=True)
class GaussianRate(Information):
    """Rate of a Gaussian at a squared error; coordinates whose variance is below `water_level` get no bits."""

    water_level: float
    active_dimensions: int


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
    if whole("n_classes", n_classes) < 2:
        raise ConfigError(f"n_classes is {n_classes}; a classification has at least 2")
    error_rate = number("error_rate", error_rate)
    labels_entropy_bits = number("labels_entropy_bits", labels_entropy_bits)
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
            Assumption("every answer is decoded from the spikes of this window alone"),
            Assumption(f"entropy ({labels_entropy_bits:.6g} bits) and error rate ({error_rate:.6g}) are those of the "
                       "source of queries, not estimates from few of them", "samples"),
        ),
        formula="H - Hb(Pe) - Pe log2(C - 1)",
        source="Fano 1961, Transmission of Information; Cover and Thomas 2006, section 2.10",
    )  # fmt: skip


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
    _require_error("mse", mse)
    filled = reverse_water_filling(variances, mse)
    return GaussianRate(
        bits=filled.bits,
        is_bound=False,
        assumptions=(
            Assumption(f"the output is Gaussian with the measured covariance ({NOT_A_BOUND} for other data)"),
        ),
        formula="sum_i max(0, log2(v_i / level) / 2), sum_i min(level, v_i) = mse",
        source="Cover and Thomas 2006, theorem 10.3.3",
        water_level=filled.level,
        active_dimensions=filled.active,
    )


def lipschitz_bits(lipschitz, deviation, error, scalars):
    """Bits of `scalars` independent Gaussians of this deviation, each stretched by `lipschitz`, each off by `error`.

    scalars log2(lipschitz deviation/error): with `rate_bound` and one count per scalar this is

        N >= n d (L s/eps - 1)^2,

    the law "L_f^2 n d/eps^2" with what it rests on. A Lipschitz constant alone asks for nothing (f may be constant):
    the map here is the one that stretches every coordinate by L. If eps is the Euclidean error of all n d outputs
    together, pass eps/sqrt(n d); with c counts per scalar the exponent is 2/c.

    Parameters
    ----------
    lipschitz, deviation, error : float
        L, s, and eps: the root mean square error of one scalar.
    scalars : int
        n d.

    Source
    ------
    Cover and Thomas 2006, theorem 10.3.2.

    Examples
    --------
    >>> from analysis.spike_bounds import rate_bound
    >>> round(rate_bound(lipschitz_bits(1, 1, 0.1, 64), channels=64, cut="values").spikes_needed, 6)
    5184.0
    """
    for name, value in (("lipschitz", lipschitz), ("deviation", deviation), ("error", error)):
        _require_error(name, value)
    scalars = whole("scalars", scalars)
    return Information(
        bits=scalars * max(0.0, math.log2(lipschitz * deviation / error)),
        is_bound=True,
        assumptions=(
            Assumption(f"the {scalars} scalars are independent Gaussians of deviation {deviation:g}"),
            Assumption(f"the function stretches each by its Lipschitz constant {lipschitz:g}: the worst of its class"),
            Assumption(f"every scalar is decoded with a root mean square error of {error:g} or less"),
        ),
        formula="scalars log2(L s/eps)",
        source="Cover and Thomas 2006, theorem 10.3.2",
    )


def shannon_bits(entropy_bits, mse, dimensions, *, known="as given"):
    """Bits that data of any distribution need at total squared error `mse`: Shannon's lower bound, as Information.

    R(D) >= h(X) - (r/2) log2(2 pi e D/r) for r dimensions, no less than 0.

    Parameters
    ----------
    entropy_bits : float
        h: differential entropy of the r numbers, in bits.
    mse : float
        Mean squared error summed over them; above 0.
    dimensions : int
        r.
    known : str
        Where h is known from.

    Source
    ------
    Shannon 1959, IRE Nat. Conv. Rec. 7:142; Cover and Thomas 2006, problem 10.8.

    Examples
    --------
    >>> round(shannon_bits(3.0, 64 / (12 * 100), 1).bits, 4)  # uniform over 8, off by a tenth
    3.0673
    """
    _require_error("mse", mse)
    if not math.isfinite(number("entropy_bits", entropy_bits)):
        raise ConfigError(f"entropy_bits is {entropy_bits}; it must be finite: outputs that have no density have none")
    dimensions = whole("dimensions", dimensions)
    return Information(
        bits=max(0.0, entropy_bits - 0.5 * dimensions * math.log2(2 * math.pi * math.e * mse / dimensions)),
        is_bound=True,
        assumptions=(
            Assumption("the output is decoded from the spikes of this window alone"),
            Assumption(f"the differential entropy of {dimensions} numbers is at least {entropy_bits:.4g} bits, {known}",
                       "samples"),
        ),
        formula="h - (r/2) log2(2 pi e mse/r)",
        source="Shannon 1959, IRE Nat. Conv. Rec. 7:142; Cover and Thomas 2006, problem 10.8",
    )  # fmt: skip


def shannon_bits_of_samples(outputs, mse, *, dimensions=None):
    """`shannon_bits` of data whose differential entropy is estimated (`entropy_estimate`), less three standard errors.

    The r principal directions are used: their part of the error is at most the whole.

    Parameters
    ----------
    outputs : (samples, d) float
    mse : float
        Mean squared error summed over coordinates; above 0.
    dimensions : int, optional
        r; if left out, the directions that a Gaussian would spend bits on, as far as there are samples for them.

    Raises
    ------
    ConfigError
        Fewer than 20 samples per dimension, repeated samples (there is then no density), a wrong shape.
    """
    outputs = numbers("outputs", outputs)
    if outputs.ndim != 2 or len(outputs) < 2 or not np.isfinite(outputs).all():
        raise ConfigError(f"outputs has shape {outputs.shape}; give a finite (samples, d) array")
    covariance = np.atleast_2d(np.cov(outputs, rowvar=False))
    most = max(1, len(outputs) // SAMPLES_PER_DIMENSION)
    if dimensions is None:
        dimensions = min(most, max(1, gaussian_bits(covariance, mse).active_dimensions))
    dimensions = whole("dimensions", dimensions)
    directions = np.linalg.eigh(covariance)[1][:, ::-1][:, :dimensions]
    estimate, standard_error = entropy_estimate((outputs - outputs.mean(axis=0)) @ directions)
    how = (f"estimated of principal components by nearest neighbours in {len(outputs):,} samples, less {MARGIN:g} "
           f"standard errors of {standard_error:.2g}")  # fmt: skip
    return shannon_bits(estimate - MARGIN * standard_error, mse, dimensions, known=how)


def entropy_estimate(samples):
    """Differential entropy in bits of the density behind samples (S, d), and the standard error of its mean.

    Kozachenko and Leonenko: h = psi(S) - psi(k) + log V_d + (d/S) sum_i log r_i nats, r_i being the distance of sample
    i to its k-th neighbour (k = 3) and V_d the volume of the unit ball.

    Raises
    ------
    ConfigError
        Fewer than 20 samples per dimension, or samples that repeat.

    Source
    ------
    Kozachenko and Leonenko 1987, Probl. Inf. Transm. 23:95; Kraskov, Stoegbauer and Grassberger 2004, Phys. Rev. E
    69:066138, eq. 20.
    """
    samples = numbers("samples", samples)
    if samples.ndim != 2 or not np.isfinite(samples).all():
        raise ConfigError(f"samples have shape {samples.shape}; give a finite (samples, d) array")
    count, d = samples.shape
    if count < SAMPLES_PER_DIMENSION * d:
        raise ConfigError(f"{count} samples of {d} dimensions are too few for a density; give {SAMPLES_PER_DIMENSION} "
                          "or more for each dimension, or fewer dimensions")  # fmt: skip
    distance = cKDTree(samples).query(samples, k=NEIGHBOUR + 1)[0][:, -1]
    if not distance.all():
        raise ConfigError(f"{np.count_nonzero(distance == 0)} of {count} samples repeat others: there is no density; "
                          "give the entropy, or ask for bits by the error of a classification")  # fmt: skip
    logs = d * np.log(distance)
    ball = 0.5 * d * math.log(math.pi) - gammaln(1 + d / 2)
    nats = digamma(count) - digamma(NEIGHBOUR) + ball + logs.mean()
    return float(nats / math.log(2)), float(logs.std(ddof=1) / math.sqrt(count) / math.log(2))


def _eigenvalues(covariance):
    """Eigenvalues of a covariance in descending order, (d,) float64; tiny negative ones set to 0."""
    matrix = numbers("covariance", covariance)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size or not np.isfinite(matrix).all():
        raise ConfigError(f"covariance has shape {matrix.shape}; it must be a finite (d, d) matrix")
    scale = np.abs(matrix).max()
    values = np.linalg.eigvalsh(matrix)[::-1]
    if np.abs(matrix - matrix.T).max() > 1e-9 * scale or values[-1] < -1e-9 * scale:
        raise ConfigError("covariance is not symmetric and positive semi-definite; pass the output of numpy.cov")
    return np.clip(values, 0.0, None)


def _require_error(name, value):
    value = number(name, value)
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{name} is {value}; it must be above 0 (a real number exactly takes infinitely many bits)")
