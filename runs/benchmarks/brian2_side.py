"""Brian2's side of a benchmark: its C++ standalone project built once, its numpy target run in a process.

    python -m runs.benchmarks.brian2_side build CASE FOLDER THREADS [--quick]
    python -m runs.benchmarks.brian2_side numpy CASE [--quick]

One JSON line on standard output.
"""

import json
import sys
import time
from pathlib import Path

import brian2
import numpy as np

from runs.benchmarks.cases import Case
from runs.benchmarks.spikes import spikes_digest


def _monitored(case):
    """(network, [(monitor, first neuron id)]): groups are numbered in order of name, as the compiler does."""
    network = case.build()
    groups = sorted(
        (g for g in network.objects if isinstance(g, brian2.NeuronGroup | brian2.SpikeGeneratorGroup)),
        key=lambda g: g.name,
    )
    starts = np.concatenate([[0], np.cumsum([len(g) for g in groups])])
    monitors = [brian2.SpikeMonitor(g, name=f"monitor_{k}") for k, g in enumerate(groups)]
    network.add(*monitors)
    return network, list(zip(monitors, starts.tolist()))


def _build(case, folder, threads):
    brian2.set_device("cpp_standalone", build_on_run=False, directory=str(folder))
    brian2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
    network, monitors = _monitored(case)
    network.run(case.duration_ms * brian2.ms)
    began = time.perf_counter()
    # Cleaned first: make would keep a damaged binary that is newer than its sources.
    brian2.device.build(directory=str(folder), compile=True, run=False, clean=True)
    names = brian2.device.get_array_filename
    layout = {
        "dt_s": float(monitors[0][0].source.clock.dt_),
        "monitors": [
            {"start": start, **{v: Path(names(m.variables[v])).name for v in ("i", "t")}} for m, start in monitors
        ],
    }
    (folder / "layout.json").write_text(json.dumps(layout))
    return {"build_s": time.perf_counter() - began}


def _numpy(case):
    brian2.prefs.codegen.target = "numpy"
    network, monitors = _monitored(case)
    network.run(0 * brian2.ms)
    began = time.perf_counter()
    network.run(case.duration_ms * brian2.ms)
    run_s = time.perf_counter() - began
    dt_s = float(monitors[0][0].source.clock.dt_)
    tick = np.concatenate([np.round(np.asarray(m.t_) / dt_s).astype(np.int64) for m, _ in monitors])
    neuron = np.concatenate([np.asarray(m.i).astype(np.int64) + start for m, start in monitors])
    return {"run_s": run_s, "spikes": int(tick.size), "digest": spikes_digest(tick, neuron)}


if __name__ == "__main__":
    what, name, *rest = [argument for argument in sys.argv[1:] if argument != "--quick"]
    chosen = Case(name, quick="--quick" in sys.argv)
    result = _numpy(chosen) if what == "numpy" else _build(chosen, Path(rest[0]), int(rest[1]))
    print(json.dumps(result))
