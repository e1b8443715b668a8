"""What a C++ standalone project of Brian2 left behind after a run."""

import json

import numpy as np

from runs.benchmarks.spikes import spikes_digest

__all__ = ["standalone_result"]


def standalone_result(folder):
    """Run time and spikes that a standalone binary left in its folder of results.

    Returns
    -------
    dict : run_s, without reading the network and writing the results, processor time of one thread or time on the
        clock of several, as Brian2 measures it; spikes; digest
    """
    run_s = float((folder / "results" / "last_run_info.txt").read_text().split()[0])
    layout = json.loads((folder / "layout.json").read_text())
    ticks, neurons = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for row in layout["monitors"]:
        t = np.fromfile(folder / "results" / row["t"], dtype=np.float64)
        ticks.append(np.round(t / layout["dt_s"]).astype(np.int64))
        neurons.append(np.fromfile(folder / "results" / row["i"], dtype=np.int32).astype(np.int64) + row["start"])
    tick, neuron = np.concatenate(ticks), np.concatenate(neurons)
    return {"run_s": run_s, "spikes": int(tick.size), "digest": spikes_digest(tick, neuron)}
