"""Disks that are full or fail: one clear error, nothing that was written is harmed, and run again all is well."""

import ctypes
import errno
import json
import os
import re
import resource
import shutil
from unittest import mock

import numpy as np

from eventsim.errors import EnvironmentProblem
from tests.reliability.processes import Child
from tests.reliability.rows import Row
from tests.reliability.scene import Scene
from tests.reliability.victim import CLOCKS, content_of, segments_of

__all__ = ["failing_calls", "full_disk", "small_files"]

_ERROR = re.compile(r"cannot (write|make) \S+ \((No space left on device|File too large|Input/output error)\)[^\n]*")


def failing_calls(folder, most):
    """`fsync` or `rename` (os.replace) fails at its k-th call, for each k; once, or from then on."""
    faults, tried = [], 0
    for scene, name, once in ((s, n, o) for s in _scenes(folder) for n in ("fsync", "replace") for o in (True, False)):
        for k in range(1, most + 1):
            said, found = _broken(scene, folder, _failing, name, k, once)
            if said is None:  # there is no k-th call
                break
            tried += 1
            faults += [f"{name} {k}, {'once' if once else 'for good'}, {scene.clock}: {fault}" for fault in found]
    what = f"fsync or rename fails at call k, k up to {most}: one line that names the file, earlier segments intact"
    return Row(what, tried, tuple(faults), f"{len(faults)} other errors")


def small_files(folder, limits):
    """Files can grow to so many bytes (RLIMIT_FSIZE): limits spread evenly from a byte to the whole trace."""
    faults, tried = [], 0
    for scene in _scenes(folder):
        scene.victim.run(folder / "whole.h5")
        for limit in np.geomspace(1, (folder / "whole.h5").stat().st_size - 1, limits).astype(int).tolist():
            said, found = _broken(scene, folder, _limited, limit)
            found += ["it ran all the same"] if said is None else []
            tried += 1
            faults += [f"{limit} bytes, {scene.clock}: {fault}" for fault in found]
    what = "no file may grow beyond a limit (RLIMIT_FSIZE): the same"
    return Row(what, tried, tuple(faults), f"{len(faults)} other errors")


def full_disk(folder, sizes):
    """A disk of so many kilobytes (a tmpfs of the child's own): too small for the segments, or for the trace."""
    faults, tried = [], 0
    for scene in _scenes(folder):
        for kilobytes in np.linspace(24, 160, sizes).astype(int).tolist():
            answer = folder / "answer.json"
            answer.unlink(missing_ok=True)
            Child(_on_a_small_disk, scene, folder / "disk", kilobytes, answer).wait()
            found = json.loads(answer.read_text()) if answer.exists() else ["it ended without an answer"]
            if found is None:
                return Row("a full disk: not tried, file systems cannot be mounted here", 0, (), "")
            tried += 1
            faults += [f"{kilobytes} kB, {scene.clock}: {fault}" for fault in found]
    what = "a full disk (a tmpfs of 24 to 160 kB): the same"
    return Row(what, tried, tuple(faults), f"{len(faults)} other errors")


def _scenes(folder):
    return [Scene(folder, clock, ticks=800) for clock in CLOCKS]  # some dozen segments


def _broken(scene, folder, breaks, *how):
    """(error, faults) of a run in a world that is broken in some way; the error is None when nothing went wrong."""
    shutil.rmtree(folder / "run", ignore_errors=True)
    path, said = scene.place(folder / "run", with_older=True), folder / "said"
    said.write_text("")
    with open(said, "r+b", buffering=0) as answer:
        code = Child(_attempt, scene, path, answer, breaks, *how).wait()
    if code:
        return "", [f"it ended with {code}"]
    error = said.read_text()
    if not error:
        return None, []
    return error, _judged(scene, path, error) + scene.faults_of_a_rerun(path)


def _judged(scene, path, error):
    handed = len(segments_of(path))  # what is lost of a run that was told so is its user's to decide
    faults, _ = scene.faults(path, handed)
    return faults if _ERROR.fullmatch(error) else [*faults, f"it said: {error}"]


def _attempt(scene, path, answer, breaks, *how):
    """In the child: break the world, run, write the error down."""
    error = ""
    with breaks(*how):
        try:
            scene.victim.run(path)
        except EnvironmentProblem as problem:
            error = str(problem)
    os.write(answer.fileno(), error.encode())


def _failing(name, k, once):
    """A patch by which the k-th call of a function fails."""
    original, calls = getattr(os, name), []

    def call(*arguments):
        calls.append(1)
        if len(calls) == k or (len(calls) > k and not once):
            raise OSError(errno.EIO if once else errno.ENOSPC, os.strerror(errno.EIO if once else errno.ENOSPC))
        return original(*arguments)

    return mock.patch.object(os, name, call)


class _limited:
    """A world in which files grow to a number of bytes."""

    def __init__(self, limit):
        self._limit = limit

    def __enter__(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._limit, resource.RLIM_INFINITY))

    def __exit__(self, *_):
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _on_a_small_disk(scene, place, kilobytes, answer):
    """In the child: mount it, run, judge, make it larger and run again; the faults go into a file elsewhere."""
    place.mkdir(exist_ok=True)
    if not _mounted(place, kilobytes):
        answer.write_text("null")
        return
    path, faults = scene.place(place / "run", with_older=False), []
    try:
        scene.victim.run(path)
        faults.append("it ran all the same")
    except EnvironmentProblem as problem:
        faults += _judged(scene, path, str(problem))
    _mounted(place, 10_000, again=True)
    scene.victim.run(path)
    if content_of(path) != scene.content:
        faults.append("run again with room, it gives another SHA-256")
    answer.write_text(json.dumps(faults))


#: From Linux's sched.h and mount.h.
_NEW_MOUNTS, _NEW_USER, _REMOUNT, _PRIVATE = 0x00020000, 0x10000000, 32, (1 << 18) | 16384


def _mounted(place, kilobytes, again=False):
    """Whether a tmpfs of a size is there, which this process alone sees."""
    libc, size = ctypes.CDLL(None, use_errno=True), f"size={kilobytes}k".encode()
    if again:
        return libc.mount(b"tmpfs", bytes(place), b"tmpfs", _REMOUNT, size) == 0
    alone = libc.unshare(_NEW_MOUNTS | (_NEW_USER if os.getuid() else 0)) == 0
    return (alone and libc.mount(b"none", b"/", None, _PRIVATE, None) == 0
            and libc.mount(b"tmpfs", bytes(place), b"tmpfs", 0, size) == 0)  # fmt: skip
