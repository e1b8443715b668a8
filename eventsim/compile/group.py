"""GroupReader: one Brian2 group, and what the network's objects read and write of it."""

import numpy as np
from brian2 import Quantity, SpikeGeneratorGroup
from brian2.core.variables import ArrayVariable, AuxiliaryVariable, Constant, Subexpression

from eventsim.compiled_network import Population
from eventsim.errors import CompileError

__all__ = ["GroupReader", "owner_of"]

#: Columns of neurons that travel; a group without them gets the stated default.
_KEYS = ("key_lo", "key_hi", "token", "path_id")
_NO_PERIOD = 1e99  # seconds; Brian2 writes 1e100 for a generator that does not repeat


class GroupReader:
    """A NeuronGroup, PoissonGroup or SpikeGeneratorGroup.

    Parameters
    ----------
    group : brian2 group
    index, start : int
        Its place among the populations, and the id of its first neuron.
    every : int
        Length of its clock's step, in ticks.
    changing : frozenset of (str, str)
        The network's variables that change, see `eventsim.compile.changes`.
    """

    def __init__(self, group, index, start, every, changing):
        self.group, self.index, self.start, self.every, self.changing = group, index, start, every, changing
        self.used = {}  # variable name -> Brian2 variable
        self.written = set()
        self.rates, self.rate_constants = {}, {}

    @property
    def name(self):
        return self.group.name

    def note(self, where, name, variables):
        """Remember that a statement reads `name`; returns whether it is a variable of this group's neurons.

        Raises CompileError when it belongs to somebody else.
        """
        variable = variables.get(name)
        if variable is None or isinstance(variable, (Constant, AuxiliaryVariable, Subexpression)):
            return False  # a temporary, a constant already taken, or a substituted subexpression
        if not isinstance(variable, ArrayVariable):
            raise CompileError(where, f"'{name}' ({type(variable).__name__})",
                               "constants and variables of the group itself")  # fmt: skip
        linked = owner_of(variable) != self.name or variable.name != name
        changes = (owner_of(variable), variable.name) in self.changing
        if variable.scalar and not changes:
            return False
        if linked and changes:
            what = f"'{name}' is linked to '{variable.name}' of '{owner_of(variable)}', which changes"
            raise CompileError(where, what, "variables of the group itself, and links to constants")  # fmt: skip
        self.used[name] = variable
        return True

    def note_written(self, where, name, variables):
        """Remember that a statement writes `name`."""
        if self.note(where, name, variables):
            self.written.add(name)
            guard = variables[name].conditional_write
            if guard is not None:
                self.note(where, guard.name, self.group.variables)

    def population(self):
        """The group as a Population."""
        if isinstance(self.group, SpikeGeneratorGroup):
            return Population(self.name, self.start, len(self.group), is_source=True)
        state, parameters, booleans, integers = {}, {}, [], []
        for name in sorted(self.used):
            values = self._values(name)
            integral = np.issubdtype(values.dtype, np.integer)
            if name in self.written or values.dtype == bool:
                state[name] = values.astype(np.float64)
                kind = booleans if values.dtype == bool else integers if integral else []
                kind.append(name)
            else:
                parameters[name] = values.astype(np.int64 if integral else np.float64)
        guards = {name: self.used[name].conditional_write.name for name in state if self.used[name].conditional_write}
        return Population(
            self.name, self.start, len(self.group), str(getattr(self.group, "user_equations", "")), state, parameters,
            guards=guards, booleans=tuple(booleans), rates=self.rates, rate_constants=self.rate_constants,
            refractory_s=self._refractory_s(), integers=tuple(integers),
        )  # fmt: skip

    def _values(self, name):
        """(n,) values of a variable, one's own or linked; a shared one is repeated."""
        variable = self.used[name]
        linked = owner_of(variable) != self.name or variable.name != name
        values = self.group.state(name, use_units=False)[:] if linked else variable.get_value()
        values = np.broadcast_to(np.asarray(values), (len(self.group),))
        if not (values.dtype in (np.float64, bool) or np.issubdtype(values.dtype, np.integer)):
            raise CompileError(self.name, f"the variable '{name}' of type {values.dtype}",
                               "float64 variables, booleans and integers")  # fmt: skip
        if not np.isfinite(values).all():
            bad = int(np.flatnonzero(~np.isfinite(values))[0])
            raise CompileError(self.name, f"{name}[{bad}] is {values[bad]}", "finite start values and constants")
        return values

    def _refractory_s(self):
        refractory = getattr(self.group, "_refractory", False)
        return float(refractory) if isinstance(refractory, Quantity) else None

    def column(self, name):
        """(n,) int32: one of the columns that travel with neurons."""
        n = len(self.group)
        if name in self.group.variables:
            return np.asarray(self.group.variables[name].get_value()).astype(np.int32)
        default = {"key_lo": np.arange(n), "key_hi": np.full(n, self.index)}
        return default.get(name, np.full(n, -1)).astype(np.int32)

    def spikes(self):
        """(ticks, neuron ids) that a SpikeGeneratorGroup would emit; nothing for other groups."""
        if not isinstance(self.group, SpikeGeneratorGroup):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        if 0 < float(self.group.variables["period"].get_value().item()) < _NO_PERIOD:
            raise CompileError(self.name, "a periodic SpikeGeneratorGroup", "spike times without period")
        ticks = np.asarray(self.group.variables["_timebins"].get_value(), dtype=np.int64) * self.every
        return ticks, np.asarray(self.group.variables["neuron_index"].get_value(), dtype=np.int64) + self.start


def owner_of(variable):
    """Name of the group a variable belongs to, or None."""
    return getattr(getattr(variable, "owner", None), "name", None)


def columns(readers):
    """The columns that travel, over all groups: mapping name -> (n_neurons,) int32."""
    return {name: np.concatenate([reader.column(name) for reader in readers]) for name in _KEYS}
