"""`eventsim bench`: simulators on the same synapses in turn, their run times, ratios, memory, and whether spikes agree.

Everything is prepared once and kept: the compiled network in a file, Brian2's C++ standalone as a built project. Then
the simulators run in turn, round after round, each run a process of its own; figures are medians over rounds, ratios
medians of the ratios within a round, so that a machine whose speed drifts spoils neither.
"""

import hashlib
import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import numba

from eventsim.errors import ConfigError
from runs.benchmarks.brian2_results import standalone_result
from runs.benchmarks.cases import CASES, Case
from runs.benchmarks.other_simulators import PROGRAMS, interpreters, prepare_other, run_other
from runs.benchmarks.processes import module, run_process
from runs.benchmarks.shown import plot, table

__all__ = ["bench"]

_PACKAGES = ("eventsim-spiking", "brian2", "numba", "llvmlite", "numpy")


def bench(names=(), quick=False, rounds=5, threads=(1, 2), with_numpy=False, others=None, folder=Path("out/bench")):
    """Run the benchmark.

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
        For an unknown network.
    EnvironmentProblem
        When a simulator fails.
    """
    unknown = set(names) - set(CASES)
    if unknown:
        raise ConfigError(f"there is no benchmark '{min(unknown)}'; choose from {', '.join(CASES)}")
    if rounds < 1:
        raise ConfigError(f"rounds is {rounds}; it must be at least 1")
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    others = interpreters(others or {})
    results = [_measure(Case(name, quick), rounds, threads, with_numpy, others, folder) for name in names or CASES]
    document = {"machine": _machine(), "versions": _versions(), "quick": quick, "rounds": rounds, "cases": results}
    (folder / "bench.json").write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    plot(document, folder / "bench.png")
    written = f"written: {folder / 'bench.json'}, {folder / 'bench.png'}"
    return document, f"{table(document)}\n\n{written}"


def _measure(case, rounds, threads, with_numpy, others, folder):
    """One case: prepared, then every simulator in turn."""
    home = folder / case.folder
    home.mkdir(exist_ok=True)
    prepared = _prepare(case, home, threads)
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
    return {"name": case.name, "duration_ms": case.duration_ms, **prepared, "rows": _rows(runs, audited)}


def _flags(case):
    return ["--quick"] if case.quick else []


def _prepare(case, home, threads):
    """Compile the network and build Brian2's projects, unless that was done with the same sources and versions."""
    sources = "".join(
        (Path(__file__).parent / f"{name}.py").read_text() for name in ("attention", "networks", "cases", "brian2_side")
    )
    stamp = hashlib.sha256((sources + json.dumps(_versions())).encode()).hexdigest()
    record = home / "prepared.json"
    done = json.loads(record.read_text()) if record.exists() else {}
    done = done if done.get("stamp") == stamp else {"stamp": stamp, "build_s": {}}
    if "compile_s" not in done:
        _say(f"{case.name}: compiling the network")
        command = module("eventsim_side", "compile", case.name, home / "network.npz", *_flags(case))
        result = run_process(command)
        done |= {name: result[name] for name in ("compile_s", "neurons", "synapses")}
    for n in threads:
        if str(n) not in done["build_s"]:
            _say(f"{case.name}: building Brian2's C++ standalone for {n} threads")
            command = module("brian2_side", "build", case.name, home / f"standalone-{n}", n, *_flags(case))
            done["build_s"][str(n)] = run_process(command)["build_s"]
        record.write_text(json.dumps(done))
    return {name: done[name] for name in ("neurons", "synapses", "compile_s", "build_s")}


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
            "memory": median(r["peak_mb"] / max(c["peak_mb"], 1e-3) for c, r in zip(cpp, results)),
            "spikes": results[0]["spikes"],
            "same_spikes": all(r["digest"] == expected for r in results) if has_digest else None,
        }  # fmt: skip
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


def _versions():
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _say(text):
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
