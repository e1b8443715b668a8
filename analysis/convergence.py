r"""How fast an error falls with the length of a run, to which floor, and whether it is as large as a law says.

Independent runs of several lengths T give errors e. Their mean square is modelled as

    log E^2 = log(a^2 T^(-2 alpha) + b^2)

with slope -alpha on logarithmic axes, constant a and floor b. Each length is weighed by the standard error of its own
log mean square over runs; residuals in those units have Huber's loss, so that one odd length does not decide. A floor
is called found when it improves the fit by more than chance would (`FALSE_FLOOR`); otherwise, unless it is asked for,
b = 0 and the slope is that of the power law alone: its mean over the lengths that there are, somewhat flattened if
there is a floor too low to be found. Intervals come from the bootstrap: runs are drawn anew within each length, and the
model is fitted again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from analysis.given import generator, numbers
from eventsim.errors import ConfigError

__all__ = ["ConvergenceFit", "LawRatio", "against_law", "fit_convergence"]

#: Chance of finding a floor where there is none. The improvement in squared standardised residuals is then half a
#: chi-square of one degree, b >= 0 being at the edge of what is allowed (Self and Liang 1987, J. Am. Stat. Assoc.
#: 82:605), its scale estimated from the runs: hence the square of a one-sided quantile of Student's t.
FALSE_FLOOR = 0.01

#: Standardised residuals beyond this count by their size and no longer by their square (Huber 1981).
HUBER = 2.0

#: Reweighted steps; the fits are smooth in two or three parameters.
_STEPS = 40


@dataclass(frozen=True)
class ConvergenceFit:
    """A power law with or without floor, fitted to errors at several lengths.

    Parameters
    ----------
    slope, slope_low, slope_high, slope_error : float
        -alpha, its interval, and its standard error.
    constant : float
        a: the error that the power law alone has at length 1.
    floor, floor_low, floor_high : float
        b and its interval; 0 where there is none in the fit.
    has_floor : bool
        Whether a floor was found.
    confidence : float
    lengths, runs : int
        Lengths, and runs of the length that has fewest.
    last_slope : float
        Slope between the last two lengths: what is left of the fall in the end.
    """

    slope: float
    slope_low: float
    slope_high: float
    slope_error: float
    constant: float
    floor: float
    floor_low: float
    floor_high: float
    has_floor: bool
    confidence: float
    lengths: int
    runs: int
    last_slope: float

    def predict(self, lengths):
        """E at these lengths."""
        power = self.constant * np.asarray(lengths, dtype=float) ** self.slope
        return np.hypot(power, self.floor)

    def to_json(self):
        """Mapping of plain types."""
        return dict(vars(self))

    def __str__(self):
        floor = f", floor {self.floor:.3g} ({self.floor_low:.3g} to {self.floor_high:.3g})" if self.has_floor else ""
        return f"slope {self.slope:.3f} ({self.slope_low:.3f} to {self.slope_high:.3f}){floor}"


@dataclass(frozen=True)
class LawRatio:
    """Root mean square error over the one a law predicts, with its standard error."""

    ratio: float
    standard_error: float
    runs: int

    @property
    def agrees(self):
        """Whether 1 lies within three standard errors."""
        return abs(self.ratio - 1) <= 3 * self.standard_error

    def to_json(self):
        """Mapping of plain types."""
        return dict(vars(self)) | {"agrees": self.agrees}


def fit_convergence(lengths, errors, *, floor="found", confidence=0.95, resamples=400, seed=0):
    """Slope, constant and floor of errors against length, as ConvergenceFit.

    Parameters
    ----------
    lengths : (L,) float
        Ticks, time or spikes; L is at least 3.
    errors : sequence of L arrays
        Errors of independent runs at each length, at least 4 each, not all 0.
    floor : str
        "found": fitted where one is found, among 5 lengths or more. "always": fitted in any case, which keeps the slope
        right where a floor is too low to be found, at the price of a longer interval.
    confidence : float
    resamples : int
        Bootstrap samples.
    seed : int
        Of the bootstrap.

    Raises
    ------
    ConfigError
        Too few lengths or runs, lengths that are not positive and different, errors that are not finite and 0 or more.

    Source
    ------
    Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 14: percentile interval. Each deviation
    from the estimate is widened by sqrt(S/(S - 1)) and by Student's over the normal quantile, without which few runs S
    give intervals that are too short; simulated, 95 % intervals of slopes then hold in 93 to 95 % of cases.
    """
    lengths, squares = _checked(lengths, errors)
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")
    if resamples < 2:
        raise ConfigError(f"resamples is {resamples}; an interval takes at least 2, such as 400")
    if floor not in ("found", "always"):
        raise ConfigError(f"floor is {floor!r}; choose one of found, always")
    x = np.log(lengths) - np.log(lengths).mean()
    y = np.log([values.mean() for values in squares])[None]
    spread = [values.std(ddof=1) / (values.mean() * math.sqrt(values.size)) for values in squares]
    # A length whose runs agree by chance must not be all that counts.
    scale = np.maximum(spread, 0.1 * np.median(spread) + 1e-9)
    power, floored = _power_law(x, y, scale), _with_floor(x, y, scale)
    runs = min(values.size for values in squares)
    needed = stdtrit(runs - 1, 1 - FALSE_FLOOR) ** 2
    has_floor = lengths.size >= 5 and bool(power.cost[0] - floored.cost[0] > needed)
    model, best = (_with_floor, floored) if has_floor or floor == "always" else (_power_law, power)
    again = model(x, _resampled(squares, resamples, generator(seed)), scale)
    widen = math.sqrt(runs / (runs - 1)) * stdtrit(runs - 1, 0.975) / ndtri(0.975)
    slope = -best.alpha[0]
    slope_low, slope_high = _interval(-again.alpha, slope, widen, confidence)
    level = math.sqrt(best.floor_square[0])
    floor_low, floor_high = _interval(np.sqrt(again.floor_square), level, widen, confidence)
    constant = math.exp(best.log_constant[0] + best.alpha[0] * np.log(lengths).mean())
    last = (y[0, -1] - y[0, -2]) / (2 * (x[-1] - x[-2]))
    return ConvergenceFit(
        slope=float(slope), slope_low=slope_low, slope_high=slope_high,
        slope_error=widen * float(again.alpha.std(ddof=1)), constant=constant, floor=level,
        floor_low=max(0.0, floor_low), floor_high=floor_high, has_floor=has_floor, confidence=confidence,
        lengths=lengths.size, runs=runs, last_slope=float(last),
    )  # fmt: skip


def against_law(errors, predicted):
    """Root mean square of errors over that of what a law predicts for each run, as LawRatio.

    Parameters
    ----------
    errors, predicted : (m,) float
        The standard error takes the runs as independent.
    """
    errors, predicted = numbers("errors", errors).ravel(), numbers("predicted", predicted).ravel()
    given = errors.size == predicted.size >= 2 and np.isfinite([*errors, *predicted]).all()
    if not (given and (predicted > 0).all()):
        raise ConfigError(f"{errors.size} errors and {predicted.size} predictions; give a positive one for each of "
                          "2 or more errors, all finite")  # fmt: skip
    relative = np.square(errors) / np.square(predicted)
    ratio = math.sqrt(relative.mean())
    standard_error = float(relative.std(ddof=1) / math.sqrt(errors.size) / max(2 * ratio, 1e-300))
    return LawRatio(ratio, standard_error, errors.size)


# -- the two models, each fitted to many curves at once


@dataclass(frozen=True)
class _Fits:
    """Parameters of m curves: (m,) arrays; x is centred."""

    log_constant: np.ndarray
    alpha: np.ndarray
    floor_square: np.ndarray
    cost: np.ndarray


def _power_law(x, y, scale):
    """y = 2 log a - 2 alpha x by reweighted least squares; y is (m, L)."""
    weight = np.ones_like(y)
    for _ in range(_STEPS):
        w = weight / scale**2
        total = w.sum(axis=1)
        mean_x, mean_y = (w * x).sum(axis=1) / total, (w * y).sum(axis=1) / total
        dx = x - mean_x[:, None]
        slope = (w * dx * y).sum(axis=1) / (w * dx**2).sum(axis=1)
        residual = (y - (mean_y + slope * (0 - mean_x))[:, None] - slope[:, None] * x) / scale
        weight = _huber_weight(residual)
    level = mean_y - slope * mean_x
    return _Fits(level / 2, -slope / 2, np.zeros(len(y)), _huber_cost(residual))


def _with_floor(x, y, scale):
    """y = log(a^2 exp(-2 alpha x) + b^2) by damped Gauss-Newton steps from several starts; the best of them."""
    simple = _power_law(x[:-1], y[:, :-1], scale[:-1])
    found = None
    for share in (0.02, 0.3, 0.8):  # of the last length's mean square that is floor
        start = np.column_stack([2 * simple.log_constant, 2 * simple.alpha, y.min(axis=1) + math.log(share)])
        fits = _descend(x, y, scale, start)
        if found is None:
            found = fits
            continue
        better = fits.cost < found.cost
        found = _Fits(*(np.where(better, getattr(fits, name), getattr(found, name)) for name in vars(found)))
    return found


def _descend(x, y, scale, theta):
    """Levenberg-Marquardt in (2 log a, 2 alpha, log b^2), all curves at once."""
    damping = np.full(len(y), 1e-2)
    residual, power_share = _residual(x, y, scale, theta)
    cost = _huber_cost(residual)
    for _ in range(_STEPS):
        jacobian = np.stack([power_share, -x * power_share, 1 - power_share], axis=-1) / scale[:, None]
        w = _huber_weight(residual)[..., None]
        normal = np.einsum("mli,mlj->mij", w * jacobian, jacobian)
        gradient = np.einsum("mli,ml->mi", w * jacobian, residual)
        diagonal = np.einsum("mii->mi", normal) + 1e-9
        step = np.linalg.solve(normal + damping[:, None, None] * diagonal[:, None, :] * np.eye(3), gradient[..., None])
        trial = theta + np.clip(step[..., 0], -2, 2)
        trial_residual, trial_share = _residual(x, y, scale, trial)
        trial_cost = _huber_cost(trial_residual)
        better = trial_cost < cost
        theta, cost = np.where(better[:, None], trial, theta), np.where(better, trial_cost, cost)
        residual = np.where(better[:, None], trial_residual, residual)
        power_share = np.where(better[:, None], trial_share, power_share)
        damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-12, 1e12)
    return _Fits(theta[:, 0] / 2, theta[:, 1] / 2, np.exp(theta[:, 2]), cost)


def _residual(x, y, scale, theta):
    """Standardised residuals, and the share of the power law in the modelled mean square."""
    power = theta[:, :1] - theta[:, 1:2] * x
    model = np.logaddexp(power, theta[:, 2:])
    return (y - model) / scale, np.exp(power - model)


def _huber_weight(residual):
    return HUBER / np.maximum(np.abs(residual), HUBER)


def _huber_cost(residual):
    size = np.abs(residual)
    return np.where(size <= HUBER, size**2, 2 * HUBER * size - HUBER**2).sum(axis=1)


# -- intervals and arguments


def _resampled(squares, resamples, rng):
    """log mean squares of bootstrap samples, (resamples, L): runs drawn anew within each length."""
    columns = []
    for values in squares:
        counts = rng.multinomial(values.size, np.full(values.size, 1 / values.size), size=resamples)
        columns.append(np.log(np.maximum(counts @ values / values.size, 1e-300)))
    return np.column_stack(columns)


def _interval(samples, estimate, widen, confidence):
    tail = (1 - confidence) / 2
    low, high = estimate + widen * (np.quantile(samples, [tail, 1 - tail]) - estimate)
    return float(low), float(high)


def _checked(lengths, errors):
    """Lengths as float64, and the squared errors of each."""
    lengths = numbers("lengths", lengths)
    if lengths.ndim != 1 or not isinstance(errors, Sequence | np.ndarray):
        raise ConfigError("give (L,) lengths and as many arrays of errors")
    errors = [numbers(f"errors {place}", values).ravel() for place, values in enumerate(errors)]
    distinct = (lengths > 0).all() and np.isfinite(lengths).all() and (np.diff(lengths) > 0).all()
    if lengths.size < 3 or not distinct or lengths.size != len(errors):
        raise ConfigError(f"{lengths.size} lengths for {len(errors)} sets of errors; give one set for each of 3 or "
                          "more positive lengths in ascending order")  # fmt: skip
    for length, values in zip(lengths, errors, strict=True):
        if values.size < 4 or not np.isfinite(values).all() or (values < 0).any() or not values.any():
            raise ConfigError(f"length {length:g}: {values.size} errors; give 4 or more, all finite and 0 or more, not "
                              "all 0")  # fmt: skip
    return lengths, [np.square(values) for values in errors]
