"""A run in continuous time is driven as on the grid: in pieces, stopped, saved, sampled, reset; to the same bits."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import eventsim
from eventsim import Simulation, open_trace, simulation
from eventsim.errors import ConfigError
from tests.eventsim.continuous.hand_made import escape, lif, network, sources, wires
from tests.eventsim.continuous.networks import TICKS, mixed

RECORD = {"v": [5, 11, 12], "a": [11]}


@pytest.fixture(scope="module")
def made():
    return mixed(seed=1, host_resets=(0, 250, 400))


@pytest.fixture(scope="module")
def whole(made):
    return eventsim.simulate(*made, clock="continuous", record=RECORD, record_every_ticks=7)


def _same(a, b):
    names = ("spikes", "counts", "stimulus", "samples")
    received = [x.tobytes() for x in a.received()] == [x.tobytes() for x in b.received()]
    return received and all(a.manifest[f"{name}_hash"] == b.manifest[f"{name}_hash"] for name in names)


def _start(made, **options):
    return Simulation(*made, clock="continuous", record=RECORD, record_every_ticks=7, **options)


def test_pieces_give_the_whole(made, whole):
    run = _start(made)
    for ticks in (1, 6, 93, 0, 151, 1000):
        run.run(ticks)
    assert run.tick == TICKS and whole.n_spikes > 300
    assert _same(run.finish(), whole)


def test_small_buffers_and_short_stretches_change_nothing(made, whole, monkeypatch, tmp_path):
    monkeypatch.setattr(simulation, "_SECONDS_PER_STRETCH", 0.0)
    kept, flush = [], Simulation._flush
    monkeypatch.setattr(
        Simulation, "_flush", lambda self: (flush(self), kept.append(self.engine.snapshot()["spikes"].size))
    )
    run = _start(made, trace=tmp_path / "run.h5", buffer_mb=1e-4).run()
    assert len(kept) > 50 and max(kept) < 100  # only spikes on their way stay in memory
    assert _same(run.finish(), whole)


@pytest.mark.parametrize("tick", [1, 130, 250, 313, 599])
def test_a_checkpoint_taken_anywhere_leads_to_the_same_trace(made, whole, tmp_path, tick):
    with _start(made) as first:
        first.run(tick).save(tmp_path / "checkpoint")
    resumed = _start(made).load(tmp_path / "checkpoint")
    assert resumed.tick == tick
    assert _same(resumed.run().finish(), whole)


def test_a_checkpoint_of_the_grid_does_not_fit(made, tmp_path):
    Simulation(*made, record=RECORD, record_every_ticks=7).run(5).save(tmp_path / "checkpoint")
    with pytest.raises(ConfigError, match="another network, stimulus, placement, or way to run"):
        _start(made).load(tmp_path / "checkpoint")


def test_a_number_of_spikes_stops_the_run_at_the_end_of_its_tick(made, whole):
    trace = eventsim.simulate(*made, clock="continuous", stop_after_spikes=50)
    ticks = whole.spikes().tick
    assert trace.duration_ticks == ticks[49] + 1
    assert trace.spikes().tick.tolist() == ticks[ticks <= ticks[49]].tolist()


def test_a_predicate_stops_the_run_where_it_looks(made):
    seen = []
    run = _start(made).run(stop_when=lambda s: seen.append(s.tick) or s.spikes > 20, look_every_ticks=50)
    assert seen == list(range(50, run.tick + 1, 50))
    assert run.finish().duration_ticks == seen[-1]


def test_progress_rises_to_one(made, monkeypatch):
    monkeypatch.setattr(simulation, "_SECONDS_PER_STRETCH", 0.0)
    seen = []
    eventsim.simulate(*made, clock="continuous", progress=lambda *a: seen.append(a))
    completed = [a[1] for a in seen]
    assert completed == sorted(completed) and completed[-1] == 1.0 and len(completed) >= 4


def test_samples_are_the_exact_solution_at_the_start_of_each_tick():
    cells = [sources("input", 1), lif("cell", 1, tau=0.005, theta=10.0, drive=0.3)]
    made = network(cells, [wires("input", "cell", 0, 0, 2.0, 4)], spikes=[(6, 0)], ticks=40)
    trace = eventsim.simulate(made, clock="continuous", record={"v": [1]}, record_every_ticks=2)
    tick = trace.samples().tick
    after = np.where(tick > 10, 2.0 * np.exp(-(tick - 10) / 50), 0.0)  # a sample at tick 10 comes before the arrival
    exact = 0.3 * -np.expm1(-tick / 50) + after
    assert tick.tolist() == list(range(0, 40, 2))
    assert trace.samples().value[:, 0] == pytest.approx(exact, rel=1e-12, abs=1e-300)


def test_sampling_moves_nothing(made, whole):
    assert eventsim.simulate(*made, clock="continuous").manifest["spikes_hash"] == whole.manifest["spikes_hash"]


def test_after_a_reset_by_the_host_a_query_runs_as_from_the_start():
    made, _ = mixed(seed=2)
    spikes = [(s, n) for s, n in zip(made.stimulus.tick.tolist(), made.stimulus.neuron.tolist()) if s < 200]
    tick, neuron = (np.array(column) for column in zip(*spikes))
    twice = eventsim.Stimulus.of(np.concatenate([tick, tick + 300]), np.tile(neuron, 2), [(0, 300), (300, 600)], None,
                                 "host", 600)  # fmt: skip
    found = eventsim.simulate(made, twice, clock="continuous").spikes()
    first, second = found.where(found.tick < 300), found.where(found.tick >= 300)
    assert len(first) > 80
    assert (first.tick + 300).tolist() == second.tick.tolist() and first.neuron.tolist() == second.neuron.tolist()
    np.testing.assert_allclose(first.offset, second.offset, rtol=0, atol=1e-9)


def test_noise_goes_on_over_resets_so_that_queries_differ():
    made = network([escape("cells", 30, rate=0.05, drift=0.0)], ticks=200)
    stimulus = eventsim.Stimulus.of([], [], [(0, 100), (100, 200)], None, "host", 200)
    spikes = eventsim.simulate(made, stimulus, clock="continuous").spikes()
    halves = [spikes.where((spikes.tick >= at) & (spikes.tick < at + 100)) for at in (0, 100)]
    assert min(map(len, halves)) > 50 and halves[0].neuron.tolist() != halves[1].neuron.tolist()


@pytest.mark.parametrize("buffer_mb", [1e-4, 1e-3, 3e-3, 1e-2, 3e-2])
def test_a_small_buffer_changes_nothing(made, whole, buffer_mb):
    """Rows of counts that had no room were once written behind their array."""
    options = {"record": RECORD, "record_every_ticks": 7}
    assert _same(eventsim.simulate(*made, clock="continuous", buffer_mb=buffer_mb, **options), whole)


@pytest.mark.parametrize("options, message", [
    ({"clock": "sundial"}, "choose 'grid' or 'continuous'"), ({"threads": 2}, "are for clock='grid'"),
    ({"updates": "dense"}, "are for clock='grid'"), ({"record": {"w": [5]}}, "cannot record 'w' of neuron 5.*: v"),
    ({"record": {"v": [99]}}, "neurons 0 to 19"), ({"record_events": True}, "is for clock='grid'"),
])  # fmt: skip
def test_what_does_not_go_with_continuous_time_is_refused(made, options, message):
    with pytest.raises(ConfigError, match=message):
        eventsim.simulate(*made, **({"clock": "continuous"} | options))


INTERRUPTED = """
import sys
import eventsim
from tests.eventsim.continuous.networks import mixed
made, stimulus = mixed(ticks=10_000_000)
def progress(elapsed, completed, start, duration):
    print(completed, flush=True)
eventsim.simulate(made, stimulus, clock="continuous", trace=sys.argv[1], progress=progress)
"""


def test_an_interrupt_from_the_keyboard_leaves_a_valid_trace(tmp_path):
    path = tmp_path / "trace.h5"
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(path)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    for _ in range(3):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    with open_trace(path) as trace:
        assert trace.complete and trace.clock == "continuous"
        assert 0 < trace.duration_ticks < 10_000_000
        assert all(intact for _, intact in trace.verify_hashes())
