"""The code of one Brian2 pathway: the statements that write neurons, and what they read."""

from dataclasses import dataclass

from brian2.core.variables import ArrayVariable, AuxiliaryVariable, Subexpression

from eventsim.compile.group import owner_of
from eventsim.compile.statements import fold, functions_of_time, read_constants, statements_of
from eventsim.errors import CompileError
from eventsim.expressions import names_in, substitute

__all__ = ["EFFECTS", "ENDS", "OPS", "TIME", "Effect", "SynapticCode", "text_of"]

EFFECTS = (
    "'x_post += e', '*=', '-=', '/=' and '=', with e made of synapse variables that stay constant, constants, t, "
    "variables of the same neuron, and in on_pre those of the sender (in on_post, of the receiver of the spikes)"
)
OPS = {"+=": "add", "-=": "add", "=": "set", "*=": "multiply", "/=": "divide"}
TIME = ("t", "t_in_timesteps")

#: Brian2's indices of the two ends of a synapse.
ENDS = ("_presynaptic_idx", "_postsynaptic_idx")

_PLASTICITY = f"synapses whose own variables stay constant (no plasticity): {EFFECTS}"


@dataclass
class Effect:
    """A statement that writes a neuron's variable.

    Parameters
    ----------
    statement : Brian2 Statement
    receiver : str
        Which of ENDS it writes.
    text : str
        Its expression, without temporaries and constants.
    writes : (group, variable)
    reads, reads_across : sets of (group, variable)
        Those that change; the second at the end that is not written.
    """

    statement: object
    receiver: str
    text: str
    writes: tuple
    reads: set
    reads_across: set


class SynapticCode:
    """What a pathway does for each synapse.

    Parameters
    ----------
    pathway : SynapticPathway
    readers : mapping of str to GroupReader
        Of the groups at both ENDS.
    changing : frozenset of (str, str)
        See `eventsim.compile.changes`.

    Attributes
    ----------
    one_by_one : bool
        Whether Brian2's numpy target executes all statements for a synapse before it turns to the next.
    spiking : str
        The one of ENDS whose spikes it follows.
    """

    def __init__(self, pathway, readers, changing):
        self.pathway, self.readers, self.changing, self.name = pathway, readers, changing, pathway.name
        self.variables, self.indices = pathway.codeobj.variables, pathway.codeobj.variable_indices
        self.spiking = ENDS[pathway.prepost == "post"]
        once, each = statements_of(self.name, pathway.abstract_code, self.variables, "on_pre and on_post without noise")
        if any(f"{name}(" in s.expr for s in (*once, *each) for name in functions_of_time(self.variables)):
            raise CompileError(self.name, f"a TimedArray in '{self}'", EFFECTS)
        constants = read_constants(self.name, (*once, *each), self.variables, float(pathway.clock.dt_))
        once = fold(self.name, once, constants, self.variables)
        self._numbers = {name: repr(value) for name, value in constants.items()}
        self._statements, self.one_by_one = (*once, *each), self._is_run_one_by_one(each)

    def _is_run_one_by_one(self, statements):
        """Brian2's own rule: a variable of a neuron is written after it was read, or in the statement that reads it."""
        read = set()
        for statement in statements:
            read |= {name for name in names_in(statement.expr, self.name) if self.indices.get(name, "_idx") != "_idx"}
            if statement.var in read:
                return True
        return False

    def effects(self):
        """The Effects in order; temporaries, among them subexpressions, are replaced by what they stand for."""
        inline, effects = {}, []  # temporary -> its expression, and the number of effects before it
        for statement in self._statements:
            used = {inline[name] for name in names_in(statement.expr, self.name) if name in inline}
            self._check_fresh(statement, used, effects)
            known = self._numbers | {name: text for name, (text, _) in inline.items()}
            text, variable = substitute(statement.expr, known, self.name), self.variables.get(statement.var)
            if isinstance(variable, ArrayVariable) and not isinstance(variable, (AuxiliaryVariable, Subexpression)):
                effects.append(self._effect(statement, text))
            else:
                inline[statement.var] = (text, len(effects))
        return effects

    def _check_fresh(self, statement, temporaries, effects):
        """A temporary stands for its expression only while nothing that it reads was written."""
        for text, before in temporaries:
            if self._reads(text, ENDS) & {effect.writes for effect in effects[before:]}:
                raise self.refusal(f"'{text_of(statement)}' uses a temporary made of what was written since")

    def _effect(self, statement, text):
        variable, index, said = self.variables[statement.var], self.indices[statement.var], text_of(statement)
        if index not in ENDS:
            raise CompileError(self.name, f"'{said}' changes the synapse's own '{statement.var}'", _PLASTICITY)
        if statement.op not in OPS:
            raise self.refusal(f"'{said}'")
        reader = self.readers[index]
        if owner_of(variable) != reader.name or variable.scalar:
            raise self.refusal(f"'{said}' writes '{variable.name}' of '{owner_of(variable)}'")
        self._check_type(statement, variable)
        self._check_guard(statement, variable, index)
        reader.note_written(self.name, variable.name, {variable.name: variable})
        across = self._reads(text, [end for end in ENDS if end != index])
        return Effect(statement, index, text, (reader.name, variable.name), self._reads(text, ENDS), across)

    def _check_type(self, statement, variable):
        whole = variable.is_integer and statement.op == "+=" and statement.expr.lstrip("-").isdigit()
        if (variable.is_integer and not whole) or variable.is_boolean:
            raise CompileError(self.name, f"'{text_of(statement)}' writes a variable that is no float64",
                               "float64 variables, and whole numbers added to integers")  # fmt: skip

    def _check_guard(self, statement, variable, index):
        """Refuse writes that Brian2's numpy target does not suppress in the way its documentation says."""
        if variable.conditional_write is None:
            return
        if statement.op == "=" and not self.one_by_one:
            what = f"assigns to '{variable.name}' (unless refractory), in spite of which numpy does"
            raise CompileError(self.name, f"'{text_of(statement)}' {what}", "'+=', or variables without that flag")
        guarded = [name for name, v in self.variables.items() if getattr(v, "conditional_write", None) is not None]
        if {self.indices.get(name) for name in guarded} != {index}:
            what = "which numpy may suppress while the neuron at the other end is refractory"
            raise CompileError(self.name, f"'{text_of(statement)}', {what}",
                               "statements that read no (unless refractory) variable there")  # fmt: skip

    def _reads(self, text, ends):
        """Changing (group, variable) pairs that an expression reads at these ends."""
        found = {name for name in names_in(text, self.name) if self.indices.get(name) in ends and self._changes(name)}
        return {(owner_of(self.variables[name]), self.variables[name].name) for name in found}

    def _changes(self, name):
        variable = self.variables.get(name)
        return isinstance(variable, ArrayVariable) and (owner_of(variable), variable.name) in self.changing

    def synaptic(self, text, ends):
        """Mapping name -> (n_synapses,) values, of what an expression reads that belongs to the synapse alone.

        The constants of neurons at `ends` do as well.
        """
        found = {}
        for name in names_in(text, self.name) - set(TIME):
            variable, index = self.variables.get(name), self.indices.get(name)
            if not isinstance(variable, ArrayVariable):
                raise self.refusal(f"'{name}' in '{self}'")
            if index == "_idx" and self._changes(name):
                raise CompileError(self.name, f"'{name}' changes in the synapse", _PLASTICITY)
            if index == "_idx":
                found[name] = variable.get_value()
            elif index not in ENDS:
                raise self.refusal(f"'{name}' in '{self}'")
            elif index in ends and not self._changes(name):
                self.neuron_variable(name)
                found[name] = variable.get_value()[self.variables[index].get_value()]
        return found

    def neuron_variable(self, name):
        """(variable's own name, which of ENDS it belongs to) of a name that stands for a neuron's variable."""
        variable, index = self.variables[name], self.indices[name]
        if owner_of(variable) != self.readers[index].name:
            raise self.refusal(f"'{name}' is linked to '{variable.name}' of '{owner_of(variable)}'")
        return variable.name, index

    def __str__(self):
        return "; ".join(line.strip() for line in self.pathway.code.strip().splitlines())

    def refusal(self, what):
        return CompileError(self.name, what, EFFECTS)


def text_of(statement):
    return f"{statement.var} {statement.op} {statement.expr}"
