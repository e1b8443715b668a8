"""Placers: the same limits for all, fewer messages than in order, the same placement every time."""

import importlib.util

import numpy as np
import pytest

import eventsim
from eventsim.errors import ConfigError
from hardware_models import PLACERS, load_chip, place
from hardware_models.chips.synapse_memory import SynapseMemory
from hardware_models.mesh import chip_of, hops
from hardware_models.placing.placers.positions import arranged

METIS = pytest.mark.skipif(importlib.util.find_spec("pymetis") is None, reason="needs pymetis")
EVERY = ["in_order", "greedy", pytest.param("partition", marks=METIS)]


def pairs(network, placed):
    """Distinct (sender, core it reaches), by sets: the messages of one spike of every neuron."""
    return len({(s, c) for s, c in zip(network.pre.tolist(), placed.core_of[network.post].tolist())})


@pytest.fixture(scope="module")
def clustered():
    """12 groups of 50 neurons, ids shuffled, 20 synapses each, 18 of them within the group; and its groups."""
    rng, n, fan_out = np.random.default_rng(3), 600, 20
    group = rng.permutation(np.arange(n) // 50)
    members = np.argsort(group, kind="stable").reshape(12, 50)
    pre = np.repeat(np.arange(n), fan_out)
    inside = np.tile(np.arange(fan_out) < 18, n)
    post = np.where(inside, members[group[pre], rng.integers(50, size=pre.size)], rng.integers(n, size=pre.size))
    wires = {"pre": pre, "post": post, "weight": 1.0, "delay_ms": 1.0}
    return eventsim.network({"model": ["integrate"] * n, "v_th": 10.0}, wires), group


@pytest.mark.parametrize("placer", EVERY)
@pytest.mark.parametrize("seed", range(4))
def test_every_placer_respects_every_limit_of_a_tiny_chip(build, shrunk, placer, seed):
    rng = np.random.default_rng(seed)
    chip = shrunk(neurons_per_core=5, synapse_words_per_core=12, input_axons_per_core=14, output_axons_per_core=18,
                  delay_slots_per_core=12)  # fmt: skip
    rows = [np.column_stack([rng.integers(0, n, k), rng.integers(0, 40, k), rng.integers(0, 3, k), np.ones(k)])
            for n, k in ((6, 40), (40, 120))]  # fmt: skip
    network = build([("in", 6, True), ("x", 40, False)], [((0, 1), rows[0]), ((1, 1), rows[1])])
    placed = place(network, chip, placer)
    assert placed.placer == placer and placed.validate(network).shape == (placed.core_of.max() + 1, 5)
    assert place(network, chip, placer).hash == placed.hash


@pytest.mark.parametrize("placer", EVERY[1:])
@pytest.mark.parametrize("seed", range(3))
def test_relays_of_truenorth_count_while_neurons_are_moved(build, placer, seed):
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.integers(0, 900, 2500), rng.integers(0, 900, 2500), rng.integers(1, 3, 2500),
                            np.ones(2500)])  # fmt: skip
    network = build([("x", 900, False)], [((0, 0), rows)])
    used = place(network, load_chip("truenorth"), placer).validate(network)
    assert used[:, 0].max() <= 256 < 900 < used[:, 0].sum()


# Greedily a core takes neurons of another group where there is room; METIS cuts between groups.
@pytest.mark.parametrize("placer, more", [("greedy", 1.2), pytest.param("partition", 1.02, marks=METIS)])
def test_groups_that_were_planted_are_found(clustered, shrunk, placer, more):
    network, group = clustered
    chip = shrunk(neurons_per_core=55)
    found, in_order = (pairs(network, place(network, chip, name)) for name in (placer, "in_order"))
    planted = len(set(zip(network.pre.tolist(), group[network.post].tolist())))
    assert found <= more * planted and found <= 0.4 * in_order


@METIS
def test_moving_neurons_never_makes_more_pairs(build, shrunk):
    rng, chip = np.random.default_rng(5), shrunk(neurons_per_core=6)
    rows = np.column_stack([rng.integers(0, 50, 200), rng.integers(0, 50, 200), np.zeros(200), np.ones(200)])
    network = build([("x", 50, False)], [((0, 0), rows)])
    by = {name: pairs(network, place(network, chip, name)) for name in PLACERS}
    assert by["partition"] <= by["greedy"] and by["partition"] < by["in_order"]


def weighted_way(traffic, places, mesh):
    """(links crossed, messages between chips): sums over all messages, when core c is at places[c]."""
    source, destination, messages = places[traffic[0]], places[traffic[1]], traffic[2]
    inside = chip_of(source, mesh) == chip_of(destination, mesh)
    way = sum(hops(source, destination, mesh)) * messages
    return int(way[inside].sum()), int(messages[~inside].sum())


def test_cores_that_talk_in_a_ring_lie_beside_each_other(loihi):
    ring = np.arange(32), np.roll(np.arange(32), -1), np.full(32, 7)
    shuffled = np.random.default_rng(0).permutation(32)
    traffic = shuffled[ring[0]], shuffled[ring[1]], ring[2]
    places = arranged(traffic, 32, loihi.mesh)
    assert np.unique(places).size == 32
    crossed, between = weighted_way(traffic, places, loihi.mesh)
    # 8 tiles of 4 cores: at least 8 of 32 messages leave their tile.
    assert between == 0 and 7 * 8 <= crossed <= 7 * 12 < weighted_way(traffic, np.arange(32), loihi.mesh)[0]
    slow = sum(7 * (abs(a) + abs(b)) for a, b in zip(*hops(places[traffic[0]], places[traffic[1]], loihi.mesh)))
    assert crossed == slow


def test_two_halves_that_do_not_talk_take_a_chip_each(loihi):
    rng = np.random.default_rng(1)
    half = rng.permutation(np.arange(256) % 2)
    one, other = (np.flatnonzero(half == side) for side in (0, 1))
    sender = np.concatenate([rng.choice(one, 600), rng.choice(other, 600)])
    receiver = np.concatenate([rng.choice(one, 600), rng.choice(other, 600)])
    places = arranged((sender, receiver, np.ones(1200, np.int64)), 256, loihi.mesh)
    assert (chip_of(places[sender], loihi.mesh) != chip_of(places[receiver], loihi.mesh)).mean() < 0.05


def test_an_unknown_placer_is_answered_with_those_there_are(clustered, loihi):
    with pytest.raises(ConfigError, match="no placer 'best'; choose one of in_order, greedy, partition"):
        place(clustered[0], loihi, "best")


def test_without_metis_the_greedy_placer_stands_in_and_says_so(clustered, loihi, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pymetis" else found(name))
    with pytest.warns(UserWarning, match=r"needs the package pymetis, so 'greedy' places.*\[partition\]"):
        placed = place(clustered[0], loihi, "partition")
    assert placed.placer == "greedy" and placed.hash == place(clustered[0], loihi, "greedy").hash


def test_a_list_of_synapses_is_packed_into_words(loihi):
    # 10 + 18 n bits without delays, 24 n with delays up to 62; 64 synapses to a block.
    sizes = np.array([0, 1, 3, 4, 64, 65, 128, 130])
    assert loihi.synapse_memory.words(0, sizes).tolist() == [0, 1, 1, 2, 19, 20, 38, 39]
    assert loihi.synapse_memory.words(62, sizes).tolist() == [0, 1, 2, 2, 25, 26, 50, 51]


@pytest.mark.optional
def test_nengo_loihi_packs_as_many_words(loihi):
    block = pytest.importorskip("nengo_loihi.block")
    memory, sizes = loihi.synapse_memory, np.arange(1, 1000)
    assert isinstance(memory, SynapseMemory)
    config = block.SynapseConfig(weight_bits=7, idx_bits=5, n_synapses=63)
    assert memory.words(0, sizes).tolist() == [config.bits_per_axon(int(n)) / 64 for n in sizes]
