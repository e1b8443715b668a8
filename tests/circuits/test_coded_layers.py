"""Layers of counting neurons behind coded inputs: what they compute, what each code costs, what is refused."""

import numpy as np
import pytest

from circuits.coded_layers import INPUT_CODES, CodedLayers
from circuits.maps import Linear
from circuits.readout import spike_counts
from eventsim import compile_network, simulate
from eventsim.errors import CircuitError
from tests.support.brian2_runs import both, same

RNG = np.random.default_rng(5)
WEIGHT = RNG.standard_normal((3, 4))
HIDDEN, READ = RNG.standard_normal((6, 4)), RNG.standard_normal((2, 6))


def answers(circuit, x, seed=0):
    """(outputs, spikes of the sources in all)."""
    with simulate(compile_network(circuit.network()), circuit.stimulus(x, seed=seed)) as trace:
        return circuit.decode(trace), spike_counts(circuit, trace, circuit.sources).sum()


def one_layer(code, ticks, amplitude=4.0):
    return CodedLayers([Linear(WEIGHT, np.array([0.5, -0.5, 0.0]))], ticks=ticks, limits=[20.0], code=code,
                       amplitude=amplitude)  # fmt: skip


def test_regular_inputs_are_rounded_and_so_are_outputs_and_nothing_else_is_lost():
    x, ticks = RNG.uniform(-4, 4, (20, 4)), 64
    sent = np.sign(x) * np.floor(np.abs(x) / 4 * ticks + 0.5) * 4 / ticks
    y, _ = answers(one_layer("regular", ticks), x)
    due = sent @ WEIGHT.T + [0.5, -0.5, 0.0]
    assert np.abs(y - due).max() <= 20 / ticks / 2 + 1e-6


def test_two_layers_have_a_relu_between_them():
    layers = [Linear(HIDDEN, np.full(6, -0.3)), Linear(READ)]
    circuit = CodedLayers(layers, ticks=512, limits=[15.0, 30.0], code="regular", amplitude=2.0)
    x = RNG.uniform(-2, 2, (20, 4))
    due = np.maximum(x @ HIDDEN.T - 0.3, 0) @ READ.T
    np.testing.assert_allclose(circuit.exact(x), due)
    y, _ = answers(circuit, x)
    assert np.abs(y - due).max() < 0.02 * np.abs(due).max()


def test_what_exceeds_the_limit_is_clipped():
    circuit = CodedLayers([Linear(np.eye(2))], ticks=32, limits=[1.0], code="regular", amplitude=4.0)
    y, _ = answers(circuit, np.array([[4.0, -4.0], [0.5, -2.0]]))
    np.testing.assert_allclose(y, [[1.0, -1.0], [0.5, -1.0]])


@pytest.mark.parametrize(
    "code, variance, spikes",
    [("random", lambda x: (4 * np.abs(x) - x**2) / 256, lambda x: 256 * np.abs(x) / 4),
     pytest.param("offset", lambda x: (16 - x**2) / 256, lambda x: 256 * (1 + x / 4) / 2, marks=pytest.mark.slow)],
)  # fmt: skip
def test_the_error_and_the_spikes_of_a_random_code_are_those_of_coins(code, variance, spikes):
    x = np.tile(RNG.uniform(-3, 3, 4), (400, 1))
    circuit = CodedLayers([Linear(np.eye(4))], ticks=256, limits=[16.0], code=code, amplitude=4.0)
    y, sent = answers(circuit, x, seed=3)
    rounding = (16 / 256) ** 2 / 12
    # 400 runs of 4 numbers: a standard error of sqrt(2/1600) in the mean square, relative to it.
    np.testing.assert_allclose(np.square(y - x).mean(), (variance(x) + rounding).mean(), rtol=4 * np.sqrt(2 / 1600))
    np.testing.assert_allclose(sent / 400, spikes(x[0]).sum(), rtol=0.01)


def test_other_seeds_draw_other_spikes_and_the_same_seed_the_same():
    x = RNG.uniform(-4, 4, (3, 4))
    circuit = one_layer("random", 32)
    assert circuit.stimulus(x, seed=1).hash == circuit.stimulus(x, seed=1).hash != circuit.stimulus(x, seed=2).hash


@pytest.mark.parametrize("code", INPUT_CODES)
def test_the_size_is_what_is_built_and_brian2_gives_the_same_spikes(code):
    layers = [Linear(HIDDEN), Linear(np.where(np.abs(READ) > 0.5, READ, 0.0))]
    circuit = CodedLayers(layers, ticks=16, limits=[15.0, 30.0], code=code, amplitude=[1.0, 2.0, 3.0, 4.0])
    size = CodedLayers.size(layers, code=code)
    assert (size.neurons, size.synapses) == (circuit.n_neurons, circuit.n_synapses)
    ours, theirs = both(circuit.network(circuit.stimulus(RNG.uniform(-1, 1, (2, 4)), seed=1)), 2 * 49)
    assert len(ours.spikes) > 20 and same(ours, theirs)


@pytest.mark.parametrize(
    "change, message",
    [({"code": "rank"}, "choose one of random, regular, offset"), ({"ticks": 0}, "at least 1"),
     ({"limits": [1.0, 2.0]}, "limits has shape"), ({"amplitude": 0.0}, "must be positive"),
     ({"layers": []}, "one layer"), ({"layers": [Linear(WEIGHT), Linear(WEIGHT)]}, "does not fit")],
)  # fmt: skip
def test_a_wrong_description_is_refused(change, message):
    with pytest.raises(CircuitError, match=message):
        CodedLayers(**{"layers": [Linear(WEIGHT)], "ticks": 8, "limits": [1.0]} | change)


def test_inputs_of_another_shape_are_refused():
    with pytest.raises(CircuitError, match="give finite"):
        one_layer("random", 8).stimulus(np.zeros((2, 3)))
