"""Where points run: processes of this machine or workers of a Dask cluster, both executors of `concurrent.futures`."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress

from eventsim.doctor import THREAD_VARIABLES
from eventsim.errors import ConfigError
from eventsim.extras import need

__all__ = ["LocalProcesses", "WorkerDied", "cluster", "local"]

#: How often a point is tried whose worker dies; Dask's own scheduler does likewise.
_ATTEMPTS = 2

#: Seconds in which a scheduler answers, and in which it has a worker.
_ANSWERS, _HAS_A_WORKER = 10, 60


class WorkerDied(RuntimeError):
    """The process that ran a point was killed, twice."""


@contextmanager
def local(workers):
    """An executor of so many processes, each with one thread for linear algebra and kernels."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))  # libraries read it when they are loaded: before spawning
    try:
        with _stopped_at_once(LocalProcesses(workers)) as executor:
            yield executor
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def cluster(address):
    """The executor of a Dask cluster; its workers see the same files under the same names.

    Raises
    ------
    ConfigError
        Nothing answers at the address, or no worker is there.
    """
    distributed = need("distributed", "scale")
    try:
        distributed.comm.resolve_address(address)  # a client that cannot read it would be left half made
        client = distributed.Client(address, timeout=_ANSWERS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--scheduler {address}: no Dask scheduler answers ({error}); start one by `dask scheduler` "
                          "and give the address that it prints, as in tcp://127.0.0.1:8786") from None  # fmt: skip
    with client:
        try:
            client.wait_for_workers(1, timeout=_HAS_A_WORKER)
        except TimeoutError:
            raise ConfigError(f"--scheduler {address}: no worker for {_HAS_A_WORKER} s; "
                              f"start some by `dask worker {address} --nthreads 1`") from None  # fmt: skip
        with _stopped_at_once(client.get_executor()) as executor:
            yield executor


@contextmanager
def _stopped_at_once(executor):
    """Shut down in the end; after an interrupt, without waiting for what still runs."""
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False)
        raise
    executor.shutdown()


class LocalProcesses(Executor):
    """Processes, each in a pool of its own: when one dies, it is known whose point it ran, and no other is touched."""

    def __init__(self, workers):
        self._threads = ThreadPoolExecutor(workers)
        self._mine, self._changing = threading.local(), threading.Lock()
        self._pools, self._stopping = [], False

    def submit(self, function, /, *arguments):
        """As of any executor."""
        return self._threads.submit(self._in_a_process, function, arguments)

    def shutdown(self, wait=True):
        """Wait for all that was submitted; or drop what waits and end what runs, now."""
        with self._changing:
            self._stopping = not wait
        if not wait:
            self._threads.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                with suppress(ProcessLookupError):  # it has ended, or is too young to lead a group
                    os.killpg(child.pid, signal.SIGKILL)
                child.kill()
        self._threads.shutdown()
        for pool in self._pools:
            pool.shutdown()

    def _in_a_process(self, function, arguments):
        for _ in range(_ATTEMPTS):
            try:
                return self._started(function, arguments).result()
            except BrokenProcessPool:
                self._mine.pool = None
        raise WorkerDied("its worker was killed, by somebody or for want of memory")

    def _started(self, function, arguments):
        with self._changing:
            if self._stopping:
                raise BrokenProcessPool("the sweep is being stopped")
            if getattr(self._mine, "pool", None) is None:
                self._mine.pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _lead_a_group)
                self._pools.append(self._mine.pool)
            return self._mine.pool.submit(function, *arguments)


def _lead_a_group():
    """In a new worker: out of reach of Ctrl-C, which is the sweep's to handle, and gone when the sweep is gone."""
    os.setpgrp()
    threading.Thread(target=_follow_the_parent, daemon=True).start()


def _follow_the_parent():
    multiprocessing.parent_process().join()
    os.killpg(0, signal.SIGKILL)  # what the point itself started, too
