"""NEST and SANA-FE in the benchmark: an interpreter without them is refused before anything is built."""

import sys

import pytest

from eventsim.errors import ConfigError
from runs.benchmarks import other_simulators
from runs.benchmarks.other_simulators import interpreters


@pytest.mark.parametrize("program, python", [("sanafe", "/bin/false"), ("nest", "/no/such/python")])
def test_an_interpreter_without_the_program_is_refused_at_once(program, python):
    with pytest.raises(ConfigError, match=f"{python} cannot import {program}; give a Python interpreter"):
        interpreters({program: python})


def test_an_interpreter_with_the_package_is_taken(monkeypatch):
    monkeypatch.setattr(other_simulators, "PROGRAMS", {"json": ("json", ()), "absent": ("no_such_package", ())})
    assert interpreters({"json": sys.executable}) == {"json": sys.executable}
    assert interpreters({}) == {"json": sys.executable}  # this one has it
