"""What a network needs of a chip, read from its own statements and synapses.

Conservative: whatever cannot be seen to be plain is reported. A statement is plain when it changes its variable
linearly, with whole numbers, by amounts that do not depend on time, chance or other neurons' state.
"""

import ast

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import calls_in, evaluate, names_in

__all__ = ["FEATURES", "missing_features"]

#: Feature -> what it means, with {} for the detail. A chip file lists those its chip lacks.
FEATURES = {
    "noise": "random draws in its {}",
    "exponential_drive": "exponential drive: exp of a changing quantity in its {}",
    "nonlinear_update": "an update that is not linear in its state: {}",
    "time_dependence": "{} that depends on time",
    "memoryless_gate": "a memoryless gate: each update sets '{}' anew",
    "many_states": "more than two variables that change ({})",
    "second_state": "more than one variable that changes ({})",
    "soft_reset": "a reset that is not one variable set to 0: {}",
    "other_threshold": "a threshold that is not one variable against a constant: {}",
    "float_arithmetic": "state or constants that are not whole numbers ({})",
    "float_weights": "weights that are not whole numbers ({})",
    "odd_mixed_weights": "weights of both signs, not all even; a mixed list holds even weights only ({})",
    "many_weights": "neurons with more than four different weights ({})",
    "setting_synapse": "synapses that set '{}' instead of adding to it",
    "several_variables": "synapses that act on several variables ({})",
}

_CURVED = {"log", "sqrt", "sin", "cos", "tanh"}
_WHOLE = {"abs", "int", "keyed_uniform"}  # functions that are no reason of their own to expect fractions


def missing_features(network, chip):
    """One sentence for each feature that `network` needs and `chip` lacks, and for each number out of its range."""
    (lacks,) = chip.require("lacks")
    found = []
    for k, population in enumerate(network.populations):
        if not population.is_source:
            operations = [o for o in network.schedule if o.kind in ("update", "threshold", "reset") and o.index == k]
            found += [(population.name, "population", *need) for need in _of_population(population, operations)]
    for pathway in network.pathways:
        found += [(pathway.name, "pathway", *need) for need in _of_pathway(pathway, network)]
    sentences = [f"{sort} '{name}': {FEATURES[feature].format(detail)}"
                 for name, sort, feature, detail in found if feature in lacks]  # fmt: skip
    sentences += [text for p in network.pathways for text in _out_of_range(p, network, chip)]
    return list(dict.fromkeys(sentences))


def _of_population(population, operations):
    """(feature, detail) for each thing that a population needs."""
    for most, feature in ((2, "many_states"), (1, "second_state")):
        if len(population.state) > most:
            yield feature, ", ".join(population.state)
    fires = any(operation.kind == "threshold" for operation in operations)
    if fires and not any(operation.kind == "reset" and operation.each for operation in operations):
        yield "soft_reset", "none"
    changed = _not_whole(population.state) + _not_whole(population.parameters)
    for operation in operations:
        reading = _Reading(population, operation)
        yield from reading.needs()
        changed += reading.fractions()
    if changed:
        yield "float_arithmetic", ", ".join(dict.fromkeys(changed))


def _not_whole(columns):
    return [name for name, values in columns.items() if not (np.asarray(values) == np.floor(values)).all()]


class _Reading:
    """One operation's statements, with what each of their names stands for.

    A name is steady (a constant, a parameter, or a temporary made of such), clocked (time), or changing.
    """

    def __init__(self, population, operation):
        self.population, self.operation = population, operation
        self.statements = (*operation.once, *operation.each)
        self.steady = set(operation.constants) | set(population.parameters)
        self.depends = {}  # temporary -> the names it rests on that are not steady
        self.trees = []
        for statement in self.statements:
            names = names_in(statement.expression, population.name)
            self.trees.append(ast.parse(statement.expression.strip(), mode="eval").body)
            if statement.op == ":=":
                self.depends[statement.variable] = self._rest(names)

    def _rest(self, names):
        """The names that are not steady, temporaries replaced by what they rest on."""
        return set().union(*(self.depends.get(n, {n}) for n in names)) - self.steady

    def _changing(self, node):
        return self._rest({n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - _called(node))

    def needs(self):
        kind = self.operation.kind
        calls = set().union(*(_called(tree) for tree in self.trees))
        if "keyed_uniform" in calls:
            yield "noise", "threshold (escape noise)" if kind == "threshold" else kind
        if any(self._changing(argument) for tree in self.trees for argument in _arguments(tree, {"exp"})):
            yield "exponential_drive", kind
        timed = [s for s, tree in zip(self.statements, self.trees) if self._timed(tree)]
        if timed:
            yield "time_dependence", f"{_article(kind)} ({_text(timed[0])})"
        yield from {"update": self._update, "threshold": self._threshold, "reset": self._reset}[kind]()

    def _timed(self, tree):
        """Whether time enters other than as the step of a noise draw, which has a name of its own."""
        inside = {id(n) for argument in _arguments(tree, {"keyed_uniform"}) for n in ast.walk(argument)}
        plain = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in inside]
        return any({"t", "t_in_timesteps"} & self.depends.get(n.id, {n.id}) for n in plain)

    def _update(self):
        for statement, tree in zip(self.statements, self.trees):
            if self._curved(tree):
                yield "nonlinear_update", _text(statement)
            to_state = statement.variable in self.population.state
            changing = self._changing(tree)
            if to_state and statement.op == "=" and statement.variable not in changing:
                yield "memoryless_gate", statement.variable
            if statement.op in ("*=", "/="):
                if changing:
                    yield "nonlinear_update", _text(statement)
                elif statement.op == "*=" and self._zero(tree):
                    yield "memoryless_gate", statement.variable

    def _curved(self, tree):
        """Whether an expression is other than linear in what changes; exp has a feature of its own."""
        for node in ast.walk(tree):
            if isinstance(node, ast.BinOp):
                left, right = self._changing(node.left), self._changing(node.right)
                product = isinstance(node.op, ast.Mult) and left and right
                divided = isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod)) and right
                power = isinstance(node.op, ast.Pow) and (left or right)
                if product or divided or power:
                    return True
            negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
            if (negated or isinstance(node, (ast.Compare, ast.BoolOp))) and self._changing(node):
                return True
        return any(self._changing(argument) for argument in _arguments(tree, _CURVED | {"abs", "int"}))

    def _zero(self, tree):
        return self._value(tree, lambda value: not np.any(value))

    def _value(self, tree, accept):
        """Whether the value of a steady expression is known and accepted."""
        if self._changing(tree) or self.depends.keys() & {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}:
            return False
        try:
            values = self.operation.constants | self.population.parameters
            return bool(accept(evaluate(ast.unparse(tree), values, self.population.name)))
        except (CompileError, RecursionError):
            return False

    def _threshold(self):
        condition, tree = self.statements[-1], self.trees[-1]
        while isinstance(tree, ast.Name) and tree.id in self.depends:  # a condition held in a temporary
            k = next(k for k, s in enumerate(self.statements) if s.variable == tree.id)
            condition, tree = self.statements[k], self.trees[k]
        match tree:
            case ast.Compare(ast.Name(name), [ast.Gt() | ast.GtE()], [limit]):
                plain = name in self.population.state and not self._changing(limit)
            case _:
                plain = False
        if not plain:
            yield "other_threshold", _text(condition)

    def _reset(self):
        written = [s for s in self.statements if s.op != ":="]
        trees = [tree for s, tree in zip(self.statements, self.trees) if s.op != ":="]
        plain = len(written) == 1 and written[0].op == "=" and self._zero(trees[0])
        if written and not plain:
            yield "soft_reset", "; ".join(map(_text, written))

    def fractions(self):
        """Constants, and statements, by which something other than whole numbers enters."""
        found = []
        for statement, tree in zip(self.statements, self.trees):
            divided = statement.op == "/=" or any(isinstance(n, (ast.Div, ast.Pow)) for n in ast.walk(tree))
            if divided or _called(tree) - _WHOLE:
                found.append(_text(statement))
            for node in ast.walk(tree):
                value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
                name = node.id if isinstance(node, ast.Name) else None
                value = self.operation.constants.get(name, value)
                if isinstance(value, float) and not value.is_integer():
                    found.append(name or repr(value))
        return found


def _called(tree):
    return {name for name, _ in calls_in(tree)}


def _arguments(tree, functions):
    return [argument for name, arguments in calls_in(tree) if name in functions for argument in arguments]


def _text(statement):
    text = f"{statement.variable} {statement.op} {statement.expression}"
    return f"'{text if len(text) <= 80 else text[:77] + '...'}'"


def _article(kind):
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _of_pathway(pathway, network):
    """(feature, detail) for each thing that a pathway needs."""
    target = network.populations[pathway.target]
    setting = [variable for variable, op, _ in pathway.effects if op == "set"]
    if setting:
        yield "setting_synapse", ", ".join(setting)
    variables = list(dict.fromkeys(variable for variable, _, _ in pathway.effects))
    if len(variables) > 1:
        yield "several_variables", ", ".join(variables)
    for values in _added(pathway, network, target):
        fractions = values[values != np.floor(values)]
        if fractions.size:
            yield "float_weights", f"{fractions.size:,} of {values.size:,}, {fractions[0]:g} for instance"
    weights = np.concatenate([[0.0], *_added(pathway, network, target)])
    if weights.min() < 0 < weights.max() and (weights % 2 == 1).any():
        yield "odd_mixed_weights", f"{int(weights[weights % 2 == 1][0])} for instance"
    synapses = pathway.synapses
    if pathway.weighted and np.unique(network.weight[synapses]).size > 4:
        different = np.unique(np.column_stack([network.post[synapses], network.weight[synapses]]), axis=0)
        neurons, weights = np.unique(different[:, 0], return_counts=True)
        if (weights > 4).any():
            yield "many_weights", f"{weights.max()} at neuron {int(neurons[weights.argmax()])}"


def _added(pathway, network, target):
    """What each effect adds: an array per effect."""
    for _, _, value in pathway.effects:
        if value == "weight":
            yield network.weight[pathway.synapses]
        elif value in target.parameters:
            yield np.asarray(target.parameters[value], dtype=np.float64)
        elif names_in(value, pathway.name) <= pathway.constants.keys():
            yield np.array([evaluate(value, pathway.constants, pathway.name)], dtype=np.float64)
        else:
            raise CompileError(pathway.name, f"the effect value '{value}'", "weight, a constant, or a number")


def _out_of_range(pathway, network, chip):
    """Whole weights, and delays, beyond what a synapse of the chip can express."""
    delay_ticks, weight_bits = chip.require("limits.delay_ticks", "limits.weight_bits")
    longest, limit = int(pathway.delays.max(initial=0)), delay_ticks.value
    if longest > limit:
        yield f"pathway '{pathway.name}': delays up to {longest} ticks, {limit} allowed"
    target = network.populations[pathway.target]
    weights = np.concatenate([[0.0], *_added(pathway, network, target)])
    bound = 1 << (weight_bits.value - 1)
    if weights.min() < -bound or weights.max() > bound - 1:
        yield (f"pathway '{pathway.name}': weights from {weights.min():g} to {weights.max():g}, "
               f"{-bound} to {bound - 1} allowed")  # fmt: skip
