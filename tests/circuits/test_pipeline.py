"""Pipeline, its neurons and its maps: time is balanced, Brian2 runs it alone, and bad input is one clear error."""

from dataclasses import replace

import numpy as np
import pytest

import eventsim
from circuits import Circuit
from circuits.attention import SDSA, SSA
from circuits.dataflow import Stream
from circuits.gates import And, AtLeast, Majority, Or
from circuits.maps import BatchNorm, Conv, Linear
from circuits.pipeline import Pipeline
from circuits.step_neurons import ClockedLIF, StepLIF
from eventsim.errors import CapacityError, CircuitError
from eventsim.stimulus import Stimulus
from tests.circuits.attention.plain import raw_linear
from tests.support.brian2_runs import by_brian2, by_eventsim


def _maps(channels, names=("q", "k", "v", "proj"), seed=0):
    rng = np.random.default_rng(seed)
    return {name: raw_linear(rng, channels, channels).folded() for name in names}


# -- neurons


def _spike_ticks(model, arrivals, clock, ticks):
    """Spike ticks of one neuron, given arrivals of weights at ticks and spikes of its clock."""
    c = Circuit("case")
    drive, neuron = c.inputs("drive", len(arrivals)), c.neuron("neuron", model)
    c.connect(drive, neuron, np.array([[weight] for _, weight in arrivals]))
    spikes = [(tick, source) for (tick, _), source in zip(arrivals, drive.ids)]
    if "clock" in model.receptors:
        beat = c.inputs("beat", ())
        c.synapse(beat, neuron, receptor="clock")
        spikes += [(tick, beat.ids) for tick in clock]
    tick, source = np.array(spikes).T
    stimulus = Stimulus.of(tick, c.plan.neuron_ids[source], duration_ticks=ticks)
    trace = eventsim.simulate(eventsim.compile_network(c.network()), stimulus)
    return trace.spikes(neurons=[c.neuron_ids(neuron)]).tick.tolist()


def test_neurons_that_step_follow_their_equations_tick_by_tick():
    arrivals = [(0, 0.5), (1, 1.0), (3, 0.5), (5, 1.9)]
    cases = {
        # h = v/2 + drive/2: 1 after 2 arrives; 0.75 and then 0.375 + 0.625 = 1 for 1.5 and 1.25; never for 1.999
        (StepLIF(), ((0, 2.0), (1, 1.5), (2, 1.25), (3, 1.999)), ()): [1, 3],
        # towards v_reset = -1: h = -1 + 4/4 = 0, then 0 + (3 - 1)/4 = 0.5
        (StepLIF(tau=4.0, v_th=0.5, v_reset=-1.0), ((0, 4.0), (1, 3.0)), ()): [2],
        # 0.5 + 1 + 0.5 make one step of 2; 1.9 alone is too little, 1.9 + 0.1 enough; later input does not count
        (ClockedLIF(), (*arrivals,), (3, 7, 9)): [4],
        (ClockedLIF(), (*arrivals, (6, 0.1)), (3, 7, 9)): [4, 8],
        (ClockedLIF(), (*arrivals,), (2,)): [],
    }
    assert [_spike_ticks(*case, ticks=12) for case in cases] == list(cases.values())


@pytest.mark.parametrize("order", ["kv_first", pytest.param("serial", marks=pytest.mark.slow)])
def test_brian2_alone_gives_the_same_spikes(order):
    circuit = Pipeline(SSA(**_maps(6), heads=2, scale=0.5, order=order), 4, steps=3)
    stimulus = circuit.stimulus(np.random.default_rng(1).random((3, 4, 6)) < 0.5)
    network = circuit.network(stimulus)
    compiled = eventsim.compile_network(network)
    ours = by_eventsim(compiled, stimulus.duration_ticks)
    assert ours.spikes == by_brian2(network, compiled, stimulus.duration_ticks).spikes
    assert circuit.decode(eventsim.simulate(compiled, stimulus), "attn").any()


def test_gates_fire_on_counts_and_a_negative_weight_is_a_veto():
    c = Circuit("gates")
    inputs = c.inputs("in", 3)
    models = {"or": Or(), "and": And(3), "two": AtLeast(2), "most": Majority(3), "unless": Or()}
    gates = {name: c.neuron(name, model) for name, model in models.items()}
    for name, gate in gates.items():
        c.connect(inputs, gate, np.array([[1], [1], [-2]]) if name == "unless" else 1.0)
    ids, cases = c.neuron_ids(inputs), range(8)
    spikes = [(case, ids[k]) for case in cases for k in range(3) if case >> k & 1]
    trace = eventsim.simulate(eventsim.compile_network(c.network()), Stimulus.of(*zip(*spikes), duration_ticks=9))
    fired = {n: set((trace.spikes(neurons=[c.neuron_ids(g)]).tick - 1).tolist()) for n, g in gates.items()}
    ones = {case: case.bit_count() for case in cases}
    assert fired["or"] == {c for c in cases if ones[c] >= 1} and fired["and"] == {7}
    assert fired["two"] == fired["most"] == {c for c in cases if ones[c] >= 2} and fired["unless"] == {1, 2, 3}


# -- time


def test_steps_follow_each_other_without_waiting():
    circuit = Pipeline(SDSA(**_maps(4)), 3, steps=10, levels=2)
    assert {path: stage.depth for path, stage in circuit.stages.items()} == {
        "one": 0, "input": 0, "shortcut": 1, "q": 2, "k": 2, "v": 2, "kv": 3, "attn": 4, "kept": 5,
    }  # fmt: skip
    assert circuit.duration_ticks == 10 + 5 and circuit.latency_ticks == 5
    delays = circuit.synapse_table().groupby(["pre_path", "post_path"])["delay_ms"].unique()
    assert delays["q", "kept"].tolist() == [2.0] and delays["attn", "kept"].tolist() == [0.0]


def test_without_the_balancing_delay_steps_mix_and_the_output_is_wrong():
    x = np.random.default_rng(2).integers(0, 3, (8, 9, 8))
    block = SDSA(**_maps(8))
    right, wrong = Pipeline(block, 9, steps=8, levels=2), Pipeline(block, 9, steps=8, levels=2)
    wrong.wirings = [replace(w, delay=np.zeros_like(w.delay)) for w in wrong.wirings]
    outputs = [
        c.decode(eventsim.simulate(eventsim.compile_network(c.network()), c.stimulus(x)), "kept")
        for c in (right, wrong)
    ]
    assert (outputs[0] != outputs[1]).any()


# -- bad input


def _pipeline():
    return Pipeline(SSA(**_maps(4), heads=2), 3, steps=2)


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda: Pipeline(SSA(**_maps(4), heads=2), 0), "tokens is 0"),
        (lambda: Pipeline(SSA(**_maps(4), heads=2), 3.5), "tokens is 3.5"),
        (lambda: Pipeline(SSA(**_maps(4), heads=2), 3, steps=0), "steps is 0"),
        (lambda: Pipeline(SSA(**_maps(4), heads=2), 3, levels=-1), "levels is -1"),
        (lambda: Pipeline("ssa", 3), "is not a block"),
        (lambda: SSA(**_maps(4), heads=3), "heads is 3; it must be an integer that divides the 4 channels"),
        (lambda: SSA(**_maps(4), heads=2, order="any"), "order is 'any'; choose one of score_first, kv_first, serial"),
        (lambda: SSA(**(_maps(4) | {"k": Linear(np.ones((4, 5)))}), heads=2), r"k has shape \(4, 5\), q has \(4, 4\)"),
        (lambda: SSA(**(_maps(4) | {"proj": Linear(np.ones((4, 5)))}), heads=2), "proj reads 5 channels, q makes 4"),
        (lambda: SSA(**(_maps(4) | {"v": np.ones((4, 4))}), heads=2), "v is a ndarray; it must be a Linear or a Conv"),
        (lambda: SSA(**_maps(4), heads=2, scale=np.inf), "scale is inf"),
        (lambda: Linear([[1.0, np.nan]]), "Linear: weight must be finite"),
        (lambda: Linear(np.ones(3)), r"Linear: weight has shape \(3,\); it must have 2 dimensions"),
        (lambda: Linear("weights"), "Linear: weight is 'weights'; give a number, or an array of numbers"),
        (lambda: Linear(np.ones((0, 3))), "must not be empty"),
        (lambda: Linear(np.ones((2, 3)), np.ones(3)), r"3 biases for a weight of shape \(2, 3\)"),
        (lambda: Linear(np.ones((2, 3))).folded(BatchNorm(*np.ones((4, 3)))), "3 channels does not fit 2 outputs"),
        (lambda: BatchNorm(np.ones(2), np.ones(2), np.ones(3), np.ones(2)), r"have \[2, 3\] channels"),
        (lambda: BatchNorm(*np.ones((3, 2)), -np.ones(2)), "variance is negative"),
        (lambda: Conv(np.ones((1, 1, 3, 3)), grid=(2, 2)), "does not fit the grid"),
        (lambda: Conv(np.ones((1, 1, 1, 1)), grid=(2, 2), stride=0), "stride is 0"),
        (lambda: Conv(np.ones((1, 1, 1, 1)), grid=(2, 2), padding=-1), "padding is -1"),
        (
            lambda: _pipeline().stimulus(np.zeros((2, 4, 4))),
            r"x has shape \(2, 4, 4\); it must be \(queries, 2, 3, 4\)",
        ),
        (lambda: _pipeline().stimulus(np.zeros((3, 4))), "x has shape"),
        (lambda: _pipeline().stimulus(np.full((2, 3, 4), 2)), "integers 0 to 1"),
        (lambda: _pipeline().stimulus(np.full((2, 3, 4), 0.5)), "integers 0 to 1"),
        (lambda: _pipeline().stimulus(np.full((2, 3, 4), np.nan)), "integers 0 to 1"),
        (lambda: _pipeline().stimulus(np.full((2, 3, 4), "1")), "integers 0 to 1"),
        (lambda: AtLeast(0), "a gate waits for 0 inputs"),
        (lambda: And(1.5), "a gate waits for 1.5 inputs"),
        (lambda: StepLIF(tau=0.5), "tau is 0.5"),
        (lambda: StepLIF(v_th=-1.0), "v_th is -1.0; it must lie above v_reset"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(act, message):
    with pytest.raises(CircuitError, match=message) as caught:
        act()
    assert "\n" not in str(caught.value)


def test_a_stage_that_does_not_exist_is_named():
    circuit = _pipeline()
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(np.zeros((2, 3, 4))))
    with pytest.raises(CircuitError, match="there is no stage 'query'; there are: one, input, q, k"):
        circuit.decode(trace, "query")


def test_a_layer_cannot_feed_a_shallower_one_and_membranes_cannot_skip_their_neuron():
    circuit, linear = _pipeline(), Linear(np.ones((4, 4)))
    with pytest.raises(CircuitError, match="depth 5 cannot feed one of depth 1"):
        circuit.wire(circuit.stages["proj"], circuit.stages["q"])
    with pytest.raises(CircuitError, match="needs a layer before the next linear map"):
        circuit.layer("more", Stream.of(circuit.stages["q"], linear), linear)
    with pytest.raises(CircuitError, match="does not fit a stream of 4 channels"):
        circuit.layer("more", circuit.input, Linear(np.ones((4, 5))))
    with pytest.raises(CircuitError, match="cannot be added"):
        circuit.input + Stream.of(circuit.stages["q"], Linear(np.ones((5, 4))))


def test_a_block_beyond_memory_is_refused_before_any_work_with_the_bytes_it_would_take():
    block = SSA(**_maps(64), heads=1)
    neurons, synapses = block.size(2048).neurons, block.size(2048).synapses
    with pytest.raises(CapacityError, match=f"{block.size(2048).bytes:,} bytes") as caught:
        Pipeline(block, 2048)
    assert f"{neurons:,} neurons, {synapses:,} synapses" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(CircuitError, match="more neurons than any machine holds"):
        Pipeline(block, 2**24)
    with pytest.raises(CircuitError, match=r"cannot be combined: .* too large"):
        Pipeline(block, 10**9)
