"""`eventsim bench`: simulators on the same synapses in turn, their run times, ratios, memory, and whether spikes agree.

Everything is prepared once and kept: the compiled network in a file, Brian2's C++ standalone as a built project. Then
the simulators run in turn, round after round, each run a process of its own; figures are medians over rounds, ratios
medians of the ratios within a round, so that a machine whose speed drifts spoils neither.
"""

import json
import os
import platform
import shutil
import sys
import time
from pathlib import Path
from statistics import median

import numba

from eventsim.errors import ConfigError, EnvironmentProblem
from eventsim.grid.engine import check_threads
from runs.benchmarks.brian2_results import standalone_result
from runs.benchmarks.cases import CASES, Case
from runs.benchmarks.other_simulators import PROGRAMS, interpreters, prepare_other, run_other
from runs.benchmarks.prepared import prepared, versions
from runs.benchmarks.processes import module, run_process
from runs.benchmarks.shown import plot, table
from runs.run import results_folder

__all__ = ["bench"]

#: What a run of a C++ standalone project reads, beside its folder of results.
_PROJECT = ("main", "layout.json", "static_arrays/*")


def bench(names=(), quick=False, rounds=5, threads=(1, 2), with_numpy=False, others=None, folder=Path("out/bench")):
    """Run the benchmark; bench.json and bench.png are written after each network, so that a stop loses none before it.

    Parameters
    ----------
    names : sequence of str
        Of CASES; all of them if empty.
    quick : bool
        Small networks.
    rounds : int
        Counted rounds, after one that is not.
    threads : sequence of int
    with_numpy : bool
        Run Brian2's numpy target too: slow, and the measure of identity.
    others : mapping of str to path, optional
        "nest", "sanafe" -> an interpreter that has it; this one, if it has and none is given.
    folder : path
        What is prepared stays in it and is used again.

    Returns
    -------
    (document, text) : machine, versions and a row per run, as plain types; the same as a table

    Raises
    ------
    ConfigError
        For an unknown network, too many threads, or a folder that cannot be made.
    EnvironmentProblem
        When a simulator fails, or there is no C++ compiler.
    """
    unknown = set(names) - set(CASES)
    if unknown:
        raise ConfigError(f"there is no benchmark '{min(unknown)}'; choose from {', '.join(CASES)}")
    if rounds < 1:
        raise ConfigError(f"rounds is {rounds}; it must be at least 1")
    for n in threads:
        check_threads(n)
    folder = results_folder(folder, "bench").resolve()
    others = interpreters(others or {})
    cases = [Case(name, quick) for name in names or CASES]
    document = {"machine": _machine(), "versions": versions(), "quick": quick, "rounds": rounds, "cases": []}
    for number, case in enumerate(cases, 1):
        began = time.perf_counter()
        try:
            document["cases"].append(_measure(case, rounds, threads, with_numpy, others, folder))
        finally:
            _say("")  # what comes next has the line for itself
        written = json.dumps(document, indent=2, allow_nan=False) + "\n"
        (folder / "bench.json").write_text(written, encoding="utf-8")
        plot(document, folder / "bench.png")
        took = f"network {number} of {len(cases)}, {time.perf_counter() - began:.0f} s"
        print(f"{case.name}: {took}; results so far: {folder / 'bench.json'}", file=sys.stderr, flush=True)
    return document, f"{table(document)}\n\nwritten: {folder / 'bench.json'}, {folder / 'bench.png'}"


def _measure(case, rounds, threads, with_numpy, others, folder):
    """One case: prepared, then every simulator in turn."""
    home = folder / case.folder
    sizes = _prepare(case, home, threads)
    audited = _audited(case, home)
    runners = _runners(case, home, threads, bool(audited)) | _other_runners(case, home, threads, others)
    runs = {label: [] for label in runners}
    for number in range(rounds + 1):
        for label, runner in runners.items():
            _say(f"{case.name}: round {number} of {rounds}, {label}")
            result = runner()
            if number:
                runs[label].append(result)
    if with_numpy:  # once: it takes as long as all the others
        _say(f"{case.name}: brian2 numpy")
        runs["brian2 numpy"] = [run_process(module("brian2_side", "numpy", case.name, *_flags(case)))] * rounds
    return {"name": case.name, "duration_ms": case.duration_ms, **sizes, "rows": _rows(runs, audited)}


def _flags(case):
    return ["--quick"] if case.quick else []


def _prepare(case, home, threads):
    """Compile the network and build Brian2's projects, unless that was done."""
    told = prepared(home, ["network.npz"], lambda: _compile(case, home / "network.npz"))
    builds = {}
    for n in threads:
        project = home / f"standalone-{n}"
        builds[str(n)] = prepared(project, _PROJECT, lambda project=project, n=n: _build(case, project, n))["build_s"]
    return {name: told[name] for name in ("neurons", "synapses", "compile_s")} | {"build_s": builds}


def _compile(case, path):
    _say(f"{case.name}: compiling the network")
    return run_process(module("eventsim_side", "compile", case.name, path, *_flags(case)))


def _build(case, project, n):
    compiler = (os.environ.get("CXX", "").split() or ["g++"])[0]  # as make chooses it
    missing = [program for program in (compiler, "make") if shutil.which(program) is None]
    if missing:
        raise EnvironmentProblem(
            "Brian2's C++ standalone needs a C++ compiler and make, and PATH has no "
            f"{' and no '.join(missing)}; install them (Debian, Ubuntu: apt install g++ make), or extend PATH"
        )
    _say(f"{case.name}: building Brian2's C++ standalone for {n} thread{'s' * (n != 1)}")
    return run_process(module("brian2_side", "build", case.name, project, n, *_flags(case)))


def _audited(case, home):
    """The digest of a run in continuous time that passed its audit, and how many of its spikes that replayed.

    Continuous time has spikes of its own, since the grid decays a tick between an arrival and the threshold; those of
    each run that is measured must be these. Empty where a network has no exact solution.
    """
    _say(f"{case.name}: auditing continuous time")
    found = run_process(module("eventsim_side", "audit", case.name, home / "network.npz", *_flags(case)))
    if "digest" not in found:
        return {}
    return {"digest": found["digest"] if found["audited"] else "an audit failed", "replayed": found["replayed"]}


def _runners(case, home, threads, exact):
    """Label -> function that does one run and returns what it measured; `exact` for continuous time as well."""

    def standalone(n):
        project = home / f"standalone-{n}"
        return run_process(["./main"], project) | standalone_result(project)

    def ours(*options):
        command = module("eventsim_side", "run", case.name, home / "network.npz", *_flags(case), *options)
        return run_process(command)

    runners = {}
    for n in threads:
        runners[f"cpp {n}"] = lambda n=n: standalone(n)
        runners[f"eventsim {n}"] = lambda n=n: ours("--threads", n)
    one = threads[0]
    runners[f"eventsim {one}, all neurons in each tick"] = lambda: ours("--threads", one, "--updates", "dense")
    runners[f"eventsim {one}, touched neurons only"] = lambda: ours("--threads", one, "--updates", "touched")
    runners[f"eventsim {one}, many cores"] = lambda: ours("--threads", one, "--cores")
    runners[f"eventsim {one}, trace file"] = lambda: ours("--threads", one, "--trace", home / "trace.h5")
    if exact:
        runners[f"eventsim {one}, continuous"] = lambda: ours("--clock", "continuous")
    return runners


def _other_runners(case, home, threads, others):
    """The same for other simulators, where there is an interpreter that has them and the case is one of theirs."""
    runners, ticks = {}, round(case.duration_ms)
    for program, python in others.items():
        if case.name not in PROGRAMS[program][1]:
            continue
        _say(f"{case.name}: writing the network for {program}")
        folder = prepare_other(program, case, _flags(case), home)
        for n in threads if program == "nest" else (1,):
            runners[f"{program} {n}"] = lambda n=n, given=(program, python, folder): run_other(*given, n, ticks)
    return runners


def _rows(runs, audited):
    """One row per simulator: medians, and the medians of ratios to C++ standalone and to eventsim, equal threads."""
    reference = next(iter(runs.values()))[0]["digest"]
    rows = []
    for label, results in runs.items():
        has_digest, exact = "digest" in results[0], label.endswith(", continuous")
        expected = audited["digest"] if exact else reference
        program, _, setting = label.partition(" ")
        threads = setting.split(",")[0]
        cpp = runs.get(f"cpp {threads}", runs[next(iter(runs))])
        counted = ", many cores" if program == "sanafe" else ""  # which counts by core too
        own = runs.get(f"eventsim {threads}{counted}", results)
        times = [r["run_s"] for r in results]
        row = {
            "simulator": label, "run_s": median(times), "run_s_least": min(times), "run_s_most": max(times),
            "speed_up": median(c["run_s"] / r["run_s"] for c, r in zip(cpp, results)),
            "time_of_eventsim": median(r["run_s"] / o["run_s"] for r, o in zip(results, own)),
            "peak_mb": median(r["peak_mb"] for r in results),
            "spikes": results[0]["spikes"],
            "same_spikes": all(r["digest"] == expected for r in results) if has_digest else None,
        }  # fmt: skip
        if all(c["peak_mb"] for c in cpp):  # all were seen
            row["memory"] = median(r["peak_mb"] / c["peak_mb"] for c, r in zip(cpp, results))
        if exact:
            row["replayed"] = audited["replayed"]
        for name in ("start_s", "finish_s", "events"):
            if name in results[0]:
                row[name] = median(r[name] for r in results)
        if row.get("events"):
            row["ns_per_event"] = row["run_s"] / row["events"] * 1e9
        rows.append(row)
    return rows


def _machine():
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {"processor": model, "threads": numba.config.NUMBA_NUM_THREADS, "system": platform.platform(terse=True)}


def _say(text):
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
