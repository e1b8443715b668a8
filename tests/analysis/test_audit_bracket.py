"""Matrix exponentials and brackets are held against scipy, and against a fine sample of the same curves."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from analysis.audit.bracket import exponential, rises_above, summed_exponential
from analysis.audit.forms import Form, Logistic, evaluate


def _matrices(rng, n):
    """Membranes under two currents and a drive, of random time constants, some equal."""
    matrix = np.zeros((n, 4, 4))
    matrix[:, 0] = np.column_stack([-rng.uniform(0.01, 1, n), *rng.normal(0, 1, (2, n)), rng.normal(0.3, 1, n)])
    matrix[:, 1, 1], matrix[:, 2, 2] = -rng.uniform(0.01, 2, (2, n))
    matrix[: n // 4, 1, 1] = matrix[: n // 4, 0, 0]
    matrix[: n // 8, 1, 2] = 0.5
    return matrix


def test_exponentials_are_scipys():
    rng = np.random.default_rng(0)
    matrix = _matrices(rng, 200) * 10 ** rng.uniform(-6, 3, 200)[:, None, None]
    mine, theirs = exponential(matrix), np.array([expm(m) for m in matrix])
    scale = np.abs(theirs).max(axis=(1, 2))
    assert (np.abs(mine - theirs).max(axis=(1, 2)) / scale).max() < 1e-12


def test_a_bracket_finds_what_a_fine_sample_finds_and_never_what_is_not_there():
    rng = np.random.default_rng(1)
    n = 400
    matrix, state = _matrices(rng, n), np.column_stack([rng.uniform(-1, 0.9, n), *rng.normal(0, 1, (2, n)), np.ones(n)])
    row, length = np.tile([1.0, 0.0, 0.0, -1.0], (n, 1)), rng.uniform(0.1, 30, n)
    steps = np.linspace(0, 1, 2001)
    excess = np.array([[row[k] @ x for x in exponential(matrix[k] * length[k] * steps[:, None, None]) @ state[k]]
                       for k in range(n)])  # fmt: skip
    when = rises_above(matrix, state, row, length, np.full(n, 1e-9))
    above = excess.max(axis=1) > 1e-9
    assert 50 < above.sum() < n - 50
    assert not (above & np.isnan(when)).any()
    found = np.flatnonzero(~np.isnan(when))
    at = exponential(matrix[found] * when[found, None, None])
    value = np.einsum("mi,mij,mj->m", row[found], at, state[found])
    assert (value > 0).all() and (when[found] <= length[found]).all()


@pytest.mark.parametrize("lift, found", [(1e-7, True), (-1e-7, False)])
def test_a_bracket_sees_a_peak_that_hardly_passes_the_threshold(lift, found):
    # v' = a - v, a' = -a from v = 0, a = 1: v = t exp(-t), at its largest, 1/e, at t = 1.
    matrix = np.array([[[-1.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]]])
    row = np.array([[1.0, 0.0, lift - np.exp(-1)]])
    when = rises_above(matrix, np.array([[0.0, 1.0, 1.0]]), row, np.array([40.0]), np.array([1e-9]))
    assert np.isnan(when[0]) != found
    if found:
        assert when[0] == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("slope", [0.0, 1e-14, 0.3, -0.2])
def test_a_summed_exponential_is_the_integral(slope):
    row, matrix = np.array([2.0, -1.0]), np.array([[0.0, slope], [0.0, 0.0]])
    due, _ = quad(lambda t: np.exp(2.0 * (0.3 + slope * t) - 1.0), 0, 7.0, epsabs=0, epsrel=1e-13)
    assert summed_exponential(row, matrix, np.array([0.3, 1.0]), 7.0) == pytest.approx(due, rel=1e-13)


def test_forms_are_what_numbers_would_give():
    rng = np.random.default_rng(4)
    text = "(drive + 2*a - (b - a)/3 - v)/tau + exp(0.5*u - 1)*k"
    constants = {"drive": 0.9, "tau": 0.02, "k": 4.0}
    names = {name: Form(0.0, {name: 1.0}) for name in "abuv"}
    form = evaluate(text, names | constants, "here")
    for _ in range(5):
        values = dict(zip("abuv", rng.normal(size=4)))
        value = form.constant + sum(c * values[name] for name, c in form.coefficients.items())
        for factor, inner in form.exponentials:
            value += factor * np.exp(inner.constant + sum(c * values[name] for name, c in inner.coefficients.items()))
        assert value == pytest.approx(eval(text, {"exp": np.exp}, values | constants), rel=1e-13)
    chance = evaluate("1/(1 + exp(-(u + 2)))", names, "here")
    assert isinstance(chance, Logistic)
    assert (chance.inner.constant, chance.inner.coefficients) == (2.0, {"u": 1.0})
