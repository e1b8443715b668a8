"""on-chip, small: what runs, what is refused and why, and that the ranges of energy are of what was counted."""

import copy

import numpy as np
import pytest

from eventsim import Stimulus, open_trace, simulate
from eventsim.errors import ConfigError
from hardware_models import Placement, cost, count_events, load_chip, place
from hardware_models.integers.truenorth.neuron import TrueNorthCells
from runs.experiments.on_chip.energy import counted_with_relays, energy_range
from runs.experiments.on_chip.report import lines
from runs.run import run_experiment
from tests.hardware_models.test_split_network import network_of, random_run


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


def test_relays_that_a_chip_needs_are_run_and_counted():
    network, stimulus, core_of = random_run([2, 5], seed=3)
    chip = load_chip("truenorth")
    placed = Placement.of(network, core_of, chip)
    with simulate(network, stimulus) as trace:
        bare = count_events(trace, placed)
        with_relays, counts = counted_with_relays(trace, placed)
    n = with_relays.n_neurons - network.n_neurons
    assert n > 40 and counts.total("spikes") > bare.total("spikes")
    without, held = (" ".join(energy_range(*given, 1, 1.0)["not_costed"])
                     for given in ((bare, chip, network), (counts, chip, with_relays)))  # fmt: skip
    assert f"{n} relays of neurons that send to several axons" in without and "relays" not in held


def test_relays_for_which_there_is_no_room_are_named_as_left_out():
    cells = TrueNorthCells(3, weights=(1, 0, 0, 0), threshold=1)
    network = network_of(cells, [(0, 1, 0, 0), (1, 2, 1, 0), (1, 3, 1, 0), (2, 1, 1, 0)], inputs=1)
    chip = load_chip("truenorth")
    placed = Placement.of(network, np.array([-1, 0, 0, 1]), chip)  # a loop of 2 ticks, which a relay makes longer
    with simulate(network, Stimulus.of([0], [0], duration_ticks=9)) as trace:
        same, counts = counted_with_relays(trace, placed)
    assert same.hash == network.hash
    assert "2 relays of neurons that send" in " ".join(energy_range(counts, chip, network, 1, 1.0)["not_costed"])


def test_the_page_has_one_figure_and_names_what_is_refused(small):
    folder, _, text = small
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 1 and "escape noise" in page
    assert "What runs on truenorth? 2 of 3: digits, qk_mask" in text


def test_what_an_unverified_table_alone_says_is_marked(small):
    folder, summary, text = small
    energy = rows(summary)["digits", "truenorth"]["energy"]
    (affine,), (split,) = ({way["dynamic_high"] for way in energy["ways"] if way["table"] == table}
                           for table in ("affine", "split"))  # fmt: skip
    assert (energy["verified"]["dynamic"], energy["dynamic"]) == ([affine, affine], [affine, split])
    on_loihi = rows(summary)["digits", "loihi"]["energy"]
    assert on_loihi["verified"]["dynamic"] == on_loihi["dynamic"]
    for told in (text, (folder / "report.html").read_text()):
        assert f"{affine:.3g}, to {split:.3g}*" in told and "*: unverified, by table split of truenorth" in told


def test_the_quoted_factor_leaves_out_unverified_tables(small):
    summary = copy.deepcopy(small[1])
    for row in summary["rows"]:
        row["energy"]["verified"]["total"], row["energy"]["total"] = [2.0, 34.0], [0.001, 1e9]
    said = "\n".join(lines(summary))
    assert "by a factor of 17 to 17, by table, ticks and copies alone; left out, as unverified: table split of" in said
    for row in summary["rows"]:
        row["energy"]["verified"] = None
    said = "\n".join(lines(summary))
    assert "factor" not in said and "0.001* to 1,000,000,000*" in said


def test_headings_say_the_unit_and_reasons_are_whole(small):
    folder, summary, text = small
    assert "dynamic per query, µJ  with static, least to most, µJ" in text
    page = (folder / "report.html").read_text()
    assert "why</th>" not in page and "...<" not in page
    why = rows(summary)["race", "loihi"]["why"]
    assert why.replace("'", "&#39;") in page and "% off (rms)</td>" in page


@pytest.mark.parametrize("settings, complaint", [
    (["cases=['qk_mask']", "tick_ms=1e308"], "tick_ms=1e308: Expected `float` <= 1000000.0"),
    (["cases=['qk_mask']", "tick_ms=1e-3"], "tick_ms = 0.001: .*the busiest core needs"),
    (["cases=['qk_mask']", "rate=1e-9"], "mask alone: qk: what it should say is 0 throughout.* give a higher rate"),
    (["cases=['thinning', 'ssa']", "rate=1e-9"], "rate = 1e-09: not one of the .* draws is a spike"),
    (["cases=['qk_mask', 'digits']", "support=1797"], "support 1797 plus queries 60 exceed the 1797 digits"),
    (["cases=['qk_mask']", "channels=7"], "channels = 7 is not a multiple of heads = 2"),
    (["cases=['race']", "spread=1e308"], "spread=1e308: Expected `float` <= 30.0"),
    (["cases=['race']", "spread=25"], "spread = 25: the logits drawn lie up to .* apart.* up to 30; give less"),
    (["cases=['first_spike']", "spread=1e-300"], "spread=1e-300: Expected `float` >= 0.001"),
    (["cases=['digits']", "beta=1e300"], "beta=1e300: Expected `float` <= 1000.0"),
    (["cases=['race']", "rows=100000000000"], "rows=100000000000: Expected `int` <= 4096"),
    (["cases=['ssa']", "tokens=1", "channels=1", "heads=1", "steps=1", "rate=1.0", "seed=3"],
     "block: ssa: what it should say is 0 throughout"),
])  # fmt: skip
def test_a_refused_run_leaves_nothing_behind(tmp_path, settings, complaint):
    with pytest.raises(ConfigError, match=complaint):
        run_experiment("on-chip", settings, tmp_path)
    assert list(tmp_path.iterdir()) == []
