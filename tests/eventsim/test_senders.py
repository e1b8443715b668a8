"""Messages, however senders are told apart: few kinds of neurons, or each neuron with bits or a list of its cores."""

import numpy as np
import pytest

import eventsim
from eventsim.collected import MOST_CORES
from eventsim.errors import ConfigError
from eventsim.grid import reach, single
from eventsim.grid.allocate import allocate
from eventsim.grid.plan import plan_for
from runs.benchmarks.networks import cuba, hardware_like, integrators
from tests.support.plain_counts import counted, plain_counts


def together():
    """Neurons that fire at once: kinds are told apart by stretches on one core, one by one on others."""
    network = hardware_like(400, 8)
    network["neurons"].v = 0.99
    return network


NETWORKS = {
    "all at once": lambda: (together(), 60),
    "recurrent": lambda: (cuba(400, fan_in=8), 400),
    "driven by sources": lambda: (integrators(96, 12, duration_ms=60.0), 60),
}
WAYS = {"kinds": {}, "bits": {"_FEW": 0}, "lists": {"_FEW": 0, "_BYTES": 0}}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    network, ticks = NETWORKS[request.param]()
    compiled = eventsim.compile_network(network)
    return compiled, compiled.stimulus.lasting(ticks)


def on_cores(network, cores):
    return np.where(network.is_source, -1, np.arange(network.n_neurons) % cores).astype(np.int32)


def n_senders(network, stimulus, core_of, n_parts=1):
    return allocate(network, stimulus, core_of, np.empty(0), plan_for(network), n_parts).n_senders


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("cores", [1, 2, 3])
def test_every_way_counts_the_spikes_and_messages_that_there_are(case, cores, threads, way, monkeypatch):
    network, stimulus = case
    core_of = on_cores(network, cores)
    for name, value in WAYS[way].items():
        monkeypatch.setattr(reach, name, value)
    monkeypatch.setattr(single, "_in_turn", lambda *_: [])  # none is counted with its row
    assert (n_senders(network, stimulus, core_of) > 0) == (way == "kinds")
    trace = eventsim.simulate(network, stimulus, core_of=core_of, threads=threads)
    assert trace.spikes().tick.size > 50
    assert counted(trace.counts()) == plain_counts(network, core_of, trace)


@pytest.mark.parametrize("few, has_kinds", [(6, True), (5, False)])
def test_kinds_are_told_apart_as_long_as_they_are_few(few, has_kinds, monkeypatch):
    """Neurons on three cores, half of which reach one other neuron, half nobody: six kinds, and none of a source."""
    network = eventsim.network({"model": ["gate"] * 12}, {"pre": [0, 1, 2, 6, 7, 8], "post": [3, 4, 5, 9, 10, 11],
                                                          "weight": [1.0] * 6, "delay_ms": [1.0] * 6})  # fmt: skip
    monkeypatch.setattr(reach, "_FEW", few)
    stimulus = eventsim.Stimulus.of([], [], duration_ticks=5)
    assert (n_senders(network, stimulus, on_cores(network, 3)) > 0) == has_kinds


def test_two_parts_share_no_line_of_kinds(case):
    network, stimulus = case
    arrays = allocate(network, stimulus, on_cores(network, 3), np.empty(0), plan_for(network), n_parts=2)
    assert arrays.senders.size == 2 * arrays.n_senders * arrays.width
    assert arrays.senders.ctypes.data % 64 == 0 and arrays.n_senders * arrays.width * 8 % 64 == 0


def test_a_core_too_many_is_one_error(case):
    network, stimulus = case
    core_of = on_cores(network, 2)
    core_of[np.flatnonzero(~network.is_source)[0]] = MOST_CORES
    with pytest.raises(ConfigError, match=rf"names core {MOST_CORES}; number cores from 0 to {MOST_CORES - 1}"):
        eventsim.simulate(network, stimulus, core_of=core_of)
