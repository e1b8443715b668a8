"""The command line: `eventsim VERB`. Exit codes: 0 fine, 1 an audit failed, 2 bad input, 3 the environment."""

import json
import os
import sys
from functools import wraps
from pathlib import Path

import click

from eventsim.errors import EnvironmentProblem, EventSimError
from eventsim.packages import check_siblings

__all__ = ["main"]

FINE, AUDIT_FAILED, BAD_INPUT, BROKEN_ENVIRONMENT = range(4)


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


@verb
@click.argument("experiment")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the results [out/EXPERIMENT]."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the configuration.")
def run(experiment, out, settings):
    """Run an experiment: a name, or a TOML file that names one.

    \b
    eventsim run digits-attention
    eventsim run digits-attention --set support=1000 --set softmax=integrate_inhibition --out out/n1000
    """
    from runs.run import run_experiment

    return *run_experiment(experiment, settings, out), FINE


@verb
@click.argument("trace")
def audit(trace):
    """Check every law of accounting on a trace; exit code 1 when one is broken.

    \b
    eventsim audit out/digits-attention/trace.h5
    """
    from runs.traces import audit_trace

    report = audit_trace(trace)
    return report.to_json(), str(report), FINE if report.passed else AUDIT_FAILED


@verb
@click.argument("trace")
@click.option("--chip", default="loihi", show_default=True, help="A chip that comes with the package, or a TOML file.")
@click.option("--table", default="davies2018", show_default=True, help="Energy table of that chip.")
@click.option("--tick-us", default="fastest", show_default=True, help="Length of a tick in microseconds, or 'fastest'.")
def cost(trace, chip, table, tick_us):
    """Place a trace's network on a chip and project energy, time and power.

    \b
    eventsim cost out/digits-attention/trace.h5 --chip loihi --tick-us 1000
    """
    from runs.traces import cost_trace

    report = cost_trace(trace, chip, table, tick_us)
    return report.to_json(), str(report), FINE


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
def doctor():
    """Look for what is wrong with this installation.

    \b
    eventsim doctor
    """
    from eventsim.doctor import diagnose

    findings = diagnose()
    rows = [{"name": f.name, "ok": f.ok, "detail": f.detail, "remedy": f.remedy} for f in findings]
    lines = [
        f"{'ok  ' if f.ok else 'FAIL'}  {f.name}: {f.detail}" + ("" if f.ok else f"\n      {f.remedy}")
        for f in findings
    ]
    healthy = all(f.ok for f in findings)
    return {"healthy": healthy, "findings": rows}, "\n".join(lines), FINE if healthy else BROKEN_ENVIRONMENT


def main(arguments=None):
    """Entry point of the command; every error a user can make ends in one line on standard error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        check_siblings()
        cli.main(arguments, prog_name="eventsim", standalone_mode=False)
    except click.exceptions.Abort:
        _fail("interrupted", 130, arguments)
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; say nothing more
        sys.exit(FINE)


def _fail(message, code, arguments):
    """One line on standard error; with --json also one document on standard output."""
    if "--json" in arguments:
        click.echo(json.dumps({"error": message, "exit_code": code}))
    click.echo(f"eventsim: {' '.join(message.split())}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
