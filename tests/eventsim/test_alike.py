"""Rows that are alike, counted by how many neurons of a kind fired: the same as row by row, whatever fires."""

import numpy as np
import pytest

import eventsim
from eventsim.counts import SYNAPTIC_EVENTS
from eventsim.grid import alike, kernel
from eventsim.grid.allocate import allocate
from eventsim.grid.plan import plan_for
from eventsim.simulation import Simulation
from tests.support.interpreted import interpreted
from tests.support.plain_counts import counted, plain_counts

TICKS, TOKENS, CHANNELS = 120, 5, 72
N = TOKENS * CHANNELS


def tokens(delays, kinds_of_delays=True, zero=False, uneven=False, some=1.0):
    """Sources, token by token, each by one synapse or two onto each of two groups of a neuron for each token.

    Which delays a source has tells its token, or its channel; an uneven one has more synapses; only some send at all.
    """
    source = np.arange(N)
    token, chosen = source // CHANNELS, source < some * N
    delay = np.take(delays, token if kinds_of_delays else source, mode="wrap")
    pre = np.concatenate([source[chosen], source[chosen], source[chosen], [3] * uneven]).astype(int)
    first, second = N + token[chosen], N + TOKENS + token[chosen]
    post = np.concatenate([first, second, second, [N + TOKENS] * uneven]).astype(int)
    of_all = np.concatenate([delay[chosen]] * 3 + [[delay[3]] * uneven])
    weight = np.full(pre.size, 0.25)
    weight[0] -= 0.25 * zero
    model = ["source"] * N + ["gate"] * TOKENS + ["lif"] * TOKENS
    return eventsim.network({"model": model, "tau_ms": [np.nan] * (N + TOKENS) + [5.0] * TOKENS},
                            {"pre": pre, "post": post, "weight": weight, "delay_ms": of_all})  # fmt: skip


#: Each receiver on a core of its own: sources of a token reach two.
CORE_OF = np.r_[np.full(N, -1), np.arange(2 * TOKENS)].astype(np.int32)


@pytest.fixture(scope="module")
def stimulus():
    """Ticks in which all sources fire, many, few, one, none: in a row, and far from each other."""
    rng = np.random.default_rng(0)
    part = rng.choice([0.0, 0.02, 0.1, 0.5, 1.0], TICKS)
    part[:3] = 1.0, 0.0, 0.02
    tick, neuron = np.nonzero(rng.random((TICKS, N)) < part[:, None])
    queries = [[0, 40], [40, 80], [80, TICKS]]
    return eventsim.Stimulus.of(tick, neuron, queries, reset="none", duration_ticks=TICKS)


def alike_pathways(network, stimulus, core_of=CORE_OF):
    arrays = allocate(network, stimulus, core_of, np.empty(0), plan_for(network))
    return np.flatnonzero(arrays.alike_of >= 0).tolist()


def events_of(network, trace, core_of=CORE_OF):
    """(tick, core) -> deliveries, synapse by synapse, of the spikes of a trace without a reset."""
    spikes, found = trace.spikes(), {}
    for tick, neuron in zip(spikes.tick.tolist(), spikes.neuron.tolist()):
        for synapse in np.flatnonzero(network.pre == neuron).tolist():
            key = tick + int(network.delay[synapse]), int(core_of[network.post[synapse]])
            found[key] = found.get(key, 0) + 1
    return {key: n for key, n in found.items() if key[0] < TICKS}


def events(trace):
    counts = trace.counts()
    own = counts.kind == SYNAPTIC_EVENTS
    return {key[:2]: key[2] for key in zip(*(a[own].tolist() for a in (counts.tick, counts.core, counts.count)))}


DELAYS = {"at once": [0.0], "a tick": [1.0], "by token": [0.0, 1.0, 4.0]}


@pytest.mark.parametrize("delays", DELAYS)
def test_events_are_those_of_each_synapse(delays, stimulus):
    network = tokens(DELAYS[delays])
    assert alike_pathways(network, stimulus) == [0, 1]
    trace = eventsim.simulate(network, stimulus, core_of=CORE_OF)
    assert events(trace) == events_of(network, trace)
    assert counted(trace.counts()) == plain_counts(network, CORE_OF, trace)


@pytest.mark.parametrize("options, found", [
    ({"kinds_of_delays": False, "delays": [0.0, 1.0]}, []), ({"zero": True}, [1]), ({"uneven": True}, [0]),
    ({"some": 0.4}, []), ({"some": 0.8}, [0, 1]),
])  # fmt: skip
def test_rows_that_differ_are_counted_one_by_one(options, found, stimulus):
    network = tokens(**{"delays": [1.0]} | options)
    assert alike_pathways(network, stimulus) == found
    trace = eventsim.simulate(network, stimulus, core_of=CORE_OF)
    assert events(trace) == events_of(network, trace)


@pytest.mark.parametrize("longest, found", [(1.0, [0, 1]), (60.0, [1]), (140.0, [])])
def test_no_more_is_held_than_there_are_synapses(longest, found, stimulus):
    """The longer the delay, the more ticks are remembered."""
    network = tokens([longest])
    assert alike_pathways(network, stimulus) == found
    trace = eventsim.simulate(network, stimulus, core_of=CORE_OF)
    assert events(trace) == events_of(network, trace)


def test_parts_of_several_threads_count_their_rows_one_by_one(stimulus):
    network = tokens([0.0, 1.0, 4.0])
    arrays = allocate(network, stimulus, CORE_OF, np.empty(0), plan_for(network), n_parts=2)
    assert (arrays.alike_of == -1).all()
    one, two = (eventsim.simulate(network, stimulus, core_of=CORE_OF, threads=n).counts().hash for n in (1, 2))
    assert one == two


@pytest.mark.parametrize("n_spikes", [1, 2, 3, 4, 10])
def test_a_single_kind_is_told_however_few_fire(n_spikes):
    """All sources reach the first of two cores."""
    network = eventsim.network({"model": ["source"] * 40 + ["gate"] * 2},
                               {"pre": np.arange(40), "post": np.full(40, 40), "weight": np.ones(40),
                                "delay_ms": np.ones(40)})  # fmt: skip
    core_of = np.r_[np.full(40, -1), 0, 1].astype(np.int32)
    stimulus = eventsim.Stimulus.of(np.ones(n_spikes, dtype=int), np.arange(n_spikes), duration_ticks=4)
    assert alike_pathways(network, stimulus, core_of) == [0]
    assert events(eventsim.simulate(network, stimulus, core_of=core_of)) == {(2, 0): n_spikes}


@pytest.mark.parametrize("tick", [1, 3, 57])
def test_a_run_taken_up_again_counts_what_a_whole_one_counts(tick, stimulus, tmp_path):
    network = tokens([0.0, 1.0, 4.0])
    Simulation(network, stimulus, core_of=CORE_OF).run(tick).save(tmp_path / "checkpoint")
    resumed = Simulation(network, stimulus, core_of=CORE_OF).load(tmp_path / "checkpoint").run().finish()
    assert events(resumed) == events_of(network, resumed)


def test_what_is_in_flight_when_a_run_begins_anew_does_not_come(stimulus, monkeypatch):
    network = tokens([0.0, 1.0, 4.0])
    again = eventsim.Stimulus.of(stimulus.tick, stimulus.neuron, [[0, 40], [40, 80], [80, TICKS]], reset="host")
    counts = eventsim.simulate(network, again, core_of=CORE_OF).counts()
    assert counts.hash != eventsim.simulate(network, stimulus, core_of=CORE_OF).counts().hash
    monkeypatch.setattr(alike, "_may_be_alike", lambda *_: False)
    assert alike_pathways(network, again) == []
    assert eventsim.simulate(network, again, core_of=CORE_OF).counts().hash == counts.hash


@pytest.mark.parametrize("old, new", [
    ("cells[cell] = 0", "cells[cell] *= cell > start"),
    ("start -= a.spread[0, pathway, 1]", "start -= a.spread[0, pathway, 1] - 1"),
    ("first += n_kinds", "first += 0"),
    ("cells[lowest + cell] += cells[start + cell]", "cells[lowest + cell] += (cell > 1) * cells[start + cell]"),
    ("a.spread[0, pathway, 3] + history[j] * n_delays + d", "a.spread[0, pathway, 3] + history[j] * n_delays"),
    ("if fired >= a.alike_from[k]:", "if fired > a.alike_from[k]:"),
])  # fmt: skip
def test_a_kernel_that_counts_otherwise_is_seen(old, new, monkeypatch):
    """All fire, the fewest that are counted by kind, a few of the second token; and all, in the first slot again."""
    network, none = tokens([0.0, 1.0, 4.0]), eventsim.Stimulus.silent(1)
    arrays = allocate(network, none, CORE_OF, np.empty(0), plan_for(network))
    n_slots, fewest = arrays.history_count.shape[2], int(arrays.alike_from[0])
    fire = {1: range(N), 3: range(fewest), 9: range(CHANNELS, CHANNELS + 7), 1 + n_slots: range(N)}
    tick, neuron = np.array([(tick, neuron) for tick, firing in fire.items() for neuron in firing]).T
    stimulus = eventsim.Stimulus.of(tick, neuron, duration_ticks=2 + n_slots)
    counts = eventsim.simulate(network, stimulus, core_of=CORE_OF).counts()
    monkeypatch.setattr(kernel, "load", interpreted([(old, new)]))
    assert eventsim.simulate(network, stimulus, core_of=CORE_OF).counts().hash != counts.hash
