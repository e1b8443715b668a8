"""Arguments as numbers; what is none is one clear error and not Python's."""

import numpy as np

from eventsim.errors import ConfigError

__all__ = ["generator", "number", "numbers"]


def number(name, value):
    """`value` as float; `name` is how the error calls it."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(f"{name} is {value!r:.60}; give a number") from None


def numbers(name, values):
    """`values` as a float64 array of whatever shape."""
    try:
        if np.iscomplexobj(values):  # numpy would drop the imaginary part
            raise TypeError
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(f"{name}: give an array of numbers, every row as long as the others") from None


def generator(seed):
    """numpy's generator of random numbers for a seed."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ConfigError(f"seed is {seed!r:.60}; give a whole number from 0 on") from None
