"""The gallery: each script runs, in an empty folder, and prints what it is there to show."""

import runpy
from pathlib import Path

import matplotlib.image
import pytest

import runs

FOLDER = Path(runs.__file__).parent / "examples"

#: Script -> what it prints: figures that were worked out by hand or follow from the circuit, and findings.
SHOWN = {
    "a_trained_block": ["fc1  1,607 spikes in torch, 0 differ here", "read as [0, 8], by torch as [0, 8]"],
    "audit_a_foreign_trace": ["justified   passed", "justified   failed", "neuron 17 ('cells'[17]) at tick 1315"],
    "bounds_of_your_circuit": ["four binary lines: 16 of 16", "needs          2   used/needed          1", "BELOW ONE"],
    "compare_attentions": ["SSA (Spikformer)", "SDSA (Spike-driven)"],
    "first_divergence": ["synapse 1234 joins neuron 24 to neuron", "trace only"],
    "one_query": ["the image is a 7", "written: out/examples/one_query.png"],
    "place_and_cost": ["table davies2018", "table nahuku", "per query, 4 in sequence"],
    "softmax_neuron_by_neuron": ["softmax        [0.6439 0.2369 0.0871 0.0321]", " 10000 spikes  [0.6439 0.2369"],
    "why_did_it_spike": ["fired at tick 15", "did not fire at tick 57"],
    "your_own_chip": ["37 neurons on 2 cores", "x 10 pJ", "[unverified: synaptic_event_pj]"],
    "your_own_neuron_model": ["every one the same"],
}  # fmt: skip


def test_every_script_of_the_gallery_is_run_here():
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == sorted(SHOWN)


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_shows_what_it_is_there_for(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert [text for text in SHOWN[name] if text not in printed] == []
    for picture in tmp_path.rglob("*.png"):
        assert matplotlib.image.imread(picture).std() > 0.01
