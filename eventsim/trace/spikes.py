"""Spikes as a table, and how they are read from the columns of a SONATA population."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from eventsim.errors import TraceFormatError
from eventsim.trace.child import COLUMN, GROUP
from eventsim.trace.schema import SPIKE_COLUMNS, SPIKES, blocks

__all__ = ["SpikeTable", "find_fault", "merge", "read_window", "tick_after", "time_ms"]


@dataclass(frozen=True, eq=False)
class SpikeTable:
    """Spikes sorted by (tick, neuron), in continuous time by (tick, offset, neuron).

    Parameters
    ----------
    tick : (n,) int64
    neuron : (n,) int32
        Ids of the compiled network.
    dt_ms : float
        Length of a tick.
    offset : (n,) float64, in ticks, or None
        Fraction of a tick in [0, 1); None on the grid.
    """

    tick: np.ndarray
    neuron: np.ndarray
    dt_ms: float
    offset: np.ndarray | None = None

    @property
    def t_ms(self):
        """(n,) float64: time of each spike."""
        return time_ms(self.tick, self.offset, self.dt_ms)

    def __len__(self):
        return self.tick.size

    def where(self, kept):
        """The spikes that a boolean array, or an array of rows, selects."""
        offset = None if self.offset is None else self.offset[kept]
        return SpikeTable(self.tick[kept], self.neuron[kept], self.dt_ms, offset)

    def to_frame(self):
        """DataFrame with columns t_ms, tick, neuron and, in continuous time, offset."""
        import pandas as pd  # takes half a second, and no run needs it

        columns = {"t_ms": self.t_ms, "tick": self.tick, "neuron": self.neuron}
        return pd.DataFrame(columns if self.offset is None else columns | {"offset": self.offset})

    def __repr__(self):
        span = f", ticks {self.tick[0]:,} to {self.tick[-1]:,}" if len(self) else ""
        return f"<SpikeTable {len(self):,} spikes{span}>"


def time_ms(tick, offset, dt_ms):
    """(n,) float64: times in ms of ticks and, in continuous time, offsets."""
    return (tick if offset is None else tick + offset) * dt_ms


def read_window(file, population, clock, dt_ms, duration_ticks, start_tick=None, stop_tick=None):
    """The spikes of one population with start_tick <= tick < stop_tick; None leaves that side open.

    Reads and checks no more than that window. Raises TraceFormatError when the columns contradict each other.
    """
    columns = _columns(file, population, clock)
    ticks = columns["ticks"]
    start = 0 if start_tick is None else bisect_left(ticks, start_tick)
    stop = ticks.size if stop_tick is None else bisect_left(ticks, stop_tick, lo=start)
    own = {name: column[start:stop] for name, column in columns.items()}
    fault = _fault(own, population.size, dt_ms, duration_ticks)
    if fault:
        raise TraceFormatError(f"population '{population.name}': {fault}")
    neuron = (own["node_ids"].astype(np.int64) + population.start).astype(np.int32)
    return SpikeTable(own["ticks"], neuron, dt_ms, own.get("offsets"))


def tick_after(file, population, clock, start_tick, n_spikes):
    """The tick of the spike that follows `n_spikes` of a population from `start_tick` on; None where none follows."""
    ticks = _columns(file, population, clock)["ticks"]
    row = n_spikes + (0 if start_tick is None else bisect_left(ticks, start_tick))
    return int(ticks[row]) if row < ticks.size else None


def merge(tables, dt_ms):
    """One table of the spikes of several."""
    if len(tables) == 1:
        return tables[0]
    tick = np.concatenate([np.empty(0, np.int64), *(table.tick for table in tables)])
    neuron = np.concatenate([np.empty(0, np.int32), *(table.neuron for table in tables)])
    if not tables or tables[0].offset is None:
        return SpikeTable(tick, neuron, dt_ms).where(np.lexsort((neuron, tick)))
    offset = np.concatenate([table.offset for table in tables])
    return SpikeTable(tick, neuron, dt_ms, offset).where(np.lexsort((neuron, offset, tick)))


def find_fault(file, population, clock, dt_ms, duration_ticks):
    """The first thing that is wrong with a population's columns, or None; reads them block by block."""
    try:
        columns = _columns(file, population, clock)
    except TraceFormatError as error:
        return str(error)
    for block in blocks(columns["ticks"].size):
        # One row of overlap, so that the order is checked across blocks too.
        here = slice(max(block.start - 1, 0), block.stop)
        own = {name: column[here] for name, column in columns.items()}
        fault = _fault(own, population.size, dt_ms, duration_ticks)
        if fault:
            return f"population '{population.name}': {fault}"
    return None


def _columns(file, population, clock):
    """The datasets of a population, which must exist and be equally long."""
    group = file[SPIKES].get(population.name)
    if not isinstance(group, GROUP):
        raise TraceFormatError(f"population '{population.name}' has no group in /{SPIKES}")
    if clock == "grid" and "offsets" in group:
        raise TraceFormatError(f"population '{population.name}' has offsets, but the run was on the grid")
    columns = {}
    for name, dtype in SPIKE_COLUMNS[clock].items():
        column = group.get(name)
        if not isinstance(column, COLUMN) or column.dtype != dtype:
            raise TraceFormatError(f"population '{population.name}' has no column {name} of {np.dtype(dtype)}")
        columns[name] = column
    if len({column.size for column in columns.values()}) > 1:
        sizes = ", ".join(f"{column.size} {name}" for name, column in columns.items())
        raise TraceFormatError(f"population '{population.name}' has columns of different lengths: {sizes}")
    return columns


def _fault(columns, size, dt_ms, duration_ticks):
    """What is wrong with a stretch of columns of a population of `size` neurons, or None."""
    tick, node, time, offset = (columns.get(name) for name in ("ticks", "node_ids", "timestamps", "offsets"))
    if not tick.size:
        return None
    step = np.diff(tick)
    if offset is None:
        if (step < 0).any() or (node[1:] <= node[:-1])[step == 0].any():
            return "its spikes are not sorted by (tick, id), or one is there twice"
    elif not ((offset >= 0) & (offset < 1)).all():  # not a number, among others
        return "an offset lies outside [0, 1)"
    else:
        part = np.diff(offset)
        falls = (step < 0) | ((step == 0) & ((part < 0) | ((part == 0) & (node[1:] < node[:-1]))))
        if falls.any():
            return "its spikes are not sorted by (tick, offset, id)"
    if tick[0] < 0 or tick[-1] >= duration_ticks:
        return f"a tick lies outside 0 to {duration_ticks - 1}"
    if node.max() >= size:
        return f"node id {node.max()} is beyond its {size} neurons"
    due = time_ms(tick, offset, dt_ms)
    wrong = np.flatnonzero(time != due)
    if wrong.size:
        return f"timestamp {time[wrong[0]]} ms is not that of tick {tick[wrong[0]]} ({due[wrong[0]]} ms)"
    return None
