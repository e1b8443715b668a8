r"""Reverse water-filling: how a Gaussian with these variances shares out a squared error, and what it costs in bits.

    sum_i min(level, v_i) = mse,    bits = sum_i max(0, log2(v_i / level) / 2)

A direction whose variance is below the level gets no bits at all and errs by its whole variance.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["WaterFilling", "reverse_water_filling"]


@dataclass(frozen=True)
class WaterFilling:
    """The level, how many directions rise above it, and the bits that they get."""

    level: float
    active: int
    bits: float


def reverse_water_filling(variances, mse):
    """Level, active directions and bits of a Gaussian at a squared error, as WaterFilling.

    Parameters
    ----------
    variances : (d,) float
        Eigenvalues of the covariance, in descending order, 0 or more.
    mse : float
        Mean squared error summed over directions, above 0. From the sum of the variances on, no bits are needed.

    Source
    ------
    Cover and Thomas, Elements of Information Theory, 2nd ed. 2006: section 10.3.3, theorem 10.3.3.
    """
    tail = np.append(np.cumsum(variances[::-1])[::-1][1:], 0.0)
    order = np.arange(1, variances.size + 1)
    # The k largest are all above the level when mse is below sum_i min(v_k, v_i) = k v_k + tail_k.
    active = int(np.count_nonzero(mse < order * variances + tail))
    level = (mse - tail[active - 1]) / active if active else variances[0]
    return WaterFilling(float(level), active, float(0.5 * np.log2(variances[:active] / level).sum()))
