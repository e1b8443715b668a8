"""The record of deliveries is what spikes and synapses say, whatever way the run took."""

import brian2
import h5py
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim import Simulation, Stimulus, open_trace
from eventsim.errors import CapacityError, ConfigError, NotRecordedError, TraceFormatError
from eventsim.grid.kernel import kernel_source
from eventsim.grid.plan import plan_for
from eventsim.trace import event_record
from eventsim.trace.event_record import EventBlock

TICKS = 200


@pytest.fixture(scope="module")
def compiled():
    """Sources, two populations, and delays of 0 to 5 ticks, so that a tick's deliveries come in no simple order."""
    rng, clock = np.random.default_rng(4), brian2.Clock(1 * ms)
    cells, counts = (
        NeuronGroup(
            n, "dv/dt = -v/(8*ms) : 1", threshold="v >= 1", reset="v = 0", method="exact", name=name, clock=clock
        )
        for n, name in ((9, "cells"), (4, "counts"))
    )
    drive = SpikeGeneratorGroup(6, [], [] * ms, name="drive", clock=clock)
    wires = []
    for name, source, target, n in (("c", cells, counts, 20), ("b", cells, cells, 25), ("a", drive, cells, 40)):
        synapses = Synapses(source, target, "w : 1", on_pre="v_post += w", name=f"{name}_wires", clock=clock)
        synapses.connect(i=rng.integers(0, len(source), n), j=rng.integers(0, len(target), n))
        synapses.w = rng.integers(-1, 5, n) / 4
        synapses.pre.delay = rng.integers(0, 6, n) * ms
        wires.append(synapses)
    return eventsim.compile_network(Network(cells, counts, drive, *wires), namespace={})


def stimulus(compiled, queries=(), reset="none"):
    chosen = np.unique(np.random.default_rng(0).integers(0, 6 * TICKS, 3 * TICKS))
    return Stimulus.of(chosen // 6, compiled.population("drive").start + chosen % 6, queries, None, reset, TICKS)


def deliveries(trace, resets=True):
    """(tick, synapse) of every delivery, from spikes and the synapse table, in plain Python."""
    table, starts = trace.network.synapse_table(), trace.stimulus.query_start
    starts = starts.tolist() if resets and trace.stimulus.reset == "host" else []
    outgoing = {}
    for synapse, (pre, delay) in enumerate(zip(table["pre"].tolist(), trace.network.delay.tolist(), strict=True)):
        outgoing.setdefault(pre, []).append((synapse, delay))
    due = [
        (tick + delay, synapse)
        for tick, neuron in zip(trace.spikes().tick.tolist(), trace.spikes().neuron.tolist(), strict=True)
        for synapse, delay in outgoing.get(neuron, ())
        if tick + delay < trace.duration_ticks and not any(tick < start <= tick + delay for start in starts)
    ]
    return sorted(due)


def recorded(trace, *window):
    events = trace.recorded_events(*window)
    return list(zip(events.tick.tolist(), events.synapse.tolist(), strict=True))


@pytest.fixture(scope="module")
def whole(compiled):
    return eventsim.simulate(compiled, stimulus(compiled), record_events=True)


@pytest.mark.parametrize(
    "threads, where, buffer_mb",
    [(1, "memory", 64), (1, "file", 64), (1, "file", 1e-4), (2, "file", 1e-3)],
)
def test_the_record_is_the_expansion_for_any_threads_and_buffers(compiled, whole, tmp_path, threads, where, buffer_mb):
    trace = eventsim.simulate(
        compiled, stimulus(compiled), record_events=True, threads=threads, buffer_mb=buffer_mb,
        trace=tmp_path / "t.h5" if where == "file" else None,
    )  # fmt: skip
    assert recorded(trace) == deliveries(trace)
    assert len(recorded(trace)) == trace.delivered().sum() > 2000
    ours, expanded = trace.recorded_events(), trace.synaptic_events()
    for column in ("tick", "synapse", "pre", "post", "weight"):
        assert getattr(ours, column).tobytes() == getattr(expanded, column).tobytes()
    assert trace.manifest["synaptic_events_hash"] == whole.manifest["synaptic_events_hash"]
    assert ("synaptic_events", True) in trace.verify_hashes()


def test_a_run_without_a_record_is_the_same_run(compiled, whole):
    without = eventsim.simulate(compiled, stimulus(compiled))
    for name in ("spikes_hash", "counts_hash"):
        assert without.manifest[name] == whole.manifest[name]
    assert "synaptic_events_hash" not in without.manifest and without.event_choice is None
    with pytest.raises(NotRecordedError, match="holds no record of deliveries"):
        without.recorded_events()


def test_the_kernel_of_a_run_without_a_record_knows_of_none(compiled):
    source, constants = kernel_source(compiled)
    with_record, same_constants = kernel_source(compiled, plan_for(compiled, records_events=True))
    assert "event_" not in source and "mark_" not in source and constants.tobytes() == same_constants.tobytes()
    assert with_record.count("event_synapse[event] = synapse") == 3


@pytest.mark.parametrize("reset", ["none", "host"])
def test_what_a_reset_drops_is_not_recorded(compiled, reset):
    queries = [(start, start + 40) for start in range(0, TICKS, 40)]
    trace = eventsim.simulate(compiled, stimulus(compiled, queries, reset), record_events=True)
    assert recorded(trace) == deliveries(trace)
    assert (len(recorded(trace)) < len(deliveries(trace, resets=False))) == (reset == "host")


def test_a_run_from_a_checkpoint_has_the_same_record(compiled, whole, tmp_path):
    with Simulation(compiled, stimulus(compiled), record_events=True, trace=tmp_path / "first.h5") as first:
        first.run(50).save(tmp_path / "early")
        first.run(60).save(tmp_path / "late")
    second = Simulation(compiled, stimulus(compiled), record_events=True, trace=tmp_path / "t.h5", buffer_mb=1e-3)
    trace = second.load(tmp_path / "late").run().finish()
    assert trace.manifest["synaptic_events_hash"] == whole.manifest["synaptic_events_hash"]
    with pytest.raises(ConfigError, match="another"):
        Simulation(compiled, stimulus(compiled)).load(tmp_path / "early")


@pytest.mark.parametrize(
    "asked, letters, window",
    [
        ({"pathways": ["b_wires_pre"]}, "b", (0, TICKS)),
        ({"populations": "counts", "window_ticks": (20, 90)}, "c", (20, 90)),
        ({"populations": ["cells"], "pathways": "c_wires_pre"}, "abc", (0, TICKS)),
        ({"window_ticks": (150, 10**6)}, "abc", (150, TICKS)),
        ({"window_ticks": (30, 30)}, "abc", (30, 30)),
    ],
)  # fmt: skip
def test_only_what_was_asked_for_is_recorded(compiled, asked, letters, window):
    names = {f"{letter}_wires_pre" for letter in letters}
    trace = eventsim.simulate(compiled, stimulus(compiled), record_events=asked)
    pathway_of = [compiled.pathways[k].name for k in compiled.pathway_of]
    due = [row for row in deliveries(trace) if pathway_of[row[1]] in names and window[0] <= row[0] < window[1]]
    assert recorded(trace) == due
    choice = trace.event_choice
    assert {compiled.pathways[k].name for k in choice.pathways} == names
    assert (choice.start_tick, choice.stop_tick) == window


@pytest.mark.parametrize(
    "asked, message",
    [
        ("all", "give True, or a mapping of pathways, populations, window_ticks"),
        ({"neurons": [3]}, "give True, or a mapping"),
        ({"pathways": ["d"]}, "'d' is not among the pathways: .*a_wires_pre"),
        ({"populations": ["cell"]}, "'cell' is not among the populations: cells"),
        ({"window_ticks": (5, 3)}, "give two ticks"),
        ({"window_ticks": (0.5, 3)}, "give two ticks"),
        ({"window_ticks": 7}, "give two ticks"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(compiled, asked, message):
    with pytest.raises(ConfigError, match=message):
        Simulation(compiled, stimulus(compiled), record_events=asked)


def test_a_window_is_read_without_the_rest(whole):
    everything = recorded(whole)
    for start, stop in ((0, 1), (17, 60), (60, 60), (190, 10**6), (-5, 3)):
        assert recorded(whole, start, stop) == [row for row in everything if start <= row[0] < stop]


def test_too_much_at_once_is_refused(whole, monkeypatch):
    monkeypatch.setattr(event_record, "_MOST_AT_ONCE", 100)
    with pytest.raises(CapacityError, match="ask for a shorter window"):
        whole.recorded_events()
    assert whole.recorded_events(0, 5)


def test_a_run_that_was_stopped_has_the_record_of_what_it_did(compiled):
    trace = eventsim.simulate(compiled, stimulus(compiled), record_events=True, stop_after_spikes=100)
    assert trace.duration_ticks < TICKS and trace.event_choice.stop_tick == trace.duration_ticks
    assert recorded(trace) == deliveries(trace)


def test_parts_are_merged_and_sorted_tick_by_tick():
    """Two parts that number their synapses in their own way; part 1 is silent at tick 3."""
    block = EventBlock(
        np.array([3, 8]), np.array([[2, 0], [3, 2]]), (np.array([1, 0, 0], np.uint32), np.array([3, 2], np.uint32)),
        np.array([5, 6, 1, 7], np.uint32),
    )  # fmt: skip
    columns = block.columns()
    assert columns["tick"].tolist() == [3, 8] and columns["end"].tolist() == [2, 5]
    assert columns["synapse"].tolist() == [5, 6, 1, 5, 7] and columns["synapse"].dtype == np.uint32


def test_how_many_are_sorted_at_once_changes_nothing(compiled, whole, monkeypatch):
    monkeypatch.setattr(event_record, "_SORTED_AT_ONCE", 7)
    trace = eventsim.simulate(compiled, stimulus(compiled), record_events=True)
    assert trace.manifest["synaptic_events_hash"] == whole.manifest["synaptic_events_hash"]


@pytest.fixture
def path(compiled, tmp_path):
    """A good trace with a record, to be spoilt."""
    eventsim.simulate(compiled, stimulus(compiled), record_events={"pathways": "b_wires_pre"},
                      trace=tmp_path / "t.h5").close()  # fmt: skip
    return tmp_path / "t.h5"


def spoil(path, column, index, value):
    with h5py.File(path, "r+") as file:
        file[f"eventsim/synaptic_events/{column}"][index] = value


@pytest.mark.parametrize(
    "column, index, value, message",
    [
        ("tick", 0, 10**6, "outside of its window"),
        ("tick", 1, 10**6, "do not rise"),
        ("tick", 3, 0, "do not rise"),
        ("tick", -1, TICKS, "outside of its window"),
        ("end", 0, 0, "do not rise"),
        ("end", 4, 10**9, "do not rise"),
        ("end", -1, 10**9, "different lengths"),
        ("synapse", 0, 2**32 - 1, "no recorded pathway|do not rise"),
        ("synapse", -1, 0, "no recorded pathway|do not rise"),
        ("pathways", 0, 3, "does not have"),
        ("pathways", 0, -1, "does not have"),
        ("pathways", 0, 0, "of no recorded pathway"),
        ("window", 0, -1, "does not have"),
        ("window", 1, TICKS + 1, "does not have"),
        ("window", 1, 3, "outside of its window"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(path, column, index, value, message):
    spoil(path, column, index, value)
    with open_trace(path) as trace:
        with pytest.raises(TraceFormatError, match=message):
            trace.recorded_events()
        assert ("synaptic_events", False) in trace.verify_hashes()


@pytest.mark.parametrize("column", ["tick", "end", "synapse", "pathways", "window"])
def test_a_record_with_a_column_of_another_kind_is_refused(path, column):
    with h5py.File(path, "r+") as file:
        del file[f"eventsim/synaptic_events/{column}"]
        file[f"eventsim/synaptic_events/{column}"] = np.zeros(3)
    with open_trace(path) as trace, pytest.raises(TraceFormatError):
        trace.recorded_events()


def test_one_wrong_synapse_is_told_from_the_expansion(path):
    """The negative control of the equality above: a record that nothing else is wrong with."""
    with open_trace(path) as trace:
        pathway = trace.network.pathways[trace.event_choice.pathways[0]]
        events = trace.recorded_events()
    is_last_of_tick = np.diff(events.tick, append=TICKS) > 0
    row = int(np.flatnonzero(is_last_of_tick & (events.synapse < pathway.first + pathway.size - 1))[0])
    spoil(path, "synapse", row, events.synapse[row] + 1)
    with open_trace(path) as trace:
        due = [
            delivery for delivery in deliveries(trace) if pathway.first <= delivery[1] < pathway.first + pathway.size
        ]
        assert len(recorded(trace)) == len(due) and recorded(trace) != due
