"""Numbers into spikes: the time of one spike, or the binary digits of a whole number."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from circuits.arguments import checked, numbers
from circuits.errors import require

__all__ = ["BitPlanes", "Latency"]


@checked()
class Latency:
    """First-spike latency: the larger a number, the earlier its one spike.

    x in [-limit, limit] fires at tick round(ticks (limit - x)/(2 limit)). A synapse of weight w that opens a
    current at the spike, all currents being closed at tick `ticks`, then contributes
    w (ticks - spike tick) = w ticks (x + limit)/(2 limit), which is linear in x.

    Parameters
    ----------
    limit : float
    ticks : int
        Length of the window; the step is 2 limit/ticks.
    """

    def __init__(self, limit, ticks):
        require(limit > 0 and np.isfinite(limit), f"Latency: limit is {limit}; it must be positive")
        require(ticks >= 1, f"Latency: ticks is {ticks}; it must be at least 1")
        self.limit, self.ticks = float(limit), int(ticks)

    @property
    def per_tick(self):
        """What one tick of an open current stands for, in units of x."""
        return 2 * self.limit / self.ticks

    def encode(self, x):
        """Spike tick of each number, int64 array of the shape of x; raises CircuitError beyond the limit."""
        x = np.asarray(x, dtype=np.float64)
        require(np.isfinite(x).all(), "a value to encode is not finite")
        worst = np.abs(x).max(initial=0.0)
        require(worst <= self.limit, f"a value of magnitude {worst:.4g} exceeds the encoder's limit {self.limit:.4g}; "
                                     "raise the limit or scale the input")  # fmt: skip
        return np.round((self.limit - x) / self.per_tick).astype(np.int64)

    def decode(self, tick):
        """The numbers that spike ticks stand for: within per_tick/2 of what was encoded."""
        return self.limit - np.asarray(tick) * self.per_tick


@checked(scale=numbers, shift=numbers)
@dataclass(frozen=True, eq=False)
class BitPlanes:
    """Whole numbers as spikes of one tick, a source neuron per binary digit; nothing is rounded.

    A model that was trained on x = scale * n + shift, n the number of a pixel, reads x through its first linear map;
    `reading` is the same map of the digits. A shift needs a plane of its own, which spikes at every pixel: outside the
    image, where a convolution pads with zeros, x is 0 and not the shift.

    Parameters
    ----------
    bits : int
        Numbers are 0 to 2**bits - 1.
    scale, shift : (channels,) float64
        Such as 1/(255 std) and -mean/std.
    """

    bits: int
    scale: np.ndarray
    shift: np.ndarray

    def __post_init__(self):
        require(isinstance(self.bits, int) and 1 <= self.bits <= 16, f"bits is {self.bits!r}; it must be 1 to 16")
        scale, shift = np.broadcast_arrays(*(np.atleast_1d(np.asarray(a, float)) for a in (self.scale, self.shift)))
        finite = scale.ndim == 1 and np.isfinite(scale).all() and np.isfinite(shift).all()
        require(finite, "scale and shift must be finite, one number for each channel")
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "shift", shift)

    @property
    def channels(self):
        return self.scale.size

    @cached_property
    def planes(self):
        """Channels of spikes: the digits of each channel, the smallest first, and perhaps the plane of the shift."""
        return self.channels * self.bits + bool(self.shift.any())

    def encode(self, numbers):
        """(..., channels) integers as (..., planes) zeros and ones, int8."""
        numbers = np.asarray(numbers)
        whole = np.issubdtype(numbers.dtype, np.integer) or np.array_equal(numbers, np.round(numbers))
        top, (low, high) = 2**self.bits - 1, (numbers.min(), numbers.max()) if numbers.size else (0, 0)
        require(whole and 0 <= low and high <= top,
                f"pixels must be whole numbers from 0 to {top} ({self.bits} bits), got {low:g} to {high:g} of "
                f"{numbers.dtype}")  # fmt: skip
        digits = (numbers.astype(np.int64)[..., None] >> np.arange(self.bits)) & 1
        digits = digits.reshape(*numbers.shape[:-1], -1).astype(np.int8)
        ones = np.ones((*numbers.shape[:-1], self.planes - digits.shape[-1]), dtype=np.int8)
        return np.concatenate([digits, ones], axis=-1)

    def reading(self, linear):
        """The map of the digits that is `linear`, a Linear or Conv, of scale * n + shift."""
        require(linear.inputs == self.channels, f"{linear} does not read images of {self.channels} channels")
        ones = (1,) * (linear.weight.ndim - 2)
        digits = np.multiply.outer(self.scale, 2.0 ** np.arange(self.bits))  # (channels, bits)
        weight = linear.weight[:, :, None] * digits.reshape(*digits.shape, *ones)
        weight = weight.reshape(linear.outputs, -1, *linear.weight.shape[2:])
        constant = (linear.weight * self.shift.reshape(-1, *ones)).sum(axis=1, keepdims=True)
        return replace(linear, weight=np.concatenate([weight, constant], axis=1)[:, : self.planes])
