"""matches: where the copies of neurons stand in a list."""

import numpy as np

__all__ = ["matches"]


def matches(ordered, wanted):
    """All places at which wanted numbers stand.

    Parameters
    ----------
    ordered : (n,) int
        Ascending; a number may stand there several times.
    wanted : (m,) int

    Returns
    -------
    (k, place) : each (n_matches,) int64
        ordered[place] == wanted[k]; by k, then by place.
    """
    first, last = (np.searchsorted(ordered, wanted, side=side) for side in ("left", "right"))
    k = np.repeat(np.arange(first.size), last - first)
    within = np.arange(k.size) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    return k, first[k] + within
