"""Columns of a user's table, checked: every error names the table, the column and the row."""

from collections.abc import Mapping

import numpy as np

from eventsim.errors import ConfigError

__all__ = ["columns_of", "floats", "integers", "refuse", "required"]


def columns_of(table, what, allowed):
    """The columns of a DataFrame or mapping as arrays of one length; scalars are repeated."""
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        raise ConfigError(f"{what}: a {type(table).__name__} is no table; give a DataFrame or a mapping of columns")
    names = list(table) if isinstance(table, Mapping) else list(table.columns)
    unknown = [name for name in names if name not in allowed]
    if unknown:
        raise ConfigError(f"{what}: unknown column '{unknown[0]}'; columns are {', '.join(allowed)}")
    columns = {name: np.asarray(table[name]) for name in names}
    lengths = {name: column.shape[0] for name, column in columns.items() if column.ndim == 1}
    if any(column.ndim > 1 for column in columns.values()) or len(set(lengths.values())) > 1:
        raise ConfigError(f"{what}: columns must be one-dimensional and of one length, got {lengths}")
    length = next(iter(lengths.values()), 1 if columns else 0)
    return {name: np.broadcast_to(column, (length,)) for name, column in columns.items()}


def required(columns, what, name):
    """A column that must be there."""
    if name not in columns:
        raise ConfigError(f"{what}: column '{name}' is missing; there are {', '.join(columns) or 'none'}")
    return columns[name]


def floats(columns, what, name, rows=slice(None), empty_allowed=False):
    """Rows of a column as float64; whatever is no finite number is an error, but for NaN where it is allowed."""
    column = required(columns, what, name)[rows]
    try:
        values = column.astype(np.float64, casting="unsafe" if column.dtype.kind in "OUS" else "same_kind")
    except (TypeError, ValueError):  # complex numbers among others
        raise ConfigError(f"{what}: column '{name}' must hold numbers") from None
    refuse(np.isinf(values) if empty_allowed else ~np.isfinite(values), what, name, values, "finite", rows.start or 0)
    return values


def integers(columns, what, name, default=None):
    """A column of whole numbers as int64."""
    if default is not None and name not in columns:
        return default
    values = floats(columns, what, name)
    refuse((values != np.floor(values)) | (np.abs(values) >= 2**31), what, name, values, "a whole number below 2**31")
    return values.astype(np.int64)


def refuse(wrong, what, name, values, allowed, first_row=0):
    """Raise ConfigError naming the first row in which `wrong` is true."""
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise ConfigError(f"{what}: row {first_row + k} has {name} {values[k]:.12g}; it must be {allowed}")
