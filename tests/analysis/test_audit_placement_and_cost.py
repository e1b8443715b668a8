"""The laws of placement and of energy are proved on placements and cost reports that were tampered with."""

import re
from dataclasses import replace
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from analysis.audit import audit
from hardware_models import Placement, cost, count_events
from tests.support.audits import failed


def _moved(placement):
    core_of = placement.core_of.copy()
    core_of[0] = (core_of[0] + 1) % 8
    return replace(placement, core_of=core_of)


def _on_a_smaller_chip(placement):
    limits = placement.chip.limits
    neurons = msgspec.structs.replace(limits.neurons_per_core, value=1)
    chip = msgspec.structs.replace(placement.chip, limits=msgspec.structs.replace(limits, neurons_per_core=neurons))
    return replace(placement, chip=chip)


def _source_on_core(placement):
    return replace(placement, core_of=np.where(placement.core_of == -1, 0, placement.core_of))


#: Name -> (what becomes of the placement, words of the detail).
PLACEMENT = {
    "a neuron is moved": (_moved, "neuron 0 .* is placed on core ., but was counted on core ."),
    "a neuron is moved, and the table of what cores hold follows": (
        lambda p: replace(_moved(p), used=None), "is placed on core ., but was counted on core ."),
    "a chip with smaller cores": (_on_a_smaller_chip, "neurons"),
    "a source on a core": (_source_on_core, "spike sources"),
    "a placement of another network": (lambda p: replace(p, network_hash="0" * 64), "another network|not of"),
    "a table of what cores hold that is off": (lambda p: replace(p, used=p.used + 1), "not what they hold"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACEMENT)
def test_a_wrong_placement_is_caught(name, sound, caught):
    change, words = PLACEMENT[name]
    report = audit(sound.trace, change(sound.placement))
    caught("placement", name, report, {"placement"})
    law = report["placement"]
    assert law.verdict == "failed"
    assert re.search(words, law.detail), law.detail


def _with_line(report, term, **changes):
    lines = [replace(line, **changes) if line.term == term else line for line in report.lines]
    return replace(report, lines=tuple(lines))


def _one_femtojoule_more(report):
    line = next(line for line in report.lines if line.term == "messages_in")
    return _with_line(report, line.term, unit_low_pj=line.unit_low_pj + Fraction(1, 1000) / line.count)


def _one_core_off(report):
    per_core = report.per_core.copy()
    per_core.iloc[0, per_core.columns.get_loc("energy_high_pj")] *= 1 + 2**-50
    return replace(report, per_core=per_core)


def _with_ticks(report, **changes):
    return replace(report, ticks=replace(report.ticks, **changes))


#: Name -> what becomes of the cost report.
COST = {
    "energy off by one femtojoule": _one_femtojoule_more,
    "one operation too many": lambda r: _with_line(r, "synaptic_events", count=1),
    "a term left out": lambda r: replace(r, lines=r.lines[1:]),
    "static power doubled": lambda r: replace(r, static_mw=2 * r.static_mw),
    "one core off in the last bits": _one_core_off,
    "ticks that last longer": lambda r: _with_ticks(r, longest_ns=r.ticks.longest_ns + Fraction(1, 10)),
    "a run that lasts longer, and costs more static energy": (
        lambda r: _with_ticks(r, total_ns=r.ticks.total_ns + Fraction(1, 10))
    ),
    "a shortest tick that is shorter": lambda r: _with_ticks(r, shortest_ns=r.ticks.shortest_ns / 2),
    "a full chip whose barrier is too short": lambda r: _with_ticks(
        r, total_full_chip_ns=r.ticks.total_full_chip_ns - 1
    ),
    "a tick too few": lambda r: _with_ticks(r, count=r.ticks.count - 1),
    "one copy too many": lambda r: replace(r, copies=r.copies + 1),
    "counts of another trace": lambda r: replace(r, counts_hash="0" * 64),
}


@pytest.mark.parametrize("name", COST)
def test_a_wrong_cost_is_caught_by_the_law_of_energy(name, sound, caught):
    report = audit(sound.trace, sound.placement, COST[name](sound.report))
    caught("cost", name, report, {"energy"})
    assert failed(report) == {"energy"}, str(report)


def test_ticks_of_a_given_length_pass_and_their_sum_is_checked(sound):
    report = cost(count_events(sound.trace, sound.placement), tick_us=50, network=sound.model.network)
    assert audit(sound.trace, sound.placement, report)["energy"].verdict == "passed"
    wrong = _with_ticks(report, total_ns=report.ticks.total_ns + 1)
    detail = audit(sound.trace, sound.placement, wrong)["energy"].detail
    assert detail == "total of a tick or of all, in ns, is 3000001 in the report, due was 3000000"


def test_a_cost_for_another_placement_is_caught(sound, price):
    elsewhere = Placement.of(sound.model.network, _moved(sound.placement).core_of, sound.placement.chip)
    assert failed(audit(sound.trace, sound.placement, price(sound.trace, elsewhere))) == {"energy"}
    assert count_events(sound.trace, elsewhere).hash != sound.trace.counts().hash


def test_a_difference_of_a_femtojoule_can_be_read_off(sound):
    detail = audit(sound.trace, sound.placement, _one_femtojoule_more(sound.report))["energy"].detail
    stated, due = (Fraction(number) for number in re.findall(r"is ([\d.]+) in the report, due was ([\d.]+)", detail)[0])
    assert stated - due == Fraction(1, 1000)


def test_static_power_that_is_not_known_is_not_held_against_anything(sound):
    chip = msgspec.structs.replace(sound.placement.chip, static=None)
    placement = replace(sound.placement, chip=chip)
    report = cost(count_events(sound.trace, placement), chip)
    assert audit(sound.trace, placement, cost_report=report)["energy"].verdict == "passed"
    claimed = replace(report, static_mw=Fraction(1))
    assert audit(sound.trace, placement, cost_report=claimed)["energy"].verdict == "failed"
