"""What happens at one instant: sums before tests, repeated spikes, zero delays, gates, refractory ends, storms."""

import numpy as np
import pytest

from eventsim import Simulation
from eventsim.errors import EventSimError
from eventsim.stimulus import Stimulus
from tests.eventsim.continuous import hand_made
from tests.eventsim.continuous.hand_made import gate, integrate, lif, network, sources, wires
from tests.eventsim.continuous.runs import run_exactly


def _spikes(*parts, **options):
    found = run_exactly(network(*parts, **options))
    return list(zip((found.tick + found.offset).tolist(), found.neuron.tolist()))


def test_simultaneous_arrivals_are_summed_before_the_test():
    cells = [sources("input", 2), lif("cell", 1, theta=1.0)]
    both = [wires("input", "cell", [0, 1], [0, 0], [1.5, -1.0], [5, 3])]
    assert _spikes(cells, both, spikes=[(0, 0), (2, 1)]) == [(0, 0), (2, 1)]
    assert _spikes(cells, both, spikes=[(0, 0), (3, 1)]) == [(0, 0), (3, 1), (5, 2)]


def test_multapses_act_as_one():
    cells = [sources("input", 1), lif("cell", 1, theta=1.0)]
    assert _spikes(cells, [wires("input", "cell", [0] * 3, [0] * 3, [1.0, 1.0, -1.5], 2)], spikes=[(0, 0)]) == [(0, 0)]
    assert _spikes(cells, [wires("input", "cell", [0] * 3, [0] * 3, [0.5, 0.25, 0.25], 2)], spikes=[(0, 0)]) == [
        (0, 0), (2, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("strict, fires", [(False, 1), (True, 0)])
def test_an_arrival_that_lands_on_threshold_fires_at_it_but_not_above_it(strict, fires):
    cells = [sources("input", 1), lif("cell", 1, theta=1.0, strict=strict)]
    assert len(_spikes(cells, [wires("input", "cell", 0, 0, 1.0, 2)], spikes=[(0, 0)])) == 1 + fires


def test_a_counter_hands_on_simultaneous_inputs_one_by_one_at_the_same_instant():
    cells = [sources("input", 4), integrate("counter", 1), integrate("next", 1)]
    synapses = [wires("input", "counter", [0, 1, 2, 3], 0, [1.0, 1.0, 1.0, 0.5], 2),
                wires("counter", "next", 0, 0, 1.0, 3)]  # fmt: skip
    assert _spikes(cells, synapses, spikes=[(1, k) for k in range(4)])[4:] == [(3, 4)] * 3 + [(6, 5)] * 3


def test_zero_delays_act_at_once_and_in_order():
    cells = [sources("input", 1), lif("chain", 3, theta=1.0, reset=0.0)]
    synapses = [wires("input", "chain", 0, 0, 1.0, 0), wires("chain", "chain", [0, 1], [1, 2], 1.0, 0)]
    found = run_exactly(network(cells, synapses, spikes=[(4, 0)]))
    assert found.neuron.tolist() == [0, 1, 2, 3]
    assert (found.tick + found.offset).tolist() == [4.0] * 4
    assert found.delivered.tolist() == [1, 2]


def test_a_crossing_before_an_arrival_comes_first_as_often_as_it_happens():
    ramp = integrate("ramp", 1, drive=2000.0)  # a spike every 5 ticks
    cells = [sources("input", 1), ramp]
    assert _spikes(cells, [wires("input", "ramp", 0, 0, -1.0, 0)], spikes=[(12, 0)], ticks=21) == [
        (5, 1), (10, 1), (12, 0), (20, 1),
    ]  # fmt: skip


def test_a_gate_sees_one_instant_only():
    cells = [sources("input", 2), gate("both", 1, 1.5)]
    synapses = [wires("input", "both", [0, 1], 0, 1.0, [1, 3])]
    together = [(0, 1), (2, 0)]
    apart = [(10, 0), (10, 1)]
    found = _spikes(cells, synapses, spikes=together + apart)
    assert [spike for spike in found if spike[1] == 2] == [(3, 2)]


def test_while_refractory_a_guarded_neuron_stands_still_and_hears_nothing_until_the_very_end():
    cells = [sources("input", 1), lif("cell", 1, theta=1.0, refractory_s=1e-3)]
    synapses = [wires("input", "cell", 0, 0, 2.0, 0)]
    spikes = [(0, 0), (9, 0), (10, 0), (25, 0)]
    assert [t for t, n in _spikes(cells, synapses, spikes=spikes) if n == 1] == [0, 10, 25]


def test_an_unguarded_neuron_above_threshold_fires_when_its_refractory_period_ends():
    cells = [sources("input", 1), lif("cell", 1, theta=1.0, tau=1e3, refractory_s=1.05e-3, guarded=False)]
    synapses = [wires("input", "cell", 0, 0, 2.0, 0)]
    times = [t for t, n in _spikes(cells, synapses, spikes=[(0, 0), (4, 0)]) if n == 1]
    assert times == pytest.approx([0, 10.5], abs=1e-12)


def test_a_start_above_threshold_fires_at_time_zero():
    assert _spikes([lif("cell", 2, theta=1.0, v=[1.0, 0.5])]) == [(0, 0)]


def test_a_loop_without_delay_is_a_storm_that_names_its_neurons():
    cells = [sources("input", 1), lif("quiet", 2, theta=1.0), lif("loop", 3, theta=1.0)]
    synapses = [
        wires("input", "quiet", 0, 0, 1.0, 1), wires("quiet", "loop", 0, 0, 1.0, 1),
        wires("loop", "loop", [0, 1], [1, 0], 1.0, 0),
    ]  # fmt: skip
    with pytest.raises(EventSimError, match=r"event storm: \d+ spikes at 0.2 ms .* by loop\[0\], loop\[1\]; give"):
        _spikes(cells, synapses, spikes=[(0, 0)])


def test_a_reset_above_threshold_is_a_storm():
    with pytest.raises(EventSimError, match=r"event storm: .* by cell\[0\]"):
        _spikes([sources("input", 1), lif("cell", 1, theta=1.0, reset=1.5)], [wires("input", "cell", 0, 0, 1.0)],
                spikes=[(0, 0)])  # fmt: skip


def test_a_reset_synapse_writes_a_value():
    cells = [sources("input", 2), lif("cell", 1, tau=1e6, theta=1.0)]
    synapses = [wires("input", "cell", 0, 0, 0.75, 0),
                wires("input", "cell", 1, 0, 0.0, 0, effects=(("v", "set", "0.125"),))]  # fmt: skip
    found = run_exactly(network(cells, synapses, spikes=[(0, 0), (5, 1)]))
    assert found.state["cell", "v"] == pytest.approx([0.125], abs=1e-7)
    assert found.received_count.tolist() == [0, 0, 2]


def test_the_host_returns_everything_to_its_start_between_queries():
    cells = [sources("input", 1), lif("cell", 1, tau=1e6, theta=1.0)]
    made = network(cells, [wires("input", "cell", 0, 0, 0.75, 30)])
    queries = [(0, 20), (20, 60), (60, 100)]
    stimulus = Stimulus.of([0, 35, 65, 70], [0] * 4, queries, None, "host", 110)
    found = run_exactly(made, stimulus)
    assert found.received_count.tolist() == [0, 2]  # the first two were in flight
    assert found.tick[found.neuron == 1].tolist() == [100]


@pytest.mark.parametrize("stops", [[1, 2, 50, 51, 900], [7, 333, 900]])
def test_a_run_in_pieces_has_the_bits_of_one_run(stops):
    rng = np.random.default_rng(5)
    cells = [lif("cells", 40, drive=24.0, reset=10.0, v=rng.uniform(0, 20, 40), refractory_s=2e-3)]
    pre, post, delay = rng.integers(0, 40, 400), rng.integers(0, 40, 400), rng.integers(1, 30, 400)
    made = network(cells, [wires("cells", "cells", pre, post, rng.normal(0, 2, 400), delay)], ticks=900)
    pieces = Simulation(made, clock="continuous")
    for stop in stops:
        pieces.run(stop - pieces.tick)
    whole, state, trace = run_exactly(made), pieces.state(), pieces.finish()
    assert whole.neuron.size > 100
    assert trace.spikes().offset.tobytes() == whole.offset.tobytes()
    assert trace.spikes().neuron.tolist() == whole.neuron.tolist()
    assert state["cells", "v"].tobytes() == whole.state["cells", "v"].tobytes()


def test_many_delays_and_a_full_spike_buffer_lose_nothing():
    rng = np.random.default_rng(0)
    cells = [sources("input", 50), integrate("sink", 20, theta=1e9)]
    pre, post, delay = np.repeat(np.arange(50), 40), rng.integers(0, 20, 2000), rng.integers(0, 300, 2000)
    chosen = np.unique(rng.integers(0, 50 * 1000, 9000))
    made = network(cells, [wires("input", "sink", pre, post, 1.0, delay)],
                   spikes=[(c // 50, c % 50) for c in chosen.tolist()], ticks=1000)  # fmt: skip
    found = run_exactly(made)
    expected = np.zeros(20)
    for c in chosen.tolist():
        inside = (pre == c % 50) & (c // 50 + delay < 1000)
        expected += np.bincount(post[inside], minlength=20)
    assert found.state["sink", "v"].tolist() == expected.tolist()
    assert hand_made.TICK_MS == made.dt_ms
