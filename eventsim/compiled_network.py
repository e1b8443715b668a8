"""CompiledNetwork: a network as flat tables of neurons and synapses, and a schedule of statements.

This is what is simulated, placed, counted and audited. It holds data only: the statements are text in
the restricted grammar of `eventsim.expressions`, so a network read from a file cannot run anything else.
"""

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from eventsim.arrays import content_hash, decode_json, encode_json, freeze, take
from eventsim.description import (
    SCHEMA,
    Description,
    OperationRow,
    PathwayRow,
    PopulationRow,
    TableRow,
    parse,
)
from eventsim.errors import ConfigError, TraceFormatError
from eventsim.network_parts import EFFECTS, Operation, Pathway, Population, Statement, Table
from eventsim.stimulus import Stimulus

__all__ = ["EFFECTS", "CompiledNetwork", "Operation", "Pathway", "Population", "Statement", "Table", "operations"]

_STATEMENTS = ("once", "each", "fired")
_NEURON_COLUMNS = ("key_lo", "key_hi", "token", "path_id")
_COLUMNS = {"post": np.int32, "weight": np.float64} | dict.fromkeys(_NEURON_COLUMNS, np.int32)


@dataclass(frozen=True, eq=False)
class CompiledNetwork:
    """Neurons and synapses as flat tables; nobody can write to its arrays.

    Parameters
    ----------
    dt_ms : float
        Length of a tick, which is Brian2's dt.
    populations : tuple of Population
        In order of neuron id.
    pathways : tuple of Pathway
        In order of synapse id.
    schedule : tuple of Operation
        What happens within a tick, in order.
    post : (n_synapses,) int32
        Receiving neuron of each synapse. Synapses are sorted by (pathway, sending neuron, delay, order of
        creation).
    weight : (n_synapses,) float64
        In units of the target variable; 0 where the effect uses no weight.
    key_lo, key_hi : (n_neurons,) int32
        Key of each neuron's random stream.
    token : (n_neurons,) int32
        The token a neuron belongs to, or -1.
    path_id : (n_neurons,) int32
        Index into `paths`, or -1.
    paths : tuple of str
        Labels such as "softmax/inhibition".
    tables : tuple of Table
    stimulus : Stimulus
        The default input; not part of the hash.
    """

    dt_ms: float
    populations: tuple[Population, ...]
    pathways: tuple[Pathway, ...]
    schedule: tuple[Operation, ...]
    post: np.ndarray
    weight: np.ndarray
    key_lo: np.ndarray
    key_hi: np.ndarray
    token: np.ndarray
    path_id: np.ndarray
    paths: tuple[str, ...]
    stimulus: Stimulus
    tables: tuple[Table, ...] = ()

    def __post_init__(self):
        freeze(self, *_COLUMNS)

    @property
    def n_neurons(self):
        return self.populations[-1].stop if self.populations else 0

    @property
    def n_synapses(self):
        return self.post.size

    @cached_property
    def hash(self):
        return content_hash(self.to_arrays())

    @cached_property
    def is_source(self):
        """(n_neurons,) bool: neurons driven by the stimulus, which stay on the host."""
        return np.repeat([p.is_source for p in self.populations], [p.size for p in self.populations])

    @cached_property
    def pre(self):
        """(n_synapses,) int32: sending neuron of each synapse."""
        parts = [
            np.repeat(
                np.arange(self.populations[p.source].start, self.populations[p.source].stop, dtype=np.int32),
                np.diff(p.rows[:: p.delays.size]),
            )
            for p in self.pathways
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.int32)

    @cached_property
    def delay(self):
        """(n_synapses,) int32: delay of each synapse in ticks."""
        parts = [np.repeat(np.tile(p.delays, self.populations[p.source].size), np.diff(p.rows)) for p in self.pathways]
        return np.concatenate(parts).astype(np.int32) if parts else np.empty(0, np.int32)

    @cached_property
    def pathway_of(self):
        """(n_synapses,) int32: pathway of each synapse."""
        return np.repeat(np.arange(len(self.pathways), dtype=np.int32), [p.size for p in self.pathways])

    @cached_property
    def out_degree(self):
        """(n_neurons,) int64: synapses that leave each neuron, over all pathways."""
        return np.bincount(self.pre, minlength=self.n_neurons).astype(np.int64)

    def driven_by(self, stimulus):
        """The same network, its arrays and all that is known of them, with another default stimulus."""
        network = copy(self)
        network.__dict__["stimulus"] = stimulus  # of a frozen dataclass
        return network

    def population(self, name):
        """The population called `name`; raises KeyError naming those there are."""
        for population in self.populations:
            if population.name == name:
                return population
        raise KeyError(f"no population '{name}'; there are {[p.name for p in self.populations]}")

    def neuron_table(self):
        """DataFrame, one row per neuron: population, path, token, key_lo, key_hi, is_source."""
        import pandas as pd  # takes half a second, and no run needs it

        names = np.repeat([p.name for p in self.populations], [p.size for p in self.populations])
        paths = np.asarray([*self.paths, ""])[self.path_id]
        return pd.DataFrame({
            "population": names, "path": paths, "token": self.token, "key_lo": self.key_lo,
            "key_hi": self.key_hi, "is_source": self.is_source,
        }).rename_axis("neuron")  # fmt: skip

    def synapse_table(self):
        """DataFrame, one row per synapse: pathway, pre, post, weight, delay_ticks."""
        import pandas as pd  # takes half a second, and no run needs it

        names = np.asarray([p.name for p in self.pathways] or [""])[self.pathway_of]
        return pd.DataFrame({
            "pathway": names, "pre": self.pre, "post": self.post, "weight": self.weight,
            "delay_ticks": self.delay,
        }).rename_axis("synapse")  # fmt: skip

    def to_arrays(self):
        """Mapping name -> one-dimensional array, from which `from_arrays` makes an equal network."""
        arrays = {"description": encode_json(self._description())}
        for k, population in enumerate(self.populations):
            for name, values in population.state.items():
                arrays[f"populations/{k}/state/{name}"] = values
            for name, values in population.parameters.items():
                arrays[f"populations/{k}/parameters/{name}"] = values
        for k, pathway in enumerate(self.pathways):
            arrays[f"pathways/{k}/delays"] = pathway.delays
            arrays[f"pathways/{k}/rows"] = pathway.rows
        arrays |= {f"tables/{k}": table.values for k, table in enumerate(self.tables)}
        arrays |= {f"neurons/{name}": getattr(self, name) for name in _NEURON_COLUMNS}
        return arrays | {"synapses/post": self.post, "synapses/weight": self.weight}

    def _description(self):
        populations = tuple(
            PopulationRow(
                **_fields(p, PopulationRow, state=tuple(sorted(p.state)), parameters=tuple(sorted(p.parameters)))
            )
            for p in self.populations
        )
        pathways = tuple(PathwayRow(**_fields(p, PathwayRow)) for p in self.pathways)
        schedule = tuple(
            OperationRow(**_fields(o, OperationRow, **{part: _as_tuples(getattr(o, part)) for part in _STATEMENTS}))
            for o in self.schedule
        )
        tables = tuple(TableRow(**_fields(t, TableRow)) for t in self.tables)
        return msgspec.to_builtins(Description(
            schema=SCHEMA, dt_ms=self.dt_ms, paths=self.paths, populations=populations, pathways=pathways,
            schedule=schedule, tables=tables,
        ))  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays, stimulus=None):
        """The network in such a mapping, checked; raises TraceFormatError when it is inconsistent."""
        description = parse(decode_json(take(arrays, "description", np.uint8), "the network's description"))
        populations = tuple(_population(k, row, arrays) for k, row in enumerate(description.populations))
        pathways = tuple(
            Pathway(**_fields(row, PathwayRow), delays=take(arrays, f"pathways/{k}/delays", np.int32),
                    rows=take(arrays, f"pathways/{k}/rows", np.int64))
            for k, row in enumerate(description.pathways)
        )  # fmt: skip
        tables = tuple(
            Table(**_fields(row, TableRow), values=take(arrays, f"tables/{k}", np.float64))
            for k, row in enumerate(description.tables)
        )
        n_neurons = populations[-1].stop if populations else 0
        columns = {name: take(arrays, f"neurons/{name}", np.int32, n_neurons) for name in _NEURON_COLUMNS}
        post = take(arrays, "synapses/post", np.int32)
        network = cls(
            dt_ms=description.dt_ms, populations=populations, pathways=pathways,
            schedule=operations(description), post=post,
            weight=take(arrays, "synapses/weight", np.float64, post.size), paths=description.paths, tables=tables,
            stimulus=stimulus or Stimulus.silent(), **columns,
        )  # fmt: skip
        network.validate()
        return network

    def validate(self):
        """Check every structural invariant; raises TraceFormatError naming the first that is broken.

        Linear in the number of neurons and synapses, once: nobody can write to the arrays.
        """
        if "_is_valid" not in self.__dict__:
            self._check()
            self.__dict__["_is_valid"] = True

    def require_valid(self):
        """The same before it is run; raises ConfigError."""
        try:
            self.validate()
        except TraceFormatError as error:
            raise ConfigError(f"this network cannot be run: {error}") from None

    def require_driven(self, stimulus):
        """Raise ConfigError when a stimulus drives what is no spike source of this network."""
        outside = (stimulus.neuron < 0) | (stimulus.neuron >= self.n_neurons)
        wrong = outside | ~self.is_source[np.where(outside, 0, stimulus.neuron)] if self.n_neurons else outside
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            sources = ", ".join(f"{p.name} ({p.start} to {p.stop - 1})" for p in self.populations if p.is_source)
            raise ConfigError(f"the stimulus drives neuron {stimulus.neuron[k]} at tick {stimulus.tick[k]}, which is "
                              f"no spike source; sources are: {sources or 'none'}")  # fmt: skip

    def _check(self):
        self._check_columns()
        self._check_populations()
        self._check_pathways()
        if not np.isfinite(self.weight).all():
            bad = int(np.flatnonzero(~np.isfinite(self.weight))[0])
            raise TraceFormatError(f"synapse {bad} has weight {self.weight[bad]}; weights must be finite")
        if not (np.isfinite(self.dt_ms) and self.dt_ms > 0):
            raise TraceFormatError(f"dt_ms is {self.dt_ms}; it must be positive")
        if self.path_id.size and not (-1 <= self.path_id.min() and self.path_id.max() < len(self.paths)):
            raise TraceFormatError("a neuron's path_id lies outside the table of paths")
        for k, table in enumerate(self.tables):
            fits = table.n_columns >= 1 and table.values.size and table.values.size % table.n_columns == 0
            if not (fits and table.refine >= 1 and table.step_s > 0 and np.isfinite(table.values).all()):
                raise TraceFormatError(f"table {k} has no rows, columns or steps, or a value that is not finite")
        for operation in self.schedule:
            there_are = len(self.pathways if operation.kind == "deliver" else self.populations)
            if operation.every < 1 or not set(operation.tables.values()) <= set(range(len(self.tables))):
                raise TraceFormatError(f"the schedule's {operation.kind} {operation.index} has no such clock or table")
            if operation.lag and (operation.kind != "reset" or operation.lag < 0 or operation.lag % operation.every):
                raise TraceFormatError(f"the schedule's {operation.kind} {operation.index} lags {operation.lag} ticks")
            if not 0 <= operation.index < there_are:
                raise TraceFormatError(f"the schedule names {operation.kind} {operation.index} of {there_are}")
        delivered = [operation.index for operation in self.schedule if operation.kind == "deliver"]
        if len(set(delivered)) < len(delivered):
            twice = next(p for p in delivered if delivered.count(p) > 1)
            raise TraceFormatError(f"the schedule delivers by pathway {twice} more than once; leave one of them")

    def _check_columns(self):
        sizes = {"post": self.n_synapses, "weight": self.n_synapses} | dict.fromkeys(_NEURON_COLUMNS, self.n_neurons)
        columns = {name: (getattr(self, name), dtype, sizes[name]) for name, dtype in _COLUMNS.items()}
        for p in self.pathways:
            columns[f"{p.name}.delays"] = p.delays, np.int32, p.delays.size
            columns[f"{p.name}.rows"] = p.rows, np.int64, p.rows.size
        for name, (column, dtype, size) in columns.items():
            if column.shape != (size,) or column.dtype != dtype:
                raise TraceFormatError(
                    f"'{name}' is {column.dtype} of shape {column.shape}, expected {np.dtype(dtype)}, ({size},)"
                )

    def _check_populations(self):
        start = 0
        for p in self.populations:
            if p.start != start or p.size < 1:
                raise TraceFormatError(f"population '{p.name}' does not follow the one before it")
            for name, values in (p.state | p.parameters).items():
                if values.shape != (p.size,):
                    raise TraceFormatError(f"'{p.name}.{name}' has {values.size} values for {p.size} neurons")
                if not np.isfinite(values).all():
                    raise TraceFormatError(f"'{p.name}.{name}' has a value that is not finite")
            if not {*p.guards, *p.guards.values(), *p.booleans, *p.integers} <= p.state.keys():
                raise TraceFormatError(f"population '{p.name}' guards, or gives a type to, what is no variable of it")
            start = p.stop

    def _check_pathways(self):
        first = 0
        for p in self.pathways:
            if not (0 <= p.source < len(self.populations) and 0 <= p.target < len(self.populations)):
                raise TraceFormatError(f"pathway '{p.name}' joins populations that do not exist")
            source, target = self.populations[p.source], self.populations[p.target]
            delays_rise = p.delays.size and p.delays[0] >= 0 and (np.diff(p.delays) > 0).all()
            rows_fit = p.rows.size == source.size * p.delays.size + 1 and p.rows[0] == 0
            self._check_senders(p, source, target)
            if target.is_source:
                raise TraceFormatError(f"pathway '{p.name}' reaches '{target.name}', which are spike sources")
            if p.first != first or not delays_rise or not rows_fit or (np.diff(p.rows) < 0).any():
                raise TraceFormatError(f"pathway '{p.name}' has an inconsistent synapse table")
            post = self.post[first : first + p.size]
            if post.size != p.size or (post.size and not (target.start <= post.min() and post.max() < target.stop)):
                raise TraceFormatError(f"pathway '{p.name}' reaches a neuron outside '{target.name}'")
            first += p.size
        if first != self.post.size:
            raise TraceFormatError(f"{self.post.size - first} synapses belong to no pathway")

    @staticmethod
    def _check_senders(pathway, source, target):
        """Names for a sender's variables mean one thing, and no such variable is written by its own deliveries."""
        sent = set(pathway.senders.values())
        known = sent <= source.state.keys() | source.parameters.keys()
        written = {variable for variable, _, _ in pathway.effects} if source is target else set()
        if not known or sent & written or pathway.senders.keys() & (target.state.keys() | target.parameters.keys()):
            raise TraceFormatError(
                f"pathway '{pathway.name}' reads of its senders what they have not, or what it writes"
            )

    def __repr__(self):
        lines = [f"<CompiledNetwork {self.n_neurons:,} neurons, {self.n_synapses:,} synapses, dt {self.dt_ms:g} ms"]
        lines += [f"  {p.name}: {p.size:,}{' spike sources' if p.is_source else ''}" for p in self.populations]
        for p in self.pathways:
            ends = f"{self.populations[p.source].name} -> {self.populations[p.target].name}"
            lines.append(f"  {p.name}: {ends}, {p.size:,} synapses")
        return "\n".join(lines) + ">"


def operations(description):
    """The schedule in a Description: a tuple of Operation."""
    return tuple(
        Operation(**_fields(o, OperationRow, **{k: tuple(Statement(*s) for s in getattr(o, k)) for k in _STATEMENTS}))
        for o in description.schedule
    )


def _fields(thing, row_type, **changed) -> dict[str, Any]:
    """The fields of `row_type` that `thing` has, some changed."""
    return {name: changed.get(name, getattr(thing, name)) for name in row_type.__struct_fields__}


def _as_tuples(statements):
    return tuple((s.variable, s.op, s.expression) for s in statements)


def _population(k, row, arrays):
    """Population k of a description, with its arrays."""
    parts = {"state": {name: take(arrays, f"populations/{k}/state/{name}", np.float64) for name in row.state}}
    parts["parameters"] = {}
    for name in row.parameters:
        values = np.asarray(arrays.get(f"populations/{k}/parameters/{name}", ()))
        kind = np.int64 if np.issubdtype(values.dtype, np.integer) else np.float64
        parts["parameters"][name] = take(arrays, f"populations/{k}/parameters/{name}", kind)
    return Population(**_fields(row, PopulationRow, **parts))
