"""energy-claim as a user runs it, on one block."""

import pytest

from eventsim import open_trace
from hardware_models import cost, count_events, load_chip, place
from runs.run import run_experiment


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claim")
    return folder, *run_experiment("energy-claim", ["blocks=['qk_token']", "tokens=2", "channels=4"], folder)


def test_it_leaves_a_trace_a_summary_and_a_page_with_one_figure(small):
    folder, _, text = small
    assert sorted(path.name for path in folder.iterdir()) == ["qk_token.h5", "report.html", "summary.json"]
    assert (folder / "report.html").read_text().count("data:image/png;base64,") == 1
    assert "at 0.0897 to 0.1345 deliveries per synapse and inference: over 4 steps, firing rates of 2.2% to" in text
    assert "none of 4 whose operations could be read" in text


def test_a_block_is_priced_by_the_deliveries_and_the_cost_of_its_trace(small):
    folder, summary, _ = small
    (block,) = summary["blocks"]
    names = [way["name"] for way in summary["accountings"]]
    with open_trace(folder / "qk_token.h5") as trace:
        assert block["deliveries"] == trace.received()[0].sum()
        chip = load_chip("loihi")
        report = cost(count_events(trace, place(trace.network, chip)), chip, "nahuku")
    assert block["ratios"][0][0] == pytest.approx(4.6 * block["macs"] / (0.9 * block["deliveries"]))
    least, most = block["ratios"][names.index("loihi, nahuku")]
    assert least == pytest.approx(4.6 * block["macs"] / float(report.dynamic_high_pj))
    assert most == pytest.approx(4.6 * block["macs"] / float(report.dynamic_low_pj))


def test_models_of_which_figures_are_missing_have_no_ratio(small):
    models = {model["name"]: model for model in small[1]["models"]}
    assert set(models["qkformer_10_768"]["ratios"]) == {None}
    assert models["qkformer_10_768"]["unverified"] == ["energy_uj"]
    assert models["spikingformer_8_512"]["ratios"][0] == pytest.approx(5.12, abs=0.01)
