"""CompiledNetwork: a network as flat tables of neurons and synapses, and a schedule of statements.

This is what is simulated, placed, counted and audited. It holds data only: the statements are text in
the restricted grammar of `eventsim.expressions`, so a network read from a file cannot run anything else.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from eventsim.arrays import content_hash, decode_json, encode_json, take
from eventsim.errors import TraceFormatError
from eventsim.stimulus import Stimulus

__all__ = ["CompiledNetwork", "Operation", "Pathway", "Population", "Statement"]

_SCHEMA = 1
_NEURON_COLUMNS = ("key_lo", "key_hi", "token", "path_id")


@dataclass(frozen=True)
class Statement:
    """`variable op expression`; op is one of := (a temporary) = += -= *= /=."""

    variable: str
    op: str
    expression: str


@dataclass(frozen=True)
class Operation:
    """One thing that happens in every tick, at its place in Brian2's schedule.

    Parameters
    ----------
    kind : str
        "emit" (a spike source sends its spikes), "update" (each neuron of a population), "threshold"
        (each neuron; the last statement sets `_cond`), "reset" (each neuron that fired in this tick),
        or "deliver" (a pathway applies the synaptic events that arrive in this tick).
    index : int
        The population, or for "deliver" the pathway.
    once, each : tuple of Statement
        Evaluated once per tick, and for each neuron. Empty for "emit" and "deliver".
    constants : mapping of str to float or int
        Scalars that the statements name, loop invariants that Brian2 computes each tick among them.
    """

    kind: str
    index: int
    once: tuple[Statement, ...] = ()
    each: tuple[Statement, ...] = ()
    constants: dict = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Population:
    """A Brian2 group: neurons with consecutive ids that share their equations.

    Parameters
    ----------
    name : str
    start, size : int
        The neurons are start, ..., start + size - 1.
    equations : str
        For people; empty for a spike source.
    state : mapping of str to (size,) float64
        Start value of each variable that changes.
    parameters : mapping of str to (size,) float64 or int64
        Constants that differ between neurons.
    is_source : bool
        Spikes come from the stimulus.
    """

    name: str
    start: int
    size: int
    equations: str = ""
    state: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    is_source: bool = False

    @property
    def stop(self):
        return self.start + self.size


@dataclass(frozen=True, eq=False)
class Pathway:
    """Synapses from one population to one other, all with the same effect.

    Parameters
    ----------
    name : str
    source, target : int
        Populations.
    effects : tuple of (str, str, str)
        (variable of the target, "add" or "set", value): value is "weight", a constant or parameter of the
        target, or a literal number. A delivery applies all of them.
    constants : mapping of str to float
        Scalars that the effects name.
    first : int
        Id of its first synapse.
    delays : (n_delays,) int32
        The delays that occur, in ticks, increasing. A delay of 0 acts after this tick's thresholds.
    rows : (source.size * n_delays + 1,) int64
        Synapses of source neuron i (counted within its population) with delay delays[k] are
        first + rows[i * n_delays + k], ..., first + rows[i * n_delays + k + 1] - 1.
    """

    name: str
    source: int
    target: int
    effects: tuple[tuple[str, str, str], ...]
    constants: dict
    first: int
    delays: np.ndarray
    rows: np.ndarray

    @property
    def size(self):
        """Number of synapses."""
        return int(self.rows[-1])

    @property
    def weighted(self):
        """Whether an effect uses the synapse's weight; a reset synapse, for instance, does not."""
        return any(value == "weight" for _, _, value in self.effects)


@dataclass(frozen=True, eq=False)
class CompiledNetwork:
    """Neurons and synapses as flat tables.

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
        parts = [
            np.repeat(np.tile(p.delays, self.populations[p.source].size), np.diff(p.rows))
            for p in self.pathways
        ]
        return np.concatenate(parts).astype(np.int32) if parts else np.empty(0, np.int32)

    @cached_property
    def pathway_of(self):
        """(n_synapses,) int32: pathway of each synapse."""
        return np.repeat(np.arange(len(self.pathways), dtype=np.int32), [p.size for p in self.pathways])

    @cached_property
    def out_degree(self):
        """(n_neurons,) int64: synapses that leave each neuron, over all pathways."""
        return np.bincount(self.pre, minlength=self.n_neurons).astype(np.int64)

    def population(self, name):
        """The population called `name`; raises KeyError naming those there are."""
        for population in self.populations:
            if population.name == name:
                return population
        raise KeyError(f"no population '{name}'; there are {[p.name for p in self.populations]}")

    def neuron_table(self):
        """DataFrame, one row per neuron: population, path, token, key_lo, key_hi, is_source."""
        names = np.repeat([p.name for p in self.populations], [p.size for p in self.populations])
        paths = np.asarray([*self.paths, ""])[self.path_id]
        return pd.DataFrame({
            "population": names, "path": paths, "token": self.token, "key_lo": self.key_lo,
            "key_hi": self.key_hi, "is_source": self.is_source,
        }).rename_axis("neuron")  # fmt: skip

    def synapse_table(self):
        """DataFrame, one row per synapse: pathway, pre, post, weight, delay_ticks."""
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
        arrays |= {f"neurons/{name}": getattr(self, name) for name in _NEURON_COLUMNS}
        return arrays | {"synapses/post": self.post, "synapses/weight": self.weight}

    def _description(self):
        return {
            "schema": _SCHEMA, "dt_ms": self.dt_ms, "paths": self.paths,
            "populations": [
                {"name": p.name, "start": p.start, "size": p.size, "equations": p.equations,
                 "state": sorted(p.state), "parameters": sorted(p.parameters), "is_source": p.is_source}
                for p in self.populations
            ],
            "pathways": [
                {"name": p.name, "source": p.source, "target": p.target, "effects": p.effects,
                 "constants": p.constants, "first": p.first}
                for p in self.pathways
            ],
            "schedule": [
                {"kind": o.kind, "index": o.index, "constants": o.constants,
                 "once": [[s.variable, s.op, s.expression] for s in o.once],
                 "each": [[s.variable, s.op, s.expression] for s in o.each]}
                for o in self.schedule
            ],
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays, stimulus=None):
        """The network in such a mapping, checked; raises TraceFormatError when it is inconsistent."""
        description = decode_json(take(arrays, "description", np.uint8), "the network's description")
        try:
            network = cls._from_description(description, arrays, stimulus)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            raise TraceFormatError(f"the network's description is malformed ({error!r})") from None
        network.validate()
        return network

    @classmethod
    def _from_description(cls, description, arrays, stimulus):
        if description["schema"] != _SCHEMA:
            raise TraceFormatError(f"network schema {description['schema']}, this version reads {_SCHEMA}")
        populations = []
        for k, row in enumerate(description["populations"]):
            parts = {
                part: {name: np.asarray(arrays[f"populations/{k}/{part}/{name}"]) for name in row.pop(part)}
                for part in ("state", "parameters")
            }
            populations.append(Population(**row, **parts))
        pathways = [
            Pathway(**(row | {"effects": tuple(tuple(effect) for effect in row["effects"])}),
                    delays=take(arrays, f"pathways/{k}/delays", np.int32),
                    rows=take(arrays, f"pathways/{k}/rows", np.int64))
            for k, row in enumerate(description["pathways"])
        ]  # fmt: skip
        schedule = tuple(
            Operation(**(row | {part: tuple(Statement(*s) for s in row[part]) for part in ("once", "each")}))
            for row in description["schedule"]
        )
        n_neurons = populations[-1].stop if populations else 0
        columns = {name: take(arrays, f"neurons/{name}", np.int32, n_neurons) for name in _NEURON_COLUMNS}
        post = take(arrays, "synapses/post", np.int32)
        return cls(
            dt_ms=float(description["dt_ms"]), populations=tuple(populations), pathways=tuple(pathways),
            schedule=schedule, post=post, weight=take(arrays, "synapses/weight", np.float64, post.size),
            paths=tuple(description["paths"]), stimulus=stimulus or Stimulus.silent(), **columns,
        )  # fmt: skip

    def validate(self):
        """Check every structural invariant; raises TraceFormatError naming the first that is broken.

        Linear in the number of neurons and synapses.
        """
        self._check_populations()
        self._check_pathways()
        if not np.isfinite(self.weight).all():
            bad = int(np.flatnonzero(~np.isfinite(self.weight))[0])
            raise TraceFormatError(f"synapse {bad} has weight {self.weight[bad]}; weights must be finite")
        if not (np.isfinite(self.dt_ms) and self.dt_ms > 0):
            raise TraceFormatError(f"dt_ms is {self.dt_ms}; it must be positive")
        if self.path_id.size and not (-1 <= self.path_id.min() and self.path_id.max() < len(self.paths)):
            raise TraceFormatError("a neuron's path_id lies outside the table of paths")
        for operation in self.schedule:
            there_are = len(self.pathways if operation.kind == "deliver" else self.populations)
            if not 0 <= operation.index < there_are:
                raise TraceFormatError(f"the schedule names {operation.kind} {operation.index} of {there_are}")

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
            start = p.stop

    def _check_pathways(self):
        first = 0
        for p in self.pathways:
            if not (0 <= p.source < len(self.populations) and 0 <= p.target < len(self.populations)):
                raise TraceFormatError(f"pathway '{p.name}' joins populations that do not exist")
            source, target = self.populations[p.source], self.populations[p.target]
            delays_rise = p.delays.size and p.delays[0] >= 0 and (np.diff(p.delays) > 0).all()
            rows_fit = p.rows.size == source.size * p.delays.size + 1 and p.rows[0] == 0
            if p.first != first or not delays_rise or not rows_fit or (np.diff(p.rows) < 0).any():
                raise TraceFormatError(f"pathway '{p.name}' has an inconsistent synapse table")
            post = self.post[first : first + p.size]
            if post.size != p.size or (post.size and not (target.start <= post.min() and post.max() < target.stop)):
                raise TraceFormatError(f"pathway '{p.name}' reaches a neuron outside '{target.name}'")
            first += p.size
        if first != self.post.size:
            raise TraceFormatError(f"{self.post.size - first} synapses belong to no pathway")

    def __repr__(self):
        lines = [f"<CompiledNetwork {self.n_neurons:,} neurons, {self.n_synapses:,} synapses, dt {self.dt_ms:g} ms"]
        lines += [f"  {p.name}: {p.size:,}{' spike sources' if p.is_source else ''}" for p in self.populations]
        for p in self.pathways:
            ends = f"{self.populations[p.source].name} -> {self.populations[p.target].name}"
            lines.append(f"  {p.name}: {ends}, {p.size:,} synapses")
        return "\n".join(lines) + ">"
