"""Wiring: a batch of synapses as four flat columns."""

from dataclasses import dataclass, replace

import numpy as np

from circuits.arguments import numbers
from circuits.errors import require

__all__ = ["RESET", "Wiring", "dense_wiring"]

#: The receptor of a synapse that writes back its target's start values instead of adding a weight.
RESET = "reset"


@dataclass(frozen=True, eq=False)
class Wiring:
    """Synapses that were made together.

    Parameters
    ----------
    pre, post : (n,) int64
        Neurons, numbered within their circuit.
    weight : (n,) float64
    delay : (n,) int32
        In ticks.
    receptor : str or None
        Receptor of the target; None for its first.
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    receptor: str | None = None

    @property
    def size(self):
        return self.pre.size

    @classmethod
    def of(cls, pre, post, weight, delay):
        """Synapses pre[k] -> post[k]; weight and delay broadcast. Weights must be finite, delays fit 31 bits."""
        weight, delay = numbers("weight", weight).ravel(), np.asarray(delay).ravel()
        for what, values in (("weights", weight), ("delays", delay)):
            require(values.size in (1, pre.size), f"{values.size} {what} for {pre.size} synapses")
        require(np.isfinite(weight).all(), "a synaptic weight is not finite; weights must be finite numbers")
        require(((delay >= 0) & (delay < 2**31)).all(), "a delay is out of range: 0 to 2,147,483,647 ticks")
        delay = np.broadcast_to(delay.astype(np.int32), pre.shape)
        return cls(pre, post, np.broadcast_to(weight, pre.shape), delay)

    @classmethod
    def joined(cls, wirings):
        """All synapses of several wirings, in order."""
        empty = cls(*(np.empty(0, dtype) for dtype in (np.int64, np.int64, np.float64, np.int32)))
        parts = [empty, *wirings]
        return cls(*(np.concatenate([getattr(w, name) for w in parts]) for name in ("pre", "post", "weight", "delay")))

    def at(self, receptor):
        return replace(self, receptor=receptor)

    def shifted(self, offset):
        """The same synapses among neurons whose numbers are higher by `offset`."""
        return replace(self, pre=self.pre + offset, post=self.post + offset)


def dense_wiring(pre, post, weight, delay):
    """Every pair of `pre` and `post`, row by row, without the masked entries of `weight`.

    `weight` is a number, an array of shape pre.shape + post.shape or (pre.size, post.size), or a callable of
    two index arrays of that last shape.
    """
    shape = (pre.size, post.size)
    if callable(weight):
        weight = weight(*np.indices(shape))
    mask = np.ma.getmaskarray(weight) if isinstance(weight, np.ma.MaskedArray) else None
    weight = numbers("weight", weight)
    allowed = {(), shape, pre.shape + post.shape}
    require(weight.shape in allowed,
            f"weights of shape {weight.shape} do not fit {pre.shape} -> {post.shape}; give {shape}")  # fmt: skip
    weight = np.broadcast_to(weight.reshape(weight.shape and shape), shape)
    delay = np.asarray(delay)
    require(delay.size == 1 or delay.size == weight.size, f"{delay.size} delays for {weight.size} synapses")
    delay = np.broadcast_to(delay.reshape(shape) if delay.size > 1 else delay.reshape(()), shape)
    i, j = np.nonzero(~mask.reshape(shape)) if mask is not None else (axis.ravel() for axis in np.indices(shape))
    return Wiring.of(pre.ids.ravel()[i], post.ids.ravel()[j], weight[i, j], delay[i, j])
