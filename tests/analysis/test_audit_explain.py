"""why and --against: what they say of networks that are small enough to be worked out by hand."""

import json
from dataclasses import replace
from types import SimpleNamespace

import brian2
import numpy as np
import pytest

import analysis
from analysis.audit import diverge, why
from analysis.audit.replay import Replay
from circuits.circuit import Circuit
from circuits.neurons import LIF, IntegrateFire
from eventsim import Stimulus, compile_network, simulate
from eventsim.errors import ConfigError


def _counter(weight=0.4, tick=4):
    """Source 's' -> counter 'c' of threshold 1, delay 2: spikes at 1 and 2 leave it at 0.8, the third makes it fire."""
    circuit = Circuit("counter")
    source, counter = circuit.inputs("s", 1), circuit.neuron("c", IntegrateFire())
    circuit.synapse(source, counter, weight, delay_ms=2)
    stimulus = Stimulus.of([1, 2, tick], [int(circuit.neuron_ids(source)[0])] * 3, duration_ticks=12)
    network = compile_network(circuit.network(stimulus))
    core_of = np.where(network.is_source, -1, 0)
    labels = {"circuit": {"populations": circuit.labels()}}
    return SimpleNamespace(network=network, stimulus=stimulus, placement=SimpleNamespace(core_of=core_of)), labels


@pytest.fixture
def counted(run):
    model, labels = _counter()
    trace = run(model)
    trace.manifest.update(labels)
    return trace


def test_a_spike_is_explained_by_what_arrived_and_by_its_potential(counted):
    # Delivered at 3, 4 and 6, after that tick's threshold: the test at 7 is the first to see 1.2.
    found = why(counted, "c", 7, ticks=5)
    assert (found.fired, found.justified, found.tick) == (True, True, 7)
    assert found.potential.tick.tolist() == [3, 4, 5, 6, 7]
    np.testing.assert_allclose(found.potential.potential, [0.0, 0.4, 0.8, 0.8, 1.2])
    assert found.potential.threshold.tolist() == [1.0] * 5
    assert found.arrivals.tick.tolist() == [3, 4, 6]
    assert found.arrivals.weight.tolist() == [0.4] * 3 and found.arrivals.delay_ticks.tolist() == [2] * 3
    assert found.arrivals.pre_name.tolist() == ["neuron 1 ('s'[0])"] * 3
    assert found.verdict.startswith("v = 1.2") and found.verdict.endswith("is >= v_th = 1")


def test_a_silence_says_how_much_was_missing(counted):
    found = why(counted, "c[0]", 6)
    assert (found.fired, found.justified) == (False, True)
    assert any(reason.startswith("missing were 0.2; nearest it came at tick 5, 0.2 short") for reason in found.reasons)
    assert any("2 arrivals of weight 0.8" in reason or "3 arrivals of weight 1.2" in reason for reason in found.reasons)


def test_a_source_is_explained_by_the_stimulus(counted):
    assert why(counted, "s", 2).verdict == "it is a spike source, and the stimulus has a spike of it then"
    assert not why(counted, "s", 3).fired and why(counted, "s", 3).justified


def test_an_explanation_is_text_json_and_a_picture(counted, tmp_path):
    found = analysis.why(counted, 0, 7)
    assert "fired at tick 7" in str(found) and "3 arrivals" in str(found)
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["arrivals"][0]["weight"] == 0.4 and document["potential"][-1]["potential"] > 1
    found.plot(tmp_path / "why.png")
    assert (tmp_path / "why.png").stat().st_size > 5000


@pytest.mark.parametrize("neuron, tick, words", [
    ("nobody", 3, "nothing is called 'nobody'; there are: "), ("c[1]", 3, "k lies in 0 to 0"),
    (7, 3, "ids run from 0 to 1"), (0, 12, "ticks 0 to 11"), (0, -1, "ticks 0 to 11"),
])  # fmt: skip
def test_what_does_not_exist_is_refused(counted, neuron, tick, words):
    with pytest.raises(ConfigError, match=words):
        why(counted, neuron, tick)


def test_a_neuron_of_a_circuit_is_found_by_its_path_with_no_manifest():
    circuit = Circuit("pair")
    start = circuit.inputs("start", 2)
    circuit.use(_inner(), "inner")
    trace = simulate(compile_network(circuit.network()), Stimulus.of([1], [int(circuit.neuron_ids(start)[1])]))
    assert why(trace, "start[1]", 1).fired and not why(trace, "start[0]", 1).fired
    assert why(trace, "inner/cell", 1).name == "neuron 0 ('inner/cell'[0])"


def _inner():
    inner = Circuit("inner")
    inner.port("cell", inner.neuron("cell", LIF()))
    return inner


def test_a_label_of_several_neurons_asks_for_an_index(sound):
    with pytest.raises(ConfigError, match=r"'lif' is 9 neurons; write 'lif\[k\]' with k in 0 to 8"):
        why(sound.trace, "lif", 3)


def test_a_refractory_neuron_says_until_when(sound):
    tired = sound.trace.spikes("tired")
    neuron, tick = int(tired.neuron[0]), int(tired.tick[0])
    found = why(sound.trace, neuron, tick + 2)
    assert f"refractory until tick {tick + 4}" in found.reasons
    assert "not_refractory is false" in found.verdict
    assert f"its last spike was at tick {tick}, 2 ticks before" in found.reasons


def test_a_reset_by_the_host_and_one_by_a_synapse_are_named(sound, run, random_model):
    start = int(sound.trace.stimulus.query_start[1])
    lif = sound.model.network.population("lif").start
    assert f"the host reset it at tick {start}" in why(sound.trace, lif, start + 1).reasons
    model = random_model(0, "spikes")
    reasons = why(run(model), lif, start + 1).reasons
    assert any("was erased" in reason and "set v =" in reason for reason in reasons), reasons


def test_a_record_that_contradicts_the_replay_is_called_so(sound, run):
    network = sound.model.network

    def late(network):
        schedule = [replace(o, each=tuple(replace(s, expression=s.expression.replace("v_th", "2 * v_th"))
                                          for s in o.each)) if o.kind == "threshold" else o
                    for o in network.schedule]  # fmt: skip
        return replace(network, schedule=tuple(schedule))

    trace = run(sound.model, handed=late)
    again = Replay(trace, np.flatnonzero(~network.is_source))
    again.run()
    tick, neuron = again.silences.first
    found = why(trace, neuron, tick)
    assert found.justified is False
    assert "the record contradicts the replay: this is not justified" in found.reasons


def test_what_cannot_be_replayed_still_shows_its_arrivals(run):
    clock = brian2.Clock(1 * brian2.ms)
    source = brian2.SpikeGeneratorGroup(1, [0, 0], [1, 3] * brian2.ms, name="source", clock=clock)
    pre, post = (
        brian2.NeuronGroup(
            1, "dv/dt = 0.4/ms : 1", threshold="v > 1", reset="v = 0", method="euler", name=name, clock=clock
        )
        for name in ("a", "b")
    )
    feed = brian2.Synapses(source, pre, on_pre="v_post += 0.1", clock=clock, name="feed")
    read = brian2.Synapses(pre, post, on_pre="v_post += v_pre", clock=clock, name="read")
    feed.connect(i=[0], j=[0])
    read.connect(i=[0], j=[0])
    network = compile_network(brian2.Network(source, pre, post, feed, read), namespace={})
    model = SimpleNamespace(network=network, stimulus=network.stimulus.lasting(12),
                            placement=SimpleNamespace(core_of=np.where(network.is_source, -1, 0)))  # fmt: skip
    trace = run(model)
    found = why(trace, "b", 8)
    assert found.justified is None and "cannot be replayed" in found.verdict and len(found.arrivals)
    report = analysis.audit.audit(trace, neurons="all")
    assert "not checkable: b" in report["justified"].detail and report["justified"].verdict == "passed"


# -- two traces


def test_a_trace_does_not_diverge_from_itself(sound):
    found = diverge(sound.trace, sound.trace)
    assert found.same and found.n_spikes == sound.trace.n_spikes
    assert str(found) == f"all {sound.trace.n_spikes:,} spikes are the same"


def test_another_stimulus_is_named_and_the_first_divergence_is_explained_on_both_sides(run):
    (model, _), (other, _) = _counter(), _counter(tick=5)
    found = diverge(run(model), run(other))
    assert len(found.different) == 1
    assert found.different[0].endswith("the first spike that differs is of neuron 1 at tick 4, in the first only")
    assert (found.tick, found.neuron, found.only_in, found.n_spikes) == (4, 1, "the first", 2)
    assert not found.same
    json.dumps(found.to_json(), allow_nan=False)


def test_another_weight_is_named_and_so_is_where_the_potentials_part(run):
    (model, _), (other, _) = _counter(), _counter(weight=0.3)
    found = diverge(run(model), run(other))
    assert found.different == ("the networks differ: synapses/weight",)
    assert (found.tick, found.neuron, found.only_in) == (7, 0, "the first")
    assert found.potential == "its potentials part at tick 4: 0.40000000000000002 and 0.29999999999999999"
    assert "only in the first: synapse 0 of neuron 1 ('s'[0]) delivers 0.4 at tick 3" in found.arrivals
    assert [e.fired for e in found.explanations] == [True, False]
    assert [e.justified for e in found.explanations] == [True, True]


def test_a_kernel_with_other_neurons_diverges_where_the_replay_finds_it_unjustified(sound, run):
    trace = run(sound.model, handed=lambda n: replace(n, weight=0.5 * n.weight))
    found = diverge(sound.trace, trace)
    assert found.different == () and found.tick is not None
    first, second = found.explanations
    assert first.justified is True and second.justified is False
