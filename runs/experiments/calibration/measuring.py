"""Many measurements, in several processes if wanted; what comes out does not depend on how many."""

import gc
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from analysis.calibration import measure

__all__ = ["Measurer"]


class Measurer:
    """Runs measurements and says how far it is.

    Parameters
    ----------
    workers : int
        Processes; with 1, everything happens in this one.
    seed : int
        Of the first measurement's noise; each has a seed of its own.
    progress : bool
        Write to standard error.
    """

    def __init__(self, workers, seed, progress):
        self.workers, self.seed, self.progress = workers, seed, progress

    def __call__(self, what, jobs):
        """Measurements of (task, code, ticks), as a list in the order of the jobs."""
        jobs, found = [(*job, self.seed + k) for k, job in enumerate(jobs)], []
        with self._mapped(jobs) as results:
            for measured in results:
                found.append(measured)
                if self.progress:
                    print(f"\r{what}: {len(found)} of {len(jobs)} circuits ", end="", file=sys.stderr, flush=True)
        if self.progress:
            print(file=sys.stderr)
        return found

    @contextmanager
    def _mapped(self, jobs):
        gc.freeze()  # Brian2 collects garbage for every network; what there is by now needs no second look
        if self.workers == 1 or len(jobs) < 2:
            yield map(_measured, jobs)
        else:
            with ProcessPoolExecutor(self.workers, get_context("spawn")) as pool:
                yield pool.map(_measured, jobs, chunksize=2)
        gc.unfreeze()


def _measured(job):
    task, code, ticks, seed = job
    return measure(task, code, ticks, seed=seed)
