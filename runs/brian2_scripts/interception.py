"""While a script runs, its `run(...)` and `Network.run(...)` call a function of ours instead."""

import runpy
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path

import brian2
from brian2.core.magic import MagicNetwork
from brian2.core.namespace import get_local_namespace

from eventsim.errors import CompileError, ConfigError, EventSimError

__all__ = ["execute", "intercepted"]


@contextmanager
def intercepted(simulate):
    """Have every run of a network that lasts call simulate(network, duration_s, namespace).

    Runs of no time, by which Brian2 only checks a network, are Brian2's own.
    """
    original = brian2.Network.run

    def run(network, duration, report=None, report_period=10 * brian2.second, namespace=None, profile=None, level=0):
        if float(duration) == 0:
            return original(network, duration, report, report_period, namespace, profile, level=level)
        names = get_local_namespace(level + 1) if namespace is None else namespace
        return simulate(_plain(network), float(duration), names)

    brian2.Network.run = run
    try:
        yield original
    finally:
        brian2.Network.run = original


def _plain(network):
    """The network itself; in place of Brian2's magic one, which gathers its objects anew each time, one that stays."""
    if not isinstance(network, MagicNetwork):
        return network
    objects = set(network.objects)
    if any(thing._network not in (None, network.id) for thing in objects):
        raise CompileError(network.name, "a network that has already run", "one run(...) of each object")
    for thing in objects:
        thing._network = None  # the magic network claimed it when it was called
    plain = brian2.Network(*objects)
    plain.schedule = network.schedule
    return plain


def execute(path):
    """Run a Python script as `python path` would, in this process.

    Raises
    ------
    ConfigError
        When there is no such script, or it fails, naming its line.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"there is no script '{path}'; give the path of a Python file")
    arguments, places = sys.argv, list(sys.path)
    sys.argv, sys.path[:0] = [str(path)], [str(path.resolve().parent)]
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as stop:
        if stop.code not in (None, 0):
            raise ConfigError(f"{path} ended itself with exit code {stop.code}") from None
    except EventSimError as error:
        raise ConfigError(f"{path}{_line(error, path)}: {error}") from None
    except Exception as error:  # whatever the user's own script raises
        raise ConfigError(f"{path}{_line(error, path)}: {type(error).__name__}: {_first(error)}") from None
    finally:
        sys.argv, sys.path[:] = arguments, places


def _line(error, path):
    """Comma and line of the script, as deep in the calls as the script itself goes."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == path]
    if isinstance(error, SyntaxError) and error.lineno:
        return f", line {error.lineno}"
    return f", line {frames[-1].lineno}" if frames else ""


def _first(error):
    return (str(error).strip().splitlines() or ["no message"])[0]
