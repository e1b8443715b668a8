"""The replay in continuous time says what it cannot check, and why a neuron fired, on networks of a few neurons."""

import json

import numpy as np
import pytest

import eventsim
from analysis.audit import audit, why
from analysis.audit.equations import Equations
from analysis.audit.exact_replay import readable
from eventsim.errors import CompileError
from tests.eventsim.continuous import hand_made
from tests.support.audits import failed


def test_a_cascade_without_delay_is_not_checkable_and_says_so():
    cells = [hand_made.sources("input", 1), hand_made.lif("chain", 3, theta=1.0), hand_made.lif("cell", 1, theta=1.0)]
    synapses = [hand_made.wires("input", "chain", 0, 0, 1.0, 0), hand_made.wires("input", "cell", 0, 0, 1.0, 1),
                hand_made.wires("chain", "chain", [0, 1], [1, 2], 1.0, 0)]  # fmt: skip
    made = hand_made.network(cells, synapses, spikes=[(4, 0)], ticks=20)
    assert "reached without delay over several synapses" in readable(made)[1] and readable(made)[2] is None
    report = audit(eventsim.simulate(made, clock="continuous"), neurons="all")
    assert report["justified"].verdict == "passed" and "not checkable: chain" in report["justified"].detail


def test_currents_that_arrive_without_delay_decide_nothing_at_once_and_are_checkable():
    constants = {"tau": 0.01, "drive": 1.2, "s": 0.003, "theta": 1.0}
    rng = np.random.default_rng(0)
    cells = hand_made.Cells("cells", 6, state={"v": rng.uniform(0, 1, 6), "a": 0.0}, constants=constants,
                            rates={"v": "(drive + a - v)/tau", "a": "-a/s"}, condition="v > theta",
                            reset=("v = 0",))  # fmt: skip
    wires = hand_made.wires("cells", "cells", rng.integers(0, 6, 20), rng.integers(0, 6, 20), rng.normal(0, 0.2, 20),
                            0, variable="a")  # fmt: skip
    made = hand_made.network([cells], [wires], ticks=1000)
    report = audit(eventsim.simulate(made, clock="continuous"), neurons="all")
    assert not failed(report) and report["justified"].checked > 20, str(report)
    direct = hand_made.network([cells], [(*wires[:-1], (("v", "add", "weight"),))], ticks=1000)
    assert readable(made) == {0: None} and "without delay" in readable(direct)[0]


@pytest.mark.parametrize("rate, words", [
    ("(1 - v*v)/tau", r"v \* v|v\*v"), ("t/tau", "t/tau"), ("exp(exp(v))/tau", "exp"), ("where(v > 1, 1, 0)", "where"),
    ("exp(v)", "does not grow linearly"), ("(1 - v)/v", "1 - v"),
])  # fmt: skip
def test_equations_that_are_not_linear_are_refused_by_population_and_statement(rate, words):
    cells = hand_made.Cells("cells", 1, state={"v": 0.0}, rates={"v": rate}, condition="v > 1",
                            constants={"tau": 0.01})  # fmt: skip
    with pytest.raises(CompileError, match=rf"'cells'.*({words})"):
        Equations(hand_made.network([cells]), 0)


def test_a_spike_in_exact_time_is_explained_by_closed_form():
    cells = [hand_made.sources("input", 1), hand_made.lif("cell", 1, tau=0.01, drive=1.5, theta=1.0)]
    made = hand_made.network(cells, [hand_made.wires("input", "cell", 0, 0, 0.25, 2)], spikes=[(30, 0)], ticks=200)
    trace = eventsim.simulate(made, clock="continuous")
    # v(32) = 1.5 (1 - exp(-0.32)) + 0.25; then 100 ticks of tau to the threshold.
    start = -1.5 * np.expm1(-0.32) + 0.25
    crossing = 32 + 100 * np.log((1.5 - start) / 0.5)
    found = why(trace, "cell", int(crossing), ticks=60)
    assert (found.fired, found.justified) == (True, True)
    row = found.potential[found.potential.fired > 0].iloc[0]
    assert row.tick + row.offset == pytest.approx(crossing, rel=1e-13)
    assert row.potential == pytest.approx(1.0, abs=1e-12) and row.threshold == 1.0
    assert found.arrivals.tick.tolist() == [32] and found.arrivals.offset.tolist() == [0.0]
    after = found.potential[(found.potential.tick == 32) & (found.potential.offset == 0)].iloc[0]
    assert after.potential == pytest.approx(start, rel=1e-13)
    before = why(trace, "cell", int(crossing) - 1)
    assert (before.fired, before.justified) == (False, True)
    assert any(reason.startswith("missing were") for reason in before.reasons)
    json.dumps(found.to_json(), allow_nan=False)
