"""On which cores a circuit lies, which limits it nears, and what a query costs by two tables of one chip."""

import numpy as np

import circuits
import eventsim
import hardware_models

rng = np.random.default_rng(0)
keys, queries = rng.standard_normal((2, 64, 16))
keys, queries = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (keys, queries[:4]))
attention = circuits.StoredKeyAttention(keys, values=np.eye(64), beta=8.0, active_ticks=500)

network = eventsim.compile_network(attention.network())
chip = hardware_models.load_chip("loihi")
placed = hardware_models.place(network, chip)
trace = eventsim.simulate(network, attention.stimulus(queries), core_of=placed.core_of)
counts = hardware_models.count_events(trace, placed)  # counted again from the spikes, not taken from the engine

for table in ("davies2018", "nahuku"):
    print(hardware_models.cost(counts, chip, table, queries=len(queries), network=network), end="\n\n")
