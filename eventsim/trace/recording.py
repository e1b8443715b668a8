"""Recording: what a run has handed over so far, checked to be in order."""

from dataclasses import dataclass

import numpy as np

from eventsim.errors import ConfigError
from eventsim.trace.schema import SEGMENT_COLUMNS, SEGMENT_SPIKES, SPIKE_COLUMNS, STREAMS
from eventsim.trace.spikes import time_ms

__all__ = ["Recording", "Segment", "as_column"]

_UNSORTED = "a segment's counts do not rise by (tick, core, kind) from the last one on; sort them"
#: A core and a kind: a segment with a block ends with a whole tick.
_ABOVE_ALL = (2**62, 2**62)


class Recording:
    """Segments in order of time, and how much is in them.

    Parameters
    ----------
    network : CompiledNetwork
    duration_ticks : int
        Ticks that the run will last.
    segments : SegmentList or Background
        Where the segments are kept.
    n_recorded : int
        Variables in a sample.
    clock : str
        "grid" or "continuous".

    Attributes
    ----------
    n_spikes : (n_populations,) int64
    n_rows, n_samples, n_event_ticks, n_events : int
        Rows of the sparse counts, samples, ticks with a recorded delivery, recorded deliveries.
    """

    def __init__(self, network, duration_ticks, segments, n_recorded=0, clock="grid"):
        self.network, self.duration_ticks, self.segments, self.clock = network, duration_ticks, segments, clock
        self.n_spikes, self.n_recorded = np.zeros(len(network.populations), dtype=np.int64), n_recorded
        self.n_rows = self.n_samples = self.n_event_ticks = self.n_events = 0
        self._bounds = np.array([p.start for p in network.populations] + [network.n_neurons], dtype=np.int64)
        index = np.arange(self.n_spikes.size, dtype=np.min_scalar_type(self.n_spikes.size))
        self._population = np.repeat(index, np.diff(self._bounds))  # of each neuron
        self._order = ("tick", "neuron") if clock == "grid" else ("tick", "offset", "neuron")
        self._last_spike, self._last_row = (-1,) * len(self._order), (-1, -1, -1)
        self._last_sample, self._last_event = (-1,), (-1,)

    def append(self, columns, events=None, counts=None):
        """Keep one segment; one without content is left out.

        Parameters
        ----------
        columns : mapping of str to array
            Those of SEGMENT_COLUMNS, or fewer; what is left out is empty.
        events : EventBlock, optional
            Deliveries; their columns are made by whoever writes the segment.
        counts : CountBlock, optional
            Rows of counts, in place of their columns, which are made then too.

        Raises
        ------
        ConfigError
            When something is out of order, or beyond the network or the duration.
        """
        strange = set(columns) - set(SEGMENT_COLUMNS)
        if strange:
            raise ConfigError(f"a segment has no column '{min(strange)}'; there are {', '.join(SEGMENT_COLUMNS)}")
        segment = {
            name: as_column(name, columns.get(name, np.empty(0, dtype)), dtype)
            for name, dtype in SEGMENT_COLUMNS.items()
        }
        spikes = [segment[name] for name in self._order]
        rows = [segment["counts_tick"], segment["counts_core"], segment["counts_kind"]]
        samples, event_ticks = [segment["samples_tick"]], [segment["events_tick"] if events is None else events.tick]
        self._check(spikes, rows)
        self._check_block(rows, counts)
        self._check_streams(samples[0], segment["samples_value"], event_ticks[0])
        n_rows = rows[0].size if counts is None else counts.n
        if not n_rows and not any(stream[0].size for stream in (spikes, samples, event_ticks)):
            return
        self.segments.append(Segment(segment, {"events": events, "counts": counts}))
        self.n_spikes += self._of_populations(segment["neuron"])
        self.n_rows += n_rows
        self.n_samples += samples[0].size
        self.n_event_ticks += event_ticks[0].size
        self.n_events += segment["events_synapse"].size if events is None else events.n
        self._last_spike, self._last_row = _last(spikes, self._last_spike), _last(rows, self._last_row)
        if counts is not None and counts.n:
            self._last_row = (counts.ticks[1], *_ABOVE_ALL)
        self._last_sample, self._last_event = _last(samples, self._last_sample), _last(event_ticks, self._last_event)

    def _of_populations(self, neuron):
        """(n_populations,) int64: how many of some neurons are of each."""
        if neuron.size < self._population.size:  # in time that no neuron takes that did not spike
            return np.bincount(self._population.take(neuron), minlength=self.n_spikes.size)
        before = np.append(0, np.cumsum(np.bincount(neuron, minlength=self._population.size)))
        return np.diff(before[self._bounds])

    def _check(self, spikes, rows):
        if len({a.size for a in spikes}) > 1 or len({a.size for a in rows}) > 1:
            raise ConfigError("a segment's columns differ in length")
        if not _rise(spikes, self._last_spike, equal_rows=self.clock == "continuous"):
            order = ", ".join(self._order)
            raise ConfigError(f"a segment's spikes do not rise by ({order}) from the last one on; sort them")
        if not _rise(rows, self._last_row):
            raise ConfigError(_UNSORTED)
        for tick in (spikes[0], rows[0]):
            if tick.size and not 0 <= tick[0] <= tick[-1] < self.duration_ticks:
                span = f"from tick {tick[0]} to {tick[-1]}"
                raise ConfigError(f"a segment lasts {span}, the run {self.duration_ticks} ticks")
        if self.clock == "continuous" and not ((spikes[1] >= 0) & (spikes[1] < 1)).all():
            raise ConfigError("a segment has an offset outside [0, 1); the rest of a time belongs to its tick")
        neuron, n_neurons = spikes[-1], self.network.n_neurons
        if neuron.size and not (neuron.min() >= 0 and neuron.max() < n_neurons):
            raise ConfigError(f"a segment names a neuron that is not among the {n_neurons} of the network")

    def _check_block(self, rows, counts):
        if counts is None or not counts.n:
            return
        first, last = counts.ticks
        if rows[0].size:
            raise ConfigError("a segment has rows of counts twice, as columns and as a block; give one of them")
        if not (counts.rises and first > self._last_row[0]):
            raise ConfigError(_UNSORTED)
        if last >= self.duration_ticks:
            raise ConfigError(f"a segment counts up to tick {last}, the run lasts {self.duration_ticks} ticks")

    def _check_streams(self, samples_tick, samples_value, event_tick):
        if samples_value.size != samples_tick.size * self.n_recorded:
            raise ConfigError(f"a segment has {samples_value.size} values at {samples_tick.size} ticks; "
                              f"{self.n_recorded} at each are recorded")  # fmt: skip
        for what, tick, last in (("samples", samples_tick, self._last_sample),
                                 ("deliveries", event_tick, self._last_event)):  # fmt: skip
            if not _rise([tick], last) or (tick.size and tick[-1] >= self.duration_ticks):
                raise ConfigError(f"the ticks of a segment's {what} do not rise from the last one on, or leave the run")

    def by_population(self, segment):
        """Yields (place, columns) of each population that spikes in a segment, as `SPIKE_COLUMNS` has them."""
        population = self._population.take(segment["neuron"])
        order = np.argsort(population, kind="stable")
        ends = np.cumsum(np.bincount(population, minlength=self.n_spikes.size))
        for k in np.flatnonzero(np.diff(ends, prepend=0)).tolist():
            own = order[ends[k - 1] if k else 0 : ends[k]]
            yield k, self._columns_of(k, {name: segment[name][own] for name in self._order})

    def _columns_of(self, k, spikes):
        tick, offset = spikes["tick"], spikes.get("offset")
        columns = {
            "timestamps": time_ms(tick, offset, self.network.dt_ms), "ticks": tick, "offsets": offset,
            "node_ids": (spikes["neuron"] - self.network.populations[k].start).astype(np.uint64),
        }  # fmt: skip
        return {name: columns[name] for name in SPIKE_COLUMNS[self.clock]}


@dataclass(frozen=True, eq=False)
class Segment:
    """One stretch of time.

    Parameters
    ----------
    given : mapping of str to array
        Its columns, all of SEGMENT_COLUMNS.
    blocks : mapping of str to EventBlock, CountBlock or None
        By stream, what the stream's columns are made of when they are wanted; where it is None, they were given.
    """

    given: dict
    blocks: dict

    def __call__(self):
        """Mapping of all SEGMENT_COLUMNS to arrays."""
        return self.given | {
            f"{stream}_{name}": values for stream in STREAMS for name, values in self.maker(stream)().items()
        }

    @property
    def spikes(self):
        """Its columns that are of no stream."""
        return {name: self.given[name] for name in SEGMENT_SPIKES}

    def maker(self, stream):
        """What makes the columns of one stream, by their own names; it holds nothing of the others."""
        if (block := self.blocks.get(stream)) is not None:
            return block.columns
        given = {name: self.given[f"{stream}_{name}"] for name in STREAMS[stream][1]}
        return lambda: given


def as_column(name, values, dtype, size=None):
    """`values` as a one-dimensional array of `dtype`; raises ConfigError when that is not what they are."""
    array = np.asarray(values)
    if array.ndim != 1 or (size is not None and array.size != size):
        raise ConfigError(f"'{name}' has shape {array.shape}; expected ({'n' if size is None else size},)")
    if array.size and not np.can_cast(array.dtype, dtype, casting="same_kind"):
        raise ConfigError(f"'{name}' has dtype {array.dtype}; expected {np.dtype(dtype)}")
    column = np.ascontiguousarray(array, dtype=dtype)
    if column.dtype != array.dtype and not np.array_equal(column, array):
        raise ConfigError(f"'{name}' has a value that {np.dtype(dtype)} cannot hold")
    return column


def _rise(columns, before, equal_rows=False):
    """Whether rows rise in lexicographic order, the first one above `before`; equal ones only if they may."""
    if not columns[0].size:
        return True
    first = tuple(values[0].item() for values in columns)
    rises = np.full(columns[0].size - 1, equal_rows)  # of what is equal in all columns looked at, the last one first
    for values in reversed(columns):
        rises = (values[1:] > values[:-1]) | (values[1:] == values[:-1]) & rises
    return (first > before or (equal_rows and first == before)) and bool(rises.all())


def _last(columns, before):
    return tuple(values[-1].item() for values in columns) if columns[0].size else before
