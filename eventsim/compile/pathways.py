"""Synaptic pathways: on_pre and on_post code into effects, synapses into sorted flat tables."""

import numpy as np
from brian2.core.variables import ArrayVariable

from eventsim.compile.group import owner_of
from eventsim.compile.statements import read_constants, statements_of
from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, substitute
from eventsim.network import Pathway

__all__ = ["EFFECTS", "check_synapses", "read_pathway"]

EFFECTS = (
    "'x_post += e' or 'x_post = e', e made of one synapse variable or several constant ones, constants, and variables "
    "of the same neuron that the pathway does not write; no change of a synapse's own variables"
)


def check_synapses(synapses):
    """Refuse what a Synapses object does besides its pathways."""
    if len(synapses.equations.diff_eq_names):
        names = ", ".join(sorted(synapses.equations.diff_eq_names))
        raise CompileError(synapses.name, f"differential equations of the synapse ({names})", EFFECTS)
    if synapses.summed_updaters:
        raise CompileError(synapses.name, "a summed variable", EFFECTS)


def read_pathway(pathway, readers, first, every):
    """(Pathway, post ids, weights) of one Brian2 pathway.

    Parameters
    ----------
    pathway : SynapticPathway
    readers : mapping of str to GroupReader
    first : int
        Id of its first synapse.
    every : int
        Length of its clock's step, in ticks.
    """
    if pathway.event != "spike":
        raise CompileError(pathway.name, f"a pathway triggered by {pathway.event} events", "on_pre and on_post")
    source, target = (_reader_of(end, pathway, readers) for end in (pathway.source, pathway.target))
    effects, weight, receiver = _effects(pathway, readers, source, target)
    spiking = np.asarray(pathway.synapse_sources.get_value(), dtype=np.int64)
    others = np.asarray(pathway.synapse_targets.get_value(), dtype=np.int64)
    received_by = others if receiver == "target" else spiking
    delays, delay_index = np.unique(_delay_ticks(pathway, spiking.size, every), return_inverse=True)
    delays = delays if delays.size else np.zeros(1, dtype=np.int32)
    order = np.lexsort((np.arange(spiking.size), delay_index, spiking))
    filled = np.bincount(spiking * delays.size + delay_index, minlength=len(source.group) * delays.size)
    rows = np.concatenate([[0], np.cumsum(filled, dtype=np.int64)])
    end = target if receiver == "target" else source
    made = Pathway(pathway.name, source.index, end.index, effects, {}, first, delays.astype(np.int32), rows)
    return made, (received_by[order] + end.start).astype(np.int32), weight[order]


def _reader_of(end, pathway, readers):
    """The reader of a group, or of the group behind a Subgroup; synapse indices already refer to it."""
    group = end.source if type(end).__name__ == "Subgroup" else end
    if group.name not in readers:
        raise CompileError(pathway.name, f"'{group.name}' is not in the network", "add it to the Network")
    return readers[group.name]


def _effects(pathway, readers, source, target):
    """The effects, the weight of each synapse, and whether "source" or "target" of the pathway receives them."""
    once, each, variables = statements_of(
        pathway.name, pathway.abstract_code, pathway.codeobj.variables, rekey_seed=None, optimise=False
    )
    constants = read_constants(pathway.name, once + each, variables, float(pathway.clock.dt_))
    sides = {_side(s.var, variables, pathway.synapses) for s in once + each}
    if len(sides) != 1 or None in sides:
        raise CompileError(pathway.name, f"'{_one_line(pathway.code)}'", EFFECTS)
    index = sides.pop()
    # on_post swaps the ends: there, the spiking group is the one behind _postsynaptic_idx.
    receiver = "target" if (index == "_postsynaptic_idx") == (pathway.prepost == "pre") else "source"
    reader = target if receiver == "target" else source
    reading = _EffectReading(pathway, variables, constants, index, reader)
    effects = tuple(reading.effect(statement) for statement in once + each)
    reading.check_independence(effects)
    return effects, reading.weight, receiver


def _side(name, variables, synapses):
    """The index by which synapse code reaches a neuron's own variable; None for all else, linked ones included."""
    variable = variables.get(name)
    index = synapses.variables.indices[name] if isinstance(variable, ArrayVariable) else None
    own = index in ("_presynaptic_idx", "_postsynaptic_idx") and not variable.scalar
    return index if own and variable.name == name.removesuffix("_post").removesuffix("_pre") else None


class _EffectReading:
    """The statements of one pathway, read one after the other."""

    def __init__(self, pathway, variables, constants, index, reader):
        self.pathway, self.variables, self.constants, self.index, self.reader = (
            pathway,
            variables,
            constants,
            index,
            reader,
        )
        self.n = len(pathway.synapse_sources.get_value())
        self.weight, self.weight_set = np.zeros(self.n), False

    def effect(self, statement):
        """(variable, "add" or "set", value) of a statement."""
        if statement.op not in ("+=", "-=", "="):
            raise CompileError(self.pathway.name, f"'{statement}'", EFFECTS)
        variable = self.variables[statement.var]
        self.reader.note_written(self.pathway.name, variable.name, {variable.name: variable})
        names = names_in(statement.expr, self.pathway.name) - set(self.constants)
        at_neuron = {name for name in names if _side(name, self.variables, self.pathway.synapses) == self.index}
        of_synapse = names - at_neuron
        for name in at_neuron:
            self.reader.note(
                self.pathway.name, self.variables[name].name, {self.variables[name].name: self.variables[name]}
            )
            if self.variables[name].name == "weight":  # which in an effect stands for the synapse's own
                raise CompileError(self.pathway.name, f"'{statement}' reads a neuron's variable called 'weight'",
                                   "any other name for it")  # fmt: skip
        for name in of_synapse:
            if owner_of(self.variables[name]) != self.pathway.synapses.name:
                raise CompileError(self.pathway.name, f"'{name}' in '{statement}'", EFFECTS)
        op, sign = ("set", 1.0) if statement.op == "=" else ("add", -1.0 if statement.op == "-=" else 1.0)
        if not at_neuron and of_synapse:
            self._take_weight(statement, sign * self._values(statement.expr))
            return variable.name, op, "weight"
        if not at_neuron:
            value = float(sign * evaluate(statement.expr, self.constants, self.pathway.name))
            if op == "add":
                self._take_weight(statement, np.full(self.n, value))
                return variable.name, op, "weight"
            return variable.name, op, repr(value)
        return variable.name, op, self._mixed(statement, at_neuron, of_synapse, sign)

    def _mixed(self, statement, at_neuron, of_synapse, sign):
        """The value of a statement that reads the receiving neuron, and perhaps one variable of the synapse."""
        if len(of_synapse) > 1:
            raise CompileError(self.pathway.name, f"'{statement}' mixes {', '.join(sorted(of_synapse))}", EFFECTS)
        replaced = {name: self.variables[name].name for name in at_neuron}
        replaced |= {name: repr(value) for name, value in self.constants.items()}
        for name in of_synapse:
            self._take_weight(statement, self._values(name))
            replaced[name] = "weight"
        text = substitute(statement.expr, replaced, self.pathway.name)
        return text if sign > 0 else f"-({text})"

    def _take_weight(self, statement, weight):
        if self.weight_set:
            raise CompileError(self.pathway.name, f"'{statement}'", f"{EFFECTS}; one weighted effect per pathway")
        if not np.isfinite(weight).all():
            k = int(np.flatnonzero(~np.isfinite(weight))[0])
            raise CompileError(self.pathway.name, f"synapse {k} has weight {weight[k]}", "finite weights")
        self.weight, self.weight_set = weight, True

    def _values(self, expression):
        """(n_synapses,) float64: an expression of synapse variables and constants."""
        names = names_in(expression, self.pathway.name) - set(self.constants)
        values = {name: np.asarray(self.variables[name].get_value()) for name in names}
        value = evaluate(expression, {**self.constants, **values}, self.pathway.name)
        return np.broadcast_to(value, (self.n,)).astype(np.float64)

    def check_independence(self, effects):
        """Deliveries are applied one by one, Brian2's all at once: no effect may read what another writes."""
        written = [variable for variable, _, _ in effects]
        read = set().union(*(names_in(value, self.pathway.name) for _, _, value in effects))
        if len(set(written)) != len(written) or read & set(written):
            raise CompileError(self.pathway.name,
                               f"'{_one_line(self.pathway.code)}' writes a variable twice or reads one it writes",
                               EFFECTS)  # fmt: skip


def _delay_ticks(pathway, n, every):
    """(n_synapses,) int32; refuses delays that are negative or lie between two steps of the pathway's clock."""
    dt = float(pathway.clock.dt_)
    steps = np.broadcast_to(np.asarray(pathway.variables["delay"].get_value(), dtype=np.float64) / dt, (n,))
    whole = np.round(steps)
    wrong = ~(np.isfinite(steps) & (whole >= 0) & (np.abs(steps - whole) <= 1e-6))
    if wrong.any():
        bad = int(np.flatnonzero(wrong)[0])
        raise CompileError(pathway.name, f"synapse {bad} has a delay of {steps[bad]:g} ticks of {dt * 1e3:g} ms",
                           "delays that are whole multiples of dt, 0 included")  # fmt: skip
    return whole.astype(np.int32) * np.int32(every)


def _one_line(code):
    return "; ".join(line.strip() for line in code.strip().splitlines())
