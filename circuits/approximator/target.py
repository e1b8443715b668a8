"""Target: the function that is to be approximated, and what is wrong with it."""

import numpy as np

from circuits.errors import require

__all__ = ["Target"]

#: Permutations on which equivariance is tried, and how much values may differ, in units of the largest: the function's
#: own sums over tokens are rounded in another order.
_PERMUTATIONS, _TOLERANCE = 12, 1e-9


class Target:
    """A function of (n, d) arrays whose values are checked.

    Parameters
    ----------
    f : callable
        (n, d) array -> (n, outputs) array.
    """

    def __init__(self, f):
        require(callable(f), f"approximate: f is {f!r}; give a function of an (n, d) array")
        self._f = f

    def __call__(self, x):
        """Values of inputs (inputs, n, d): (inputs, n, outputs) float64.

        Raises CircuitError unless all have one shape, a row for each token, and are finite.
        """
        values = [np.asarray(self._f(tokens.copy()), dtype=np.float64) for tokens in x]
        n, shapes = x.shape[1], {value.shape for value in values}
        for shape in sorted(shapes):
            fits = len(shape) == 2 and shape[0] == n and shape[1] > 0 and len(shapes) == 1
            require(fits, f"approximate: f turns an array of shape {x.shape[1:]} into one of shape {shape}; it must be "
                          f"({n}, outputs), with as many outputs for every input")  # fmt: skip
        values = np.stack(values)
        bad = ~np.isfinite(values).all(axis=(1, 2))
        require(not bad.any(), f"approximate: f is not finite at {x[bad.argmax()].tolist()}")
        return values

    def check_equivariance(self, x, seed):
        """Raise CircuitError, naming the permutation, if f of permuted tokens is not f permuted; x is (inputs, n, d).

        Every input is tried with its tokens in reverse, and with random permutations.
        """
        rng, n = np.random.default_rng([seed, 200]), x.shape[1]
        orders = [np.arange(n)[::-1], *(rng.permutation(n) for _ in range(_PERMUTATIONS))]
        straight = self(x)
        for order in orders:
            off = np.abs(self(x[:, order]) - straight[:, order]).max()
            require(off <= _TOLERANCE * max(1.0, np.abs(straight).max()),
                    f"approximate: f is not permutation-equivariant: with its tokens in the order {order.tolist()}, "
                    f"its rows are off by {off:.3g} from those in that order; mend it, or fit another one")  # fmt: skip
