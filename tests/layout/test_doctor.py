"""The doctor says what is wrong, in a sick installation as well as in a healthy one."""

from collections import namedtuple
from importlib.metadata import PackageNotFoundError

import pytest

from eventsim import doctor
from eventsim.packages import Intruder


@pytest.fixture
def versions(monkeypatch):
    """Pretend that these versions are installed, and that every import works."""

    def pretend(**installed):
        def version(name):
            if name not in installed:
                raise PackageNotFoundError(name)
            return installed[name]

        monkeypatch.setattr(doctor, "version", version)
        monkeypatch.setattr(doctor, "_import_errors", lambda modules: dict.fromkeys(modules))

    return pretend


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_a_finding_has_a_remedy_exactly_when_something_is_wrong():
    findings = doctor.diagnose()
    assert [finding.name for finding in findings if finding.ok is not (finding.remedy == "")] == []
    assert [finding.detail for finding in findings if "cannot be imported" in finding.detail] == []
    assert {"python", "brian2 with numpy", "packages", "numba cache", "cores", "disk", "memory", "C++ compiler"} <= set(
        by_name(findings)
    )


def test_a_python_that_is_too_old_is_found(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 13))
    finding = doctor._python()
    assert (finding.ok, finding.detail) == (False, "3.10.13, needs 3.11 or newer")


@pytest.mark.parametrize(
    "brian2, numpy, ok",
    [("2.9.0", "2.3.5", True), ("2.9.0", "2.4.0", False), ("2.10.1", "2.4.0", True), ("2.9.0", None, False)],
)
def test_the_brian2_that_cannot_be_imported_with_its_numpy_is_found(versions, brian2, numpy, ok):
    versions(brian2=brian2, **({} if numpy is None else {"numpy": numpy}))
    assert doctor._brian2_with_numpy().ok is ok


def test_a_dependency_is_missing_too_old_broken_or_fine(versions, monkeypatch):
    needed = ["numpy>=2.2,<2.4", "h5py>=3.12", "scikit-learn>=1.6", "rich>=13", 'pytest>=8; extra == "dev"']
    monkeypatch.setattr(doctor, "requires", lambda name: needed)
    versions(**{"numpy": "2.4.1", "scikit-learn": "1.9.1", "rich": "15.0.0"})
    monkeypatch.setattr(
        doctor, "_import_errors", lambda modules: dict.fromkeys(modules) | {"sklearn": "ImportError: no libgomp"}
    )
    assert [(finding.name, finding.ok, finding.detail) for finding in doctor._dependencies()] == [
        ("numpy", False, "2.4.1, needs <2.4,>=2.2"),
        ("h5py", False, "missing, needs >=3.12"),
        ("scikit-learn", False, "1.9.1 cannot be imported: ImportError: no libgomp"),
        ("rich", True, "15.0.0, needs >=13"),
    ]


def test_a_checkout_that_was_never_installed_is_one_finding(monkeypatch):
    def requires(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", requires)
    assert [finding.name for finding in doctor._dependencies()] == ["installation"]


def test_an_import_that_ends_the_process_is_blamed_and_the_ones_before_it_are_not(tmp_path, monkeypatch):
    (tmp_path / "fine.py").touch()
    (tmp_path / "raises.py").write_text("raise AttributeError('ptp')\n")
    (tmp_path / "crashes.py").write_text("import os; os._exit(9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert doctor._import_errors(["fine", "raises", "crashes", "after"]) == {
        "fine": None,
        "raises": "AttributeError: ptp",
        "crashes": "ended the process (exit code 9)",
        "after": "not tried, an earlier import failed for good",
    }


def test_a_shadowed_package_is_a_finding(monkeypatch, tmp_path):
    stranger = Intruder("circuits", tmp_path / "circuits.py", tmp_path / "ours" / "circuits")
    monkeypatch.setattr(doctor, "find_intruders", lambda: [stranger])
    (finding,) = doctor._packages()
    assert not finding.ok
    assert str(tmp_path / "circuits.py") in finding.detail


@pytest.mark.parametrize(
    "value, ok", [("1", True), ("2", True), ("3", False), ("2,8", True), ("0", False), ("all", False)]
)
def test_more_threads_than_cores_are_found(monkeypatch, value, ok):
    monkeypatch.setattr(doctor, "usable_cores", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert by_name(doctor._threads())["OMP_NUM_THREADS"].ok is ok


def test_the_first_folder_that_can_be_written_is_numbas_cache(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache" / "deep"))
    assert doctor._numba_cache().detail == str(tmp_path / "cache" / "deep")
    assert not (tmp_path / "cache").exists()


def test_a_numba_cache_that_nobody_can_write_is_found(monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    finding = doctor._numba_cache()
    assert (finding.ok, finding.remedy) == (False, "set NUMBA_CACHE_DIR to a folder that you can write")


def test_too_little_disk_and_memory_are_found_and_unknown_memory_is_not_held_against_anyone(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage(10 << 30, 9 << 30, 1 << 29))
    monkeypatch.setattr(doctor, "_available_memory", lambda: 1 << 29)
    assert not doctor._disk().ok
    assert not doctor._memory().ok
    monkeypatch.setattr(doctor, "_available_memory", lambda: None)
    assert doctor._memory().ok


def test_no_compiler_is_no_problem(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    finding = doctor._compiler()
    assert (finding.ok, finding.detail) == (True, "none; needed only to compare with Brian2's C++ code")
