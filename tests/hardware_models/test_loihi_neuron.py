"""Loihi's integer neuron: the recording of brian2-loihi, and cases whose every number is known by hand."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import eventsim
from eventsim.errors import ConfigError
from eventsim.reference import reference_run
from eventsim.stimulus import Stimulus
from hardware_models.integers.loihi.arithmetic import actual_weight, bias_of
from hardware_models.integers.loihi.network import LoihiSynapses, loihi_network
from hardware_models.integers.loihi.neuron import LoihiCells

TOP = 2**23 - 1


# -- the recording


@pytest.fixture(scope="module")
def recorded():
    text = (Path(__file__).parent.parent / "data" / "loihi_recurrent_brian2loihi.json").read_text()
    return json.loads(text)


def rebuilt(recorded, odd="truncate", **changes):
    given = recorded | changes
    cells = LoihiCells(10, given["vth_mant"], given["decay_I"], given["decay_v"], 0, given["refractory"])
    wires = []
    for source, name, delay in (("inputs", "W", 0), ("cells", "R", 1 + given["rec_delay"])):
        pre, post = np.indices(np.shape(given[name])).reshape(2, -1)
        wires.append(LoihiSynapses(source, "cells", pre, post, np.ravel(given[name]), delay, odd=odd))
    stimulus = Stimulus.of(given["in_t"], given["in_i"], duration_ticks=200)
    return loihi_network({"inputs": 20, "cells": cells}, wires, stimulus=stimulus)


def output(network):
    return sorted((tick, neuron - 20) for tick, neuron in reference_run(network).spikes if neuron >= 20)


def spikes_of(recorded):
    return sorted(zip(recorded["spk_t"], recorded["spk_i"]))


def test_the_kernel_gives_every_spike_potential_and_current_that_was_recorded_from_brian2_loihi(recorded):
    trace = eventsim.simulate(rebuilt(recorded), record={"u": range(20, 30), "v": range(20, 30)})
    spikes = trace.spikes("cells")
    assert sorted(zip(spikes.tick.tolist(), (spikes.neuron - 20).tolist())) == spikes_of(recorded)
    samples = trace.samples()
    np.testing.assert_array_equal(samples.of("v").value.T, recorded["v"])
    # Recorded after the decay of the tick, before its input; here before its decay.
    u = samples.of("u").value.T.astype(np.int64)
    decayed = np.sign(u) * ((np.abs(u) * (4096 - recorded["decay_I"])) >> 12)
    np.testing.assert_array_equal(decayed, recorded["I"])


def test_the_reference_gives_every_spike_that_was_recorded(recorded):
    assert output(rebuilt(recorded)) == spikes_of(recorded)
    np.testing.assert_array_equal(rebuilt(recorded).weight[:20], recorded["w_act"])


@pytest.mark.parametrize(
    "changes",
    [{"odd": "floor"}, {"decay_v": 129}, {"decay_I": 1025}, {"refractory": 1}, {"rec_delay": 2}, {"vth_mant": 401}],
)
def test_one_rounding_decay_delay_or_threshold_changed_gives_other_spikes(recorded, changes):
    assert output(rebuilt(recorded, **changes)) != spikes_of(recorded)


def test_decays_rounded_down_instead_of_towards_zero_give_other_potentials(recorded):
    network = rebuilt(recorded)
    schedule = tuple(
        dataclasses.replace(o, each=tuple(
            dataclasses.replace(s, expression=s.expression.replace("int(", "floor(")) for s in o.each))
        for o in network.schedule
    )  # fmt: skip
    floored = dataclasses.replace(network, schedule=schedule)
    last = [potentials[-1] for potentials in recorded["v"]]
    right, wrong = (reference_run(each, each.stimulus.lasting(199)).state["cells", "v"] for each in (network, floored))
    assert right == last and wrong != last


# -- weights and biases


@pytest.mark.parametrize(
    "mantissa, exponent, sign, bits, odd, weight",
    [
        (-13, 0, "mixed", 8, "truncate", -12 * 64), (-13, 0, "mixed", 8, "floor", -14 * 64),
        (13, 0, "mixed", 8, "floor", 12 * 64), (255, 0, "excitatory", 8, "truncate", 255 * 64),
        (255, 7, "excitatory", 8, "truncate", 255 * 2**13), (-256, 7, "inhibitory", 8, "truncate", -(2**21 - 64)),
        (5, -1, "excitatory", 8, "truncate", 2 * 64), (-5, -1, "inhibitory", 8, "truncate", -3 * 64),
        (200, -8, "excitatory", 8, "truncate", 0), (255, 0, "excitatory", 1, "truncate", 128 * 64),
        (254, 2, "mixed", 4, "truncate", 224 * 256), (-30, 0, "mixed", 4, "truncate", 0),
        (-30, 0, "mixed", 4, "floor", -32 * 64),
    ],
)  # fmt: skip
def test_weights_by_hand(mantissa, exponent, sign, bits, odd, weight):
    assert actual_weight(mantissa, exponent, sign, bits, odd) == weight


def test_a_bias_has_twelve_bits_and_up_to_seven_places():
    values = [0, 4095, -4095, 4096, 4097, 524160, 10**6, 8193]
    assert bias_of(values).tolist() == [0, 4095, -4095, 4096, 4096, 524160, 524160, 8192]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: actual_weight(256), "a mantissa of 256; a mixed weight has -256 to 254"),
        (lambda: actual_weight(-1, sign="excitatory"), "a mantissa of -1; a excitatory weight has 0 to 255"),
        (lambda: actual_weight(1, exponent=8), "exponent is 8; choose one of -8,"),
        (lambda: actual_weight(1, odd="ceil"), "odd is 'ceil'; choose one of truncate, floor"),
        (lambda: LoihiCells(2, 2**17), "threshold is 131072; a whole number from 0 to 131071 is allowed"),
        (lambda: LoihiCells(2, 1, decay_u=[1, 0.5]), "decay_u is 0.5; a whole number from 0 to 4096 is allowed"),
        (lambda: LoihiCells(2, 1, refractory=65), "refractory is 65; a whole number from 1 to 64 is allowed"),
    ],
)
def test_a_number_out_of_range_is_named(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


# -- one neuron, by hand


def states(cells, mantissas=(), ticks=8, overflow="wrap", exponent=0, spikes=None):
    """(u, v, spike ticks) of one neuron in each tick; each input fires in every tick unless told."""
    n = len(mantissas)
    tick, neuron = np.transpose(spikes) if spikes else np.indices((ticks, n)).reshape(2, -1)
    wires = [LoihiSynapses("in", "cell", range(n), 0, mantissas, 0, exponent, "excitatory")] if n else []
    found = []
    for length in range(1, ticks + 1):
        early = tick < length
        stimulus = Stimulus.of(tick[early], neuron[early], duration_ticks=length)
        network = loihi_network({"in": max(n, 1), "cell": cells}, wires, overflow=overflow, stimulus=stimulus)
        result = reference_run(network)
        found.append((result.state["cell", "u"][0], result.state["cell", "v"][0]))
    u, v = map(list, zip(*found))
    return u, v, [t for t, neuron in result.spikes if neuron == max(n, 1)]


def test_current_and_potential_decay_towards_zero_by_magnitude():
    cells = LoihiCells(1, 1000, decay_u=2048, decay_v=4095, start=-4097)
    u, v, _ = states(cells, [1], ticks=5, spikes=[(0, 0)])
    assert u == [64, 32, 16, 8, 4]
    assert v == [63, 32, 16, 8, 4]  # -4097/4096 is -1
    _, v, _ = states(LoihiCells(1, 1000, decay_v=2048, start=-7), ticks=4)
    assert v == [-3, -1, 0, 0]


def test_a_neuron_fires_above_its_threshold_not_at_it_and_is_held_for_its_period_less_one():
    assert states(LoihiCells(1, 2, bias=64), ticks=8)[2] == [2, 5]
    assert states(LoihiCells(1, 2, bias=64, refractory=3), ticks=12)[1:] == (
        [64, 128, 0, 0, 0, 64, 128, 0, 0, 0, 64, 128], [2, 7],
    )  # fmt: skip


def test_while_a_neuron_is_held_its_current_goes_on():
    cells = LoihiCells(1, 10, decay_u=2048, decay_v=4095, refractory=3)
    u, v, spikes = states(cells, [16], ticks=5, spikes=[(0, 0), (1, 0)])
    assert (u, v, spikes) == ([1024, 1536, 768, 384, 192], [0, 0, 0, 384, 192], [0])


def test_a_current_beyond_23_bits_wraps_or_saturates_as_chosen():
    cells, step = LoihiCells(1, 2**17 - 1, decay_u=0, decay_v=4095), 255 * 2**13
    wrapped, saturated = (states(cells, [255], 6, kind, exponent=7)[0] for kind in ("wrap", "saturate"))
    assert wrapped == [step, 2 * step, 3 * step, 4 * step, 5 * step - 2**24, 6 * step - 2**24]
    assert saturated == [step, 2 * step, 3 * step, 4 * step, TOP, TOP]


def test_a_sum_beyond_21_bits_wraps_or_saturates_as_chosen():
    cells, step = LoihiCells(1, 2**17 - 1, decay_v=4095), 255 * 2**13
    assert states(cells, [255, 255], 1, "wrap", exponent=7)[0] == [2 * step - 2**22]
    assert states(cells, [255, 255], 1, "saturate", exponent=7)[0] == [2**21 - 1]


def test_a_potential_saturates_in_either_mode():
    for overflow in ("wrap", "saturate"):
        v = states(LoihiCells(1, 1, bias=-(2**22)), ticks=3, overflow=overflow)[1]
        assert v == [-(2**22), -TOP, -TOP]


def test_a_neuron_of_the_chip_is_reached_after_a_tick_at_least():
    wires = [LoihiSynapses("cell", "cell", [0], [0], [1], 0)]
    with pytest.raises(ConfigError, match="must reach neurons of the chip, after 1 or more ticks"):
        loihi_network({"cell": LoihiCells(1, 1)}, wires)
