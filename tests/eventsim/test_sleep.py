"""Blocks of neurons that sleep change nothing but the time: every spike, count and bit of the state is the same."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from circuits import StoredKeyAttention
from eventsim.errors import ConfigError
from eventsim.grid import sleep_templates
from eventsim.grid.plan import plan_for
from eventsim.grid.sleep import BLOCK, sleepers
from eventsim.grid.source import kernel_source
from tests.support.brian2_runs import by_brian2, by_eventsim, same

pytestmark = pytest.mark.usefixtures("one_millisecond")

MODELS = {
    "a gate": ({"model": "v : 1", "threshold": "v > 0.5", "reset": ""}, "v = 0"),
    "a gate that fires at rest": ({"model": "v : 1", "threshold": "v + x > -0.5", "reset": "x -= 1"}, "v = 0"),
    "a counter": ({"model": "v : 1", "threshold": "v >= 1", "reset": "v -= 1"}, ""),
    "a counter that starts high": ({"model": "v : 1", "threshold": "v >= 1", "reset": "v -= 1\nx += 1"}, ""),
    "a ramp": ({"model": "v : 1\nslope : 1", "threshold": "v >= 3", "reset": "v = 0\nslope = 0"}, "v += slope"),
}
CELLS = 3 * BLOCK - 5


def build(name, rng, ticks):
    options, each_tick = MODELS[name]
    options = options | {"model": options["model"] + "\nx : 1"}
    cells = NeuronGroup(CELLS, **options, name="cells")
    if each_tick:
        cells.run_regularly(each_tick, when="before_synapses", name="each_tick")
    if "high" in name:
        cells.v = np.maximum(0, rng.integers(-8, 6, CELLS))
    at = np.unique(rng.integers(0, 10 * ticks, 150))
    source = SpikeGeneratorGroup(10, at % 10, (at // 10) * ms, name="source")
    joined = []
    for a, b, n in ((source, cells, 80), (cells, cells, 50)):
        synapses = Synapses(a, b, "w : 1", on_pre="slope_post += w" if name == "a ramp" else "v_post += w")
        synapses.connect(i=rng.integers(0, len(a), n), j=rng.integers(0, CELLS, n))
        synapses.w = rng.integers(-3, 5, n) / 4
        synapses.pre.delay = rng.integers(0, 4, n) * ms
        joined.append(synapses)
    return Network(cells, source, *joined)


@pytest.mark.parametrize("name", [
    "a gate", "a gate that fires at rest", "a counter", "a ramp",
    pytest.param("a counter that starts high", marks=pytest.mark.slow),
])  # fmt: skip
def test_a_population_that_sleeps_has_brian2s_spikes_and_bits(name):
    network = build(name, np.random.default_rng(0), 120)
    compiled = eventsim.compile_network(network)
    assert sleepers(compiled) == ({0} if name != "a gate that fires at rest" else set())
    theirs = by_brian2(network, compiled, 120)
    assert len(theirs.spikes) > 150
    for threads in (1, 2):
        assert same(by_eventsim(compiled, 120, threads=threads), theirs)


def test_a_delivery_that_wakes_nobody_loses_spikes(monkeypatch):
    network = build("a counter", np.random.default_rng(0), 120)
    compiled = eventsim.compile_network(network)
    expected = by_eventsim(compiled, 120)
    for template in ("WAKE", "WAKE_STRETCH"):
        monkeypatch.setattr(sleep_templates, template, "")
    assert len(by_eventsim(compiled, 120).spikes) < len(expected.spikes)


def test_only_what_a_pass_leaves_at_rest_settles():
    for name in MODELS:
        compiled = eventsim.compile_network(build(name, np.random.default_rng(0), 20))
        assert plan_for(compiled).settling == ({0} if name == "a gate" else set())


def test_ramps_that_were_said_to_settle_lose_spikes(monkeypatch):
    compiled = eventsim.compile_network(build("a ramp", np.random.default_rng(0), 120))
    expected = by_eventsim(compiled, 120)
    monkeypatch.setattr("eventsim.grid.plan.settles", lambda *_: True)
    assert len(by_eventsim(compiled, 120).spikes) < len(expected.spikes)


def test_dense_updates_know_of_no_sleep():
    compiled = eventsim.compile_network(build("a gate", np.random.default_rng(0), 20))
    assert "due0[b]" in kernel_source(compiled)[0]
    assert "due0" not in kernel_source(compiled, plan_for(compiled, sleeps=False))[0]


@pytest.mark.parametrize("softmax, reset", [
    ("integrate_inhibition", "host"),
    pytest.param("escape_inhibition", "spikes", marks=pytest.mark.slow),
    pytest.param("escape_inhibition", "host", marks=pytest.mark.slow),
    pytest.param("integrate_inhibition", "spikes", marks=pytest.mark.slow),
])  # fmt: skip
def test_an_attention_circuit_has_the_same_trace_asleep(softmax, reset):
    keys = np.eye(12)
    circuit = StoredKeyAttention(keys, keys, beta=3.0, softmax=softmax, active_ticks=300, encode_ticks=32, reset=reset)
    stimulus = circuit.stimulus(keys[:4])
    compiled = eventsim.compile_network(circuit.network(stimulus))
    dense, asleep = (eventsim.simulate(compiled, stimulus, updates=updates) for updates in ("dense", "measured"))
    assert len(dense.spikes()) > 300
    for name in ("spikes", "counts"):
        assert dense.manifest[f"{name}_hash"] == asleep.manifest[f"{name}_hash"]


def test_neurons_that_move_by_themselves_do_not_sleep():
    def may_sleep(equations, change=lambda group: None, **options):
        options = {"threshold": "v > 1", "reset": "v = 0", "method": "euler", "name": "cells"} | options
        group = NeuronGroup(3, equations, **options)
        change(group)
        return bool(sleepers(eventsim.compile_network(Network(group), namespace={"ms": ms})))

    assert may_sleep("v : 1")
    assert may_sleep("dv/dt = -v/(9*ms) : 1")  # from its rest
    assert may_sleep("dv/dt = slope/ms : 1\nslope : 1")
    assert not may_sleep("dv/dt = (2 - v)/(9*ms) : 1")
    assert not may_sleep("v : 1", threshold="v > t/ms")
    assert not may_sleep("v : 1", refractory=2 * ms)
    assert not may_sleep("v : 1", lambda group: group.run_regularly("v = v + 0.1"))
    assert not may_sleep("v : 1", lambda group: group.run_regularly("v = 0", dt=2 * ms))
    assert not may_sleep("v : 1\nx : 1", lambda group: group.run_regularly("x = 1/(v + 1)"))


def test_a_population_with_a_delivery_between_update_and_threshold_does_not_sleep():
    cells = NeuronGroup(3, "v : 1", threshold="v > 1", reset="", name="cells")
    cells.run_regularly("v = 0", when="end")
    synapses = Synapses(cells, cells, on_pre="v_post += 1")
    synapses.connect()
    assert not sleepers(eventsim.compile_network(Network(cells, synapses)))


def test_an_unknown_way_to_update_is_refused():
    compiled = eventsim.compile_network(Network(NeuronGroup(2, "v : 1", threshold="v > 1", reset="", name="cells")))
    with pytest.raises(ConfigError, match="choose one of measured, dense, touched"):
        eventsim.simulate(compiled, duration_ms=1, updates="lazy")
