"""Neurons that fire by chance: what is settled before a chance is worked out, and that it settles it rightly."""

import brian2
import numpy as np
import pytest

from eventsim import compile_network, simulate
from eventsim.grid.chance import screen_of
from eventsim.grid.plan import plan_for
from eventsim.grid.source import kernel_source
from eventsim.noise import keyed_uniform
from eventsim.philox import STEPS_AT_ONCE, least_logs, uniform_array

_UNIFORM = "keyed_uniform(key_lo, key_hi, t_in_timesteps, purpose, seed)"


@pytest.mark.parametrize("step", [0, 5, 2**32 - 2, 2**40])
def test_no_uniform_number_has_a_logarithm_below_its_bound_or_far_above(step):
    key_lo, key_hi = np.arange(-500, 200_000, dtype=np.int32), np.full(200_500, -7, dtype=np.int32)
    least = np.empty((STEPS_AT_ONCE, key_lo.size), dtype=np.float32)
    least_logs.outlined(key_lo, key_hi, step, 3, 2**31 - 1, least.ravel())
    for later, bounds in enumerate(least):
        drawn = uniform_array(key_lo, key_hi, step + later, 3, 2**31 - 1)
        assert drawn.min() < 1e-4
        assert (np.log(drawn) > bounds).all()
        known = drawn[drawn > 2.0**-27] - 2.0**-27  # what its upper bits tell is above this
        assert (np.log(known) < bounds[drawn > 2.0**-27] + 0.062).all()  # 0.0597 between a logarithm and its chord


def test_a_chance_is_screened_by_its_log_odds_and_what_draws_nothing_is_asked_first():
    screen = screen_of(f"{_UNIFORM} < (1.0 / (1.0 + exp(- (log_odds + u))))", {"u"}, "here")
    assert (screen.expression, screen.drawn) == ("((log_odds + u) > least_log)", ("t_in_timesteps", "purpose", "seed"))
    screen = screen_of(f"(v + held > 0.5) and ({_UNIFORM} < chance)", {"v", "held"}, "here")
    assert (screen.expression, screen.drawn) == ("(v + held > 0.5)", ())


@pytest.mark.parametrize("condition", [
    f"{_UNIFORM} < chance",
    f"{_UNIFORM} > 1.0 / (1.0 + exp(-u))",
    f"{_UNIFORM} < 1.0 / (1.0 + exp(u))",
    f"{_UNIFORM} < 1.0 / (2.0 + exp(-u))",
    f"({_UNIFORM} < 1.0 / (1.0 + exp(-u))) or (u > 3.0)",
    "keyed_uniform(key_lo, key_hi, int(u), purpose, seed) < 1.0 / (1.0 + exp(-u))",
    "keyed_uniform(key_lo, key_hi, 0, t_in_timesteps, seed) < 1.0 / (1.0 + exp(-u))",
])  # fmt: skip
def test_other_conditions_are_asked_as_they_are(condition):
    assert screen_of(condition, {"u"}, "here") is None


def _pool(u_start, log_odds):
    network = brian2.Network()
    pool = brian2.NeuronGroup(
        700, """du/dt = 0.05/second : 1
                key_lo : integer (constant)
                key_hi : integer (constant)""",
        threshold=f"{_UNIFORM.replace('purpose, seed', '0, 7')} < 1/(1 + exp(-(u + {log_odds})))",
        method="euler", dt=1 * brian2.ms, name="pool", namespace={"keyed_uniform": keyed_uniform},
    )  # fmt: skip
    pool.key_lo, pool.key_hi, pool.u = np.arange(700), 11, u_start
    network.add(pool)
    return network, pool


@pytest.mark.parametrize("u_start", [-50.0, -38.0, -9.0, 0.0, 40.0, np.linspace(-45, 5, 700)])
def test_spikes_are_brian2s_from_chances_of_nothing_to_certainty(u_start):
    brian2.prefs.codegen.target = "numpy"
    network, pool = _pool(u_start, -1.5)
    compiled = compile_network(network)
    assert "least_logs(" in kernel_source(compiled, plan_for(compiled))[0]
    ours = simulate(compiled, duration_ms=150).spikes()
    monitor = brian2.SpikeMonitor(pool)
    network.add(monitor)
    network.run(150 * brian2.ms)
    assert monitor.num_spikes > 0 or np.max(u_start) < -30
    order = np.lexsort((np.asarray(monitor.i), np.round(monitor.t / brian2.ms)))
    np.testing.assert_array_equal(ours.tick, np.round(monitor.t / brian2.ms).astype(int)[order])
    np.testing.assert_array_equal(ours.neuron, np.asarray(monitor.i)[order])
