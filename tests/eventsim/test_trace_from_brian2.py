"""A run by Brian2 itself, with its monitors, becomes a trace that says what Brian2's monitors say."""

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, SpikeMonitor, Synapses, ms

import eventsim
from eventsim.errors import ConfigError, NotRecordedError, ProvenanceError


def build(*monitored):
    """(network, monitors) of two inputs, a group and two relays; monitors on the named groups."""
    brian2.start_scope()
    clock = brian2.Clock(0.1 * ms)
    inputs = SpikeGeneratorGroup(2, [0, 1, 0, 1], [0.5, 0.9, 1.5, 4.0] * ms, name="inputs", clock=clock)
    cells = NeuronGroup(4, "dv/dt = -v/(10*ms) : 1", threshold="v > 0.9", reset="v = 0", method="exact", name="cells",
                        clock=clock)  # fmt: skip
    cells.v = [0, 0.3, 0.6, 0.95]
    relays = NeuronGroup(2, "v : 1", name="relays", clock=clock)  # without a threshold: it cannot fire
    drive = Synapses(inputs, cells, on_pre="v += 0.7", delay=0.3 * ms, name="drive", clock=clock)
    drive.connect(i=[0, 0, 1, 1, 1], j=[0, 1, 1, 2, 3])
    onward = Synapses(cells, relays, on_pre="v += 1", name="onward", clock=clock)
    onward.connect(i=[0, 1, 2], j=[0, 1, 1])
    groups = {"inputs": inputs, "cells": cells, "some": cells[:2], "others": cells[1:]}
    monitors = {name: SpikeMonitor(groups[name]) for name in monitored}
    return Network(inputs, cells, relays, drive, onward, *monitors.values()), monitors


@pytest.fixture(scope="module")
def run():
    network, monitors = build("inputs", "cells")
    compiled = eventsim.compile_network(network)
    brian2.prefs.codegen.target = "numpy"
    network.run(5 * ms)
    return compiled, monitors, eventsim.trace_from_brian2(network, compiled)


def rows(spikes):
    return list(zip(spikes.tick.tolist(), spikes.neuron.tolist()))


def test_every_spike_is_where_the_monitors_have_it(run):
    _, monitors, trace = run
    for name, monitor in monitors.items():
        trains = trace.spike_trains(name)
        assert trains.keys() == monitor.spike_trains().keys()
        for index, train in monitor.spike_trains().items():
            assert trains[index] == pytest.approx(train / ms)
    assert len(monitors["cells"].i) > 3 and trace.duration_ticks == 50
    order = np.lexsort((monitors["cells"].i[:], monitors["cells"].t[:]))
    spikes = trace.spikes("cells")
    assert (spikes.neuron - 0).tolist() == monitors["cells"].i[:][order].tolist()


def test_deliveries_follow_from_the_spikes_and_nothing_was_counted(run):
    compiled, _, trace = run
    synapses, events = compiled.synapse_table(), trace.synaptic_events()
    due = [(tick + s.delay_ticks, k) for tick, neuron in rows(trace.spikes()) for k, s in synapses.iterrows()
           if s.pre == neuron and tick + s.delay_ticks < 50]  # fmt: skip
    assert list(zip(events.tick.tolist(), events.synapse.tolist())) == sorted(due) and len(due) > 10
    assert trace.foreign.program == "Brian2" and trace.foreign.stimulus_apart
    with pytest.raises(NotRecordedError, match="spikes of Brian2, which counted nothing"):
        trace.received()


@pytest.mark.parametrize("monitored, apart", [(("cells",), False), (("some", "others", "inputs"), True)])
def test_sources_need_no_monitor_and_monitors_may_overlap(run, monitored, apart, tmp_path):
    network, _ = build(*monitored)
    compiled = eventsim.compile_network(network)
    network.run(5 * ms)
    trace = eventsim.trace_from_brian2(network, compiled, path=tmp_path / "t.h5")
    assert rows(trace.spikes()) == rows(run[2].spikes()) and trace.foreign.stimulus_apart == apart
    assert eventsim.open_trace(tmp_path / "t.h5").manifest == trace.manifest


@pytest.mark.parametrize("monitored", [("inputs",), ("some", "inputs")])
def test_a_group_that_can_fire_needs_a_monitor_on_all_of_it(monitored):
    network, _ = build(*monitored)
    compiled = eventsim.compile_network(network)
    with pytest.raises(ConfigError, match=r"neurons of 'cells' were not recorded; add SpikeMonitor\(cells\)"):
        eventsim.trace_from_brian2(network, compiled)


def test_the_compiled_network_must_be_of_this_one(run):
    other = eventsim.network({"model": ["lif"], "tau_ms": [20.0]}, {"pre": [], "post": [], "weight": [],
                                         "delay_ms": []}, dt_ms=0.1)  # fmt: skip
    network, _ = build("cells")
    with pytest.raises(ProvenanceError, match="records 4 neurons of 'cells', which the compiled network does not have"):
        eventsim.trace_from_brian2(network, other)
    with pytest.raises(ConfigError, match="not a dict"):
        eventsim.trace_from_brian2({}, other)
