"""What counting costs is measured on the same ticks, counted and not."""

import brian2
import numpy as np
import pytest
from brian2 import ms

import eventsim
from eventsim import Simulation, compile_network
from eventsim.errors import ConfigError
from runs.benchmarks.cases import Case
from runs.benchmarks.counter_bench import _TURNS, _ratio, counter_bench, whole_runs
from runs.benchmarks.networks import hardware_like

DURATION_MS = 400


def placed(n_cores):
    """A small network on cores at random."""
    network = compile_network(Case("chip", quick=True).build())
    core_of = np.random.default_rng(0).integers(n_cores, size=network.n_neurons)
    return network, np.where(network.is_source, -1, core_of).astype(np.int32)


def test_each_turn_is_run_once_by_each_kernel_and_only_one_counts():
    network, core_of = placed(5)
    measured = counter_bench(network, core_of, DURATION_MS)
    spikes, rows, of_all, turn = measured["spikes"], measured["rows"], measured["runs"]["all"], np.arange(_TURNS)
    assert (of_all + measured["runs"]["none"] == 1).all() and 0 < of_all.sum() < _TURNS
    assert (spikes[0] == spikes[1]).all()
    assert (rows[1 - of_all, turn] == 0).all() and (rows[of_all, turn] > 0)[spikes[0] > 0].all()
    assert all(of.min() > 0 and of.shape == (_TURNS,) for of in measured["seconds"].values())
    with eventsim.simulate(network, network.stimulus.lasting(DURATION_MS)) as trace:
        assert spikes[0].sum() == len(trace.spikes())


def test_a_run_that_is_slower_as_a_whole_does_not_show_in_the_ratio():
    """Counting takes a tenth of each turn; the turns of the second run take five times as long, and more are in it."""
    runs = {"all": np.repeat([0, 1], [80, 120])}
    runs["none"] = 1 - runs["all"]
    busy = np.random.default_rng(0).uniform(1, 9, 200)
    seconds = {name: busy * np.array([1.0, 5.0])[run] * (1 + 0.1 * (name == "all")) for name, run in runs.items()}
    assert _ratio(seconds, runs) == pytest.approx(1.1)


def test_shuffled_clusters_are_as_many_synapses_in_random_order():
    """In order of neuron, 100 to a core, most synapses of a cluster stay on its core; shuffled, few do."""
    stay = []
    for shuffled in (False, True):
        network = compile_network(hardware_like(800, 10, 100, 0.9, shuffled))
        assert network.n_synapses == 8000 and (network.out_degree == 10).all()
        stay.append(np.mean(network.pre // 100 == network.post // 100))
    assert stay[0] > 0.9 and stay[1] < 0.2


def test_whole_runs_with_and_without_counters_take_turns(monkeypatch):
    seen, finish = [], Simulation.finish

    def looked_at(simulation):
        trace = finish(simulation)
        seen.append((trace.counts().tick.size, trace.n_spikes))
        return trace

    monkeypatch.setattr(Simulation, "finish", looked_at)
    seconds = whole_runs(*placed(5), 100)
    assert all(len(seconds[name]) == 5 and all(0 < run < whole for run, whole in seconds[name]) for name in seconds)
    rows = sorted(n for n, _ in seen)
    assert rows[:6] == [0] * 6 and rows[6] == rows[11] > 0
    assert len({n_spikes for _, n_spikes in seen}) == 1


def test_a_network_that_never_fires_is_one_clear_error():
    clock = brian2.Clock(1 * ms)
    cells = brian2.NeuronGroup(2, "v : 1", threshold="v > 1", reset="v = 0", clock=clock, name="cells")
    silent = compile_network(brian2.Network(cells))
    with pytest.raises(ConfigError, match="no neuron fires"):
        counter_bench(silent, np.zeros(2, dtype=np.int32), 5)
