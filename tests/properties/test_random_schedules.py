"""Random models, their operations at random places in a tick: Brian2's spikes, whichever way a kernel looks at them, in
whatever number of threads.

The kernels are run by Python itself, so that a network costs no compilation.
"""

from collections import Counter

import brian2
import numba
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.grid import kernel as grid_kernel
from eventsim.grid.engine import UPDATES
from eventsim.grid.plan import plan_for
from tests.support.brian2_runs import by_brian2, by_eventsim
from tests.support.interpreted import interpreted

pytestmark = pytest.mark.usefixtures("one_millisecond")

TICKS = 40
#: As many threads as two cores give.
MANY = min(2, numba.config.NUMBA_NUM_THREADS)
#: Equations, and what may be done besides in each tick.
MODELS = (
    ("v : 1\nslope : 1", ("", "v = 0*v", "v = 0", "v = 0.25*v", "v += slope", "v = slope + v", "slope = 0.5*slope")),
    ("dv/dt = slope/ms : 1\nslope : 1", ("", "v = 0", "slope = 0")),
    ("dv/dt = 2*slope/ms : 1\nslope : 1", ("",)),
    ("dv/dt = -v/(9*ms) : 1\nslope : 1", ("", "slope = 0")),
)
THRESHOLDS = ("v >= 1", "v > 1.5", "v >= 1 and slope < 2")
RESETS = ("", "v = 0", "v = 0\nslope = 0", "v -= 1", "slope = 0\nv = 0.25")
EFFECTS = ("v_post += w", "slope_post += w", "v_post = 0\nslope_post = 0.5", "slope_post = w")
EACH_TICK = ("groups", "before_thresholds", "before_synapses", "before_resets", "end")
DELIVERED = ("before_groups", "groups", "before_thresholds", "after_thresholds", "before_resets", "end")


def some(rng, among):
    return str(among[rng.integers(len(among))])


def group(rng, name):
    equations, besides = MODELS[rng.integers(len(MODELS))]
    n, reset, each_tick = (3, 5, 70)[rng.integers(3)], some(rng, RESETS), some(rng, besides)
    method = "exact" if "-v" in equations else "euler"
    cells = NeuronGroup(n, equations, threshold=some(rng, THRESHOLDS), reset=reset, method=method, name=name)
    cells.v, cells.slope = rng.integers(-4, 4, n) / 4, rng.integers(-1, 2, n) / 8 * rng.integers(0, 2)
    if each_tick:
        cells.run_regularly(each_tick, when=some(rng, EACH_TICK), order=int(rng.integers(-1, 2)))
    if reset and rng.random() < 0.3:
        cells.resetter["spike"].when = some(rng, ("before_thresholds", "after_thresholds", "end"))
    if rng.random() < 0.2:
        cells.thresholder["spike"].when = some(rng, ("before_groups", "end"))
    return cells


def network(seed):
    brian2.start_scope()
    rng = np.random.default_rng(seed)
    groups = [group(rng, f"group_{k}") for k in range(2)]
    at = np.unique(rng.integers(0, 4 * TICKS, 50))
    source = SpikeGeneratorGroup(4, at % 4, (at // 4) * ms, name="source")
    found = Network(*groups, source)
    for k in range(rng.integers(2, 5)):
        sender, target = (source, source, *groups)[rng.integers(4)], groups[rng.integers(2)]
        wires, n = Synapses(sender, target, "w : 1", on_pre=some(rng, EFFECTS), name=f"wires_{k}"), rng.integers(1, 60)
        wires.connect(i=rng.integers(0, len(sender), n), j=rng.integers(0, len(target), n))
        wires.w, wires.pre.delay = rng.integers(-3, 6, n) / 4, rng.integers(0, 3, n) * ms
        if rng.random() < 0.4:
            wires.pre.when = some(rng, DELIVERED)
        found.add(wires)
    return found


@pytest.mark.parametrize("seeds", [range(16), pytest.param(range(16, 600), marks=pytest.mark.slow)])
def test_no_place_in_the_tick_loses_a_spike(seeds, monkeypatch):
    monkeypatch.setattr(grid_kernel, "load", interpreted())
    met = Counter()
    for seed in seeds:
        made = network(seed)
        compiled = eventsim.compile_network(made, namespace={"ms": ms})
        plan, theirs = plan_for(compiled), by_brian2(made, compiled, TICKS)
        met.update(kind for kind in ("sleeping", "ramps", "decays") if getattr(plan, kind))
        for options in [{"updates": updates} for updates in UPDATES] + [{"threads": MANY}]:
            assert by_eventsim(compiled, TICKS, **options).spikes == theirs.spikes, (seed, options)
    assert min(met["sleeping"], met["ramps"]) > len(seeds) / 20
