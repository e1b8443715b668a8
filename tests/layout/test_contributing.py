"""CONTRIBUTING.md: each of its blocks works as it stands, one after the other."""

import re

import numpy as np
import pytest

from analysis.audit import LAWS

BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def made(root, monkeypatch):
    """What the blocks define; the laws are what they were afterwards."""
    monkeypatch.chdir(root)
    before, names = dict(LAWS), {}
    for block in BLOCK.findall((root / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        exec(block, names)
    yield names
    LAWS.clear()
    LAWS.update(before)


def test_the_worked_examples_work(made, tmp_path):
    summary = made["run"](made["Config"](inputs=3), tmp_path, False)
    assert list(made["lines"](summary)) == ["the output fired 1 time(s)"]
    assert (tmp_path / "trace.h5").is_file()


def test_the_law_of_the_example_can_fail(made):
    placement = made["placement"]
    homeless = type("Placed", (), {"core_of": np.full_like(placement.core_of, -1)})()
    names = {"placement": homeless, "trace": made["trace"], "name": lambda self, i: f"neuron {i}"}
    _, _, fault = LAWS["one core each"](type("Case", (), names)())
    assert fault == "neuron 0 has no core"


def test_every_kind_of_addition_has_a_worked_example(root):
    sections = (root / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections if not BLOCK.search(section)] == []
