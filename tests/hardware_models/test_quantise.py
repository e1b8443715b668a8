"""quantise: what maps keeps its spikes where nothing was rounded, what is rounded is reported, the rest is refused."""

import dataclasses
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest

from circuits.attention import SDSA, SSA, QKTokenAttention
from circuits.maps import Linear
from circuits.pipeline import Pipeline
from circuits.softmax import first_spike
from eventsim.compile import compile_network
from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import ConfigError
from eventsim.from_tables import network
from eventsim.noise import keyed_uniform
from eventsim.reference import reference_run
from eventsim.stimulus import Stimulus
from hardware_models.chips.quantise import quantise
from hardware_models.integers.loihi.form import departures
from hardware_models.integers.loihi.losses import pathway_losses
from hardware_models.integers.loihi.scale import encode
from hardware_models.integers.obstacles import obstacles

NAN = float("nan")
N_IN, N_OUT, TICKS = 12, 8, 160

#: A decay of 256 parts in 4096 per tick, and one of 1024: exact on the chip.
TAU_MS, TAU_SYN_MS = (-1.0 / np.log(1.0 - decay / 4096) for decay in (256, 1024))


def layer(model, weights=(0.5, 0.75, 1.25), delays=(0, 1, 3), scale=1.0, recurrent=False, **columns):
    """N_IN sources onto N_OUT cells of a model, some weights negative; perhaps the cells onto themselves."""
    rng = np.random.default_rng(5)
    n = N_IN + N_OUT if recurrent else N_IN
    pre, post = np.indices((n, N_OUT)).reshape(2, -1)
    weight = rng.choice(weights, pre.size) * rng.choice([1, 1, -1], pre.size) * scale
    cells = {name: [NAN] * N_IN + [value] * N_OUT for name, value in columns.items()}
    return network({"model": ["source"] * N_IN + [model] * N_OUT} | cells,
                   {"pre": pre, "post": post + N_IN, "weight": weight,
                    "delay_ms": rng.choice(delays, pre.size)})  # fmt: skip


def spikes(made, rate=0.06):
    drawn = np.random.default_rng(6).random((TICKS, N_IN)) < rate
    tick, neuron = np.nonzero(drawn)
    result = reference_run(made, Stimulus.of(tick, neuron, duration_ticks=TICKS))
    return {spike for spike in result.spikes if spike[1] >= N_IN}


#: Decayed before the next threshold test, these weights of `lif` are mantissas; those of `lif_exp` reach v by a factor.
EXACT = {
    "leak": ("lif", {"tau_ms": TAU_MS, "scale": 16 / 15}),
    "leak_refractory": ("lif", {"tau_ms": TAU_MS, "refractory_ms": 4.0, "scale": 16 / 15}),
    "leak_reset_below_zero": ("lif", {"tau_ms": TAU_MS, "v_start": 0.25, "scale": 16 / 15}),
    "current": ("lif_exp", {"tau_ms": TAU_MS, "tau_exc_ms": TAU_SYN_MS, "tau_inh_ms": TAU_SYN_MS, "scale": 8}),
    "current_refractory": ("lif_exp", {"tau_ms": TAU_MS, "tau_exc_ms": TAU_SYN_MS, "tau_inh_ms": TAU_SYN_MS,
                                       "refractory_ms": 3.0, "scale": 8}),
    "gate": ("gate", {"v_th": 1.0}),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_decays_and_weights_that_the_chip_can_say_keep_every_spike(loihi, name):
    model, columns = EXACT[name]
    given = layer(model, **columns)
    made, losses, _ = quantise(given, loihi)
    expected = spikes(given)
    assert len(expected) > 40 and spikes(made) == expected
    assert losses.pathways.max_error.max() < 1e-9
    assert losses.populations[["tau_v_error", "tau_u_error"]].to_numpy().max() < 1e-9
    assert losses.populations.threshold_error.max() < 1e-3
    assert departures(made, loihi) == []


def test_whole_numbers_stay_exact_in_a_recurrent_network_of_gates_and_hard_resets(loihi):
    given = layer("gate", weights=(1, 2, 3), v_th=1.5, recurrent=True)
    made, losses, _ = quantise(given, loihi)
    assert spikes(made) == spikes(given)
    assert (losses.pathways[["max_error", "rms_error", "zeros_lost", "clipped"]].to_numpy() == 0).all()


@pytest.mark.parametrize(
    "name, parameter, change", [("leak", "hold", -1), ("leak_refractory", "hold", -1), ("gate", "keep_v", 2048)]
)
def test_one_tick_of_holding_or_a_decay_that_differs_shows_in_the_spikes(loihi, name, parameter, change):
    model, columns = EXACT[name]
    given = layer(model, **columns)
    made, _, _ = quantise(given, loihi)
    cells = made.population(model)
    parameters = cells.parameters | {parameter: cells.parameters[parameter] + change}
    changed = dataclasses.replace(cells, parameters=parameters)
    broken = dataclasses.replace(made, populations=(made.populations[0], changed))
    assert spikes(broken) != spikes(given)


def test_a_weight_of_one_in_a_thousand_is_lost_and_reported(loihi):
    given = network({"model": ["source", "source", "gate"], "v_th": [NAN, NAN, 0.5]},
                    {"pre": [0, 1], "post": [2, 2], "weight": [1.0, 0.001], "delay_ms": [0, 0]})  # fmt: skip
    made, losses, _ = quantise(given, loihi)
    row = losses.pathways.loc["source_to_gate"]
    assert (row.zeros_lost, row.max_error, row.sign, row.clipped) == (1, 1.0, "excitatory", 0)
    assert row.rms_error == pytest.approx(1e-3, rel=1e-5)
    assert made.weight[1] == 0 and "zeros_lost" in str(losses)


@pytest.mark.parametrize("bits, clipped", [(8, 0), (6, 0), (5, 1), (4, 1), (1, 1)])
def test_a_weight_that_the_bits_cannot_say_is_clipped(bits, clipped):
    """Mantissas 254 and 128 at the largest exponent: the largest of 6 bits is 252, half a step away, of 5 bits 248."""
    exact, (pathway,) = np.array([254.0, 128.0]) * 64 * 2**7, layer("lif", tau_ms=20.0).pathways
    weight, exponent, sign = encode(exact, 1.0, bits)
    row = pathway_losses(pathway, exact, weight, exponent, sign, bits)
    assert (exponent, sign, row["clipped"]) == (7, "excitatory", clipped)


def test_fewer_bits_lose_more(loihi):
    given = layer("lif", weights=np.linspace(0.2, 1.3, 50), tau_ms=20.0)
    errors = [quantise(given, loihi, bits=bits).losses.pathways.rms_error.iloc[0] for bits in (8, 6, 4)]
    assert errors[0] < 0.005 and errors[0] < errors[1] / 2 < errors[2] / 4
    # A uniform error of one step of 2^lost mantissas, of a largest mantissa of about 250, mean square weight 0.82.
    assert errors[1] == pytest.approx(8 / 250 * 1.3 / 12**0.5 / 0.82, rel=0.4)


@pytest.mark.parametrize("sign, chip_bits", [
    *(("mixed", bits) for bits in range(3, 12)), *(("excitatory", bits) for bits in range(2, 12)),
])  # fmt: skip
def test_weights_have_the_bits_of_the_chip_one_of_which_is_the_sign(loihi, shrunk, sign, chip_bits):
    given = layer("lif", weights=np.linspace(0.2, 1.3, 300), tau_ms=20.0)
    given = given if sign == "mixed" else dataclasses.replace(given, weight=np.abs(given.weight))
    chip, most = shrunk(weight_bits=chip_bits), min(chip_bits - 1, 8)
    made = quantise(given, chip).network
    assert made.hash == quantise(given, loihi, bits=most).network.hash
    assert 2 ** (most - 2) < np.unique(made.weight).size <= 2**most
    assert chip.check(made) == loihi.check(made) == []
    narrower = shrunk(weight_bits=most)
    assert departures(made, narrower) == ["pathway 'source_to_lif': weights that no exponent can say"]
    assert narrower.check(made) != []
    with pytest.raises(ConfigError, match=f"bits is {most + 1}; give a whole number, 1 to {most}"):
        quantise(given, chip, bits=most + 1)


def test_a_chip_of_one_weight_bit_has_only_the_sign(shrunk):
    with pytest.raises(ConfigError, match=r"`limits\.weight_bits` of loihi is 1, the sign alone"):
        quantise(layer("gate"), shrunk(weight_bits=1))


@pytest.mark.parametrize("bits", [0, 9, 2.5, True, "8", float("nan")])
def test_weight_bits_are_a_whole_number(loihi, bits):
    with pytest.raises(ConfigError, match=f"bits is {bits!r}; give a whole number, 1 to 8"):
        quantise(layer("gate"), loihi, bits=bits)


@pytest.mark.parametrize("given, chip, complaint", [
    (layer("gate"), None, "chip is None; give a Chip or str or Path"), (layer("gate"), 5, "chip is 5"),
    (layer("gate"), "loihi9", "unknown chip"), (layer("gate"), "loihi2", "chip is 'loihi2'; choose one of loihi, true"),
    (None, "loihi", "network is None; give a CompiledNetwork"),
])  # fmt: skip
def test_quantise_names_an_argument_of_another_kind(given, chip, complaint):
    with pytest.raises(ConfigError, match=complaint):
        quantise(given, chip)


@pytest.mark.parametrize("chip", ["loihi", "truenorth"])
def test_sources_alone_lose_nothing_and_a_chip_may_be_named(chip):
    sources = network({"model": ["source"] * 2}, {"pre": [], "post": [], "weight": [], "delay_ms": []})
    made, losses, _ = quantise(sources, chip)
    assert made.n_neurons == 2 and losses.pathways.empty and losses.populations.empty
    assert f"In the integers of {chip}" in str(losses) and repr(losses)
    assert losses.pathways.max_error.size == losses.populations.threshold_error.size == 0


def test_a_sum_that_is_too_wide_wraps_or_saturates_as_chosen(loihi):
    given = network({"model": ["source"] * 40 + ["gate"], "v_th": [NAN] * 40 + [1.0]},
                    {"pre": range(40), "post": 40, "weight": 100.0, "delay_ms": 0.0})  # fmt: skip
    everything = Stimulus.of([0] * 40, range(40), duration_ticks=3)
    fired = {}
    for overflow in ("wrap", "saturate"):
        made = quantise(given, loihi, overflow=overflow).network
        heavy = dataclasses.replace(made, weight=np.full(40, 2.0**16))  # 40 of them are 2^21 + 2^19: -3/4 2^21, wrapped
        fired[overflow] = [tick for tick, neuron in reference_run(heavy, everything).spikes if neuron == 40]
    assert fired == {"wrap": [], "saturate": [1]}


def test_the_errors_of_decays_are_those_of_twelve_bits(loihi):
    given = layer("lif", tau_ms=700.0)
    decay = round(4096 * (1 - np.exp(-1 / 700)))
    expected = abs(-1 / np.log(1 - decay / 4096) / 700 - 1)
    assert 0.01 < expected < 0.1
    assert quantise(given, loihi).losses.populations.tau_v_error.iloc[0] == pytest.approx(expected, rel=1e-6)


def test_a_bias_is_scaled_like_the_threshold_and_what_it_costs_is_said(loihi):
    given = layer("lif", tau_ms=TAU_MS, drive=2.0, v_reset=-0.5)
    made, losses, _ = quantise(given, loihi)
    cells, scale = made.population("lif"), losses.populations.loc["lif", "scale"]
    # dv = (2 - v)/16 per tick from the reset value: bias (2 + 0.5)/16; threshold 1 + 0.5, fired at.
    assert cells.parameters["bias"][0] / scale == pytest.approx(2.5 / 16, rel=1e-3)
    assert cells.parameters["v_th"][0] / scale == pytest.approx(1.5, rel=1e-3)
    assert losses.notes == ("population 'lif': what arrives in the tick of a spike outlives the reset",)
    silent = Stimulus.of([], [], duration_ticks=200)
    counts = [len(reference_run(each, silent).spikes) for each in (given, made)]
    assert counts[0] > 50 and abs(counts[1] - counts[0]) <= 0.03 * counts[0]


def test_neurons_that_take_whole_steps_with_a_drive_that_lasts_one_tick_map_as_well(loihi):
    b2.defaultclock.dt = 1 * b2.ms
    cells = b2.NeuronGroup(2, "v : 1\ndrive : 1", threshold="v >= 1", reset="v = 0", name="cells")
    cells.run_regularly("v = v + (drive - v)/2\ndrive = 0", when="groups")
    sources = b2.SpikeGeneratorGroup(3, [0], [0] * b2.ms, name="in")
    synapses = b2.Synapses(sources, cells, "w : 1", on_pre="drive_post += w", name="wires")
    synapses.connect(i=[0, 0, 1, 1, 2, 2], j=[0, 1, 0, 1, 0, 1])
    synapses.w = [1.0, 2.0, 0.5, -1.0, 3.0, 1.5]
    given = compile_network(b2.Network([cells, sources, synapses]), namespace={})
    made, losses, _ = quantise(given, loihi)
    tick, neuron = np.nonzero(np.random.default_rng(3).random((100, 3)) < 0.4)
    first = given.population("in").start
    stimulus = Stimulus.of(tick, neuron + first, duration_ticks=100)
    expected = reference_run(given, stimulus).spikes
    assert sorted(reference_run(made, stimulus).spikes) == sorted(expected)
    assert len(expected) > tick.size + 50 and losses.pathways.max_error.iloc[0] == 0


@pytest.mark.parametrize("name", ["ssa_dyadic_h1", "qk_token", "sdsa"])
def test_published_attentions_keep_every_spike(loihi, name):
    with np.load(Path(__file__).parents[1] / "data" / f"{name}.npz", allow_pickle=False) as file:
        recording = dict(file)
    block, options = {
        "ssa_dyadic_h1": (lambda m: SSA(*m("qkv_conv_bn"), *m("proj_conv_bn"), heads=1), {}),
        "qk_token": (lambda m: QKTokenAttention(*m("qk_conv_bn"), *m("proj_conv_bn"), 2), {}),
        "sdsa": (lambda m: SDSA(*(m(part)[0] for part in ("q", "k", "v", "proj"))), {"levels": 2}),
    }[name]
    circuit = Pipeline(block(lambda part: maps(recording, part)), 4, steps=4, **options)
    x = recording["x"].reshape(4, -1, 4).transpose(0, 2, 1)  # (steps, tokens, channels)
    given, stimulus = compile_network(circuit.network()), circuit.stimulus(x)
    made, losses, _ = quantise(given, loihi)
    expected = reference_run(given, stimulus).spikes
    assert sorted(reference_run(made, stimulus).spikes) == sorted(expected) and len(expected) > 200
    assert losses.pathways.max_error.max() == 0


def maps(recording, part):
    """The maps, of 8 channels each, that are stacked in one recorded weight."""
    weight, bias = recording[f"{part}.W"], recording[f"{part}.b"]
    return [Linear(weight[k : k + 8], bias[k : k + 8]) for k in range(0, len(weight), 8)]


def brian2_network(model, on_pre="v_post += w", **options):
    b2.defaultclock.dt = 1 * b2.ms
    cells = b2.NeuronGroup(2, model, name="cells", **({"threshold": "v > 2", "reset": "v = 0"} | options))
    synapses = b2.Synapses(cells, cells, "w : 1", on_pre=on_pre, name="wires")
    synapses.connect(i=[0], j=[1])
    return compile_network(b2.Network([cells, synapses]), namespace={})


@pytest.mark.parametrize(
    "made, sentence",
    [
        (lambda: brian2_network("v : 1", reset="v -= 2"), "population 'cells': a reset that is not one variable"),
        (lambda: brian2_network("v : 1", threshold="keyed_uniform(i, 0, t_in_timesteps, 0, 1) < v",
                                namespace={"keyed_uniform": keyed_uniform}),
         "population 'cells': random draws in its threshold (escape noise)"),
        (lambda: brian2_network("dv/dt = v*v/ms : 1", method="euler"),
         "population 'cells': an update that is not linear in its state"),
        (lambda: brian2_network("v : 1", on_pre="v_post = 0"), "pathway 'wires_pre': synapses that set 'v' instead of"),
        (lambda: layer("lif_alpha", tau_ms=20.0, tau_syn_ms=5.0), "population 'lif_alpha': more than two variables"),
        (lambda: layer("lif_exp", tau_ms=20.0, tau_exc_ms=5.0, tau_inh_ms=6.0), "population 'lif_exp': more than two"),
        (lambda: layer("lif", tau_ms=20.0, refractory_ms=64.0), "population 'lif': refractory for 64 ticks, 63"),
        (lambda: layer("lif", tau_ms=20.0, v_reset=-5e6), "population 'lif': weights up to 1.19, which vanish"),
        (lambda: layer("lif", tau_ms=20.0, v_reset=1.0), "population 'lif': a threshold that is not above the reset"),
        (lambda: layer("gate", delays=(63,)), "pathway 'source_to_gate': delays up to 63 ticks, 62 allowed"),
    ],
)  # fmt: skip
def test_what_the_chip_cannot_do_is_refused_in_the_words_of_the_check(loihi, made, sentence):
    given = made()
    assert any(text.startswith(sentence) for text in obstacles(given, loihi)), obstacles(given, loihi)
    with pytest.raises(ConfigError, match="loihi cannot run this network: ") as refusal:
        quantise(given, loihi)
    assert sentence in str(refusal.value) and "whole numbers" not in str(refusal.value)


def test_a_neuron_that_fires_once_does_so_on_the_chip_until_a_depth_that_it_can_hold_is_climbed(loihi):
    circuit = first_spike(4, tau_ticks=100.0, span=4.0, start=[0.5, 1.0, 3.0, 3.5])
    given = compile_network(circuit.network())
    pool, release, arm = (circuit.neuron_ids(circuit[name]).tolist() for name in ("pool", "release", "arm"))
    stimulus = Stimulus.of([circuit.arm_tick], arm, duration_ticks=circuit.duration_ticks)
    made, losses, _ = quantise(given, loihi)
    expected, found = ({n: t for t, n in reference_run(each, stimulus).spikes} for each in (given, made))
    assert found.keys() == expected.keys() and len(expected) == 6
    assert max(abs(found[n] - expected[n]) for n in pool) <= 1  # biases have 12 bits
    assert abs(found[release[0]] - expected[release[0]]) <= 5  # 12 bits of decay: 0.6 % of about 800 ticks
    # A ramp of 1/100 per tick climbs 8 times the 3.5 that move it.
    assert any(note.endswith("it fires again 2,800 ticks later") for note in losses.notes)


def test_the_integers_survive_being_written_and_read(loihi):
    made, _, _ = quantise(layer("gate"), loihi)
    again = CompiledNetwork.from_arrays(made.to_arrays(), made.stimulus)
    assert again.hash == made.hash and departures(again, loihi) == []


def test_a_network_that_is_not_in_the_chips_form_is_told_apart(loihi):
    given = layer("gate")
    made, _, _ = quantise(given, loihi)
    assert departures(given, loihi) == ["statements that are not those of the chip's neurons, in the order of its tick"]
    odd = dataclasses.replace(made, weight=made.weight + 1)
    assert departures(odd, loihi) == ["pathway 'source_to_gate': weights that no exponent can say"]
    (path,) = made.pathways
    late = dataclasses.replace(made, pathways=(dataclasses.replace(path, delays=path.delays + 61),))
    assert departures(late, loihi) == ["pathway 'source_to_gate': delays of 62 to 65 ticks, 0 to 63 allowed"]
    cells = made.population("gate")
    leaky = dataclasses.replace(cells, parameters=cells.parameters | {"keep_v": cells.parameters["keep_v"] + 0.5})
    found = departures(dataclasses.replace(made, populations=(made.populations[0], leaky)), loihi)
    assert found == ["population 'gate': decay_v is 4094.5; a whole number from 0 to 4096 is allowed"]


def test_thresholds_too_far_apart_for_one_unit_are_refused_where_no_weight_is(loihi):
    cells = {"model": ["source", "lif", "lif"], "tau_ms": [NAN, 20.0, 20.0], "v_th": [NAN, 1.0, 1e12]}
    unconnected = network(cells, {"pre": [], "post": [], "weight": [], "delay_ms": []})
    with pytest.raises(ConfigError, match=r"thresholds from 1 in 'lif', up to 1e\+12"):
        quantise(unconnected, loihi)
