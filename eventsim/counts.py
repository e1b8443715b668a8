"""EventCounts: what happened on which core at which tick, as sparse integer columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from eventsim.arrays import content_hash, take
from eventsim.errors import TraceFormatError

__all__ = ["BINNINGS", "HOST", "KINDS", "SPIKES", "SYNAPTIC_EVENTS", "ZERO_WEIGHT_EVENTS", "MESSAGES_OUT",
           "MESSAGES_IN", "EventCounts"]  # fmt: skip

#: The core number of whatever is not placed on the chip: spike sources, driven by the host.
HOST = -1

#: Column `kind` holds an index into this tuple.
#: spikes: by the core of the neuron that fired, at its tick.
#: synaptic_events: deliveries, by the core of the receiving neuron, at the tick of arrival.
#: zero_weight_events: those among them, on weighted pathways, whose weight is zero (counted in
#: synaptic_events too).
#: messages_out, messages_in: one for each (spike, distinct destination core), the spike's own core
#: included, at the tick of the spike, by sending and by receiving core.
KINDS = ("spikes", "synaptic_events", "zero_weight_events", "messages_out", "messages_in")
SPIKES, SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS, MESSAGES_OUT, MESSAGES_IN = range(len(KINDS))

#: "floor": what happens at a time belongs to the tick in which that time lies.
BINNINGS = ("floor",)

_COLUMNS = {
    "tick": np.int64, "core": np.int32, "kind": np.uint8, "count": np.int64,
    "message_source": np.int32, "message_destination": np.int32, "message_count": np.int64,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class EventCounts:
    """Counts per tick, core and kind, and messages per pair of cores.

    Parameters
    ----------
    tick, core, kind, count : (n,) int64, int32, uint8, int64
        Sparse rows, sorted by (tick, core, kind), every count above zero. Core -1 is the host.
    message_source, message_destination, message_count : (m,) int32, int32, int64
        Messages summed over ticks, sorted by (source, destination), every count above zero.
    core_of : (n_neurons,) int32
        The core of each neuron, -1 for the host: the placement these counts belong to.
    duration_ticks : int
        Ticks that were run, the silent ones included.
    binning : str or None
        How the times of a run in continuous time became ticks, one of BINNINGS; None on the grid.
    network_hash, chip : str or None
        Of what, and on what chip, they were counted by `hardware_models.count_events`; None for a run's own.
    """

    tick: np.ndarray
    core: np.ndarray
    kind: np.ndarray
    count: np.ndarray
    message_source: np.ndarray
    message_destination: np.ndarray
    message_count: np.ndarray
    core_of: np.ndarray
    duration_ticks: int
    binning: str | None = None
    network_hash: str | None = None
    chip: str | None = None

    @property
    def hash(self):
        return content_hash(self.to_arrays())

    def total(self, kind):
        """Sum of one kind (an index or a name of KINDS) over all ticks and cores, as int."""
        kind = KINDS.index(kind) if isinstance(kind, str) else kind
        return int(self.count[self.kind == kind].sum())

    def per_core(self):
        """DataFrame, one row per core that appears in `core_of`, one column per kind, summed over ticks."""
        import pandas as pd  # takes half a second, and no run needs it

        cores = np.unique(self.core_of)
        table = pd.DataFrame(0, index=pd.Index(cores, name="core"), columns=list(KINDS), dtype=np.int64)
        for index, name in enumerate(KINDS):
            rows = self.kind == index
            sums = np.zeros(cores.size, dtype=np.int64)
            np.add.at(sums, np.searchsorted(cores, self.core[rows]), self.count[rows])
            table[name] = sums
        return table

    def to_frame(self):
        """DataFrame with columns tick, core, kind (its name), count."""
        import pandas as pd  # takes half a second, and no run needs it

        names = np.asarray(KINDS)[self.kind]
        return pd.DataFrame({"tick": self.tick, "core": self.core, "kind": names, "count": self.count})

    def to_arrays(self):
        """Mapping name -> one-dimensional array, as stored in a trace."""
        arrays = {name: getattr(self, name) for name in (*_COLUMNS, "core_of")}
        arrays["duration_ticks"] = np.array([self.duration_ticks], dtype=np.int64)
        if self.binning is not None:
            arrays["binning"] = np.array([BINNINGS.index(self.binning)], dtype=np.int64)
        return arrays

    @classmethod
    def from_arrays(cls, arrays):
        """The counts in such a mapping; raises TraceFormatError when a column is missing or mis-typed."""
        n, m = np.size(arrays.get("tick", ())), np.size(arrays.get("message_source", ()))
        columns: dict[str, Any] = {
            name: take(arrays, name, dtype, m if name.startswith("message") else n) for name, dtype in _COLUMNS.items()
        }
        duration = int(take(arrays, "duration_ticks", np.int64, 1)[0])
        binning = None
        if "binning" in arrays:
            number = int(take(arrays, "binning", np.int64, 1)[0])
            if not 0 <= number < len(BINNINGS):
                raise TraceFormatError(f"the binning of the counts is number {number} of {len(BINNINGS)}")
            binning = BINNINGS[number]
        return cls(**columns, core_of=take(arrays, "core_of", np.int32), duration_ticks=duration, binning=binning)

    def __repr__(self):
        totals = ", ".join(f"{self.total(k)} {name}" for k, name in enumerate(KINDS))
        return f"<EventCounts {self.duration_ticks} ticks, {np.unique(self.core_of).size} cores: {totals}>"
