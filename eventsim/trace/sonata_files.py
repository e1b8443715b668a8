"""SONATA files of other programs: their spikes, and edges that become synapses.

They are opened as any file that anybody may have written (`eventsim.trace.quarantine`).
"""

import sys
from pathlib import Path

import h5py
import numpy as np

from eventsim import from_tables
from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import ConfigError, ProvenanceError, TraceFormatError
from eventsim.trace.foreign import duration_of, whole_ticks, write_foreign
from eventsim.trace.guard import refusing
from eventsim.trace.quarantine import open_foreign

__all__ = ["synapses_of_sonata", "trace_of_sonata"]

#: The unit that SONATA prescribes, and as bmtk spells it.
_MILLISECONDS = ("ms", "milliseconds")

_EDGE_COLUMNS = ("source_node_id", "target_node_id", "edge_group_id", "edge_group_index")


def trace_of_sonata(cls, spikes, edges, model, *, dt_ms=None, stimulus=None, duration_ms=None, silent=(), path=None):
    """A trace of SONATA files: spikes, and the synapses over which they went.

    Parameters
    ----------
    spikes : path
        A SONATA spikes file, one population for each of the model.
    edges : path or None
        A SONATA edges file with `syn_weight` and `delay` of each edge.
    model : CompiledNetwork, DataFrame or mapping
        A network, whose synapses must be those of the edges if these are given; or the table of neurons that
        `eventsim.network` takes, with its column `population`, to which the edges are the synapses.
    dt_ms : float, optional
        Length of a tick, for a table of neurons.
    stimulus, duration_ms, path
        See `from_arrays`.
    silent : sequence of str
        Populations of the model that the spikes file may leave out, because they never fired.

    Returns
    -------
    Trace
        See `from_arrays` for what it lacks.

    Raises
    ------
    TraceFormatError
        When a file is no such SONATA file, or names other neurons than the model has.
    ConfigError
        When there is no such file, or an argument does not fit.
    ProvenanceError
        When the edges are not the synapses of the network.
    """
    network = _network_of_edges(edges, model, dt_ms)
    neuron, tick = _spikes_of_sonata(spikes, network, silent, stimulus)
    duration = duration_of(duration_ms, network.dt_ms)
    with refusing(str(spikes)):
        source = write_foreign(path, network, tick, neuron, stimulus, duration, f"SONATA file {Path(spikes).name}")
    return cls(source, max_bytes=sys.maxsize)


def _spikes_of_sonata(path, network, silent=(), stimulus=None):
    """(neuron, tick), both (n,) int64, of a SONATA spikes file, in the order of its populations.

    Raises TraceFormatError when it is none, or its spikes are not those of the network.
    """
    name, parts = str(path), []
    with open_foreign(path, dimensions=2) as file, refusing(name):
        group = file.get("spikes")
        if not isinstance(group, h5py.Group):
            raise TraceFormatError("it holds no SONATA spikes (no group /spikes)")
        _check_populations(group, network, silent, stimulus)
        for population in network.populations:
            if population.name in group:
                parts.append(_spikes_of_population(group[population.name], population, network.dt_ms))
    nothing = (np.empty(0, np.int64),) * 2
    return tuple(np.concatenate(columns) for columns in zip(nothing, *parts))


def _check_populations(group, network, silent, stimulus):
    known = [p.name for p in network.populations]
    for name in group:
        if name not in known:
            raise TraceFormatError(f"/spikes has '{name}', which is no population of the model ({', '.join(known)})")
    for p in network.populations:
        excused = p.name in silent or (p.is_source and stimulus is not None)
        if p.name not in group and not excused:
            raise TraceFormatError(f"/spikes lacks population '{p.name}'; if it never fired: silent=['{p.name}']")


def _spikes_of_population(group, population, dt_ms):
    """(neuron, tick) of one population, checked."""
    what = f"population '{population.name}'"
    times, ids = (group.get(name) for name in ("timestamps", "node_ids"))
    if not all(isinstance(column, h5py.Dataset) and column.ndim == 1 for column in (times, ids)):
        raise TraceFormatError(f"{what} has no columns timestamps and node_ids")
    if times.size != ids.size or ids.dtype.kind not in "iu":
        raise TraceFormatError(f"{what} has {times.size} timestamps and {ids.size} node_ids of {ids.dtype}")
    unit = _text(times.attrs.get("units"))
    if unit not in _MILLISECONDS:
        raise TraceFormatError(f"{what}: timestamps state the unit '{unit}'; it must be ms")
    times, ids = times[:], ids[:]
    if _sorting(group) == "by_time" and (np.diff(times) < 0).any():
        row = int(np.flatnonzero(np.diff(times) < 0)[0]) + 1
        raise TraceFormatError(f"{what} says it is sorted by time, but row {row} is earlier than the one before it")
    wrong = np.flatnonzero((ids < 0) | (ids >= population.size))
    if wrong.size:
        raise TraceFormatError(f"{what} has node id {ids[wrong[0]]}, but only {population.size} neurons, from 0 on")
    return ids.astype(np.int64) + population.start, whole_ticks(times, dt_ms, what)


def _text(value):
    """An attribute as text, however it was stored."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _sorting(group):
    """The order that a population claims: none, by_id, by_time, or what else it says."""
    if "sorting" not in group.attrs:
        return "none"
    names = h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype) or {}
    value = group.attrs["sorting"]
    return next((name for name, code in names.items() if np.ndim(value) == 0 and code == value), _text(value))


def _network_of_edges(path, model, dt_ms):
    """The network of a model and a SONATA edges file.

    Raises ProvenanceError when the model has synapses of its own, and they are others.
    """
    if isinstance(model, CompiledNetwork):
        if path is not None:
            _compare(_edges_of_sonata(path, {p.name: (p.start, p.size) for p in model.populations}), model, path)
        return model
    if path is None or dt_ms is None:
        raise ConfigError("a table of neurons needs an edges file, and dt_ms")
    return from_tables.network(model, synapses_of_sonata(path, model), dt_ms=dt_ms)


def synapses_of_sonata(path, neurons):
    """The table of synapses in an edges file, for the rows of a table of neurons with its column `population`.

    Raises TraceFormatError when the file is no such one, or names neurons that the table has not.
    """
    return _edges_of_sonata(path, _ranges_of(neurons))


def _ranges_of(neurons):
    """Mapping population -> (first row, rows) of a table of neurons, whose populations are consecutive rows."""
    try:
        names = np.asarray(neurons["population"]).astype(str)
    except (KeyError, TypeError, IndexError):
        raise ConfigError("the table of neurons has no column 'population', which SONATA needs") from None
    return {str(name): (int(np.argmax(names == name)), int((names == name).sum())) for name in np.unique(names)}


def _edges_of_sonata(path, ranges):
    """A table of synapses (pre, post, weight, delay_ms) from all populations of an edges file."""
    name, parts = str(path), []
    with open_foreign(path, dimensions=2) as file, refusing(name):
        group = file.get("edges")
        if not isinstance(group, h5py.Group):
            raise TraceFormatError("it holds no SONATA edges (no group /edges)")
        for population in group.values():
            parts.append(_edges_of_population(population, ranges))
    columns = ("pre", "post", "weight", "delay_ms")
    return {name: np.concatenate([part[name] for part in parts] or [np.empty(0)]) for name in columns}


def _edges_of_population(group, ranges):
    """Such a table of one population, whose edges are all of group 0."""
    what = f"edges '{group.name}'"
    columns = {name: group.get(name) for name in _EDGE_COLUMNS}
    for name, column in columns.items():
        if not isinstance(column, h5py.Dataset) or column.ndim != 1 or column.dtype.kind not in "iu":
            raise TraceFormatError(f"{what} have no column {name} of integers")
    ends = {}
    for end in ("source", "target"):
        population = _text(columns[f"{end}_node_id"].attrs.get("node_population"))
        if population not in ranges:
            raise TraceFormatError(f"{what} name {end}s of '{population}'; the model has {', '.join(ranges)}")
        start, size = ranges[population]
        ids = columns[f"{end}_node_id"][:]
        if ids.size and not (ids.min() >= 0 and ids.max() < size):
            raise TraceFormatError(f"{what} name a {end} outside the {size} neurons of '{population}'")
        ends[end] = ids.astype(np.int64) + start
    place, values = columns["edge_group_index"][:], {name: group.get(f"0/{name}") for name in ("syn_weight", "delay")}
    for name, column in values.items():
        if not isinstance(column, h5py.Dataset) or column.ndim != 1:
            raise TraceFormatError(f"{what} have no 0/{name}; weight and delay of each edge must be stored, in group 0")
    sizes = {column.size for column in (place, *columns.values())}
    fits = len(sizes) == 1 and not columns["edge_group_id"][:].any()
    if not fits or (place.size and not 0 <= place.min() <= place.max() < min(v.size for v in values.values())):
        raise TraceFormatError(f"{what} have columns of different lengths, or edges outside group 0")
    weight, delay = (values[name][:][place].astype(np.float64) for name in ("syn_weight", "delay"))
    return {"pre": ends["source"], "post": ends["target"], "weight": weight, "delay_ms": delay}


def _compare(edges, network, path):
    """Refuse edges that are not, all in all, the synapses of the network."""
    delay = whole_ticks(edges["delay_ms"], network.dt_ms, f"{path}: delays")
    theirs = (edges["pre"], edges["post"], delay, edges["weight"])
    ours = (network.pre, network.post, network.delay, network.weight)
    if theirs[0].size != ours[0].size:
        raise ProvenanceError(f"{path} has {theirs[0].size} edges, the network {ours[0].size} synapses")
    theirs, ours = ([column[np.lexsort(columns[::-1])] for column in columns] for columns in (theirs, ours))
    differs = np.any([a != b for a, b in zip(theirs, ours)], axis=0)
    if differs.any():
        k = int(differs.argmax())
        pre, post, ticks, weight = (column[k].item() for column in theirs)
        edge = f"from neuron {pre} to {post} of weight {weight:g} after {ticks} ticks"
        raise ProvenanceError(f"{path} has an edge {edge}, which is none of the network's synapses")
