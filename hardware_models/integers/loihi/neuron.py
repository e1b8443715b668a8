"""Loihi's neuron, a leaky integrate-and-fire cell with one current, as statements on integers.

Each tick, q being the sum of the weights that arrived in it:

    u = int(u (4096 - decay_u) / 4096) + q                             # towards zero
    v = int(v (4096 - decay_v) / 4096) + u + bias                      # 0 while refractory; u moves on
    spike if v > 64 threshold, and then v = 0 in this tick and the `refractory - 1` that follow

q has 21 bits and a sign, u and u + bias 23: a sum beyond wraps around or saturates, as chosen. v saturates at
+-(2^23 - 1). (Davies et al. 2018; widths and order as in nengo-loihi's emulator.) All of them are whole numbers below
2^36 on the way, which float64 holds exactly.
"""

from dataclasses import dataclass

import numpy as np

from eventsim.compiled_network import Operation, Population, Statement
from eventsim.errors import ConfigError
from hardware_models.integers.choices import require_choice
from hardware_models.integers.loihi.arithmetic import (
    ACCUMULATOR_BITS,
    DECAY_ONE,
    OVERFLOW,
    STATE_BITS,
    THRESHOLD_LARGEST,
    UNIT,
)

__all__ = ["LONGEST_REFRACTORY", "LoihiCells"]

#: Ticks that the field of a refractory period, of 6 bits, says: the range of brian2-loihi.
LONGEST_REFRACTORY = 64

_EQUATIONS = """u = int(u*keep_u/4096) + q : 1 (whole number)
v = int(v*keep_v/4096) + u + bias : 1 (whole number, 0 while held)"""

#: Field -> smallest and largest value.
_RANGES = {
    "decay_u": (0, DECAY_ONE), "decay_v": (0, DECAY_ONE), "threshold": (0, THRESHOLD_LARGEST),
    "refractory": (1, LONGEST_REFRACTORY), "bias": (1 - 2**STATE_BITS, 2**STATE_BITS - 1),
    "start": (1 - 2**STATE_BITS, 2**STATE_BITS - 1),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class LoihiCells:
    """Neurons of one population, in the chip's numbers; each a whole number or one per neuron.

    Parameters
    ----------
    size : int
    threshold : int or (size,) array
        Mantissa, 0 to 2^17 - 1; v must exceed 64 times it.
    decay_u, decay_v : int or (size,) array
        What of 4096 parts is lost per tick. The registers hold decay_u - 1 and decay_v.
    bias : int or (size,) array
        As it is added, mantissa times power of two.
    refractory : int or (size,) array
        1 to 64; 1 holds the neuron for no tick.
    start : int or (size,) array
        v before the first tick.

    Raises
    ------
    ConfigError
        A number out of range, or not whole.
    """

    size: int
    threshold: object
    decay_u: object = DECAY_ONE
    decay_v: object = 0
    bias: object = 0
    refractory: object = 1
    start: object = 0

    def __post_init__(self):
        for name, (low, high) in _RANGES.items():
            values = self._filled(name)
            wrong = (values < low) | (values > high) | (values != np.floor(values))
            if wrong.any():
                raise ConfigError(f"{name} is {values[wrong][0]:g}; a whole number from {low} to {high} is allowed")

    def _filled(self, name):
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=np.float64), self.size).copy()

    def population(self, name, start):
        """The Population of that name whose first neuron is `start`."""
        state = {"u": np.zeros(self.size), "v": self._filled("start"), "q": np.zeros(self.size),
                 "held": np.zeros(self.size)}  # fmt: skip
        parameters = {
            "keep_u": DECAY_ONE - self._filled("decay_u"), "keep_v": DECAY_ONE - self._filled("decay_v"),
            "bias": self._filled("bias"), "v_th": UNIT * self._filled("threshold"),
            "hold": self._filled("refractory") - 1,
        }  # fmt: skip
        return Population(name, start, self.size, _EQUATIONS, state, parameters)

    @staticmethod
    def operations(index, overflow="wrap"):
        """(update, threshold, reset) of population `index`; deliveries add to q before them."""
        require_choice("overflow", overflow, OVERFLOW)
        fit, largest = _FITS[overflow], 2**STATE_BITS - 1
        current = fit(f"int(u * keep_u / {DECAY_ONE}) + {fit('q', ACCUMULATOR_BITS)}", STATE_BITS)
        moved = f"clip(int(v * keep_v / {DECAY_ONE}) + {fit('u + bias', STATE_BITS)}, {-largest}, {largest})"
        update = (
            Statement("u", "=", current),
            Statement("q", "=", "0"),
            Statement("v", "=", f"where(held > 0, 0, {moved})"),
            Statement("held", "=", "where(held > 0, held - 1, 0)"),
        )
        return (
            Operation("update", index, each=update),
            Operation("threshold", index, each=(Statement("_cond", ":=", "v > v_th"),)),
            Operation("reset", index, each=(Statement("v", "=", "0"), Statement("held", "=", "hold"))),
        )


def _wrapped(value, bits):
    return f"(({value} + {2**bits}) % {2 ** (bits + 1)} - {2**bits})"


def _saturated(value, bits):
    return f"clip({value}, {1 - 2**bits}, {2**bits - 1})"


_FITS = {"wrap": _wrapped, "saturate": _saturated}
