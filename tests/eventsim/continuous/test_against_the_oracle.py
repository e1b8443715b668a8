"""Random networks with ties, multapses, zero delays and every kind of reset: every spike is plain Python's."""

import numpy as np
import pytest

from tests.eventsim.continuous import hand_made
from tests.eventsim.continuous.oracle import Neuron, simulate
from tests.eventsim.continuous.runs import run_exactly

TICKS = 400


def _random(seed):
    """(compiled network, oracle's neurons, inputs). Weights are multiples of 1/8: thresholds are met exactly."""
    rng = np.random.default_rng(seed)
    sizes = {"leaky": 5, "driven": 5, "counts": 4, "ramps": 3, "gates": 4}
    refractory = int(rng.integers(0, 3)) * 7
    strict = bool(rng.integers(2))
    period = refractory * 1e-4 if refractory else None
    start = {name: rng.integers(0, 6, size) / 8 for name, size in sizes.items()}
    cells = [
        hand_made.sources("input", 6),
        hand_made.lif("leaky", 5, tau=0.01, theta=1.0, v=start["leaky"], strict=strict, refractory_s=period),
        hand_made.lif("driven", 5, tau=0.004, drive=1.25, theta=1.0, v=start["driven"], refractory_s=period),
        hand_made.integrate("counts", 4, v=start["counts"]),
        hand_made.integrate("ramps", 3, drive=170.0, v=start["ramps"]),
        hand_made.gate("gates", 4, 1.5),
    ]
    made = [
        *([] for _ in range(6)),
        *(Neuron(tau=100.0, v=v, strict=strict, refractory=refractory) for v in start["leaky"]),
        *(Neuron(tau=40.0, drive=1.25, v=v, refractory=refractory) for v in start["driven"]),
        *(Neuron(v=v, reset=None) for v in start["counts"]),
        *(Neuron(drive=0.017, v=v, reset=None) for v in start["ramps"]),
        *(Neuron(theta=1.5, strict=True, gate=True) for _ in range(4)),
    ]
    starts, synapses = np.cumsum([0, 6, 5, 5, 4, 3, 4]), []
    for s, source in enumerate(cells):
        for g, target in enumerate(cells[1:], start=1):
            n = int(rng.integers(3, 14))
            pre, post = rng.integers(0, source.size, n), rng.integers(0, target.size, n)
            weight = rng.integers(-4, 9 if s == 0 else 4, n) / 8
            # Only forwards without a delay, so that no loop is instantaneous.
            delay = rng.integers(0 if s < g else 3, 12, n)
            synapses.append(hand_made.wires(source.name, target.name, pre, post, weight, delay))
            for i, j, w, d in zip(pre, post, weight, delay):
                out = made[starts[s] + i]
                (out if isinstance(out, list) else out.targets).append((starts[g] + j, w, int(d)))
    chosen = np.unique(rng.integers(0, 6 * TICKS, 300))
    inputs = [(int(c) // 6, int(c) % 6) for c in chosen]
    return hand_made.network(cells, synapses, spikes=inputs, ticks=TICKS), made, inputs


@pytest.mark.parametrize("seed", range(30))
def test_every_spike_is_the_oracles(seed):
    network, neurons, inputs = _random(seed)
    expected = simulate(neurons, inputs, TICKS)
    found = run_exactly(network)
    assert len(expected) > 300
    assert found.neuron.tolist() == [n for _, _, n in expected]
    assert np.abs(found.time_ms - 0.1 * np.array([tick + offset for tick, offset, _ in expected])).max() < 1e-9


def test_deliveries_are_spikes_times_synapses():
    network, _, _ = _random(1)
    found = run_exactly(network)
    arrived = found.tick[:, None] + network.delay[None, :] < TICKS
    sent = found.neuron[:, None] == network.pre[None, :]
    expected = np.bincount(network.post, (arrived & sent).sum(axis=0), network.n_neurons)
    assert found.received_count.tolist() == expected.tolist()
    assert found.delivered.sum() == expected.sum()
    weights = np.bincount(network.post, network.weight * (arrived & sent).sum(axis=0), network.n_neurons)
    assert found.received_weight == pytest.approx(weights, abs=1e-9)
