"""A point in a process of its own, for workers that run tasks in threads: Brian2 is imported by main threads only.

The process is told one line of JSON and answers with one. It ends when its input does,
so that a killed worker leaves nothing behind that would write into the folder of a point that another took over.
"""

import json
import os
import signal
import subprocess
import sys
import threading

from eventsim.doctor import THREAD_VARIABLES
from runs.sweep.points import run_point

__all__ = ["answer", "run_apart"]


def run_apart(*point):
    """As `runs.sweep.points.run_point`, in a new process with one thread for each library."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
    command, pipe = [sys.executable, "-c", "from runs.sweep import apart; apart.answer()"], subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        process.stdin.write(json.dumps(point) + "\n")
        process.stdin.flush()
        answers = process.stdout.read().splitlines()  # its own comes last, after what the experiment printed
        if process.wait() != 0:
            return f"its process ended with code {process.returncode}: killed, for want of memory perhaps"
    return json.loads(answers[-1])


def answer():
    """In the new process: read a point, run it, print what went wrong or null."""
    os.setpgrp()
    point = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    print("\n" + json.dumps(run_point(*point)))


def _end_with_the_input():
    os.read(0, 1)  # not through sys.stdin, whose lock the interpreter wants when it ends
    os.killpg(0, signal.SIGKILL)
