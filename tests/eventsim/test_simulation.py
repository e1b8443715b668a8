"""A run in pieces, stopped, saved and taken up again is the same run; what is recorded is what Brian2 records."""

import os
import signal
import subprocess
import sys
from zipfile import ZipFile

import brian2
import numpy as np
import pytest

import eventsim
from eventsim import Simulation, compile_network, open_trace
from eventsim.errors import ConfigError, TraceFormatError
from runs.benchmarks.networks import cuba, delta_lif


@pytest.fixture(scope="module")
def compiled():
    return compile_network(cuba(300))


@pytest.fixture(scope="module")
def whole(compiled):
    return eventsim.simulate(compiled, duration_ms=60)


def same(a, b):
    return all(a.manifest[f"{name}_hash"] == b.manifest[f"{name}_hash"] for name in ("spikes", "counts", "stimulus"))


def start(compiled, **options):
    return Simulation(compiled, compiled.stimulus.lasting(600), **options)


@pytest.mark.parametrize("pieces", [[14], [3] * 5])
def test_a_spike_arrives_after_a_long_silence_and_in_a_later_piece(pieces):
    """A synapse adds its weight after the test of its tick, so a gate fires one tick after its only delay."""
    neurons = {"model": ["source", "gate", "gate"]}
    network = eventsim.network(neurons, {"pre": 0, "post": [1, 2], "weight": 1.0, "delay_ms": [1.0, 9.0]})
    simulation = Simulation(network, eventsim.Stimulus.of([0], [0], duration_ticks=14))
    for ticks in pieces:
        simulation.run(ticks)
    spikes = simulation.finish().spikes()
    assert list(zip(spikes.tick.tolist(), spikes.neuron.tolist())) == [(0, 0), (2, 1), (10, 2)]


def test_pieces_give_the_whole(compiled, whole):
    simulation = start(compiled)
    for ticks in (1, 7, 100, 0, 300, 1000):
        simulation.run(ticks)
    assert simulation.tick == 600
    assert same(simulation.finish(), whole)


@pytest.mark.parametrize("tenth", range(1, 10))
def test_a_checkpoint_taken_anywhere_leads_to_the_same_trace(compiled, whole, tmp_path, tenth):
    with start(compiled, trace=tmp_path / "first.h5", record={"v": [3, 5]}) as first:
        first.run(60 * tenth).save(tmp_path / "checkpoint")
    resumed = start(compiled, trace=tmp_path / "second.h5", record={"v": [3, 5]}).load(tmp_path / "checkpoint")
    assert resumed.tick == 60 * tenth
    trace = resumed.run().finish()
    assert same(trace, whole)
    assert trace.samples().value.shape == (600, 2)
    assert [a.tolist() for a in trace.received()] == [a.tolist() for a in whole.received()]


def test_a_checkpoint_of_another_run_or_none_at_all_is_refused(compiled, tmp_path):
    simulation = start(compiled)
    simulation.run(10).save(tmp_path / "checkpoint")
    other = Simulation(compiled, compiled.stimulus.lasting(700))
    with pytest.raises(ConfigError, match="another network, stimulus"):
        other.load(tmp_path / "checkpoint")
    with pytest.raises(ConfigError, match="cannot be read"):
        simulation.load(tmp_path / "nothing")
    with ZipFile(tmp_path / "checkpoint") as saved, ZipFile(tmp_path / "older", "w") as older:
        for name in saved.namelist():
            if name != "engine/history.npy":
                older.writestr(name, saved.read(name))
    with pytest.raises(ConfigError, match=r"older was saved by another version of eventsim \('history'\); go on with"):
        start(compiled).load(tmp_path / "older")
    (tmp_path / "noise").write_bytes(b"PK\x03\x04 no checkpoint")
    with pytest.raises((TraceFormatError, ConfigError)):
        simulation.load(tmp_path / "noise")


def test_a_number_of_spikes_stops_the_run_at_the_end_of_its_tick(compiled, whole):
    trace = eventsim.simulate(compiled, duration_ms=60, stop_after_spikes=50)
    ticks = whole.spikes().tick
    assert trace.duration_ticks == ticks[49] + 1
    assert trace.spikes().tick.tolist() == ticks[ticks <= ticks[49]].tolist()


def test_a_predicate_stops_the_run_where_it_looks(compiled):
    seen = []
    simulation = start(compiled)
    simulation.run(stop_when=lambda summary: seen.append(summary.tick) or summary.spikes > 20, look_every_ticks=50)
    assert seen == list(range(50, simulation.tick + 1, 50))
    trace = simulation.finish()
    assert trace.duration_ticks == seen[-1]
    assert len(trace.spikes()) > 20


def test_a_stopped_run_passes_its_audit(compiled):
    from analysis import audit

    report = audit.audit(eventsim.simulate(compiled, duration_ms=60, stop_after_spikes=50))
    assert report.passed, str(report)


def test_queries_that_were_not_reached_are_not_in_the_trace():
    stimulus = eventsim.Stimulus.of([0, 12, 25], [0, 0, 0], [[0, 10], [10, 20], [20, 30]])
    used = stimulus.until(15)
    assert used.queries().to_numpy().tolist() == [[0, 10, 0], [10, 15, 1]]
    assert used.tick.tolist() == [0, 12]


def test_samples_are_those_of_brian2s_state_monitor():
    network = delta_lif(40, 20)
    group = next(thing for thing in network.objects if thing.name == "lif")
    compiled = compile_network(network)
    trace = eventsim.simulate(compiled, duration_ms=30, record={"v": [0, 7, 39]}, record_every_ticks=3)
    monitor = brian2.StateMonitor(group, "v", record=[0, 7, 39], clock=brian2.Clock(0.3 * brian2.ms))
    network.add(monitor)
    network.run(30 * brian2.ms)
    samples = trace.samples()
    assert samples.value.tobytes() == np.ascontiguousarray(np.asarray(monitor.v).T).tobytes()
    assert samples.to_frame()[("v", 7)].index.tolist() == list(range(0, 300, 3))


def test_recording_what_is_not_there_is_refused(compiled):
    with pytest.raises(ConfigError, match="cannot record 'w' of neuron 3; there are: ge, gi"):
        eventsim.simulate(compiled, duration_ms=1, record={"w": [3]})
    with pytest.raises(ConfigError, match="neurons 0 to 299"):
        eventsim.simulate(compiled, duration_ms=1, record={"v": [300]})
    with pytest.raises(ConfigError, match="holds no samples"):
        eventsim.simulate(compiled, duration_ms=1).samples()


def test_the_summary_says_where_the_run_stands(compiled, whole):
    summary = start(compiled).run(600).summary
    assert (summary.tick, summary.spikes) == (600, len(whole.spikes()))
    assert summary.synaptic_events == int(whole.delivered().sum())
    assert str(summary).startswith("tick 600 of 600: ")


INTERRUPTED = """
import sys
import eventsim
from runs.benchmarks.networks import cuba
compiled = eventsim.compile_network(cuba(300))
def progress(elapsed, completed, start, duration):
    print(completed, flush=True)
eventsim.simulate(compiled, duration_ms=1e6, trace=sys.argv[1], progress=progress)
"""


def test_an_interrupt_from_the_keyboard_leaves_a_valid_trace(tmp_path):
    path = tmp_path / "trace.h5"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    for _ in range(2):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    with open_trace(path) as trace:
        assert trace.complete
        assert 0 < trace.duration_ticks < 10_000_000
        assert all(intact for _, intact in trace.verify_hashes())
