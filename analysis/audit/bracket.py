"""Between events: linear motion by matrix exponentials, and a proof that a linear function of the state stays low.

With d state/dt = M state, the function e = row @ state has e'' = row @ exp(M t) M^2 state. Entry by entry,
|exp(M t) y| <= exp(M+ h) |y| for 0 <= t <= h, where M+ holds the absolute values off the diagonal and, on it, what is
positive. So |e''| <= B over a stretch of length h, with B = |row| @ exp(M+ h) |M^2 state|, and

    e <= max(e(0), e(h)) + B h^2 / 8,      |e' - e'(0)| <= B h.

A stretch for which neither settles the question is halved, until all are settled.
"""

import numpy as np

__all__ = ["exponential", "rises_above", "summed_exponential"]

#: Terms of the Taylor series, enough for 2^-53 where the norm is at most a half: 0.5^16/16! = 7e-19.
_TERMS = 15

#: Halvings after which a stretch counts as settled; by then it is shorter than a rounding of its time.
_DEEPEST = 60


def exponential(matrices):
    """exp of each of (m, n, n) matrices: Taylor series of a power of two's fraction, squared up again.

    N. J. Higham, Functions of Matrices, SIAM 2008, section 10.3. Entries that overflow are infinite or not a number.
    """
    if not len(matrices):
        return matrices
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        norm = np.abs(matrices).sum(axis=2).max(axis=1)
        halvings = np.clip(np.ceil(np.log2(np.maximum(norm, 1e-300))) + 1, 0, 1000).astype(np.int64)
        scaled = matrices * 0.5 ** halvings[:, None, None]
        identity = np.eye(matrices.shape[1])
        total = identity + scaled / _TERMS
        for term in range(_TERMS - 1, 0, -1):
            total = identity + scaled @ total / term
        for step in range(int(halvings.max())):
            more = halvings > step
            total[more] = total[more] @ total[more]
    return total


def rises_above(matrix, state, row, length, tolerance):
    """Which stretches have a moment at which row @ state is above a tolerance.

    Parameters
    ----------
    matrix : (m, n, n) float64
    state : (m, n) float64
        At the beginning.
    row : (m, n) float64
    length : (m,) float64
    tolerance : (m,) float64
        Above 0.

    Returns
    -------
    when : (m,) float64
        From the beginning to a moment at which it is; not a number where there is none.
    """
    when = np.full(length.size, np.nan)
    which, begin = np.flatnonzero(length > 0), np.zeros(length.size)
    state, begin = state[which], begin[which]
    for depth in range(_DEEPEST):
        if not which.size:
            break
        m, r, h = matrix[which], row[which], length[which] * 0.5**depth
        half = exponential(m * (0.5 * h)[:, None, None])
        middle = _apply(half, state)
        end = _apply(half, middle)
        settled, above = _judge(m, r, h, state, middle, end, tolerance[which])
        found = np.flatnonzero(above.any(axis=0))
        first = above[:, found].argmax(axis=0)  # at the beginning, in the middle, at the end
        np.fmin.at(when, which[found], begin[found] + 0.5 * first * h[found])
        undecided = ~settled & np.isnan(when[which])
        which, h = which[undecided], h[undecided]
        state = np.concatenate([state[undecided], middle[undecided]])
        begin = np.concatenate([begin[undecided], begin[undecided] + 0.5 * h])
        which = np.concatenate([which, which])
    return when


def _judge(m, row, h, state, middle, end, tolerance):
    """(m,) bool, whether each stretch is settled, and (3, m) bool, whether it is above at its three states."""
    e = [_dot(row, x) for x in (state, middle, end)]
    slope = _dot(row, _apply(m, state))
    majorant = np.abs(m)
    diagonal = np.arange(m.shape[1])
    majorant[:, diagonal, diagonal] = np.maximum(m[:, diagonal, diagonal], 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        bend = _dot(np.abs(row), _apply(exponential(majorant * h[:, None, None]), np.abs(_apply(m, _apply(m, state)))))
        low = np.maximum(e[0], e[2]) + bend * h**2 / 8 <= tolerance
        monotone = np.abs(slope) >= bend * h
    above = np.array(e) > tolerance
    return low | monotone | above.any(axis=0), above


def _dot(a, b):
    return np.einsum("mi,mi->m", a, b)


def _apply(matrices, vectors):
    return np.einsum("mij,mj->mi", matrices, vectors)


def summed_exponential(row, matrix, state, length):
    """The integral of exp(row @ state) over a stretch in which the exponent a + b t is linear, exp(a) (exp(b h) - 1)/b.

    For b h = 0 it is exp(a) h.
    """
    rate = np.exp(row @ state)
    slope = np.where(np.isfinite(row), row, 0.0) @ matrix @ state
    growth = slope * length
    return rate * length * (np.expm1(growth) / growth if growth else 1.0)
