"""Neurons that rest are set aside where that changes no bit, and only there."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.grid.parking import parking_of
from tests.support.brian2_runs import both, same

pytestmark = pytest.mark.usefixtures("one_millisecond")

LEAKY = "dv/dt = (1.2 - v)/(9*ms) : 1 (unless refractory)\nx : 1"


def network(equations=LEAKY, on_pre="v_post += 0.3", change=lambda group: None, **options):
    """Neurons that excite each other and are driven from outside, also while they rest."""
    options = {"threshold": "v > 1", "reset": "v = 0", "refractory": 4 * ms, "method": "exact"} | options
    cells = NeuronGroup(6, equations, name="cells", **options)
    cells.v = np.linspace(0, 1.5, 6)
    change(cells)
    drive = SpikeGeneratorGroup(1, np.zeros(30, int), np.arange(30) * 3 * ms, name="drive")
    inner, outer = Synapses(cells, cells, on_pre=on_pre), Synapses(drive, cells, on_pre="v_post += 0.125")
    inner.connect(condition="i != j and (i + j) % 2 == 0")
    inner.pre.delay = "(1 + i % 3)*ms"
    outer.connect()
    return Network(cells, drive, inner, outer)


def parking(made):
    return parking_of(eventsim.compile_network(made, namespace={}), 0)


@pytest.mark.parametrize("reset", ["v = 0", "v -= 1\nx += v"])
def test_parked_neurons_give_brian2s_spikes_and_bits(reset):
    made = network(reset=reset)
    assert parking(made).variable == "v"
    ours, theirs = both(made, 100)
    assert len(theirs.spikes) > 60
    assert min(ours.state["cells", "not_refractory"]) == 0  # the run ends while some rest
    assert same(ours, theirs)


def test_what_is_recorded_of_a_resting_neuron_is_its_potential():
    compiled = eventsim.compile_network(network(reset="v = 0.25"), namespace={})
    samples = eventsim.simulate(compiled, duration_ms=60, record={"v": [5]}).samples().value[:, 0]
    assert np.isfinite(samples).all() and (samples == 0.25).sum() > 12


MOVING = LEAKY.replace("x : 1", "dx/dt = (0.5 - x)/(7*ms) : 1")
REFUSED = {
    "a drive that multiplies the potential": lambda: network(MOVING.replace("1.2 - v", "1.2 - x*v"), method="euler"),
    "a potential that falls faster the lower it is": lambda: network(
        LEAKY.replace("1.2 - v", "1.2 - 30*v"), method="euler"
    ),
    "a delivery that reads the potential": lambda: network(on_pre="v_post += 0.1*(1 - v_post)"),
    "another update": lambda: network(change=lambda cells: cells.run_regularly("x = x + v")),
    "a threshold below": lambda: network(threshold="v < -1"),
    "a threshold that moves": lambda: network(MOVING, threshold="v > 1 + x"),
    "rests of several lengths": lambda: network(LEAKY + "\nrest : second", refractory="rest"),
    "a neuron that rests at the start": lambda: network(change=lambda cells: setattr(cells, "lastspike", 0 * ms)),
    "no refractory period": lambda: network("dv/dt = (1.2 - v)/(9*ms) : 1\nx : 1", refractory=False),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_population_is_not_parked_where_minus_infinity_would_show(name):
    assert parking(REFUSED[name]()) is None
