"""Exports: a trace, or a window of it, in the formats of other programs.

Every format streams: a trace larger than the memory can be exported, but for the two that hold what they describe at
once (neo, perfetto), which are of a window.
"""

import os
from contextlib import contextmanager, suppress
from pathlib import Path

from eventsim.arguments import require_kind, whole_number
from eventsim.errors import ConfigError
from eventsim.trace.exports import csv_tables, neo_block, nest, parquet_tables, perfetto_window, sonata_circuit
from eventsim.trace.reader import Trace

__all__ = ["FORMATS", "export"]

#: Format -> module with FILES, the names of what it may write, and `write`, a function (trace, folder, start_tick,
#: stop_tick, events) that returns the paths it wrote.
FORMATS = {
    "csv": csv_tables,
    "parquet": parquet_tables,
    "neo": neo_block,
    "nest": nest,
    "perfetto": perfetto_window,
    "sonata": sonata_circuit,
}

#: Formats with synaptic events.
_WITH_EVENTS = ("csv", "parquet", "perfetto")


def export(trace, to, out, *, start_tick=None, stop_tick=None, events=False, approximate=False):
    """Write a trace in another format.

    Parameters
    ----------
    trace : Trace
    to : str
        One of FORMATS.
    out : path
        A folder, made if it is not there; files of the same names in it are replaced.
    start_tick, stop_tick : int, optional
        The window start_tick <= tick < stop_tick, of the run where one is left out.
    events : bool
        The synaptic events too, for csv and parquet; perfetto always has them, the others never.
    approximate : bool
        For NEST: near equivalents too, where it has no exact one; its network.npz names them.

    Returns
    -------
    list of Path

    Raises
    ------
    ConfigError
        When there is no such format, it lacks what is asked for, the window ends before it begins, or the folder
        cannot be made, or is the one in which the trace would be written over.
    CompileError
        When the format is another simulator's, and that has nothing like a part of the network.
    CapacityError
        When the window is too large for the format.
    EnvironmentProblem
        When the format's package is not installed, or the disk is full.
    """
    if to not in FORMATS:
        raise ConfigError(f"there is no format '{to}'; choose one of {', '.join(FORMATS)}")
    if approximate and to != "nest":
        raise ConfigError(f"approximate is for another simulator, nest; {to} holds what there is")
    if events and to not in _WITH_EVENTS:
        raise ConfigError(f"{to} has no synaptic events; leave them out, or choose one of {', '.join(_WITH_EVENTS)}")
    require_kind("trace", trace, Trace)
    require_kind("out", out, str, os.PathLike)
    _check_window(trace, start_tick, stop_tick)
    _require_apart(trace, Path(out), FORMATS[to].FILES)
    options = {"approximate": True} if approximate else {}
    with _made(Path(out)) as folder:
        return FORMATS[to].write(trace, folder, start_tick, stop_tick, events, **options)


def _check_window(trace, start_tick, stop_tick):
    start = 0 if start_tick is None else whole_number("start_tick", start_tick)
    stop = trace.duration_ticks if stop_tick is None else whole_number("stop_tick", stop_tick)
    if stop < start:
        raise ConfigError(f"the window ends at tick {stop} ({stop * trace.dt_ms:g} ms), before it begins, at tick "
                          f"{start} ({start * trace.dt_ms:g} ms); give a window within the run, ticks 0 to "
                          f"{trace.duration_ticks} ({trace.duration_ticks * trace.dt_ms:g} ms)")  # fmt: skip


def _require_apart(trace, folder, names):
    """Raise ConfigError when a file to be written, under a temporary name first, is the trace itself."""
    lies_in_file = trace.path is not None and os.path.exists(trace.path)
    for path in (folder / f"{name}{ending}" for name in names for ending in ("", ".tmp")):
        if lies_in_file and os.path.exists(path) and path.samefile(trace.path):
            raise ConfigError(f"{path} is the trace itself and would be written over; give another folder")


@contextmanager
def _made(folder):
    """A folder, made where it is not there; what was made and is still empty when an error comes is removed."""
    made = [path for path in (folder, *folder.parents) if not os.path.exists(path)]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", error)
            raise ConfigError(f"cannot make the folder {folder} ({reason}); give another one") from None
        yield folder
    except BaseException:
        for path in made:
            with suppress(OSError, ValueError):
                path.rmdir()
        raise
