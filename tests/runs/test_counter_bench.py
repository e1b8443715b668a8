"""What counting costs is measured on one run, half of it counted."""

import eventsim
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
