"""The command line: `eventsim VERB`.

Exit codes: 0 fine, 1 an audit or a point of a sweep failed, 2 bad input, 3 the environment.
"""

import json
import os
import signal
import sys
from functools import wraps
from pathlib import Path

import click

from runs import completion

__all__ = ["main"]

FINE, FAILED, BAD_INPUT, BROKEN_ENVIRONMENT = range(4)

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="eventsim-spiking", prog_name="eventsim")
def cli():
    """Event-driven simulation of spiking attention, with every synaptic event and every joule accounted for."""


def verb(function):
    """A command with --json: it returns (document, text, exit code) and prints one of the first two."""

    @wraps(function)
    def command(as_json, **arguments):
        document, text, code = function(**arguments)
        click.echo(json.dumps(document, indent=2, allow_nan=False) if as_json else text)
        sys.exit(code)

    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")(command)
    return cli.command()(command)


def set_option(meaning):
    """--set KEY=VALUE, as often as wished."""
    return click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=meaning,
                        shell_complete=completion.settings)  # fmt: skip


@verb
@click.argument("experiment", required=False, shell_complete=completion.experiment_names)
@click.option("--brian2", "script", metavar="SCRIPT", help="Execute this Brian2 script; eventsim simulates its runs.")
@click.option("--out", type=_FOLDER, help="Folder for the results [out/EXPERIMENT].")
@set_option("Override a key of the configuration.")
@click.option("--quick", is_flag=True, help="Less of everything, where the experiment knows how: --set quick=true.")
@click.option("--ranks", type=click.IntRange(min=1), help="Processes of MPI that divide each network among them.")
@click.option("--weights", metavar="FILE", help="The same as --set weights=FILE.")
@click.option("--images", metavar="FILE", help="The same as --set images=FILE.")
def run(experiment, script, out, settings, quick, ranks, **files):
    """Run an experiment: a name, or a TOML file that names one. Or, with --brian2, a Python script of your own.

    \b
    eventsim run digits-attention
    eventsim run digits-attention --set support=1000 --set softmax=integrate_inhibition --out out/n1000
    eventsim run paper-claims --quick
    eventsim run spikformer --weights model.safetensors --images test.npy --set heads=12
    eventsim run --brian2 my_network.py --set noise=rekey
    eventsim run digits-attention --ranks 4

    A script is executed as `python SCRIPT` would, with all that it does; only its run(...) and Network.run(...) are
    taken over: each becomes a trace. Its monitors are filled, so that it can go on to plot.

    With --ranks, or under mpirun or srun, simulations on the grid are divided among processes; results are the same.
    A script is not: its runs share its own process.
    """
    if (experiment is None) == (script is None):
        raise click.UsageError("give either an experiment or --brian2 SCRIPT")
    given = [f"{key}={json.dumps(path)}" for key, path in files.items() if path is not None]
    settings = (*settings, *given, *(["quick=true"] if quick else []))
    if script is not None:
        from eventsim.ranks import chosen_ranks
        from runs.run import run_brian2

        if ranks is not None or chosen_ranks() is not None:
            raise click.UsageError("a script's runs stay in one process: start it without --ranks, mpirun or srun")
        return *run_brian2(script, settings, out), FINE
    from runs.run import run_experiment

    return *run_experiment(experiment, settings, out, ranks), FINE


@verb
@click.argument("experiment", shell_complete=completion.experiment_names)
@click.option(
    "--over", multiple=True, metavar="KEY=V1,V2,...", help="Values of a key; several keys: all combinations.",
    shell_complete=completion.settings,
)  # fmt: skip
@set_option("Override a key at all points.")
@click.option("--quick", is_flag=True, help="The same as --set quick=true.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes on this machine [one for each core].")
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, tcp://HOST:PORT, whose workers run the points.")
@click.option("--out", type=_FOLDER, help="Folder for the results [out/EXPERIMENT-sweep].")
def sweep(experiment, over, settings, quick, workers, scheduler, out):
    """Run an experiment at many points, and put all in one table.

    Points come from --over and from the tables [sweep.grid] and [[sweep.zip]] of a TOML file. Each has a folder of its
    own; the same command again runs only what is missing or failed. Exit code 1 when a point failed.

    \b
    eventsim sweep digits-attention --over beta=10.0,20.0 --over seed=1,2,3
    eventsim sweep my_sweep.toml --workers 8 --out out/mine
    eventsim sweep my_sweep.toml --scheduler tcp://head:8786
    """
    if workers is not None and scheduler is not None:
        raise click.UsageError("give --workers, processes here, or --scheduler, those of a cluster")
    from eventsim.doctor import usable_cores
    from runs.sweep import run_sweep

    settings = (*settings, *(["quick=true"] if quick else []))
    document, text = run_sweep(experiment, settings, over, out, workers or usable_cores(), scheduler)
    return document, text, FAILED if document["failed"] else FINE


@verb
@click.argument("trace", shell_complete=completion.experiment_names)
@click.option("--all", "everyone", is_flag=True, help="Replay every neuron, not a sample.")
@click.option("--against", metavar="TRACE", help="Find the first divergence from another trace instead.")
@click.option("--permutation", is_flag=True, help="TRACE is an experiment: rerun it with permuted tokens.")
@set_option("With --permutation: override a key.")
def audit(trace, everyone, against, permutation, settings):
    """Check every law on a trace; exit code 1 when one is broken.

    \b
    eventsim audit out/digits-attention/trace.h5
    eventsim audit out/a/trace.h5 --against out/b/trace.h5
    eventsim audit digits-attention --permutation
    """
    if sum([everyone, against is not None, permutation]) > 1 or (settings and not permutation):
        raise click.UsageError("--all, --against and --permutation exclude each other; --set goes with --permutation")
    if against is not None:
        from runs.traces import compare_traces

        found = compare_traces(trace, against)
        return found.to_json(), str(found), FINE if found.same else FAILED
    if permutation:
        from runs.permutation import audit_permutation

        report = audit_permutation(trace, settings, progress=True)
    else:
        from runs.traces import audit_trace

        report = audit_trace(trace, "all" if everyone else None, progress=True)
    return report.to_json(), str(report), FINE if report.passed else FAILED


@verb
@click.argument("trace")
@click.option("--neuron", required=True, help="An id, or 'population[index]', or 'label[index]'.")
@click.option("--tick", required=True, type=int)
@click.option("--ticks", default=20, show_default=True, type=click.IntRange(min=1), help="How many ticks to show.")
@click.option("--plot", metavar="FILE", help="Draw potential, threshold and arrivals into this file.")
def why(trace, neuron, tick, ticks, plot):
    """Explain why a neuron fired in a tick, or why it did not.

    \b
    eventsim why out/digits-attention/trace.h5 --neuron 'softmax/pool[3]' --tick 700
    """
    from runs.traces import explain

    explanation = explain(trace, neuron, tick, ticks, plot)
    return explanation.to_json(), str(explanation), FINE


@verb
@click.argument("trace")
@click.option(
    "--chip", default="loihi", show_default=True, help="A chip that comes with the package, or a TOML file.",
    shell_complete=completion.chip_names,
)  # fmt: skip
@click.option("--table", help="Energy table of that chip [its first].", shell_complete=completion.table_names)
@click.option("--placer", default="in_order", show_default=True, help="in_order, greedy or partition.")
@click.option("--tick-us", default="fastest", show_default=True, help="Length of a tick in microseconds, or 'fastest'.")
@click.option("--binning", metavar="RULE", help="How events of a continuous run fall into ticks: floor.")
def cost(trace, chip, table, placer, tick_us, binning):
    """Project energy, time and power of a run on a chip.

    \b
    eventsim cost out/digits-attention/trace.h5 --chip loihi --tick-us 1000
    eventsim cost out/digits-attention/trace.h5 --placer partition
    """
    from runs.traces import cost_trace

    report = cost_trace(trace, chip, table, tick_us, binning, placer)
    return report.to_json(), str(report), FINE


@verb
@click.argument("trace")
@click.option("--cut", "cuts", multiple=True, metavar="POPULATIONS", help="Count spikes here: 'output' or 'q + k + v'.")
@click.option("--reference", metavar="FILE", help="Exact outputs, a row per query (.npy, or .csv).")
@click.option("--decoded", metavar="FILE", help="What your own decoder made of the spikes, a row per query.")
@click.option("--answers", metavar="FILE", help="The right classes, where outputs are scores of classes.")
@click.option("--ticks", type=click.IntRange(min=1), help="How long the cut can fire in a query [the whole query].")
@click.option("--refractory-ticks", type=click.IntRange(min=1), help="Ticks from a spike to a channel's next [1].")
def bounds(trace, cuts, reference, decoded, answers, ticks, refractory_ticks):
    """Set spikes used beside spikes needed, under each bound.

    What was asked, and how it is read, comes from the trace or from these options.

    \b
    eventsim bounds out/digits-attention/trace.h5
    eventsim bounds mine.h5 --cut output --reference exact.npy --decoded mine.npy
    """
    from runs.bounds import bounds_of_trace

    measured = bounds_of_trace(trace, cuts, reference, decoded, answers, ticks, refractory_ticks)
    return measured.to_json(), str(measured), FINE


@verb
@click.argument("chip", required=False, shell_complete=completion.chip_names)
def chips(chip):
    """List the chips, or all numbers of one with their sources.

    A TOML file of your own is checked and listed too.

    \b
    eventsim chips
    eventsim chips loihi
    eventsim chips my_chip.toml --json
    """
    from runs.chips import list_figures

    return *list_figures(chip), FINE


@verb
@click.argument("trace")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The page [TRACE-report.html].")
@click.option("--chip", help="A chip that comes with the package, or a TOML file [that of the run, else loihi].",
              shell_complete=completion.chip_names)  # fmt: skip
@click.option("--table", help="Energy table of that chip [that of the run, else the first].")
@click.option("--placer", default="greedy", show_default=True, help="How neurons are put on cores.")
def report(trace, out, chip, table, placer):
    """Write one page about a trace: circuit, spikes, energy, audit.

    \b
    eventsim report out/digits-attention/trace.h5
    """
    from runs.trace_report import report_trace

    return *report_trace(trace, out, chip, table, placer, progress=True), FINE


@verb
@click.argument("trace")
def inspect(trace):
    """Say what a trace holds.

    \b
    eventsim inspect out/digits-attention/trace.h5
    """
    from runs.traces import inspect_trace

    return *inspect_trace(trace), FINE


@verb
@click.argument("trace")
@click.option("--to", required=True, metavar="FORMAT", help="csv, parquet, neo, nest, perfetto or sonata.",
              shell_complete=completion.formats)  # fmt: skip
@click.option("--out", type=_FOLDER, help="Folder [beside TRACE, TRACE-FORMAT].")
@click.option("--start-ms", type=float, help="Begin of the window [the run's].")
@click.option("--stop-ms", type=float, help="End of the window, which is not in it [the run's].")
@click.option("--events", is_flag=True, help="Synaptic events too, for csv and parquet.")
@click.option("--approximate", is_flag=True, help="For nest: near equivalents too, which are then named.")
def export(trace, to, out, start_ms, stop_ms, events, approximate):
    """Write a trace, or a part of it, for other programs.

    \b
    eventsim export out/digits-attention/trace.h5 --to perfetto --start-ms 0 --stop-ms 100
    eventsim export out/digits-attention/trace.h5 --to sonata --out out/circuit
    eventsim export my_trace.h5 --to nest && python my_trace-nest/run_in_nest.py
    """
    from runs.traces import export_trace

    return *export_trace(trace, to, out, start_ms, stop_ms, events, approximate), FINE


@verb
@click.argument("networks", nargs=-1, metavar="[B1|B1x10|B2|B3|B4|sparse|chip|softmax|head|SSA|QKTA]...")
@click.option("--quick", is_flag=True, help="Small networks: all of them take about half an hour.")
@click.option("--rounds", default=5, show_default=True, help="Rounds in which the simulators take turns.")
@click.option("--threads", multiple=True, type=click.IntRange(1), default=(1, 2), show_default=True)
@click.option("--numpy", "with_numpy", is_flag=True, help="Run Brian2's numpy target too.")
@click.option("--nest", metavar="PYTHON", help="An interpreter that has NEST, for B1, B1x10 and B2.")
@click.option("--sanafe", metavar="PYTHON", help="An interpreter that has SANA-FE, for the network 'chip'.")
@click.option("--out", type=_FOLDER, default=Path("out/bench"), show_default=True)
def bench(networks, quick, rounds, threads, with_numpy, nest, sanafe, out):
    """Measure speed and memory against other simulators.

    Brian2's C++ standalone needs a C++ compiler and make; it is built once for each network and number of threads, 10
    to 60 s each. With --quick a network takes 2 to 5 minutes, in the first example one. bench.json is written after
    each network. NEST and SANA-FE run where this interpreter, or the one that is named, has them.

    \b
    eventsim bench B1 --quick --rounds 1 --threads 1
    eventsim bench B1 B2 --rounds 9
    eventsim bench B2 chip --nest nest/bin/python --sanafe sanafe/bin/python
    """
    from runs.benchmarks.bench import bench as measure

    others = {"nest": nest, "sanafe": sanafe}
    return *measure(networks, quick, rounds, threads, with_numpy, others, out), FINE


@verb
def doctor():
    """Look for what is wrong with this installation.

    \b
    eventsim doctor
    """
    from eventsim.doctor import diagnose

    findings = diagnose()
    rows = [{"name": f.name, "ok": f.ok, "detail": f.detail, "remedy": f.remedy} for f in findings]
    lines = [f"{'ok  ' if f.ok else 'FAIL'}  {f.name}: {f.detail}" + ("" if f.ok else f"\n      {f.remedy}")
             for f in findings]  # fmt: skip
    healthy = all(f.ok for f in findings)
    return {"healthy": healthy, "findings": rows}, "\n".join(lines), FINE if healthy else BROKEN_ENVIRONMENT


@cli.command("completion")
@click.argument("shell", type=click.Choice(completion.SHELLS))
def complete(shell):
    """Print what makes a shell complete verbs, names and keys.

    \b
    eventsim completion bash >> ~/.bashrc
    """
    click.echo(completion.script(cli, shell))


def main(arguments=None):
    """Entry point of the command; Ctrl-C ends it in one line at any time."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # before there are threads: Brian2's handler would get it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        _answer(arguments)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _fail("interrupted", 130, arguments)


def _answer(arguments):
    """Do what is asked; every error a user can make ends in one line on standard error."""
    from eventsim.errors import EnvironmentProblem, EventSimError
    from eventsim.packages import check_siblings
    from eventsim.ranks import launched_together

    try:
        check_siblings()
        with launched_together() as is_first:
            if is_first:
                cli.main(arguments, prog_name="eventsim", standalone_mode=False)
    except click.UsageError as error:
        where = f"eventsim {error.ctx.info_name}: " if error.ctx and error.ctx.parent else ""
        _fail(f"{where}{error.format_message()} (see --help)", BAD_INPUT, arguments)
    except click.ClickException as error:
        _fail(error.format_message(), BAD_INPUT, arguments)
    except EnvironmentProblem as error:
        _fail(str(error), BROKEN_ENVIRONMENT, arguments)
    except EventSimError as error:
        _fail(str(error), BAD_INPUT, arguments)
    except BrokenPipeError:
        _write_no_more()  # the reader left
        sys.exit(FINE)
    except OSError as error:
        if error.filename is None:  # what is printed finds no room, as far as can be told
            _write_no_more()
        where = error.filename or "what should be printed"
        _fail(f"{where}: {error.strerror or error}; see what may be written there", BROKEN_ENVIRONMENT, arguments)


def _write_no_more():
    """What is still to be flushed at the end would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message, code, arguments):
    """One line on standard error; with --json also one document on standard output."""
    if "--json" in arguments:
        click.echo(json.dumps({"error": message, "exit_code": code}))
    click.echo(f"eventsim: {' '.join(message.split())}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
