"""Counts in lanes, against plain sums over synapses: so many cores that every layer of a word holds lanes, so many rows
in one tick that sums are emptied on the way, counts of half a byte, of a whole one, and of more, and weights of zero,
without which rows are counted when they are sent. And so many cores that a sender's bits are in two words, or five."""

import numpy as np
import pytest

import eventsim
from eventsim.counts import MESSAGES_IN, SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS
from eventsim.grid import reach, spread

SENDERS = 600


@pytest.mark.parametrize("kinds", [32, 0])
@pytest.mark.parametrize("weights", [[0.0, 0.25], [0.25]])
@pytest.mark.parametrize("cores, least, most", [
    (30, 1, 6), (30, 1, 39), (5, 200, 255), (2, 256, 300), (100, 0, 3), (300, 0, 3),
])  # fmt: skip
def test_every_core_gets_what_its_synapses_bring_in_one_tick(cores, least, most, weights, kinds, monkeypatch):
    monkeypatch.setattr(reach, "_FEW", kinds)
    rng = np.random.default_rng(most)
    sizes = rng.integers(least, most, size=(SENDERS, cores), endpoint=True)  # synapses of each sender onto each core
    pre, core = (np.repeat(index, sizes.ravel()) for index in np.indices(sizes.shape).reshape(2, -1))
    post = SENDERS + cores * rng.integers(4, size=pre.size) + core
    weight = rng.choice(weights, pre.size)
    network = eventsim.network(
        {"model": ["source"] * SENDERS + ["gate"] * (4 * cores)},
        {"pre": pre, "post": post, "weight": weight, "delay_ms": np.ones(pre.size)},
    )
    core_of = np.concatenate([np.full(SENDERS, -1), np.arange(4 * cores) % cores]).astype(np.int32)
    stimulus = eventsim.Stimulus.of(np.ones(SENDERS, int), np.arange(SENDERS), duration_ticks=4)
    counts = eventsim.simulate(network, stimulus, core_of=core_of).counts()
    expected = {
        SYNAPTIC_EVENTS: np.bincount(core, minlength=cores),
        ZERO_WEIGHT_EVENTS: np.bincount(core[weight == 0.0], minlength=cores),
        MESSAGES_IN: np.count_nonzero(sizes, axis=0),
    }
    for kind, each_core in expected.items():
        found = np.zeros(cores, dtype=int)
        rows = counts.kind == kind
        np.add.at(found, counts.core[rows], counts.count[rows])
        assert found.tolist() == each_core.tolist()


def test_a_row_that_is_on_one_core_has_a_cell():
    """Three rows, the second without synapses; of the third each second synapse is of weight zero."""
    rows, cell_of = np.array([4, 6, 6, 11]), np.array([7, 9], dtype=np.uint16)
    target, zero = np.array([3, 3, 3, 3, 0, 0, 1, 1, 1, 1, 1], dtype=np.uint16), np.arange(7) % 2 == 0
    cells, is_one = spread._cells(rows, target, cell_of)
    assert is_one and cells.tolist() == [7, 0, 9] and cells.dtype == np.uint16
    assert spread._zeros(rows, zero).tolist() == [1, 0, 3]
    target[-1] = 0
    assert not spread._cells(rows, target, cell_of)[1]


@pytest.mark.parametrize("numbers, dtype", [
    ((255,), np.uint16), ((65_535,), np.uint16), ((65_536,), np.uint32), ((255, 3), np.uint16), ((256, 3), np.uint32),
    ((3, 65_536), np.uint64),
])  # fmt: skip
def test_numbers_side_by_side_have_room_each(numbers, dtype):
    assert spread._unsigned(*numbers) == dtype


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_cores", [6, 60_000])
def test_weights_of_zero_of_a_later_pathway_are_counted_where_they_are(n_cores, threads):
    """Each source reaches six gates on one core and six leaky neurons on another, these with zeros; of more cores than
    two bytes have cells for, too."""
    n, models = 40, ["source"] * 40 + ["gate"] * 30 + ["lif"] * 30
    pre = np.repeat(np.arange(n), 12)
    post = n + 10 * (pre % 3) + np.tile([*range(6), *range(30, 36)], n)
    network = eventsim.network(
        {"model": models, "tau_ms": np.where(np.array(models) == "lif", 10.0, np.nan)},
        {"pre": pre, "post": post, "weight": np.where((pre % 5 == 0) & (post >= n + 30), 0.0, 0.5),
         "delay_ms": np.ones(pre.size)},
    )  # fmt: skip
    core_of = np.concatenate([np.full(n, -1), (np.arange(60) // 10 + 1) * (n_cores // 6) - 1]).astype(np.int32)
    stimulus = eventsim.Stimulus.of(np.ones(n, int), np.arange(n), duration_ticks=4)
    counts = eventsim.simulate(network, stimulus, core_of=core_of, threads=threads).counts()
    zeros = np.bincount(core_of[network.post[network.weight == 0.0]], minlength=n_cores)
    found = np.zeros(n_cores, dtype=int)
    rows = counts.kind == ZERO_WEIGHT_EVENTS
    np.add.at(found, counts.core[rows], counts.count[rows])
    assert zeros.any() and found.tolist() == zeros.tolist()
