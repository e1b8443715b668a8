"""A small run of digits-attention that the tests of this folder share, and the command line as a user calls it."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

SMALL = ("support=40", "queries=12", "ticks=400", "encode_ticks=64", "seed=3")


@dataclass(frozen=True)
class Result:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def eventsim():
    """Call the command line in a process of its own."""

    def call(*arguments, cwd=None):
        done = subprocess.run(
            [sys.executable, "-m", "runs.cli", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            timeout=300,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def small_run(eventsim, tmp_path_factory):
    """(folder, Result) of the main job, made small."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    settings = [part for setting in SMALL for part in ("--set", setting)]
    result = eventsim("run", "digits-attention", "--out", folder, "--json", *settings)
    assert result.code == 0, result.err
    return folder, result
