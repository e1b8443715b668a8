"""Published attentions side by side: what each is made of, and what the same input costs it in synaptic events."""

import numpy as np
import pandas as pd

import eventsim
from circuits import SDSA, SSA, Linear, Pipeline, QKTokenAttention

tokens, channels, heads, steps = 8, 16, 2, 4
rng = np.random.default_rng(0)
x = rng.random((steps, tokens, channels)) < 0.3

# The same maps for all; their weights are multiples of 1/16, so that all potentials are exact.
q, k, v, proj = (Linear(rng.integers(-8, 12, (channels, channels)) / 16, None) for _ in range(4))
blocks = {
    "SSA (Spikformer)": SSA(q, k, v, proj, heads),
    "SSA, k v first": SSA(q, k, v, proj, heads, order="kv_first"),
    "Q-K token (QKFormer)": QKTokenAttention(q, k, proj, heads),
    "SDSA (Spike-driven)": SDSA(q, k, v, proj),
}
rows = {}
for name, block in blocks.items():
    circuit = Pipeline(block, tokens, steps=steps)
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(x))
    rows[name] = {
        "neurons": circuit.n_neurons, "synapses": circuit.n_synapses, "spikes": trace.n_spikes,
        "synaptic events": int(trace.received()[0].sum()), "latency (ticks)": circuit.latency_ticks,
    }  # fmt: skip
print(pd.DataFrame(rows).T.to_string())
