"""Which variables of a Brian2 network change while it runs; all others are constants, whatever they are declared as."""

import numpy as np
from brian2.codegen.translation import make_statements
from brian2.core.variables import ArrayVariable, AuxiliaryVariable
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Thresholder

from eventsim.compile.group import owner_of

__all__ = ["changing_variables"]


def changing_variables(objects):
    """Frozenset of (group name, variable name) that a statement of these objects writes."""
    found = set()
    for thing in objects:
        code = getattr(thing, "abstract_code", None)
        if not isinstance(thing, CodeRunner) or thing.codeobj is None or code is None:
            continue
        variables = thing.codeobj.variables
        once, each = make_statements(code, variables, np.float64, optimise=False)
        for statement in (*once, *each):
            variable = variables.get(statement.var)
            if isinstance(variable, ArrayVariable) and not isinstance(variable, AuxiliaryVariable):
                found.add((owner_of(variable), variable.name))
        if isinstance(thing, Thresholder):
            found |= {(thing.group.name, name) for name in ("not_refractory", "lastspike")}
    return frozenset(found)
