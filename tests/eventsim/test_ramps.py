"""Ramps that are looked at when one may fire: every spike, count and bit is as if each step had been taken."""

from fractions import Fraction

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms
from numba import njit

import eventsim
from circuits import LatencyHead
from eventsim.grid import sleep_templates
from eventsim.grid.ramps import ramps_of, ticks_to_go
from eventsim.grid.sleep import BLOCK
from tests.support.brian2_runs import by_brian2, by_eventsim, same

pytestmark = pytest.mark.usefixtures("one_millisecond")

CELLS, TICKS = 3 * BLOCK - 5, 150
MODEL = "dv/dt = 2*slope/ms : 1\nslope : 1\nlimit : 1 (constant)\nother : 1"


def build(rng, scale=1.0, grid=4, threshold="v >= limit"):
    """Ramps up and down, whose slopes and values a generator and they themselves set, add to and take from."""
    cells = NeuronGroup(
        CELLS, MODEL, threshold=threshold, reset="v -= limit\nslope = 0\nother += 0.1", method="euler", name="cells"
    )
    cells.limit = scale * rng.integers(8, 40, CELLS) / 4
    cells.v = scale * rng.integers(-20, 20, CELLS) / grid
    cells.slope = scale * rng.integers(-1, 2, CELLS) / grid
    at = np.unique(rng.integers(0, 10 * TICKS, 120))
    source = SpikeGeneratorGroup(10, at % 10, (at // 10) * ms, name="source")
    network = Network(cells, source)
    for k, (sender, effect, n) in enumerate(
        [(source, "slope_post += w", 90), (source, "v_post += w", 60), (cells, "slope_post += w", 50),
         (source, "v_post = 0\nslope_post = 1", 12)]
    ):  # fmt: skip
        effect = effect.replace("= 1", f"= {scale}")
        wires = Synapses(sender, cells, "w : 1", on_pre=effect, name=f"wires_{k}")
        wires.connect(i=rng.integers(0, len(sender), n), j=rng.integers(0, CELLS, n))
        wires.w = scale * rng.integers(-3, 5, n) / grid
        wires.pre.delay = rng.integers(0, 4, n) * ms
        network.add(wires)
    return network


@pytest.fixture
def compiled(one_millisecond):
    return eventsim.compile_network(build(np.random.default_rng(0)))


@pytest.mark.parametrize("seed, threshold", [(0, "v >= limit"), (1, "v > 2*limit - 3")])
def test_ramps_have_brian2s_spikes_and_bits(seed, threshold):
    network = build(np.random.default_rng(seed), threshold=threshold)
    compiled = eventsim.compile_network(network)
    assert ramps_of(compiled).keys() == {0}
    theirs = by_brian2(network, compiled, TICKS)
    assert len(theirs.spikes) > 150
    for threads in (1, 2):
        assert same(by_eventsim(compiled, TICKS, threads=threads), theirs)


@pytest.mark.parametrize("template, right, wrong", [
    ("CATCH_UP", "np.int64({tick})", "np.int64({tick} - 1)"),
    ("SLEEP_ON", "tick + ", "tick + 1 + "),
    ("WAKE", "due{g}[b] = tick\n", "due{g}[b] += 0\n"),
])  # fmt: skip
def test_a_kernel_that_lets_ramps_be_has_other_spikes(compiled, monkeypatch, template, right, wrong):
    expected, text = by_eventsim(compiled, TICKS), getattr(sleep_templates, template)
    assert right in text
    monkeypatch.setattr(sleep_templates, template, text.replace(right, wrong))
    assert by_eventsim(compiled, TICKS).spikes != expected.spikes


def test_the_state_is_there_whenever_a_run_stops(compiled):
    for tick in (1, 37, 38, 90):
        dense, rising = (
            eventsim.Simulation(compiled, compiled.stimulus.lasting(TICKS), updates=updates).run(tick)
            for updates in ("dense", "measured")
        )
        assert all(dense.state()[place].tobytes() == rising.state()[place].tobytes() for place in dense.state())


def test_a_sampled_ramp_is_there_in_each_tick(compiled):
    stimulus, record = compiled.stimulus.lasting(TICKS), {"v": [0, 5, 70], "slope": [5]}
    dense, rising = (
        eventsim.simulate(compiled, stimulus, updates=updates, record=record) for updates in ("dense", "measured")
    )
    assert ramps_of(compiled, sampled={0}) == {}
    assert dense.samples().value.tobytes() == rising.samples().value.tobytes()
    assert np.unique(dense.potentials("v").value).size > 20


@pytest.mark.parametrize("scale, grid", [(2.0**30, 2**22), (2.0**60, 4)])
def test_what_leaves_the_range_of_exact_sums_is_looked_at_in_each_tick(scale, grid):
    network = build(np.random.default_rng(2), scale, grid)
    compiled = eventsim.compile_network(network)
    assert ramps_of(compiled).keys() == {0}
    assert same(by_eventsim(compiled, TICKS), by_brian2(network, compiled, TICKS))


def test_only_what_adds_up_exactly_and_by_itself_is_a_ramp():
    def is_ramp(
        model="dv/dt = slope/ms : 1\nslope : 1", start=0.5, effect="slope_post += 0.25", each_tick="", **options
    ):
        options = {"threshold": "v >= 3", "reset": "v = 0", "method": "euler", "name": "cells"} | options
        cells = NeuronGroup(3, model, **options)
        cells.slope = start
        if "tau" in model:
            cells.tau = 1 * ms
        if each_tick:
            cells.run_regularly(each_tick, when="groups", order=1)
        wires = Synapses(cells, cells, "w : 1", on_pre=effect, name="wires")
        wires.connect()
        wires.w = 0.1
        return bool(ramps_of(eventsim.compile_network(Network(cells, wires), namespace={"ms": ms})))

    assert is_ramp()
    assert is_ramp(reset="v -= 3") and is_ramp(effect="slope_post = 2") and is_ramp(threshold="v > 7")
    assert is_ramp("dv/dt = 0.5*slope/ms : 1\nslope : 1")
    assert is_ramp(effect="v_post += 1")  # at slopes that stay as they are
    assert not is_ramp(effect="v_post += 1", start=0.1)
    assert not is_ramp("dv/dt = slope/tau : 1\nslope : 1\ntau : second (constant)")  # (dt slope)/tau is rounded twice
    assert is_ramp("v : 1\nslope : 1", each_tick="v = slope + v") and is_ramp(
        "v : 1\nslope : 1", each_tick="v += slope*2"
    )
    assert not is_ramp(each_tick="slope = 2*slope") and not is_ramp(each_tick="v = slope + v")  # besides
    for wrong in (0.1, 2.0**-60):  # too fine for the threshold
        assert not is_ramp(start=wrong)
    assert not is_ramp(reset="v = 0.1") and not is_ramp(reset="v = 0.5*v")
    assert not is_ramp(effect="slope_post += w") and not is_ramp(effect="v_post *= 2")
    assert not is_ramp(effect="v_post += slope_pre", reset="v = 0\nslope = 0")  # read when it may be behind the time
    assert not is_ramp(threshold="v >= slope") and not is_ramp(refractory=2 * ms)
    assert not is_ramp("dv/dt = (slope - v)/ms : 1\nslope : 1")
    assert not is_ramp("dv/dt = (slope + 1)/ms : 1\nslope : 1")
    assert not is_ramp("dv/dt = slope/ms : 1\ndslope/dt = -slope/ms : 1")


def test_a_delivery_before_the_update_of_its_tick_leaves_no_ramp():
    network = build(np.random.default_rng(0))
    for wires in network.objects:
        if isinstance(wires, Synapses):
            wires.pre.when = "start"
    compiled = eventsim.compile_network(network)
    assert ramps_of(compiled) == {}
    assert same(by_eventsim(compiled, TICKS), by_brian2(network, compiled, TICKS))


@njit
def _asked(value, slope, scale, limit, reach):
    return ticks_to_go(value, slope, scale, limit, reach, np.int64(0))


def test_the_first_crossing_is_never_passed_over():
    rng = np.random.default_rng(3)
    soonest = set()
    for _ in range(400):
        n = int(rng.integers(1, BLOCK + 1))
        value, slope = (rng.integers(-200, 60, n) / 8 for _ in range(2))
        scale, limit = float(rng.choice([0.25, 1.0, -2.0])), rng.normal(8, 3, n)
        least = int(_asked(value, slope, scale, limit, 2.0**40))
        steps = [
            max(1, -((Fraction(v) - Fraction(top)) // (Fraction(x) * Fraction(scale)))) if x * scale > 0 else 1 << 20
            for v, x, top in zip(value.tolist(), slope.tolist(), limit.tolist())
        ]
        waits = [1 if v >= top else min(step, 1 << 20) for v, top, step in zip(value, limit, steps)]
        assert least == min(waits)
        soonest.add(least)
    assert len(soonest) > 5
    assert _asked(np.zeros(3), np.array([0.0, 1.0, 0.0]), 1.0, np.full(3, 9.0), 2.0**10) == 1


def test_a_head_in_latencies_has_the_same_trace():
    head = LatencyHead(3, 4, ticks=64)
    stimulus = head.stimulus(*np.random.default_rng(1).uniform(-1, 1, (3, 2, 1, 3, 4)))
    compiled = eventsim.compile_network(head.network(stimulus))
    assert ramps_of(compiled)
    dense, rising = (eventsim.simulate(compiled, stimulus, updates=updates) for updates in ("dense", "measured"))
    assert len(dense.spikes()) > 100
    for name in ("spikes", "counts"):
        assert dense.manifest[f"{name}_hash"] == rising.manifest[f"{name}_hash"]
