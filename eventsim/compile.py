"""compile_network: a brian2.Network becomes a CompiledNetwork.

The only module that reads Brian2's internals. It asks Brian2 for what Brian2 itself would run: the abstract
code after the chosen integrator, the statements after loop-invariant optimisation, the resolved names, and
the order of objects within a time step. What it does not know it refuses, by object and statement.
"""

import ast
import logging
from contextlib import contextmanager

import numpy as np
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, prefs, second
from brian2.codegen.translation import make_statements
from brian2.core.clocks import Clock
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.namespace import get_local_namespace
from brian2.core.variables import ArrayVariable, AuxiliaryVariable, Constant, Subexpression
from brian2.devices.device import RuntimeDevice, get_device
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter, StateUpdater, Thresholder
from brian2.monitors import PopulationRateMonitor, SpikeMonitor, StateMonitor
from brian2.synapses.synapses import SynapticPathway

from eventsim.errors import CompileError
from eventsim.expressions import FUNCTIONS, evaluate, names_in
from eventsim.network import CompiledNetwork, Operation, Pathway, Population, Statement
from eventsim.noise import keyed_uniform
from eventsim.stimulus import Stimulus

__all__ = ["compile_network", "numpy_target"]

#: Names that every operation may read besides its neurons' variables.
CLOCK_NAMES = ("t", "dt", "t_in_timesteps")

_PASSIVE = (SpikeMonitor, StateMonitor, PopulationRateMonitor)
_OBJECTS = (
    "NeuronGroup (stateupdate, threshold, reset, run_regularly), Synapses with on_pre, SpikeGeneratorGroup, monitors"
)
_EFFECTS = (
    "'x_post += e' with e made of synapse variables and constants, or assignments 'x_post = e' with e a synapse "
    "variable, a constant of the target, or a number"
)
_NO_PERIOD = 1e99  # seconds; Brian2 writes 1e100 for a generator that does not repeat
_KEYS = ("key_lo", "key_hi", "token", "path_id")


def compile_network(network, namespace=None):
    """Read a Brian2 network into flat tables.

    Parameters
    ----------
    network : brian2.Network
        Not yet run. Its groups may carry integer constants `key_lo`, `key_hi`, `token`, `path_id`; without
        them a neuron's key is (group order, index) and its token -1.
    namespace : mapping, optional
        Names for its equations, as Brian2's own `run(namespace=...)`; the caller's by default.

    Returns
    -------
    CompiledNetwork
        Runs what Brian2's numpy target would run. SpikeGeneratorGroups become its default stimulus.

    Raises
    ------
    CompileError
        Naming the object and the statement or feature that is not supported.
    """
    if not isinstance(network, Network):
        raise CompileError(type(network).__name__, "not a brian2.Network", "a Network that holds all objects")
    if not isinstance(get_device(), RuntimeDevice):
        raise CompileError(network.name, "a standalone device is active", "runtime mode: call set_device('runtime')")
    namespace = get_local_namespace(1) if namespace is None else namespace
    with numpy_target():
        network.run(0 * second, namespace=namespace)  # generates the code of every object, and takes no step
    return _Reader(network).read()


@contextmanager
def numpy_target():
    """Have Brian2 use its numpy target, which needs no compiler, and keep quiet; put back what was set."""
    target, logger = prefs.codegen.target, logging.getLogger("brian2")
    level = logger.level
    prefs.codegen.target = "numpy"
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        prefs.codegen.target = target
        logger.setLevel(level)


class _Reader:
    """The state of one reading: which groups there are, which variables change, what was found so far."""

    def __init__(self, network):
        self.network = network
        self.objects = [thing for thing in network.sorted_objects if thing.active]
        self.groups = sorted(
            (thing for thing in self.objects if isinstance(thing, (NeuronGroup, SpikeGeneratorGroup))),
            key=lambda group: group.name,
        )
        self.index_of = {group.name: k for k, group in enumerate(self.groups)}
        sizes = [len(group) for group in self.groups]
        self.starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self.used = [{} for _ in self.groups]  # variable name -> brian2 variable
        self.written = [set() for _ in self.groups]
        self.schedule, self.pathways, self.posts, self.weights = [], [], [], []

    def read(self):
        dt_ms = self._dt_ms()
        for thing in self.objects:
            self._read_object(thing)
        self._check_order()
        keys = self._keys()
        return CompiledNetwork(
            dt_ms=dt_ms,
            populations=tuple(self._population(k) for k in range(len(self.groups))),
            pathways=tuple(self.pathways),
            schedule=tuple(self.schedule),
            post=np.concatenate([*self.posts, np.empty(0, np.int32)]).astype(np.int32),
            weight=np.concatenate([*self.weights, np.empty(0)]),
            paths=tuple(getattr(self.network, "path_table", ())),
            stimulus=self._stimulus(),
            **keys,
        )

    def _dt_ms(self):
        clocks = {thing.clock.name: thing.clock for thing in self.objects if not isinstance(thing, _PASSIVE)}
        if not self.groups:
            raise CompileError(self.network.name, "the network has no neurons", _OBJECTS)
        lengths = {float(clock.dt_) for clock in clocks.values()}
        if len(lengths) != 1:
            raise CompileError(self.network.name, f"clocks with dt {sorted(lengths)} s", "one dt for all objects")
        if any(clock.timestep != 0 or type(clock) is not Clock for clock in clocks.values()):
            raise CompileError(self.network.name, "a network that has already run", "compile before the first run")
        dt = lengths.pop()
        as_written = float(f"{dt * 1e3:.12g}")  # 1.3 rather than 1.3000000000000003, where both mean the same dt
        return as_written if as_written * 1e-3 == dt else dt * 1e3

    def _check_order(self):
        """Spikes are reset and delivered in the tick in which they were fired, so they must be known by then."""
        known = set()
        for operation in self.schedule:
            if operation.kind in ("emit", "threshold"):
                known.add(operation.index)
            elif operation.kind == "reset" and operation.index not in known:
                name = self.groups[operation.index].name
                raise CompileError(name, "its reset runs before its threshold", "Brian2's default schedule")
            elif operation.kind == "deliver" and self.pathways[operation.index].source not in known:
                pathway = self.pathways[operation.index]
                source = self.groups[pathway.source].name
                raise CompileError(pathway.name, f"it runs before the threshold of its source '{source}'",
                                   "Brian2's default schedule")  # fmt: skip

    def _read_object(self, thing):
        if isinstance(thing, _PASSIVE):
            return
        if isinstance(thing, SpikeGeneratorGroup):
            self.schedule.append(Operation("emit", self.index_of[thing.name]))
        elif isinstance(thing, NeuronGroup):
            self._check_group(thing)
        elif isinstance(thing, Synapses):
            self._check_synapses(thing)
        elif isinstance(thing, SynapticPathway):
            self._read_pathway(thing)
        elif isinstance(thing, StateUpdater):
            self._read_statements(thing, "update")
        elif isinstance(thing, Thresholder) and thing.event == "spike":
            self._read_statements(thing, "threshold")
        elif isinstance(thing, Resetter) and thing.event == "spike":
            self._read_statements(thing, "reset")
        elif type(thing) is CodeRunner and thing.template == "stateupdate":  # run_regularly
            self._read_statements(thing, "update")
        else:
            raise CompileError(thing.name, f"the object type {type(thing).__name__}", _OBJECTS)

    @staticmethod
    def _check_group(group):
        if group._refractory is not False:
            raise CompileError(group.name, f"refractory={group._refractory}", "neurons without refractory period")
        if set(group.events) - {"spike"}:
            raise CompileError(group.name, f"custom events {sorted(set(group.events) - {'spike'})}", "spikes only")

    @staticmethod
    def _check_synapses(synapses):
        if len(synapses.equations.diff_eq_names):
            names = ", ".join(sorted(synapses.equations.diff_eq_names))
            raise CompileError(synapses.name, f"differential equations of the synapse ({names})", _EFFECTS)
        if synapses.summed_updaters:
            raise CompileError(synapses.name, "a summed variable", _EFFECTS)

    def _read_statements(self, runner, kind):
        """One StateUpdater, Thresholder, Resetter or run_regularly as an Operation."""
        if runner.codeobj is None:  # no equations, so nothing to do
            return
        k = self.index_of[runner.group.name]
        variables = runner.codeobj.variables
        once, each = make_statements(runner.abstract_code, variables, np.float64, optimise=True)
        constants = self._constants(runner.name, once + each, variables)
        once = self._fold(runner.name, once, constants)
        for statement in once + each:
            self._note_variables(k, runner.name, statement, variables)
        to_statements = lambda part: tuple(Statement(s.var, s.op, s.expr) for s in part)  # noqa: E731
        self.schedule.append(Operation(kind, k, to_statements(once), to_statements(each), constants=constants))

    @staticmethod
    def _constants(where, statements, variables):
        """Scalars that the statements read: namespace constants, and scalar variables of the group."""
        found = {}
        for name in set().union(*(names_in(s.expr, where) for s in statements)):
            variable = variables.get(name)
            scalar = isinstance(variable, ArrayVariable) and variable.scalar and name not in ("t", "t_in_timesteps")
            if isinstance(variable, Constant) or scalar:
                value = np.asarray(variable.get_value()).reshape(-1)[0]
                found[name] = int(value) if np.issubdtype(type(value), np.integer) else float(value)
                if not np.isfinite(value):
                    raise CompileError(where, f"the constant '{name}' is {value}", "finite constants")
        for statement in statements:
            _check_functions(where, statement.expr, variables)
        return found

    @staticmethod
    def _fold(where, once, constants):
        """Evaluate loop invariants of constants here, with numpy as Brian2 does; return those that remain."""
        remaining = []
        for statement in once:
            if statement.op != ":=" or not names_in(statement.expr, where) <= set(constants):
                remaining.append(statement)
            else:
                value = evaluate(statement.expr, constants, where)
                constants[statement.var] = value.item() if isinstance(value, np.generic) else value
        return remaining

    def _note_variables(self, k, where, statement, variables):
        """Remember which variables of the group a statement reads and writes."""
        group = self.groups[k]
        for name in names_in(statement.expr, where) | {statement.var}:
            variable = variables.get(name)
            if variable is None or isinstance(variable, (Constant, AuxiliaryVariable, Subexpression)):
                continue  # a temporary, a constant already taken, or a substituted subexpression
            if not isinstance(variable, ArrayVariable):
                raise CompileError(where, f"'{name}' in '{statement}' ({type(variable).__name__})",
                                   "constants and variables of the group itself")  # fmt: skip
            if variable.scalar:
                if name in CLOCK_NAMES or name == "N" or name != statement.var:
                    continue
                raise CompileError(where, f"the shared variable '{name}' changes in '{statement}'",
                                   "per-neuron variables")  # fmt: skip
            if _owner(variable) != group.name or variable.name != name:
                raise CompileError(where, f"'{name}' is linked to '{variable.name}' of '{_owner(variable)}'",
                                   "variables of the group itself")  # fmt: skip
            self.used[k][name] = variable
        if statement.var in self.used[k]:
            self.written[k].add(statement.var)

    def _read_pathway(self, pathway):
        if pathway.prepost != "pre" or pathway.event != "spike":
            raise CompileError(pathway.name, f"a pathway triggered by {pathway.prepost} {pathway.event}s", "on_pre")
        source, target = (_whole_group(end) for end in (pathway.source, pathway.target))
        for end in (source, target):
            if end.name not in self.index_of:
                raise CompileError(pathway.name, f"'{end.name}' is not in the network", "add it to the Network")
        s, g = self.index_of[source.name], self.index_of[target.name]
        effects, weight, constants = self._effects(pathway, g)
        pre = np.asarray(pathway.synapse_sources.get_value(), dtype=np.int64)
        post = np.asarray(pathway.synapse_targets.get_value(), dtype=np.int64)
        ticks = self._delay_ticks(pathway, pre.size)
        delays, delay_index = np.unique(ticks, return_inverse=True)
        if not delays.size:
            delays = np.zeros(1, dtype=np.int32)
        order = np.lexsort((np.arange(pre.size), delay_index, pre))
        slots = len(source) * delays.size
        filled = np.bincount(pre * delays.size + delay_index, minlength=slots)
        rows = np.concatenate([[0], np.cumsum(filled, dtype=np.int64)])
        first = sum(p.size for p in self.pathways)
        self.schedule.append(Operation("deliver", len(self.pathways)))
        self.pathways.append(
            Pathway(pathway.name, s, g, effects, constants, first, delays.astype(np.int32), rows)
        )
        self.posts.append(post[order] + self.starts[g])
        self.weights.append(weight[order])

    def _effects(self, pathway, target):
        """The effects of an on_pre code, the weight of each synapse, and the scalars the effects name."""
        variables = pathway.codeobj.variables
        at_target = lambda name: _at_target(name, variables, pathway.synapses)  # noqa: E731
        once, each = make_statements(pathway.abstract_code, variables, np.float64, optimise=False)
        n = len(pathway.synapse_sources.get_value())
        constants = self._constants(pathway.name, once + each, variables)
        effects, weight = [], None
        for statement in once + each:
            if not at_target(statement.var) or statement.op not in ("+=", "-=", "="):
                raise CompileError(pathway.name, f"'{statement}'", _EFFECTS)
            variable = variables[statement.var]
            self.used[target][variable.name] = variable
            self.written[target].add(variable.name)
            op = "set" if statement.op == "=" else "add"
            names = names_in(statement.expr, pathway.name)
            post_names = {name for name in names - set(constants) if at_target(name)}
            if op == "set" and not names - set(constants):
                value = repr(float(evaluate(statement.expr, constants, pathway.name)))
            elif op == "set" and post_names == names == {statement.expr.strip()}:
                value = variables[statement.expr.strip()].name
                self.used[target][value] = variables[statement.expr.strip()]
            else:
                if weight is not None or post_names:
                    raise CompileError(pathway.name, f"'{statement}'", _EFFECTS + "; one weighted effect per pathway")
                value, weight = "weight", self._weight(pathway, statement, variables, constants, n)
            effects.append((variable.name, op, value))
        read = {value for _, _, value in effects}
        if read & {name for name, _, _ in effects} or len({name for name, _, _ in effects}) != len(effects):
            code = "; ".join(line.strip() for line in pathway.code.strip().splitlines())
            raise CompileError(pathway.name, f"'{code}' writes a variable twice or reads one it writes", _EFFECTS)
        return tuple(effects), np.zeros(n) if weight is None else weight, {}

    @staticmethod
    def _weight(pathway, statement, variables, constants, n):
        """What one delivery adds (or assigns) per synapse: (n_synapses,) float64."""
        values = dict(constants)
        for name in names_in(statement.expr, pathway.name) - set(constants):
            variable = variables[name]
            if _owner(variable) != pathway.synapses.name or not isinstance(variable, ArrayVariable):
                raise CompileError(pathway.name, f"'{name}' in '{statement}'", _EFFECTS)
            values[name] = np.asarray(variable.get_value())
        weight = np.broadcast_to(evaluate(statement.expr, values, pathway.name), (n,)).astype(np.float64)
        weight = -weight if statement.op == "-=" else weight
        if not np.isfinite(weight).all():
            k = int(np.flatnonzero(~np.isfinite(weight))[0])
            raise CompileError(pathway.name, f"synapse {k} has weight {weight[k]}", "finite weights")
        return weight

    @staticmethod
    def _delay_ticks(pathway, n):
        """(n_synapses,) int32; refuses delays that are negative or lie between two ticks."""
        dt = float(pathway.clock.dt_)
        steps = np.broadcast_to(np.asarray(pathway.variables["delay"].get_value(), dtype=np.float64) / dt, (n,))
        ticks = np.round(steps)
        if not np.isfinite(steps).all() or (ticks < 0).any() or (np.abs(steps - ticks) > 1e-6).any():
            bad = int(np.flatnonzero(~(np.isfinite(steps) & (ticks >= 0) & (np.abs(steps - ticks) <= 1e-6)))[0])
            raise CompileError(pathway.name, f"synapse {bad} has a delay of {steps[bad]:g} ticks of {dt * 1e3:g} ms",
                               "delays that are whole multiples of dt, 0 included")  # fmt: skip
        return ticks.astype(np.int32)

    def _population(self, k):
        group, start = self.groups[k], int(self.starts[k])
        if isinstance(group, SpikeGeneratorGroup):
            return Population(group.name, start, len(group), is_source=True)
        values = {name: np.asarray(variable.get_value()) for name, variable in self.used[k].items()}
        state = {name: values[name].astype(np.float64) for name in sorted(self.written[k])}
        parameters = {
            name: value.astype(np.int64 if np.issubdtype(value.dtype, np.integer) else np.float64)
            for name, value in sorted(values.items()) if name not in state
        }  # fmt: skip
        for name, value in values.items():
            if value.dtype != np.float64 and (name in state or np.issubdtype(value.dtype, np.floating)):
                raise CompileError(group.name, f"the variable '{name}' of type {value.dtype}",
                                   "float64 variables, and integers and booleans that stay constant")  # fmt: skip
            if not np.isfinite(value).all():
                bad = int(np.flatnonzero(~np.isfinite(value))[0])
                raise CompileError(group.name, f"{name}[{bad}] is {value[bad]}", "finite start values and constants")
        return Population(group.name, start, len(group), str(group.user_equations), state, parameters)

    def _keys(self):
        """The columns that travel with neurons, for each group its own or the stated default."""
        columns = {}
        for column in _KEYS:
            parts = []
            for k, group in enumerate(self.groups):
                default = {"key_lo": np.arange(len(group)), "key_hi": np.full(len(group), k)}
                if column in group.variables:
                    parts.append(np.asarray(group.variables[column].get_value()))
                else:
                    parts.append(default.get(column, np.full(len(group), -1)))
            columns[column] = np.concatenate(parts).astype(np.int32)
        return columns

    def _stimulus(self):
        """The spikes of all SpikeGeneratorGroups, as Brian2 would emit them."""
        ticks, neurons = [], []
        for k, group in enumerate(self.groups):
            if not isinstance(group, SpikeGeneratorGroup):
                continue
            if 0 < float(group.variables["period"].get_value().item()) < _NO_PERIOD:
                raise CompileError(group.name, "a periodic SpikeGeneratorGroup", "spike times without period")
            ticks.append(np.asarray(group.variables["_timebins"].get_value(), dtype=np.int64))
            neurons.append(np.asarray(group.variables["neuron_index"].get_value()) + self.starts[k])
        if not ticks:
            return Stimulus.silent()
        return Stimulus.of(np.concatenate(ticks), np.concatenate(neurons))


def _whole_group(end):
    """The group behind a Subgroup; indices of synapses already refer to it."""
    return getattr(end, "source", end) if type(end).__name__ == "Subgroup" else end


def _at_target(name, variables, synapses):
    """Whether a name in on_pre code stands for a variable of the receiving neuron itself, not a linked one."""
    variable = variables.get(name)
    return (
        isinstance(variable, ArrayVariable)
        and synapses.variables.indices[name] == "_postsynaptic_idx"
        and variable.name == name.removesuffix("_post")
    )


def _owner(variable):
    return getattr(getattr(variable, "owner", None), "name", None)


def _check_functions(where, expression, variables):
    """A function must be Brian2's own or ours, not a user's of the same name."""
    for node in ast.walk(ast.parse(expression.strip(), mode="eval")):
        if isinstance(node, ast.Call):
            name = node.func.id
            ours = keyed_uniform if name == "keyed_uniform" else DEFAULT_FUNCTIONS.get(name)
            found = variables.get(name)
            if isinstance(found, Function) and found is not ours:
                raise CompileError(where, f"the function '{name}' in '{expression}' is not Brian2's own",
                                   ", ".join(FUNCTIONS))  # fmt: skip
