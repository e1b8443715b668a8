"""TrueNorth's neuron as statements on integers.

Cassidy et al., IJCNN (2013), doi:10.1109/IJCNN.2013.6707077. Each tick, n_g being how many axons of type g brought a
spike to the neuron, and rho uniform on 1, ..., 256, drawn anew for each use:

    V += sum over g of n_g s_g         a stochastic synapse adds, for each event, sgn(s_g) if |s_g| >= rho
    V += omega leak                    omega = sgn(V) with leak reversal, else 1; a stochastic leak as a synapse
    eta = 0, ..., mask                 uniform; 0 without a mask
    V >= alpha + eta:  a spike; V = reset value, V - (alpha + eta), or V              reset mode 0, 1, 2
    else V < -beta, floor "saturate":     V = -beta
    else V < -(beta + eta), floor "reset":    V = -(reset value), V + (beta + eta), or V    by the reset mode

V saturates at 20 bits with the sign. The chip's generator is not published; draws are those of `eventsim.philox`, by
the neuron's key, and the events of one type and tick are drawn together, as a binomial number.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from eventsim.compiled_network import Operation, Population, Statement
from eventsim.errors import ConfigError
from hardware_models.integers.choices import require_choice

__all__ = ["FLOORS", "LARGEST", "LARGEST_LEAK", "LARGEST_THRESHOLD", "N_TYPES", "RESETS", "WEIGHT_BITS",
           "TrueNorthCells"]  # fmt: skip

#: Axons have one of four types, which chooses among a neuron's four weights.
N_TYPES = 4

#: Of a weight, with the sign.
WEIGHT_BITS = 9

#: What a spike makes of V.
RESETS = ("value", "subtract", "none")

#: What happens below the negative threshold.
FLOORS = ("saturate", "reset")

#: Of V, 20 bits with the sign.
LARGEST = 2**19 - 1

#: Of thresholds, 18 bits; of a weight and of the leak, 9 bits with the sign.
LARGEST_THRESHOLD, LARGEST_LEAK = 2**18 - 1, 255

#: Field -> smallest and largest value.
_RANGES = {
    "leak": (-256, LARGEST_LEAK), "threshold": (0, LARGEST_THRESHOLD), "negative_threshold": (0, LARGEST_THRESHOLD),
    "mask": (0, LARGEST_THRESHOLD), "reset_value": (-LARGEST_THRESHOLD, LARGEST_THRESHOLD),
    "start": (-LARGEST, LARGEST),
}  # fmt: skip

_LEAK, _ETA = N_TYPES + 1, N_TYPES + 2  # purposes of random draws; types have 1 to 4

_EQUATIONS = "V = V + weights of the axons + leak : 1 (whole number)"


@dataclass(frozen=True, eq=False)
class TrueNorthCells:
    """Neurons of one population; numbers are whole, one for all or one per neuron.

    Parameters
    ----------
    size : int
    weights : (4,) or (size, 4) array
        By axon type, -256 to 255.
    threshold, negative_threshold : int or (size,) array
        alpha and beta.
    leak : int or (size,) array
        -256 to 255.
    reset : str
        One of RESETS.
    reset_value : int or (size,) array
    floor : str
        One of FLOORS.
    reversal, stochastic_leak : bool
    stochastic : (4,) bool
        Axon types whose weights are chances, in 256.
    mask : int or (size,) array
        2^m - 1: the bits of a random number that raise the threshold.
    start : int or (size,) array
        V before the first tick.

    Raises
    ------
    ConfigError
        A number out of range or not whole, an unknown mode.
    """

    size: int
    weights: ArrayLike
    threshold: ArrayLike
    negative_threshold: ArrayLike = 0
    leak: ArrayLike = 0
    reset: str = "value"
    reset_value: ArrayLike = 0
    floor: str = "saturate"
    reversal: bool = False
    stochastic_leak: bool = False
    stochastic: tuple = (False,) * N_TYPES
    mask: ArrayLike = 0
    start: ArrayLike = 0

    def __post_init__(self):
        require_choice("reset", self.reset, RESETS)
        require_choice("floor", self.floor, FLOORS)
        for name, (low, high) in _RANGES.items():
            _check(name, self._filled(name), low, high)
        _check("a weight", np.asarray(self.weights, dtype=np.float64), -256, 255)
        if np.shape(self.weights)[-1:] != (N_TYPES,) or len(self.stochastic) != N_TYPES:
            raise ConfigError(f"weights or stochastic: there are {N_TYPES} axon types, give a number for each")
        span = self._filled("mask") + 1
        _check("log2(mask + 1)", np.log2(span), 0, 18)

    def _filled(self, name):
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=np.float64), self.size).copy()

    def taken(self, chosen):
        """TrueNorthCells like some of these neurons, (n,) int."""
        weights = np.broadcast_to(np.asarray(self.weights, dtype=np.float64), (self.size, N_TYPES))
        return replace(self, size=len(chosen), weights=weights[chosen],
                       **{name: self._filled(name)[chosen] for name in _RANGES})  # fmt: skip

    def population(self, name, start):
        """The Population of that name whose first neuron is `start`."""
        counts = {f"n{g}": np.zeros(self.size) for g in range(N_TYPES)}
        weights = np.broadcast_to(np.asarray(self.weights, dtype=np.float64), (self.size, N_TYPES))
        parameters = {f"s{g}": weights[:, g].copy() for g in range(N_TYPES)}
        parameters |= {"leak": self._filled("leak"), "alpha": self._filled("threshold"), "mask": self._filled("mask"),
                       "beta": self._filled("negative_threshold"), "value": self._filled("reset_value")}  # fmt: skip
        state = {"v": self._filled("start"), "eta": np.zeros(self.size)} | counts
        return Population(name, start, self.size, _EQUATIONS, state, parameters)

    def operations(self, index, seed=0):
        """(update, threshold, negative threshold, reset) of population `index`, which follow its deliveries."""
        constants = {"seed": int(seed)}
        arrived = " + ".join(self._arrived(g) for g in range(N_TYPES))
        update = [
            Statement("x", ":=", f"clip(v + {arrived}, {-LARGEST}, {LARGEST})"),
            Statement("v", "=", f"clip(x + {'sign(x) * ' * self.reversal}{self._leak()}, {-LARGEST}, {LARGEST})"),
            Statement("eta", "=", f"floor({_draw(_ETA)} * (mask + 1))" if np.any(self.mask) else "0"),
            *(Statement(f"n{g}", "=", "0") for g in range(N_TYPES)),
        ]
        fired = {"value": "value", "subtract": "v - (alpha + eta)", "none": "v"}[self.reset]
        below = {"value": "-value", "subtract": "v + (beta + eta)", "none": "v"}[self.reset]
        low = "where(v < -beta, -beta, v)" if self.floor == "saturate" else f"where(v < -(beta + eta), {below}, v)"
        return (
            Operation("update", index, each=tuple(update), constants=constants),
            Operation("threshold", index, each=(Statement("_cond", ":=", "v >= alpha + eta"),)),
            Operation("update", index, each=(Statement("v", "=", low),)),
            Operation("reset", index, each=(Statement("v", "=", fired),)),
        )

    def _arrived(self, g):
        if not self.stochastic[g]:
            return f"n{g} * s{g}"
        counter = f"key_lo, key_hi, t_in_timesteps, {g + 1}, seed"
        return f"sign(s{g}) * keyed_binomial({counter}, int(n{g}), abs(s{g}) / 256)"

    def _leak(self):
        return f"sign(leak) * where(256 * {_draw(_LEAK)} < abs(leak), 1, 0)" if self.stochastic_leak else "leak"


def _draw(purpose):
    return f"keyed_uniform(key_lo, key_hi, t_in_timesteps, {purpose}, seed)"


def _check(name, values, low, high):
    wrong = (values < low) | (values > high) | (values != np.floor(values))
    if wrong.any():
        raise ConfigError(f"{name} is {values[wrong].flat[0]:g}; a whole number from {low} to {high} is allowed")
