"""What one variable tells about another, from pairs of samples."""

import math

import numpy as np

from analysis.given import generator
from analysis.information.entropy import (
    Estimate,
    extrapolated,
    miller_madow_bits,
    nsb_bits,
    plug_in_bits,
    require_samples,
    symbols,
)
from eventsim.errors import ConfigError

__all__ = ["MUTUAL_METHODS", "mutual_information"]

MUTUAL_METHODS = ("plug_in", "miller_madow", "quadratic", "shuffle", "nsb")

#: Random pairings whose information a shuffle correction takes off.
_SHUFFLES = 20


def mutual_information(x, y, method="quadratic", *, alphabet=None, seed=0):
    """Mutual information of x and y, as Estimate.

    Parameters
    ----------
    x, y : (S,) or (S, length) array
        Pairs of samples: stimuli and responses, for instance. A row is one symbol.
    method : str
        "plug_in", "miller_madow", "quadratic": of H(x) + H(y) - H(x, y), as `entropy` estimates each.
        "shuffle": plug-in, less its mean over random pairings. What independent pairs pretend to is more than what
        dependent ones do, so this is low where plug-in is high.
        "nsb": H(y) - H(y|x), H(y|x) being the mean over the x seen; `alphabet` is the number of y that there can be.
    alphabet : int, optional
    seed : int
        Of halvings and pairings.

    Raises
    ------
    ConfigError
        x and y of different lengths; too few samples for the method.

    Source
    ------
    Panzeri, Senatore, Montemurro and Petersen 2007, J. Neurophysiol. 98:1064; and see `entropy`.
    """
    if method not in MUTUAL_METHODS:
        raise ConfigError(f"method is '{method}'; choose one of {', '.join(MUTUAL_METHODS)}")
    x, y = symbols(x), symbols(y)
    if x.size != y.size:
        raise ConfigError(f"x has {x.size} samples and y {y.size}; give them in pairs")
    pairs = _pairs(x, y)
    seen = np.unique(pairs).size
    require_samples(method, x.size, seen, "mutual information")
    bits = _BY_METHOD[method](x, y, alphabet, seed)
    return Estimate(float(bits), _standard_error(x, y, pairs), method, x.size, seen)


def _pairs(x, y):
    return x * (y.max() + 1) + y


def _plug_in(x, y, alphabet=None, seed=0):
    return plug_in_bits(np.bincount(x)) + plug_in_bits(np.bincount(y)) - plug_in_bits(_counts(_pairs(x, y)))


def _miller_madow(x, y, alphabet, seed):
    of_pairs = miller_madow_bits(_counts(_pairs(x, y)))
    return _plug_in(x, y) + miller_madow_bits(np.bincount(x)) + miller_madow_bits(np.bincount(y)) - of_pairs


def _quadratic(x, y, alphabet, seed):
    return extrapolated(lambda rows: _plug_in(x[rows], y[rows]), x.size, seed)


def _shuffle(x, y, alphabet, seed):
    rng = generator(seed)
    return _plug_in(x, y) - np.mean([_plug_in(x, rng.permutation(y)) for _ in range(_SHUFFLES)])


def _nsb(x, y, alphabet, seed):
    given = [(np.mean(x == value), nsb_bits(np.bincount(y[x == value]), alphabet)) for value in np.unique(x)]
    return nsb_bits(np.bincount(y), alphabet) - sum(weight * bits for weight, bits in given)


_BY_METHOD = {"plug_in": _plug_in, "miller_madow": _miller_madow, "quadratic": _quadratic, "shuffle": _shuffle,
              "nsb": _nsb}  # fmt: skip


def _counts(ids):
    return np.unique(ids, return_counts=True)[1]


def _standard_error(x, y, pairs):
    """Of the mean of log2 f(x, y)/(f(x) f(y)) over samples."""
    index, of_pair = np.unique(pairs, return_inverse=True, return_counts=True)[1:]
    of_x, of_y = np.bincount(x)[x], np.bincount(y)[y]
    pointwise = np.log2(of_pair[index] * float(x.size) / (of_x * of_y.astype(float)))
    return float(pointwise.std() / math.sqrt(x.size))
