"""One table of a sweep: a row for each point, the swept keys and the scalars of its summary."""

import json
from importlib.util import find_spec

import pandas as pd

from eventsim.trace.segments import durably

__all__ = ["scalars", "write_table"]

#: Of a summary, what every point says alike.
_CONFIGURATION = ("experiment", "config")


def write_table(points, errors, folder):
    """sweep.csv, and sweep.parquet where pyarrow is installed; returns their paths.

    Parameters
    ----------
    points : sequence of Point
    errors : dict
        What went wrong, by the name of the point.
    folder : Path
    """
    rows = [_row(point, errors.get(point.name)) for point in points]
    columns = dict.fromkeys(key for row in rows for key in row)
    frame = pd.DataFrame({key: _column([row.get(key) for row in rows]) for key in columns})
    paths = [folder / "sweep.csv"]
    with durably(paths[0]) as temporary:
        frame.to_csv(temporary, index=False)
    if find_spec("pyarrow"):
        paths.append(folder / "sweep.parquet")
        with durably(paths[1]) as temporary:
            frame.to_parquet(temporary, engine="pyarrow", index=False)
    return paths


def _row(point, error):
    row = {"point": point.name, "error": error, **point.swept}
    summary = point.summary() if error is None else {}
    leaves = scalars({key: value for key, value in summary.items() if key not in _CONFIGURATION})
    return row | {f"summary.{key}" if key in row else key: value for key, value in leaves.items()}


def scalars(document, prefix=""):
    """Numbers, words and truth values of nested tables by their path: "a.b", and "a.0.b" in a list of tables.

    Other lists are data, not results that a column could hold, and are left out.
    """
    found = {}
    for key, value in document.items():
        if isinstance(value, list):
            value = {str(place): each for place, each in enumerate(value) if isinstance(each, dict)}
        if isinstance(value, dict):
            found |= scalars(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def _column(values):
    """A column of one type, with gaps: truth values, whole numbers, numbers, or text, lists and mixtures as JSON."""
    kinds = {type(value) for value in values if value is not None}
    for allowed, dtype in (({bool}, "boolean"), ({int}, "Int64"), ({int, float}, "Float64")):
        if kinds and kinds <= allowed:
            return pd.array(values, dtype=dtype)
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pd.array(texts, dtype="string")
