"""The record of deliveries: which were asked for, how a kernel hands them over, how they are read back.

Spikes and connectivity determine every delivery, so a trace needs no such record. It is the kernel's own word: each
delivery written down where it is scattered, with which the expansion can be compared.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventsim.errors import CapacityError, ConfigError, TraceFormatError
from eventsim.trace.schema import EVENT_COLUMNS, EVENTS

__all__ = ["EventBlock", "EventChoice", "Marks", "choose_events", "read_choice", "read_marks", "read_record"]

#: Deliveries that are read at once, of about 32 bytes each.
_MOST_AT_ONCE = 1 << 26

#: Deliveries that are sorted at once; more only where one tick has more. They stay in the processor's cache.
_SORTED_AT_ONCE = 1 << 16

_KEYS = ("pathways", "populations", "window_ticks")


@dataclass(frozen=True)
class EventChoice:
    """Which deliveries are recorded.

    Parameters
    ----------
    pathways : tuple of int
        Ascending.
    start_tick, stop_tick : int
        Ticks of arrival start_tick <= tick < stop_tick.
    """

    pathways: tuple[int, ...]
    start_tick: int
    stop_tick: int

    def to_arrays(self, duration_ticks):
        """Mapping name -> one-dimensional array, for a run that ended after so many ticks."""
        window = [min(tick, duration_ticks) for tick in (self.start_tick, self.stop_tick)]
        return {"pathways": np.array(self.pathways, dtype=np.int64), "window": np.array(window, dtype=np.int64)}


def choose_events(asked, network, duration_ticks):
    """The EventChoice that a user asked for, or None.

    Parameters
    ----------
    asked : bool, None, or mapping
        True for every delivery; or `pathways` (names), `populations` (names of receiving ones), `window_ticks`
        (first tick and the one behind the last), each of which may be left out.
    network : CompiledNetwork
    duration_ticks : int

    Raises
    ------
    ConfigError
        When it asks for something else, or for what the network does not have.
    """
    if asked is None or asked is False:
        return None
    asked = {} if asked is True else asked
    if not isinstance(asked, Mapping) or not set(asked) <= set(_KEYS):
        raise ConfigError(f"record_events is {asked!r}; give True, or a mapping of {', '.join(_KEYS)}")
    window = asked.get("window_ticks", (0, duration_ticks))
    is_window = np.shape(window) == (2,) and np.asarray(window).dtype.kind in "iu" and 0 <= window[0] <= window[1]
    if not is_window:
        raise ConfigError(f"record_events: window_ticks is {window!r}; give two ticks, 0 <= first <= last + 1")
    chosen = set(range(len(network.pathways)))
    if "pathways" in asked or "populations" in asked:
        targets = _places("populations", asked.get("populations", ()), network.populations)
        chosen = _places("pathways", asked.get("pathways", ()), network.pathways)
        chosen |= {k for k, pathway in enumerate(network.pathways) if pathway.target in targets}
    return EventChoice(tuple(sorted(chosen)), int(window[0]), min(int(window[1]), duration_ticks))


def _places(what, names, parts):
    """Places, in the network, of what is named."""
    known = {part.name: place for place, part in enumerate(parts)}
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"record_events: '{unknown[0]}' is not among the {what}: {', '.join(known)}")
    return {known[name] for name in names}


@dataclass(frozen=True, eq=False)
class EventBlock:
    """Deliveries of a stretch of time as the parts of a kernel scattered them.

    Parameters
    ----------
    tick : (m,) int64
        Ticks with a delivery, ascending.
    end : (m, n_parts) int64
        Where the rows of a tick end in each part's column.
    synapse : sequence of n_parts (n,) uint32
        In the order in which they were scattered.
    synapse_of : (n_synapses,) uint32, optional
        Id of each synapse, where the parts number them in another way.
    """

    tick: np.ndarray
    end: np.ndarray
    synapse: tuple[np.ndarray, ...]
    synapse_of: np.ndarray | None = None

    @property
    def n(self):
        """Number of deliveries."""
        return sum(part.size for part in self.synapse)

    def columns(self):
        """Mapping EVENT_COLUMNS -> array: parts merged, sorted by (tick, synapse).

        This is the costly step, for the thread that writes.
        """
        ends = self.end.sum(axis=1)
        synapse, start, done = np.empty(self.n, dtype=np.uint32), 0, 0
        while start < ends.size:
            stop = max(start + 1, int(np.searchsorted(ends, done + _SORTED_AT_ONCE, side="right")))
            synapse[done : ends[stop - 1]] = self._sorted(start, stop)
            start, done = stop, int(ends[stop - 1])
        return {"tick": self.tick, "end": ends, "synapse": synapse}

    def _sorted(self, start, stop):
        """(n,) uint32: the synapses of some ticks, sorted by (tick, synapse)."""
        keys = []  # of each part: place of the tick, then synapse
        for part, synapse in enumerate(self.synapse):
            begin = int(self.end[start - 1, part]) if start else 0
            ends = self.end[start:stop, part]
            scattered = synapse[begin : ends[-1]]
            key = np.repeat(np.arange(stop - start) << 32, np.diff(ends, prepend=begin))
            key |= scattered if self.synapse_of is None else self.synapse_of[scattered]
            keys.append(key)
        key = keys[0] if len(keys) == 1 else np.concatenate(keys)
        key.sort(kind="stable")  # it merges the ascending runs that rows of a network are
        return key.astype(np.uint32)


def read_choice(file, network, duration_ticks):
    """The EventChoice of an open trace, or None; raises TraceFormatError when it does not fit the network."""
    if EVENTS not in file:
        return None
    columns = {name: file.get(f"{EVENTS}/{name}") for name in ("pathways", "window")}
    if any(column is None or column.dtype != np.int64 for column in columns.values()):
        raise TraceFormatError(f"/{EVENTS} does not say which deliveries were recorded")
    if columns["pathways"].size > len(network.pathways) or columns["window"].size != 2:
        raise TraceFormatError(f"/{EVENTS} names more pathways than there are, or no window of ticks")
    pathways, window = (columns[name][:].tolist() for name in ("pathways", "window"))
    ascending = pathways == sorted(set(pathways) & set(range(len(network.pathways))))
    if not (ascending and 0 <= window[0] <= window[1] <= duration_ticks):
        raise TraceFormatError(f"/{EVENTS} is of pathways {pathways} in ticks {window}, which the run does not have")
    return EventChoice(tuple(pathways), *window)


@dataclass(frozen=True, eq=False)
class Marks:
    """Where the recorded deliveries of a window of time lie.

    Parameters
    ----------
    tick, n : (m,) int64
        Ticks with a recorded delivery, and how many each has.
    rows : slice
        Of the column of synapses.
    """

    tick: np.ndarray
    n: np.ndarray
    rows: slice

    def require_room(self):
        """Raise CapacityError when they are too many to be held at once."""
        demand = self.rows.stop - self.rows.start
        if demand > _MOST_AT_ONCE:
            raise CapacityError("recorded deliveries at once", "this machine", demand, _MOST_AT_ONCE,
                                "ask for a shorter window (start_tick, stop_tick)")  # fmt: skip


def read_marks(file, choice, start_tick, stop_tick):
    """The Marks of the recorded deliveries with start_tick <= tick < stop_tick; reads and checks no more than those.

    Raises TraceFormatError when the columns contradict each other.
    """
    columns = {name: file.get(f"{EVENTS}/{name}") for name in EVENT_COLUMNS}
    for name, dtype in EVENT_COLUMNS.items():
        if columns[name] is None or columns[name].dtype != dtype:
            raise TraceFormatError(f"/{EVENTS} has no column {name} of {np.dtype(dtype)}")
    ticks, ends, synapses = columns.values()
    if ticks.size != ends.size or synapses.size != (ends[-1] if ends.size else 0):
        raise TraceFormatError(f"/{EVENTS} has columns of different lengths")
    if ticks.size and not choice.start_tick <= ticks[0] <= ticks[-1] < choice.stop_tick:
        raise TraceFormatError(f"/{EVENTS} has ticks outside of its window")
    first = bisect_left(ticks, start_tick)
    last = bisect_left(ticks, stop_tick, lo=first)
    tick, end, begin = ticks[first:last], ends[first:last], int(ends[first - 1]) if first else 0
    stop = int(end[-1]) if end.size else begin
    n = np.diff(end, prepend=begin)
    if not ((n > 0).all() and (np.diff(tick) > 0).all() and 0 <= begin <= stop <= synapses.size):
        raise TraceFormatError(f"/{EVENTS}: its ticks, or where their rows end, do not rise")
    return Marks(tick, n, slice(begin, stop))


def read_record(file, network, choice, marks) -> tuple[np.ndarray, np.ndarray]:
    """(tick, synapse), both (n,) int64, of the recorded deliveries at some Marks.

    Raises TraceFormatError when one cannot have been recorded.
    """
    tick, synapse = np.repeat(marks.tick, marks.n), file[f"{EVENTS}/synapse"][marks.rows].astype(np.int64)
    _check_synapses(tick, synapse, network, choice)
    return tick, synapse


def _check_synapses(tick, synapse, network, choice):
    if (np.diff(synapse)[np.diff(tick) == 0] <= 0).any():
        raise TraceFormatError(f"/{EVENTS}: synapses do not rise within a tick, or one is there twice")
    recorded = np.zeros(network.n_synapses + 1, dtype=bool)
    for k in choice.pathways:
        recorded[network.pathways[k].first :][: network.pathways[k].size] = True
    strange = ~recorded[np.minimum(synapse, network.n_synapses)]
    if strange.any():
        raise TraceFormatError(f"/{EVENTS}: synapse {synapse[strange.argmax()]} is of no recorded pathway")
