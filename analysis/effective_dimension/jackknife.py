r"""Standard errors by leaving out one group of samples at a time.

With h_j = S/m_j for a group of m_j of S samples, theta the estimate and theta_j that without group j,

    pseudo-value  h_j theta - (h_j - 1) theta_j,        theta_J = G theta - sum_j (1 - m_j/S) theta_j
    variance      mean over the G groups of (pseudo-value - theta_J)^2 / (h_j - 1)

Nothing is drawn twice, as in a bootstrap: repeated samples have neighbours at distance 0, and the spectrum of a smaller
set. Samples that belong together (crops of one corner of a photograph) are left out together, or the error comes out
too small.

Source: Busing, Meijer and van der Leeden 1999, Statistics and Computing 9:3 (groups of any size; of equal ones it is
the ordinary delete-d jackknife).
"""

import numpy as np

from eventsim.errors import ConfigError

__all__ = ["jackknife_errors", "random_groups"]


def random_groups(count, size, rng):
    """`size` groups of `count` independent samples, as equal as can be, (count,) integers."""
    return rng.permutation(count) % size


def jackknife_errors(statistic, groups, whole, report=None):
    """Standard errors of a vector of estimates.

    Parameters
    ----------
    statistic : callable
        From the indices of the samples to keep to the estimates, (E,).
    groups : (S,) integer
        Which samples are left out together; at least 4 different.
    whole : (E,) float
        The estimates from all samples.
    report : callable, optional
        Called with the fraction done after each group.

    Returns
    -------
    ((E,) float64, int)
        Errors, nan where an estimate without some group is not finite; and degrees of freedom, groups less one.
    """
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 4:
        raise ConfigError(f"samples come in {len(names)} groups; the jackknife takes at least 4, better 20")
    without = np.empty((len(names), len(whole)))
    for place, name in enumerate(names):
        without[place] = statistic(np.flatnonzero(groups != name))
        if report:
            report((place + 1) / len(names))
    left = (sizes / len(groups))[:, None]
    # An estimate that is infinite has no error: inf - inf is nan, as it should be.
    with np.errstate(invalid="ignore"):
        pseudo = whole / left - (1 / left - 1) * without
        centre = len(names) * np.asarray(whole) - ((1 - left) * without).sum(axis=0)
        errors = np.sqrt((np.square(pseudo - centre) / (1 / left - 1)).mean(axis=0))
    return errors, len(names) - 1
