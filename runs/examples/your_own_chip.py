"""A chip of one's own: a TOML file in which each number names its source; then a circuit is placed and costed on it."""

import tomllib
from pathlib import Path

import numpy as np

import circuits
import eventsim
import hardware_models

file = Path(__file__).with_suffix(".toml")
print(f"{file.name} has {len(tomllib.loads(file.read_text(encoding='utf-8'))['tables'])} energy table(s)")
chip = hardware_models.load_chip(file)

attention = circuits.StoredKeyAttention(keys=np.eye(8), values=np.eye(8), beta=3.0, active_ticks=300)
network = eventsim.compile_network(attention.network())
trace = eventsim.simulate(network, attention.stimulus(np.eye(8)[:3]))
placed = hardware_models.place(network, chip)
print(f"{network.n_neurons} neurons on {placed.core_of.max() + 1} cores")
counts = hardware_models.count_events(trace, placed)
print(hardware_models.cost(counts, chip, "sketch", tick_us=1000, queries=3, network=network))
