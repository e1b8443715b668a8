"""placement as a user runs it, on small networks."""

import importlib.util

import pytest

from eventsim.errors import CapacityError, ConfigError
from runs.run import run_experiment

PLACERS = ["in_order", "greedy"] + ["partition"] * (importlib.util.find_spec("pymetis") is not None)
SMALL = ["neurons=1200", "fan_out=40", "cluster=100", "cases=['clusters']", f"placers={PLACERS}"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("placement")
    return folder, *run_experiment("placement", SMALL, folder)


def test_it_sets_every_placer_beside_the_one_in_order(small):
    folder, summary, text = small
    (case,) = summary["cases"]
    assert [row["made_by"] for row in case["placements"]] == PLACERS
    messages = [row["messages"] for row in case["placements"]]
    # Of 40 synapses 4 leave the cluster, which is on one core or two of 2 to 5: 1 message at least, 5 at most.
    assert 1200 <= min(messages) <= max(messages) <= 5 * 1200 and max(messages[1:]) < messages[0]
    assert "clusters  greedy" in text and (folder / "report.html").read_text().count("data:image/png;base64,") >= 5


def test_all_that_a_spike_brings_is_priced(small):
    rows = small[1]["cases"][0]["placements"]
    events = 1200 * 40 * 23.6e-3  # nJ: each neuron fires once, and a synaptic event on Loihi takes 23.6 pJ
    updates = 3 * 1200 * 52e-3  # all idle, in three ticks
    for row in rows:
        assert row["dynamic_low_nj"] == pytest.approx(events + updates + row["network_nj"])


def test_more_synapses_than_there_is_memory_for_are_refused_before_they_are_drawn(tmp_path):
    with pytest.raises(CapacityError, match="give fewer neurons, or a smaller fan_out"):
        run_experiment("placement", ["cases=['clusters']", "neurons=100000", "fan_out=1000000"], tmp_path)


def test_who_stands_in_for_a_placer_that_is_not_installed_is_said(tmp_path, monkeypatch, recwarn):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    summary, text = run_experiment("placement", [*SMALL[:4], "placers=['in_order','partition']"], tmp_path)
    assert [row["made_by"] for row in summary["cases"][0]["placements"]] == ["in_order", "greedy"]
    assert "partition (by greedy)" in text
    assert "clusters, partition (by greedy)" in (tmp_path / "report.html").read_text()
    assert "partition: not installed, greedy stands in; pip install 'eventsim-spiking[partition]'" in text
    assert not [warning for warning in recwarn if "pymetis" in str(warning.message)]


def test_a_network_that_does_not_fit_is_a_row_that_says_why(tmp_path):
    # 300 synapses a neuron are 300 axons, and TrueNorth has 256.
    settings = [*SMALL[:1], "fan_out=300", "cases=['clusters']", "placers=['in_order']", "chip=truenorth"]
    summary, text = run_experiment("placement", settings, tmp_path)
    (row,) = summary["cases"][0]["placements"]
    assert row["refused"].startswith("input_axons exceeded on core 0 by neuron 0") and "does not fit" in text


def test_an_unknown_placer_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match="choose one of in_order, greedy, partition"):
        run_experiment("placement", ["placers=['best']"], tmp_path)
