"""Files in HDF5's old formats are read by a process of their own: what it copies, and how its end is told."""

import os

import h5py
import numpy as np
import pytest

from eventsim.errors import EnvironmentProblem, TraceFormatError
from eventsim.trace import quarantine
from eventsim.trace.quarantine import open_foreign

SORTING = h5py.enum_dtype({"none": 0, "by_time": 2}, basetype=np.uint8)


@pytest.fixture
def old(tmp_path):
    """A file as h5py writes it unless it is told otherwise."""
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file["a/numbers"] = np.arange(7.0)
        file["a/numbers"].attrs["units"] = "ms"
        file["a"].attrs.create("sorting", 2, dtype=SORTING)
        file["a"].attrs["large"] = np.arange(8000.0)
        file.create_dataset("packed", data=np.arange(3000).reshape(1000, 3), compression="gzip", shuffle=True)
        file["text"] = [["b", "c"], ["d", "e"]]
        file["one"], file["none"] = 5, np.empty(0)
    return path


def test_a_copy_holds_what_was_there(old):
    with open_foreign(old, dimensions=2, text=True) as file:
        assert file["a/numbers"][:].tolist() == list(range(7)) and file["a/numbers"].attrs["units"] == "ms"
        assert file["a"].attrs["sorting"] == 2 and h5py.check_enum_dtype(file["a"].attrs.get_id("sorting").dtype)
        assert (file["packed"][:] == np.arange(3000).reshape(1000, 3)).all()
        assert [[x.decode() for x in row] for row in file["text"][:]] == [["b", "c"], ["d", "e"]]
        assert file["one"][()] == 5 and file["none"].size == 0
        assert not os.path.exists(file.filename)  # its name is gone, and with this the file


def test_a_file_with_checksums_is_opened_as_it_is(tmp_path):
    with h5py.File(tmp_path / "new.h5", "w", libver=("v110", "v110")) as file:
        file["x"] = np.arange(3)
    with open_foreign(tmp_path / "new.h5") as file:
        assert file.filename == str(tmp_path / "new.h5")


def test_a_refusal_of_the_child_is_a_refusal_here(old):
    with pytest.raises(TraceFormatError, match=r"old.h5: '/one' is not one-dimensional"):
        open_foreign(old)
    with h5py.File(old, "r+") as file:
        file["x"] = h5py.ExternalLink("/etc/hostname", "/x")
    with pytest.raises(TraceFormatError, match=r"old.h5: '/x' is an external link"):
        open_foreign(old, dimensions=2, text=True)


#: What a child does in the place of copying, and what is said then.
ENDS = {
    "while True: pass": "had not come to an end with it after 1 s",
    "__import__('os').abort()": r"the HDF5 library crashed on it \(SIGABRT\)",
    "raise RuntimeError('no')": r"is damaged \(no\)",
    "bytearray(8 << 30)": r"is damaged \(MemoryError\)",
    "__import__('os')._exit(3)": r"the process that should copy it failed \(no reason given\)",
}


@pytest.mark.parametrize("act", ENDS)
def test_a_child_that_does_not_come_to_an_end_or_crashes_is_one_line(old, monkeypatch, act):
    child = f"from eventsim.trace import quarantine\ndef act(*_):\n    {act}\n"
    monkeypatch.setattr(quarantine, "_SECONDS", 1)
    monkeypatch.setattr(quarantine, "_CHILD", f"{child}quarantine._copy_group = act\nquarantine.answer()")
    with pytest.raises((TraceFormatError, EnvironmentProblem), match=ENDS[act]) as caught:
        open_foreign(old, dimensions=2, text=True)
    assert str(caught.value).startswith(str(old)) and "\n" not in str(caught.value)


def test_what_loading_the_libraries_takes_is_not_the_files_fault(old, monkeypatch):
    child = ("from eventsim.trace import quarantine\nimport time\n"
             "while time.process_time() < 1.5: pass\nquarantine.answer()")  # fmt: skip
    monkeypatch.setattr(quarantine, "_SECONDS", 1)
    monkeypatch.setattr(quarantine, "_CHILD", child)
    with open_foreign(old, dimensions=2, text=True) as file:
        assert file["one"][()] == 5


def test_no_room_for_the_copy_is_a_matter_of_the_environment(old, monkeypatch):
    child = ("import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
             "from eventsim.trace import quarantine\nquarantine.answer()")  # fmt: skip
    monkeypatch.setattr(quarantine, "_CHILD", child)
    with pytest.raises(EnvironmentProblem, match=r"no room for a copy of .*old.h5 \(File too large\); set TMPDIR"):
        open_foreign(old, dimensions=2, text=True)
