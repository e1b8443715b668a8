r"""How far spike shares are from a softmax, against how far they are allowed to be.

A softmax circuit answers a query with K spikes, k_i of them from token i; the shares k_i/K stand for p = softmax(z).
With finitely many spikes they cannot be exact, and two laws say by how much they miss:

    multinomial    a circuit that draws tokens at random: k given K is Multinomial(K, p), the mean total variation is
                   known exactly, and more accurate than that is as suspicious as less (`multinomial_test`)
    integration    a deterministic circuit: k_i = floor(exp(z_i) s + v_start) with one s for all tokens, so no share
                   may miss by more than about 1/K (`integration_test`)

A query with K = 0 has no shares: it counts as total variation 1, the largest there is, and any such query fails
either test.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, ndtri, xlog1py, xlogy

from analysis.given import generator
from eventsim.errors import ConfigError

__all__ = ["ShareTest", "integration_test", "multinomial_test", "multinomial_tv", "total_variation"]

#: Rows of `p` must sum to 1 within this: a softmax of a thousand tokens in single precision does.
SUM_TOLERANCE = 1e-5

#: Least width of an interval, for the rounding of the mean that is compared with it.
ROUNDING = 1e-12

#: By how much float64 sums of a million small drives may move a logit.
LOGIT_ROUNDING = 1e-9

#: Integers held at once while simulating (128 MB).
SIMULATED_AT_ONCE = 16_000_000

#: Below so many simulated spikes away from the likeliest token, a simulated variance is not trusted.
RARE_SPIKES = 20


@dataclass(frozen=True)
class ShareTest:
    """Shares of m queries against one law.

    Parameters
    ----------
    name : str
        "multinomial" or "integration".
    passes : bool
    mean_tv : float
        Measured total variation, mean over queries.
    predicted_tv : float
        What the law says: the exact mean (multinomial), or the most it allows (integration).
    low, high : float
        Where `mean_tv` must lie.
    rms_l2, predicted_rms_l2 : float
        Root mean square over queries of the Euclidean distance between shares and p, over queries that fired, and
        what the law predicts for it; 0 when none fired.
    queries, silent : int
        All queries, and those without a spike.
    criterion : str
        What was tested, in words.
    per_query_interval_coverage : float or None
        multinomial: fraction of queries inside their own 95 % interval.
    worst_ratio : float or None
        integration: largest error of a token over its bound; the test asks for at most 1.
    needed_logit_error : float or None
        integration: the least error of the logits, the same limit for all, that makes the counts exactly those of the
        law; 0 when they already are. Tells more than `worst_ratio` when K is less than the number of tokens.
    """

    name: str
    passes: bool
    mean_tv: float
    predicted_tv: float
    low: float
    high: float
    rms_l2: float
    predicted_rms_l2: float
    queries: int
    silent: int
    criterion: str
    per_query_interval_coverage: float | None = None
    worst_ratio: float | None = None
    needed_logit_error: float | None = None

    def to_json(self):
        """Mapping of plain types; an infinite value becomes None."""
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in vars(self).items()
        }

    def __str__(self):
        lines = [
            f"{self.name} test {'passed' if self.passes else 'FAILED'}: total variation {self.mean_tv:.4g}, "
            f"allowed {self.low:.4g} to {self.high:.4g}, predicted {self.predicted_tv:.4g} ({self.queries} queries)",
            f"  {self.criterion}",
            f"  root mean square distance {self.rms_l2:.4g}, predicted {self.predicted_rms_l2:.4g}",
        ]
        if self.per_query_interval_coverage is not None:
            lines.append(f"  {self.per_query_interval_coverage:.1%} of queries inside their own 95 % interval")
        if self.worst_ratio is not None:
            lines.append(f"  worst token at {self.worst_ratio:.4g} of its bound")
            lines.append(f"  the counts are exact if logits are off by up to {self.needed_logit_error:.4g}")
        if self.silent:
            lines.append(f"  {self.silent} queries without a spike")
        return "\n".join(lines)


def total_variation(counts, p):
    """Half the summed distance between spike shares and `p`, per query, (m,) float64; 1 for a query without spikes.

    Parameters
    ----------
    counts : (m, n) integer
        Spikes of each token in each query.
    p : (m, n) float
        The distribution they stand for; every row sums to 1.

    Raises
    ------
    ConfigError
        Shapes differ, a count is negative or not an integer, or a row of `p` is not a distribution.
    """
    counts, p = _checked(counts, p)
    return _distance(counts, p)


def multinomial_tv(total, p):
    r"""Exact mean of the total variation when `total` tokens are drawn from `p`, per query, (m,) float64.

    The mean deviation of a binomial count is E|k - K p| = 2 (j+1) C(K, j+1) p^(j+1) q^(K-j), where j = floor(K p);
    the total variation is the sum of these over tokens, divided by 2 K. Written with the beta function,
    (j+1) C(K, j+1) = 1/B(j+1, K-j), it keeps its relative accuracy down to p = 1e-300.

    Parameters
    ----------
    total : (m,) integer
        K; a query with K = 0 has total variation 1.
    p : (m, n) float

    Source
    ------
    de Moivre 1730; Johnson 1957, Biometrika 44:532; Diaconis and Zabell 1991, Statistical Science 6(3):284.
    """
    p = _distributions(p)
    total = _integers("total", total)
    if total.shape != p.shape[:1]:
        raise ConfigError(f"total has shape {total.shape}; with p of shape {p.shape} it must be {p.shape[:1]}")
    k = total[:, None].astype(float)
    # p may exceed 1 by rounding; at K p = K the deviation is 0, since B(K+1, 0) is infinite.
    p = np.minimum(p, 1.0)
    j = np.floor(k * p)
    deviation = 2 * np.exp(xlogy(j + 1, p) + xlog1py(k - j, -p) - betaln(j + 1, k - j))
    return np.where(total == 0, 1.0, deviation.sum(axis=1) / (2 * np.maximum(total, 1)))


def multinomial_test(counts, p, seed, confidence=0.99, draws=399):
    r"""Whether shares miss `p` exactly as much as random draws of tokens would, as ShareTest.

    The mean total variation over queries must lie in the two-sided interval around its exact expectation given each
    query's K. Queries are independent given K, so the variance of the mean is the sum of the queries' variances over
    m^2, each found by simulation; the interval takes the mean to be normal, fair from some tens of queries on.

    A query so sure of one token that its simulation hardly ever draws another gets the Efron-Stein variance bound
    (1 - sum p^2)/(2 K), which is tight there: moving one of K spikes moves the total variation by at most 1/K.

    Parameters
    ----------
    counts : (m, n) integer
    p : (m, n) float
    seed : int
        Of the simulation. Use one that the circuit did not use.
    confidence : float
        Probability that a truly multinomial circuit passes.
    draws : int
        Simulated answers per query, at least 39. An interval between the 10th smallest and the 10th largest of 399
        holds one more draw with probability 0.95 exactly, but for ties, which only raise it.

    Source
    ------
    Efron and Stein 1981, Annals of Statistics 9(3):586. The mean: `multinomial_tv`.
    E||k/K - p||^2 = (1 - sum p^2)/K: variance of a multinomial.
    """
    counts, p = _checked(counts, p)
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.99")
    if draws < 39:
        raise ConfigError(f"draws is {draws}; a 95 % interval takes at least 39")
    total = counts.sum(axis=1)
    measured, predicted = _distance(counts, p), multinomial_tv(total, p)
    variance, inside = _simulated(total, p, measured, generator(seed), draws)
    mean_tv, center = float(measured.mean()), float(predicted.mean())
    half_width = float(ndtri((1 + confidence) / 2) * np.sqrt(variance.sum()) / total.size) + ROUNDING
    silent = int(np.count_nonzero(total == 0))
    return ShareTest(
        name="multinomial",
        passes=silent == 0 and abs(mean_tv - center) <= half_width,
        mean_tv=mean_tv,
        predicted_tv=center,
        low=max(0.0, center - half_width),
        high=min(1.0, center + half_width),
        **_root_mean_squares(counts, p, 1 - np.square(p).sum(axis=1), power=1),
        queries=total.size,
        silent=silent,
        criterion=f"mean total variation inside the {confidence:.6g} normal interval of its multinomial expectation",
        per_query_interval_coverage=float(inside.mean()),
    )


def integration_test(counts, p, v_start=0.5, logit_error=0.0):
    r"""Whether every share is as close to `p` as integrate-and-fire neurons under a common drive make it.

    From k_i = p_i S + v_start - f_i, 0 <= f_i < 1, and K = sum k follows, with h = max(v_start, 1 - v_start),

        |k_i/K - p_i| <= h (1 + n p_i)/K        so that total variation <= h n/K.

    (n - 2 for n would hold too; the two are left as room for rounding: p_i is more than its own rounding times K.) If
    the logits in the circuit are off by at most e each, its own p'_i is at most p_i g/(1 + p_i (g - 1)), g = exp(2 e),
    reached when z_i is too large by e and all others too small, and no less than the mirror image. Hence

        |p'_i - p_i| <= d_i = p_i (1 - p_i)(g - 1)/(1 + min(p_i, 1 - p_i)(g - 1))    [<= p_i (g - 1)]

    and the bound becomes d_i + h (1 + n (p_i + d_i))/K. With fewer spikes than tokens that allows much, so the counts
    must also be exactly those of the law for some logits off by at most e (`needed_logit_error`).

    The root mean square distance is predicted for v_start - f_i uniform, which fails for tokens with p_i K < 1/2:
    K^2 E||k/K - p||^2 = (n - 2 + n sum p^2)/12 + (v_start - 1/2)^2 n (n sum p^2 - 1).

    Parameters
    ----------
    counts : (m, n) integer
    p : (m, n) float
    v_start : float
        Potential at the start, in [0, 1), in units of the threshold; 1/2 rounds to nearest.
    logit_error : float or (m,) float
        e, a known limit on the error of each logit where it enters the circuit (its encoding), perhaps by query.
    """
    counts, p = _checked(counts, p)
    if not 0 <= v_start < 1:
        raise ConfigError(f"v_start is {v_start}; it must be 0 or more and below 1, the threshold")
    logit_error = np.asarray(logit_error, dtype=float)
    if logit_error.shape not in ((), counts.shape[:1]) or not (np.isfinite(logit_error) & (logit_error >= 0)).all():
        raise ConfigError("logit_error must be one number or one for each query, finite and 0 or more")
    total, n = counts.sum(axis=1), p.shape[1]
    fired = total > 0
    shift = _share_shift(p, logit_error[..., None])
    worst_rounding = max(v_start, 1 - v_start)
    bound = shift + worst_rounding * (1 + n * (p + shift)) / np.maximum(total, 1)[:, None]
    ratio = (np.abs(_shares(counts) - p) / bound)[fired]
    needed = _needed_logit_error(counts, p, v_start)[fired]
    exact = bool((needed <= np.broadcast_to(logit_error, total.shape)[fired] + LOGIT_ROUNDING).all())
    worst_ratio = float(ratio.max(initial=0.0))
    bound_tv = float(np.where(fired, np.minimum(bound.sum(axis=1) / 2, 1.0), 1.0).mean())
    squares = np.square(p).sum(axis=1)
    l2_squared = (n - 2 + n * squares) / 12 + (v_start - 0.5) ** 2 * n * (n * squares - 1)
    return ShareTest(
        name="integration",
        passes=bool(fired.all()) and worst_ratio <= 1 and exact,
        mean_tv=float(_distance(counts, p).mean()),
        predicted_tv=bound_tv,
        low=0.0,
        high=bound_tv,
        **_root_mean_squares(counts, p, l2_squared, power=2),
        queries=total.size,
        silent=int(np.count_nonzero(~fired)),
        criterion=f"every token: |k_i/K - p_i| <= {worst_rounding:g} (1 + n p_i)/K, more if logits are off, and the "
        f"counts exactly those of logits off by {logit_error.max(initial=0.0):.4g} at most",
        worst_ratio=worst_ratio,
        needed_logit_error=float(needed.max(initial=0.0)),
    )


def _shares(counts):
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _distance(counts, p):
    """Total variation per query; 1 where there is no spike."""
    distance = 0.5 * np.abs(_shares(counts) - p).sum(axis=1)
    return np.where(counts.any(axis=1), distance, 1.0)


def _root_mean_squares(counts, p, scaled, power):
    """Measured and predicted rms distance over queries that fired; predicted square = scaled / K^power."""
    total = counts.sum(axis=1)
    fired = total > 0
    if not fired.any():
        return {"rms_l2": 0.0, "predicted_rms_l2": 0.0}
    measured = np.square(_shares(counts) - p).sum(axis=1)[fired]
    predicted = scaled[fired] / total[fired].astype(float) ** power
    return {"rms_l2": float(np.sqrt(measured.mean())), "predicted_rms_l2": float(np.sqrt(predicted.mean()))}


def _simulated(total, p, measured, rng, draws):
    """Variance of the total variation under the multinomial, and whether the measured one is in its 95 % interval."""
    variance, inside = np.zeros(total.size), np.zeros(total.size, dtype=bool)
    rank = int(0.025 * (draws + 1))
    for query in np.flatnonzero(total):
        # Total variation does not mind the order of tokens, and numpy's sampler stops once all spikes are given out.
        row = np.sort(p[query].astype(float))[::-1]
        row /= row.sum()
        values = np.sort(_simulated_tv(total[query], row, rng, draws))
        inside[query] = values[rank - 1] - ROUNDING <= measured[query] <= values[-rank] + ROUNDING
        rare = draws * total[query] * (1 - row[0]) < RARE_SPIKES
        efron_stein = max(0.0, 1 - np.square(row).sum()) / (2 * total[query])
        variance[query] = efron_stein if rare else values.var(ddof=1)
    return variance, inside


def _simulated_tv(total, row, rng, draws):
    """Total variation of `draws` multinomial answers to one query, in batches that fit in memory."""
    batch = max(1, SIMULATED_AT_ONCE // row.size)
    sizes = [min(batch, draws - start) for start in range(0, draws, batch)]
    return np.concatenate([0.5 * np.abs(rng.multinomial(total, row, size) / total - row).sum(axis=1) for size in sizes])


def _share_shift(p, logit_error):
    """The most that a softmax moves when each logit moves by at most `logit_error`; of the shape of `p`."""
    gain = np.expm1(2 * logit_error)
    return p * (1 - p) * gain / (1 + np.minimum(p, 1 - p) * gain)


def _needed_logit_error(counts, p, v_start):
    """The least e for which logits off by at most e give a query's counts exactly, (m,); inf when none does.

    k_i = floor(p_i exp(e_i) s + v_start), |e_i| <= e, asks of s an interval for each token; intervals have a
    point in common when each two have.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(counts > v_start, (counts - v_start) / p, 0.0).max(axis=1, initial=0.0)
        high = ((counts + 1 - v_start) / p).min(axis=1, initial=np.inf)
        needed = 0.5 * np.log(low / high)
    return np.maximum(needed, 0.0)


def _checked(counts, p):
    """Counts as int64 and `p` as float64, of one shape (m, n)."""
    p = _distributions(p)
    counts = _integers("counts", counts)
    if counts.shape != p.shape:
        raise ConfigError(f"counts have shape {counts.shape} and p has {p.shape}; both must be (queries, tokens)")
    return counts, p


def _distributions(p):
    p = np.asarray(p, dtype=float)
    if p.ndim != 2 or not p.size:
        raise ConfigError(f"p has shape {p.shape}; it must be (queries, tokens), neither of them 0")
    if not (p >= 0).all() or not (np.abs(p.sum(axis=1) - 1) <= SUM_TOLERANCE).all():
        raise ConfigError(f"p: every row must be 0 or more and sum to 1 within {SUM_TOLERANCE:g}; pass a softmax")
    return p


def _integers(name, values):
    values = np.asarray(values)
    if values.dtype.kind not in "iu" or (values < 0).any():
        raise ConfigError(f"{name}: dtype {values.dtype}; spike counts must be integers, 0 or more")
    return values.astype(np.int64)
