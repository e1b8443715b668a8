"""Stimulus: the spikes that enter a network, and the queries they belong to."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from eventsim.arguments import whole_number, whole_numbers
from eventsim.arrays import content_hash, decode_json, encode_json, freeze, take
from eventsim.errors import ConfigError

__all__ = ["RESETS", "Stimulus"]

#: What returns the network to its start between two queries: "spikes" through reset synapses (they are
#: part of the stimulus and are counted), "host" by writing every start value and dropping what is in
#: flight (counted as one host operation per query), "none" nothing.
RESETS = ("none", "spikes", "host")

#: Sums of a few times fit 64 bits.
_MOST_TICKS = 1 << 62

_IDS = (np.iinfo(np.int32).min, np.iinfo(np.int32).max)
_COLUMNS = {
    "tick": np.int64, "neuron": np.int32,
    "query_start": np.int64, "query_stop": np.int64, "input_id": np.int64,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Input spikes and the list of queries, one after the other.

    Parameters
    ----------
    tick, neuron : (n_spikes,) int64, int32
        Spikes of source neurons (ids of the compiled network), sorted by (tick, neuron).
    query_start, query_stop : (n_queries,) int64
        Query k lasts from its start tick up to, not including, its stop tick. Queries do not overlap.
    input_id : (n_queries,) int64
        Whatever identifies the input to the user, a row of a data set for instance.
    reset : str
        One of RESETS: how the network is returned to its start at each query's first tick.
    duration_ticks : int
        Ticks to run.
    """

    tick: np.ndarray
    neuron: np.ndarray
    query_start: np.ndarray
    query_stop: np.ndarray
    input_id: np.ndarray
    reset: str
    duration_ticks: int

    def __post_init__(self):
        freeze(self, *_COLUMNS)

    @classmethod
    def of(cls, tick, neuron, queries=(), input_id=None, reset="none", duration_ticks=None):
        """A stimulus from spikes in any order; `queries` is (n_queries, 2) start and stop ticks.

        Raises ConfigError when ticks are negative, a neuron fires twice in one tick, queries overlap, or
        a spike lies beyond the duration.
        """
        tick = whole_numbers("stimulus: tick", tick)
        neuron = whole_numbers("stimulus: neuron", neuron, *_IDS).astype(np.int32)
        if tick.shape != neuron.shape:
            raise ConfigError(f"stimulus: {tick.size} ticks for {neuron.size} neurons; give one of each per spike")
        order = np.lexsort((neuron, tick))
        queries = whole_numbers("stimulus: queries", np.ravel(queries))
        if queries.size % 2:
            raise ConfigError(f"stimulus: {queries.size} ends of queries; give a start and a stop of each")
        queries = queries.reshape(-1, 2)
        input_id = np.arange(len(queries)) if input_id is None else input_id
        if duration_ticks is None:
            last_spike = tick.max() + 1 if tick.size else 0
            duration_ticks = max(int(last_spike), int(queries[:, 1].max()) if len(queries) else 0)
        made = cls(tick[order], neuron[order], queries[:, 0].copy(), queries[:, 1].copy(),
                   whole_numbers("stimulus: input_id", input_id), reset,
                   whole_number("stimulus: duration_ticks", duration_ticks))  # fmt: skip
        made.validate()
        return made

    @classmethod
    def silent(cls, duration_ticks=0):
        """No spike, no query."""
        return cls.of([], [], duration_ticks=duration_ticks)

    def lasting(self, duration_ticks):
        """The same stimulus for another duration; later spikes are left out. Queries must fit."""
        duration_ticks = whole_number("duration_ticks", duration_ticks, 0)
        kept = self.tick < duration_ticks
        made = replace(self, tick=self.tick[kept], neuron=self.neuron[kept], duration_ticks=duration_ticks)
        made.validate()
        return made

    def until(self, tick):
        """What of it a run used that ended before `tick`: without queries it did not reach, the last one shorter."""
        reached, kept = self.query_start < tick, self.tick < tick
        made = replace(
            self, tick=self.tick[kept], neuron=self.neuron[kept], query_start=self.query_start[reached],
            query_stop=np.minimum(self.query_stop[reached], tick), input_id=self.input_id[reached], duration_ticks=tick,
        )  # fmt: skip
        made.validate()
        return made

    @cached_property
    def hash(self):
        return content_hash(self.to_arrays())

    @property
    def n_queries(self):
        return self.query_start.size

    def validate(self):
        """Raise ConfigError naming the first inconsistency."""
        if self.reset not in RESETS:
            raise ConfigError(f"stimulus: reset '{self.reset}' is unknown; choose one of {', '.join(RESETS)}")
        if not 0 <= self.duration_ticks < _MOST_TICKS:
            raise ConfigError(f"stimulus: it lasts {self.duration_ticks} ticks; 0 to {_MOST_TICKS - 1} are allowed")
        if self.tick.size != self.neuron.size:
            raise ConfigError(f"stimulus: {self.tick.size} ticks for {self.neuron.size} neurons")
        if self.tick.size and (self.tick.min() < 0 or self.tick.max() >= self.duration_ticks):
            raise ConfigError(f"stimulus: a spike lies outside ticks 0 to {self.duration_ticks - 1}")
        step_tick, step_neuron = np.diff(self.tick), np.diff(self.neuron)
        if (step_tick < 0).any() or ((step_tick == 0) & (step_neuron <= 0)).any():
            k = int(np.flatnonzero((step_tick < 0) | ((step_tick == 0) & (step_neuron <= 0)))[0])
            raise ConfigError(
                f"stimulus: neuron {self.neuron[k + 1]} at tick {self.tick[k + 1]} is out of order or fires "
                "twice in that tick; a source neuron fires at most once per tick"
            )
        sizes = {self.query_start.size, self.query_stop.size, self.input_id.size}
        if len(sizes) != 1:
            raise ConfigError("stimulus: query_start, query_stop and input_id differ in length")
        edges = np.column_stack([self.query_start, self.query_stop]).ravel()
        if edges.size and (edges[0] < 0 or edges[-1] > self.duration_ticks or (np.diff(edges) < 0).any()):
            raise ConfigError("stimulus: queries overlap or lie outside the run")

    def queries(self):
        """DataFrame, one row per query: start_tick, stop_tick, input_id."""
        import pandas as pd  # takes half a second, and no run needs it

        columns = {"start_tick": self.query_start, "stop_tick": self.query_stop, "input_id": self.input_id}
        return pd.DataFrame(columns).rename_axis("query")

    def to_arrays(self):
        """Mapping name -> one-dimensional array."""
        header = encode_json({"reset": self.reset, "duration_ticks": self.duration_ticks})
        return {name: getattr(self, name) for name in _COLUMNS} | {"header": header}

    @classmethod
    def from_arrays(cls, arrays):
        """The stimulus in such a mapping, checked."""
        header = decode_json(take(arrays, "header", np.uint8), "the stimulus header")
        columns = {name: take(arrays, name, dtype) for name, dtype in _COLUMNS.items()}
        made = cls(**columns, reset=header.get("reset"), duration_ticks=int(header.get("duration_ticks", 0)))
        made.validate()
        return made

    def __repr__(self):
        return (f"<Stimulus {self.tick.size:,} spikes, {self.n_queries} queries, "
                f"{self.duration_ticks:,} ticks, reset by {self.reset}>")  # fmt: skip
