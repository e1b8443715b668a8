"""Copies of this process that do one thing and end, and a little memory that parent and child both see."""

import os
import signal
import sys
import threading
import time
import traceback
from mmap import mmap

import numpy as np

__all__ = ["Child", "shared_integers"]

_POLL_S = 0.0005


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
