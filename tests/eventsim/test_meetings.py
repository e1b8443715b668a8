"""Parts that wait for each other no more often than they must: one that lags behind changes no spike.

The kernels are run by Python itself, so that a part can be held up at any place.
"""

import numba
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses

import eventsim
from eventsim.grid import kernel as grid_kernel
from eventsim.grid import phases
from tests.support.brian2_runs import by_brian2, by_eventsim
from tests.support.interpreted import interpreted

pytestmark = [
    pytest.mark.usefixtures("one_millisecond"),
    pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one processor has one part"),
]

TICKS = 20
#: When the second group fires, when its spikes arrive in the next tick, and the ticks that parts may run.
SCHEDULES = {
    "the tick begins with the last one's spikes": ("end", "before_groups", 1),
    "and these are delivered after a meeting": ("end", "after_resets", 16),
    "they come before the last meeting": ("thresholds", "before_groups", 16),
}


def build(fires, arrives):
    groups = [
        NeuronGroup(6, "dv/dt = 0.31/ms : 1", threshold="v >= 1", reset="v -= 1", method="euler", name=name)
        for name in ("first", "second")
    ]
    for k, group in enumerate(groups):
        group.v = (np.arange(6) + 3 * k) / 8
    groups[1].thresholder["spike"].when = fires
    there = Synapses(*groups, on_pre="v_post += 0.125", name="there")
    back = Synapses(*reversed(groups), on_pre="v_post -= 0.25", name="back")
    for wires in (there, back):
        wires.connect("(i + j) % 2 == 0")
    back.pre.when = arrives
    return Network(*groups, there, back)


def holding_up(part, place):
    """A `load` of kernels by Python, a part of which waits at a place in its text."""

    def load(source, prefix):
        assert prefix != "grid" or place in source
        return slow(source.replace(place, f"time.sleep(0.001 * (part == {part})); {place}"), prefix)

    slow = interpreted([("import math\n", "import math\nimport time\n")])
    return load


def run(compiled, part, place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid_kernel, "load", holding_up(part, place))
        return by_eventsim(compiled, TICKS, threads=2).spikes


@pytest.mark.parametrize("place", ["fired = np.int64(0)", "n_landed, done = land("])
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_part_that_lags_behind_changes_no_spike(schedule, part, place):
    fires, arrives, ahead = SCHEDULES[schedule]
    network = build(fires, arrives)
    compiled = eventsim.compile_network(network)
    assert phases.ticks_ahead(compiled, 2) == ahead
    theirs = by_brian2(network, compiled, TICKS).spikes
    assert len(theirs) > 40
    assert run(compiled, part, place) == theirs


def test_a_meeting_that_is_missing_is_seen(monkeypatch):
    compiled = eventsim.compile_network(build(*SCHEDULES["the tick begins with the last one's spikes"][:2]))
    monkeypatch.setattr(phases, "_handed_on", lambda *_: False)
    assert run(compiled, 1, "fired = np.int64(0)") != by_eventsim(compiled, TICKS, updates="dense").spikes
