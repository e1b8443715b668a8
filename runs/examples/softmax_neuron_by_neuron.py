"""Softmax, neuron by neuron: a pool, one relay that inhibits it, and shares of spikes that approach softmax.

Logits go into the pool's membranes. Every spike of the pool passes through the relay and inhibits all of the pool
alike, so that the inhibition cancels in every ratio: what remains is softmax.
"""

import numpy as np

import eventsim
from circuits import Circuit, ExponentialIntegrator, IntegrateFire

logits = np.array([2.0, 1.0, 0.0, -1.0])
n, rate, inhibition = len(logits), 0.1, 0.1

circuit = Circuit("softmax")
start = logits - np.log(np.exp(logits).sum())  # so that the pool begins at the rate it will settle at
pool = circuit.neurons("pool", n, ExponentialIntegrator(rate, drift=inhibition * rate, u_start=start))
relay = circuit.neuron("relay", IntegrateFire())
for neuron in range(n):
    circuit.synapse(pool[neuron], relay)
    circuit.synapse(relay, pool[neuron], -inhibition, receptor="inhibition")

network = eventsim.compile_network(circuit.network())  # a brian2.Network on the way, of a few groups
exact = np.exp(start)
print(f"softmax        {np.round(exact, 4)}")
for ticks in (100, 1_000, 10_000, 100_000):
    trace = eventsim.simulate(network, duration_ms=ticks)
    spikes = trace.spikes(label="pool").neuron
    shares = np.bincount(spikes, minlength=network.n_neurons)[circuit.neuron_ids(pool)] / spikes.size
    away = 0.5 * np.abs(shares - exact).sum()
    print(f"{spikes.size:6d} spikes  {np.round(shares, 4)}  total variation {away:.5f}")
