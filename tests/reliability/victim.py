"""The run that is killed, interrupted, starved of disk and taken up again: a random network, and what it leaves."""

import hashlib
import threading
from dataclasses import dataclass
from functools import cached_property
from unittest import mock

import h5py
import numpy as np

import eventsim
from eventsim.trace.schema import datasets
from eventsim.trace.segments import SegmentFolder, read_segment

__all__ = ["CLOCKS", "Victim", "columns_of", "content_of", "segments_of"]

CLOCKS = ("grid", "continuous")
_SOURCES, _CELLS = 20, 80


def content_of(path):
    """SHA-256 of everything that a trace holds: names, types, lengths, values; only its layout on disk is left out."""
    digest = hashlib.sha256()
    with h5py.File(path) as file:
        for name, dataset in sorted(datasets(file).items()):
            digest.update(f"{name}\0{dataset.dtype.str}\0{dataset.size}\0".encode())
            digest.update(dataset[:].tobytes())
    return digest.hexdigest()


def segments_of(path):
    """The segments that a run at this path left, in order."""
    return sorted(path.with_name(f"{path.name}.parts").glob("segment-*.h5"))


def columns_of(path):
    """The columns of a segment as bytes."""
    return {name: values.tobytes() for name, values in read_segment(path).items()}


@dataclass(frozen=True)
class Victim:
    """Sources and leaky neurons wired at random, driven for some ticks in two queries.

    Parameters
    ----------
    seed : int
    clock : str
    ticks : int
    """

    seed: int = 0
    clock: str = "grid"
    ticks: int = 3000

    @cached_property
    def network(self):
        rng = np.random.default_rng([self.seed, 1])
        n = _SOURCES + _CELLS
        neurons = {"model": ["source"] * _SOURCES + ["lif"] * _CELLS,
                   "tau_ms": np.where(np.arange(n) < _SOURCES, np.nan, 20.0)}  # fmt: skip
        pre, post = np.repeat(np.arange(n), 12), rng.integers(_SOURCES, n, 12 * n)
        weight = np.where(pre < _SOURCES, rng.uniform(0.2, 0.5, pre.size), rng.uniform(-0.1, 0.1, pre.size))
        delay_ms = rng.integers(1, 5, pre.size).astype(float)
        return eventsim.network(neurons, {"pre": pre, "post": post, "weight": weight, "delay_ms": delay_ms})

    @cached_property
    def stimulus(self):
        tick, source = np.nonzero(np.random.default_rng([self.seed, 2]).random((self.ticks, _SOURCES)) < 0.05)
        half = self.ticks // 2
        return eventsim.Stimulus.of(tick, source, [(0, half), (half, self.ticks)], duration_ticks=self.ticks)

    def options(self):
        """How it is run: with samples of two neurons, and segments small enough that there are some dozens."""
        record = {"v": [_SOURCES, _SOURCES + 1]}
        return {"clock": self.clock, "record": record, "buffer_mb": 0.05, "manifest": {"seed": self.seed}}

    def run(self, path, progress=None):
        """Simulate into a file."""
        eventsim.simulate(self.network, self.stimulus, trace=path, progress=progress, **self.options()).close()

    def simulation(self, path):
        """The same run, to be taken in pieces."""
        return eventsim.Simulation(self.network, self.stimulus, trace=path, **self.options())

    def undisturbed(self, folder):
        """(content, segments): what the run leaves when nobody disturbs it, and the columns of its segments."""
        path = folder / f"undisturbed-{self.seed}-{self.clock}.h5"
        with mock.patch.object(SegmentFolder, "delete", SegmentFolder.abandon):
            self.run(path)
        segments = [columns_of(segment) for segment in segments_of(path)]
        for thread in threading.enumerate():  # the one that wrote: a process with threads is not to be forked
            if thread is not threading.main_thread():
                thread.join()
        return content_of(path), segments
