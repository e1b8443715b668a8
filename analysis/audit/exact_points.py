"""Points in time of one neuron: when something happens to it, and what.

They follow from the record alone: arrivals, spikes of its own and the ends of the refractory periods after them, steps
of functions of time, resets by the host.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Points", "points_of", "releases"]


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a window, ascending; it begins with one.

    Parameters
    ----------
    tick, offset : (n,) int64, float64
    length : (n,) float64
        Ticks to the next, or to the end of the window.
    fired : (n,) int64
        Recorded spikes.
    arrivals_at : (n + 1,) int64
        Where the arrivals of each begin among all of them.
    tested : (n,) bool
        Whether its threshold may be met there by something else than motion.
    reset : (n,) bool
        By the host.
    closed : (n,) bool
        Refractory from there to the next.
    """

    tick: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    fired: np.ndarray
    arrivals_at: np.ndarray
    tested: np.ndarray
    reset: np.ndarray
    closed: np.ndarray


def releases(period, tick, offset):
    """Ends of the refractory periods after spikes; none where the period, whole ticks and a fraction of one, is 0."""
    whole, part = period
    if not whole and not part:
        return np.empty(0, np.int64), np.empty(0)
    total = offset + part
    over = np.floor(total)
    return tick + whole + over.astype(np.int64), total - over


def points_of(equations, release, resets, begin, end, arrivals, spikes, every_tick=False):
    """The Points of a neuron from tick `begin` to before tick `end`.

    Parameters
    ----------
    equations : Equations
    release : (int, float)
        End of the refractory period that is open when the window begins, or before it.
    resets : (n,) int64
        Ticks at which the host resets.
    arrivals, spikes : (tick, offset) arrays
        All of these ticks, ascending.
    every_tick : bool
        Whether the start of each tick is a point too.
    """
    ends = releases(equations.period, *spikes)
    inside = ends[0] < end
    pending = [release] if (begin, 0.0) <= release < (end, 0.0) else []
    resets = resets[(resets >= begin) & (resets < end)]
    changes = equations.changes
    changes = np.arange(begin, end) if every_tick else changes[(changes > begin) & (changes < end)]
    groups = {
        "begin": ([begin], [0.0]), "arrivals": arrivals, "spikes": spikes, "ends": [column[inside] for column in ends],
        "pending": ([tick for tick, _ in pending], [offset for _, offset in pending]),
        "resets": (resets, np.zeros(resets.size)), "changes": (changes, np.zeros(changes.size)),
    }  # fmt: skip
    tick, offset, places = _merged(groups)
    arrived, fired = (np.bincount(places[name], minlength=tick.size) for name in ("arrivals", "spikes"))
    tested, reset = (arrived > 0) | (fired > 0), np.zeros(tick.size, dtype=bool)
    if not equations.fires_once:
        for name in ("ends", "pending", "resets"):
            tested[places[name]] = True
        tested[0] |= begin == 0
    reset[places["resets"]] = True
    length = np.append(np.diff(tick), end - tick[-1]) + (np.append(offset[1:], 0.0) - offset)
    periods = zip(places["spikes"].tolist(), *(column.tolist() for column in ends))
    closed = _closed(tick, offset, release, periods, reset)
    return Points(tick, offset, length, fired, np.append(0, np.cumsum(arrived)), tested, reset, closed)


def _merged(groups):
    """(tick, offset) of the distinct times of some groups, ascending, and by group where each of its times is."""
    tick = np.concatenate([np.asarray(group[0], dtype=np.int64) for group in groups.values()])
    offset = np.concatenate([np.asarray(group[1], dtype=np.float64) for group in groups.values()])
    order = np.lexsort((offset, tick))
    new = np.ones(order.size, dtype=bool)
    new[1:] = (np.diff(tick[order]) != 0) | (np.diff(offset[order]) != 0)
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    ends = np.cumsum([len(group[0]) for group in groups.values()])
    return tick[order][new], offset[order][new], dict(zip(groups, np.split(place, ends[:-1])))


def _closed(tick, offset, release, periods, reset):
    """(n,) bool: where a refractory period is open, given (place, end tick, end offset) of each that begins here."""
    closed, resets = np.zeros(tick.size, dtype=bool), np.append(np.flatnonzero(reset), tick.size)

    def place_of(end_tick, end_offset):
        first, stop = np.searchsorted(tick, (end_tick, end_tick + 1))
        return first + int(np.searchsorted(offset[first:stop], end_offset))

    closed[: min(place_of(*release), resets[0])] = True
    for first, *end in periods:
        closed[first : min(place_of(*end), resets[np.searchsorted(resets, first, side="right")])] = True
    return closed
