"""Adaptive neurons, drive that changes in steps, Poisson input and written-out refractoriness, against closed forms."""

from functools import partial

import brian2
import numpy as np
import pytest
from brian2 import Hz, Network, NeuronGroup, PoissonGroup, TimedArray, ms
from scipy import stats
from scipy.optimize import brentq

import eventsim
from eventsim.compiled_network import Operation
from eventsim.errors import CompileError
from eventsim.neurons import ADAPTIVE, CURRENTS
from eventsim.neurons.recognise import recognise
from eventsim.neurons.steps import changes_of
from tests.eventsim.continuous import hand_made
from tests.eventsim.continuous.runs import run_exactly

DRIVE, TAU = 1.7, 10.0  # ms


def _first_root(function, grid):
    """The first sign change of a function on a fine grid, refined."""
    values = function(grid)
    k = int(np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))[0])
    return brentq(function, grid[k], grid[k + 1], xtol=1e-15, rtol=8.9e-16)


def _gap_to(rest, raised, slow):
    """How far v, from 0, is above a threshold that is `raised` above its rest, as a function of time."""
    return lambda s: -DRIVE * np.expm1(-s / TAU) - rest - raised * np.exp(-s / slow)


def _adaptive(rates, condition, state, reset, **constants):
    return hand_made.Cells("cells", 1, state=state, rates=rates, condition=condition, reset=reset,
                           constants={"tau": TAU / 1e3, "drive": DRIVE, **constants})  # fmt: skip


def test_a_threshold_that_relaxes_and_jumps_gives_the_closed_form():
    rates = {"v": "(drive - v)/tau", "theta": "(rest - theta)/slow"}
    cells = _adaptive(rates, "v > theta", {"v": 0.0, "theta": 1.0}, ("v = 0", "theta += 0.25"), rest=0.9, slow=0.02)
    made = hand_made.network([cells], ticks=2000)
    assert recognise(made, 0).family == ADAPTIVE
    expected, t, theta = [], 0.0, 1.0
    while True:
        wait = _first_root(_gap_to(0.9, theta - 0.9, 20.0), np.linspace(0, 100, 20_001))
        t, theta = t + wait, 0.9 + (theta - 0.9) * np.exp(-wait / 20.0) + 0.25
        if t >= 200.0:
            break
        expected.append(t)
    assert len(expected) > 10
    assert run_exactly(made).time_ms == pytest.approx(expected, rel=1e-12, abs=0)


def test_a_threshold_that_falls_onto_a_resting_neuron_makes_it_fire():
    rates = {"v": "-v/tau", "theta": "(rest - theta)/fast"}
    cells = _adaptive(rates, "v - 2*theta >= 0.1", {"v": 1.0, "theta": 2.0}, ("v = 0",), rest=0.1, fast=0.002)
    found = run_exactly(hand_made.network([cells], ticks=400))
    met = _first_root(lambda s: np.exp(-s / TAU) - 2 * (0.1 + 1.9 * np.exp(-s / 2.0)) - 0.1, np.linspace(0, 10, 10_001))
    assert found.time_ms == pytest.approx([met], rel=1e-12, abs=0)


def test_a_current_that_grows_with_each_spike_and_decays_gives_the_closed_form():
    rates = {"v": "(drive - v - w)/tau", "w": "-w/slow"}
    cells = _adaptive(rates, "v > 1", {"v": 0.0, "w": 0.0}, ("v = 0", "w += 0.2"), slow=0.05)
    made = hand_made.network([cells], ticks=2000)
    assert recognise(made, 0).family == CURRENTS
    expected, t, w = [], 0.0, 0.0
    share = (1 / TAU) / (1 / TAU - 1 / 50.0)

    def gap(s, w):
        return -DRIVE * np.expm1(-s / TAU) - share * w * (np.exp(-s / 50.0) - np.exp(-s / TAU)) - 1

    while True:
        wait = _first_root(partial(gap, w=w), np.linspace(1e-9, 150, 30_001))
        t, w = t + wait, w * np.exp(-wait / 50.0) + 0.2
        if t >= 200.0:
            break
        expected.append(t)
    assert len(expected) > 5
    assert run_exactly(made).time_ms == pytest.approx(expected, rel=1e-12, abs=0)


def test_while_refractory_the_threshold_relaxes_and_a_guarded_neuron_waits():
    rates = {"v": "int(not_refractory)*(drive - v)/tau", "theta": "(rest - theta)/slow"}
    cells = hand_made.Cells("cells", 1, state={"v": 0.0, "theta": 1.0}, rates=rates, condition="v > theta",
                            constants={"tau": TAU / 1e3, "drive": DRIVE, "rest": 1.0, "slow": 0.02},
                            reset=("v = 0", "theta += 0.5"), refractory_s=5e-3, guarded=("v",))  # fmt: skip
    times = run_exactly(hand_made.network([cells], ticks=400)).time_ms
    first = -TAU * np.log(1 - 1 / DRIVE)
    raised = 0.5 * np.exp(-5.0 / 20.0)
    second = first + 5.0 + _first_root(_gap_to(1.0, raised, 20.0), np.linspace(0, 100, 20_001))
    assert times[:2] == pytest.approx([first, second], rel=1e-12, abs=0)


def _piecewise(drives, edges, stop):
    """Spike times of dv/dt = (drive - v)/TAU, reset to 0 at 1, whose drive changes at `edges`; in ms."""
    t, v, found = 0.0, 0.0, []
    for drive, end in zip(drives, [*edges, stop]):
        while t < end:
            wait = TAU * np.log((drive - v) / (drive - 1)) if drive > 1 else np.inf
            if t + wait < end:
                t, v = t + wait, 0.0
                found.append(t)
            else:
                t, v = end, drive + (v - drive) * np.exp(-(end - t) / TAU)
    return found


def test_drive_from_tables_of_time_is_exact_between_its_changes():
    common, own = np.array([0.0, 1.5, 3.0, 0.5, 0.5, 2.0]), np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    names = {"common": TimedArray(common, dt=5 * ms), "own": TimedArray(own, dt=7 * ms), "tau": TAU * ms}
    group = NeuronGroup(2, "dv/dt = (common(t) + own(t, i) - v)/tau : 1", threshold="v > 1", reset="v = 0",
                        method="euler", name="cells")  # fmt: skip
    made = eventsim.compile_network(Network(group), namespace=names)
    assert changes_of(made, 0).tolist() == [50, 70, 100, 140, 150, 250]  # 200 changes nothing
    found = run_exactly(made, duration_ms=50)
    edges = [5.0, 7.0, 10.0, 14.0, 15.0, 25.0]
    for neuron in (0, 1):
        drives = [common[min(int(t // 5), 5)] + own[min(int(t // 7), 2), neuron] for t in [0.0, *edges]]
        expected = _piecewise(drives, edges, 50.0)
        assert len(expected) > 3
        assert found.time_ms[found.neuron == neuron] == pytest.approx(expected, rel=1e-12, abs=0)
    pieces = eventsim.Simulation(made, made.stimulus.lasting(500), clock="continuous")
    for ticks in (70, 1, 69, 10, 350):
        pieces.run(ticks)
    assert pieces.finish().manifest["spikes_hash"] == found.trace.manifest["spikes_hash"]


def test_poisson_input_has_exponential_intervals_at_the_rate_of_each_moment():
    rate = TimedArray(np.array([200.0, 50.0]) * Hz, dt=1 * brian2.second)
    made = eventsim.compile_network(Network(PoissonGroup(40, "rate(t)", name="input")), namespace={"rate": rate},
                                    noise="rekey", seed=3)  # fmt: skip
    found = run_exactly(made, duration_ms=2000)
    # By time rescaling: intervals of the integrated rate are unit exponentials.
    time = np.where(found.time_ms < 1000, 0.2 * found.time_ms, 200 + 0.05 * (found.time_ms - 1000))
    order = np.lexsort((time, found.neuron))
    intervals = np.diff(time[order])[np.diff(found.neuron[order]) == 0]
    assert intervals.size > 9000
    assert stats.kstest(intervals, "expon").pvalue > 1e-3
    assert stats.kstest(intervals, "expon", args=(0, 1.05)).pvalue < 1e-3
    early = (found.time_ms < 1000).sum()
    assert stats.binomtest(int(early), found.time_ms.size, 0.8).pvalue > 1e-3
    assert (found.offset > 0).all()


@pytest.mark.parametrize("refractory", [
    "timestep(t - lastspike, dt) < 30", "timestep(t - lastspike, dt) <= 29", "t - lastspike < 3*ms", "3*ms", "rest",
    3 * ms,
])  # fmt: skip
def test_a_refractory_period_may_be_written_in_any_way(refractory):
    group = NeuronGroup(2, "dv/dt = (24 - v)/(20*ms) : 1 (unless refractory)\nrest : second (constant)",
                        threshold="v > 20", reset="v = 10", refractory=refractory, method="exact",
                        name="cells")  # fmt: skip
    group.rest = [3, 4] * ms if refractory == "rest" else 3 * ms
    found = run_exactly(eventsim.compile_network(Network(group), namespace={"ms": ms}), duration_ms=200)
    for neuron, period in enumerate((3.0, 4.0 if refractory == "rest" else 3.0)):
        times = found.time_ms[found.neuron == neuron]
        expected = 20 * np.log(24 / 4) + (20 * np.log(14 / 4) + period) * np.arange(times.size)
        assert times.size > 4 and times == pytest.approx(expected, rel=1e-12, abs=0)


def test_the_compiler_marks_the_update_that_integrates_and_no_other():
    group = NeuronGroup(1, "dv/dt = -v/(9*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="cells")
    group.run_regularly("v = 0", when="before_synapses", name="forget")
    made = eventsim.compile_network(Network(group), namespace={"ms": ms})
    assert [o.integrates for o in made.schedule if o.kind == "update"] == [True, False]
    with pytest.raises(CompileError, match="'cells': an update of v in continuous time"):
        run_exactly(made, duration_ms=1)


def _group(equations, refractory=False, **options):
    return NeuronGroup(1, equations, refractory=refractory, name="cells",
                       **{"threshold": "v > 1", "reset": "v = 0", "method": "euler"} | options)  # fmt: skip


@pytest.mark.parametrize("group, statement", [
    (lambda: _group("dv/dt = (1 - v)/(9*ms) : 1 (unless refractory)", refractory="v > 0.5"), "the refractory period"),
    (lambda: _group("dv/dt = -v/(9*ms) : 1\ndh/dt = (v - h)/(5*ms) : 1", threshold="v > h"), "does not just relax"),
    (lambda: _group("dv/dt = (1 - v - h)/(9*ms) : 1\ndh/dt = -h/(5*ms) : 1", threshold="v > h"), "that changes"),
    (lambda: _group("dv/dt = (1 - v*v)/(9*ms) : 1"), r"v \*\* 2|v \* v"),
])  # fmt: skip
def test_what_stays_unsupported_is_refused_by_object_and_statement(group, statement):
    made = eventsim.compile_network(Network(group()), namespace={"ms": ms})
    with pytest.raises(CompileError, match=rf"cannot compile 'cells': .*({statement}).* supported: integrate-and-fire"):
        run_exactly(made, duration_ms=1)


def test_a_delivery_that_multiplies_is_refused_by_pathway():
    cells = [hand_made.sources("input", 1), hand_made.lif("cell", 1)]
    made = hand_made.network(
        cells, [hand_made.wires("input", "cell", 0, 0, 1.0, effects=(("v", "multiply", "weight"),))]
    )
    with pytest.raises(CompileError, match=r"'wires0': 'v' \*= 'weight', in continuous time; supported: \+= and ="):
        run_exactly(made)


def test_an_update_is_not_taken_for_the_integrator():
    assert Operation("update", 0).integrates is False
