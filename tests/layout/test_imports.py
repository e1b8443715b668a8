"""Imports point downwards, and this is enforced: each wrong import is tried and must be caught."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("eventsim", "circuits", "hardware_models", "runs", "analysis")
ROOMS = ("costing", "counting", "placing", "chips", "integers", "mesh")


@pytest.fixture
def small_project(root, tmp_path):
    """The five packages with one module each, the rooms of one, and this project's own contracts."""
    shutil.copy(root / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "part.py").touch()
    for room in ROOMS:
        (tmp_path / "hardware_models" / f"{room}.py").touch()
    (tmp_path / "eventsim" / "compile").mkdir()
    (tmp_path / "eventsim" / "compile" / "__init__.py").touch()
    (tmp_path / "eventsim" / "compile" / "reader.py").write_text("import brian2\n")
    (tmp_path / "eventsim" / "noise.py").write_text("def register():\n    import brian2\n")
    return tmp_path


def lint(folder):
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_downward_imports_and_brian2_where_it_belongs_are_allowed(small_project):
    (small_project / "runs" / "part.py").write_text("import analysis, circuits, hardware_models, eventsim\n")
    (small_project / "analysis" / "part.py").write_text("import circuits.part, hardware_models, eventsim.compile\n")
    (small_project / "circuits" / "part.py").write_text("import brian2, eventsim.part\n")
    done = lint(small_project)
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    "importer, imported",
    [
        ("eventsim", "circuits"),
        ("eventsim", "hardware_models"),
        ("eventsim", "runs"),
        ("circuits", "hardware_models"),
        ("hardware_models", "circuits"),
        ("circuits", "analysis"),
        ("hardware_models", "analysis"),
        ("analysis", "runs"),
        ("eventsim", "brian2"),
    ],
)
def test_an_upward_import_is_caught_and_named(small_project, importer, imported):
    target = imported if imported == "brian2" else f"{imported}.part"
    (small_project / importer / "part.py").write_text(f"def late():\n    import {target}\n")
    done = lint(small_project)
    assert done.returncode == 1
    assert "2 kept, 1 broken" in done.stdout
    assert f"{importer}.part -> {target}" in done.stdout


@pytest.mark.parametrize("importer, imported", [("integers", "chips"), ("chips", "placing"), ("costing", "counting"),
                                                ("mesh", "integers")])  # fmt: skip
def test_a_room_of_hardware_models_that_looks_up_is_caught_and_named(small_project, importer, imported):
    (small_project / "hardware_models" / f"{importer}.py").write_text(f"import hardware_models.{imported}\n")
    done = lint(small_project)
    assert done.returncode == 1
    assert "2 kept, 1 broken" in done.stdout
    assert f"hardware_models.{importer} -> hardware_models.{imported}" in done.stdout


#: What turns Brian2's objects into ours, and what offers our noise to Brian2; all else runs without it.
NEED_BRIAN2 = {"eventsim.compile", "eventsim.noise"}

#: Imports each module named on the command line, then says whether Brian2 came along.
IMPORT_ALL = "import importlib, sys; [importlib.import_module(n) for n in sys.argv[1:]]; print('brian2' in sys.modules)"


def imports_brian2(root, modules):
    command = [sys.executable, "-c", IMPORT_ALL, *modules]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "True"


def test_a_saved_network_is_simulated_and_costed_without_importing_brian2(root):
    paths = [path.relative_to(root) for name in ("eventsim", "hardware_models") for path in (root / name).rglob("*.py")]
    names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]
    without = sorted(name for name in names if not any(f"{name}.".startswith(f"{need}.") for need in NEED_BRIAN2))
    assert {"eventsim", "eventsim.compiled_network", "eventsim.stimulus", "eventsim.counts"} <= set(without)
    assert not imports_brian2(root, without)


@pytest.mark.parametrize("module", sorted(NEED_BRIAN2))
def test_the_two_modules_that_need_brian2_do_import_it_so_the_test_above_can_fail(root, module):
    assert imports_brian2(root, [module])
