"""on_pre and on_post code into deliveries: what a synaptic event does to the neuron that receives it.

Brian2's numpy target executes the code statement by statement, each for all synapses of the time step; or, where a
statement writes a variable of a neuron that was read, synapse by synapse. Deliveries are made one by one, with all
effects of a pathway. The two agree as long as no effect needs what another synapse's effects write, so the statements
are cut into as few pathways, one after the other, as make that true. Statements with different weights, or for
different ends of the synapse, part as well.
"""

from dataclasses import dataclass

import numpy as np

from eventsim.compile.group import owner_of
from eventsim.compile.synaptic_code import ENDS, OPS, TIME, SynapticCode, text_of
from eventsim.compile.weights import common_weight
from eventsim.errors import CompileError
from eventsim.expressions import names_in, substitute

__all__ = ["Deliveries", "deliveries_of"]


@dataclass
class Deliveries:
    """Some of a pathway's statements: what one of our pathways does.

    Parameters
    ----------
    receiver : str
        Brian2's index of the end of the synapse that is written.
    effects, senders, constants
        See Pathway.
    weight : (n_synapses,) float64
        In order of creation.
    """

    receiver: str
    effects: tuple
    weight: np.ndarray
    senders: dict
    constants: dict


def deliveries_of(pathway, readers, changing):
    """The Deliveries of a Brian2 pathway, in order; the arguments are those of SynapticCode."""
    code = SynapticCode(pathway, readers, changing)
    groups = []
    for effect in code.effects():
        last = groups[-1] if groups else []
        if last and _may_follow(last, effect, code.one_by_one) and _weight(code, [*last, effect]) is not None:
            last.append(effect)
        elif last and code.one_by_one:
            raise code.refusal(f"'{code}' reads what it writes, and needs several weights or both ends")
        else:
            groups.append([effect])
    for group in groups:
        _check_ends(code, group)
    return [_deliveries(code, group) for group in groups]


def _may_follow(group, effect, one_by_one):
    """Whether each delivery may apply this effect after those of the group."""
    if one_by_one or effect.receiver != group[0].receiver:
        return effect.receiver == group[0].receiver
    written, read = {e.writes for e in group}, set().union(*(e.reads for e in group))
    return not (effect.writes in written | read or effect.reads & written)


def _check_ends(code, group):
    """What the deliveries of a step write, none of them may read: at the other end at least, where parts would race."""
    written = {effect.writes for effect in group}
    for effect in group:
        if written & (effect.reads_across if code.one_by_one else effect.reads):
            said = text_of(effect.statement)
            raise code.refusal(f"'{said}' reads at one end of the synapse what '{code}' writes at the other")


def _weight(code, effects):
    """See `common_weight`; of these effects. The constants of the other end are part of it where they can be."""
    n, others = len(code.pathway.synapse_sources.get_value()), [end for end in ENDS if end != effects[0].receiver]
    expressions = [(effect.text, effect.statement.op) for effect in effects]
    for ends in (others, [end for end in others if end != code.spiking]):
        synaptic = {}
        for effect in effects:
            synaptic |= code.synaptic(effect.text, ends)
        found = common_weight(expressions, synaptic, n, code.name)
        if found is not None:
            return found
    return None


def _deliveries(code, group):
    found = _weight(code, group)
    if found is None:
        raise code.refusal(f"'{text_of(group[0].statement)}' needs several weights in one statement")
    weight, texts = found
    effects, senders, timed = [], {}, False
    for effect, text in zip(group, texts):
        timed |= "t" in names_in(text, code.name)
        text = substitute(text, _names(code, text, effect.receiver, senders), code.name)
        effects.append((code.variables[effect.statement.var].name, OPS[effect.statement.op], text))
    if timed and owner_of(code.variables["t"]) != code.pathway.clock.name:
        raise code.refusal(f"'{code}' reads the time of another clock than that of the spikes")
    if not np.isfinite(weight).all():
        k = int(np.flatnonzero(~np.isfinite(weight))[0])
        raise CompileError(code.name, f"synapse {k} has weight {weight[k]}", "finite weights")
    constants = {"dt": float(code.pathway.clock.dt_)} if timed else {}
    return Deliveries(group[0].receiver, tuple(effects), weight, senders, constants)


def _names(code, text, receiver, senders):
    """Mapping from the names in an expression to those of an effect; `senders` gains those of the other end."""
    replaced = {}
    for name in names_in(text, code.name) - {*TIME, "weight"}:
        own_name, end = code.neuron_variable(name)
        code.readers[end].note(code.name, own_name, {own_name: code.variables[name]})
        if end == receiver and own_name in ("weight", *TIME):
            raise CompileError(code.name, f"'{code}' reads a neuron's variable called '{own_name}'", "any other name")
        if end == receiver:
            replaced[name] = own_name
        elif end == code.spiking:
            replaced[name] = f"{own_name}_of_sender"
            senders[replaced[name]] = own_name
        else:
            raise code.refusal(f"'{name}' in '{code}' belongs to the neuron that did not spike, and is not written")
    return replaced
