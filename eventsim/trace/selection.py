"""Which neurons and which ticks a question is about: names, labels and queries become ids and windows."""

import numpy as np

from eventsim.arguments import whole_number
from eventsim.errors import ConfigError
from eventsim.trace.manifest import labelled_ranges

__all__ = ["neurons_named", "pathways_named", "population_range", "window", "within_run"]


def population_range(name, network, manifest):
    """(start, stop): ids of a population of the network, or of a range that the circuit labelled; all for None."""
    if name is None:
        return 0, network.n_neurons
    for p in network.populations:
        if p.name == name:
            return p.start, p.stop
    labelled = labelled_ranges(manifest, network.n_neurons)
    if name not in labelled:
        there_are = ", ".join([p.name for p in network.populations] + sorted(labelled))
        raise ConfigError(f"there is no population '{name}'; there are: {there_are}")
    return labelled[name]


def neurons_named(selector, network, manifest):
    """The neurons that a name, a label or a list of ids stands for.

    Parameters
    ----------
    selector : str or (m,) int
        A population; or a label of the circuit or one of its paths, which stands for all that lies below it too, as a
        folder does; or ids of the compiled network.

    Returns
    -------
    (n_neurons,) bool

    Raises
    ------
    ConfigError
        When there is no such name or neuron.
    """
    chosen = np.zeros(network.n_neurons, dtype=bool)
    if not isinstance(selector, str):
        chosen[_checked_ids(selector, network.n_neurons)] = True
        return chosen
    populations = {p.name: (p.start, p.stop) for p in network.populations}
    ranges = labelled_ranges(manifest, network.n_neurons) | populations
    for name, (start, stop) in ranges.items():
        chosen[start:stop] |= _lies_below(selector, name)
    below = np.array([_lies_below(selector, path) for path in network.paths] + [False])  # path -1 is none
    chosen |= below[network.path_id]
    if not chosen.any() and not any(_lies_below(selector, name) for name in (*ranges, *network.paths)):
        there_are = ", ".join(dict.fromkeys([*ranges, *network.paths]))
        raise ConfigError(f"nothing is called '{selector}'; there are: {there_are}")
    return chosen


def _lies_below(folder, name):
    return name == folder or name.startswith(f"{folder}/")


def _checked_ids(ids, n_neurons):
    ids = np.atleast_1d(ids)
    if ids.size and not np.issubdtype(ids.dtype, np.integer):
        raise ConfigError(f"neurons are given as {ids.dtype}; give their ids, or one name")
    outside = ids[(ids < 0) | (ids >= n_neurons)]
    if outside.size:
        raise ConfigError(f"there is no neuron {outside[0]}; ids run from 0 to {n_neurons - 1}")
    return ids.astype(np.int64)


def window(stimulus, start_tick, stop_tick, query):
    """(start, stop) of a window of time, None where a side is open; `query` stands for both."""
    for name, tick in (("start_tick", start_tick), ("stop_tick", stop_tick)):
        if tick is not None:
            whole_number(name, tick)
    if query is None:
        return start_tick, stop_tick
    if start_tick is not None or stop_tick is not None:
        raise ConfigError("a query was given and a window of ticks too; give one of them")
    if not 0 <= whole_number("query", query) < stimulus.n_queries:
        raise ConfigError(f"there is no query {query}; the trace has {stimulus.n_queries}, counted from 0")
    return int(stimulus.query_start[query]), int(stimulus.query_stop[query])


def within_run(stimulus, start_tick, stop_tick):
    """The part of a window that lies in the run, both sides closed."""
    start = 0 if start_tick is None else max(0, whole_number("start_tick", start_tick))
    stop = stimulus.duration_ticks
    stop = stop if stop_tick is None else min(whole_number("stop_tick", stop_tick), stop)
    return start, max(start, stop)


def pathways_named(names, network):
    """Places in the network of the pathways of one or several names; raises ConfigError when there is none."""
    names = list(names) if isinstance(names, (list, tuple, set)) else [names]
    there_are = [pathway.name for pathway in network.pathways]
    unknown = [name for name in names if name not in there_are]
    if unknown:
        raise ConfigError(f"there is no pathway '{unknown[0]}'; there are: {', '.join(there_are) or 'none'}")
    return [k for k, name in enumerate(there_are) if name in names]
