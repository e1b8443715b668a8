"""simulate takes a brian2.Network as it is, with the names of whoever calls it."""

import brian2
import pytest
from brian2 import Network, NeuronGroup, SpikeMonitor, ms

import eventsim
from eventsim.errors import CompileError, ConfigError


def network(threshold="v > theta"):
    cells = NeuronGroup(4, "dv/dt = (drive - v)/(10*ms) : 1\ndrive : 1", threshold=threshold, reset="v = 0",
                        method="exact", name="cells")  # fmt: skip
    cells.drive = [0.5, 1.5, 2.0, 4.0]
    return Network(cells, SpikeMonitor(cells, name="spikes"))


def test_a_network_of_brian2_runs_as_it_is():
    theta = 1.0  # found where the call is made
    trace = eventsim.simulate(network(), duration_ms=100)
    theirs = network()
    theirs.run(100 * ms)
    assert theta and trace.n_spikes == theirs["spikes"].num_spikes > 50
    assert (trace.i == theirs["spikes"].i).all() and trace.t == pytest.approx(theirs["spikes"].t / brian2.second * 1e3)


def test_it_needs_a_length_and_what_is_supported():
    with pytest.raises(ConfigError, match=r"give simulate\(network, duration_ms"):
        eventsim.simulate(network("v > 1"))
    with pytest.raises(CompileError, match="nowhere"):
        eventsim.simulate(network("v > nowhere"), duration_ms=1)
    with pytest.raises(ConfigError, match="CompiledNetwork"):
        eventsim.simulate("network", duration_ms=1)
