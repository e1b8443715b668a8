"""The guard finds whatever shadows one of the five packages, before it is imported."""

import os
import subprocess
import sys

import pytest

from eventsim.errors import EnvironmentProblem
from eventsim.packages import check_siblings, find_intruders

#: What the command line does first; exit code 3 is the environment's.
GUARD = """
import sys
from eventsim.errors import EnvironmentProblem
from eventsim.packages import check_siblings
try:
    check_siblings()
except EnvironmentProblem as problem:
    print(problem)
    sys.exit(3)
"""


def guard(root, *first):
    """Run the guard in a new process with these folders first on the path, the project's after them."""
    path = os.pathsep.join(map(str, [*first, root]))
    done = subprocess.run(
        [sys.executable, "-c", GUARD], env=os.environ | {"PYTHONPATH": path}, cwd=root / "tests",
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_our_own_packages_are_accepted(root):
    assert guard(root) == (0, "")


@pytest.mark.parametrize("file", ["circuits/__init__.py", "circuits.py"])
def test_a_strange_circuits_is_named_with_its_file_and_a_remedy_and_is_not_run(root, tmp_path, file):
    intruder = tmp_path / file
    intruder.parent.mkdir(exist_ok=True)
    intruder.write_text("raise SystemExit('the intruder was run')\n")
    code, message = guard(root, tmp_path)
    assert code == 3
    assert message == (
        f"package 'circuits' is taken from {intruder}, not from {root / 'circuits'}; "
        "take its folder off PYTHONPATH, or start from another working directory\n"
    )


def test_a_stranger_that_pip_installed_is_to_be_uninstalled_by_its_name(root, tmp_path):
    site = tmp_path / "site-packages"
    (site / "analysis").mkdir(parents=True)
    (site / "analysis" / "__init__.py").touch()
    about = site / "acme_tools-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tools\nVersion: 1.0\n")
    (about / "top_level.txt").write_text("analysis\n")
    code, message = guard(root, site)
    assert code == 3
    assert message.endswith("; pip uninstall acme-tools, or give eventsim a virtual environment of its own\n")


def test_a_folder_of_the_same_name_without_code_shadows_nothing(root, tmp_path):
    (tmp_path / "circuits").mkdir()
    assert guard(root, tmp_path) == (0, "")


def test_a_missing_package_is_named_and_the_remedy_is_to_install_again(monkeypatch):
    monkeypatch.setattr("eventsim.packages.find_spec", lambda name: None)
    assert [intruder.name for intruder in find_intruders()] == [
        "eventsim", "circuits", "hardware_models", "runs", "analysis",
    ]  # fmt: skip
    with pytest.raises(EnvironmentProblem, match=r"^package 'eventsim' is missing, .*; install eventsim again"):
        check_siblings()
