"""What attention blocks ask of their arguments: maps that fit each other, and channels that heads divide."""

import numpy as np

from circuits.errors import require
from circuits.maps import Conv, Linear

__all__ = ["require_products", "require_projections"]


def require_projections(heads, proj, **inputs):
    """Check the maps of an attention block; raise CircuitError naming the first that does not fit.

    Parameters
    ----------
    heads : int
    proj : Linear or Conv
        Reads the attention's output.
    **inputs : Linear or Conv
        Read the block's input.
    """
    for name, linear in {**inputs, "proj": proj}.items():
        require(
            isinstance(linear, Linear | Conv), f"{name} is a {type(linear).__name__}; it must be a Linear or a Conv"
        )
    first, *others = inputs
    for name in others:
        same = inputs[name].weight.shape == inputs[first].weight.shape
        require(same, f"{name} has shape {inputs[name].weight.shape}, {first} has {inputs[first].weight.shape}; "
                      "they must be equal")  # fmt: skip
    channels = inputs[first].outputs
    require(proj.inputs == channels, f"proj reads {proj.inputs} channels, {first} makes {channels}; they must be equal")
    fits = isinstance(heads, int) and heads >= 1 and channels % heads == 0
    require(fits, f"heads is {heads!r}; it must be an integer that divides the {channels} channels")


def require_products(order, orders, scale):
    """Check how an attention multiplies spikes; raise CircuitError otherwise."""
    require(order in orders, f"order is '{order}'; choose one of {', '.join(orders)}")
    require(np.isfinite(scale) and scale > 0, f"scale is {scale}; it must be positive and finite")
