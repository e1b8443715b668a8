"""The Tab key: what a shell is offered, asked as a shell asks."""

import os
import subprocess
import sys

import pytest


def offered(line, incomplete=""):
    """Completions of a command line, as bash would receive them."""
    words = [*line.split(), incomplete]
    asked = {"_EVENTSIM_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run([sys.executable, "-m", "runs.cli"], capture_output=True, text=True, env=os.environ | asked)
    assert done.stderr == ""
    return [row.partition(",")[2] for row in filter(None, done.stdout.splitlines())]


@pytest.mark.parametrize("line, incomplete, expected", [
    ("eventsim", "in", {"inspect"}),
    ("eventsim run", "digits-a", {"digits-attention"}),
    ("eventsim run digits-attention --set", "sup", {"support="}),
    ("eventsim audit digits-attention --permutation --set", "beta", {"beta="}),
    ("eventsim cost out/trace.h5 --chip", "loihi", {"loihi", "loihi2"}),
    ("eventsim cost out/trace.h5 --chip truenorth --table", "", {"affine", "split", "all_in"}),
    ("eventsim export out/trace.h5 --to", "p", {"parquet", "perfetto"}),
])  # fmt: skip
def test_a_shell_is_offered_what_fits(line, incomplete, expected):
    assert expected <= set(offered(line, incomplete))


@pytest.mark.parametrize("line", ["eventsim run nothing --set", "eventsim cost t.h5 --chip nothing --table"])
def test_nothing_is_offered_where_nothing_is_known(line):
    assert offered(line) == []


def test_bash_accepts_the_script(eventsim):
    printed = eventsim("completion", "bash").out
    assert "_EVENTSIM_COMPLETE=bash_complete" in printed
    assert subprocess.run(["bash", "-n"], input=printed, text=True).returncode == 0
