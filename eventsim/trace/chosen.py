"""The spikes of chosen neurons: read for a window of time, or cut into windows that fit in memory."""

from dataclasses import dataclass

import numpy as np

from eventsim.errors import TraceFormatError
from eventsim.trace.open_file import TraceFile
from eventsim.trace.spikes import merge, read_window, tick_after

__all__ = ["ChosenSpikes"]


@dataclass(frozen=True, eq=False)
class ChosenSpikes:
    """The spikes of some neurons of a trace; nothing is read before it is asked for.

    Parameters
    ----------
    trace : Trace
    start, stop : int
        The neurons start, ..., stop - 1.
    kept : (n_neurons,) bool or None
        Which neurons of the network among these; None for all.
    """

    trace: TraceFile
    start: int
    stop: int
    kept: np.ndarray | None

    @property
    def ids(self):
        """(n,) int64: the chosen neurons, ascending."""
        if self.kept is None:
            return np.arange(self.start, self.stop)
        return self.start + np.flatnonzero(self.kept[self.start : self.stop])

    @property
    def _populations(self):
        """Those with a neuron among the chosen ones."""
        return [
            p for p in self.trace.network.populations
            if p.start < self.stop and p.stop > self.start and (self.kept is None or self.kept[p.start:p.stop].any())
        ]  # fmt: skip

    def read(self, start_tick, stop_tick):
        """The SpikeTable of a window of time, None where a side is open; reads and checks no more than that."""
        trace, touched = self.trace, self._populations
        dt_ms, duration = trace.dt_ms, trace.duration_ticks
        with trace.reading() as file:
            parts = [read_window(file, p, trace.clock, dt_ms, duration, start_tick, stop_tick) for p in touched]
            spikes = merge(parts, dt_ms)
        if any(p.start < self.start or p.stop > self.stop for p in touched):
            spikes = spikes.where((spikes.neuron >= self.start) & (spikes.neuron < self.stop))
        return spikes if self.kept is None else spikes.where(self.kept[spikes.neuron])

    def windows(self, start_tick, stop_tick, max_spikes, least_ticks=1):
        """Consecutive windows that cover one, as (start, stop), None where a side is open.

        Each has at most `max_spikes` spikes to be read, or as few ticks as it may.
        """
        touched = self._populations
        share = max(1, max_spikes // max(len(touched), 1))
        while True:
            first = self._earliest(touched, start_tick, share)
            last = None if first is None else max(first, (start_tick or 0) + least_ticks)
            if last is None or (stop_tick is not None and last >= stop_tick):
                yield start_tick, stop_tick
                return
            yield start_tick, last
            start_tick = last

    def _earliest(self, populations, start_tick, n_spikes):
        """The earliest tick at which one of the populations has spiked so often from a tick on; None if none does."""
        with self.trace.reading() as file:
            ticks = [tick_after(file, p, self.trace.clock, start_tick, n_spikes) for p in populations]
            earliest = min((tick for tick in ticks if tick is not None), default=None)
            if earliest is not None and earliest < (start_tick or 0):
                raise TraceFormatError("its spikes are not sorted by tick")
        return earliest
