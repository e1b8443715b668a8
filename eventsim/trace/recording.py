"""Recording: what a run has handed over so far, checked to be in order."""

import numpy as np

from eventsim.errors import ConfigError
from eventsim.trace.schema import SEGMENT_COLUMNS

__all__ = ["Recording", "as_column"]


class Recording:
    """Segments in order of time, and how much is in them.

    Parameters
    ----------
    network : CompiledNetwork
    duration_ticks : int
        Ticks that the run will last.
    segments : list or SegmentFolder
        Where the segments are kept.

    Attributes
    ----------
    n_spikes : (n_populations,) int64
    n_rows : int
        Rows of the sparse counts.
    """

    def __init__(self, network, duration_ticks, segments):
        self.network, self.duration_ticks, self.segments = network, duration_ticks, segments
        self.n_spikes, self.n_rows = np.zeros(len(network.populations), dtype=np.int64), 0
        self._starts = np.array([p.start for p in network.populations], dtype=np.int64)
        self._last_spike, self._last_row = (-1, -1), (-1, -1, -1)

    def append(self, columns):
        """Keep one segment, arrays in the order of SEGMENT_COLUMNS; one without content is left out.

        Raises
        ------
        ConfigError
            When something is out of order, or beyond the network or the duration.
        """
        segment = {
            name: as_column(name, values, dtype)
            for (name, dtype), values in zip(SEGMENT_COLUMNS.items(), columns, strict=True)
        }
        spikes = [segment["tick"], segment["neuron"]]
        rows = [segment["counts_tick"], segment["counts_core"], segment["counts_kind"]]
        self._check(spikes, rows)
        if not (spikes[0].size or rows[0].size):
            return
        self.segments.append(segment)
        self.n_spikes += np.bincount(self.population_of(segment["neuron"]), minlength=self.n_spikes.size)
        self.n_rows += rows[0].size
        self._last_spike, self._last_row = _last(spikes, self._last_spike), _last(rows, self._last_row)

    def _check(self, spikes, rows):
        if len({a.size for a in spikes}) > 1 or len({a.size for a in rows}) > 1:
            raise ConfigError("a segment's columns differ in length")
        if not _strictly_rise(spikes, self._last_spike):
            raise ConfigError("a segment's spikes do not rise by (tick, neuron) from the last one on; sort them")
        if not _strictly_rise(rows, self._last_row):
            raise ConfigError("a segment's counts do not rise by (tick, core, kind) from the last one on; sort them")
        for tick in (spikes[0], rows[0]):
            if tick.size and not 0 <= tick[0] <= tick[-1] < self.duration_ticks:
                span = f"from tick {tick[0]} to {tick[-1]}"
                raise ConfigError(f"a segment lasts {span}, the run {self.duration_ticks} ticks")
        neuron, n_neurons = spikes[1], self.network.n_neurons
        if neuron.size and not (neuron.min() >= 0 and neuron.max() < n_neurons):
            raise ConfigError(f"a segment names a neuron that is not among the {n_neurons} of the network")

    def population_of(self, neuron):
        """(n,) int64: index of the population of each neuron."""
        return np.searchsorted(self._starts, neuron, side="right") - 1


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


def _strictly_rise(columns, before):
    """Whether rows rise in lexicographic order, the first one above `before`."""
    rises = np.zeros(columns[0].size, dtype=bool)
    ties = np.ones(columns[0].size, dtype=bool)
    for values, last in zip(columns, before):
        step = np.diff(values.astype(np.int64), prepend=last)
        rises |= ties & (step > 0)
        ties &= step == 0
    return bool(rises.all())


def _last(columns, before):
    return tuple(int(values[-1]) for values in columns) if columns[0].size else before
