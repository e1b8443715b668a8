"""Spikes as a table, and how they are read from the columns of a SONATA population."""

from bisect import bisect_left
from dataclasses import dataclass

import h5py
import numpy as np
import pandas as pd

from eventsim.errors import TraceFormatError
from eventsim.trace.schema import SPIKE_COLUMNS, SPIKES, blocks

__all__ = ["SpikeTable", "find_fault", "merge", "read_window"]


@dataclass(frozen=True, eq=False)
class SpikeTable:
    """Spikes sorted by (tick, neuron).

    Parameters
    ----------
    tick : (n,) int64
    neuron : (n,) int32
        Ids of the compiled network.
    dt_ms : float
        Length of a tick.
    """

    tick: np.ndarray
    neuron: np.ndarray
    dt_ms: float

    @property
    def t_ms(self):
        """(n,) float64: time of each spike."""
        return self.tick * self.dt_ms

    def __len__(self):
        return self.tick.size

    def where(self, kept):
        """The spikes that a boolean array, or an array of rows, selects."""
        return SpikeTable(self.tick[kept], self.neuron[kept], self.dt_ms)

    def to_frame(self):
        """DataFrame with columns t_ms, tick, neuron."""
        return pd.DataFrame({"t_ms": self.t_ms, "tick": self.tick, "neuron": self.neuron})

    def __repr__(self):
        span = f", ticks {self.tick[0]:,} to {self.tick[-1]:,}" if len(self) else ""
        return f"<SpikeTable {len(self):,} spikes{span}>"


def read_window(file, population, dt_ms, duration_ticks, start_tick=None, stop_tick=None):
    """The spikes of one population with start_tick <= tick < stop_tick; None leaves that side open.

    Reads and checks no more than that window. Raises TraceFormatError when the columns contradict each other.
    """
    columns = _columns(file, population)
    ticks = columns["ticks"]
    start = 0 if start_tick is None else bisect_left(ticks, start_tick)
    stop = ticks.size if stop_tick is None else bisect_left(ticks, stop_tick, lo=start)
    tick, node, time = (columns[name][start:stop] for name in ("ticks", "node_ids", "timestamps"))
    fault = _fault(tick, node, time, population.size, dt_ms, duration_ticks)
    if fault:
        raise TraceFormatError(f"population '{population.name}': {fault}")
    return SpikeTable(tick, (node.astype(np.int64) + population.start).astype(np.int32), dt_ms)


def merge(tables, dt_ms):
    """One table of the spikes of several."""
    if len(tables) == 1:
        return tables[0]
    tick = np.concatenate([np.empty(0, np.int64), *(table.tick for table in tables)])
    neuron = np.concatenate([np.empty(0, np.int32), *(table.neuron for table in tables)])
    return SpikeTable(tick, neuron, dt_ms).where(np.lexsort((neuron, tick)))


def find_fault(file, population, dt_ms, duration_ticks):
    """The first thing that is wrong with a population's columns, or None; reads them block by block."""
    try:
        columns = _columns(file, population)
    except TraceFormatError as error:
        return str(error)
    for block in blocks(columns["ticks"].size):
        # One row of overlap, so that the order is checked across blocks too.
        here = slice(max(block.start - 1, 0), block.stop)
        tick, node, time = (columns[name][here] for name in ("ticks", "node_ids", "timestamps"))
        fault = _fault(tick, node, time, population.size, dt_ms, duration_ticks)
        if fault:
            return f"population '{population.name}': {fault}"
    return None


def _columns(file, population):
    """The three datasets of a population, which must exist and be equally long."""
    group = file[SPIKES].get(population.name)
    if not isinstance(group, h5py.Group):
        raise TraceFormatError(f"population '{population.name}' has no group in /{SPIKES}")
    columns = {name: group.get(name) for name in SPIKE_COLUMNS}
    for name, dtype in SPIKE_COLUMNS.items():
        if not isinstance(columns[name], h5py.Dataset) or columns[name].dtype != dtype:
            raise TraceFormatError(f"population '{population.name}' has no column {name} of {np.dtype(dtype)}")
    if len({column.size for column in columns.values()}) > 1:
        sizes = ", ".join(f"{column.size} {name}" for name, column in columns.items())
        raise TraceFormatError(f"population '{population.name}' has columns of different lengths: {sizes}")
    return columns


def _fault(tick, node, time, size, dt_ms, duration_ticks):
    """What is wrong with a stretch of columns of a population of `size` neurons, or None."""
    if not tick.size:
        return None
    step = np.diff(tick)
    if (step < 0).any() or (node[1:] <= node[:-1])[step == 0].any():
        return "its spikes are not sorted by (tick, id), or one is there twice"
    if tick[0] < 0 or tick[-1] >= duration_ticks:
        return f"a tick lies outside 0 to {duration_ticks - 1}"
    if node.max() >= size:
        return f"node id {node.max()} is beyond its {size} neurons"
    wrong = np.flatnonzero(time != tick * dt_ms)
    if wrong.size:
        return f"timestamp {time[wrong[0]]} ms is not that of tick {tick[wrong[0]]} ({tick[wrong[0]] * dt_ms} ms)"
    return None
