"""Spikes that Poisson neurons of given tuning need for an error, by Fisher information; no capacity is involved."""

import math

import numpy as np

from analysis.given import number, numbers
from analysis.spike_bounds.bound import Assumption, Bound, whole
from analysis.spike_bounds.poisson import counts_only
from eventsim.errors import ConfigError

__all__ = ["cramer_rao_bound", "monotone_rate_bound", "van_trees_bound"]


def cramer_rao_bound(error, x, tuning, prior, *, cut):
    """Spikes with which a decoder without bias can reach a root mean square error, for one scalar in Poisson counts.

    Counts of mean g t_i(x) have the Fisher information g j(x), j = sum_i t_i'^2/t_i. An unbiased decoder has at x a
    mean square error of at least 1/(g j(x)); averaged over the prior, error^2 >= E[1/j]/g, and N = g E[sum_i t_i].

    Parameters
    ----------
    error : float
    x : (K,) float
        Values of the scalar in ascending order, on a grid fine enough for slopes by differences.
    tuning : (m, K) float
        Mean counts of the m neurons at each x, up to the common factor g.
    prior : (K,) float
        Density of x on the grid, up to a factor.
    cut : str
        The population whose spikes are counted.

    Source
    ------
    Cover and Thomas 2006, theorem 11.10.1; Fisher information of Poisson counts: Dayan and Abbott 2001, Theoretical
    Neuroscience, section 3.3.
    """
    code = _Code(error, x, tuning, prior)
    with np.errstate(divide="ignore"):
        needed = code.mean(code.rate) * code.mean(1 / code.fisher) / error**2
    return code.bound(
        "Cramer-Rao bound", needed, cut, Assumption("the decoder has no bias at any value"),
        "N >= E[rate] E[1/j]/error^2", "Cover and Thomas 2006, theorem 11.10.1; Dayan and Abbott 2001, section 3.3",
    )  # fmt: skip


def van_trees_bound(error, x, tuning, prior, *, cut):
    """As `cramer_rao_bound` for any decoder, biased or not: error^2 >= 1/(g E[j] + I), I = E[(d log prior/dx)^2].

    Raises
    ------
    ConfigError
        A prior that does not vanish at the ends of the grid, where the inequality does not hold.

    Source
    ------
    Van Trees 1968, Detection, Estimation, and Modulation Theory I, section 2.4; Gill and Levit 1995, Bernoulli 1:59.
    """
    code = _Code(error, x, tuning, prior)
    edge = max(code.prior[0], code.prior[-1]) / code.prior.max()
    if edge > 1e-3:
        raise ConfigError(f"the prior is {edge:.2g} of its peak at an end of the grid; it must vanish there, or the "
                          "van Trees inequality does not hold: use cramer_rao_bound, or a prior that does")  # fmt: skip
    slope = np.gradient(code.prior, code.x)
    inside = code.prior > 0
    of_prior = float(np.trapezoid(np.where(inside, slope**2 / np.where(inside, code.prior, 1.0), 0.0), code.x))
    needed = max(0.0, 1 / error**2 - of_prior) * code.mean(code.rate) / code.mean(code.fisher)
    return code.bound(
        "van Trees bound", needed, cut, Assumption("the prior is the one given"),
        "N >= (1/error^2 - I) E[rate]/E[j]", "Van Trees 1968, section 2.4; Gill and Levit 1995, Bernoulli 1:59",
    )  # fmt: skip


def monotone_rate_bound(lipschitz, width, error, channels, *, cut):
    """Peak count of Poisson neurons whose rates rise with a scalar: N >= (L w/eps)^2/(4 m), in the limit of many.

    Over the scalar's width w the curve (2 sqrt(count_1), ..., 2 sqrt(count_m)) has a speed that is the square root of
    the Fisher information, and a length of at most sum_i 2 sqrt(peak_i) <= 2 sqrt(m N), N being the sum of the peaks.
    So somewhere the information is at most 4 m N/w^2, and there no decoder does better, in the limit of small errors
    (minimax). Rates that rise and fall again, as those of place codes, make a longer curve.

    Parameters
    ----------
    lipschitz, width, error : float
        L, w, and eps: the root mean square error of L x, in the worst place.
    channels : int
    cut : str
        The population whose spikes are counted; `spikes_needed` is the sum of its neurons' largest mean counts.

    Source
    ------
    Derived as above; the limit: Hajek 1972, Proc. Sixth Berkeley Symp. 1:175 (local asymptotic minimax).
    """
    channels = whole("channels", channels)
    for name, value in (("lipschitz", lipschitz), ("width", width), ("error", error)):
        _require_positive(name, value)
    return Bound(
        name="monotone rate bound",
        spikes_needed=(lipschitz * width / error) ** 2 / (4 * channels),
        bits=None, cut=cut, channels=channels, ticks=None,
        assumptions=(
            counts_only(channels, cut),
            Assumption("given the scalar, counts are Poisson and independent", "poisson"),
            Assumption("every rate rises, or falls, over the whole width of the scalar"),
            Assumption("errors are small beside the width, and those of the worst place"),
        ),
        is_bound=True,
        formula="N_peak >= (L w/eps)^2/(4 channels)",
        source="derived here (length of the curve of square roots of counts); Hajek 1972, Proc. Sixth Berkeley Symp. "
        "1:175",
    )  # fmt: skip


def _require_positive(name, value):
    value = number(name, value)
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{name} is {value}; it must be above 0")


class _Code:
    """Tuning curves and a prior on a grid, checked; means over the prior."""

    def __init__(self, error, x, tuning, prior):
        self.x, self.tuning, self.prior = numbers("x", x), numbers("tuning", tuning), numbers("prior", prior)
        self.tuning = np.atleast_2d(self.tuning)
        _require_positive("error", error)
        size = self.x.size
        if self.x.ndim != 1 or size < 16 or not (np.diff(self.x) > 0).all():
            raise ConfigError(f"x has shape {self.x.shape}; give 16 or more ascending values")
        if self.tuning.shape[1:] != (size,) or self.prior.shape != (size,):
            raise ConfigError(f"tuning {self.tuning.shape} and prior {self.prior.shape} do not fit {size} values of x")
        given = np.concatenate([self.tuning.ravel(), self.prior])
        if not (np.isfinite(given).all() and (given >= 0).all() and self.prior.any() and self.tuning.any()):
            raise ConfigError("mean counts and densities must be finite, 0 or more, and not all 0")
        self.prior = self.prior / np.trapezoid(self.prior, self.x)
        self.rate = self.tuning.sum(axis=0)
        slope = np.gradient(self.tuning, self.x, axis=1)
        fires = self.tuning > 0
        starting = np.where(slope == 0, 0.0, np.inf)  # where a rate leaves 0, one spike says that it has
        self.fisher = np.where(fires, slope**2 / np.where(fires, self.tuning, 1.0), starting).sum(axis=0)

    def mean(self, values):
        """Mean over the prior; what the prior excludes does not count, whatever its value there."""
        inside = self.prior > 0
        return float(np.trapezoid(np.where(inside, np.where(inside, values, 0.0) * self.prior, 0.0), self.x))

    def bound(self, name, needed, cut, own, formula, source):
        channels = len(self.tuning)
        return Bound(
            name=name, spikes_needed=needed, bits=None, cut=cut, channels=channels, ticks=None,
            assumptions=(
                counts_only(channels, cut),
                Assumption("given the scalar, counts are Poisson and independent", "poisson"),
                Assumption("mean counts follow the tuning curves given, up to one factor"),
                own,
            ),
            is_bound=True, formula=formula, source=source,
        )  # fmt: skip
