"""How long the ticks of a run last: as long as they are said to, or as fast as the slowest core allows."""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
import pandas as pd

from eventsim.arguments import number_above_zero
from eventsim.counts import MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS
from eventsim.errors import ConfigError
from hardware_models.mesh import tile_of

__all__ = ["Ticks", "fastest_ticks", "given_ticks", "tick_times", "time_figures"]

#: What takes a core time besides its neurons' updates -> the key of the time of one.
_TAKES = {SYNAPTIC_EVENTS: "synaptic_event_ns", SPIKES: "spike_ns", MESSAGES_OUT: "message_out_ns",
          MESSAGES_IN: "message_in_ns"}  # fmt: skip

_TOO_LONG_US = 2e9  # half an hour; nobody lets a chip tick so slowly


@dataclass(frozen=True)
class Ticks:
    """How long the ticks of a run last.

    Parameters
    ----------
    count : int
    rule : str
        How the length was found.
    shortest_ns, longest_ns : Fraction
    total_ns : Fraction
        The run.
    total_full_chip_ns : Fraction
        The same run when copies of the network fill the chip, so that the barrier spans all of it.
    """

    count: int
    rule: str
    shortest_ns: Fraction
    longest_ns: Fraction
    total_ns: Fraction
    total_full_chip_ns: Fraction

    @property
    def mean_ns(self):
        return self.total_ns / self.count if self.count else Fraction(0)


def given_ticks(tick_us, counts, amounts, time):
    """Ticks of a given length.

    Parameters
    ----------
    tick_us : float
    counts : EventCounts
    amounts : DataFrame
        What `hardware_models.costing.quantities.quantities` returns.
    time : Time or None
        Published times, with which a tick that is impossibly short is refused.

    Raises
    ------
    ConfigError
        Not a number above 0 and below 2e9, or shorter than the busiest core needs even with all neurons idle.
    """
    number_above_zero("tick_us", tick_us, _TOO_LONG_US)
    length = Fraction(str(tick_us)) * 1000
    if time is not None:
        busiest = _Busy(counts, amounts, time, time.neuron_update_idle_ns).most
        needed = float((time.barrier_one_tile_ns.exact + busiest) / 1000)
        if length < time.barrier_one_tile_ns.exact + busiest:
            raise ConfigError(f"tick_us is {tick_us}, but the busiest core needs {needed:g} us even with all neurons "
                              "idle; give longer ticks, or place the network on more cores")  # fmt: skip
    total = length * counts.duration_ticks
    return Ticks(counts.duration_ticks, "as given", length, length, total, total)


def fastest_ticks(counts, amounts, time, mesh):
    """Each tick as short as its busiest core allows, all its neurons taken to be active, and then the barrier."""
    barrier, widest = getattr(time, _barrier(amounts, mesh)).exact, time.barrier_all_tiles_ns.exact
    busy, n = _Busy(counts, amounts, time, time.neuron_update_active_ns), counts.duration_ticks
    return Ticks(n, "as fast as the slowest core allows", barrier + busy.least, barrier + busy.most,
                 n * barrier + busy.total, n * widest + busy.total)  # fmt: skip


def time_figures(amounts, time, mesh):
    """Mapping key -> Figure of the times that `fastest_ticks` rests on."""
    keys = ("neuron_update_active_ns", *_TAKES.values(), _barrier(amounts, mesh))
    return {key: getattr(time, key) for key in keys if getattr(time, key) is not None}


def tick_times(counts, amounts, time, mesh):
    """How long each tick lasts, and which core it waits for, all neurons taken to be active.

    Returns
    -------
    DataFrame
        One row per tick in which something happened, and one, tick -1, for every other: slowest_core, busy_ns,
        barrier_ns and time_ns, floats rounded once.
    """
    busy = _Busy(counts, amounts, time, time.neuron_update_active_ns)
    barrier = getattr(time, _barrier(amounts, mesh)).exact
    columns = [-1, *busy.tick.tolist()], [busy.idle_core, *busy.core.tolist()], [busy.floor, *busy.longest.tolist()]
    rows = [(tick, core, Fraction(value, busy.scale)) for tick, core, value in zip(*columns)]
    table = [(tick, core, float(ns), float(barrier), float(ns + barrier)) for tick, core, ns in rows]
    return pd.DataFrame(table, columns=["tick", "slowest_core", "busy_ns", "barrier_ns", "time_ns"]).set_index("tick")


def _barrier(amounts, mesh):
    """Key of the barrier: of one tile when all cores are on one, otherwise of all tiles, since what lies between the
    two published ends is not known."""
    tiles = np.unique(tile_of(amounts.index.to_numpy(), mesh)).size
    return "barrier_one_tile_ns" if tiles <= 1 else "barrier_all_tiles_ns"


class _Busy:
    """How long the busiest core of each tick computes, in whole numbers of 1/scale ns.

    Parameters
    ----------
    update : Figure
        Time of one neuron's update.

    Attributes
    ----------
    tick, core, longest : (n,) arrays
        Of each tick in which something happened: the busiest core, and its time.
    idle_core, floor : int
        The core with most neurons, and its time in a tick in which nothing happens.
    """

    def __init__(self, counts, amounts, time, update):
        figures = {kind: getattr(time, key) for kind, key in _TAKES.items()}
        each = {kind: figure.exact for kind, figure in figures.items() if figure is not None}
        self.scale = lcm(update.exact.denominator, *(ns.denominator for ns in each.values()))
        self.tick = self.core = self.longest = np.empty(0, np.int64)
        self.n_ticks, self.floor, self.idle_core = counts.duration_ticks, 0, -1
        if not counts.duration_ticks or not len(amounts):
            self.n_ticks = 0
            return
        cores, idle = amounts.index.to_numpy(), amounts["neurons"].to_numpy() * int(update.exact * self.scale)
        self.floor, self.idle_core = int(idle.max()), int(cores[idle.argmax()])
        price = np.zeros(256, dtype=np.int64)
        price[list(each)] = [int(ns * self.scale) for ns in each.values()]
        rows = (price[counts.kind] > 0) & np.isin(counts.core, cores)
        if not rows.any():
            return
        tick, core = counts.tick[rows], counts.core[rows]
        begins = np.flatnonzero(np.concatenate([[True], (np.diff(tick) != 0) | (np.diff(core) != 0)]))
        spent = np.add.reduceat(counts.count[rows] * price[counts.kind[rows]], begins)
        tick, core = tick[begins], core[begins]
        busy = spent + idle[np.searchsorted(cores, core)]
        order = np.lexsort((core, -busy, tick))
        first = order[np.flatnonzero(np.concatenate([[True], np.diff(tick[order]) != 0]))]
        waits_idle = busy[first] < self.floor
        self.tick, self.longest = tick[first], np.maximum(busy[first], self.floor)
        self.core = np.where(waits_idle, self.idle_core, core[first])

    @property
    def least(self):
        """Over all ticks; so are `most` and `total`."""
        silent = self.n_ticks > self.tick.size or not self.tick.size
        return Fraction(self.floor if silent else int(self.longest.min()), self.scale)

    @property
    def most(self):
        return Fraction(int(self.longest.max(initial=self.floor)), self.scale)

    @property
    def total(self):
        return Fraction(int(self.longest.sum()) + (self.n_ticks - self.tick.size) * self.floor, self.scale)
