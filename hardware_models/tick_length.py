"""How long the ticks of a run last: as long as they are said to, or as fast as the slowest core allows."""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from eventsim.counts import SYNAPTIC_EVENTS
from eventsim.errors import ConfigError
from hardware_models.mesh import tile_of

__all__ = ["Ticks", "fastest_ticks", "given_ticks"]


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
        What `hardware_models.quantities.quantities` returns.
    time : Time or None
        Published times, with which a tick that is impossibly short is refused.

    Raises
    ------
    ConfigError
        Not a positive number, or shorter than the busiest core needs even with all neurons idle.
    """
    if isinstance(tick_us, (str, bool)) or not (np.isfinite(tick_us) and tick_us > 0):
        raise ConfigError(f"tick_us is {tick_us!r}; give a positive number of microseconds, or 'fastest'")
    length = Fraction(str(tick_us)) * 1000
    if time is not None:
        busiest = _busy_ns(counts, amounts, time.neuron_update_idle_ns.exact, time.synaptic_event_ns.exact)[2]
        needed = float((time.barrier_one_tile_ns.exact + busiest) / 1000)
        if length < time.barrier_one_tile_ns.exact + busiest:
            raise ConfigError(f"tick_us is {tick_us}, but the busiest core needs {needed:g} us even with all neurons "
                              "idle; give longer ticks, or place the network on more cores")  # fmt: skip
    total = length * counts.duration_ticks
    return Ticks(counts.duration_ticks, "as given", length, length, total, total)


def fastest_ticks(counts, amounts, time, mesh):
    """Each tick as short as its busiest core allows, all its neurons taken to be active, and then the barrier.

    Returns
    -------
    ticks : Ticks
    barrier : str
        Key of the barrier that was taken: of one tile when all cores are on one, otherwise of all tiles, since what
        lies between the two published ends is not known.
    """
    tiles = np.unique(tile_of(amounts.index.to_numpy(), mesh)).size
    name = "barrier_one_tile_ns" if tiles <= 1 else "barrier_all_tiles_ns"
    barrier, widest = getattr(time, name).exact, time.barrier_all_tiles_ns.exact
    least, total, most = _busy_ns(counts, amounts, time.neuron_update_active_ns.exact, time.synaptic_event_ns.exact)
    n = counts.duration_ticks
    ticks = Ticks(n, "as fast as the slowest core allows", barrier + least, barrier + most,
                  n * barrier + total, n * widest + total)  # fmt: skip
    return ticks, name


def _busy_ns(counts, amounts, update_ns, event_ns):
    """Least, total and most time in ns, over ticks, that the busiest core of each tick computes: three Fractions."""
    scale = lcm(update_ns.denominator, event_ns.denominator)
    update, event = int(update_ns * scale), int(event_ns * scale)
    if not counts.duration_ticks or not len(amounts):
        return Fraction(0), Fraction(0), Fraction(0)
    idle = amounts["neurons"].to_numpy() * update
    rows = counts.kind == SYNAPTIC_EVENTS
    tick, core, events = counts.tick[rows], counts.core[rows], counts.count[rows]
    busy = idle[np.searchsorted(amounts.index.to_numpy(), core)] + events * event
    first = np.flatnonzero(np.concatenate([[True], np.diff(tick) != 0])[: tick.size])
    floor = int(idle.max())
    longest = np.maximum(np.maximum.reduceat(busy, first), floor) if first.size else np.empty(0, np.int64)
    silent = counts.duration_ticks - first.size
    total = int(longest.sum()) + silent * floor
    least = floor if silent else int(longest.min())
    return Fraction(least, scale), Fraction(total, scale), Fraction(int(longest.max(initial=floor)), scale)
