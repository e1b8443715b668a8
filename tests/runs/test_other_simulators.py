"""NEST and SANA-FE in the benchmark: an interpreter without them is refused before anything is built."""

import sys
from pathlib import Path

import pytest

from eventsim.errors import ConfigError, EnvironmentProblem
from runs.benchmarks import other_simulators
from runs.benchmarks.other_simulators import interpreters, run_other


@pytest.mark.parametrize("python", ["/bin/false", "/bin/true", "/bin/echo", "/no/such/python", "no_such_python"])
@pytest.mark.parametrize("program", ["nest", "sanafe"])
def test_an_interpreter_without_the_program_is_refused_at_once(program, python):
    with pytest.raises(ConfigError, match=f"{python} cannot import {program}; give a Python interpreter"):
        interpreters({program: python})


def test_an_interpreter_with_the_package_is_taken(monkeypatch):
    monkeypatch.setattr(other_simulators, "PROGRAMS", {"json": ("json", ()), "absent": ("no_such_package", ())})
    assert interpreters({"json": sys.executable}) == {"json": sys.executable}
    assert interpreters({}) == {"json": sys.executable}  # this one has it


def test_a_folder_of_the_packages_name_is_no_package(monkeypatch, tmp_path):
    (tmp_path / "no_such_package").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(other_simulators, "PROGRAMS", {"absent": ("no_such_package", ())})
    with pytest.raises(ConfigError, match="cannot import no_such_package"):
        interpreters({"absent": sys.executable})


def test_an_interpreter_is_found_from_any_folder(monkeypatch):
    python = Path(sys.executable)
    monkeypatch.setattr(other_simulators, "PROGRAMS", {"json": ("json", ())})
    monkeypatch.chdir(python.parent.parent)
    assert interpreters({"json": f"{python.parent.name}/{python.name}"}) == {"json": str(python)}
    monkeypatch.setenv("PATH", str(python.parent))
    assert interpreters({"json": python.name}) == {"json": str(python)}


@pytest.mark.parametrize("program", ["nest", "sanafe"])
def test_a_program_that_measures_nothing_is_a_problem(program, tmp_path):
    with pytest.raises(EnvironmentProblem, match="ended without a last line of JSON with run_s, spikes"):
        run_other(program, "/bin/true", tmp_path, threads=1, ticks=10)
