"""Which tokens a token attends to: boolean arrays, row i for token i."""

import numpy as np

from circuits.errors import require

__all__ = ["as_mask", "causal", "sparse"]


def as_mask(mask, shape):
    """`mask` as a bool array of that shape, all True for None; raises CircuitError when a row is empty."""
    if mask is None:
        return np.ones(shape, dtype=bool)
    mask = np.asarray(mask)
    require(mask.shape == shape and mask.dtype == bool,
            f"mask has shape {mask.shape} and dtype {mask.dtype}; expected {shape} of bool")  # fmt: skip
    empty = np.flatnonzero(~mask.any(axis=1))
    require(empty.size == 0, f"mask: row {int(empty[0]) if empty.size else 0} is empty; each token must attend to at "
                             "least one")  # fmt: skip
    return mask


def causal(n):
    """Token i attends to tokens 0 to i."""
    return np.tri(n, dtype=bool)


def sparse(n, *, window=1, global_tokens=0, random=0, seed=0):
    """A sparse pattern of window, global and random pairs, as in BigBird (Zaheer et al., NeurIPS 2020).

    Parameters
    ----------
    n : int
    window : int
        Each token attends to those at most so many places away, itself included.
    global_tokens : int
        The first tokens, which attend to all and which all attend to.
    random : int
        Further tokens, drawn for each token among the rest; fewer where fewer are left.
    seed : int

    Returns
    -------
    (n, n) bool array
    """
    for what, value in (("window", window), ("global_tokens", global_tokens), ("random", random)):
        require(0 <= value, f"sparse: {what} is {value}; it must not be negative")
    token = np.arange(n)
    mask = np.abs(token[:, None] - token) <= window
    mask[:global_tokens] = True
    mask[:, :global_tokens] = True
    generator = np.random.default_rng(seed)
    for row in mask:
        left = np.flatnonzero(~row)
        row[generator.choice(left, min(random, left.size), replace=False)] = True
    return mask
