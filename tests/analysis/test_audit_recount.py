"""The recount is held against counts by hand, exact fractions, and another implementation."""

import re
from fractions import Fraction
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from analysis.audit import audit, bundles, recount, tally
from analysis.audit.recount import EventRecount
from circuits.circuit import Circuit
from circuits.neurons import IntegrateFire
from eventsim import Stimulus, compile_network, open_trace
from eventsim.trace import schema
from hardware_models import count_events


@pytest.fixture(scope="module")
def by_hand():
    """Source 0 -> neurons a and b: to a with delay 0 and weight 0.25, twice; to b with delay 4 and weight 0."""
    circuit = Circuit("by_hand")
    source = circuit.inputs("source", 1)
    a, b = circuit.neuron("a", IntegrateFire(v_th=9.0)), circuit.neuron("b", IntegrateFire(v_th=9.0))
    circuit.synapse(source, a, 0.25)
    circuit.synapse(source, a, 0.25)
    circuit.synapse(source, b, 0.0, delay_ms=4)
    ids = [int(circuit.neuron_ids(part).ravel()[0]) for part in (source, a, b)]
    return compile_network(circuit.network()), ids


def _run_by_hand(run, by_hand, reset):
    network, (source, a, b) = by_hand
    core_of = np.full(3, -1)
    core_of[a], core_of[b] = 0, 2
    stimulus = Stimulus.of([1, 4, 7], [source] * 3, [(0, 6), (6, 10)], reset=reset)
    model = SimpleNamespace(network=network, stimulus=stimulus, placement=SimpleNamespace(core_of=core_of))
    return run(model), core_of


def test_deliveries_are_those_counted_by_hand(run, by_hand):
    trace, _ = _run_by_hand(run, by_hand, "none")
    _, (source, a, b) = by_hand
    due = recount.recount_deliveries(trace)
    # 3 spikes x 3 synapses; the last spike's, sent at tick 7 with delay 4, would arrive at 11 of 10.
    assert (due.sent.sum(), due.in_flight.sum(), due.dropped.sum(), due.arrived.sum()) == (9, 1, 0, 8)
    assert (due.received[source], due.received[a], due.received[b]) == (0, 6, 2)
    assert (due.weight[a], due.weight[b]) == (1.5, 0.0)
    assert due.fired.tolist() == [3 if i == source else 0 for i in range(3)]


def test_a_reset_by_the_host_drops_what_is_in_flight(run, by_hand):
    trace, _ = _run_by_hand(run, by_hand, "host")
    due = recount.recount_deliveries(trace)
    # Sent at tick 4, due at 8, dropped by the reset at 6; the reset at 0 drops nothing.
    assert (due.sent.sum(), due.in_flight.sum(), due.dropped.sum(), due.arrived.sum()) == (9, 1, 1, 7)


def test_events_are_those_counted_by_hand(run, by_hand):
    trace, core_of = _run_by_hand(run, by_hand, "none")
    counts = recount.recount_events(trace, core_of)
    rows = list(zip(counts.tick.tolist(), counts.core.tolist(), counts.kind.tolist(), counts.count.tolist()))
    # Kinds: 0 spikes, 1 synaptic events, 2 of weight zero, 3 messages out, 4 messages in.
    at_spikes = [[(t, -1, 0, 1), (t, -1, 3, 2), (t, 0, 1, 2), (t, 0, 4, 1), (t, 2, 4, 1)] for t in (1, 4, 7)]
    arrivals = [(t, 2, kind, 1) for t in (5, 8) for kind in (1, 2)]
    assert rows == sorted([*at_spikes[0], *at_spikes[1], *at_spikes[2], *arrivals])
    assert counts.message_source.tolist() == [-1, -1]
    assert counts.message_destination.tolist() == [0, 2]
    assert counts.message_count.tolist() == [3, 3]


@pytest.mark.parametrize("reset", ["none", "spikes", "host"])
@pytest.mark.parametrize("seed", [1, 2])
def test_two_independent_recounts_and_the_kernel_agree(run, random_model, reset, seed):
    model = random_model(seed, reset)
    trace = run(model)
    assert trace.n_spikes > 200
    due = recount.recount_events(trace, model.placement.core_of)
    assert due.hash == count_events(trace, model.placement).hash == trace.counts().hash
    events = trace.synaptic_events()
    received = np.bincount(events.post, minlength=model.network.n_neurons)
    assert recount.recount_deliveries(trace).received.tolist() == received.tolist()


def test_an_audit_holds_counts_window_by_window_and_comes_to_the_same(run, random_model, monkeypatch, tmp_path):
    model = random_model(3, "host")
    trace = run(model, trace=tmp_path / "run.h5")
    whole = audit(trace)
    monkeypatch.setattr(recount, "_ROWS_PER_WINDOW", 40)
    assert len(recount.window_ends(trace)) > 20
    most, taken = 0, EventRecount.rows

    def watched(self, *window):
        nonlocal most
        rows = taken(self, *window)
        most = max(most, rows[0].size)
        return rows

    monkeypatch.setattr(EventRecount, "rows", watched)
    monkeypatch.setattr(type(trace), "counts", None)  # nobody reads them whole
    cut = audit(trace)
    assert [(law.name, law.verdict, law.checked) for law in cut.laws] == [
        (law.name, law.verdict, law.checked) for law in whole.laws
    ]
    assert 0 < most < whole["counts"].checked / 10


@pytest.mark.parametrize("change, words", [
    (lambda ticks: ticks[::-1], "a tick of the counts lies outside|not sorted by tick"),
    (lambda ticks: np.append(ticks[:-1], ticks[-1] + 10**6), "behind the end of the run"),
])  # fmt: skip
def test_rows_that_do_not_rise_by_tick_are_refused(run, random_model, tmp_path, monkeypatch, change, words):
    monkeypatch.setattr(recount, "_ROWS_PER_WINDOW", 40)
    run(random_model(3), trace=tmp_path / "run.h5").close()
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        column = file[f"{schema.COUNTS}/tick"]
        column[:] = change(column[:])
    report = audit(open_trace(tmp_path / "run.h5"))
    assert report["counts"].verdict == report["cores"].verdict == "failed"
    assert re.search(words, report["counts"].detail), report["counts"].detail


def test_the_size_of_windows_and_chunks_changes_nothing(run, random_model, monkeypatch):
    model = random_model(3, "host")
    trace = run(model)
    events = recount.recount_events(trace, model.placement.core_of)
    deliveries = recount.recount_deliveries(trace)
    monkeypatch.setattr(recount, "_SPIKES_PER_WINDOW", 7)
    monkeypatch.setattr(bundles, "_BUNDLES_PER_CHUNK", 5)
    monkeypatch.setattr(tally, "_CELLS", 1)
    assert len(list(recount.spike_windows(trace))) > 20
    assert recount.recount_events(trace, model.placement.core_of).hash == events.hash
    again = recount.recount_deliveries(trace)
    for name in ("fired", "sent", "in_flight", "dropped", "received", "weight", "rounding"):
        assert getattr(again, name).tolist() == getattr(deliveries, name).tolist(), name


@pytest.mark.parametrize("order", ["as is", "backwards", "by size"])
def test_the_rounding_bound_holds_for_any_order_and_is_not_lax(order):
    rng = np.random.default_rng(5)
    weights = rng.normal(size=40) * 10.0 ** rng.integers(-8, 8, size=40)
    times = rng.integers(1, 9, size=40)
    network = SimpleNamespace(post=np.zeros(40, np.int32), n_neurons=1, weight=weights)
    received, weight, rounding = recount._received(network, np.arange(41), times)
    terms = np.repeat(weights, times)
    terms = {"as is": terms, "backwards": terms[::-1], "by size": terms[np.argsort(-abs(terms))]}[order]
    online = 0.0
    for term in terms:
        online += term
    exact = sum((Fraction(term) for term in terms.tolist()), Fraction(0))
    assert received[0] == terms.size
    assert abs(online - weight[0]) <= rounding[0]
    assert abs(Fraction(weight[0]) - exact) <= Fraction(rounding[0])
    assert rounding[0] < 1e-12 * abs(terms).sum()
