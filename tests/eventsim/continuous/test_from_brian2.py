"""Networks as Brian2 users write them: compiled, recognised, and run without a grid."""

import brian2
import numpy as np
from brian2 import Network, NeuronGroup, Synapses, ms, mV

import eventsim
from circuits.softmax import escape_inhibition, integrate_inhibition
from tests.eventsim.continuous.runs import run_exactly

LOGITS = np.array([0.0, 1.0, 2.0, -1.0, 0.5])
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum()


def _counts(circuit, ms_):
    compiled = eventsim.compile_network(circuit.network(), namespace={})
    counts = np.bincount(run_exactly(compiled, duration_ms=ms_).neuron, minlength=compiled.n_neurons)
    return {p.name: counts[p.start : p.stop] for p in compiled.populations}


def test_the_escape_circuit_needs_no_veto_without_a_grid():
    counts = _counts(escape_inhibition(5, rate_per_tick=0.1, inhibition=0.2, u_start=LOGITS, seed=1), 50_000.0)
    tie, passed = counts["gate"][0], counts["gate"][1:]
    assert tie == 0
    assert counts["escape"].sum() - passed.sum() in (0, 1)  # the last may be on its way
    assert np.abs(counts["escape"] / counts["escape"].sum() - SOFTMAX).max() < 0.03


def test_the_integrating_circuit_keeps_its_bound():
    pool = _counts(integrate_inhibition(5, rate_per_tick=0.1, inhibition=0.2, u_start=LOGITS), 20_000.0)["exponential"]
    assert (np.abs(pool / pool.sum() - SOFTMAX) <= (1 + 5 * SOFTMAX) / (2 * pool.sum())).all()


def test_brian2_on_an_ever_finer_grid_tends_to_the_continuous_run():
    equations = """dv/dt = (drive + ge + gi - v)/tau : volt (unless refractory)
                   dge/dt = -ge/(5*ms) : volt
                   dgi/dt = -gi/(10*ms) : volt"""
    names = {"tau": 20 * ms, "drive": 30 * mV, "theta": 20 * mV}

    def build(dt):
        rng, clock = np.random.default_rng(0), brian2.Clock(dt)
        cells = NeuronGroup(20, equations, threshold="v > theta", reset="v = 0*mV", refractory=5 * ms, method="exact",
                            clock=clock, name="cells")  # fmt: skip
        cells.v = rng.uniform(0, 20, 20) * mV
        parts = []
        for variable, weight in (("ge", 2), ("gi", -3)):
            wires = Synapses(cells, cells, on_pre=f"{variable}_post += {weight}*mV", clock=clock, delay=1 * ms)
            wires.connect(i=rng.integers(0, 20, 40), j=rng.integers(0, 20, 40))
            parts.append(wires)
        return Network(cells, *parts), cells

    network, _ = build(0.1 * ms)
    exact = run_exactly(eventsim.compile_network(network, namespace=names), duration_ms=100.0)
    errors = []
    for dt in (0.1, 0.02):
        network, cells = build(dt * ms)
        monitor = brian2.SpikeMonitor(cells)
        network.add(monitor)
        network.run(100 * ms, namespace=names)
        trains = [np.sort(np.asarray(monitor.t / ms)[np.asarray(monitor.i) == n]) for n in range(20)]
        assert [train.size for train in trains] == np.bincount(exact.neuron, minlength=20).tolist()
        ours = [exact.time_ms[exact.neuron == n] for n in range(20)]
        errors.append(np.abs(np.concatenate(trains) - np.concatenate(ours)).max())
    assert exact.neuron.size > 40
    assert 0.1 < errors[0] < 0.5
    assert errors[1] < errors[0] / 2
