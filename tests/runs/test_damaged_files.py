"""Randomly damaged files of every format: samples or one line that names the file, and never much memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.damage import CASES

ROOT = Path(__file__).parents[2]


def outcomes(folder, trials):
    command = [sys.executable, "-m", "tests.runs.damage", str(folder), str(trials)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
@pytest.mark.parametrize("trials", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_damage_is_refused_in_one_line_or_harmless(tmp_path, trials):
    found = outcomes(tmp_path, trials)
    assert set(found) == set(CASES)
    for case, counts in found.items():
        assert sum(counts.values()) == trials
        assert counts.get("refused", 0) > trials // 10, case
