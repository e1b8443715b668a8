"""Splitters as neurons: the same spikes, as many ticks later as is said, on cores that hold what was counted."""

import numpy as np
import pytest

from eventsim import simulate
from eventsim.errors import CapacityError, ConfigError
from eventsim.stimulus import Stimulus
from hardware_models import Placement, count_events, load_chip, place, split_network
from hardware_models.counting.core_ticks import mapped
from hardware_models.integers.truenorth.network import grouped, joined
from hardware_models.integers.truenorth.neuron import TrueNorthCells
from hardware_models.placing.splitters import splitters


@pytest.fixture(scope="module")
def truenorth():
    return load_chip("truenorth")


def network_of(cells, rows, inputs=4):
    """Sources and cells; rows are (pre, post, delay, kind), ids of the whole network, the sources first."""
    described = {"in": inputs, "cells": cells}
    return joined(described, grouped(described, *np.array(rows).T), seed=1, stimulus=None, dt_ms=1.0)


def spikes_of(network, stimulus, core_of):
    trace = simulate(network, stimulus, core_of=core_of)
    spikes = trace.spikes()
    return sorted(zip(spikes.tick.tolist(), spikes.neuron.tolist())), trace


def random_run(delays, seed, layers=3):
    """A network of layers of 20 that each reach the next, one axon per neuron, and random input."""
    rng, rows = np.random.default_rng(seed), []
    for layer in range(layers):
        first = 4 + 20 * layer
        for pre in range(first - 20, first) if layer else range(4):
            delay, kind = int(rng.choice(delays)), int(rng.integers(2))
            rows += [(pre, post, delay, kind) for post in first + rng.choice(20, 8, replace=False)]
    cells = TrueNorthCells(20 * layers, weights=(3, -1, 0, 0), threshold=4, reset="subtract", negative_threshold=2)
    at = np.argwhere(rng.random((40, 4)) < 0.5)
    stimulus = Stimulus.of(at[:, 0], at[:, 1], duration_ticks=70)
    core_of = np.concatenate([[-1] * 4, rng.integers(0, 6, 20 * layers)])
    return network_of(cells, rows), stimulus, core_of


@pytest.mark.parametrize("seed", range(5))
def test_where_delays_leave_room_splitters_move_no_spike(truenorth, seed):
    network, stimulus, core_of = random_run([2, 5], seed)
    placed = Placement.of(network, core_of, truenorth)
    split = split_network(network, placed)
    assert splitters(network, placed.core_of, placed.chip).sum() == split.network.n_neurons - network.n_neurons > 40
    before, _ = spikes_of(network, stimulus, core_of)
    after, _ = spikes_of(split.network, stimulus, split.placement.core_of)
    assert not split.shift.any() and len({n for _, n in before}) > 40
    assert [spike for spike in after if spike[1] < network.n_neurons] == before


@pytest.mark.parametrize("seed", range(5))
def test_where_they_do_not_each_neuron_fires_as_much_later_as_is_said(truenorth, seed):
    network, stimulus, core_of = random_run([1, 2], seed)
    split = split_network(network, Placement.of(network, core_of, truenorth))
    before, _ = spikes_of(network, stimulus, core_of)
    after, _ = spikes_of(split.network, stimulus, split.placement.core_of)
    shifted = sorted((tick + int(split.shift[neuron]), neuron) for tick, neuron in before)
    until = 70 - split.shift.max()
    assert split.shift.max() == 2 and len(before) > 100
    assert [s for s in after if s[1] < network.n_neurons and s[0] < until] == [s for s in shifted if s[0] < until]


def test_cores_of_the_split_network_hold_what_was_counted_for_it(truenorth):
    network, stimulus, core_of = random_run([2, 3], 7)
    placed = Placement.of(network, core_of, truenorth)
    split = split_network(network, placed)
    assert split.placement.used[:, :4].tolist() == placed.used[:, :4].tolist()
    assert not splitters(split.network, split.placement.core_of, split.placement.chip).any()
    per_core = mapped(network, placed)
    assert np.bincount(split.placement.core_of[4:]).tolist() == (per_core["neurons"] + per_core["splitters"]).tolist()
    _, trace = spikes_of(network, stimulus, core_of)
    _, with_relays = spikes_of(split.network, stimulus, split.placement.core_of)
    relayed = (with_relays.spikes().neuron >= network.n_neurons).sum()
    of_each = splitters(network, placed.core_of, placed.chip)
    assert relayed == of_each[trace.spikes().neuron].sum()  # what core_ticks counts
    one, other = count_events(trace, placed), count_events(with_relays, split.placement)
    assert other.total("synaptic_events") == one.total("synaptic_events") + relayed


def test_a_neuron_by_hand(truenorth):
    # Neuron 1 reaches neurons 2 and 3 on two cores after 3 ticks: one axon with two relays, then 2 ticks from each.
    cells = TrueNorthCells(3, weights=(1, 0, 0, 0), threshold=1)
    network = network_of(cells, [(0, 1, 1, 0), (1, 2, 3, 0), (1, 3, 3, 0)], inputs=1)
    split = split_network(network, Placement.of(network, [-1, 0, 1, 2], truenorth))
    rows = sorted(zip(split.network.pre.tolist(), split.network.post.tolist(), split.network.delay.tolist()))
    assert rows == [(0, 1, 1), (1, 4, 1), (1, 5, 1), (4, 2, 2), (5, 3, 2)]
    assert split.placement.core_of.tolist() == [-1, 0, 1, 2, 0, 0]
    found, _ = spikes_of(split.network, Stimulus.of([0], [0], duration_ticks=6), split.placement.core_of)
    assert found == [(0, 0), (1, 1), (2, 4), (2, 5), (4, 2), (4, 3)]


def test_a_loop_without_room_is_refused_and_with_room_is_not(truenorth):
    cells = TrueNorthCells(3, weights=(1, 0, 0, 0), threshold=1)

    def split(delay):
        network = network_of(cells, [(0, 1, 1, 0), (1, 2, delay, 0), (1, 3, delay, 0), (2, 1, 1, 0)], inputs=1)
        return split_network(network, Placement.of(network, [-1, 0, 1, 2], truenorth))

    assert split(2).shift.tolist() == [0, 0, 0, 0]
    with pytest.raises(CapacityError, match=r"a loop through neuron [12]: .* or place it on one core"):
        split(1)


def test_what_would_do_another_thing_later_is_refused(truenorth):
    rows = [(0, 1, 1, 0), (1, 2, 1, 0), (1, 3, 1, 0)]
    for modes, complaint in (({"leak": 1}, "neuron 2, which moves by itself"), ({"mask": 3}, "draws at random")):
        network = network_of(TrueNorthCells(3, weights=(1, 0, 0, 0), threshold=9, **modes), rows, inputs=1)
        with pytest.raises(ConfigError, match=complaint):
            split_network(network, Placement.of(network, [-1, 0, 1, 2], truenorth))


def test_a_network_of_other_neurons_is_refused(build, truenorth):
    network = build([("x", 2, False)], [((0, 0), [(0, 1, 1, 1)])])
    with pytest.raises(ConfigError, match=r"splitters are neurons of TrueNorth, and the network is not: .*quantise it"):
        split_network(network, place(network, truenorth))
