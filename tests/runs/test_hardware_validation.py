"""hardware-validation as it is shown: what is accepted, what "as expected" means, and what is left out."""

import re
from fractions import Fraction

import pytest

from runs.experiments.hardware_validation import experiment
from runs.experiments.hardware_validation.by_sanafe import NOT_INSTALLED
from runs.experiments.hardware_validation.rows import as_printed, exactly, within
from runs.experiments.hardware_validation.truths import by_hand, nearest_neighbours


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """(summary, text, page) of two truths, where SANA-FE is not installed."""
    folder = tmp_path_factory.mktemp("validation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "TRUTHS", (by_hand, nearest_neighbours))
        patch.setattr(experiment, "LEFT_OUT", (NOT_INSTALLED,))
        summary = experiment.run(experiment.Config(seed=1), folder, progress=False)
    return summary, "\n".join(experiment.lines(summary)), (folder / "report.html").read_text(encoding="utf-8")


def in_cells(line):
    return re.split(r"\s{2,}", line.strip())


def test_columns_have_headings_and_every_row_says_what_is_accepted(shown):
    _, text, page = shown
    headings = ("what is compared", "computed", "published or expected", "ratio", "accepted range", "within")
    first = next(line for line in text.splitlines() if "what is compared" in line)
    assert [first.find(heading) for heading in headings] == sorted(first.find(heading) for heading in headings)
    assert all(heading in first and f">{heading}</th>" in page for heading in headings)
    of_frady = [cells[-2:] for cells in map(in_cells, text.splitlines()) if "spikes, updates at" in cells[0]]
    assert of_frady == [["1.445 to 1.605 mJ", "yes"], ["nothing expected", "not judged"]] * 2


def test_as_expected_is_not_as_measured_and_says_so(shown):
    _, text, page = shown
    told = "not agreement with the measurement: the computed 1.45 to 1.60 mJ lie 9% to 20% above the measured 1.33 mJ."
    assert "4. Nearest neighbours on Pohoiki Springs: as expected\n" in text and told in text
    assert page.replace("\N{NO-BREAK SPACE}", " ").count(told) == 2


def test_what_is_left_out_stands_in_its_place(shown):
    summary, text, page = shown
    assert [truth["number"] for truth in summary["truths"]] == [1, 4]
    assert [line[0] for line in text.splitlines() if line[0].isdigit()] == ["1", "3", "4"]
    for told in (text, page):
        assert "3. The same network in SANA-FE" in told and "pip install sanafe==2.2.9" in told


def test_numbers_of_a_row_look_alike_and_keep_their_units(shown):
    _, text, page = shown
    assert ["total", "1,784.4 pJ", "1,784.4 pJ", "1.0000", "exactly", "yes"] in map(in_cells, text.splitlines())
    assert page.count(">1,784.4\N{NO-BREAK SPACE}pJ<") == 2
    assert not any(f" {unit}<" in page for unit in ("pJ", "mJ"))


@pytest.mark.parametrize("row, accepted, holds", [
    (as_printed("", "mW", Fraction("70.616"), "71", ""), "70.5 to 71.5 mW", True),
    (as_printed("", "mW", Fraction("71.6"), "71", ""), "70.5 to 71.5 mW", False),
    (exactly("", "", Fraction(32_792), "32792", ""), "exactly", True),
    (exactly("", "", Fraction(32_793), "32792", ""), "exactly", False),
    (within("", "", Fraction(8), "8.0000", "", Fraction(7), Fraction(9)), "7.00000 to 9.00000", True),
    (within("", "", Fraction(6), "8.0000", "", Fraction(7), Fraction(9)), "7.00000 to 9.00000", False),
])  # fmt: skip
def test_a_row_holds_within_the_range_that_it_shows(row, accepted, holds):
    assert (row.accepted, row.holds) == (accepted, holds)
