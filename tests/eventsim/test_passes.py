"""What comes between update and threshold of a population that a kernel would rather not look at in each tick."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.grid.engine import UPDATES
from eventsim.grid.plan import plan_for
from tests.support.brian2_runs import by_brian2, by_eventsim, same

pytestmark = pytest.mark.usefixtures("one_millisecond")

#: Equations, what is done in each tick, and what a delivery does.
MODELS = {
    "a gate": ("v : 1", "v = 0.5*v", "v_post += 2"),
    "a ramp": ("dv/dt = slope/ms : 1\nslope : 1", "", "slope_post += 0.25"),
    "a leak": ("dv/dt = -v/(9*ms) : 1", "", "v_post += 0.75"),
}


def build(model, between):
    equations, each_tick, effect = MODELS[model]
    cells = NeuronGroup(5, equations, threshold="v >= 1", reset="v = 0", method="euler", name="cells")
    if each_tick:
        cells.run_regularly(each_tick, when="groups")
    other = NeuronGroup(5, "x : 1", threshold="x > 3", reset="x = 0", name="other")
    source = SpikeGeneratorGroup(2, [0, 1] * 9, np.arange(2, 20) * ms, name="source")
    wires = Synapses(source, cells, on_pre=effect, name="wires")
    wires.connect()
    others = Synapses(source, other, on_pre="x_post += 1", name="others")
    others.connect()
    if between == "a delivery":
        others.pre.when = "before_thresholds"
    if between == "a reset":
        other.resetter["spike"].when = "before_thresholds"
    return Network(cells, other, source, wires, others)


def looked_at_less(plan):
    return plan.sleeping | plan.decays.keys()


@pytest.mark.parametrize("between", ["a delivery", "a reset"])
@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_lost_of_it(model, between):
    network = build(model, between)
    compiled = eventsim.compile_network(network)
    assert 0 in looked_at_less(plan_for(eventsim.compile_network(build(model, ""))))
    assert 0 not in looked_at_less(plan_for(compiled))
    theirs = by_brian2(network, compiled, 60)
    assert len(theirs.spikes) > 20
    for updates in UPDATES:
        assert same(by_eventsim(compiled, 60, updates=updates), theirs)
