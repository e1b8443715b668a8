"""Samples: variables of chosen neurons, recorded at the start of every so many ticks, as Brian2's StateMonitor does."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from eventsim.arrays import decode_json, encode_json, take
from eventsim.errors import NotRecordedError, TraceFormatError

__all__ = ["Samples", "describe_samples"]


def describe_samples(recorded):
    """The arrays of Samples that do not grow with the run, for a sequence of (variable, neuron)."""
    neuron = np.array([neuron for _, neuron in recorded], dtype=np.int32)
    return {"variable": encode_json([variable for variable, _ in recorded]), "neuron": neuron}


@dataclass(frozen=True, eq=False)
class Samples:
    """Recorded state.

    Parameters
    ----------
    tick : (m,) int64
    variable : tuple of str
        (r,) names.
    neuron : (r,) int32
        Whose variable each is.
    value : (m, r) float64
    """

    tick: np.ndarray
    variable: tuple[str, ...]
    neuron: np.ndarray
    value: np.ndarray

    def of(self, variable, neurons=None):
        """The Samples of one variable, of all its neurons or of some.

        Raises NotRecordedError when that variable, or it of one of those neurons, is not among them.
        """
        columns = {int(self.neuron[k]): k for k, name in enumerate(self.variable) if name == variable}
        neurons = list(columns) if neurons is None else [int(neuron) for neuron in neurons]
        lacking = [neuron for neuron in neurons if neuron not in columns]
        if lacking or not columns:
            of_neuron = f" of neuron {lacking[0]}" if lacking else ""
            there_are = ", ".join(sorted(set(self.variable))) or "none"
            raise NotRecordedError(f"'{variable}'{of_neuron} was not recorded; variables recorded are: {there_are}")
        chosen = [columns[neuron] for neuron in neurons]
        return Samples(self.tick, (variable,) * len(chosen), self.neuron[chosen], self.value[:, chosen])

    def to_frame(self):
        """DataFrame indexed by tick, with columns (variable, neuron)."""
        import pandas as pd  # takes half a second, and no run needs it

        columns = pd.MultiIndex.from_arrays([self.variable, self.neuron], names=["variable", "neuron"])
        return pd.DataFrame(self.value, index=pd.Index(self.tick, name="tick"), columns=columns)

    @classmethod
    def read(cls, columns, start_tick=None, stop_tick=None):
        """The samples of a window of time in a mapping name -> column, of which no more is read."""
        ticks, n = columns["tick"], columns["neuron"].shape[0]
        start = 0 if start_tick is None else bisect_left(ticks, start_tick)
        stop = ticks.shape[0] if stop_tick is None else bisect_left(ticks, stop_tick, lo=start)
        return cls.from_arrays({
            "tick": ticks[start:stop], "value": columns["value"][start * n : stop * n],
            "neuron": columns["neuron"][:], "variable": columns["variable"][:],
        })  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays):
        """The samples in a mapping name -> one-dimensional array, checked."""
        tick, neuron = take(arrays, "tick", np.int64), take(arrays, "neuron", np.int32)
        variable = decode_json(take(arrays, "variable", np.uint8), "the names of recorded variables")
        named = (
            isinstance(variable, list) and len(variable) == neuron.size and all(isinstance(v, str) for v in variable)
        )
        if not named:
            raise TraceFormatError("the recorded variables have no names, or more than there are neurons")
        value = take(arrays, "value", np.float64, tick.size * neuron.size)
        return cls(tick, tuple(variable), neuron, value.reshape(tick.size, neuron.size))

    def __repr__(self):
        return f"<Samples of {len(self.variable)} variables at {self.tick.size} ticks>"
