"""Single neurons against formulas, and against matrix exponentials of 30 digits."""

import mpmath
import numpy as np
import pytest

from eventsim.neurons import CURRENTS, EXPONENTIAL, LEAKY, crossing, currents, exponential
from eventsim.neurons.cell import KIND
from tests.eventsim.continuous import hand_made
from tests.eventsim.continuous.runs import run_exactly

CLOSE = {"rel": 1e-12, "abs": 0}


def _kind(family, *parameters, theta=1.0):
    kind = np.zeros(1, KIND)[0]
    kind["family"], kind["theta"] = family, theta
    for k, value in enumerate(parameters):
        kind[f"p{k}"] = value
    return kind


def _times(kinds, synapses=(), **options):
    return run_exactly(hand_made.network(kinds, synapses, **options)).time_ms


def test_a_driven_leaky_neuron_is_periodic():
    first, period = 20 * np.log(24 / 4), 20 * np.log(14 / 4) + 2.0
    times = _times([hand_made.lif("cells", 1, drive=24.0, reset=10.0, refractory_s=2e-3)], ticks=10_000)
    assert times == pytest.approx(first + period * np.arange(times.size), **CLOSE)
    assert times.size == 36


def test_an_integrator_counts_its_drive():
    times = _times([hand_made.integrate("kinds", 1, drive=130.0, theta=1.0, v=0.25)], ticks=10_000)
    assert times == pytest.approx((np.arange(times.size) + 0.75) / 0.130, **CLOSE)
    assert times.size == 130


def test_a_neuron_whose_rest_is_at_threshold_never_fires():
    assert _times([hand_made.lif("cells", 1, drive=20.0)], ticks=100_000).size == 0


def test_a_current_that_decays_twice_as_fast_as_the_membrane_has_a_quadratic_in_exp():
    # v = K (x - x^2) with x = exp(-t/tau), tau_s = tau/2 and K = a tau: theta = K/5 is met at x = (1 + sqrt(1/5))/2.
    constants = {"tau": 0.02, "tau_s": 0.01, "theta": 1.0}
    kinds = hand_made.Cells("kinds", 1, state={"v": 0.0, "a": 5.0 / 0.02}, constants=constants, condition="v > theta",
                            rates={"v": "-v/tau + a", "a": "-a/tau_s"}, reset=("v = 0", "a = 0"))  # fmt: skip
    assert _times([kinds]) == pytest.approx([-20.0 * np.log((1 + np.sqrt(0.2)) / 2)], **CLOSE)


def _matrix(leak, drive, k1, r1, k2, r2, feed):
    """The generator of (v, a, b, 1)."""
    return mpmath.matrix([[-leak, k1, k2, drive], [0, -r1, feed, 0], [0, 0, -r2, 0], [0, 0, 0, 0]])


def _voltage(matrix, start, t):
    return (mpmath.expm(matrix * t, method="taylor") * mpmath.matrix([*start, 1]))[0]


def _crossing_near(guess, matrix, start):
    return float(mpmath.findroot(lambda t: _voltage(matrix, start, t) - 1, mpmath.mpf(guess), tol=1e-40))


def _random_currents(shape, rng):
    leak = 0.0 if rng.random() < 0.2 else rng.uniform(0.02, 0.3)
    r1, r2 = rng.uniform(0.02, 0.6, 2)
    if rng.random() < 0.2:
        r1 = leak or r1
    feed, k2 = (r1, 0.0) if shape == "alpha" else (0.0, 1.0 if shape == "two" else 0.0)
    r2 = r1 if shape == "alpha" else r2
    drive = rng.uniform(-0.2, 0.9 * leak) if leak else rng.uniform(-0.02, 0.02)
    return (leak, drive, 1.0, r1, k2, r2, feed), (rng.uniform(-1, 1), rng.normal() * 0.4, rng.normal() * 0.4)


@pytest.mark.parametrize("shape", ["one", "two", "alpha"])
def test_crossings_under_currents_are_those_of_the_matrix_exponential(shape):
    rng, crossed = np.random.default_rng(len(shape)), 0
    with mpmath.workdps(30):
        for _ in range(120):
            parameters, (v, a, b) = _random_currents(shape, rng)
            kind, matrix = _kind(CURRENTS, *parameters), _matrix(*parameters)
            found = crossing(kind, v, a, b, 60.0)
            grid = np.linspace(0, min(found, 60.0), 50)[1:-1]
            assert max(currents.membrane(kind, v, a, b, t) for t in grid) <= 1.0
            if np.isfinite(found):
                crossed += 1
                assert found == pytest.approx(_crossing_near(found, matrix, (v, a, b)), rel=1e-12)
            t = rng.uniform(0, 40)
            assert currents.membrane(kind, v, a, b, t) == pytest.approx(
                float(_voltage(matrix, (v, a, b), t)), rel=1e-12, abs=1e-13
            )
    assert 10 < crossed < 110


def test_a_current_that_would_only_graze_the_threshold_is_told_from_one_that_crosses():
    # v = a tau (x - x^2) peaks at x = 1/2 with a tau/4.
    kind = _kind(CURRENTS, 0.05, 0.0, 1.0, 0.1, 0.0, 1.0, 0.0)
    assert crossing(kind, 0.0, 0.2 * (1 - 1e-12), 0.0, 1e3) == np.inf
    assert crossing(kind, 0.0, 0.2 * (1 + 1e-12), 0.0, 1e3) == pytest.approx(20 * np.log(2), rel=1e-5)


@pytest.mark.parametrize("slope", [0.0, 0.3, -0.05, 1e-9, -1e-9])
def test_exponential_drive_gains_its_integral(slope):
    kind = _kind(EXPONENTIAL, np.log(0.2), 1.0, 1.0, 0.0)
    u, current = -0.7, slope
    with mpmath.workdps(30):
        exact = mpmath.quad(lambda s: mpmath.mpf("0.2") * mpmath.exp(u + slope * s), [0, 7])
    assert exponential.gain_of(kind, u, current, 7.0) == pytest.approx(float(exact), rel=1e-12)
    assert exponential.time_to_gain(kind, u, current, float(exact)) == pytest.approx(7.0, rel=1e-12)


def test_a_falling_drive_that_gains_too_little_never_fires():
    kind = _kind(EXPONENTIAL, 0.0, 1.0, 1.0, 0.0)  # gains 1/0.5 = 2 in all
    assert exponential.time_to_gain(kind, 0.0, -0.5, 2.1) == np.inf
    assert exponential.time_to_gain(kind, 0.0, -0.5, 1.9) == pytest.approx(-np.log(1 - 0.95) / 0.5, rel=1e-12)


def test_a_look_ahead_that_is_too_short_says_never():
    kind = _kind(LEAKY, 0.05, 0.06, 1.2)
    exact = np.log(1.2 / 0.2) / 0.05
    assert crossing(kind, 0.0, 0.0, 0.0, 1.0) == np.inf
    assert crossing(kind, 0.0, 0.0, 0.0, 1e3) == pytest.approx(exact, rel=1e-14)
