"""The page on Brian2's examples: what is counted as what, and that a survey really runs what it finds."""

from pathlib import Path

import pytest

from runs.brian2_scripts.coverage import classify, page, survey

EQUAL = {"runs": [{"outcome": "equal", "spikes": 7, "ms": 10.0, "our_spikes": 7}], "error": None}
SILENT = {"runs": [{"outcome": "equal", "spikes": 0, "ms": 10.0, "our_spikes": 0}], "error": None}
DIFFERS = {"runs": [EQUAL["runs"][0], {"outcome": "differs", "spikes": 7, "ms": 10.0, "our_spikes": 6}], "error": None}
REFUSED = {"runs": [EQUAL["runs"][0], {"outcome": "refused", "reason": "a summed variable (I_post)"}], "error": None}
NOTHING = {"runs": [], "error": "took longer than 9 s of processor time"}


@pytest.mark.parametrize("result, outcome", [
    (EQUAL, "equal"), (SILENT, "silent"), (DIFFERS, "differs"), (REFUSED, "refused"), (NOTHING, "not run"),
])  # fmt: skip
def test_one_run_that_differs_or_is_refused_decides_on_a_script(result, outcome):
    assert classify(result)[0] == outcome


def test_the_page_counts_and_names_every_script():
    text = page({"a/one": EQUAL, "two": REFUSED, "three": DIFFERS, "four": REFUSED}, 10.0)
    assert "4 scripts" in text and "1 equal, 1 differs, 2 refused" in text
    assert "| Run unchanged, every spike as in Brian2 (1) |  | a/one |" in text
    assert "| Refused, by name (2) | summed variables | two, four |" in text


@pytest.mark.slow
def test_a_survey_runs_each_script_in_a_process_of_its_own(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "fires.py").write_text(
        "from brian2 import *\nG = NeuronGroup(2, 'dv/dt = 2/second : 1', threshold='v > 0.01', reset='v = 0')\n"
        "run(30*ms)\n"
    )
    (tmp_path / "ends.py").write_text("import os\nos._exit(3)\n")
    (tmp_path / "spins.py").write_text("while True: pass\n")
    (tmp_path / "writes.py").write_text("open('beside.txt', 'w').close()\n")
    found = survey(tmp_path, 20.0, 30)
    assert not list(Path.cwd().rglob("beside.txt")) and not list(tmp_path.rglob("beside.txt"))
    assert found["spins"] == {"runs": [], "error": "took longer than 30 s of processor time"}
    assert found["ends"] == {"runs": [], "error": "ended its process"}
    assert found["deep/fires"]["runs"] == [{"outcome": "equal", "spikes": 6, "ms": 20.0, "our_spikes": 6}]
