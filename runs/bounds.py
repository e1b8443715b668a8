"""What `eventsim bounds` does: the spikes of a trace beside the spikes that its task needed."""

import numpy as np

from analysis.spike_bounds import measure_bounds, read_task
from eventsim import open_trace
from eventsim.errors import ConfigError

__all__ = ["bounds_of_trace"]


def bounds_of_trace(path, cuts=(), reference=None, decoded=None, answers=None, ticks=None, refractory_ticks=None):
    """The MeasuredBounds of a trace; files and numbers that are given win over what its manifest says.

    Parameters
    ----------
    path : path
    cuts : sequence of str
        Populations joined by "+", each a cut.
    reference, decoded, answers : path, optional
        Arrays, one row per query, in .npy or .csv files.
    ticks, refractory_ticks : int, optional
    """
    arrays = {"reference": reference, "decoded": decoded, "answers": answers}
    given = {name: _array(name, file) for name, file in arrays.items() if file is not None}
    if "answers" in given:
        given["answers"] = _whole_numbers(given["answers"], answers)
    with open_trace(path) as trace:
        task = read_task(trace, path, cuts=cuts, ticks=ticks, refractory_ticks=refractory_ticks, **given)
        return measure_bounds(trace, task)


def _array(name, file):
    try:
        if str(file).endswith(".npy"):
            return np.load(file, allow_pickle=False)
        return np.loadtxt(file, delimiter=",", ndmin=1 if name == "answers" else 2)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--{name} {file}: cannot be read ({error}); give a .npy file, or numbers separated by "
                          "commas, one line per query") from None  # fmt: skip


def _whole_numbers(values, file):
    values = np.asarray(values).ravel()
    if values.dtype.kind not in "iuf" or not (values == np.round(values)).all():
        raise ConfigError(f"--answers {file}: classes are whole numbers")
    return values.astype(np.int64)
