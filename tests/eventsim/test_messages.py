"""Messages between cores, read off synapses where no table tells them, when somebody asks."""

import gc
from dataclasses import replace

import numpy as np
import pytest

import eventsim
from eventsim.errors import InternalError
from eventsim.grid import reach, totals
from eventsim.grid.messages import messages_of
from runs.benchmarks.networks import cuba
from tests.support.plain_counts import counted, plain_counts

CORES = {"few": 3, "many": 150, "far apart": 150}


@pytest.fixture(scope="module", params=CORES)
def case(request):
    """Excitatory and inhibitory neurons, of which each sends a single row; some core numbers nobody has."""
    network = eventsim.compile_network(cuba(600, fan_in=12))
    core_of = np.random.default_rng(0).integers(CORES[request.param], size=600)
    return network, (core_of * (1 + 40 * (request.param == "far apart"))).astype(np.int32)


def run(case, **options):
    network, core_of = case
    return eventsim.simulate(network, network.stimulus.lasting(400), core_of=core_of, **options)


def test_messages_are_those_of_the_spikes_and_the_wiring(case, monkeypatch, tmp_path):
    monkeypatch.setattr(reach, "_FEW", 0)
    expected = plain_counts(*case, run(case))
    assert len(expected[1]) > 8
    for trace in (None, tmp_path / "t.h5"):
        assert counted(run(case, trace=trace).counts()) == expected


def test_synapses_that_were_let_go_are_one_error_and_not_read(case):
    """As a rank lets them go; its messages are told by lists."""
    network, core_of = case
    without = replace(network, post=network.post[:0])
    senders = np.zeros(1200, np.uint64), 2, np.empty(0, np.uint16), np.empty(0, np.int64)
    with pytest.raises(InternalError, match="let go"):
        messages_of(without, core_of, senders, [0], np.ones(600, np.int64))


def test_they_are_counted_when_somebody_asks_and_once(case, monkeypatch):
    monkeypatch.setattr(reach, "_FEW", 0)
    asked, count = [], totals.messages_of
    monkeypatch.setattr(totals, "messages_of", lambda *given: asked.append(1) or count(*given))
    trace = run(case)
    gc.collect()
    assert trace.spikes().tick.size > 100 and trace.received()[0].any() and not asked
    assert trace.messages()[2].sum() > 0 and trace.counts().tick.size and asked == [1]
