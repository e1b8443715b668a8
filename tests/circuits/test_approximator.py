"""Spiking transformers for permutation-equivariant functions: what they reach, and that spikes follow their tokens."""

import numpy as np
import pytest

import eventsim
from circuits.approximator import (
    FUNCTIONS,
    Basis,
    FixedMaps,
    LowestIndexWins,
    SpikingTransformer,
    approximate,
    follows,
    transformer,
)
from circuits.approximator.layers import hidden_counts
from circuits.readout import spike_counts
from eventsim.errors import CapacityError, CircuitError
from tests.support.brian2_runs import by_brian2

N, D, TICKS = 5, 2, 16  # a mean over five tokens has weights that are no dyadic numbers
QUICK = {"width": 6, "ticks": TICKS, "examples": 40, "held_out": 20}


def phi(x):
    return np.tanh(x + x.mean(axis=0))


@pytest.fixture(scope="module")
def basis():
    return Basis(N, D, **QUICK)


@pytest.fixture(scope="module")
def fitted(basis):
    return basis.approximate(phi, 0.3)


def run(basis, circuit, x, code="regular", **keys):
    return eventsim.simulate(
        eventsim.compile_network(circuit.network()), circuit.stimulus(basis.place(x), code=code, **keys)
    )


def permutations(number, seed=0):
    """The identity and random orders of N tokens."""
    rng = np.random.default_rng(seed)
    return np.array([np.arange(N), *(rng.permutation(N) for _ in range(number))])


def test_a_small_circuit_is_far_better_than_a_constant_and_says_so(basis, fitted):
    assert fitted.met
    assert fitted.low < fitted.reached < fitted.high
    due = np.stack([phi(x) for x in basis.held_out])
    assert fitted.constant == pytest.approx(np.sqrt(np.mean((due - due.mean(axis=(0, 1))) ** 2)), rel=1e-12)
    with basis.run(fitted.circuit, basis.held_out) as trace:  # a second run, decoded here
        missed = fitted.circuit.decode(trace) - due
    assert fitted.reached == pytest.approx(np.sqrt(np.mean(missed**2)) / fitted.constant, rel=1e-12)
    assert fitted.largest == np.abs(missed).max()


def test_counts_are_the_real_numbers_to_within_rounding(basis):
    exact = basis.maps.exact(basis.examples)
    assert np.abs(basis.counts["feature"] / TICKS - exact["feature"]).max() < 3 / TICKS
    assert np.abs(basis.counts["mean"] / TICKS - exact["mean"]).max() < 2 / TICKS
    assert np.abs(basis.counts["max"] / TICKS - exact["max"]).max() < 3 / TICKS
    assert np.abs(basis.counts["score"] * 4 / TICKS - exact["score"]).max() < 4 * N / TICKS
    share = basis.counts["mixed"] / np.repeat(basis.counts["weight"], 2 * D, axis=-1)
    assert np.sqrt(np.mean((share - exact["mixed"]) ** 2)) < 0.25 * exact["mixed"].std()


def test_hidden_neurons_and_outputs_fire_as_often_as_integer_arithmetic_says(basis, fitted):
    circuit, layers = fitted.circuit, fitted.circuit.layers
    with basis.run(circuit, basis.held_out) as trace:
        counts, output = circuit.counts(trace), spike_counts(circuit, trace, circuit.layer["output"])
    drive = layers.hidden_drive(counts)
    np.testing.assert_array_equal(counts["hidden"], np.clip(np.floor(drive + 0.5), 0, TICKS))
    v = (layers.outputs_of(counts) - layers.offset) / layers.unit
    near = np.abs(v % 1 - 0.5) < 1e-9  # outputs_of leaves the grid
    expected = np.stack([hidden_counts(v, TICKS), hidden_counts(-v, TICKS)], axis=-1)
    np.testing.assert_array_equal(output[~near], expected[~near])
    assert near.mean() < 0.01


@pytest.mark.parametrize("code", ["regular", "random"])
def test_every_spike_follows_its_token_through_200_permutations(basis, fitted, code):
    orders = permutations(200)
    x = basis.held_out[0][orders]
    keyed = {"token_keys": orders, "input_id": np.zeros(len(orders), dtype=int)}
    assert follows(fitted.circuit, run(basis, fitted.circuit, x, code=code, **keyed), orders).all()
    if code == "random":
        by_index = run(basis, fitted.circuit, x, code=code, input_id=keyed["input_id"])
        moved = (orders != orders[0]).any(axis=1)
        assert not follows(fitted.circuit, by_index, orders)[moved].any()


@pytest.mark.slow
def test_a_circuit_in_which_the_lowest_index_wins_fails_the_same_test(basis, fitted):
    circuit, orders = LowestIndexWins(basis.maps, N, TICKS, fitted.circuit.layers), permutations(200)
    trace = run(basis, circuit, basis.held_out[0][orders])
    assert follows(circuit, trace, orders).mean() < 0.2
    outputs = circuit.decode(trace)
    assert any((y != outputs[0][order]).any() for y, order in zip(outputs, orders, strict=True))


@pytest.mark.slow
def test_brian2_fires_the_same_spikes():
    basis = Basis(2, 1, width=2, ticks=4, examples=20, held_out=5)
    circuit = SpikingTransformer(basis.maps, 2, 4, basis.fit(basis.counts, np.tanh(basis.examples)))
    stimulus = circuit.stimulus(basis.held_out[:2])
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), stimulus)
    spikes = trace.spikes()
    assert len(spikes) > 100
    in_brian2 = by_brian2(circuit.network(stimulus), trace.network, stimulus.duration_ticks)
    assert list(zip(spikes.tick.tolist(), spikes.neuron.tolist())) == in_brian2.spikes


def test_sums_that_are_rounded_would_be_seen(basis, fitted, monkeypatch):
    monkeypatch.setattr(transformer, "HOLD", 2.0**50)  # a float64 of this size moves in steps of 1/4
    circuit, orders = SpikingTransformer(basis.maps, N, TICKS, fitted.circuit.layers), permutations(200)
    assert not follows(circuit, run(basis, circuit, basis.held_out[0][orders]), orders).all()


@pytest.mark.parametrize("kind", [SpikingTransformer, LowestIndexWins])
@pytest.mark.parametrize("fit", [False, True])
def test_a_transformer_has_the_size_that_was_said_before(basis, fitted, kind, fit):
    layers = fitted.circuit.layers if fit else None
    circuit, said = kind(basis.maps, N, TICKS, layers), kind.size(basis.maps, N, layers)
    assert (circuit.n_neurons, circuit.n_synapses) == (said.neurons, said.synapses)


def test_wider_maps_begin_with_the_narrower_ones():
    narrow, wide = (FixedMaps.draw(D, width, seed=1) for width in (6, 12))
    for what, values in vars(narrow).items():
        np.testing.assert_array_equal(getattr(wide, what)[: len(values)], values)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: approximate(phi, 0, D, 0.1), "n is 0"),
    (lambda: approximate(phi, N, D, 0.1, width=0), "width is 0"),
    (lambda: approximate(phi, N, D, 0.1, ticks=2.5), "ticks is 2.5"),
    (lambda: approximate(phi, N, D, 0.1, domain=(1, -1)), "lower and a higher"),
    (lambda: approximate(phi, N, D, 0.1, code="phase"), "choose one of regular, random"),
    (lambda: approximate(phi, N, D, -1.0), "error is -1.0"),
    (lambda: approximate(3, N, D, 0.1), "give a function"),
    (lambda: approximate(lambda x: x.cumsum(axis=0), N, D, 0.1), r"not permutation-equivariant.* \[4, 3, 2, 1, 0\]"),
    (lambda: approximate(lambda x: x.mean(axis=0), N, D, 0.1), r"one of shape \(2,\); it must be \(5, outputs\)"),
    (lambda: approximate(lambda x: np.log(x), N, D, 0.1), "f is not finite at"),
    (lambda: approximate(np.zeros_like, N, D, 0.1), "a constant needs no circuit"),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_cannot_be_approximated_is_refused_by_name(make, message):
    with pytest.raises(CircuitError, match=message):
        make()


@pytest.mark.parametrize("x", [np.zeros((1, N, D + 1)), np.full((1, N, D), np.nan), np.full((1, N, D), 1.5)])
def test_inputs_that_do_not_fit_are_refused(fitted, x):
    with pytest.raises(CircuitError, match=r"inputs have shape|outside -1 to 1"):
        fitted.circuit.stimulus(x)


def test_a_circuit_beyond_memory_is_refused_before_any_work():
    with pytest.raises(CapacityError, match="bytes"):
        SpikingTransformer(FixedMaps.draw(2, 64, seed=0), 3000, 16)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_six_functions_are_approximated_to_a_tenth(name, large):
    reached = large.approximate(FUNCTIONS[name], 0.1)
    assert reached.met, str(reached)
    assert reached.high < 0.1


@pytest.fixture(scope="module")
def large():
    return Basis(8, 2, width=48, ticks=128)
