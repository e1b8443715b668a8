"""A job: all that ranks need for a run, saved once in a folder that they share.

job.h5 holds network/..., stimulus/..., core_of, owner, sizes and settings; each rank adds a folder of its own, and a
file `stop` asks them to end at their next meeting.
"""

import re
import shutil
from pathlib import Path

import msgspec
import numpy as np

from eventsim.arrays import decode_json, encode_json
from eventsim.description import parse
from eventsim.errors import ConfigError, TraceFormatError
from eventsim.trace.disk import create
from eventsim.trace.guard import open_checked
from eventsim.trace.schema import store
from eventsim.trace.segments import durably

__all__ = ["Job", "Settings", "make_folder", "open_job", "remove_folder", "write_job"]

_FILE, _STOP = "job.h5", "stop"
_OURS = re.compile(rf"{re.escape(_FILE)}(\.tmp)?|{_STOP}|rank-\d{{4,}}")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a network is run on ranks; what is not told here is as `eventsim.simulation.Simulation` has it.

    Parameters
    ----------
    n_ranks : int
    span_ticks : int
        Ticks between two meetings.
    recorded : tuple of (str, int)
        (variable, neuron) of each value in a sample.
    stop_after_spikes : int or None
    keep_every_s : float
        Seconds after which all is written that a trace up to this instant needs.
    parent : (str, int) or None
        Host and process id of whoever waits for the run: without it nobody does.
    manifest : dict
    """

    n_ranks: int
    span_ticks: int
    threads: int = 1
    updates: str = "measured"
    recorded: tuple[tuple[str, int], ...] = ()
    record_every_ticks: int = 1
    buffer_mb: float = 64.0
    max_bytes: int | None = None
    stop_after_spikes: int | None = None
    keep_every_s: float = 60.0
    parent: tuple[str, int] | None = None
    manifest: dict = {}


class Job:
    """An open job.

    Attributes
    ----------
    folder : Path
    file : h5py.File
    settings : Settings
    description : Description
        Of the network, without its arrays.
    """

    def __init__(self, folder, file):
        self.folder, self.file = Path(folder), file
        self.settings = msgspec.convert(decode_json(file["settings"][:], "settings"), Settings)
        self.description = parse(decode_json(file["network/description"][:], "the network's description"))

    def folder_of(self, rank):
        """Where a rank keeps its segments and totals."""
        return self.folder / f"rank-{rank:04d}"

    def ask_to_stop(self):
        (self.folder / _STOP).touch()

    @property
    def should_stop(self):
        return (self.folder / _STOP).exists()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def make_folder(folder):
    """A fresh folder for a job, in place of what a killed run left; raises ConfigError when it holds anything else."""
    folder = Path(folder)
    remove_folder(folder)
    try:
        folder.mkdir()
    except OSError as error:
        raise ConfigError(f"cannot make {folder} ({error.strerror}); choose another path for the trace") from None
    return folder


def remove_folder(folder):
    """Remove the folder of a job if it is there."""
    if not folder.exists():
        return
    strangers = [path.name for path in folder.iterdir() if not _OURS.fullmatch(path.name)] if folder.is_dir() else ["."]
    if strangers:
        raise ConfigError(f"{folder} was not made by a run on ranks (it holds '{strangers[0]}'); remove it or choose "
                          "another path for the trace")  # fmt: skip
    shutil.rmtree(folder)


def write_job(folder, network, stimulus, core_of, owner, settings):
    """Save what the ranks need.

    Parameters
    ----------
    folder : Path
    network : CompiledNetwork
    stimulus : Stimulus
    core_of, owner : (n_neurons,) int32
        Core and rank of each neuron.
    settings : Settings

    Raises
    ------
    EnvironmentProblem
        When the disk is full or fails.
    """
    sizes = [
        np.bincount(owner[network.post[p.first : p.first + p.size]], minlength=settings.n_ranks)
        for p in network.pathways
    ]
    arrays = {"settings": encode_json(msgspec.to_builtins(settings)), "core_of": core_of, "owner": owner,
              "sizes": np.concatenate([np.empty(0, np.int64), *sizes]).astype(np.int64)}  # fmt: skip
    for part, artefact in (("network", network), ("stimulus", stimulus)):
        arrays |= {f"{part}/{name}": values for name, values in artefact.to_arrays().items()}
    with durably(folder / _FILE) as temporary, create(temporary) as file:
        for name, values in arrays.items():
            store(file, name, np.asarray(values), compressed=False)  # it is read once, right away


def open_job(folder):
    """The Job in a folder; raises ConfigError when there is none, TraceFormatError when it is damaged."""
    path = Path(folder) / _FILE
    if not path.is_file():
        raise ConfigError(f"{folder} holds no {_FILE}; give the folder of a job for ranks")
    file = open_checked(path, str(path), max_bytes=1 << 62)
    try:
        return Job(folder, file)
    except (KeyError, msgspec.ValidationError) as error:
        file.close()
        raise TraceFormatError(f"{path} is no job for ranks ({error})") from None
