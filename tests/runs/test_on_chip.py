"""on-chip, small: what runs, what is refused and why, and that the ranges of energy are of what was counted."""

import pytest

from eventsim import open_trace
from hardware_models import cost, count_events, load_chip, place
from runs.run import run_experiment


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("on_chip")
    settings = ["cases=['digits', 'qk_mask', 'race']", "rows=1", "n=4", "length=32", "support=16", "queries=4",
                "levels=8", "tau_ticks=8", "steps=2", "tokens=2", "channels=4"]  # fmt: skip
    return folder, *run_experiment("on-chip", settings, folder)


def rows(summary):
    return {(row["case"], row["chip"]): row for row in summary["rows"]}


def test_each_circuit_is_run_or_refused_with_the_feature_that_is_missing(small):
    _, summary, _ = small
    status = {key: row["status"] for key, row in rows(summary).items()}
    assert status == {
        ("digits", "loihi"): "quantised", ("digits", "truenorth"): "quantised",
        ("race", "loihi"): "refused", ("race", "truenorth"): "refused",
        ("qk_mask", "loihi"): "quantised", ("qk_mask", "truenorth"): "quantised",
    }  # fmt: skip
    assert "escape noise" in rows(summary)["race", "loihi"]["why"]


def test_published_attention_answers_on_a_chip_as_it_does_as_it_is(small):
    for chip in ("loihi", "truenorth"):
        row = rows(small[1])["qk_mask", chip]
        assert (row["error_on_chip"], row["difference"], row["weight_error"]) == (0, 0, 0)


def test_quantised_weights_are_as_far_from_softmax_as_their_error_says(small):
    found = rows(small[1])
    loihi, truenorth = (found["digits", chip] for chip in ("loihi", "truenorth"))
    assert 0 < loihi["error_as_is"] < 0.3 and 0 < loihi["error_on_chip"] < 0.5
    assert truenorth["copies"] > 0 and truenorth["weight_error"] > loihi["weight_error"]


def test_its_ranges_hold_the_cost_of_the_trace_under_each_table(small):
    folder, summary, _ = small
    energy = rows(summary)["digits", "loihi"]["energy"]
    chip = load_chip("loihi")
    with open_trace(folder / "digits_loihi.h5") as trace:
        counts = count_events(trace, place(trace.network, chip))
    for table in ("davies2018", "nahuku"):
        for ticks in ("fastest", 1000.0):
            each = cost(counts, chip, table, tick_us=ticks, queries=4).per_query()
            low, high = (float(each[f"dynamic_{end}_pj"]) / 1e6 for end in ("low", "high"))
            assert energy["dynamic"][0] <= low <= high <= energy["dynamic"][1]
            assert energy["total"][0] <= high + float(each["static_pj"]) / 1e6 <= energy["total"][1] * (1 + 1e-12)


def test_the_page_has_one_figure_and_names_what_is_refused(small):
    folder, _, text = small
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 1 and "escape noise" in page
    assert "What runs on truenorth? 2 of 3: digits, qk_mask" in text
