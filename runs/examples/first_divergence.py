"""Two runs that differ by one synapse in ten thousand: where their spikes first part, and what led to it."""

import numpy as np

import eventsim
from analysis.audit import diverge

rng = np.random.default_rng(0)
n, fan_out = 200, 50
neurons = {"model": "lif", "tau_ms": 20.0, "drive": rng.uniform(0.9, 1.2, n), "v_th": 1.0, "v_reset": 0.0}
synapses = {"pre": np.repeat(np.arange(n), fan_out), "post": rng.integers(n, size=n * fan_out),
            "weight": rng.normal(0.0, 0.05, n * fan_out), "delay_ms": 1.5}  # fmt: skip


def run(weight):
    """The trace of the network with these weights."""
    network = eventsim.network(neurons, synapses | {"weight": weight}, dt_ms=0.1)
    return eventsim.simulate(network, eventsim.Stimulus.silent(2_000))


changed = synapses["weight"].copy()
changed[1234] += 0.01
print(f"synapse 1234 joins neuron {synapses['pre'][1234]} to neuron {synapses['post'][1234]}\n")
print(diverge(run(synapses["weight"]), run(changed), ticks=5))
