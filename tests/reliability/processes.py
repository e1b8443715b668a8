"""Processes that are judged by how they end: programs, and copies of this process that do one thing."""

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from mmap import mmap

import numpy as np

__all__ = ["Child", "how_it_ended", "run_watched", "shared_integers"]

_POLL_S = 0.0005


def run_watched(command, **options):
    """Run a program to its end, or kill it, and the group of processes that it leads, when this one is interrupted.

    A crash in it leaves the stack of every thread on standard error.
    """
    environment, pipe = options.pop("env", os.environ) | {"PYTHONFAULTHANDLER": "1"}, subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, **options) as process:
        try:
            out, err = process.communicate()
        except BaseException:
            with suppress(ProcessLookupError):  # it leads none
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def how_it_ended(done):
    """A program's code or the signal that ended it, and the last of what it said: never nothing."""
    code = done.returncode
    ended = f"exit code {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"
    said = "; ".join(text.strip()[-2000:] for text in (done.stdout, done.stderr) if text.strip())
    return f"{ended}, {said or 'without a word'}"


def shared_integers(n):
    """(n,) int64, zero: what a child writes there is seen here."""
    return np.frombuffer(mmap(-1, 8 * n), np.int64)


class Child:
    """A fork that calls a function; it ends with code 0 when that returns and 1 when it raises.

    Everything that was compiled here is compiled there. Signals are as in a program started from a terminal.
    """

    def __init__(self, function, *arguments):
        if threading.active_count() > 1:
            raise RuntimeError(f"a process with threads is not to be forked: {threading.enumerate()}")
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _call(function, arguments)
        self._status = None

    def ended(self):
        """Whether it has."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def wait(self):
        """Its exit code, negative for the signal that ended it."""
        if self._status is None:
            _, self._status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(self._status)

    def wait_until(self, reached):
        """Wait for a condition; False when the child has ended before."""
        while not reached():
            if self.ended():
                return False
            time.sleep(_POLL_S)
        return True

    def signal(self, number):
        """Send a signal; False when it has ended already."""
        if self.ended():
            return False
        os.kill(self.pid, number)
        return True


def _call(function, arguments):
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has it ignored
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        function(*arguments)
        code = 0
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
