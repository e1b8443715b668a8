"""The main job, small, as a user runs it."""

import json
import shutil

import h5py
import libsonata
import numpy as np
import pytest

from eventsim import open_trace


def remove_spike(path, population, row):
    """Take one spike out of all three columns of a population."""
    with h5py.File(path, "r+") as file:
        group = file[f"spikes/{population}"]
        for name in ("timestamps", "node_ids", "ticks"):
            values, attributes = group[name][:], dict(group[name].attrs)
            del group[name]
            group.create_dataset(name, data=np.delete(values, row)).attrs.update(attributes)


def test_the_run_leaves_a_trace_a_summary_and_a_report(small_run):
    folder, result = small_run
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "summary.json", "trace.h5"]
    assert json.loads((folder / "summary.json").read_text()) == result.document


def test_json_on_standard_output_is_one_document_and_progress_is_silent_without_a_terminal(small_run):
    _, result = small_run
    assert result.document["experiment"] == "digits-attention"
    assert result.err == ""


def test_the_shares_pass_the_softmax_test_and_the_winner_take_all_fails_it(small_run):
    summary = small_run[1].document
    assert summary["shares"]["passes"]
    assert not summary["control"]["passes"]
    assert summary["control"]["mean_tv"] > 2 * summary["shares"]["mean_tv"]


def test_every_law_of_the_audit_passes_that_has_something_to_check(small_run):
    laws = small_run[1].document["audit"]["laws"]
    # The circuit has no refractory neurons, and the run records spikes, not each delivery.
    others = {law["name"]: law["verdict"] for law in laws if law["verdict"] != "passed"}
    assert others == {"refractory": "not checkable", "record": "not checkable"}


def test_the_pool_fires_as_often_as_its_inhibition_asks(small_run):
    spikes = small_run[1].document["spikes"]
    assert spikes["target_pool"] == 40
    assert 0.55 * 40 < spikes["pool"] < 40  # the inhibition has to settle first, and never settles above
    assert spikes["weights"] == spikes["output"] < spikes["pool"]  # ties are vetoed, all others reach an output


def test_energy_is_counts_times_the_published_figures(small_run):
    energy = small_run[1].document["energy"]["fastest"]
    terms = {line["term"]: line for line in energy["lines"]}
    assert terms["synaptic_events"]["energy_low_pj"] == pytest.approx(
        23.6 * terms["synaptic_events"]["count"], rel=1e-12
    )
    assert terms["neuron_updates"]["energy_high_pj"] == pytest.approx(81 * terms["neuron_updates"]["count"], rel=1e-12)
    assert energy["lacks"].startswith("not runnable as is: ")


def test_bounds_state_their_assumptions_and_no_sound_bound_is_beaten(small_run):
    bounds = small_run[1].document["bounds"]["bounds"]
    assert all(bound["assumptions"] for bound in bounds)
    assert any(bound["is_bound"] and bound["saturation"] > 1 for bound in bounds)
    assert not any(bound["beaten"] for bound in bounds if bound["is_bound"])


def test_the_bounds_of_the_trace_are_those_of_the_run(small_run, eventsim, tmp_path):
    folder, result = small_run
    again = eventsim("bounds", folder / "trace.h5", "--json")
    assert again.code == 0, again.err
    assert again.document == result.document["bounds"]
    with open_trace(folder / "trace.h5") as trace:
        reference = np.array(trace.manifest["task"]["reference"])
    np.savetxt(tmp_path / "mine.csv", reference + 0.1, delimiter=",")
    mine = eventsim("bounds", folder / "trace.h5", "--json", "--cut", "output", "--decoded", tmp_path / "mine.csv")
    assert mine.document["error"] == pytest.approx(np.sqrt(10) * 0.1)
    assert {row["cut"] for row in mine.document["bounds"]} == {"output"}
    lost = eventsim("bounds", folder / "trace.h5", "--decoded", tmp_path / "none.npy")
    assert lost.code == 2 and "--decoded" in lost.err and "Traceback" not in lost.err


def test_the_report_is_one_file_that_loads_nothing(small_run):
    page = (small_run[0] / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "http" not in page.replace("http-equiv", "")
    for question in ("Are the spike shares a softmax?", "Is every synaptic event accounted for?"):
        assert question in page


def test_libsonata_reads_the_same_spikes(small_run):
    path = small_run[0] / "trace.h5"
    reader = libsonata.SpikeReader(str(path))
    with open_trace(path) as trace:
        for population in trace.network.populations:
            mine = trace.spikes(population.name)
            theirs = reader[population.name].get()
            assert [(int(node), time) for node, time in theirs] == [
                (int(neuron) - population.start, tick * trace.dt_ms)
                for neuron, tick in zip(mine.neuron, mine.tick, strict=True)
            ]


def test_the_same_seed_gives_the_same_spikes_and_another_seed_others(small_run, eventsim, tmp_path):
    hashes = []
    for seed in (3, 4):
        settings = ["--set", "support=40", "--set", "queries=2", "--set", "ticks=100", "--set", "encode_ticks=64"]
        for attempt in range(2 if seed == 3 else 1):
            folder = tmp_path / f"{seed}-{attempt}"
            eventsim("run", "digits-attention", "--out", folder, "--set", f"seed={seed}", *settings)
            with open_trace(folder / "trace.h5") as trace:
                hashes.append(trace.manifest["spikes_hash"])
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("softmax", [pytest.param("integrate_inhibition", marks=pytest.mark.slow), "winner_take_all"])
def test_the_other_circuits_run_too(eventsim, tmp_path, softmax):
    settings = ["--set", f"softmax={softmax}", "--set", "support=40", "--set", "queries=6", "--set", "ticks=1000"]
    result = eventsim("run", "digits-attention", "--out", tmp_path, "--json", *settings)
    assert result.code == 0, result.err
    assert result.document["shares"]["passes"] == (softmax == "integrate_inhibition")


class TestAudit:
    def test_passes_on_the_trace(self, small_run, eventsim):
        result = eventsim("audit", small_run[0] / "trace.h5")
        assert result.code == 0
        assert "failed" not in result.out

    @pytest.mark.parametrize("population", ["escape", "gate", "integrate", "source"])
    def test_fails_and_names_the_law_when_one_spike_is_removed(self, small_run, eventsim, tmp_path, population):
        copy = shutil.copy(small_run[0] / "trace.h5", tmp_path / "copy.h5")
        remove_spike(copy, population, 5)
        result = eventsim("audit", copy, "--json")
        failed = {law["name"] for law in result.document["laws"] if law["verdict"] == "failed"}
        assert result.code == 1
        assert {"hashes", "counts"} <= failed

    def test_a_lost_spike_with_synapses_breaks_the_law_of_deliveries(self, small_run, eventsim, tmp_path):
        copy = shutil.copy(small_run[0] / "trace.h5", tmp_path / "copy.h5")
        remove_spike(copy, "escape", 0)
        result = eventsim("audit", copy)
        assert result.code == 1
        assert any(line.startswith("deliveries") and "failed" in line for line in result.out.splitlines())


class TestCostAndInspect:
    def test_cost_of_the_trace_is_what_the_run_printed(self, small_run, eventsim):
        folder, run = small_run
        result = eventsim("cost", folder / "trace.h5", "--json")
        printed = run.document["energy"]["fastest"]
        assert result.document["dynamic_low_pj"] == printed["dynamic_low_pj"]
        assert result.document["per_query"] == printed["per_query"]

    def test_longer_ticks_cost_more_static_energy_and_the_same_dynamic(self, small_run, eventsim):
        fast, slow = (eventsim("cost", small_run[0] / "trace.h5", "--json", "--tick-us", tick).document
                      for tick in ("fastest", "1000"))  # fmt: skip
        assert slow["static_pj"] > 100 * fast["static_pj"]
        assert slow["dynamic_high_pj"] == fast["dynamic_high_pj"]

    def test_cost_refuses_an_altered_trace(self, small_run, eventsim, tmp_path):
        copy = shutil.copy(small_run[0] / "trace.h5", tmp_path / "copy.h5")
        remove_spike(copy, "escape", 0)
        result = eventsim("cost", copy)
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert "altered" in result.err

    def test_inspect_counts_what_the_summary_counted(self, small_run, eventsim):
        folder, run = small_run
        document = eventsim("inspect", folder / "trace.h5", "--json").document
        assert document["synaptic_events"] == round(run.document["per_query"]["synaptic_events"] * document["queries"])
        assert document["queries"] == 12
