"""eventsim's side of a benchmark: one network compiled and saved, or a saved one simulated in this fresh process.

    python -m runs.benchmarks.eventsim_side compile CASE FILE [--quick]
    python -m runs.benchmarks.eventsim_side run CASE FILE [--quick] [--threads N] [--updates U] [--cores] [--trace FILE]
                                                          [--clock continuous]
    python -m runs.benchmarks.eventsim_side audit CASE FILE [--quick]
    python -m runs.benchmarks.eventsim_side nest|sanafe CASE FILE --folder FOLDER [--quick]

`audit` audits a run in continuous time, replayed by matrix exponentials; the last writes the network for another
program. One JSON line on standard output. `run_s` is the run alone, spikes kept, from the second tick to the last:
processor time of one thread, as Brian2's C++ measures itself, and time on the clock of several. `start_s` is what comes
before: arrays laid out, the kernel compiled or found compiled, the first tick. `peak_mb` goes up to the finished trace:
C++ writes its results and ends, and another process reads them.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from eventsim import Simulation, simulate
from eventsim.errors import CompileError
from runs.benchmarks.cases import Case
from runs.benchmarks.processes import peak_mb
from runs.benchmarks.saved import load_network, save_network
from runs.benchmarks.spikes import spikes_digest


def _compile(case, path):
    from eventsim import compile_network

    network = case.build()
    began = time.perf_counter()
    compiled = compile_network(network)
    compile_s = time.perf_counter() - began
    save_network(path, compiled)
    return {"compile_s": compile_s, "neurons": compiled.n_neurons, "synapses": compiled.n_synapses}


def _run(case, path, threads, updates, cores, trace, clock):
    compiled = load_network(path)
    options = {"threads": threads, "updates": updates, "trace": trace, "clock": clock}
    made, measured = _simulated(case, compiled, options | {"core_of": case.cores(compiled) if cores else None})
    spikes = made.spikes()
    return measured | {"digest": spikes_digest(spikes.tick, spikes.neuron)}


def _simulated(case, compiled, options):
    """The trace of a run, and what was measured of it, memory up to the finished trace."""
    stimulus = compiled.stimulus.lasting(round(case.duration_ms / compiled.dt_ms))
    began = time.perf_counter()
    with Simulation(compiled, stimulus, **options) as simulation:
        simulation.run(1)
        started, worked = time.perf_counter(), time.process_time()
        simulation.run()
        ran, worked = time.perf_counter(), time.process_time() - worked
        summary, trace = simulation.summary, simulation.finish()
    return trace, {
        "start_s": started - began, "run_s": worked if options["threads"] == 1 else ran - started,
        "finish_s": time.perf_counter() - ran, "events": summary.synaptic_events, "spikes": summary.spikes,
        "peak_mb": peak_mb(),
    }  # fmt: skip


def _audit(case, path):
    """Whether a run in continuous time passes its audit, and the digest of its spikes; empty if it cannot be run."""
    from analysis.audit import audit

    compiled = load_network(path)
    stimulus = compiled.stimulus.lasting(round(case.duration_ms / compiled.dt_ms))
    try:
        trace = simulate(compiled, stimulus, clock="continuous")
    except CompileError:
        return {}
    report, spikes = audit(trace), trace.spikes()
    return {"audited": report.passed, "replayed": report["justified"].checked,
            "digest": spikes_digest(spikes.tick, spikes.neuron)}  # fmt: skip


def _nest(case, path, folder):
    """An export to NEST, of a trace without a spike: what NEST needs is the network and how long it runs."""
    from eventsim import Trace
    from eventsim.trace.exports.nest import write

    compiled = load_network(path)
    stimulus = compiled.stimulus.lasting(round(case.duration_ms / compiled.dt_ms))
    nothing = np.empty(0, dtype=np.int64)
    with Trace.from_arrays(compiled, nothing, tick=nothing, stimulus=stimulus, path=folder / "silent.h5") as trace:
        write(trace, folder, None, None, False, approximate=True)
    return {}


def _sanafe(case, path, folder):
    """The two files of SANA-FE, and where its populations begin; sources enter at the cores in turn."""
    from hardware_models import Placement, load_chip
    from hardware_models.counting.sanafe_files import architecture, network_and_mapping

    compiled = load_network(path)
    core_of, enters_at = case.cores(compiled), np.full(compiled.n_neurons, -1)
    sources = np.flatnonzero(compiled.is_source)
    enters_at[sources] = np.arange(sources.size) % (core_of.max() + 1)
    placed = Placement.of(compiled, core_of, load_chip("loihi"), enters_at)
    stimulus = compiled.stimulus.lasting(round(case.duration_ms / compiled.dt_ms))
    (folder / "chip.yaml").write_text(architecture(placed, "nahuku"), encoding="utf-8")
    (folder / "network.yaml").write_text(network_and_mapping(compiled, placed, stimulus), encoding="utf-8")
    np.save(folder / "starts.npy", [p.start for p in compiled.populations])
    return {}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("compile", "run", "audit", "nest", "sanafe"))
    parser.add_argument("case")
    parser.add_argument("path")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--updates", default="measured")
    parser.add_argument("--cores", action="store_true", help="count on cores of 1,024 neurons, not on one core")
    parser.add_argument("--trace")
    parser.add_argument("--clock", default="grid")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    chosen = Case(given.case, given.quick)
    if given.what == "compile":
        print(json.dumps(_compile(chosen, given.path)))
    elif given.what == "audit":
        print(json.dumps(_audit(chosen, given.path)))
    elif given.what in ("nest", "sanafe"):
        given.folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps({"nest": _nest, "sanafe": _sanafe}[given.what](chosen, given.path, given.folder)))
    else:
        options = (given.threads, given.updates, given.cores, given.trace, given.clock)
        print(json.dumps(_run(chosen, given.path, *options)))
