"""Counts in lanes, against plain sums over synapses: so many cores that every layer of a word holds lanes, so many rows
in one tick that sums are emptied on the way, counts of half a byte and of a whole one, and weights of zero."""

import numpy as np
import pytest

import eventsim
from eventsim.counts import SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS

SENDERS, CORES = 600, 30


@pytest.mark.parametrize("per_core", [7, 40])
def test_every_core_gets_what_its_synapses_bring_in_one_tick(per_core):
    rng = np.random.default_rng(per_core)
    sizes = rng.integers(1, per_core, size=(SENDERS, CORES))  # synapses of each sender onto each core
    pre, core = (np.repeat(index, sizes.ravel()) for index in np.indices(sizes.shape).reshape(2, -1))
    post = SENDERS + CORES * rng.integers(4, size=pre.size) + core
    weight = rng.choice([0.0, 0.25], pre.size)
    network = eventsim.network(
        {"model": ["source"] * SENDERS + ["gate"] * (4 * CORES)},
        {"pre": pre, "post": post, "weight": weight, "delay_ms": np.ones(pre.size)},
    )
    core_of = np.concatenate([np.full(SENDERS, -1), np.arange(4 * CORES) % CORES]).astype(np.int32)
    stimulus = eventsim.Stimulus.of(np.ones(SENDERS, int), np.arange(SENDERS), duration_ticks=4)
    counts = eventsim.simulate(network, stimulus, core_of=core_of).counts()
    for kind, chosen in ((SYNAPTIC_EVENTS, weight == weight), (ZERO_WEIGHT_EVENTS, weight == 0.0)):
        found = np.zeros(CORES, dtype=int)
        rows = counts.kind == kind
        np.add.at(found, counts.core[rows], counts.count[rows])
        assert found.tolist() == np.bincount(core[chosen], minlength=CORES).tolist()
