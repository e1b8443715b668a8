"""The grid kernel gives what Brian2's numpy target gives: every spike, and every bit of the final state.

Weights and thresholds lie on a coarse grid wherever ties and exact hits of a threshold matter; leaks do not.
"""

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.compiled_network import CompiledNetwork
from eventsim.grid import engine as grid_engine
from eventsim.grid.kernel import kernel_for
from tests.support.brian2_runs import both, by_brian2, by_eventsim, same

#: Two of each kind with the quick tests, and four more.
SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))]
NOISE = {"keyed_uniform": eventsim.keyed_uniform, "tick": 1 * ms}


pytestmark = pytest.mark.usefixtures("one_millisecond")


def _generator(rng, n, ticks, spikes, name):
    """A generator that fires at tick 0 among others, no neuron twice in a tick."""
    chosen = np.unique(np.concatenate([[0], rng.integers(0, n * ticks, spikes)]))
    return SpikeGeneratorGroup(n, chosen % n, (chosen // n) * ms, name=name)


def _lif(n, name, tau_ms=11.3, reset="v = 0", threshold="v >= 1"):
    return NeuronGroup(n, f"dv/dt = -v/({tau_ms}*ms) : 1", threshold=threshold, reset=reset, method="exact", name=name)


def _wire(rng, source, target, n_synapses, variable="v", delays=(0,), grid=8, order=-1, lowest=-4):
    """Random synapses: parallel ones, zero weights and, in a group of its own, autapses among them."""
    synapses = Synapses(source, target, "w : 1", on_pre=f"{variable}_post += w")
    synapses.connect(i=rng.integers(0, len(source), n_synapses), j=rng.integers(0, len(target), n_synapses))
    synapses.w = rng.integers(lowest, 9, n_synapses) / grid
    synapses.pre.delay = rng.choice(delays, n_synapses) * ms
    synapses.pre.order = order
    return synapses


def _leaky(rng, ticks):
    """Recurrent LIF neurons, delays 0 to 7, two generators, and two Synapses of different order."""
    n = int(rng.integers(2, 30))
    cells = _lif(n, "cells", tau_ms=rng.uniform(2, 40))
    cells.v = rng.integers(0, 12, n) / 8
    first, second = _generator(rng, 5, ticks, 60, "first"), _generator(rng, 3, ticks, 40, "second")
    return Network(
        cells, first, second,
        _wire(rng, first, cells, 40, order=1), _wire(rng, second, cells, 20, delays=range(8)),
        _wire(rng, cells, cells, 6 * n, delays=range(8)), _wire(rng, cells, cells, 2 * n, delays=(0, 3), order=-3),
    )  # fmt: skip


def _soft(rng, ticks):
    """Subtractive reset, and synapses that write start values back in the tick in which others add."""
    n = int(rng.integers(2, 20))
    cells = NeuronGroup(
        n, "dv/dt = drive/tick : 1\ndrive : 1 (constant)\nv_start : 1 (constant)\nx : 1", method="euler",
        threshold="v >= 1", reset="v -= 1\nx += v", namespace=NOISE, name="cells",
    )  # fmt: skip
    cells.drive, cells.v_start = rng.integers(0, 3, n) / 16, rng.integers(-4, 5, n) / 8
    cells.v = cells.v_start
    wipe, drive = _generator(rng, 2, ticks, 12, "wipe"), _generator(rng, 4, ticks, 80, "drive")
    reset = Synapses(wipe, cells, on_pre="v_post = v_start_post\nx_post = 0")
    reset.connect(i=rng.integers(0, 2, n), j=np.arange(n))
    reset.pre.order = -2
    return Network(
        wipe, drive, cells, reset, _wire(rng, drive, cells, 30, delays=(0, 1, 5)),
        _wire(rng, cells, cells, 3 * n, delays=range(4), lowest=-8),
    )  # fmt: skip


def _gates(rng, ticks):
    """Memoryless gates, emptied before each tick's synapses, strictly above threshold, in a loop with LIF cells."""
    n, m = int(rng.integers(2, 12)), int(rng.integers(2, 12))
    gates = NeuronGroup(n, "v : 1", threshold="v > 0.5", name="gates")
    gates.run_regularly("v = 0", when="before_synapses", name="forget")
    cells, drive = _lif(m, "cells", reset="v -= 1"), _generator(rng, 4, ticks, 70, "drive")
    return Network(
        gates, cells, drive, _wire(rng, drive, gates, 20, grid=4), _wire(rng, gates, cells, 4 * m, delays=(0, 2)),
        _wire(rng, cells, gates, 2 * n, delays=(0, 1, 7), grid=2), _wire(rng, cells, cells, m, order=3),
    )  # fmt: skip


def _noisy(rng, ticks):
    """Escape neurons with keyed noise and neurons with exponential drive, inhibiting each other."""
    n = int(rng.integers(2, 16))
    escape = NeuronGroup(
        n, "du/dt = (current + 0.05)/tick : 1\ncurrent : 1\nkey_lo : integer (constant)\nkey_hi : integer (constant)",
        threshold="keyed_uniform(key_lo, key_hi, t_in_timesteps, 0, 77) < 1/(1 + exp(-u))", method="euler",
        namespace=NOISE, name="escape",
    )  # fmt: skip
    escape.key_lo, escape.key_hi = rng.integers(-(2**31), 2**31, n), rng.integers(-(2**31), 2**31, n)
    escape.u = rng.normal(-1.5, 1, n)
    rising = NeuronGroup(
        n, "dv/dt = 0.2*exp(u)/tick : 1\ndu/dt = 0.02/tick : 1", threshold="v >= 1", reset="v -= 1", method="euler",
        namespace=NOISE, name="rising",
    )  # fmt: skip
    rising.u = rng.normal(-1, 1, n)
    drive = _generator(rng, 3, ticks, 20, "drive")
    return Network(
        escape, rising, drive, _wire(rng, drive, escape, 10, "current", grid=64),
        _wire(rng, escape, rising, 3 * n, "u", delays=(0, 3), grid=-16),
        _wire(rng, rising, escape, 3 * n, "u", delays=(1, 2), grid=-16),
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("build", [_leaky, _soft, _gates])
def test_a_random_network_gives_brian2s_spikes_and_final_state(build, seed):
    ours, theirs = both(build(np.random.default_rng(seed), 120), 120)
    assert len(theirs.spikes) > 40
    assert ours.spikes == theirs.spikes
    assert same(ours, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_neurons_with_noise_and_exponentials_give_brian2s_spikes(seed):
    ours, theirs = both(_noisy(np.random.default_rng(seed), 120), 120)
    assert len(theirs.spikes) > 40
    assert ours.spikes == theirs.spikes
    for place, values in theirs.state.items():
        # exp of a changing drive is evaluated by two libraries: the last bit may differ.
        np.testing.assert_allclose(ours.state[place], values, rtol=1e-12, atol=1e-12)
    assert same(
        type(ours)(ours.spikes, {k: v for k, v in ours.state.items() if k[1] in ("u", "current")}),
        type(theirs)(theirs.spikes, {k: v for k, v in theirs.state.items() if k[1] in ("u", "current")}),
    )


def test_the_order_of_synapses_that_fill_a_neuron_decides_the_last_bit_and_is_brian2s():
    rng = np.random.default_rng(3)
    cells, drive = _lif(1, "cells", threshold="v >= 1e9"), _generator(rng, 40, 30, 600, "drive")
    synapses = Synapses(drive, cells, "w : 1", on_pre="v_post += w")
    synapses.connect(i=rng.integers(0, 40, 300), j=np.zeros(300, int))
    synapses.w = rng.normal(size=300) * 10.0 ** rng.integers(-8, 8, 300)
    synapses.pre.delay = rng.integers(0, 8, 300) * ms
    network = Network(cells, drive, synapses)
    ours, theirs = both(network, 40)
    assert same(ours, theirs)
    mixed = synapses.w[:].copy()
    total = theirs.state["cells", "v"][0]
    assert sum(mixed) != sum(mixed[::-1])  # the order does matter at these magnitudes
    assert np.isfinite(total)


def test_a_threshold_is_met_by_equality_only_when_it_says_so():
    for threshold, fires in (("v >= 1", True), ("v > 1", False)):
        cells = NeuronGroup(1, "v : 1", threshold=threshold, reset="v -= 1", name="cells")
        drive = SpikeGeneratorGroup(1, [0], [0] * ms, name="drive")
        synapses = Synapses(drive, cells, on_pre="v_post += 1")
        synapses.connect()
        ours, theirs = both(Network(cells, drive, synapses), 3)
        assert ours.spikes == theirs.spikes == [(0, 1), (1, 0)][: 1 + fires]


def test_an_autapse_of_delay_zero_acts_on_the_next_tick_as_in_brian2():
    cells = NeuronGroup(1, "v : 1", threshold="v >= 1", reset="v -= 1", name="cells")
    cells.v = 1
    synapses = Synapses(cells, cells, on_pre="v_post += 1")
    synapses.connect()
    ours, theirs = both(Network(cells, synapses), 5)
    assert ours.spikes == [(tick, 0) for tick in range(5)]
    assert same(ours, theirs)


def test_an_assigning_reset_wipes_what_arrives_in_its_tick_as_in_brian2():
    cells = NeuronGroup(1, "v : 1", threshold="v >= 1", reset="v = 0", name="cells")
    cells.v = 1
    synapses = Synapses(cells, cells, on_pre="v_post += 1")
    synapses.connect()
    ours, theirs = both(Network(cells, synapses), 5)
    assert ours.spikes == theirs.spikes == [(0, 0)]


def test_subgroups_give_what_they_give_in_brian2():
    rng = np.random.default_rng(5)
    cells, others = _lif(12, "cells"), _lif(9, "others", reset="v -= 1")
    cells.v, others.v = rng.random(12) * 8, rng.random(9) * 8
    parts = [_wire(rng, cells[3:9], others[2:7], 40, delays=range(4)), _wire(rng, others[:4], cells[5:], 30, lowest=4)]
    inner = Synapses(cells[2:5], cells[4:11], "w : 1", on_pre="v_post += w")
    inner.connect(condition="(i + j) % 2 == 0")
    inner.w = "0.1*i + 0.01*j"
    ours, theirs = both(Network(cells, others, *parts, inner), 60)
    assert len(theirs.spikes) > 60
    assert same(ours, theirs)


def test_several_pathways_of_one_synapses_object_give_what_they_give_in_brian2():
    rng = np.random.default_rng(8)
    cells = NeuronGroup(6, "dv/dt = (x - v)/(9*ms) : 1\ndx/dt = -x/(4*ms) : 1", threshold="v >= 0.5", reset="v = 0",
                        method="exact", name="cells")  # fmt: skip
    drive = _generator(rng, 3, 60, 60, "drive")
    synapses = Synapses(drive, cells, "w : 1", on_pre={"fast": "v_post += w", "slow": "x_post += 2*w**2 + 1"},
                        delay={"slow": 3 * ms})  # fmt: skip
    synapses.connect()
    synapses.w = rng.normal(size=18)
    ours, theirs = both(Network(cells, drive, synapses), 60)
    assert len(theirs.spikes) > 80
    assert same(ours, theirs)


def test_time_dependent_statements_give_what_they_give_in_brian2():
    for dt_ms in (0.1, 1.0, 1.3):
        brian2.defaultclock.dt = dt_ms * ms
        cells = NeuronGroup(
            4, "dv/dt = 0.3*(1 + i)/(1.7*ms) : 1\nlast : second", method="euler", reset="v -= 1\nlast = t",
            name="cells", threshold="v >= 1 and (t_in_timesteps % 3 == 0 or t > 20*ms)",
        )  # fmt: skip
        cells.run_regularly("v = v + dt/(50*ms)")
        ours, theirs = both(Network(cells), 60)
        assert len(theirs.spikes) > 5
        assert same(ours, theirs), dt_ms


def test_division_by_zero_gives_infinity_as_in_brian2_and_stops_nothing():
    cells = NeuronGroup(2, "v : 1\nx : 1", threshold="x > 1e300", name="cells")
    cells.v = [0, 2]
    cells.run_regularly("x = 1/v", when="start")
    ours, theirs = both(Network(cells), 3)
    assert ours.spikes == theirs.spikes == [(0, 0), (1, 0), (2, 0)]
    assert ours.state["cells", "x"].tolist() == [np.inf, 0.5]


def test_a_neuron_without_threshold_and_a_synapses_object_without_synapses_are_fine():
    cells, mute = _lif(2, "cells"), NeuronGroup(3, "dv/dt = 1/(5*ms) : 1", method="euler", name="mute")
    cells.v = 2
    synapses = Synapses(cells, mute, on_pre="v_post += 1")
    synapses.connect(condition="i > j + 5")
    ours, theirs = both(Network(cells, mute, synapses), 10)
    assert same(ours, theirs)


# -- the same comparison fails on a wrong engine


def _right():
    network = _soft(np.random.default_rng(1), 120)
    compiled = eventsim.compile_network(network, namespace={})
    return compiled, by_brian2(network, compiled, 120)


def _changed(compiled, edit):
    """The network of the arrays, or of the schedule's text, that `edit` has changed."""
    arrays = {name: np.array(values) for name, values in compiled.to_arrays().items()}
    edit(arrays)
    return CompiledNetwork.from_arrays(arrays, compiled.stimulus)


def _replace_text(before, after):
    def edit(arrays):
        text = arrays["description"].tobytes().decode()
        assert before in text
        arrays["description"] = np.frombuffer(text.replace(before, after).encode(), dtype=np.uint8)

    return edit


def _later_by_one(arrays):
    name = next(name for name in arrays if name.endswith("/delays") and arrays[name].size > 3)
    arrays[name] += 1


def _one_synapse_moved(arrays):
    heaviest, post = np.argmax(arrays["synapses/weight"]), arrays["synapses/post"]
    post[heaviest] = post[post != post[heaviest]][0]


def _weights_off_by_one_bit(arrays):
    arrays["synapses/weight"] *= 1 + 2.0**-52


def test_the_unchanged_arrays_pass_the_comparison():
    compiled, theirs = _right()
    assert same(by_eventsim(_changed(compiled, lambda arrays: None), 120), theirs)


@pytest.mark.parametrize(
    "edit", [_replace_text("v >= 1", "v > 1"), _later_by_one, _one_synapse_moved], ids=["threshold", "delay", "target"]
)
def test_a_wrong_network_fails_the_comparison_of_spikes(edit):
    compiled, theirs = _right()
    assert by_eventsim(_changed(compiled, edit), 120).spikes != theirs.spikes


def test_weights_that_are_wrong_in_their_last_bit_fail_the_comparison_of_states():
    compiled, theirs = _right()
    assert not same(by_eventsim(_changed(compiled, _weights_off_by_one_bit), 120), theirs)


def test_an_engine_that_delivers_before_the_threshold_test_fails_the_comparison(monkeypatch):
    compiled, theirs = _right()
    kinds = {"deliver": 0, "emit": -1}
    early = sorted(compiled.schedule, key=lambda operation: kinds.get(operation.kind, 1))
    wrong = type(compiled)(**{**{name: getattr(compiled, name) for name in compiled.__dataclass_fields__},
                              "schedule": tuple(early)})  # fmt: skip
    monkeypatch.setattr(grid_engine, "kernel_for", lambda _, *options: kernel_for(wrong, *options))
    assert by_eventsim(compiled, 120).spikes != theirs.spikes
