"""Re-keyed noise: each draw of Brian2's becomes a keyed one of the same distribution, and no two draws are one."""

import numpy as np
import pytest
from brian2 import Hz, Network, NeuronGroup, PoissonGroup, PoissonInput, Synapses, TimedArray, ms
from scipy.stats import binom, chisquare

import eventsim
from eventsim.errors import CompileError
from eventsim.philox import LARGEST_MEAN, binomial, binomial_array
from eventsim.reference import reference_run
from tests.support.brian2_runs import by_eventsim

pytestmark = pytest.mark.usefixtures("one_millisecond")


@pytest.mark.parametrize("n, p", [(7, 0.3), (1000, 0.012), (40, 0.9), (2000, 0.25)])
def test_binomial_draws_have_their_distribution(n, p):
    draws = binomial_array(np.arange(40_000), 3, 17, 2, 5, n, p)
    counts, expected = np.bincount(draws, minlength=n + 1), 40_000 * binom.pmf(np.arange(n + 1), n, p)
    middle = expected > 20
    observed = np.append(counts[middle], counts[~middle].sum())
    assert chisquare(observed, np.append(expected[middle], expected[~middle].sum())).pvalue > 1e-3


def test_binomial_draws_of_no_chance_are_certain():
    assert {binomial(k, 0, 0, 0, 0, 9, 0.0) for k in range(50)} == {0}
    assert {binomial(k, 0, 0, 0, 0, 9, 1.0) for k in range(50)} == {9}


def _driven():
    cells = NeuronGroup(300, "v : 1\nx : 1\ndy/dt = xi*ms**-0.5 : 1", method="euler", name="cells")
    inputs = [PoissonInput(cells, name, 40, 50 * Hz, weight=0.5) for name in ("v", "x")]
    return Network(cells, *inputs)


def test_poisson_inputs_have_the_moments_of_brian2s_and_are_independent():
    compiled = eventsim.compile_network(_driven(), namespace={}, noise="rekey", seed=3)
    state = by_eventsim(compiled, 200).state
    v, x, y = (state["cells", name] for name in "vxy")
    for values in (v, x):  # 200 binomial draws of 40 at 0.05, times 0.5
        assert values.mean() == pytest.approx(0.5 * 200 * 2, abs=4 * 0.5 * np.sqrt(200 * 1.9 / 300))
        assert values.var() == pytest.approx(0.25 * 200 * 1.9, rel=4 * np.sqrt(2 / 300))
    for first, second in ((v, x), (v, y), (x, y)):
        assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(300)


def test_the_reference_draws_the_same_numbers():
    compiled = eventsim.compile_network(_driven(), namespace={}, noise="rekey", seed=3)
    ours, reference = by_eventsim(compiled, 20), reference_run(compiled, compiled.stimulus.lasting(20))
    for name in "vx":
        assert reference.state["cells", name] == ours.state["cells", name].tolist()
    np.testing.assert_allclose(reference.state["cells", "y"], ours.state["cells", "y"], rtol=1e-12)


def test_poisson_groups_follow_rates_of_time_and_of_their_own():
    course = TimedArray([100.0, 0.0, 300.0] * Hz, dt=100 * ms)
    group = PoissonGroup(400, rates="course(t)*(1 + i % 2)", name="noise", namespace={"course": course})
    cells = NeuronGroup(1, "v : 1", name="cells")
    wires = Synapses(group, cells, on_pre="v_post += 1")
    wires.connect()
    compiled = eventsim.compile_network(Network(group, cells, wires), namespace={}, noise="rekey")
    spikes = eventsim.simulate(compiled, duration_ms=300).spikes("noise")
    start = compiled.population("noise").start
    found = np.histogram2d(spikes.tick // 100, (spikes.neuron - start) % 2, bins=[[0, 1, 2, 3], [0, 1, 2]])[0]
    expected = 200 * 100 * np.array([[0.1, 0.2], [0, 0], [0.3, 0.6]])
    assert (np.abs(found - expected) <= 4 * np.sqrt(expected)).all()


def test_a_poisson_input_of_too_many_spikes_a_step_is_refused():
    cells = NeuronGroup(2, "v : 1", name="cells")
    network = Network(cells, PoissonInput(cells, "v", 10_000, 100 * Hz, weight=1))
    with pytest.raises(CompileError, match=f"1000 spikes in each step on average; supported: up to {LARGEST_MEAN}"):
        eventsim.compile_network(network, namespace={}, noise="rekey")


def test_one_random_number_for_all_neurons_is_refused():
    cells = NeuronGroup(2, "v : 1\nq : 1 (shared)", name="cells")
    cells.run_regularly("q = rand()", name="draw")
    with pytest.raises(CompileError, match="draws one random number for all neurons"):
        eventsim.compile_network(Network(cells), namespace={}, noise="rekey")
