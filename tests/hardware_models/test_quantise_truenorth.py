"""quantise onto TrueNorth: spikes kept where weights can be said, axons and copies counted, the rest refused."""

import dataclasses

import brian2 as b2
import msgspec
import numpy as np
import pytest

import eventsim
from circuits import Circuit
from circuits.gates import And, AtLeast, Or
from circuits.neurons import Gate, IntegrateFire, Veto
from circuits.softmax import thinning
from eventsim.compile import compile_network
from eventsim.errors import ConfigError
from eventsim.from_tables import network
from eventsim.reference import reference_run
from eventsim.stimulus import Stimulus
from hardware_models import place, quantise
from hardware_models.integers.obstacles import obstacles
from hardware_models.integers.truenorth.form import departures

NAN = float("nan")
N_IN, N_OUT, TICKS = 12, 8, 160


def layer(model, weights, delays=(0, 1, 3), recurrent=False, inhibition=True, **columns):
    """N_IN sources onto N_OUT cells of a model, a third of the weights negative; perhaps the cells onto themselves."""
    rng = np.random.default_rng(5)
    n = N_IN + N_OUT if recurrent else N_IN
    pre, post = np.indices((n, N_OUT)).reshape(2, -1)
    weight = rng.choice(weights, pre.size) * rng.choice([1, 1, -1 if inhibition else 1], pre.size)
    cells = {name: [NAN] * N_IN + [value] * N_OUT for name, value in columns.items()}
    return network({"model": ["source"] * N_IN + [model] * N_OUT} | cells,
                   {"pre": pre, "post": post + N_IN, "weight": weight,
                    "delay_ms": rng.choice(delays, pre.size)})  # fmt: skip


def chain(model, *weights, **columns):
    """A source and neurons that excite each other in a row, by the given weights."""
    n = len(weights)
    return network({"model": ["source"] + [model] * n} | {name: [NAN] + [value] * n for name, value in columns.items()},
                   {"pre": range(n), "post": range(1, n + 1), "weight": weights, "delay_ms": [1] * n})  # fmt: skip


def stimulus(rate=0.06):
    tick, neuron = np.nonzero(np.random.default_rng(6).random((TICKS, N_IN)) < rate)
    return Stimulus.of(tick, neuron, duration_ticks=TICKS)


def both(given, made, given_stimulus):
    """Spikes of the neurons of the network that was given, as it was and on the chip."""
    runs = reference_run(given, given_stimulus), reference_run(made.network, made.stimulus(given_stimulus))
    return [sorted(s for s in run.spikes if s[1] < given.n_neurons and not given.is_source[s[1]]) for run in runs]


@pytest.mark.parametrize(
    "name, given",
    {
        "four weights, gates": lambda: layer("gate", (1, 2), v_th=1.5, recurrent=True),
        "digits, gates": lambda: layer("gate", (1, 2, 3), v_th=1.5),
        "digits, soft resets": lambda: layer("integrate", (1, 2, 3, 5, 7), v_th=2.0),
        "fractions": lambda: layer("integrate", (0.25, 0.5), v_th=2.5),
        "one sign": lambda: layer("integrate", range(1, 200), v_th=300.0, inhibition=False),
        "a drive": lambda: layer("integrate", (10, 20), v_th=64.0, drive=3.0),
    }.items(),
)
def test_weights_and_leaks_that_the_chip_can_say_keep_every_spike(truenorth, name, given):
    given = given()
    made = quantise(given, truenorth)
    expected, found = both(given, made, stimulus())
    assert found == expected and len(expected) > 20
    assert (made.losses.pathways[["max_error", "zeros_lost"]].to_numpy() == 0).all()
    assert departures(made.network, truenorth) == [] and truenorth.check(made.network) == []


@pytest.mark.parametrize("parameter, change", [("alpha", 1), ("leak", -1), ("s0", 1)])
def test_one_unit_of_a_number_shows_in_the_spikes(truenorth, parameter, change):
    given = layer("integrate", (1, 2), v_th=4.0)
    made = quantise(given, truenorth)
    expected, _ = both(given, made, stimulus())
    cells = made.network.population("integrate")
    changed = dataclasses.replace(
        cells, parameters=cells.parameters | {parameter: cells.parameters[parameter] + change}
    )
    populations = tuple(changed if p is cells else p for p in made.network.populations)
    broken = made._replace(network=dataclasses.replace(made.network, populations=populations))
    assert both(given, broken, stimulus())[1] != expected


@pytest.mark.parametrize("inputs, model, least", [(2, And(), 2), (5, Or(), 1), (7, AtLeast(3), 3)])
def test_a_gate_forgets_by_its_leak(truenorth, inputs, model, least):
    circuit = Circuit("gate")
    sources = circuit.inputs("in", inputs)
    gate = circuit.neurons("gate", 1, model)
    circuit.connect(sources, gate)
    given = compile_network(circuit.network())
    made = quantise(given, truenorth)
    # Every pattern of inputs, one per tick.
    tick, neuron = np.nonzero(np.arange(2**inputs)[:, None] >> np.arange(inputs) & 1)
    patterns = Stimulus.of(tick, circuit.neuron_ids(sources)[neuron], duration_ticks=2**inputs + 1)
    _, found = both(given, made, patterns)
    assert [t for t, _ in found] == [p + 1 for p in range(2**inputs) if p.bit_count() >= least]
    cells = made.network.population(given.populations[0].name if not given.populations[0].is_source else "gate")
    assert (cells.parameters["alpha"], cells.parameters["leak"], cells.parameters["beta"]) == (1, 1 - least, 0)


def test_a_gate_that_begins_above_its_threshold_fires_once_at_the_start(truenorth):
    circuit = Circuit("ring")
    ring = circuit.neurons("ring", 5, Gate(v_start=np.arange(5) == 2))
    circuit.connect(ring, ring, (np.arange(5), np.roll(np.arange(5), -1), 1.0))
    given = compile_network(circuit.network())
    _, found = both(given, quantise(given, truenorth), Stimulus.silent(12))
    assert found == [(t, (2 + t) % 5) for t in range(12)]


# -- axons and copies


def fan_out(*wires, model=None):
    """One neuron onto others, a wire (target, weight, delay) each; a source drives it."""
    circuit = Circuit("fan")
    source, middle = circuit.inputs("in", 1), circuit.neurons("middle", 1, model or Gate())
    targets = circuit.neurons("targets", 4, IntegrateFire(v_th=100.0))
    circuit.connect(source, middle)
    for target, weight, delay in wires:
        circuit.connect(middle, targets[target : target + 1], weight, delay_ms=float(delay))
    return circuit, compile_network(circuit.network())


@pytest.mark.parametrize(
    "wires, copies",
    [
        ([(0, 1.0, 0), (1, 1.0, 0), (2, 1.0, 0)], 0),  # one axon reaches any number of neurons
        ([(0, 1.0, 0), (1, 1.0, 3)], 1),  # two delays
        ([(0, 1.0, 0), (1, -1.0, 0)], 1),  # a pair of types, + and -
        ([(0, 1.0, 0), (0, 1.0, 0), (0, 1.0, 0)], 2),  # three synapses onto one neuron
        ([(0, 1.0, 0), (1, 2.0, 0), (2, -1.0, 0), (3, 3.0, 0)], 3),  # four weights, four types
    ],
)
def test_a_neuron_that_needs_several_axons_is_copied_and_its_copies_fire_with_it(truenorth, wires, copies):
    circuit, given = fan_out(*wires)
    made = quantise(given, truenorth)
    (middle,) = circuit.neuron_ids(circuit["middle"])
    assert made.losses.populations["copies"].sum() == copies
    own = np.flatnonzero(made.original == middle)
    assert own.size == copies + 1 and own[0] == middle and (own[1:] >= given.n_neurons).all()
    spikes = reference_run(made.network, Stimulus.of([2, 5], [int(circuit.neuron_ids(circuit["in"])[0])] * 2,
                                                     duration_ticks=10)).spikes  # fmt: skip
    assert [sorted(t for t, n in spikes if n == copy) for copy in own] == [[3, 6]] * own.size


def test_weights_of_both_signs_in_digits_of_base_two_are_twos_complement(truenorth):
    weights = [*range(-8, 0), *range(1, 8)]
    given = network({"model": ["source"] * 15 + ["integrate"], "v_th": [NAN] * 15 + [1e4]},
                    {"pre": range(15), "post": 15, "weight": weights, "delay_ms": 0.0})  # fmt: skip
    made = quantise(given, truenorth, repeats=1)
    unit = made.network.population("integrate").parameters["s0"][0]
    types = [made.network.population("integrate").parameters[f"s{g}"][0] / unit for g in range(4)]
    assert types == [1, 2, 4, -8] and made.losses.pathways.max_error.iloc[0] == 0
    # Axons of w are the bits of w in four bits.
    axons = np.bincount(made.original[made.network.pre], minlength=15)[:15]
    assert axons.tolist() == [(w & 15).bit_count() for w in weights]


def test_more_repeats_lose_less(truenorth):
    given = layer("integrate", np.random.default_rng(7).uniform(0.2, 1.3, 60), v_th=2.0)
    errors = [quantise(given, truenorth, repeats=r).losses.pathways.rms_error.iloc[0] for r in range(1, 6)]
    levels = [2 * (r + 1) ** 3 for r in range(1, 6)]
    assert errors == sorted(errors, reverse=True)
    # A uniform error of one of `levels` steps over twice the largest weight, of a mean square weight of 0.82.
    expected = [2 * 1.3 / n / 12**0.5 / 0.82 for n in levels]
    assert errors == pytest.approx(expected, rel=0.5)


def test_a_weight_that_vanishes_beside_the_largest_is_reported(truenorth):
    given = network({"model": ["source", "source", "integrate"], "v_th": [NAN, NAN, 5.0]},
                    {"pre": [0, 1], "post": [2, 2], "weight": [1.0, 0.001], "delay_ms": [0, 0]})  # fmt: skip
    row = quantise(given, truenorth).losses.pathways.iloc[0]
    assert (row.zeros_lost, row.max_error, row.axons) == (1, 1.0, 1)


def test_what_is_made_fits_the_cores_that_it_is_placed_on(truenorth):
    made = quantise(layer("gate", (1, 2, 3), v_th=1.5, recurrent=True), truenorth)
    placed = place(made.network, truenorth)
    assert placed.utilization()["share"].max() <= 1


# -- what the chip cannot do


def hard_reset():
    b2.defaultclock.dt = 1 * b2.ms
    cells = b2.NeuronGroup(2, "v : 1", threshold="v >= 2", reset="v = 0", name="cells")
    synapses = b2.Synapses(cells, cells, "w : 1", on_pre="v_post += w", name="wires")
    synapses.connect(i=[0], j=[1])
    synapses.w = 1.0
    return compile_network(b2.Network([cells, synapses]), namespace={})


@pytest.mark.parametrize(
    "given, sentence",
    [
        (lambda: layer("lif", (1,), tau_ms=20.0), "population 'lif': a potential that decays by a factor, 0.951 per"),
        (lambda: layer("lif_exp", (1,), tau_ms=20.0, tau_exc_ms=5.0, tau_inh_ms=5.0), "population 'lif_exp': a curre"),
        (lambda: layer("gate", (1,), delays=(15,)), "pathway 'source_to_gate': delays up to 15 ticks, 14 allowed"),
        (lambda: layer("gate", (1,), v_th=400.5), "population 'gate': neuron 0 has a threshold of 400"),
        (lambda: chain("integrate", 1, 1e-7, v_th=1.0), "population 'integrate': neuron 1 has a threshold of 1 and n"),
        (lambda: chain("integrate", 1, v_th=3e5), "population 'integrate': neuron 0 has a threshold of 3e+05"),
        (lambda: chain("integrate", 1, v_th=3e3, drive=0.001), "population 'integrate': neuron 0 has a drive of "),
    ],
)  # fmt: skip
def test_what_the_chip_cannot_do_is_named(truenorth, given, sentence):
    given = given()
    assert any(text.startswith(sentence) for text in obstacles(given, truenorth)), obstacles(given, truenorth)
    with pytest.raises(ConfigError, match="truenorth cannot run this network: "):
        quantise(given, truenorth)


def test_a_choice_of_another_chip_is_answered_with_its_own(truenorth, loihi):
    for chip, wrong, right in ((truenorth, "bits", "repeats, seed"), (loihi, "repeats", "bits, overflow")):
        with pytest.raises(ConfigError, match=f"a choice for {chip.name} is '{wrong}'; choose one of {right}"):
            quantise(hard_reset(), chip, **{wrong: 3})


def test_what_outlives_a_hard_reset_is_noted(truenorth):
    assert quantise(hard_reset(), truenorth).losses.notes == (
        "population 'cells': what arrives in the tick of a spike outlives the reset",
    )


def test_a_network_that_is_not_in_the_chips_form_is_told_apart(truenorth):
    given = layer("gate", (1, 2), v_th=1.5)
    assert departures(given, truenorth)[0].startswith("population 'gate': ")
    made = quantise(given, truenorth).network
    heavy = dataclasses.replace(made, weight=made.weight + 1)
    assert "weights other than 1" in departures(heavy, truenorth)[0]
    (first, *more) = made.pathways
    late = dataclasses.replace(made, pathways=(dataclasses.replace(first, delays=first.delays + 15), *more))
    assert "1 to 15 allowed" in departures(late, truenorth)[0]
    cells = made.population("gate")
    fast = dataclasses.replace(cells, parameters=cells.parameters | {"leak": cells.parameters["leak"] - 0.5})
    populations = tuple(fast if p is cells else p for p in made.populations)
    found = departures(dataclasses.replace(made, populations=populations), truenorth)
    assert "a whole number from -256 to 255 is allowed" in found[0]


# -- chance


@pytest.mark.slow
def test_thinning_runs_there_with_chances_in_parts_of_256_and_its_winners_have_the_shares_of_these(truenorth):
    n, d, scores, beta, rounds = 4, 3, np.array([3, 2, 1, 0]), 0.7, 1500
    circuit = thinning(n, d, beta=beta, scores=scores)
    made = quantise(compile_network(circuit.network()), truenorth)
    spikes = eventsim.simulate(made.network, made.stimulus(Stimulus.silent(n * rounds + 2))).spikes()
    winners = np.searchsorted(circuit.neuron_ids(circuit["passed"]), spikes.neuron)
    passed = np.isin(spikes.neuron, circuit.neuron_ids(circuit["passed"]))
    counts = np.bincount(winners[passed], minlength=n)
    survives = (1 - np.round(256 * -np.expm1(-beta)) / 256) ** (d - scores)
    assert counts[0] == rounds  # nothing vetoes a full score
    assert (np.abs(counts - rounds * survives) <= 4 * np.sqrt(rounds * survives * (1 - survives))).all()
    assert "chances are parts of 256, up to 0.10% off" in made.losses.notes[0]
    assert truenorth.check(made.network) == []


def test_a_gate_of_chance_that_would_need_a_copy_is_refused(truenorth):
    circuit = Circuit("veto")
    source, veto = circuit.inputs("in", 1), circuit.neurons("veto", 1, Veto(0.5))
    targets = circuit.neurons("targets", 2, Gate())
    circuit.connect(source, veto, receptor="call")
    for target, delay in ((0, 0.0), (1, 2.0)):
        circuit.connect(veto, targets[target : target + 1], delay_ms=delay)
    with pytest.raises(ConfigError, match="neuron 0 of 'veto' fires by chance and drives several axons"):
        quantise(compile_network(circuit.network()), truenorth)


@pytest.mark.parametrize("chip_name, model, tau", [("truenorth", "integrate", {}), ("loihi", "lif", {"tau_ms": 20.0})])
def test_a_weight_that_leaves_nothing_of_a_threshold_is_refused_by_pathway(request, chip_name, model, tau):
    chip = request.getfixturevalue(chip_name)
    with pytest.raises(ConfigError, match=r"pathway 'source_to_.*': weights up to 1e.09 beside thresholds from 1 in"):
        quantise(chain(model, 1e9, 0.3, v_th=1.0, **tau), chip)
    assert quantise(chain(model, 100.0, 0.3, v_th=1.0, **tau), chip).losses.populations.threshold_error.max() < 0.01


def test_weights_are_not_put_into_fewer_bits_than_nine_and_wider_ones_are_found(truenorth):
    given = network({"model": ["source", "source", "gate"], "v_th": [NAN, NAN, 1.0]},
                    {"pre": [0, 1], "post": 2, "weight": [1.0, 1.37], "delay_ms": 1.0})  # fmt: skip
    made = quantise(given, truenorth).network
    count = msgspec.structs.replace(truenorth.limits.weight_bits, value=4)
    chip = msgspec.structs.replace(truenorth, limits=msgspec.structs.replace(truenorth.limits, weight_bits=count))
    with pytest.raises(ConfigError, match=r"`limits\.weight_bits` of truenorth is 4, and .* give 9 or more"):
        quantise(given, chip)
    assert departures(made, truenorth) == []
    assert departures(made, chip) == ["population 'gate': weights from 0 to 137, -8 to 7 allowed"]
