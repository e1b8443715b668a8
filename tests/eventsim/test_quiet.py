"""Looking only at touched neurons changes nothing but the time: every spike, count and bit of the state is the same."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from circuits import StoredKeyAttention
from eventsim.errors import ConfigError
from eventsim.grid import engine as grid_engine
from eventsim.grid.quiet import quiet_populations
from tests.support.brian2_runs import by_brian2, by_eventsim, same

pytestmark = pytest.mark.usefixtures("one_millisecond")

MODELS = {
    "a gate": ({"model": "v : 1", "threshold": "v > 0.5", "reset": ""}, True),
    "a gate that fires at rest": ({"model": "v : 1", "threshold": "v > -0.5", "reset": ""}, True),
    "a counter": ({"model": "v : 1", "threshold": "v >= 1", "reset": "v -= 1"}, False),
    "a counter that starts high": ({"model": "v : 1", "threshold": "v >= 1", "reset": "v -= 1\nx += 1"}, False),
}


def build(name, rng, ticks):
    options, is_gate = MODELS[name]
    options = options | {"model": options["model"] + "\nx : 1"}
    cells = NeuronGroup(25, **options, name="cells")
    if is_gate:
        cells.run_regularly("v = 0", when="before_synapses", name="empty")
    if "high" in name:
        cells.v = rng.integers(0, 6, 25)
    at = np.unique(rng.integers(0, 10 * ticks, 150))
    source = SpikeGeneratorGroup(10, at % 10, (at // 10) * ms, name="source")
    joined = []
    for a, b, n in ((source, cells, 60), (cells, cells, 50)):
        synapses = Synapses(a, b, "w : 1", on_pre="v_post += w")
        synapses.connect(i=rng.integers(0, len(a), n), j=rng.integers(0, 25, n))
        synapses.w = rng.integers(-3, 5, n) / 4
        synapses.pre.delay = rng.integers(0, 4, n) * ms
        joined.append(synapses)
    return Network(cells, source, *joined)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", range(3))
def test_by_touch_gives_brian2s_spikes_and_bits(name, seed):
    network = build(name, np.random.default_rng(seed), 120)
    compiled = eventsim.compile_network(network)
    assert quiet_populations(compiled) == {0}
    ours = by_eventsim(compiled, 120, updates="touched")
    theirs = by_brian2(network, compiled, 120)
    assert len(theirs.spikes) > 150
    assert same(ours, theirs)


@pytest.mark.parametrize("softmax", ["escape_inhibition", "integrate_inhibition"])
@pytest.mark.parametrize("reset", ["spikes", "host"])
def test_by_touch_gives_an_attention_circuit_the_same_trace(softmax, reset):
    keys = np.eye(12)
    circuit = StoredKeyAttention(keys, keys, beta=3.0, softmax=softmax, active_ticks=300, encode_ticks=32, reset=reset)
    stimulus = circuit.stimulus(keys[:4])
    compiled = eventsim.compile_network(circuit.network(stimulus))
    dense, touched = (eventsim.simulate(compiled, stimulus, updates=updates) for updates in ("dense", "touched"))
    assert len(dense.spikes()) > 300
    for name in ("spikes", "counts"):
        assert dense.manifest[f"{name}_hash"] == touched.manifest[f"{name}_hash"]


def test_neurons_that_move_by_themselves_are_not_quiet():
    def is_quiet(equations, change=lambda group: None, **options):
        options = {"threshold": "v > 1", "reset": "v = 0", "method": "euler", "name": "cells"} | options
        group = NeuronGroup(3, equations, **options)
        change(group)
        return bool(quiet_populations(eventsim.compile_network(Network(group), namespace={"ms": ms})))

    assert is_quiet("v : 1")
    assert not is_quiet("dv/dt = -v/(9*ms) : 1")
    assert not is_quiet("v : 1", threshold="v > t/ms")
    assert not is_quiet("v : 1", refractory=2 * ms)
    assert not is_quiet("v : 1", lambda group: group.run_regularly("v = v + 0.1"))
    assert not is_quiet("v : 1", lambda group: group.run_regularly("v = 0", dt=2 * ms))


def test_a_population_set_after_its_deliveries_is_not_quiet():
    cells = NeuronGroup(3, "v : 1", threshold="v > 1", reset="", name="cells")
    cells.run_regularly("v = 0", when="end")
    synapses = Synapses(cells, cells, on_pre="v_post += 1")
    synapses.connect()
    assert not quiet_populations(eventsim.compile_network(Network(cells, synapses)))


def test_the_engine_goes_over_to_touch_when_little_is_touched_and_the_run_is_long(monkeypatch):
    network = build("a counter", np.random.default_rng(0), 2000)
    compiled = eventsim.compile_network(network)
    expected = eventsim.simulate(compiled, duration_ms=2000, updates="dense")
    for looks, goes_over in ((1e10, False), (1e3, True)):
        monkeypatch.setattr(grid_engine, "_LOOKS_TO_SAVE", looks)
        monkeypatch.setattr(grid_engine, "_TOUCHED_AT_MOST", 10.0)
        run = eventsim.Simulation(compiled, compiled.stimulus.lasting(2000)).run()
        assert bool(run.engine.by_touch) == goes_over
        assert run.finish().manifest["spikes_hash"] == expected.manifest["spikes_hash"]


def test_an_unknown_way_to_update_is_refused():
    compiled = eventsim.compile_network(Network(NeuronGroup(2, "v : 1", threshold="v > 1", reset="", name="cells")))
    with pytest.raises(ConfigError, match="choose one of measured, dense, touched"):
        eventsim.simulate(compiled, duration_ms=1, updates="lazy")
