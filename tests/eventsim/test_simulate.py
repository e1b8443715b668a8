"""simulate: stretches, buffers, queries, counters and progress; the spikes depend on none of them."""

import io

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim import simulation
from eventsim.counts import KINDS
from eventsim.errors import ConfigError
from eventsim.stimulus import Stimulus
from tests.support.brian2_runs import by_eventsim

TICKS = 300


@pytest.fixture(scope="module")
def compiled():
    """Two populations and 6 sources, delays 0 to 5, zero weights, and reset synapses without a weight."""
    rng = np.random.default_rng(2)
    clock = brian2.Clock(1 * ms)
    cells = NeuronGroup(9, "dv/dt = -v/(8*ms) : 1\nv_start : 1 (constant)", threshold="v >= 1", reset="v = 0",
                        method="exact", name="cells", clock=clock)  # fmt: skip
    counts = NeuronGroup(4, "v : 1", threshold="v >= 1", reset="v -= 1", name="counts", clock=clock)
    cells.v_start = cells.v = rng.integers(0, 8, 9) / 8
    drive = SpikeGeneratorGroup(6, [], [] * ms, name="drive", clock=clock)
    parts = []
    for source, target, n in ((drive, cells, 30), (cells, cells, 25), (cells, counts, 20)):
        wires = Synapses(source, target, "w : 1", on_pre="v_post += w", clock=clock)
        wires.connect(i=rng.integers(0, len(source), n), j=rng.integers(0, len(target), n))
        wires.w = rng.integers(-1, 5, n) / 4
        wires.pre.delay = rng.integers(0, 6, n) * ms
        parts.append(wires)
    wipe = Synapses(drive, cells, on_pre="v_post = v_start_post", clock=clock)
    wipe.connect(i=5, j=np.arange(9))
    return eventsim.compile_network(Network(cells, counts, drive, *parts, wipe), namespace={})


def _input(compiled, ticks=TICKS, queries=(), reset="none", seed=0):
    rng, first = np.random.default_rng(seed), compiled.population("drive").start
    chosen = np.unique(rng.integers(0, 6 * ticks, 3 * ticks))
    return Stimulus.of(chosen // 6, first + chosen % 6, queries, None, reset, ticks)


def _cores(compiled, n_cores=3):
    return np.where(compiled.is_source, -1, np.arange(compiled.n_neurons) * 7 % n_cores)


def _recount(compiled, spikes, core_of, ticks):
    """Rows and messages from spikes and the synapse table, in plain Python, event by event."""
    table = compiled.synapse_table()
    weighted = {p.name for p in compiled.pathways if p.weighted}
    rows, messages, received, weights = {}, {}, [0] * compiled.n_neurons, [0.0] * compiled.n_neurons

    def add(tick, core, kind):
        if tick < ticks:
            key = (tick, core, KINDS.index(kind))
            rows[key] = rows.get(key, 0) + 1

    for tick, neuron in spikes:
        home, destinations = int(core_of[neuron]), set()
        add(tick, home, "spikes")
        for synapse in table[table["pre"] == neuron].itertuples():
            there, arrival = int(core_of[synapse.post]), tick + synapse.delay_ticks
            destinations.add(there)
            add(arrival, there, "synaptic_events")
            if synapse.pathway in weighted and synapse.weight == 0:
                add(arrival, there, "zero_weight_events")
            if arrival < ticks:
                received[synapse.post] += 1
                weights[synapse.post] += synapse.weight
        for there in destinations:
            add(tick, home, "messages_out")
            add(tick, there, "messages_in")
            messages[home, there] = messages.get((home, there), 0) + 1
    return sorted((*key, n) for key, n in rows.items()), sorted((*k, n) for k, n in messages.items()), received, weights


def test_the_online_counters_equal_a_plain_recount_of_every_event(compiled):
    stimulus, core_of = _input(compiled), _cores(compiled)
    trace = eventsim.simulate(compiled, stimulus, core_of=core_of)
    spikes, counts = trace.spikes(), trace.counts()
    pairs = list(zip(spikes.tick.tolist(), spikes.neuron.tolist()))
    rows, messages, received, weights = _recount(compiled, pairs, core_of, TICKS)
    assert len(pairs) > 1000 and counts.total("zero_weight_events") > 100
    columns = (counts.tick, counts.core, counts.kind, counts.count)
    assert list(zip(*(column.tolist() for column in columns))) == rows
    columns = (counts.message_source, counts.message_destination, counts.message_count)
    assert list(zip(*(column.tolist() for column in columns))) == messages
    assert trace.received()[0].tolist() == received
    np.testing.assert_array_equal(trace.received()[1], weights)  # quarters add without rounding
    assert trace.delivered().sum() == sum(received) == counts.total("synaptic_events")
    assert counts.core_of.tolist() == core_of.tolist() and counts.duration_ticks == TICKS
    lost = _recount(compiled, pairs[:-1], core_of, TICKS)[0]
    assert lost != rows  # the recount would see one spike less


def test_without_core_of_all_neurons_are_on_core_0_and_sources_on_the_host(compiled):
    counts = eventsim.simulate(compiled, _input(compiled)).counts()
    assert counts.core_of.tolist() == np.where(compiled.is_source, -1, 0).tolist()
    assert set(counts.core.tolist()) == {-1, 0}


@pytest.mark.parametrize("where", ["memory", "file"])
def test_many_stretches_and_full_buffers_change_nothing(compiled, monkeypatch, tmp_path, where):
    stimulus, core_of = _input(compiled), _cores(compiled)
    expected = eventsim.simulate(compiled, stimulus, core_of=core_of)
    monkeypatch.setattr(simulation, "_SECONDS_PER_STRETCH", 0.0)
    segments, flush = [], simulation.Simulation._flush
    monkeypatch.setattr(
        simulation.Simulation, "_flush", lambda self: (segments.append(self.engine._arrays.filled[0]), flush(self))
    )
    path = tmp_path / "run.h5" if where == "file" else None
    trace = eventsim.simulate(compiled, stimulus, core_of=core_of, trace=path, buffer_mb=1e-4)
    assert len(segments) > 50 and max(segments) < 3 + 2 * compiled.n_neurons
    assert trace.spikes().tick.tobytes() == expected.spikes().tick.tobytes()
    assert trace.spikes().neuron.tobytes() == expected.spikes().neuron.tobytes()
    assert trace.counts().hash == expected.counts().hash
    assert [a.tolist() for a in trace.received()] == [a.tolist() for a in expected.received()]


def test_a_run_can_be_cut_off_anywhere_without_changing_what_came_before(compiled):
    whole = by_eventsim(compiled, TICKS, _input(compiled)).spikes
    for ticks in (1, 63, 64, 65, 128, 200):
        assert by_eventsim(compiled, ticks, _input(compiled)).spikes == [s for s in whole if s[0] < ticks]


def test_a_reset_by_the_host_makes_each_query_a_run_of_its_own(compiled):
    edges = [0, 70, 140, 141, 300]
    queries = np.column_stack([edges[:-1], edges[1:]])
    stimulus = _input(compiled, queries=queries, reset="host")
    together = by_eventsim(compiled, TICKS, stimulus)
    apart = []
    for start, stop in queries.tolist():
        mine = (stimulus.tick >= start) & (stimulus.tick < stop)
        alone = Stimulus.of(stimulus.tick[mine] - start, stimulus.neuron[mine], duration_ticks=stop - start)
        run = by_eventsim(compiled, stop - start, alone)
        apart += [(tick + start, neuron) for tick, neuron in run.spikes]
    assert together.spikes == apart
    assert all((together.state[place] == run.state[place]).all() for place in run.state)
    without = by_eventsim(compiled, TICKS, Stimulus.of(stimulus.tick, stimulus.neuron, queries, None, "none"))
    assert without.spikes != apart  # state and spikes in flight do matter


def test_duration_overrides_the_stimulus(compiled):
    stimulus = _input(compiled)
    trace = eventsim.simulate(compiled, stimulus, duration_ms=50)
    assert trace.duration_ticks == 50 and trace.spikes().tick.max() < 50
    assert trace.stimulus.hash == stimulus.lasting(50).hash
    assert eventsim.simulate(compiled, stimulus, duration_ms=400).duration_ticks == 400
    assert eventsim.simulate(compiled, duration_ms=0).n_spikes == 0
    for wrong in (-1, 0.5, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="duration_ms"):
            eventsim.simulate(compiled, stimulus, duration_ms=wrong)


def test_a_core_of_that_does_not_fit_is_refused_by_neuron(compiled):
    right = _cores(compiled)
    neuron, source = 2, compiled.population("drive").start
    wrong = {
        "one integer for each": right[:-1], "give whole numbers": right.astype(float),
        r"core_of\[2\] is -1": right.copy(),
        rf"core_of\[{source}\] is 0": right.copy(), r"core_of\[2\] is -2": right.copy(),
    }  # fmt: skip
    wrong[r"core_of\[2\] is -1"][neuron] = -1
    wrong[rf"core_of\[{source}\] is 0"][source] = 0
    wrong[r"core_of\[2\] is -2"][neuron] = -2
    for message, core_of in wrong.items():
        with pytest.raises(ConfigError, match=message):
            eventsim.simulate(compiled, _input(compiled), core_of=core_of)


def test_a_stimulus_on_a_neuron_that_is_no_source_is_refused_with_the_sources(compiled):
    start = compiled.population("drive").start
    for neuron in (0, start - 1, compiled.n_neurons, -1):
        stimulus = Stimulus.of([4], [neuron])
        with pytest.raises(ConfigError, match=rf"neuron {neuron} at tick 4.*drive \({start} to {start + 5}\)"):
            eventsim.simulate(compiled, stimulus)


def test_what_is_no_compiled_network_is_refused():
    for thing in (None, {"v": 1.0}):
        with pytest.raises(ConfigError, match="compile_network"):
            eventsim.simulate(thing)


def test_what_is_no_stimulus_or_no_number_of_milliseconds_is_refused(compiled):
    for options in ({}, {"duration_ms": 3}):
        with pytest.raises(ConfigError, match="the stimulus is a int; give a Stimulus"):
            eventsim.simulate(compiled, 5, **options)
    for wrong in ("3", 3 * brian2.ms):
        with pytest.raises(ConfigError, match="give a number of milliseconds, without a unit"):
            eventsim.simulate(compiled, duration_ms=wrong)


def test_progress_rises_to_one(compiled, monkeypatch):
    monkeypatch.setattr(simulation, "_SECONDS_PER_STRETCH", 0.0)
    seen = []
    eventsim.simulate(compiled, _input(compiled), progress=lambda *a: seen.append(a))
    completed = [a[1] for a in seen]
    assert completed == sorted(completed) and completed[-1] == 1.0 and len(completed) >= 4
    assert all(a[0] >= 0 and a[2:] == (0.0, 0.3) for a in seen)


def test_progress_on_a_terminal_is_one_line_and_elsewhere_nothing(compiled, monkeypatch):
    for is_terminal in (True, False):
        screen = io.StringIO()
        monkeypatch.setattr(screen, "isatty", lambda answer=is_terminal: answer)
        monkeypatch.setattr("sys.stderr", screen)
        eventsim.simulate(compiled, _input(compiled), progress=True)
        assert ("100.0%" in screen.getvalue()) == is_terminal
        assert screen.getvalue().count("\n") == is_terminal


def test_the_manifest_goes_with_the_trace(compiled):
    trace = eventsim.simulate(compiled, _input(compiled), manifest={"task": "none"})
    assert trace.manifest["task"] == "none"
    assert trace.manifest["network_hash"] == compiled.hash


def test_two_runs_of_one_network_share_nothing(compiled):
    stimulus = _input(compiled)
    first, second = by_eventsim(compiled, TICKS, stimulus), by_eventsim(compiled, TICKS, stimulus)
    assert first.spikes == second.spikes and len(first.spikes) > 1000
