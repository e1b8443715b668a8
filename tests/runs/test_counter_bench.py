"""What counting costs is measured on one run, half of it counted."""

from types import SimpleNamespace

import brian2
import pytest
from brian2 import ms

import eventsim
from eventsim import Simulation
from eventsim.errors import ConfigError
from runs.benchmarks.cases import Case
from runs.benchmarks.counter_bench import counter_bench, whole_runs


def test_one_kernel_counts_the_other_does_not_and_together_they_are_the_whole_run():
    case = Case("chip", quick=True)
    measured = counter_bench(case, cores=5)
    all_, none = measured["all"], measured["none"]
    assert none["rows"] == 0 < all_["rows"]
    assert min(all_["spikes"], none["spikes"]) > 0
    with eventsim.simulate(case.build(), duration_ms=case.duration_ms) as trace:
        assert all_["spikes"] + none["spikes"] == len(trace.spikes())


def test_whole_runs_with_and_without_counters_take_turns(monkeypatch):
    seen, finish = [], Simulation.finish

    def looked_at(simulation):
        trace = finish(simulation)
        seen.append((trace.counts().tick.size, trace.n_spikes))
        return trace

    monkeypatch.setattr(Simulation, "finish", looked_at)
    seconds = whole_runs(Case("chip", quick=True), cores=5)
    assert all(len(seconds[name]) == 5 and all(0 < run < whole for run, whole in seconds[name]) for name in seconds)
    rows = sorted(n for n, _ in seen)
    assert rows[:6] == [0] * 6 and rows[6] == rows[11] > 0
    assert len({n_spikes for _, n_spikes in seen}) == 1


def test_a_network_that_never_fires_is_one_clear_error():
    clock = brian2.Clock(1 * ms)
    cells = brian2.NeuronGroup(2, "v : 1", threshold="v > 1", reset="v = 0", clock=clock, name="cells")
    silent = SimpleNamespace(name="silent", duration_ms=5, build=lambda: brian2.Network(cells), cores=lambda _: None)
    with pytest.raises(ConfigError, match="silent has too few spikes"):
        counter_bench(silent, cores=1)
