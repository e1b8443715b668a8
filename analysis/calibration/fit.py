r"""Fit: the constant of a law on some measurements, and how well it foretells others.

With r = log(resource/shape), which is log C and an error, of each measurement:

    C            exp of the mean over tasks of their mean r; its interval is a bootstrap over tasks
    fold error   exp of the root mean square of log(measured/predicted)
    bias         exp of its mean: above 1, more was needed than was predicted
    R^2          1 - sum log(measured/predicted)^2 / sum log(measured/mean)^2, the mean being that of the fitted
                 measurements: a law that foretells nothing but this mean has 0, and a bad one is below 0
    R^2 of dimension   the same of resource error^power, of which a law without a dimension foretells the mean only: the
                 error, which is known and spans a decade, makes the first R^2 of any law large
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import bootstrap

from analysis.given import generator
from eventsim.errors import ConfigError

__all__ = ["Fit", "Scores", "fit", "held_out", "residuals", "score"]

#: Bootstrap samples; intervals are 95 %.
_RESAMPLES = 1000

#: A sum of squared logarithms below which there is nothing to explain.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Fit:
    """A law's constant, its 95 % interval over tasks, and what it was fitted to.

    Parameters
    ----------
    constant, low, high : float
    tasks, measurements : int
    mean : float
        Mean log resource of the fitted measurements, tasks weighing alike.
    mean_at_error : float
        Mean log of resource error^power.
    """

    constant: float
    low: float
    high: float
    tasks: int
    measurements: int
    mean: float
    mean_at_error: float

    def to_json(self):
        """Mapping of plain types."""
        return asdict(self)


@dataclass(frozen=True)
class Scores:
    """How well predictions do, each figure with its 95 % interval over tasks; see the head of this file.

    An R^2 is None where the measurements are all alike.
    """

    r_squared: tuple
    dimension_r_squared: tuple
    fold_error: tuple
    bias: tuple
    tasks: int
    measurements: int

    def to_json(self):
        """Mapping of plain types."""
        return asdict(self)


def fit(law, table, seed=0):
    """The constant of a law on a table of measurements, as Fit.

    Parameters
    ----------
    law : Law
    table : DataFrame
        Rows as `Measurement.row` gives them.
    seed : int
        Of the bootstrap.
    """
    if not len(table):
        raise ConfigError(f"no measurement of the code {law.code!r} to fit its constant to")
    used, shape = np.log(law.measured(table)), np.log(law.shape(table))
    by_task = _by_task(table, used - shape)
    at_error = used + law.power * np.log(table["error"].to_numpy())
    low, high = np.exp(_interval(by_task, seed))
    return Fit(float(np.exp(by_task.mean())), float(low), float(high), by_task.size, len(table),
               float(_by_task(table, used).mean()), float(_by_task(table, at_error).mean()))  # fmt: skip


def residuals(law, fitted, table):
    """log(measured/predicted) of each row: (rows,) float64."""
    return np.log(law.measured(table)) - np.log(fitted.constant * law.shape(table))


def held_out(law, table, by, seed=0):
    """Predictions for each row by a fit to the rows in which the column `by` is another.

    Returns
    -------
    (log ratio, against the mean, against the mean at that error) : (rows,) float64 arrays
        log(measured/predicted), and log resource, and log resource error^power, above their means in the fit.
    """
    found = np.full((3, len(table)), np.nan)
    for level in table[by].unique():
        out = (table[by] == level).to_numpy()
        if out.all():
            raise ConfigError(f"all measurements in the code {law.code!r} have the {by} {level!r}; none is left to fit")
        found[:, out] = _parts(law, fit(law, table[~out], seed), table[out])
    return found


def score(law, table, parts, seed=0):
    """Scores of predictions whose `parts` are what `held_out` returns; or those of a Fit in its place."""
    ratio, from_mean, from_mean_at_error = _parts(law, parts, table) if isinstance(parts, Fit) else parts
    clusters = [np.flatnonzero((table["task"] == task).to_numpy()) for task in table["task"].unique()]
    sums = np.array([[np.square(ratio[rows]).sum(), np.square(from_mean[rows]).sum(),
                      np.square(from_mean_at_error[rows]).sum(), ratio[rows].sum(), rows.size]
                     for rows in clusters])  # fmt: skip
    figures = _figures(sums.sum(axis=0))
    drawn = generator(seed).integers(len(sums), size=(_RESAMPLES, len(sums)))
    again = np.array([_figures(sums[rows].sum(axis=0)) for rows in drawn])
    low, high = np.quantile(again, [0.025, 0.975], axis=0)
    each = [tuple(float(v) if np.isfinite(v) else None for v in values) for values in zip(figures, low, high)]
    return Scores(*each, tasks=len(sums), measurements=len(table))


def _parts(law, fitted, table):
    used = np.log(law.measured(table))
    at_error = used + law.power * np.log(table["error"].to_numpy())
    return np.array([residuals(law, fitted, table), used - fitted.mean, at_error - fitted.mean_at_error])


def _figures(sums):
    missed, spread, spread_at_error, total, rows = sums
    share, of_dimension = (1 - missed / whole if whole > _NOTHING else np.nan for whole in (spread, spread_at_error))
    return share, of_dimension, np.exp(np.sqrt(missed / rows)), np.exp(total / rows)


def _by_task(table, values):
    """Means over the rows of each task: (tasks,)."""
    names, task = np.unique(table["task"].to_numpy(), return_inverse=True)
    return np.bincount(task, values) / np.bincount(task, minlength=names.size)


def _interval(values, seed):
    """95 % interval of the mean, by bootstrap; the mean itself, twice, of values that do not differ."""
    if values.size < 2 or np.ptp(values) == 0:
        return values.mean(), values.mean()
    rng = generator(seed)
    found = bootstrap((values,), np.mean, n_resamples=_RESAMPLES, rng=rng, method="percentile").confidence_interval
    return found.low, found.high
