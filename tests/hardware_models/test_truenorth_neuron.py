"""TrueNorth's neuron: each mode by hand, chance by its own draws, and a network against plain loops."""

import numpy as np
import pytest

import eventsim
from eventsim.errors import ConfigError
from eventsim.philox import uniform_array
from eventsim.reference import reference_run
from eventsim.stimulus import Stimulus
from hardware_models.integers.truenorth.network import TrueNorthAxons, truenorth_network
from hardware_models.integers.truenorth.neuron import TrueNorthCells

TOP = 2**19 - 1


def path(ticks, weights=(1, 0, 0, 0), threshold=TOP // 2, inputs=(), delay=1, kind=0, **modes):
    """(V after each tick, spike ticks) of one neuron, whose axons get spikes at `inputs`, (tick, axon)."""
    cells = TrueNorthCells(1, weights, threshold, **modes)
    kinds = np.atleast_1d(kind)
    axons = [TrueNorthAxons("in", "cell", range(kinds.size), np.ones((kinds.size, 1)), kinds, delay)]
    v = []
    for length in range(1, ticks + 1):
        early = [(t, i) for t, i in inputs if t < length]
        tick, neuron = zip(*early) if early else ((), ())
        network = truenorth_network({"in": kinds.size, "cell": cells}, axons,
                                    stimulus=Stimulus.of(tick, neuron, duration_ticks=length))  # fmt: skip
        result = reference_run(network)
        v.append(result.state["cell", "v"][0])
    return v, [t for t, neuron in result.spikes if neuron == kinds.size]


# -- integration and leak


def test_an_axon_adds_the_weight_of_its_type_after_its_delay():
    inputs, kinds = [(0, 0), (0, 1), (1, 2), (1, 3)], (0, 1, 2, 3)
    v, _ = path(5, weights=(3, -5, 255, -256), inputs=inputs, delay=2, kind=kinds, negative_threshold=1000)
    assert v == [0, 0, 3 - 5, 3 - 5 + 255 - 256, -3]


def test_a_leak_adds_itself_and_reversed_pulls_away_from_zero_or_towards_it():
    assert path(3, leak=-7, negative_threshold=1000)[0] == [-7, -14, -21]
    assert path(3, leak=7, reversal=True, start=-5, negative_threshold=1000)[0] == [-12, -19, -26]
    assert path(4, leak=-2, reversal=True, start=-5, negative_threshold=1000)[0] == [-3, -1, 1, -1]
    assert path(2, leak=-2, reversal=True)[0] == [0, 0]


def test_the_potential_saturates_at_twenty_bits():
    assert path(2, leak=255, start=TOP - 300, threshold=2**18 - 1, reset="none")[0] == [TOP - 45, TOP]


# -- thresholds


@pytest.mark.parametrize("reset, after", [("value", 2), ("subtract", 3), ("none", 13)])
def test_a_spike_sets_subtracts_or_leaves(reset, after):
    v, spikes = path(1, start=13, threshold=10, reset=reset, reset_value=2)
    assert (v, spikes) == ([after], [0])


def test_a_neuron_fires_at_its_threshold():
    assert path(3, leak=5, threshold=10)[1] == [1]
    assert path(3, leak=5, threshold=11)[1] == [2]


@pytest.mark.parametrize(
    "floor, reset, after",
    [("saturate", "value", -10), ("reset", "value", -4), ("reset", "subtract", -3), ("reset", "none", -13)],
)
def test_below_the_negative_threshold_it_saturates_or_resets_without_a_spike(floor, reset, after):
    modes = {"floor": floor, "reset": reset, "reset_value": 4, "negative_threshold": 10, "threshold": 100}
    assert path(1, start=-13, **modes) == ([after], [])
    assert path(1, start=-10, **modes) == ([-10], [])


# -- chance


def draws(purpose, ticks, key=1, seed=0):
    return uniform_array(np.full(ticks, key), np.zeros(ticks, int), np.arange(ticks), purpose, seed)


def run(cells, ticks, axons=(), n_inputs=1, inputs=(), seed=0):
    tick, neuron = zip(*inputs) if inputs else ((), ())
    stimulus = Stimulus.of(tick, neuron, duration_ticks=ticks)
    return reference_run(truenorth_network({"in": n_inputs, "cell": cells}, axons, seed=seed, stimulus=stimulus))


def test_a_stochastic_leak_steps_with_its_chance():
    result = run(
        TrueNorthCells(1, (0, 0, 0, 0), 1000, leak=-64, stochastic_leak=True, negative_threshold=2**18 - 1), 2000
    )
    steps = (256 * draws(5, 2000) < 64).sum()
    assert result.state["cell", "v"][0] == -steps and abs(steps - 500) < 4 * np.sqrt(2000 * 3 / 16)


def test_a_stochastic_threshold_rises_by_its_masked_bits():
    cells = TrueNorthCells(1, (0, 0, 0, 0), 10, leak=0, start=13, mask=7, reset="none")
    spikes = [tick for tick, _ in run(cells, 800).spikes]
    assert spikes == np.flatnonzero(13 >= 10 + np.floor(8 * draws(6, 800))).tolist()
    assert abs(len(spikes) - 400) < 4 * np.sqrt(200)  # eta is 0, 1, 2 or 3 of 0, ..., 7


def test_stochastic_synapses_add_one_with_their_chance_each():
    cells = TrueNorthCells(
        1, (-32, 0, 0, 0), 1000, stochastic=(True, False, False, False), negative_threshold=2**18 - 1
    )
    axons = [TrueNorthAxons("in", "cell", range(20), np.ones((20, 1)))]
    inputs = [(t, i) for t in range(300) for i in range(20)]
    v = run(cells, 301, axons, 20, inputs).state["cell", "v"][0]
    assert abs(-v - 6000 / 8) < 4 * np.sqrt(6000 * 7 / 64)
    assert run(cells, 301, axons, 20, inputs, seed=1).state["cell", "v"][0] != v
    sure = TrueNorthCells(1, (-256, 0, 0, 0), 1000, stochastic=cells.stochastic, negative_threshold=2**18 - 1)
    assert run(sure, 301, axons, 20, inputs).state["cell", "v"][0] == -6000


# -- a network


def by_loops(parts, spikes, ticks):
    """The deterministic neuron with a scheduler of 16 slots, as one would write it for a core."""
    weights, threshold, leak, kind, delay, crossbar, n_in = parts
    n, slots, v, found = threshold.size, np.zeros((16, kind.size), bool), np.zeros(threshold.size, int), []
    arriving = {(t, i) for t, i in spikes}
    for t in range(ticks):
        active = slots[t % 16].copy()
        slots[t % 16] = False
        fired = [i for i in range(n_in) if (t, i) in arriving]
        for j in range(n):
            v[j] += sum(weights[j][kind[a]] for a in np.flatnonzero(active) if crossbar[a, j]) + leak[j]
            if v[j] >= threshold[j]:
                v[j] -= threshold[j]
                fired.append(n_in + j)
                found.append((t, n_in + j))
            elif v[j] < -50:
                v[j] = -50
        for axon in fired:
            slots[(t + delay[axon]) % 16, axon] = True
    return found


def test_a_recurrent_network_spikes_as_plain_loops_say():
    rng, n_in, n, ticks = np.random.default_rng(4), 16, 24, 120
    kind, delay = np.r_[rng.integers(0, 2, n_in), rng.integers(2, 4, n)], rng.integers(1, 16, n_in + n)
    crossbar, weights = rng.random((n_in + n, n)) < 0.4, rng.integers(-20, 40, (n, 4))
    threshold, leak = rng.integers(20, 90, n), rng.integers(-3, 2, n)
    spikes = [tuple(map(int, pair)) for pair in np.argwhere(rng.random((ticks, n_in)) < 0.1)]
    cells = TrueNorthCells(n, weights, threshold, 50, leak, reset="subtract")
    axons = [TrueNorthAxons("in", "cells", range(n_in), crossbar[:n_in], kind[:n_in], delay[:n_in]),
             TrueNorthAxons("cells", "cells", range(n), crossbar[n_in:], kind[n_in:], delay[n_in:])]  # fmt: skip
    tick, neuron = zip(*spikes)
    network = truenorth_network({"in": n_in, "cells": cells}, axons,
                                stimulus=Stimulus.of(tick, neuron, duration_ticks=ticks))  # fmt: skip
    expected = by_loops((weights, threshold, leak, kind, delay, crossbar, n_in), spikes, ticks)
    assert [s for s in reference_run(network).spikes if s[1] >= n_in] == expected and len(expected) > 300


@pytest.mark.slow
def test_the_kernel_draws_the_numbers_of_the_reference():
    rng, n_in, n, ticks = np.random.default_rng(8), 12, 10, 150
    cells = TrueNorthCells(
        n, rng.integers(-60, 250, (n, 4)), 6, 20, -30, reset="subtract", floor="reset", reversal=True,
        stochastic_leak=True, stochastic=(True, True, False, False), mask=3,
    )  # fmt: skip
    axons = [TrueNorthAxons("in", "cells", range(n_in), rng.random((n_in, n)) < 0.6, rng.integers(0, 2, n_in))]
    tick, neuron = np.nonzero(rng.random((ticks, n_in)) < 0.4)
    stimulus = Stimulus.of(tick, neuron, duration_ticks=ticks)
    network = truenorth_network({"in": n_in, "cells": cells}, axons, seed=3, stimulus=stimulus)
    spikes = eventsim.simulate(network).spikes()
    assert list(zip(spikes.tick.tolist(), spikes.neuron.tolist())) == sorted(reference_run(network).spikes)
    assert spikes.tick.size > tick.size + 100


# -- bad input


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: TrueNorthCells(1, (256, 0, 0, 0), 1), "a weight is 256; a whole number from -256 to 255 is allowed"),
        (lambda: TrueNorthCells(1, (1, 0, 0), 1), "there are 4 axon types, give a number for each"),
        (lambda: TrueNorthCells(1, (1, 0, 0, 0), 1, mask=6), "log2"),
        (lambda: TrueNorthCells(1, (1, 0, 0, 0), 1, reset="hold"), "reset is 'hold'; choose one of value, subtract"),
        (lambda: path(1, inputs=[(0, 0)], delay=16), "delay_ticks from 16 to 16, 1 to 15 allowed"),
        (lambda: path(1, inputs=[(0, 0)], kind=4), "kind from 4 to 4, 0 to 3 allowed"),
        (lambda: truenorth_network({"cell": TrueNorthCells(2, (1, 0, 0, 0), 1)},
                                   [TrueNorthAxons("cell", "cell", [1, 1], np.ones((2, 2)))]),
         "neuron 1 of 'cell' drives 2 axons, 1 allowed; put a splitter neuron in between"),
    ],
)  # fmt: skip
def test_what_the_chip_does_not_have_is_named(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
