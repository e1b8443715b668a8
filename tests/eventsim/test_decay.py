"""Leaky populations by touch: Brian2's spikes, every one, and its potentials to 1e-12, whatever is in doubt."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.grid import engine as grid_engine
from eventsim.grid import touch_templates
from eventsim.grid.decay import decay_of
from tests.support.brian2_runs import by_brian2, by_eventsim

pytestmark = pytest.mark.usefixtures("one_millisecond")

MODELS = {
    "leak": {"model": "dv/dt = -v/(30*ms) : 1"},
    "leak to a negative rest, by euler": {"model": "dv/dt = (-0.25 - v)/(20*ms) : 1", "method": "euler"},
    "leak, drive, a limit for each neuron": {
        "model": "dv/dt = (0.5 - v)/(25*ms) : 1\ntheta : 1 (constant)", "threshold": "v >= theta", "reset": "v -= 0.75",
    },
    "leak, at rest after a spike": {
        "model": "dv/dt = -v/(30*ms) : 1 (unless refractory)", "refractory": 7 * ms, "reset": "v = -0.5",
    },
}  # fmt: skip
#: Of these, what the quick tests try.
QUICK = ("leak", "leak, at rest after a spike")


def build(name, rng, ticks, n=40):
    cells = NeuronGroup(n, **{"threshold": "v > 1", "reset": "v = 0", "method": "exact"} | MODELS[name], name="cells")
    if "theta" in cells.variables:
        cells.theta = rng.uniform(0.9, 1.5, n)
    cells.v = rng.uniform(-1, 1.5, n)
    at = np.unique(rng.integers(0, 10 * ticks, ticks // 2))
    source = SpikeGeneratorGroup(10, at % 10, (at // 10) * ms, name="source")
    joined = []
    for a, b, size in ((source, cells, 100), (cells, cells, 60)):
        synapses = Synapses(a, b, "w : 1", on_pre="v_post += w")
        synapses.connect(i=rng.integers(0, len(a), size), j=rng.integers(0, n, size))
        synapses.w = rng.uniform(-0.5, 1.0, size)
        synapses.pre.delay = rng.integers(0, 4, size) * ms
        joined.append(synapses)
    return Network(cells, source, *joined)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
)
def test_by_touch_gives_brian2s_spikes_and_its_potentials_to_1e_12(name):
    network = build(name, np.random.default_rng(1), 1500)
    compiled = eventsim.compile_network(network)
    assert decay_of(compiled, 0) is not None
    theirs = by_brian2(network, compiled, 1500)
    assert len(theirs.spikes) > 1500
    run = eventsim.Simulation(compiled, compiled.stimulus.lasting(1500), updates="touched").run()
    assert run.engine.by_touch == {0}  # nothing was in doubt
    for variable in compiled.populations[0].state:
        found, expected = run.state()["cells", variable], theirs.state["cells", variable]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    spikes = run.finish().spikes()
    assert list(zip(spikes.tick.tolist(), spikes.neuron.tolist())) == theirs.spikes


def test_pieces_parts_checkpoints_and_counts_are_those_of_dense_steps(tmp_path):
    network = eventsim.compile_network(build("leak", np.random.default_rng(2), 600))
    stimulus = network.stimulus.lasting(600)
    dense = eventsim.simulate(network, stimulus, updates="dense")
    pieces = eventsim.Simulation(network, stimulus, updates="touched").run(1).run(99)
    pieces.save(tmp_path / "checkpoint")
    resumed = eventsim.Simulation(network, stimulus, updates="touched").load(tmp_path / "checkpoint")
    parts = eventsim.Simulation(network, stimulus, updates="touched", threads=2)
    for run in (pieces, resumed, parts):
        trace = run.run().finish()
        assert [trace.manifest[f"{name}_hash"] for name in ("spikes", "counts")] == [
            dense.manifest[f"{name}_hash"] for name in ("spikes", "counts")
        ]
        np.testing.assert_allclose(trace.received(), dense.received(), rtol=1e-12)


def test_the_engine_goes_over_to_touch_and_a_checkpoint_taken_after_that_is_taken_up_again(monkeypatch, tmp_path):
    network = eventsim.compile_network(build("leak", np.random.default_rng(2), 600))
    dense = eventsim.simulate(network, network.stimulus.lasting(600), updates="dense")
    monkeypatch.setattr(grid_engine, "_LOOKS_TO_SAVE", 1e3)
    monkeypatch.setattr(grid_engine, "_TOUCHED_AT_MOST", 10.0)
    first = eventsim.Simulation(network, network.stimulus.lasting(600)).run(400)
    assert first.engine.by_touch == {0}
    first.save(tmp_path / "checkpoint")
    second = eventsim.Simulation(network, network.stimulus.lasting(600)).load(tmp_path / "checkpoint").run()
    assert second.engine.by_touch == {0}
    assert second.finish().manifest["spikes_hash"] == dense.manifest["spikes_hash"]


def _on_the_edge(n=60):
    """Neurons that, step by step, end exactly at their threshold (even ones, which stay silent) or just above it."""
    rng = np.random.default_rng(3)
    tau_ms, first, second, at = 30.0, rng.uniform(0.2, 0.4, n), rng.uniform(0.5, 0.9, n), 40 + np.arange(n) % 25
    cells = NeuronGroup(n, "dv/dt = -v/tau : 1\ntheta : 1 (constant)", threshold="v > theta", reset="v = 0",
                        method="exact", name="cells", namespace={"tau": tau_ms * ms})  # fmt: skip
    source = SpikeGeneratorGroup(2 * n, np.arange(2 * n), np.concatenate([np.ones(n), at]) * ms, name="source")
    synapses = Synapses(source, cells, "w : 1", on_pre="v_post += w")
    synapses.connect(i=np.arange(2 * n), j=np.tile(np.arange(n), 2))
    synapses.w = np.concatenate([first, second])
    network = Network(cells, source, synapses)
    cells.theta = 10.0
    factor = decay_of(eventsim.compile_network(network), 0).factor
    v = first.copy()
    for tick in range(2, at.max() + 2):
        moved = factor * v
        v = np.where(tick <= at, moved, v) + np.where(tick == at, second, 0.0)
    v = factor * v
    cells.theta = np.where(np.arange(n) % 2, np.nextafter(v, 0), v)
    return network


def test_what_is_in_doubt_is_decided_step_by_step(monkeypatch):
    network = _on_the_edge()
    compiled = eventsim.compile_network(network)
    theirs = by_brian2(network, compiled, 100)
    assert {neuron for _, neuron in theirs.spikes if neuron < 60} == set(range(1, 60, 2))
    run = eventsim.Simulation(compiled, compiled.stimulus.lasting(100), updates="touched").run(50)
    assert run.engine.by_touch == frozenset()
    assert run.run().state()["cells", "v"].tobytes() == theirs.state["cells", "v"].tobytes()
    spikes = run.finish().spikes()
    assert list(zip(spikes.tick.tolist(), spikes.neuron.tolist())) == theirs.spikes

    blind = touch_templates.DECAY_THRESHOLD.replace("<= 1e-12", "<= -1e9")
    monkeypatch.setattr(touch_templates, "DECAY_THRESHOLD", blind)
    assert by_eventsim(compiled, 100, updates="touched").spikes != theirs.spikes


@pytest.mark.parametrize(
    "options, decays",
    [
        ({}, True),
        ({"threshold": "v >= 1"}, True),
        ({"model": "dv/dt = (2 - v)/(20*ms) : 1"}, False),  # its rest is above the threshold
        ({"model": "dv/dt = 0.01/ms : 1"}, False),
        ({"model": "dv/dt = -v/(5*second) : 1"}, False),  # a thousand steps forget too little
        ({"model": "dv/dt = (x - v)/(20*ms) : 1\ndx/dt = -x/(5*ms) : 1"}, False),
        ({"threshold": "v > 1 + t/second"}, False),
        ({"threshold": "v < -1"}, False),
        ({"model": "dv/dt = -v/(20*ms) + 0.1*xi/sqrt(20*ms) : 1"}, False),
    ],
)
def test_what_may_fire_untouched_or_cannot_be_told_in_closed_form_is_looked_at_in_each_tick(options, decays):
    options = {"model": "dv/dt = -v/(20*ms) : 1", "threshold": "v > 1", "method": "euler"} | options
    group = NeuronGroup(3, reset="v = 0", name="cells", **options)
    compiled = eventsim.compile_network(Network(group), noise="rekey", namespace={})
    assert (decay_of(compiled, 0) is not None) == decays


def test_a_population_that_is_sampled_or_read_by_its_receivers_keeps_every_step():
    network = build("leak", np.random.default_rng(2), 100)
    compiled = eventsim.compile_network(network)
    run = eventsim.Simulation(compiled, compiled.stimulus.lasting(50), updates="touched", record={"v": [3]})
    assert run.engine.by_touch == frozenset()
