"""Samples: variables of chosen neurons, recorded at the start of every so many ticks, as Brian2's StateMonitor does."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from eventsim.arrays import decode_json, encode_json, take
from eventsim.errors import TraceFormatError

__all__ = ["Samples"]


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

    def to_frame(self):
        """DataFrame indexed by tick, with columns (variable, neuron)."""
        columns = pd.MultiIndex.from_arrays([self.variable, self.neuron], names=["variable", "neuron"])
        return pd.DataFrame(self.value, index=pd.Index(self.tick, name="tick"), columns=columns)

    def to_arrays(self):
        """Mapping name -> one-dimensional array."""
        return {"tick": self.tick, "variable": encode_json(list(self.variable)), "neuron": self.neuron,
                "value": self.value.ravel()}  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays):
        """The samples in such a mapping, checked."""
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
