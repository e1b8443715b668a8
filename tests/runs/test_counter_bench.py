"""What counting costs is measured on one run, half of it counted."""

from types import SimpleNamespace

import brian2
import pytest
from brian2 import ms

import eventsim
from eventsim.errors import ConfigError
from runs.benchmarks.cases import Case
from runs.benchmarks.counter_bench import counter_bench


def test_one_kernel_counts_the_other_does_not_and_together_they_are_the_whole_run():
    case = Case("chip", quick=True)
    measured = counter_bench(case, cores=5)
    all_, none = measured["all"], measured["none"]
    assert none["rows"] == 0 < all_["rows"]
    assert min(all_["spikes"], none["spikes"]) > 0
    with eventsim.simulate(case.build(), duration_ms=case.duration_ms) as trace:
        assert all_["spikes"] + none["spikes"] == len(trace.spikes())


def test_a_network_that_never_fires_is_one_clear_error():
    clock = brian2.Clock(1 * ms)
    cells = brian2.NeuronGroup(2, "v : 1", threshold="v > 1", reset="v = 0", clock=clock, name="cells")
    silent = SimpleNamespace(name="silent", duration_ms=5, build=lambda: brian2.Network(cells), cores=lambda _: None)
    with pytest.raises(ConfigError, match="silent has too few spikes"):
        counter_bench(silent, cores=1)
