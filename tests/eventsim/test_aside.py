"""Counting aside: the same trace as where the kernel counts, bit for bit, however a run is cut or begun anew."""

import time
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

import eventsim
from eventsim.engine import NO_LIMIT
from eventsim.errors import CapacityError
from eventsim.grid import aside, kernel
from eventsim.grid.aside import CountedAside, is_counted_aside, windows_kept
from eventsim.grid.ticks import may_run_to
from eventsim.lending import Lent
from eventsim.simulation import Simulation
from runs.benchmarks.networks import coincidence, cuba, delta_lif, hardware_like, integrators
from tests.support.interpreted import interpreted
from tests.support.plain_counts import counted, plain_counts

#: Name -> (network, ticks, cores): kinds of senders, single rows in lanes and in lists, a row for each of two
#: pathways, sources, no delay and long ones.
NETWORKS = {
    "kinds, two pathways": (lambda: cuba(320), 300, 4),
    "lists": (lambda: hardware_like(384, 24), 60, 190),
    "lanes": (lambda: hardware_like(384, 96), 60, 6),
    "a delay of fifteen ticks": (lambda: delta_lif(320, 60), 157, 5),
    "sources, and no delay": (lambda: integrators(320, 24, duration_ms=70.0), 70, 7),
    "three populations in a row": (lambda: coincidence(6, 5, rate_hz=400, duration_ms=50), 400, 9),
}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    made, ticks, cores = NETWORKS[request.param]
    network = eventsim.compile_network(made())
    core_of = np.where(network.is_source, -1, np.random.default_rng(0).integers(cores, size=network.n_neurons))
    return network, network.stimulus.lasting(ticks), core_of.astype(np.int32)


@pytest.fixture
def beside(monkeypatch):
    """A function: whether runs are counted aside from here on, whatever their size."""

    def choose(is_beside):
        monkeypatch.setattr(aside, "FROM_PAIRS", 0)
        monkeypatch.setattr(aside, "get_thread_count", lambda: 2 if is_beside else 1)

    return choose


@pytest.fixture
def used(monkeypatch):
    """How often kernels were counted aside; a list of one number."""
    calls, made = [0], CountedAside.__call__

    def counting(self, *arguments):
        calls[0] += 1
        return made(self, *arguments)

    monkeypatch.setattr(CountedAside, "__call__", counting)
    return calls


def start(case, **more):
    network, stimulus, core_of = case
    return Simulation(network, stimulus, core_of=core_of, **more)


def hashes(trace):
    return {name: value for name, value in trace.manifest.items() if name.endswith("_hash")}


def test_the_trace_is_the_same_and_its_counts_those_of_plain_python(case, beside, used):
    beside(False)
    alone = start(case).run().finish()
    assert used == [0] and alone.spikes().tick.size > 50
    beside(True)
    trace = start(case).run().finish()
    assert used[0] > 0 and hashes(trace) == hashes(alone)
    assert counted(trace.counts()) == plain_counts(case[0], case[2], trace)


@pytest.mark.parametrize("settings", [{"buffer_mb": 0.001}, {"record_events": True}, {"updates": "touched"}], ids=str)
def test_however_it_is_recorded_or_updated(case, beside, used, settings):
    beside(False)
    alone = start(case).run().finish()
    beside(True)
    assert hashes(start(case, **settings).run().finish())["counts_hash"] == hashes(alone)["counts_hash"] and used[0]


def test_in_pieces_and_resumed_with_and_without_a_second_processor(case, beside, tmp_path):
    beside(False)
    alone = hashes(start(case).run().finish())
    for first in (True, False):
        beside(first)
        simulation = start(case)
        for ticks in (1, 2, 16, 17):
            simulation.run(ticks)
        simulation.save(tmp_path / "checkpoint")
        beside(not first)
        assert hashes(start(case).load(tmp_path / "checkpoint").run().finish()) == alone


def test_begun_anew_by_the_host(case, beside):
    found = []
    for is_beside in (False, True):
        beside(is_beside)
        simulation = start(case).run(23)
        simulation.engine.start_again(23)
        found.append(hashes(simulation.run().finish()))
    assert found[0] == found[1]


@pytest.mark.parametrize("changes", [[], [("_FAR = 1 << 19", "_FAR = 0")]], ids=["as it is", "when a tick ends"])
def test_few_spikes_are_counted_whenever_that_is_done(changes, beside, monkeypatch):
    changed(beside, monkeypatch, changes, is_seen=False)


@pytest.mark.parametrize("changes", [
    [("_FAR = 1 << 19", "_FAR = 0"), ("if a.announced[0, now]:", "if False:")],
    [("if done:", "if done > 40:")],
    [("if fired:\n            announce", "if fired > 1:\n            announce")],
    [("            count_tick(a, tick)\n", "            count_tick(a, tick) if tick % 7 else None\n")],
    [("came[slot, 0] = done", "came[slot, 0] = done + 1")],
])  # fmt: skip
def test_what_is_not_counted_is_seen(changes, beside, monkeypatch):
    changed(beside, monkeypatch, changes, is_seen=True)


def changed(beside, monkeypatch, changes, is_seen):
    """Count a run whose texts are changed like that, by Python itself."""
    network = eventsim.compile_network(hardware_like(256, 40))
    case = network, network.stimulus.lasting(40), (np.arange(256) // 3).astype(np.int32)
    beside(True)
    right = counted_in_all(case)
    monkeypatch.setattr(kernel, "load", interpreted(changes))
    assert (counted_in_all(case) != right) == is_seen


def counted_in_all(case):
    simulation = start(case).run()
    return simulation.engine.n_deliveries, simulation.finish().counts().hash


@pytest.mark.parametrize("uncounted, ahead", [(0, 4), (2, 1), (4, 1), (5, 0)])
def test_room_is_left_for_what_is_still_to_be_counted(uncounted, ahead):
    """Rows of five ticks have room, of eleven numbers each; four ticks may be run at once."""
    arrays = SimpleNamespace(
        filled=np.array([0, 0, 0, 0, NO_LIMIT]), core_of=np.zeros(3), tally=np.zeros((1, 4, 5, 2)),
        spike_tick=np.zeros(99), row_of_counts=np.zeros(55), may_run=np.array([0, 4, 0]),
    )  # fmt: skip
    assert may_run_to.outlined.py_func(arrays, 7, 100, uncounted) == 7 + ahead


Meeting = namedtuple("Meeting", "meeting landed")


def wrong(*_):
    raise ZeroDivisionError


def waiting(place, until):
    """What stands for a kernel or a counter that waits for the other for ever, unless that is told."""

    def wait(*arguments):
        while not until(arguments[-1].meeting[place, 0]):
            time.sleep(0.001)

    return wait


UNTIL_TOLD = {
    "kernel": (wrong, waiting(0, lambda told: told & 1)), "counter": (waiting(1, lambda told: told > 9), wrong),
}  # fmt: skip


@pytest.mark.parametrize("part, count", UNTIL_TOLD.values(), ids=UNTIL_TOLD)
def test_an_error_of_either_ends_both(part, count):
    lent = Lent(Meeting(np.zeros((2, 1), dtype=np.int64), np.zeros((2, 3))))
    with pytest.raises(ZeroDivisionError):
        CountedAside(part, count)(0, 10, lent)


def test_only_a_large_network_on_several_cores_in_one_thread_with_a_second_processor(monkeypatch):
    network, core_of = eventsim.compile_network(hardware_like(384, 96)), np.arange(384, dtype=np.int32)
    monkeypatch.setattr(aside, "get_thread_count", lambda: 2)
    assert not is_counted_aside(network, core_of, 1)
    monkeypatch.setattr(aside, "FROM_PAIRS", network.n_synapses)
    assert is_counted_aside(network, core_of, 1)
    assert not is_counted_aside(network, core_of, 2) and not is_counted_aside(network, core_of * 0, 1)
    monkeypatch.setattr(aside, "get_thread_count", lambda: 1)
    assert not is_counted_aside(network, core_of, 1) and windows_kept(network, core_of, 1) == 2


def test_an_engine_that_cannot_have_the_memory_starts_no_thread(beside, monkeypatch):
    beside(True)
    monkeypatch.setattr(aside, "ThreadPoolExecutor", lambda *_: pytest.fail("a thread"))
    network = eventsim.compile_network(hardware_like(384, 96))
    with pytest.raises(CapacityError):
        Simulation(network, network.stimulus.lasting(10), core_of=np.arange(384), max_bytes=1000)
