"""energy-claim as a user runs it, on one block."""

import pytest

from eventsim import open_trace
from eventsim.errors import ConfigError
from hardware_models import cost, count_events, load_chip, place
from runs.experiments.energy_claim.report import ratio_table
from runs.run import run_experiment

SMALL = ["blocks=['qk_token']", "tokens=2", "channels=4"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claim")
    return folder, *run_experiment("energy-claim", SMALL, folder)


def test_it_leaves_a_trace_a_summary_and_a_page_with_one_figure(small):
    folder, _, text = small
    assert sorted(path.name for path in folder.iterdir()) == ["qk_token.h5", "report.html", "summary.json"]
    assert (folder / "report.html").read_text().count("data:image/png;base64,") == 1
    assert "at 0.0897 to 0.1345 deliveries per synapse and inference: over 4 steps, firing rates of 2.2% to" in text
    assert "none of 4 of which operations or energy could be read" in text


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


def test_a_model_of_which_only_an_energy_is_known_has_a_ratio_at_its_authors_prices_alone(small):
    folder, summary, text = small
    model = next(model for model in summary["models"] if model["name"] == "spikformer_8_512")
    assert model["ratios"][0] == pytest.approx(33.231475688 / 4 * 4.6 / 18.82)
    assert set(model["ratios"][1:]) == {None} and model["rho"] is None and model["rho_even"] == [None] * 12
    page = (folder / "report.html").read_text()
    for told in (text, page):
        assert told.count("deliveries unknown") == 11
    assert "not known: its residual path makes whole numbers" in page


def test_what_no_table_prices_is_named(small):
    folder, summary, _ = small
    items = summary["blocks"][0]["not_costed"]
    assert items.keys() == {"loihi", "truenorth"} and "host injection" in items["truenorth"][0]
    assert not any("relays" in item for item in items["loihi"] + items["truenorth"])  # all on one core
    assert "host injection, no published figure" in (folder / "report.html").read_text()


def test_with_static_power_the_activity_for_a_ratio_is_each_models_own(small):
    folder, summary, text = small
    k = next(k for k, way in enumerate(summary["accountings"]) if way["static"])
    way = summary["accountings"][k]
    assert (way["rho_claimed"], way["rho_even"]) == ([None, None], None)
    models = {model["name"]: model for model in summary["models"]}
    # A MAC 4.6 pJ, a delivery 23.6, own MACs 4 x 0.347 of 33.2 G. Static: 29.7 M weights, 64 of them in 19 words of
    # 16,384 for each of 128 cores, fill 5 chips of 104.4 mW for 4 ms, which 8.31 G MACs share; 4.6 / 38 is less.
    static = 104.4e-3 * 5 * 4e-3 / (33.231475688e9 / 4) * 1e12
    model = models["spikingformer_8_512"]
    assert model["rho_claimed"][k] == ["not reached", "not reached"]
    assert model["rho_even"][k] == pytest.approx((4.6 * (1 - 4 * 0.347329512 / 33.231475688) - static) / 23.6)
    assert models["spike_driven_8_512"]["rho_claimed"][k] == [None, None]
    row = ratio_table(summary)[1][1 + k]
    assert row[1:4] == ("see models",) * 3 and "" not in row and "weights unknown" in row
    page = (folder / "report.html").read_text()
    for told in (text, page):
        assert "not reached" in told and "0.1761" in told and "without static power at 0.066" in told
    assert "Weights unknown: no number of parameters is listed" in page


def test_static_power_of_shorter_ticks_lets_a_model_reach_more(tmp_path):
    summary, text = run_experiment("energy-claim", [*SMALL, "tick_ms=0.01"], tmp_path)
    model = next(model for model in summary["models"] if model["name"] == "spikformer_4_384")
    # 9.33 M weights fill 2 chips of 104.4 mW for 0.04 ms; 0.93 G MACs share it, and 5.3 M are the network's own.
    macs = 3703662346 / 4
    static = 104.4e-3 * 2 * 4e-5 / macs * 1e12
    assert model["rho_claimed"][-1][0] == pytest.approx((4.6 / 38 - 4.6 * 5312266 / macs - static) / 23.6)
    assert "with ticks of 0.01 ms" in text


def test_every_column_of_the_page_has_a_heading(small):
    page = (small[0] / "report.html").read_text()
    assert '<th class="r"></th>' not in page and '<th class="l"></th>' not in page


@pytest.mark.parametrize("setting, complaint", [
    ("tick_ms=1e308", "tick_ms=1e308: Expected `float` <= 1000000.0"),
    ("tick_ms=1e-9", "tick_ms=1e-9: Expected `float` >= 0.001"),
    ("tick_ms=1e-3", "tick_ms = 0.001: .*the busiest core needs"),
    ("rate=1e-9", "rate = 1e-09: not one of the 32 inputs that seed = 7 draws is a spike; give a higher rate"),
    ("channels=1000000", "channels=1000000: Expected `int` <= 1024"),
    ("heads=3", "channels = 4 is not a multiple of heads = 3"),
])  # fmt: skip
def test_a_refused_run_leaves_an_older_result_as_it_was(small, setting, complaint):
    folder = small[0]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ConfigError, match=complaint):
        run_experiment("energy-claim", [*SMALL, "seed=7", setting], folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_longest_tick_that_may_be_given_is_costed(tmp_path):
    summary, _ = run_experiment("energy-claim", [*SMALL, "tick_ms=1e6"], tmp_path)
    assert all(ratio > 0 for ratio in summary["blocks"][0]["ratios"][-1])


def test_every_accounting_has_a_name_that_stands_by_itself(small):
    losing = next(line for line in small[2].splitlines() if line.startswith("Under which accounting"))
    assert "weights and potentials from a cache, against int8; both networks in integers; loihi, davies2018;" in losing
    assert "the same" not in losing and "1 ms" not in losing
