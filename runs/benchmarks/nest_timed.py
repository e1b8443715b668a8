"""One run of NEST, timed: python nest_timed.py FOLDER THREADS, by an interpreter that has NEST.

FOLDER is an export to NEST (`eventsim export --to nest`). The time is that of `nest.Run`, after all is built and
calibrated; processor time of one thread, time on the clock of several. One JSON line on standard output.
"""

import json
import sys
import time
from pathlib import Path

import nest
import numpy as np


class Timed:
    """The module `nest`, but for `Simulate`, which keeps its run time."""

    def __init__(self, clock):
        object.__setattr__(self, "measured", {})
        object.__setattr__(self, "clock", clock)

    def __getattr__(self, name):
        return getattr(nest, name)

    def __setattr__(self, name, value):
        setattr(nest, name, value)

    def Simulate(self, duration_ms):
        nest.Prepare()
        began = self.clock()
        nest.Run(duration_ms)
        self.measured["run_s"] = self.clock() - began
        nest.Cleanup()


if __name__ == "__main__":
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    timed = Timed(time.process_time if threads == 1 else time.perf_counter)
    sys.modules["nest"] = timed
    sys.path.insert(0, str(folder))
    from run_in_nest import simulate

    with np.load(folder / "network.npz", allow_pickle=False) as arrays:
        neuron, _ = simulate(dict(arrays), threads)
    print("\n" + json.dumps(timed.measured | {"spikes": int(neuron.size)}))
