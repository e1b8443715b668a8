"""Spikes that send a single row, counted with it: the same as apart, where runs are whole, in pieces, or begin anew."""

from dataclasses import replace

import brian2
import numpy as np
import pytest
from brian2 import ms

import eventsim
from eventsim.grid import allocate as allocate_module
from eventsim.grid import kernel, reach, single
from eventsim.grid import spread as spread_module
from eventsim.grid.allocate import allocate
from eventsim.grid.plan import plan_for
from eventsim.simulation import Simulation
from runs.benchmarks.networks import cuba, delta_lif, hardware_like, integrators
from tests.support.interpreted import interpreted
from tests.support.plain_counts import counted, plain_counts


def with_zeros():
    network = hardware_like(384, 96)
    next(synapses for synapses in network.objects if isinstance(synapses, brian2.Synapses)).w[::5] = 0
    return network


def by_two_pathways(n, senders, delays):
    """Leaky neurons; (first, behind the last) send by each pathway, and some of them to nobody."""
    rng, made = np.random.default_rng(0), []
    neurons = brian2.NeuronGroup(n, "dv/dt = (1.3 - v)/(20*ms) : 1", threshold="v > 1", reset="v = 0", method="exact",
                                 clock=brian2.Clock(1 * ms))  # fmt: skip
    neurons.v = rng.random(n)
    for (first, behind), delay in zip(senders, delays):
        synapses = brian2.Synapses(neurons, neurons, on_pre="v_post -= 0.01", delay=delay * ms, clock=neurons.clock)
        synapses.connect(i=np.repeat(np.arange(first, behind), 40), j=rng.integers(0, n, 40 * (behind - first)))
        made.append(synapses)
    return brian2.Network(neurons, made)


#: Name -> (network, ticks, whether its populations send single rows).
NETWORKS = {
    "a delay of fifteen ticks": (lambda: delta_lif(320, 60), 157, True),
    "sources, and no delay": (lambda: integrators(320, 24, duration_ms=70.0), 70, True),
    "a delay of a tick": (lambda: hardware_like(384, 96), 60, True),
    "weights of zero": (with_zeros, 60, False),
    "two pathways, one after the other": (lambda: cuba(320, fan_in=8), 300, True),
    "a delay for each pathway, the last neurons first": (
        lambda: by_two_pathways(320, ((170, 300), (20, 150)), (1, 4)), 90, True),
    "two pathways of one neuron": (lambda: by_two_pathways(320, ((0, 200), (199, 320)), (1, 4)), 90, False),
}  # fmt: skip
CORES = {"in order": lambda n: np.arange(n) // 64, "each on another": lambda n: np.arange(n) % 5}


FORMS = {"in lanes": spread_module.LANES, "in lists": 0}  # name -> bytes of lanes for an entry of a list


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    network, ticks, _ = NETWORKS[request.param]
    compiled = eventsim.compile_network(network())
    return request.param, compiled, compiled.stimulus.lasting(ticks)


@pytest.fixture(params=FORMS)
def form(request, monkeypatch):
    """How what rows bring is kept."""
    monkeypatch.setattr(spread_module, "LANES", FORMS[request.param])


@pytest.fixture(params=CORES)
def core_of(request, case, form):
    network = case[1]
    return np.where(network.is_source, -1, CORES[request.param](network.n_neurons)).astype(np.int32)


@pytest.fixture(autouse=True)
def no_kinds(monkeypatch):
    monkeypatch.setattr(reach, "_FEW", 0)


@pytest.fixture
def apart(monkeypatch):
    """A function: from now on no spike is counted with its row."""
    return lambda: monkeypatch.setattr(single, "_in_turn", lambda *_: [])


def are_single(network, stimulus, core_of, n_parts=1):
    arrays = allocate(network, stimulus, core_of, np.empty(0), plan_for(network), n_parts)
    have = np.diff(arrays.single_at) > 0
    return bool(have.all()), not have.any()


def test_spikes_and_messages_are_those_that_there_are(case, core_of, apart):
    name, network, stimulus = case
    assert are_single(network, stimulus, core_of) == (NETWORKS[name][2], not NETWORKS[name][2])
    assert are_single(network, stimulus, core_of, n_parts=2) == (False, True)
    trace = eventsim.simulate(network, stimulus, core_of=core_of)
    assert trace.spikes().tick.size > 50
    assert counted(trace.counts()) == plain_counts(network, core_of, trace)
    apart()
    assert are_single(network, stimulus, core_of) == (False, True)
    assert eventsim.simulate(network, stimulus, core_of=core_of).counts().hash == trace.counts().hash


def test_counts_of_eight_bytes_are_those_of_four(case, core_of, monkeypatch):
    _, network, stimulus = case
    counts = eventsim.simulate(network, stimulus, core_of=core_of).counts()
    monkeypatch.setattr(allocate_module, "TOO_MANY", 0)
    assert eventsim.simulate(network, stimulus, core_of=core_of).counts().hash == counts.hash


def test_a_run_that_begins_anew_counts_what_was_in_flight_as_sent_and_not_as_come(case, core_of, apart):
    name, network, stimulus = case
    third = stimulus.duration_ticks // 3
    queries = [[0, third], [third, 2 * third], [2 * third, stimulus.duration_ticks]]
    again = eventsim.Stimulus.of(stimulus.tick, stimulus.neuron, queries, reset="host")
    trace = eventsim.simulate(network, again, core_of=core_of)
    if name.startswith("a delay of"):  # as many synapses for each neuron
        sent = trace.spikes().tick.size * network.n_synapses // network.n_neurons
        assert trace.counts().total("synaptic_events") < sent
    assert counted(trace.counts()) == plain_counts(network, core_of, trace)
    apart()
    assert eventsim.simulate(network, again, core_of=core_of).counts().hash == trace.counts().hash


@pytest.mark.parametrize("tick", [1, 40, 59])
def test_a_run_taken_up_again_counts_what_a_whole_one_counts(case, core_of, tick, tmp_path):
    _, network, stimulus = case
    Simulation(network, stimulus, core_of=core_of).run(tick).save(tmp_path / "checkpoint")
    resumed = Simulation(network, stimulus, core_of=core_of).load(tmp_path / "checkpoint")
    assert resumed.run().finish().counts().hash == eventsim.simulate(network, stimulus, core_of=core_of).counts().hash


MADE = {
    "late": lambda: hardware_like(384, 96),
    "at once": lambda: integrators(320, 24, duration_ms=70.0),
    "by two": lambda: by_two_pathways(384, ((0, 150), (151, 384)), (1, 4)),
}


@pytest.mark.parametrize("form, made, old, new", [
    ("in lanes", "late", "messages_in + lane] +=", "messages_in + lane] += (lane > 0) *"),
    ("in lanes", "late", "cells[spikes + core] +=", "cells[spikes + core] += (core > 1) *"),
    ("in lanes", "late", "slot = (tick - delay)", "slot = (tick - 1 - delay)"),
    ("in lanes", "late", "words[word] = 0", "words[word] *= word > 0"),
    ("in lanes", "late", "sends[core] = 0", "sends[core] *= core > 1"),
    ("in lanes", "late", "            cells[cell] = 0", "            cells[cell] *= cell > coming"),
    ("in lanes", "by two", "single[s, 1])", "single[s, 1] - 2)"),
    ("in lanes", "at once", "cells[events + lane] +=", "cells[events + lane] += (lane > 0) *"),
    ("in lanes", "at once", "np.uint64(events + lowest)", "np.uint64(events + lowest - 1)"),
    ("in lists", "late", "events = coming - lowest", "events = coming - lowest - 1"),
    ("in lists", "late", "            cells[cell] = 0", "            cells[cell] *= cell > coming"),
    ("in lists", "late", "np.uint64(lists[place + _1])", "np.uint64(lists[place + _1] - 1)"),
    ("in lists", "late", "+= (_1 << _32) +", "+= np.uint64(place > 64) * (_1 << _32) +"),
    ("in lists", "late", "sends[np.uint64(lists[place])]", "sends[np.uint64(lists[place] - (place > 64))]"),
    ("in lists", "at once", "history[np.uint64(at) + j])", "history[np.uint64(at) + j - (j > 0)])"),
    ("in lists", "at once", "brought[cell] & _32_BITS", "brought[cell] & _32"),
    ("in lists", "at once", "brought[cell] >> _32", "brought[cell] >> _32 & _1"),
    ("in lists", "at once", "brought[cell] = 0", "brought[cell] *= cell % 2"),
], indirect=["form"])  # fmt: skip
def test_a_kernel_that_counts_otherwise_is_seen(form, made, old, new, monkeypatch):
    network = eventsim.compile_network(MADE[made]())
    stimulus, core_of = network.stimulus.lasting(60), ((np.arange(network.n_neurons) + 20) // 64).astype(np.int32)
    core_of[network.is_source] = -1
    counts = eventsim.simulate(network, stimulus, core_of=core_of).counts()
    monkeypatch.setattr(kernel, "load", interpreted([(old, new)]))
    assert eventsim.simulate(network, stimulus, core_of=core_of).counts().hash != counts.hash


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("alone", [False, True])
def test_what_is_asked_for_early_changes_no_count(form, made, alone, apart, monkeypatch):
    """Whatever the size of the tables; Python itself looks whether places are within them."""
    if alone:
        apart()
    network = eventsim.compile_network(MADE[made]())
    stimulus, core_of = network.stimulus.lasting(60), (np.arange(network.n_neurons) // 64).astype(np.int32)
    core_of[network.is_source] = -1
    counts = eventsim.simulate(network, stimulus, core_of=core_of).counts()
    for more, is_seen in (([], False), ([("if fired and _are", "if fired % 2 and _are")], True)):
        monkeypatch.setattr(kernel, "load", interpreted([("_FAR = 1 << 19", "_FAR = 0"), *more]))
        assert (eventsim.simulate(network, stimulus, core_of=core_of).counts().hash != counts.hash) == is_seen


def spread_out(delay_ms):
    """Each source onto twenty neurons, so that its rows are kept as lanes."""
    n = 40
    pre, post = np.repeat(np.arange(n), 20), n + np.tile(np.arange(20), n) + 20 * np.repeat(np.arange(n) % 2, 20)
    return eventsim.network(
        {"model": ["source"] * n + ["gate"] * n},
        {"pre": pre, "post": post, "weight": np.full(pre.size, 0.25), "delay_ms": np.resize(delay_ms, pre.size)},
    )


@pytest.mark.parametrize(
    "delay_ms, every, counted_when_sent", [([1.0], 1, True), ([1.0, 2.0], 1, False), ([1.0], 2, False)]
)
def test_only_a_row_that_surely_lands_as_a_whole_is_counted_when_it_is_sent(delay_ms, every, counted_when_sent):
    """Not where a spike sends a row for each of two delays, nor where nothing is delivered in some ticks."""
    network = spread_out(delay_ms)
    schedule = tuple(replace(o, every=every if o.kind == "deliver" else 1) for o in network.schedule)
    network, stimulus = replace(network, schedule=schedule), eventsim.Stimulus.of(np.arange(40), np.arange(40))
    core_of = np.where(network.is_source, -1, np.arange(network.n_neurons) % 5).astype(np.int32)
    arrays = allocate(network, stimulus, core_of, np.empty(0), plan_for(network))
    assert (arrays.single_at[1] > 0) == counted_when_sent
    if every == 1:
        trace = eventsim.simulate(network, stimulus.lasting(80), core_of=core_of)
        assert counted(trace.counts()) == plain_counts(network, core_of, trace)
        assert trace.counts().total("synaptic_events") == network.n_synapses


@pytest.mark.parametrize("delay_ms, counted_when_sent", [(0.0, True), (5.0, True), (50.0, False)])
def test_no_more_counts_are_held_than_there_are_synapses(delay_ms, counted_when_sent):
    """Twenty cores for each tick that a spike travels, of a pathway of 800 synapses."""
    network, stimulus = spread_out([delay_ms]), eventsim.Stimulus.of(np.arange(40), np.arange(40)).lasting(100)
    core_of = np.where(network.is_source, -1, np.arange(network.n_neurons) % 20).astype(np.int32)
    arrays = allocate(network, stimulus, core_of, np.empty(0), plan_for(network))
    assert (arrays.single_at[1] > 0) == counted_when_sent
    assert arrays.coming.size <= network.n_synapses
    trace = eventsim.simulate(network, stimulus, core_of=core_of)
    assert counted(trace.counts()) == plain_counts(network, core_of, trace)
