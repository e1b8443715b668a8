"""What a CompiledNetwork is made of: statements, operations, populations, pathways, tables of time."""

from dataclasses import dataclass, field

import numpy as np

from eventsim.arrays import freeze
from eventsim.expressions import names_in

__all__ = ["EFFECTS", "Operation", "Pathway", "Population", "Statement", "Table"]

#: What a delivery can do with a variable of its target -> the assignment that it is.
EFFECTS = {"add": "+=", "set": "=", "multiply": "*=", "divide": "/="}


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
    fired : tuple of Statement
        Of a "threshold": evaluated for each neuron that fires, at once.
    constants : mapping of str to float or int
        Scalars that the statements name, loop invariants that Brian2 computes each tick among them.
    tables : mapping of str to int
        Functions of time that the statements call, by their place in the network's tables.
    every : int
        It happens in ticks 0, every, 2 every, ...: the clock of its object, in ticks.
    lag : int
        Of a "reset": it is for the neurons that fired so many ticks ago; 0 where thresholds come before resets in a
        tick, else `every`.
    integrates : bool
        Of an "update": it is the population's `rates` over one step.
    """

    kind: str
    index: int
    once: tuple[Statement, ...] = ()
    each: tuple[Statement, ...] = ()
    fired: tuple[Statement, ...] = ()
    constants: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)
    every: int = 1
    lag: int = 0
    integrates: bool = False


@dataclass(frozen=True, eq=False)
class Table:
    """A function of time that is constant over steps (Brian2's TimedArray), perhaps with columns.

    Its value at time t is that of row floor(round(t / (step_s / refine)) / refine), the first or last row where there
    is no such row.

    Parameters
    ----------
    values : (n_rows * n_columns,) float64
        Row by row.
    n_columns : int
    step_s : float
        Length of a step.
    refine : int
        Parts of a step to which times are rounded, as Brian2 chooses them.
    """

    values: np.ndarray
    n_columns: int
    step_s: float
    refine: int

    def __post_init__(self):
        freeze(self, "values")


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
    guards : mapping of str to str
        Variable -> boolean variable that must be true for a statement or a delivery to write it (Brian2's
        `unless refractory`); resets write regardless.
    booleans : tuple of str
        Variables that are true or false, kept as 1.0 and 0.0.
    rates : mapping of str to str
        Time derivative of each variable that has one, per second, as an expression of the population's names: the
        equations before any integrator, for a clock without ticks. Guarded ones stand still while guarded.
    rate_constants : mapping of str to float
        Scalars that the rates name, in SI units.
    refractory_s : float or None
        Length of the refractory period, where it is one number.
    integers : tuple of str
        Variables that hold whole numbers, kept as float64.
    """

    name: str
    start: int
    size: int
    equations: str = ""
    state: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    is_source: bool = False
    guards: dict = field(default_factory=dict)
    booleans: tuple[str, ...] = ()
    rates: dict = field(default_factory=dict)
    rate_constants: dict = field(default_factory=dict)
    refractory_s: float | None = None
    integers: tuple[str, ...] = ()

    def __post_init__(self):
        freeze(self, "state", "parameters")

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
        (variable of the target, one of EFFECTS, value): value is an expression of "weight", of the target's variables,
        of `senders`, of `constants`, of "t" and "t_in_timesteps". A delivery applies them one after the other.
    constants : mapping of str to float
        Scalars that the effects name; "dt", in seconds, where they name the time.
    first : int
        Id of its first synapse.
    delays : (n_delays,) int32
        The delays that occur, in ticks, increasing. A delay of 0 acts after this tick's thresholds.
    rows : (source.size * n_delays + 1,) int64
        Synapses of source neuron i (counted within its population) with delay delays[k] are
        first + rows[i * n_delays + k], ..., first + rows[i * n_delays + k + 1] - 1.
    senders : mapping of str to str
        Names in effects that stand for a variable of the sending neuron, as it is at the delivery. The pathway does
        not write that variable.
    """

    name: str
    source: int
    target: int
    effects: tuple[tuple[str, str, str], ...]
    constants: dict
    first: int
    delays: np.ndarray
    rows: np.ndarray
    senders: dict = field(default_factory=dict)

    def __post_init__(self):
        freeze(self, "delays", "rows")

    @property
    def size(self):
        """Number of synapses."""
        return int(self.rows[-1])

    @property
    def synapses(self):
        """Its synapses, as a slice of the network's synapse table."""
        return slice(self.first, self.first + self.size)

    @property
    def weighted(self):
        """Whether an effect uses the synapse's weight; a reset synapse, for instance, does not."""
        return any("weight" in names_in(value, self.name) for _, _, value in self.effects)
