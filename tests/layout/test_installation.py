"""What pip installs: all five packages, their data files, and the versions that are tested."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import requires
from importlib.util import find_spec

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGES = ("eventsim", "circuits", "hardware_models", "runs", "analysis")
PLANTED = ("runs/configs/planted.toml", "hardware_models/chips/planted.toml", "analysis/templates/planted.html")


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """A wheel of a copy of the project in which each kind of data file surely exists, and that copy."""
    copy = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(root / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(root / name, copy)
    for name in PLANTED:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).touch()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", copy / "dist"]
    subprocess.run(command, cwd=copy, capture_output=True, timeout=120, check=True)
    (built,) = (copy / "dist").glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        contents = {name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
        return copy, set(archive.namelist()), contents


def test_the_wheel_holds_every_file_of_the_five_packages_and_nothing_else(wheel):
    copy, names, _ = wheel
    files = [path for package in PACKAGES for path in (copy / package).rglob("*") if path.is_file()]
    installed = {name for name in names if ".dist-info/" not in name}
    assert installed == {str(path.relative_to(copy)) for path in files}
    assert set(PLANTED) <= installed


def test_the_wheel_has_a_name_of_its_own_may_not_be_uploaded_and_starts_the_command_line(wheel):
    _, _, contents = wheel
    by_file = {name.split("/", 1)[1]: text for name, text in contents.items()}
    metadata = by_file["METADATA"]
    assert "\nName: eventsim-spiking\n" in metadata
    assert "\nClassifier: Private :: Do Not Upload\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert "eventsim = runs.cli:main" in by_file["entry_points.txt"]
    assert "Apache License" in by_file["licenses/LICENSE"]


def pins(root):
    """Names and versions in constraints.txt; anything but `name==version` is refused."""
    lines = (root / "constraints.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    matches = [re.fullmatch(r"([a-z0-9._-]+)==([0-9][0-9a-z.]*)( ; python_version .+)?", line) for line in wanted]
    assert all(matches), [line for line, match in zip(wanted, matches, strict=True) if not match]
    return {canonicalize_name(match[1]): match[2] for match in matches}


#: No test and no run needs these: they are not in `dev`, and what they pull in depends on the machine.
UNTESTED = {"train"}

#: Pinned, but not in `dev`: tested, or used, where somebody installed them.
OFTEN_MISSING = {"distributed", "pyright"}


def stated_requirements(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    groups = {name: lines for name, lines in project["optional-dependencies"].items() if name not in UNTESTED}
    extras = [line for lines in groups.values() for line in lines]
    needed = map(Requirement, [*project["dependencies"], *extras])
    return [requirement for requirement in needed if requirement.name != project["name"]]


def closure(requirements):
    """Names of everything that the requirements pull in here, themselves included."""
    seen, waiting = set(), [(requirement.name, frozenset(requirement.extras)) for requirement in requirements]
    while waiting:
        name, extras = waiting.pop()
        if (canonicalize_name(name), extras) in seen:
            continue
        seen.add((canonicalize_name(name), extras))
        for requirement in map(Requirement, requires(name) or ()):
            markers = [{"extra": extra} for extra in ("", *extras)]
            if requirement.marker is None or any(map(requirement.marker.evaluate, markers)):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return {name for name, _ in seen}


def test_every_package_that_is_pulled_in_is_pinned(root):
    stated = stated_requirements(root)
    pulled_in = closure([needed for needed in stated if needed.name not in OFTEN_MISSING or find_spec(needed.name)])
    assert {"brian2", "llvmlite", "sympy", "grimp"} <= pulled_in
    assert pulled_in <= set(pins(root)), f"add to constraints.txt: {sorted(pulled_in - set(pins(root)))}"


def test_every_pin_lies_in_the_supported_range(root):
    pinned = pins(root)
    stated = stated_requirements(root)
    assert len(stated) >= 19
    assert [str(needed) for needed in stated if pinned[canonicalize_name(needed.name)] not in needed.specifier] == []


def test_no_supported_numpy_is_one_that_brian2_for_python_3_11_cannot_import(root):
    (numpy,) = (needed for needed in stated_requirements(root) if needed.name == "numpy")
    assert "2.3.5" in numpy.specifier
    assert "2.4.0" not in numpy.specifier
