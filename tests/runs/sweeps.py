"""What tests of sweeps share: a tiny configuration, what a sweep of it left, and work for workers."""

import os
import signal
import subprocess
from pathlib import Path

#: A block of two tokens: a few hundred synapses.
TINY = """
experiment = "operation-counts"
blocks = ["qk_token"]
recording = ""
tokens = 2
channels = 2
heads = 1
steps = 1
rate = 0.6
seed = 1
order = "score_first"
"""


def results(folder):
    """The bytes of every file of a sweep, by its path; none of error.txt, which says where Python is installed."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): b"" if path.name == "error.txt" else path.read_bytes() for path in files}


def die_once(mark):
    """Kill this process, unless it or another has done so before."""
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def start_and_wait(note):
    """Start a process that does nothing for ten minutes, write down its id, and wait for it."""
    with subprocess.Popen(["sleep", "600"]) as child:
        Path(f"{note}.tmp").write_text(str(child.pid))
        os.replace(f"{note}.tmp", note)


def lives(process):
    """Whether a process is there; one that has ended and that nobody asked about has gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
