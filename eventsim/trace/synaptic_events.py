"""Every synaptic event of a run, expanded from its spikes and its connectivity."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import CapacityError
from eventsim.stimulus import Stimulus
from eventsim.trace.expansion import cells_of_windows, fill
from eventsim.trace.spikes import SpikeTable, time_ms

__all__ = ["SynapticEvents", "expand", "expand_in_chunks", "longest_delay"]

#: Deliveries that are expanded at once, of 32 bytes each.
_MAX_EVENTS = 1 << 26

_COLUMNS = (np.int64, np.int64, np.int32, np.int32, np.float64)


@dataclass(frozen=True, eq=False)
class SynapticEvents:
    """Deliveries sorted by (tick, synapse); in continuous time by (tick, offset, synapse).

    Parameters
    ----------
    tick : (n,) int64
        Tick of arrival: that of the spike plus the synapse's delay.
    synapse : (n,) int64
    pre, post : (n,) int32
        Ids of the compiled network.
    weight : (n,) float64
        In units of the target variable; 0 where the pathway uses no weight.
    dt_ms : float
        Length of a tick.
    offset : (n,) float64, optional
        Time of arrival within its tick, in ticks; None on the grid.
    core_of : (n_neurons,) int32, optional
        The core of each neuron, -1 for the host; None where the run knew of none.
    """

    tick: np.ndarray
    synapse: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    dt_ms: float
    offset: np.ndarray | None = None
    core_of: np.ndarray | None = None

    def __len__(self):
        return self.tick.size

    @property
    def t_ms(self):
        """(n,) float64: time of arrival."""
        return time_ms(self.tick, self.offset, self.dt_ms)

    @property
    def core(self):
        """(n,) int32: core of the receiving neuron; None where the run knew of none."""
        return None if self.core_of is None else self.core_of[self.post]

    def to_frame(self):
        """DataFrame with columns t_ms, tick, offset, synapse, pre, post, weight, core; without those that are None."""
        import pandas as pd  # takes half a second, and no run needs it

        columns = {
            "t_ms": self.t_ms, "tick": self.tick, "offset": self.offset, "synapse": self.synapse, "pre": self.pre,
            "post": self.post, "weight": self.weight, "core": self.core,
        }  # fmt: skip
        return pd.DataFrame({name: values for name, values in columns.items() if values is not None})

    def __repr__(self):
        span = f", ticks {self.tick[0]:,} to {self.tick[-1]:,}" if len(self) else ""
        return f"<SynapticEvents {len(self):,} deliveries{span}>"


def longest_delay(network):
    """Ticks before a window from which on spikes may arrive in it."""
    return max((int(pathway.delays[-1]) for pathway in network.pathways), default=0)


def expand(network, stimulus, spikes, start_tick, stop_tick, *, pathways=None, wanted=None, core_of=None):
    """The deliveries with start_tick <= tick of arrival < stop_tick.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus
        Its resets decide which deliveries never arrived.
    spikes : SpikeTable
        All spikes from the longest delay before `start_tick` on; those of some neurons, for what these sent.
    start_tick, stop_tick : int
    pathways : sequence of int, optional
        Those that are followed; all if left out.
    wanted : (n_neurons,) bool, optional
        Receiving neurons that are asked for; all if left out.
    core_of : (n_neurons,) int32, optional

    Returns
    -------
    SynapticEvents

    Raises
    ------
    CapacityError
        When they would not fit in memory.
    """
    asked = _Asked(network, stimulus, spikes, start_tick, stop_tick, pathways, wanted)
    demand = sum(int(cells.kept.sum()) for cells in asked.cells())
    if demand > _MAX_EVENTS:
        remedy = "ask for a shorter window (start_tick, stop_tick), or take iter_synaptic_events()"
        raise CapacityError("synaptic events at once", "this machine", demand, _MAX_EVENTS, remedy)
    return asked.expanded(asked.cells(), demand, core_of)


def expand_in_chunks(network, stimulus, spikes, start_tick, stop_tick, max_events, *, pathways=None, wanted=None,
                     core_of=None):  # fmt: skip
    """As `expand`, in SynapticEvents of at most `max_events`; more only where one spike over one pathway has more."""
    asked = _Asked(network, stimulus, spikes, start_tick, stop_tick, pathways, wanted)
    for cells in asked.cells():
        ends = np.cumsum(cells.kept)
        start = 0
        while start < ends.size:
            done = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, done + max_events, side="right")))
            yield asked.expanded([cells.rows(slice(start, stop))], int(ends[stop - 1]) - done, core_of)
            start = stop


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is to be expanded."""

    network: CompiledNetwork
    stimulus: Stimulus
    spikes: SpikeTable
    start_tick: int
    stop_tick: int
    pathways: Iterable[int] | None
    wanted: np.ndarray | None

    def cells(self):
        pathways = range(len(self.network.pathways)) if self.pathways is None else self.pathways
        return cells_of_windows(self.network, self.stimulus, self.spikes, self.start_tick, self.stop_tick, pathways,
                                self.wanted)  # fmt: skip

    def expanded(self, parts, n, core_of):
        """The n deliveries of all cells of some parts."""
        columns, offset, at = [np.empty(n, dtype) for dtype in _COLUMNS], None, 0
        if self.spikes.offset is not None:
            offset = np.empty(n)
        for cells in parts:
            here = slice(at, at + int(cells.kept.sum()))
            fill(cells, self.network, self.wanted, [column[here] for column in columns])
            if offset is not None:
                offset[here] = np.repeat(cells.offset, cells.kept)
            at = here.stop
        tick, synapse, pre, post, weight = columns
        return SynapticEvents(tick, synapse, pre, post, weight, self.network.dt_ms, offset, core_of)
