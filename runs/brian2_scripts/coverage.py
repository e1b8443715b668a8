"""Which scripts of a folder give equal spikes, as a page: `python -m runs.brian2_scripts.coverage FOLDER`.

The page in this folder is of the examples that come with Brian2's source distribution, in its folder `examples`.
"""

import json
import multiprocessing
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import click

__all__ = ["classify", "page", "survey"]

#: What `run` says of a network, or of objects of one, that ran before in the same script.
_AGAIN = "a network that has already run"

_PAGE = Path(__file__).parent / "brian2_examples.md"

#: A script that waits, for input perhaps, uses no processor: it is given up after so many times its processor time by
#: the clock.
_WAITING = 20


def survey(folder, longest_ms, cpu_s, workers=1, progress=None):
    """Mapping script -> what `runs.brian2_scripts.compared.compare` found, each in a process and a folder of its own.

    Processor time is what is limited, so that a busy machine decides on no script.
    """
    processes = multiprocessing.get_context("forkserver")  # Brian2 is imported once, not once for each script
    processes.set_forkserver_preload(["runs.brian2_scripts.compared"])
    names = [str(script.relative_to(folder).with_suffix("")) for script in sorted(Path(folder).rglob("*.py"))]
    with ThreadPoolExecutor(workers) as threads:
        running = {threads.submit(_in_process, processes, Path(folder, f"{name}.py").resolve(), longest_ms, cpu_s): name
                   for name in names}  # fmt: skip
        for k, done in enumerate(as_completed(running)):
            if progress:
                progress(f"{k + 1}/{len(names)} {running[done]}: {classify(done.result())[0]}")
    return {name: done.result() for done, name in running.items()}


def _in_process(processes, script, longest_ms, cpu_s):
    ours, theirs = processes.Pipe(duplex=False)
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        arguments = (theirs, script, longest_ms, cpu_s, scratch)
        process = processes.Process(target=_compare_into, args=arguments, daemon=True)  # which may have no children
        process.start()
        theirs.close()
        try:
            if ours.poll(_WAITING * cpu_s):
                return ours.recv()
            error = f"took longer than {_WAITING * cpu_s:g} s by the clock"
        except EOFError:
            process.join()
            stopped = process.exitcode == -signal.SIGXCPU
            error = f"took longer than {cpu_s:g} s of processor time" if stopped else "ended its process"
        finally:
            with suppress(ProcessLookupError):  # with it goes what else it started, a compiler perhaps
                os.killpg(process.pid, signal.SIGKILL)
            process.join()
    return {"runs": [], "error": error}


def _compare_into(pipe, script, longest_ms, cpu_s, scratch):
    """In the process of a script: what it prints is not looked at, and what it writes is thrown away."""
    os.setsid()
    os.chdir(scratch)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 10))
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        from runs.brian2_scripts.compared import compare

        pipe.send(compare(script, longest_ms))


def classify(result):
    """(outcome, reason) of a script."""
    runs = result["runs"]
    if not runs:
        return "not run", result["error"] or "never ran a network"
    if _AGAIN in (result["error"] or ""):
        return "refused", _AGAIN
    outcomes = [run["outcome"] for run in runs]
    if "differs" in outcomes:
        return "differs", ""
    if outcomes[-1] in ("refused", "noise"):
        return outcomes[-1], runs[-1]["reason"]
    silent = not any(run["spikes"] for run in runs)
    return ("silent" if silent else "equal"), ""


#: Outcome -> what the page says of it.
_OUTCOMES = {
    "equal": "Run unchanged, every spike as in Brian2",
    "silent": "Run unchanged; no neuron fires in the time compared, in neither",
    "differs": "Run unchanged, spikes differ",
    "noise": "Run with noise re-keyed (`--set noise=rekey`): equal in distribution only",
    "refused": "Refused, by name",
    "not run": "Not decided",
}

#: A word of the reason -> how the page sums it up, in the order in which they are tried.
_REASONS = {
    "daemonic": "runs its networks in processes of its own",
    "differential equations of the synapse": "synapses with equations of their own (plasticity, slow channels)",
    "changes the synapse's own": "synapses that change (plasticity)",
    "summed variable": "summed variables",
    "Spatial": "neurons with a spatial extent",
    "linked to": "variables linked to another group's, which change",
    "Subgroup": "subgroups with operations of their own",
    "NetworkOperation": "network operations: Python in every step",
    "custom events": "custom events",
    "standalone": "C++ standalone mode chosen by the script",
    "ticks of": "delays that Brian2 would round to a tick",
    "one random number for all": "one random number for a whole group",
    _AGAIN: "goes on with a network that has run (the first run gave equal spikes)",
    "took longer": "longer than the time allowed",
    "No module": "a package of the script's own is missing",
    "never ran": "no network is run",
}


def page(found, longest_ms):
    """The page, as Markdown: one row for each outcome and reason, with its scripts."""
    rows = {}
    for name, result in found.items():
        outcome, reason = classify(result)
        short = next((said for word, said in _REASONS.items() if word in reason), reason.split(": ")[-1])
        key = (outcome, "" if outcome == "noise" else short)
        rows.setdefault(key, []).append(name.removeprefix("frompapers/"))
    counts = {outcome: sum(len(names) for (o, _), names in rows.items() if o == outcome) for outcome in _OUTCOMES}
    summary = ", ".join(f"{n} {outcome}" for outcome, n in counts.items() if n)
    lines = [
        "# Brian2's examples, run by eventsim", "",
        f"{len(found)} scripts that come with Brian2 as examples, each executed as it is and its networks run by both",
        f"simulators (Brian2 {version('brian2')}, numpy target; of at most three runs of a script the first "
        f"{longest_ms:g} ms):",
        f"{summary}.", "",
        "To write this page anew: `python -m runs.brian2_scripts.coverage FOLDER`.", "",
        "| outcome | why | scripts |", "|---|---|---|",
    ]  # fmt: skip
    for outcome, said in _OUTCOMES.items():
        for (of, why), names in sorted(rows.items(), key=lambda row: (-len(row[1]), row[0])):
            if of == outcome:
                lines.append(f"| {said} ({len(names)}) | {why.replace('|', '/')} | {', '.join(names)} |")
    return "\n".join([*lines, ""])


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=_PAGE, show_default="beside this file")
@click.option("--longest-ms", default=100.0, show_default=True, help="Of a longer run its beginning is compared.")
@click.option("--cpu-s", default=300, show_default=True, help="Processor time allowed to each script.")
@click.option("--workers", default=1, show_default=True, help="Scripts that run at a time.")
@click.option("--raw", type=click.Path(dir_okay=False, path_type=Path), help="What was found, as JSON.")
def main(folder, out, longest_ms, cpu_s, workers, raw):
    """Execute every script in FOLDER, compare eventsim's spikes with Brian2's, and write the page."""
    os.environ["MPLBACKEND"] = "Agg"
    found = survey(folder, longest_ms, cpu_s, workers, lambda line: click.echo(line, err=True))
    if raw:
        raw.write_text(json.dumps(found, indent=1))
    out.write_text(page(found, longest_ms))


if __name__ == "__main__":
    main()
