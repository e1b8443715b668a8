"""Arguments of a caller, checked: an error names the argument, what it is, and what is allowed."""

from numbers import Integral

import numpy as np

from eventsim.errors import ConfigError

__all__ = ["number_above_zero", "require_kind", "whole_number", "whole_numbers"]

_WIDEST = 120  # characters of a value that an error shows


def require_kind(name, value, *kinds):
    """Raise ConfigError when an argument is of none of some classes."""
    if not isinstance(value, kinds):
        shown = " ".join(repr(value).split())  # whatever it is, the error is one line
        shown = shown if len(shown) <= _WIDEST else f"{shown[:_WIDEST]}..."
        raise ConfigError(f"{name} is {shown}; give a {' or '.join(kind.__name__ for kind in kinds)}")


def whole_number(name, value, least=None, most=None):
    """An argument as an int, `least` to `most`; raises ConfigError when it is none."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if is_whole and (least is None or value >= least) and (most is None or value <= most):
        return int(value)
    bounds = "" if least is None else f", {least} or more" if most is None else f", {least} to {most}"
    raise ConfigError(f"{name} is {value!r}; give a whole number{bounds}")


def whole_numbers(name, values, least=None, most=None):
    """An argument as (n,) int64, each `least` to `most` if these are given; raises ConfigError when it is none."""
    try:
        array = np.atleast_1d(np.asarray(values))
    except ValueError:  # lists of different lengths
        raise ConfigError(f"{name} is no list of whole numbers") from None
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ConfigError(f"{name} is {array.dtype} of shape {array.shape}; give whole numbers, one after the other")
    outside = np.zeros(array.size, dtype=bool) if least is None else (array < least) | (array > most)
    if outside.any():
        k = int(outside.argmax())
        raise ConfigError(f"{name}[{k}] is {array[k]}; {least} to {most} are allowed")
    return array.astype(np.int64)


def number_above_zero(name, value, most):
    """An argument as a float above zero and below `most`; raises ConfigError when it is none."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if is_number and 0 < float(value) < most:
        return float(value)
    raise ConfigError(f"{name} is {value!r}; give a number above 0 and below {most:g}")
