"""`net.schedule` in any order: the spikes and bits that Brian2's numpy target gives in that order."""

from itertools import permutations

import numpy as np
import pytest
from brian2 import Clock, Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.reference import reference_run
from tests.support.brian2_runs import Run, by_brian2, by_eventsim, same

TICKS = 80
ORDERS = [("start", *slots, "end") for slots in permutations(("groups", "thresholds", "synapses", "resets"))]
LATE = ("start", "synapses", "resets", "thresholds", "groups", "end")


def network(schedule):
    """Cells of two clocks, one kind refractory, whose resets and synapses leave traces of their order."""
    fast, slow = Clock(1 * ms, name="fast"), Clock(2 * ms, name="slow")
    rng = np.random.default_rng(2)
    cells = NeuronGroup(8, "dv/dt = (1.2 - v)/(7*ms) : 1\nx : 1", threshold="v >= 1", reset="v -= 1\nx += v",
                        method="exact", name="cells", clock=fast)  # fmt: skip
    others = NeuronGroup(5, "dv/dt = -v/(9*ms) : 1 (unless refractory)\nx : 1", threshold="v >= 1",
                         reset="v = 0\nx = 2*x + 1", refractory=4 * ms, method="exact", name="others",
                         clock=slow)  # fmt: skip
    cells.v, others.v = rng.random(8), rng.random(5)
    cells.run_regularly("x = 0.5*x + v", when="before_thresholds", dt=3 * ms, name="look")
    chosen = np.unique(rng.integers(0, TICKS * 3, 60))
    drive = SpikeGeneratorGroup(3, chosen % 3, (chosen // 3) * ms, name="drive", clock=fast)
    objects = [cells, others, drive]
    for k, (a, b, delays) in enumerate([(cells, others, (0, 3)), (others, cells, (0, 2)), (drive, cells, (0, 1))]):
        wires = Synapses(a, b, "w : 1", on_pre="v_post += w", name=f"wires_{k}", clock=a.clock)
        wires.connect(i=rng.integers(0, len(a), 30), j=rng.integers(0, len(b), 30))
        wires.variables["w"].set_value(rng.integers(-3, 9, 30) / 16)
        wires.pre.delay = rng.choice(delays, 30) * ms
        objects.append(wires)
    made = Network(*objects)
    made.schedule = list(schedule)
    return made


def by_reference(compiled):
    reference = reference_run(compiled, compiled.stimulus.lasting(TICKS))
    return Run(sorted(reference.spikes), {place: np.array(values) for place, values in reference.state.items()})


def check_orders(orders, differing):
    """Compare the reference with Brian2 in each order; how many runs must differ from each other."""
    seen = set()
    for schedule in orders:
        brian = network(schedule)
        compiled = eventsim.compile_network(brian, namespace={})
        theirs = by_brian2(brian, compiled, TICKS)
        assert len(theirs.spikes) > 100
        assert same(by_reference(compiled), theirs), schedule
        seen.add((tuple(theirs.spikes), *(values.tobytes() for values in theirs.state.values())))
    assert len(seen) >= differing


def test_some_orders_of_the_tick_are_brian2s_and_they_differ():
    check_orders(ORDERS[::6], 4)


@pytest.mark.slow
def test_every_order_of_the_tick_is_brian2s_and_they_differ():
    check_orders(ORDERS, 20)


@pytest.mark.slow
def test_the_kernel_follows_an_order_in_which_spikes_act_in_the_next_tick():
    brian = network(LATE)
    compiled = eventsim.compile_network(brian, namespace={})
    assert {o.lag for o in compiled.schedule if o.kind == "reset"} == {1, 2}
    ours, theirs = by_eventsim(compiled, TICKS), by_brian2(brian, compiled, TICKS)
    assert same(ours, theirs)


@pytest.mark.slow
def test_two_threads_follow_it_as_well():
    compiled = eventsim.compile_network(network(LATE), namespace={})
    assert same(by_eventsim(compiled, TICKS, threads=2), by_eventsim(compiled, TICKS))


def test_a_reset_that_is_later_still_is_told_apart():
    compiled = eventsim.compile_network(network(LATE), namespace={})
    arrays = compiled.to_arrays()
    text = arrays["description"].tobytes().decode().replace('"lag":1', '"lag":2')
    wrong = type(compiled).from_arrays(arrays | {"description": np.frombuffer(text.encode(), np.uint8)})
    assert by_reference(wrong).spikes != by_reference(compiled).spikes
