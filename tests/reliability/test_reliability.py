"""A small sample of every row of `make test-reliability`, by the same functions; and that a breach would be seen."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.__main__ import measured
from tests.reliability.measure import ROWS
from tests.reliability.rows import Row, table

#: Row -> size of the sample that `make test` takes; the others are in the slow tests.
QUICK = {"kills": 4, "resumes": 2}
SLOW = {"signals": 8, "disk-limit": 2, "traces": 60, "kills-finish": 8, "disk-calls": 6, "disk-full": 2, "threads": 2,
        "workers": 2, "inputs": 40, "sonata": 10, "attacks": 1, "soak": 0.1}  # fmt: skip


def holds(name, size):
    row = measured(name, size)
    assert row.faults == ()
    assert row.tried > 0 or "not tried" in row.what


@pytest.mark.parametrize("name, size", QUICK.items())
def test_a_small_sample_keeps_the_promise(name, size):
    holds(name, size)


@pytest.mark.slow
@pytest.mark.parametrize("name, size", SLOW.items())
def test_a_small_sample_of_the_others_does_too(name, size):
    holds(name, size)


def test_every_row_has_a_sample():
    assert QUICK.keys() | SLOW.keys() == ROWS.keys()


def test_a_row_that_cannot_be_measured_is_a_failure():
    row = measured("kills", "many")
    assert row.tried == 0 and "invalid literal for int" in row.faults[0]


def test_a_row_that_is_asked_to_end_is_a_failure_and_the_table_is_still_shown(tmp_path):
    command = [sys.executable, "-m", "tests.reliability", "--out", tmp_path, "soak"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.read(len("soak: ")) == "soak: "
        process.terminate()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, "it was interrupted\n") and "| soak | 0 | 1 | interrupted |" in out


def test_the_table_counts_failures():
    rows = [Row("a promise", 1200, ("it broke",), "1 lost")]
    assert table(rows).splitlines()[-1] == "| a promise | 1,200 | 1 | 1 lost |"


def test_the_readme_shows_rows_that_were_measured_and_no_failure():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Reliability")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+) \| ([\d,]+) \| (\d+) \| .* \|$", section, re.MULTILINE)
    assert 13 <= len(rows) <= len(ROWS)
    assert {failures for _, _, failures in rows} == {"0"} and "0" not in {tried for _, tried, _ in rows}


@pytest.mark.parametrize("row", ["kills=x", "kills=0", "kills=-3", "kills=1.5", "soak=.", "soak=1.2.3"])
def test_a_size_that_is_none_is_one_line_and_nothing_is_measured(row, tmp_path):
    command = [sys.executable, "-m", "tests.reliability", "--out", tmp_path, row]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and f"'{row}': a size is a whole number from 1 on" in done.stderr
    assert not done.stdout and "Traceback" not in done.stderr
