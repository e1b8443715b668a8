"""The audit of spikes that another program recorded: what cannot be verified there is never called passed."""

import numpy as np
import pytest

import eventsim
from analysis.audit import LAWS, audit
from eventsim import Stimulus, Trace, simulate
from hardware_models import Placement, cost, count_events, load_chip, place

#: Laws about what a run counted; nobody counted here.
COUNTED = {"deliveries", "received", "counts", "cores", "messages"}


@pytest.fixture(scope="module")
def ours():
    rng = np.random.default_rng(3)
    network = eventsim.network(
        {"population": ["in"] * 10 + ["pool"] * 20, "model": ["source"] * 10 + ["lif"] * 20,
         "tau_ms": [np.nan] * 10 + [20.0] * 20},
        {"pre": rng.integers(0, 30, 300), "post": rng.integers(10, 30, 300), "weight": rng.integers(1, 4, 300) / 8,
         "delay_ms": rng.integers(0, 3, 300) * 1.0},
    )  # fmt: skip
    tick, neuron = np.nonzero(rng.random((100, 10)) < 0.2)
    return simulate(network, Stimulus.of(tick, neuron, duration_ticks=100))


def foreign(ours, moved=0, **options):
    """The same spikes as if another program had recorded them; the last of a neuron that is no source, moved."""
    spikes = ours.spikes()
    tick, last = spikes.tick.copy(), np.flatnonzero(~ours.network.is_source[spikes.neuron])[-1]
    tick[last] += moved
    order = np.argsort(tick, kind="stable")
    return Trace.from_arrays(ours.network, spikes.neuron[order], tick=tick[order], **options)


def verdicts(report):
    return {law.name: law.verdict for law in report.laws}


def test_laws_about_counts_are_not_checkable_and_say_why(ours):
    report = audit(foreign(ours))
    found = verdicts(report)
    assert {name for name in COUNTED if found[name] == "not checkable"} == COUNTED
    assert "arrays, which counted nothing while running" in report["received"].detail
    assert found["columns"] == found["hashes"] == found["order"] == "passed"
    assert set(verdicts(audit(ours))) == set(LAWS) == set(found)
    assert {verdicts(audit(ours))[name] for name in COUNTED} == {"passed"}


def test_the_stimulus_is_only_checkable_against_spikes_that_were_recorded_apart(ours):
    assert verdicts(audit(foreign(ours)))["stimulus"] == "not checkable"
    assert verdicts(audit(foreign(ours, stimulus=ours.stimulus)))["stimulus"] == "passed"
    other = Stimulus.of(ours.stimulus.tick[1:], ours.stimulus.neuron[1:], duration_ticks=100)
    assert verdicts(audit(foreign(ours, stimulus=other)))["stimulus"] == "failed"


def test_a_spike_that_another_program_moved_is_not_justified(ours):
    options = {"stimulus": ours.stimulus}
    assert verdicts(audit(foreign(ours, **options), neurons="all"))["justified"] == "passed"
    broken = verdicts(audit(foreign(ours, moved=-1, **options), neurons="all"))
    assert "failed" in (broken["justified"], broken["silences"])


def test_placement_and_energy_are_checkable_where_a_placement_is_given(ours):
    trace, chip = foreign(ours), load_chip("loihi")
    placement = place(trace.network, chip)
    report = cost(count_events(trace, placement), chip, "davies2018", network=trace.network)
    found = verdicts(audit(trace, placement, report))
    assert found["placement"] == found["energy"] == "passed" and found["counts"] == "not checkable"
    elsewhere = Placement(placement.core_of, "0" * 64, chip)
    assert verdicts(audit(trace, elsewhere, report))["placement"] == "failed"
    assert verdicts(audit(trace))["energy"] == "not checkable"
