"""operation-counts as a user runs it, on a recorded block."""

from pathlib import Path

import numpy as np
import pytest

from eventsim import open_trace
from eventsim.errors import ConfigError
from runs.experiments.operation_counts.report import broken
from runs.run import run_experiment

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counts")
    return folder, *run_experiment("operation-counts", [f"recording='{DATA / 'ssa_dyadic_h1.npz'}'"], folder)


def test_it_leaves_a_trace_for_each_block_a_summary_and_a_report(recorded):
    folder, summary, _ = recorded
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "ssa.h5", "summary.json"]
    assert (folder / "report.html").read_text().count("data:image/png;base64,") == 1
    with open_trace(folder / "ssa.h5") as trace:
        assert len(trace.synaptic_events()) == summary["blocks"][0]["counted_while_running"]


def test_its_table_sets_exact_counts_beside_the_published_ones(recorded):
    rows = {line[:26].strip(): line[26:].split() for line in recorded[2].splitlines()}
    assert rows["deliveries, all weights"][:4] == ["1,824", "4,040", "208", "512"]
    assert rows["deliveries, weights not 0"][:4] == ["1,748", "4,040", "200", "480"]
    assert rows["SpikingJelly"][:7] == ["1,824", "719", "208", "0", "2,751", "0", "2.48"]  # 2,751 times 0.9 pJ
    assert [rows[name][8] for name in ("SpikingJelly", "NeuroBench", "Spikformer paper")] == ["3,072", "1,748", "0"]
    assert "ssa: every delivery accounted for" in recorded[2]


def test_counts_that_differ_from_those_kept_while_running_are_told(recorded):
    block = recorded[1]["blocks"][0]
    assert broken(block) == []
    (fault,) = broken({**block, "counted_while_running": block["counted_while_running"] + 1})
    assert fault == "13,304 deliveries, 13,305 counted while running"


@pytest.mark.parametrize("arrays", [{"W": np.eye(2)}, {"qkv_conv_bn.W": np.eye(2), "proj_conv_bn.W": np.eye(2)}, None])
def test_a_file_that_is_no_recording_is_refused_in_one_line(tmp_path, arrays):
    path = tmp_path / "other.npz"
    path.write_text("text") if arrays is None else np.savez(path, **arrays)
    with pytest.raises(ConfigError, match=f"^{path}: [^\n]*$"):
        run_experiment("operation-counts", [f"recording='{path}'"], tmp_path / "out")
