"""Grids and zips into points: which keys take which values together.

In a file, `[sweep.grid]` is a table of lists: all combinations, the last key changing fastest. `[[sweep.zip]]` is one
too, but first goes with first and second with second; there may be several, which are combined as keys of the grid are.
"""

import tomllib
from dataclasses import dataclass
from itertools import product
from math import prod

from eventsim.errors import ConfigError
from runs.config import toml_value

__all__ = ["expand"]

#: A folder for each point: more would be a mistake of whoever wrote the lists.
_MOST = 100_000


@dataclass(frozen=True)
class _Axis:
    """Keys that change together: one row of values for each place on the axis."""

    keys: tuple[str, ...]
    rows: list[tuple]


def expand(plan, over, path, keys):
    """The points of a sweep.

    Parameters
    ----------
    plan : object
        What the file has under `sweep`: `grid`, a table of lists, and `zip`, such a table or a list of them.
    over : sequence of str
        Further keys of the grid, "key=v1,v2,...", values in TOML's notation; bare words are strings.
    path : str or Path
        The file, for messages.
    keys : sequence of str
        All that the experiment has.

    Returns
    -------
    (points, origin) : a list of {key: value}; and for each swept key, where it was written

    Raises
    ------
    ConfigError
        An unknown key, a key that is swept twice, what is no list, lists of a zip that differ in length, no point.
    """
    axes = _axes_of_file(plan, f"{path}: [sweep]")
    places = [f"{path}: [sweep]"] * len(axes) + [f"--over {text}" for text in over]
    axes = [*axes, *map(_axis_of_option, over)]
    origin = {}
    for axis, place in zip(axes, places):
        for key in axis.keys:
            if key not in keys:
                raise ConfigError(f"{place}: there is no key '{key}'; the keys are: {', '.join(keys)}")
            if key in origin:
                raise ConfigError(f"{place}: '{key}' is swept already; name each key once")
            origin[key] = f"{place}: {key}" if key not in place else place
    if not axes:
        raise ConfigError(f"{path}: there are no points; give --over key=v1,v2 or a table [sweep.grid] of lists")
    if (count := prod(len(axis.rows) for axis in axes)) > _MOST:
        raise ConfigError(f"{path}: {count:,} points; a sweep has at most {_MOST:,}")
    order = [key for axis in axes for key in axis.keys]
    rows = product(*(axis.rows for axis in axes))
    return [dict(zip(order, (value for values in row for value in values))) for row in rows], origin


def _axes_of_file(plan, where):
    if not isinstance(plan, dict) or not plan.keys() <= {"grid", "zip"}:
        raise ConfigError(f"{where} holds the tables 'grid' and 'zip' and nothing else")
    grid = _lists(plan.get("grid", {}), where)
    zips = plan.get("zip", [])
    axes = [_Axis((key,), [(value,) for value in values]) for key, values in grid.items()]
    for table in zips if isinstance(zips, list) else [zips]:
        lists = _lists(table, where)
        lengths = {key: len(values) for key, values in lists.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{key} {length}" for key, length in lengths.items())
            raise ConfigError(f"{where}: lists of a zip are as long as each other; their lengths are: {said}")
        if lists:
            axes.append(_Axis(tuple(lists), list(zip(*lists.values()))))
    return axes


def _lists(table, where):
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: 'grid' and 'zip' are tables of lists, as in: grid = {{ seed = [1, 2] }}")
    for key, values in table.items():
        _need_values(values, f"{where}: {key}")
    return table


def _need_values(values, where):
    if not isinstance(values, list) or not values:
        raise ConfigError(f"{where}: there are no points without values; give a list of at least one")


def _axis_of_option(text):
    key, equals, values = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--over {text}: write key=v1,v2,...")
    try:
        values = tomllib.loads(f"values = [{values}]")["values"]
    except (tomllib.TOMLDecodeError, RecursionError):  # bare words
        values = [toml_value(value) for value in values.split(",")]
    _need_values(values, f"--over {text}")
    return _Axis((key.strip(),), [(value,) for value in values])
