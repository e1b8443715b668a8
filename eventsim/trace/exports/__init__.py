"""Exports: a trace, or a window of it, in the formats of other programs.

Every format streams: a trace larger than the memory can be exported, but for the two that hold what they describe at
once (neo, perfetto), which are of a window.
"""

import os
from pathlib import Path

from eventsim.arguments import require_kind
from eventsim.errors import ConfigError
from eventsim.trace.exports import csv_tables, neo_block, nest, parquet_tables, perfetto_window, sonata_circuit
from eventsim.trace.reader import Trace

__all__ = ["FORMATS", "export"]

#: Format -> function (trace, folder, start_tick, stop_tick, events) that returns the paths it wrote.
FORMATS = {
    "csv": csv_tables.write,
    "parquet": parquet_tables.write,
    "neo": neo_block.write,
    "nest": nest.write,
    "perfetto": perfetto_window.write,
    "sonata": sonata_circuit.write,
}


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
        The window start_tick <= tick < stop_tick.
    events : bool
        The synaptic events too, where the format has room for them; perfetto always has them, neo and SONATA never.
    approximate : bool
        For NEST: near equivalents too, where it has no exact one; its network.npz names them.

    Returns
    -------
    list of Path

    Raises
    ------
    ConfigError
        When there is no such format, or the folder cannot be made.
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
    require_kind("trace", trace, Trace)
    require_kind("out", out, str, os.PathLike)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder} ({error.strerror}); give another one") from None
    options = {"approximate": True} if approximate else {}
    return FORMATS[to](trace, folder, start_tick, stop_tick, events, **options)
