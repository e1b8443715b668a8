"""What Loihi lacks, told from the statements that Brian2 itself would run."""

import brian2 as b2
import msgspec
import numpy as np
import pytest

from eventsim.compile import compile_network
from eventsim.compiled_network import Operation, Statement
from eventsim.errors import ConfigError
from eventsim.noise import keyed_uniform


def group(model, n=3, **options):
    return b2.NeuronGroup(n, model, name="cells", method=options.pop("method", "exact"), **options)


def network_of(cells, on_pre=None, weight=1, delay_ms=0):
    objects = [cells]
    if on_pre:
        synapses = b2.Synapses(cells, cells, "w : 1", on_pre=on_pre, name="wires")
        synapses.connect(i=[0, 1], j=[1, 2])
        synapses.w = weight
        synapses.delay = delay_ms * b2.ms
        objects.append(synapses)
    b2.defaultclock.dt = 1 * b2.ms
    return compile_network(b2.Network(objects), namespace={})


def plain(**options):
    return group("v : 1", **({"threshold": "v > 2", "reset": "v = 0"} | options))


def test_whole_weights_onto_an_integrator_with_a_hard_reset_run_as_they_are(loihi):
    assert loihi.check(network_of(plain(), "v_post += w", weight=-256)) == []


def test_a_population_of_spike_sources_asks_nothing_of_the_chip(loihi):
    sources = b2.SpikeGeneratorGroup(2, [0], [0] * b2.ms, name="in")
    b2.defaultclock.dt = 1 * b2.ms
    assert loihi.check(compile_network(b2.Network([sources]), namespace={})) == []


@pytest.mark.parametrize(
    "made, sentence",
    [
        (lambda: plain(threshold="keyed_uniform(i, 0, t_in_timesteps, 0, 1) < v",
                       namespace={"keyed_uniform": keyed_uniform}),
         "population 'cells': random draws in its threshold (escape noise)"),
        (lambda: plain(reset="v -= 2"), "population 'cells': a reset that is not one variable set to 0: 'v -= "),
        (lambda: plain(reset="v = v - 2"), "population 'cells': a reset that is not one variable set to 0"),
        (lambda: plain(reset="v = 1"), "population 'cells': a reset that is not one variable set to 0"),
        (lambda: plain(threshold="v > 2 and v < 5"), "population 'cells': a threshold that is not one variable"),
        (lambda: group("v : 1\nh : 1", threshold="v > h", reset="v = 0; h += 1"),
         "population 'cells': a threshold that is not one variable"),
        (lambda: group("dv/dt = -v/(20*ms) : 1", threshold="v > 1", reset="v = 0"),
         "population 'cells': state or constants that are not whole numbers"),
        (lambda: group("dv/dt = v*v/ms : 1", method="euler", threshold="v > 1", reset="v = 0"),
         "population 'cells': an update that is not linear in its state"),
        (lambda: group("dv/dt = (t/ms)/ms : 1", method="euler", threshold="v > 1", reset="v = 0"),
         "population 'cells': an update ('_lio_1 := (dt * t) / (ms ** 2)') that depends on time"),
        (lambda: group("dv/dt = (a + b)/ms : 1\nda/dt = b/ms : 1\ndb/dt = a/ms : 1", method="euler",
                       threshold="v > 1", reset="v = 0"),
         "population 'cells': more than two variables that change"),
    ],
)  # fmt: skip
def test_a_feature_of_a_population_is_named_in_words(loihi, made, sentence):
    missing = loihi.check(network_of(made()))
    assert any(text.startswith(sentence) for text in missing), missing


def test_a_drive_that_falls_exponentially_with_inhibition_is_named_but_a_fixed_one_is_only_no_whole_number(loihi):
    model = "dv/dt = exp(z - h)/ms : 1\nz : 1 (constant)\nh : 1"
    inhibited = network_of(group(model, method="euler", threshold="v > 1", reset="v = 0"), "h_post += w")
    exponential = "population 'cells': exponential drive: exp of a changing quantity in its update"
    assert exponential in loihi.check(inhibited)
    fixed = loihi.check(network_of(group(model, method="euler", threshold="v > 1", reset="v = 0")))
    assert len(fixed) == 1 and "not whole numbers ('_v := " in fixed[0]


def test_escape_noise_alone_is_not_taken_for_a_dependence_on_time(loihi):
    cells = plain(threshold="keyed_uniform(i, 0, t_in_timesteps, 0, 1) < v", namespace={"keyed_uniform": keyed_uniform})
    assert not [text for text in loihi.check(network_of(cells)) if "depends on time" in text]


def test_a_decay_by_exp_of_constants_is_not_taken_for_an_exponential_drive(loihi):
    cells = group("dv/dt = -v/tau : 1\ntau : second (constant)", threshold="v > 1", reset="v = 0")
    cells.tau = [10, 20, 30] * b2.ms
    missing = loihi.check(network_of(cells))
    assert missing and not [text for text in missing if "exponential" in text or "linear" in text]


def test_a_gate_without_memory_is_recognised_by_the_update_that_clears_it(loihi):
    cells = plain()
    cells.run_regularly("v = 0", when="end", name="clear")
    assert loihi.check(network_of(cells)) == ["population 'cells': a memoryless gate: each update sets 'v' anew"]


def test_a_neuron_that_keeps_its_potential_when_it_fires_is_named(loihi):
    missing = loihi.check(network_of(group("v : 1", threshold="v > 1"), "v_post += w"))
    assert missing == ["population 'cells': a reset that is not one variable set to 0: none"]


@pytest.mark.parametrize(
    "on_pre, weight, delay_ms, sentence",
    [
        ("v_post = 0", 1, 0, "pathway 'wires_pre': synapses that set 'v' instead of adding to it"),
        ("v_post += w", [1, 0.5], 0, "pathway 'wires_pre': weights that are not whole numbers (1 of 2, 0.5 for"),
        ("v_post += w", [1, 256], 0, "pathway 'wires_pre': weights from 0 to 256, -256 to 255 allowed"),
        ("v_post += w", [2, -257], 0, "pathway 'wires_pre': weights from -257 to 2, -256 to 255 allowed"),
        ("v_post += w", [3, -2], 0, "pathway 'wires_pre': weights of both signs, not all even"),
        ("v_post += w", 1, 63, "pathway 'wires_pre': delays up to 63 ticks, 62 allowed"),
    ],
)
def test_a_feature_of_a_pathway_is_named_in_words(loihi, on_pre, weight, delay_ms, sentence):
    missing = loihi.check(network_of(plain(), on_pre, weight, delay_ms))
    assert any(text.startswith(sentence) for text in missing), missing


def test_a_synapse_onto_two_variables_is_named(loihi):
    cells = group("v : 1\nh : 1", threshold="v > 2", reset="v = 0")
    missing = loihi.check(network_of(cells, "v_post += w\nh_post = 0"))
    assert any("synapses that act on several variables (v, h)" in text for text in missing)


def test_only_what_the_chip_says_it_lacks_is_reported(loihi):
    soft = msgspec.structs.replace(loihi, lacks={k: v for k, v in loihi.lacks.items() if k != "soft_reset"})
    network = network_of(plain(reset="v -= 2"))
    assert loihi.check(network) and soft.check(network) == []


def test_a_zero_behind_a_temporary_or_a_parameter_is_not_trusted_to_be_plain(build, loihi):
    reset = Operation("reset", 0, (), (Statement("k", ":=", "p * 1"), Statement("v", "=", "k")))
    network = build([("x", 2, False)], schedule=(reset,), parameters={"p": np.array([0.0, 1.0])})
    assert loihi.check(network) == ["population 'x': a reset that is not one variable set to 0: 'v = k'"]


def test_what_is_no_network_is_not_checked(loihi):
    with pytest.raises(ConfigError, match="network is None; give a CompiledNetwork"):
        loihi.check(None)
