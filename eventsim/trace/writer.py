"""TraceWriter: takes a run stretch by stretch and leaves one finished trace."""

import os
import sys
from functools import partial
from pathlib import Path

import numpy as np

from eventsim.counts import BINNINGS
from eventsim.errors import ConfigError
from eventsim.made import Made
from eventsim.samples import describe_samples
from eventsim.trace.background import Background, SegmentList
from eventsim.trace.finalise import write_trace
from eventsim.trace.manifest import new_manifest
from eventsim.trace.reader import Trace
from eventsim.trace.recording import Recording, as_column
from eventsim.trace.schema import (
    COUNTS,
    DELIVERED,
    EVENTS,
    MESSAGE_COLUMNS,
    RECEIVED_COUNT,
    RECEIVED_WEIGHT,
    SAMPLES,
)
from eventsim.trace.segments import SegmentFolder

__all__ = ["TraceWriter"]


class TraceWriter:
    """Writes a run as closed segments and merges them into a trace.

    Used as a context manager, it aborts what was not finished.

    Parameters
    ----------
    path : path or None
        Where the trace will be; None keeps it in memory. A trace that is there stays until it is replaced.
    network : CompiledNetwork
    stimulus : Stimulus
    manifest : dict
        Anything JSON can hold; the writer's own keys win.
    clock : str
        "grid" or "continuous".
    recorded : sequence of (str, int)
        (variable, neuron) of each value in a sample, where state is recorded.
    event_choice : EventChoice, optional
        Which deliveries are recorded; none if left out.

    Raises
    ------
    ConfigError
        When the path cannot be written or another run is writing to it, the manifest is not JSON, or a
        population's name cannot be stored.
    """

    def __init__(self, path, network, stimulus, *, manifest, clock="grid", recorded=(), event_choice=None):
        _check_names(network)
        if not isinstance(path, (str, os.PathLike, type(None))):
            raise ConfigError(f"trace is {path!r}; give a path, or None for a trace in memory")
        self.path = None if path is None else Path(path)
        self.stimulus = stimulus
        self._manifest = new_manifest(manifest, network, stimulus, clock)
        self._recorded, self._choice = list(recorded), event_choice
        segments = SegmentList() if self.path is None else Background(_segment_folder(self.path, self._manifest))
        self._recording = Recording(network, stimulus.duration_ticks, segments, len(self._recorded), clock)

    def write_segment(self, tick, neuron, counts_tick=(), counts_core=(), counts_kind=(), counts_count=(), *,
                      counts=None, events=None, **columns):  # fmt: skip
        """Append one stretch of time; a trace in a file is written by a thread while the run goes on.

        Parameters
        ----------
        tick, neuron : (n,) int64, int32
            Spikes sorted by (tick, neuron), later than those of the segment before; in continuous time by (tick,
            offset, neuron), with equal rows where a neuron fires several times at one instant.
        counts_tick, counts_core, counts_kind, counts_count : (m,) int64, int32, uint8, int64
            Rows of EventCounts sorted by (tick, core, kind), later than those of the segment before.
        counts : CountBlock, optional
            The same, of whole ticks, in place of the four columns.
        events : EventBlock, optional
            Recorded deliveries, later than those of the segment before.
        columns
            Further ones of SEGMENT_COLUMNS: in continuous time `offset`, (n,) float64 in [0, 1); samples; deliveries
            that are in order already.

        Raises
        ------
        ConfigError
            When something is out of order, or beyond the network or the duration.
        EnvironmentProblem
            When the disk is full or fails. It is raised by the call after the one whose segment could not be written;
            that segment is kept and tried again, the present one was not taken.
        """
        columns |= {
            "tick": tick, "neuron": neuron, "counts_tick": counts_tick, "counts_core": counts_core,
            "counts_kind": counts_kind, "counts_count": counts_count,
        }  # fmt: skip
        self._open_recording().append(columns, events, counts)

    def finish(self, *, received_count, received_weight, delivered, messages, core_of):
        """Merge the segments into the trace and open it.

        Parameters
        ----------
        received_count, received_weight : (n_neurons,) int64, float64
            Deliveries that each neuron received, and the sum of their weights.
        delivered : (n_pathways,) int64
            Deliveries of each pathway.
        messages : mapping of str to array, or Made
            message_source, message_destination, message_count, (m,) int32, int32, int64, as in EventCounts; a trace in
            memory asks for what is Made when somebody asks the trace.
        core_of : (n_neurons,) int32
            As in EventCounts.

        Returns
        -------
        Trace
            Open, complete and read-only.

        Raises
        ------
        ConfigError
            When a column has another length or kind. Of messages that are Made, a trace in memory raises a
            TraceFormatError when they are asked for.
        EnvironmentProblem
            When the disk is full or fails; the segments stay.
        """
        recording = self._open_recording()
        n_neurons, n_pathways = recording.network.n_neurons, len(recording.network.pathways)
        totals = {
            name: as_column(name, values, dtype, size)
            for name, values, dtype, size in (
                (RECEIVED_COUNT, received_count, np.int64, n_neurons),
                (RECEIVED_WEIGHT, received_weight, np.float64, n_neurons),
                (DELIVERED, delivered, np.int64, n_pathways),
                (f"{COUNTS}/core_of", core_of, np.int32, n_neurons),
                (f"{COUNTS}/duration_ticks", [recording.duration_ticks], np.int64, 1),
            )
        }
        totals |= self._headers(recording)
        check = partial(_checked_messages, messages)
        messages = Made(check) if isinstance(messages, Made) else check()
        source = write_trace(self.path, recording, self.stimulus, totals, messages, self._manifest)
        recording.segments.delete()
        self._recording = None
        return Trace(source, max_bytes=sys.maxsize)

    def _headers(self, recording):
        """Datasets that say what was recorded besides spikes and counts."""
        headers = {}
        if recording.clock == "continuous":  # counted in the tick in which each time lies
            headers[f"{COUNTS}/binning"] = np.array([BINNINGS.index("floor")], dtype=np.int64)
        if self._recorded:
            headers |= {f"{SAMPLES}/{name}": array for name, array in describe_samples(self._recorded).items()}
        if self._choice is not None:
            arrays = self._choice.to_arrays(recording.duration_ticks)
            headers |= {f"{EVENTS}/{name}": array for name, array in arrays.items()}
        return headers

    def settle(self):
        """Wait until all segments are on disk; raises EnvironmentProblem when one could not be written."""
        self._open_recording().segments.settle()

    def cut(self, stimulus):
        """The run ended early: `stimulus` is what of it was used."""
        self._open_recording().duration_ticks = stimulus.duration_ticks
        self.stimulus = stimulus
        self._manifest |= {"stimulus_hash": stimulus.hash}

    def segments(self):
        """What was written so far, a mapping of columns for each segment."""
        return iter(self._open_recording().segments)

    @property
    def finished(self):
        """Whether nothing can be written any more: the trace is whole, or it was aborted."""
        return self._recording is None

    def _open_recording(self):
        recording = self._recording
        if recording is None:
            raise ConfigError("this trace writer has finished or was aborted; make another one")
        return recording

    def abort(self):
        """Stop writing. Segments that were written stay on disk, as does an older trace at the path."""
        if self._recording is not None:
            self._recording.segments.abandon()
        self._recording = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.abort()


def _checked_messages(messages):
    """Mapping of name -> MESSAGE_COLUMNS, as they are stored."""
    size = np.size(messages["message_count"])
    return {name: as_column(name, messages[name], dtype, size) for name, dtype in MESSAGE_COLUMNS.items()}


def _segment_folder(path, run):
    """The folder for the segments of a trace at `path`; raises ConfigError when nothing can be written there."""
    if os.path.isdir(path):  # unlike Path.is_dir, it takes a name that is too long
        raise ConfigError(f"{path} is a folder; give the path of a file for the trace")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ConfigError(f"{path} is a device or a pipe; give the path of a file for the trace")
    if not os.path.isdir(path.parent):
        raise ConfigError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    return SegmentFolder(path.with_name(path.name + ".parts"), run)


def _check_names(network):
    """A population's name becomes that of an HDF5 group."""
    names = [p.name for p in network.populations]
    for name in names:
        if not name or "/" in name or "\0" in name or name == "." or names.count(name) > 1:
            raise ConfigError(f"population '{name}': a name must be unique, not empty, not '.', and without '/'")
