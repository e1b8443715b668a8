"""The expansion of deliveries in continuous time, in pieces, and within bounded memory."""

import tracemalloc

import numpy as np
import pytest

from eventsim.compiled_network import CompiledNetwork, Pathway, Population
from eventsim.stimulus import Stimulus
from eventsim.trace import SpikeTable, Trace
from eventsim.trace import expansion as module
from eventsim.trace.synaptic_events import expand, expand_in_chunks


def wired(n, fan_out, delays, rng):
    """One population, n x fan_out synapses, each row as long as the others."""
    delays = np.asarray(delays, np.int32)
    rows = np.arange(n * delays.size + 1) * (fan_out // delays.size)
    pathway = Pathway("all", 0, 0, (("v", "add", "weight"),), {}, 0, delays, rows)
    size, ids = int(rows[-1]), np.zeros(n, np.int32)
    return CompiledNetwork(1.0, (Population("p", 0, n),), (pathway,), (), rng.integers(0, n, size).astype(np.int32),
                           rng.normal(size=size), ids, ids, ids - 1, ids - 1, (), Stimulus.silent())  # fmt: skip


def by_a_loop(network, spikes, start, stop):
    """(tick, offset, synapse) of every delivery, sorted."""
    offsets = np.zeros(len(spikes)) if spikes.offset is None else spikes.offset
    pre, delay = network.pre.tolist(), network.delay.tolist()
    return sorted(
        (t + delay[s], o, s)
        for t, o, i in zip(spikes.tick.tolist(), offsets.tolist(), spikes.neuron.tolist())
        for s in range(len(pre))
        if pre[s] == i and start <= t + delay[s] < stop
    )


def listed(events):
    offsets = np.zeros(len(events)) if events.offset is None else events.offset
    return list(zip(events.tick.tolist(), offsets.tolist(), events.synapse.tolist()))


@pytest.fixture(params=["grid", "continuous"])
def run(request):
    rng = np.random.default_rng(5)
    network = wired(12, 6, [0, 2, 5], rng)
    tick, neuron = np.nonzero(rng.random((40, 12)) < 0.2)
    offset = np.sort(rng.choice([0.0, 0.25, 0.5], tick.size)) if request.param == "continuous" else None
    order = np.lexsort((neuron, tick) if offset is None else (neuron, offset, tick))
    table = SpikeTable(tick, neuron.astype(np.int32), 1.0, offset).where(order)
    return network, Stimulus.silent(40), table


def test_deliveries_of_either_clock_equal_a_loop_over_spikes_and_synapses(run):
    network, stimulus, spikes = run
    events = expand(network, stimulus, spikes, 3, 30)
    assert listed(events) == by_a_loop(network, spikes, 3, 30)
    assert len(events) > 300
    offset = 0 if events.offset is None else events.offset
    assert np.array_equal(events.t_ms, events.tick + offset) and (events.pre == network.pre[events.synapse]).all()


def test_a_loop_with_one_spike_more_differs(run):
    network, stimulus, spikes = run
    fewer = spikes.where(np.arange(len(spikes)) != 20)
    assert listed(expand(network, stimulus, fewer, 0, 40)) != by_a_loop(network, spikes, 0, 40)


@pytest.mark.parametrize("max_events", [1, 7, 10_000])
@pytest.mark.parametrize("max_cells", [1, 50])
def test_pieces_put_together_are_the_whole_however_it_is_cut(run, monkeypatch, max_events, max_cells):
    network, stimulus, spikes = run
    whole = expand(network, stimulus, spikes, 0, 40)
    monkeypatch.setattr(module, "_MAX_CELLS", max_cells)
    pieces = list(expand_in_chunks(network, stimulus, spikes, 0, 40, max_events))
    assert [row for piece in pieces for row in listed(piece)] == listed(whole)
    assert np.array_equal(np.concatenate([piece.weight for piece in pieces]), whole.weight)
    assert max(len(piece) for piece in pieces) <= max(max_events, 2)


def test_long_rows_and_short_ones_are_walked_alike(monkeypatch):
    rng = np.random.default_rng(1)
    network = wired(5, 40, [1], rng)
    spikes = SpikeTable(np.arange(5), np.arange(5, dtype=np.int32), 1.0)
    events, wanted = expand(network, Stimulus.silent(9), spikes, 0, 9), np.array([True, False, True, False, False])
    assert listed(events) == by_a_loop(network, spikes, 0, 9)
    chosen = expand(network, Stimulus.silent(9), spikes, 0, 9, wanted=wanted)
    kept = wanted[events.post]
    assert listed(chosen) == [row for row, keep in zip(listed(events), kept) if keep] and 0 < kept.sum() < kept.size
    assert np.array_equal(chosen.weight, events.weight[kept])


def test_ids_too_large_for_one_key_are_sorted_all_the_same(run, monkeypatch):
    network, stimulus, spikes = run
    monkeypatch.setattr(module, "_LARGEST_KEY", 1)
    assert listed(expand(network, stimulus, spikes, 0, 40)) == by_a_loop(network, spikes, 0, 40)


def test_two_spikes_of_a_neuron_at_one_instant_are_two_deliveries():
    network = wired(2, 1, [1], np.random.default_rng(0))
    spikes = SpikeTable(np.array([3, 3]), np.array([1, 1], np.int32), 1.0, np.array([0.5, 0.5]))
    assert listed(expand(network, Stimulus.silent(9), spikes, 0, 9)) == [(4, 0.5, 1)] * 2


@pytest.fixture(scope="module")
def large():
    """A trace of 300,000 spikes and 12 million deliveries, 384 MB when they are all expanded."""
    rng = np.random.default_rng(2)
    network = wired(2000, 40, [1, 3], rng)
    tick, neuron = np.nonzero(rng.random((3000, 2000)) < 0.05)
    return Trace.from_arrays(network, neuron, tick=tick)


def peak_of(call):
    """(what a call returns, bytes that numpy held at once meanwhile)."""
    tracemalloc.start()
    try:
        return call(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_trace_ten_times_larger_than_the_memory_is_read_in_windows(large):
    _ = large.network.pre, large.network.delay  # made once, and kept
    n, peak = peak_of(lambda: sum(len(events) for events in large.iter_synaptic_events(max_events=1 << 16)))
    assert n > 11_500_000 and 10 * peak < 32 * n
    n, peak = peak_of(lambda: sum(len(spikes) for spikes in large.iter_spikes(max_spikes=1 << 12)))
    assert n == large.n_spikes and 10 * peak < 36 * n


def test_read_at_once_it_takes_the_memory_that_windows_save(large):
    events, peak = peak_of(lambda: large.synaptic_events(0, 1000))
    assert peak > 32 * len(events) > 100e6
