"""Numbers that others published, out of networks that are built, run, placed and counted."""

import json
from fractions import Fraction

import msgspec
import pytest

from hardware_models import load_chip
from runs.config import load_config
from runs.experiments import EXPERIMENTS
from runs.experiments.hardware_validation import truths
from runs.experiments.hardware_validation.by_sanafe import installed
from runs.experiments.hardware_validation.truths import by_hand, full_chip, nearest_neighbours, random_wiring, truenorth

CONFIG = EXPERIMENTS["hardware-validation"].Config(seed=1)


def computed(truth):
    return {row.quantity: row.computed for row in truth.rows}


def test_the_case_worked_out_by_hand_is_exact_to_the_last_digit():
    truth = by_hand(CONFIG)
    terms = [Fraction(text) for text in ("336", "984", "464.4", "656.2", "364", "764.2", "1784.4")]
    assert [row.computed for row in truth.rows] == terms
    assert all(row.holds for row in truth.rows)


def test_random_wiring_gives_sanafes_sums_and_the_closed_form_of_messages():
    found = computed(random_wiring(CONFIG))
    assert found["synaptic events x 33.6"] == Fraction("13.77264")
    assert found["100,000 updates x 72.8 + spikes x 69.3"] == Fraction("7.5640607")
    assert (found["spikes"], found["messages"]) == (4099, 32_792)
    assert float(found["messages per spike on 8 cores"]) == pytest.approx(8 * (1 - 0.875**100), abs=0.01)
    assert float(found["messages per spike on 79 cores"]) == pytest.approx(79 * (1 - (78 / 79) ** 100), abs=0.35)


def test_nearest_neighbours_cost_1_45_to_1_60_millijoule():
    rows = nearest_neighbours(CONFIG).rows
    idle = [float(row.computed) for row in rows if "idle" in row.quantity]
    assert idle == pytest.approx([1.4486, 1.5991], abs=1e-4)
    assert [round(row.ratio - 1, 3) for row in rows if "idle" in row.quantity] == [0.089, 0.202]
    assert all(row.holds for row in rows if "idle" in row.quantity)


def test_two_rates_of_truenorth_predict_the_third_and_26_picojoule_do_not():
    truth = truenorth(CONFIG)
    powers = [float(row.computed) for row in truth.rows if row.quantity.startswith("power at 20.07")]
    assert powers == pytest.approx([70.62, 70.62], abs=0.005)
    ratios = [row.ratio for row in truth.rows if row.quantity.startswith("26 pJ")]
    assert ratios == pytest.approx([0.969, 1 - 0.406, 1 + 2.56], abs=0.002)
    assert all(row.holds for row in truth.rows)


def test_a_tick_of_a_full_loihi_costs_6_816_microjoule_idle_and_10_617_active():
    assert [row.computed for row in full_chip(CONFIG).rows] == [Fraction("6.815744"), Fraction("10.616832")]


def test_a_price_that_is_off_by_a_digit_breaks_the_case_worked_out_by_hand(monkeypatch):
    chip = load_chip("loihi")
    table = chip.tables["nahuku"]
    wrong = msgspec.structs.replace(table.energy.message_out_pj, value=table.energy.message_out_pj.value + 1)
    energy = msgspec.structs.replace(table.energy, message_out_pj=wrong)
    tables = chip.tables | {"nahuku": msgspec.structs.replace(table, energy=energy)}
    monkeypatch.setattr(truths, "load_chip", lambda name: msgspec.structs.replace(chip, tables=tables))
    held = {row.quantity: row.holds for row in by_hand(CONFIG).rows}
    assert not held["total"] and held["second tick"]


def test_the_experiment_writes_a_report_and_a_summary_in_which_all_holds(tmp_path):
    experiment, config = load_config("hardware-validation", [], EXPERIMENTS)
    summary = json.loads(json.dumps(experiment.run(config, tmp_path, progress=False), allow_nan=False))
    assert [truth["number"] for truth in summary["truths"]] == [1, 2, *([3] if installed() else []), 4, 5, 6]
    assert all(truth["holds"] for truth in summary["truths"])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1,784.4\N{NO-BREAK SPACE}pJ" in page and page.count("data:image/png") == 2
    assert sum("1.0000" in line for line in experiment.lines(summary)) > 10
