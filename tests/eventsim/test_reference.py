"""The reference: right where the answer is known by hand, and event for event what the kernel does."""

import dataclasses
import math

import numpy as np
import pytest

import eventsim
from eventsim.compiled_network import CompiledNetwork, Operation, Pathway, Population, Statement, Table
from eventsim.errors import CompileError
from eventsim.philox import normal_array, uniform_array
from eventsim.reference import reference_run
from eventsim.stimulus import Stimulus
from tests.support.brian2_runs import by_eventsim
from tests.support.random_networks import TICKS, draw_network

#: Of the structures that are compared with Brian2, those in which deliveries, guards and clocks differ most.
STRUCTURES = ("refractory_by_neuron", "several_clocks", "places_in_the_tick", "several_effects", "spikes_of_the_target")


def statements(*lines):
    return tuple(Statement(*line.split(" ", 2)) for line in lines)


def made(*, source=2, size=2, state=("v",), schedule=(), synapses=(), tables=(), stimulus=(), ticks=8, **population):
    """A network of sources and cells; synapses are (pre, post within cells, delay, weight), stimulus (tick, pre)."""
    synapses = sorted(synapses, key=lambda s: (s[0], s[2]))
    delays = np.unique([s[2] for s in synapses] or [0]).astype(np.int32)
    slot = [s[0] * delays.size + int(np.searchsorted(delays, s[2])) for s in synapses]
    rows = np.concatenate([[0], np.cumsum(np.bincount(slot, minlength=source * delays.size))]).astype(np.int64)
    n = source + size
    columns = {name: np.zeros(n, np.int32) for name in ("key_lo", "key_hi", "token", "path_id")}
    tick, neuron = zip(*stimulus) if stimulus else ((), ())
    network = CompiledNetwork(
        dt_ms=1.0, paths=("all",), tables=tuple(tables), **columns,
        populations=(Population("input", 0, source, is_source=True),
                     Population("cells", source, size, state={name: np.zeros(size) for name in state}, **population)),
        pathways=(Pathway("wires", 0, 1, (("v", "add", "weight"),), {}, 0, delays, rows),),
        schedule=(Operation("emit", 0), *schedule),
        post=np.array([source + s[1] for s in synapses], np.int32), weight=np.array([s[3] for s in synapses], float),
        stimulus=Stimulus.of(tick, neuron, duration_ticks=ticks),
    )  # fmt: skip
    network.validate()
    return network


UPDATE = Operation("update", 1, each=statements("v *= 0.5"))
THRESHOLD = Operation("threshold", 1, each=statements("_cond := v >= 1"))
DELIVER = Operation("deliver", 0)
RESET = Operation("reset", 1, each=statements("v -= 1"))


def value_of(expression, **names):
    """An expression's value in a run of one tick."""
    update = Operation("update", 1, each=statements(f"x = {expression}"), constants=names)
    return reference_run(made(size=1, state=("v", "x"), schedule=(update,), ticks=1)).state["cells", "x"][0]


# -- by hand


def test_a_spike_arrives_after_its_delay_halves_and_fires_at_threshold():
    network = made(
        schedule=(UPDATE, THRESHOLD, DELIVER, RESET), synapses=[(0, 0, 0, 2.0), (0, 1, 2, 3.0)], stimulus=[(1, 0)]
    )
    result = reference_run(network)
    # Neuron 2 gets 2 in tick 1, halves to 1 in tick 2 and fires; neuron 3 gets 3 in tick 3, fires in tick 4 at 1.5.
    assert result.spikes == [(1, 0), (2, 2), (4, 3)]
    assert result.deliveries == [(1, 0), (3, 1)]
    assert result.state == {("cells", "v"): [0.0, 0.5 / 2**3]}
    assert (result.received_count, result.received_weight) == ([0, 0, 1, 1], [0.0, 0.0, 2.0, 3.0])
    assert result.delivered == [2]


def test_deliveries_of_one_tick_come_by_age_then_sender_then_synapse():
    synapses = [(0, 0, 0, 1.0), (0, 1, 3, 1.0), (0, 0, 3, 1.0), (1, 1, 0, 1.0), (1, 0, 0, 1.0), (1, 1, 2, 1.0)]
    network = made(schedule=(DELIVER,), synapses=synapses, stimulus=[(1, 0), (2, 1), (4, 1), (4, 0)])
    in_tick_4 = [synapse for tick, synapse in reference_run(network).deliveries if tick == 4]
    # Sorted by (sender, delay): 0 is (0, delay 0), 1 and 2 (0, delay 3), 3 and 4 (1, delay 0), 5 (1, delay 2).
    assert in_tick_4 == [1, 2, 5, 0, 3, 4]


def test_a_guarded_variable_is_written_by_resets_only():
    hold = Operation("threshold", 1, each=statements("_cond := v >= 1 and free"), fired=statements("free = False"))
    network = made(
        size=1, state=("v", "free"), guards={"v": "free"}, booleans=("free",), synapses=[(0, 0, 0, 1.5)],
        schedule=(Operation("update", 1, each=statements("free = not free")), hold, DELIVER, RESET),
        stimulus=[(tick, 0) for tick in range(4)], ticks=4,
    )  # fmt: skip
    result = reference_run(network)
    # Free in ticks 0 and 2: 1.5 arrives in 0; in 2 it fires, is held at once, is reset to 0.5, and gets nothing.
    assert [tick for tick, neuron in result.spikes if neuron == 2] == [2]
    assert result.state == {("cells", "v"): [0.5 + 1.5], ("cells", "free"): [1.0]}
    assert result.received_count == [0, 0, 4]


def test_a_slower_operation_comes_back_every_so_many_ticks_with_its_own_time():
    slow = Operation("update", 1, each=statements("v += t", "x += t_in_timesteps"), constants={"dt": 0.003}, every=3)
    result = reference_run(made(size=1, state=("v", "x"), schedule=(slow,), ticks=8))
    assert result.state == {("cells", "v"): [0.003 + 0.006], ("cells", "x"): [3.0]}


def test_a_table_gives_the_row_of_the_time_rounded_to_its_parts_and_its_last_row_afterwards():
    table = Table(np.array([1.0, 10.0, 2.0, 20.0]), n_columns=2, step_s=0.002, refine=2)
    read = Operation("update", 1, each=statements("v = v*100 + f(t, 1)"), constants={"dt": 0.001}, tables={"f": 0})
    result = reference_run(made(size=1, schedule=(read,), tables=(table,), ticks=6))
    assert result.state == {("cells", "v"): [101020202020.0 + 0 * 1e10]}


def test_a_reset_by_the_host_restores_the_state_and_drops_what_is_in_flight():
    network = made(schedule=(DELIVER,), synapses=[(0, 0, 0, 1.0), (0, 1, 3, 1.0)])
    for reset, left, arrived in (("none", [2.0, 2.0], 4), ("host", [1.0, 1.0], 3)):
        stimulus = Stimulus.of([2, 4], [0, 0], queries=[(0, 4), (4, 9)], reset=reset)
        result = reference_run(network, stimulus)
        assert (result.state["cells", "v"], len(result.deliveries)) == (left, arrived)


@pytest.mark.parametrize(
    "expression, value",
    [
        ("1/0.0", math.inf), ("-1/0.0", -math.inf), ("0/0.0", math.nan), ("exp(1000)", math.inf), ("log(0)", -math.inf),
        ("sqrt(-1)", math.nan), ("(-8.0)**0.5", math.nan), ("2**0.5", math.sqrt(2)), ("7 // 2 + 7 % 2", 4.0),
        ("not (1 < 2 or 1/0)", 0.0), ("where(2 > 1, 3, 1/0)", 3.0), ("int(2.9) + abs(-2)", 4.0),
        ("clip(5, 0, 1.5)", 1.5), ("timestep(0.003, 0.001)", 3.0), ("exprel(0)", 1.0), ("exprel(1)", math.e - 1),
        ("floor(-0.5) + arctan(0)", -1.0),
    ],
)  # fmt: skip
def test_expressions_have_the_values_of_floating_point_arithmetic(expression, value):
    assert value_of(expression) == pytest.approx(value, rel=1e-15, nan_ok=True)


def test_keyed_draws_are_those_of_the_kernels():
    counter = {"lo": -5, "hi": 2**31 - 1, "purpose": 3, "seed": 77}
    arguments = [np.array(value) for value in (-5, 2**31 - 1, 2**40 + 9, 3, 77)]
    text = f"(lo, hi, {2**40 + 9}, purpose, seed)"
    assert value_of("keyed_uniform" + text, **counter) == uniform_array(*arguments)
    assert value_of("keyed_normal" + text, **counter) == pytest.approx(float(normal_array(*arguments)), rel=1e-14)


@pytest.mark.parametrize("expression", ["__import__('os')", "v.real", "[v]", "1 < v < 2", "(lambda: 1)()"])
def test_what_is_no_expression_of_the_grammar_is_refused(expression):
    with pytest.raises(CompileError, match="cannot compile"):
        value_of(expression)


# -- against the kernel


def both(compiled, stimulus):
    """What the reference did, and the kernel's run and trace."""
    stimulus = stimulus.lasting(TICKS)
    run, trace = by_eventsim(compiled, TICKS, stimulus), eventsim.simulate(compiled, stimulus)
    return reference_run(compiled, stimulus), run, trace


def mismatches(reference, run, trace):
    """Names of what differs between the reference and the kernel."""
    events, (received_count, received_weight), counts = trace.synaptic_events(), trace.received(), trace.counts()
    zero = trace.network.weight[[synapse for _, synapse in reference.deliveries]] == 0
    weighted = np.array([p.weighted for p in trace.network.pathways])[trace.network.pathway_of]
    zero &= weighted[[synapse for _, synapse in reference.deliveries]]
    pairs = {
        "spikes": (sorted(reference.spikes), run.spikes),
        "deliveries": (sorted(reference.deliveries), list(zip(events.tick.tolist(), events.synapse.tolist()))),
        "state": ({k: np.asarray(v).tobytes() for k, v in reference.state.items()},
                  {k: v.tobytes() for k, v in run.state.items()}),
        "received_count": (reference.received_count, received_count.tolist()),
        "received_weight": (reference.received_weight, received_weight.tolist()),
        "delivered": (reference.delivered, trace.delivered().tolist()),
        "totals": ([len(reference.spikes), len(reference.deliveries), int(zero.sum())],
                   [counts.total(kind) for kind in ("spikes", "synaptic_events", "zero_weight_events")]),
    }  # fmt: skip
    return {name for name, (ours, theirs) in pairs.items() if ours != theirs}


@pytest.mark.parametrize("structure, seed", [
    ("several_clocks", 0), ("several_effects", 0),
    *(pytest.param(structure, seed, marks=pytest.mark.slow) for structure in STRUCTURES for seed in (1, 2)),
])  # fmt: skip
def test_the_kernel_agrees_event_for_event_and_in_every_counter(structure, seed):
    compiled = eventsim.compile_network(draw_network(structure, 20, 150, seed), namespace={})
    reference, run, trace = both(compiled, compiled.stimulus)
    assert len(reference.deliveries) > 100
    assert mismatches(reference, run, trace) == set()


@pytest.mark.parametrize("reset", ["none", "host"])
def test_the_kernel_agrees_over_queries_with_and_without_a_reset_between_them(reset):
    compiled = eventsim.compile_network(draw_network("several_effects", 20, 150, 5), namespace={})
    given = compiled.stimulus
    stimulus = Stimulus.of(given.tick, given.neuron, queries=[(0, 17), (17, 20), (25, TICKS)], reset=reset)
    assert mismatches(*both(compiled, stimulus)) == set()


# -- the comparison fails on another network


def _lighter(network):
    weight = network.weight.copy()
    weight[np.argmax(weight)] = 0.0
    return {"weight": weight}


def _rewired(network):
    return {"post": np.roll(network.post, 1)}


def _later(network):
    return {"pathways": tuple(dataclasses.replace(p, delays=p.delays + 1) for p in network.pathways)}


def _unguarded(network):
    return {"populations": tuple(dataclasses.replace(p, guards={}) for p in network.populations)}


@pytest.mark.parametrize(
    "edit, seen",
    [(_lighter, "received_weight"), (_rewired, "received_count"), (_later, "deliveries"), (_unguarded, "state")],
)
def test_a_reference_of_a_slightly_different_network_is_told_apart(edit, seen):
    compiled = eventsim.compile_network(draw_network("refractory_by_neuron", 20, 150, 0), namespace={})
    _, run, trace = both(compiled, compiled.stimulus)
    other = dataclasses.replace(compiled, **edit(compiled))
    assert seen in mismatches(reference_run(other, compiled.stimulus.lasting(TICKS)), run, trace)
