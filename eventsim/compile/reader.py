"""compile_network, and the walk over a network's objects in Brian2's own order."""

import numpy as np
from brian2 import Network, NeuronGroup, PoissonGroup, SpikeGeneratorGroup, Synapses, second
from brian2.core.clocks import Clock
from brian2.core.namespace import get_local_namespace
from brian2.devices.device import RuntimeDevice, get_device
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter, StateUpdater, SubexpressionUpdater, Thresholder
from brian2.monitors import PopulationRateMonitor, SpikeMonitor, StateMonitor
from brian2.synapses.synapses import SynapticPathway

from eventsim.compile.group import GroupReader, columns
from eventsim.compile.pathways import check_synapses, read_pathway
from eventsim.compile.statements import Tables, as_statements, fold, read_constants, statements_of, tables_used
from eventsim.compile.target import numpy_target
from eventsim.errors import CompileError
from eventsim.expressions import names_in
from eventsim.network import CompiledNetwork, Operation, Statement
from eventsim.stimulus import Stimulus

__all__ = ["compile_network"]

_PASSIVE = (SpikeMonitor, StateMonitor, PopulationRateMonitor)
_OBJECTS = (
    "NeuronGroup (state update, threshold, reset, refractory, run_regularly), Synapses with on_pre and on_post, "
    "SpikeGeneratorGroup, TimedArray, monitors"
)
_FIRED = (Statement("not_refractory", "=", "False"), Statement("lastspike", "=", "t"))


def compile_network(network, namespace=None, *, noise="refuse", seed=0):
    """Read a Brian2 network into flat tables.

    Parameters
    ----------
    network : brian2.Network
        Not yet run. Its groups may carry integer constants `key_lo`, `key_hi`, `token`, `path_id`; without
        them a neuron's key is (group order, index) and its token -1.
    namespace : mapping, optional
        Names for its equations, as Brian2's own `run(namespace=...)`; the caller's by default.
    noise : str
        "refuse": rand(), randn(), xi and PoissonGroup are errors. "rekey": each becomes a keyed draw with `seed`;
        spikes then equal Brian2's in distribution only.
    seed : int
        Of re-keyed noise, below 2**31.

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
    if noise not in ("refuse", "rekey") or not 0 <= seed < 2**31:
        raise CompileError(
            network.name, f"noise={noise!r}, seed={seed!r}", "noise 'refuse' or 'rekey', seed below 2**31"
        )
    namespace = get_local_namespace(1) if namespace is None else namespace
    with numpy_target():
        network.run(0 * second, namespace=namespace)  # generates the code of every object, and takes no step
    return _NetworkReader(network, namespace, seed if noise == "rekey" else None).read()


class _NetworkReader:
    """The state of one reading: the groups, the tables, and what was found so far."""

    def __init__(self, network, namespace, rekey_seed):
        self.network, self.namespace, self.rekey_seed = network, namespace, rekey_seed
        self.objects = [thing for thing in network.sorted_objects if thing.active]
        self.dt_s = self._shortest_step()
        kinds = (NeuronGroup, SpikeGeneratorGroup, PoissonGroup)
        groups = sorted((thing for thing in self.objects if isinstance(thing, kinds)), key=lambda group: group.name)
        starts = np.cumsum([0, *(len(group) for group in groups)])
        self.readers = {
            group.name: GroupReader(group, k, int(starts[k]), self._every(group)) for k, group in enumerate(groups)
        }
        self.tables = Tables()
        self.schedule, self.pathways, self.posts, self.weights = [], [], [], []

    def read(self):
        for thing in self.objects:
            if not isinstance(thing, _PASSIVE):
                self._read_object(thing)
        self._check_order()
        readers = list(self.readers.values())
        if not readers:
            raise CompileError(self.network.name, "the network has no neurons", _OBJECTS)
        ticks, neurons = (np.concatenate(parts) for parts in zip(*(r.spikes() for r in readers), strict=True))
        return CompiledNetwork(
            dt_ms=self._dt_ms(),
            populations=tuple(reader.population() for reader in readers),
            pathways=tuple(self.pathways),
            schedule=tuple(self.schedule),
            post=np.concatenate([*self.posts, np.empty(0, np.int32)]).astype(np.int32),
            weight=np.concatenate([*self.weights, np.empty(0)]),
            paths=tuple(getattr(self.network, "path_table", ())),
            stimulus=Stimulus.of(ticks, neurons),
            tables=tuple(self.tables.tables),
            **columns(readers),
        )

    # -- clocks

    def _shortest_step(self):
        """The dt of the fastest clock in seconds; refuses clocks that have run or are no multiples of it."""
        clocks = {thing.clock.name: thing.clock for thing in self.objects if not isinstance(thing, _PASSIVE)}
        if any(clock.timestep != 0 or type(clock) is not Clock for clock in clocks.values()):
            raise CompileError(self.network.name, "a network that has already run", "compile before the first run")
        shortest = min((float(clock.dt_) for clock in clocks.values()), default=1.0)
        for clock in clocks.values():
            ratio = float(clock.dt_) / shortest
            if abs(ratio - round(ratio)) > 1e-9 * ratio:
                raise CompileError(self.network.name, f"clocks with dt {shortest:g} s and {float(clock.dt_):g} s",
                                   "steps that are whole multiples of the shortest one")  # fmt: skip
        return shortest

    def _every(self, thing):
        return round(float(thing.clock.dt_) / self.dt_s)

    def _dt_ms(self):
        as_written = float(f"{self.dt_s * 1e3:.12g}")  # 1.3 rather than 1.3000000000000003, where both mean the same dt
        return as_written if as_written * 1e-3 == self.dt_s else self.dt_s * 1e3

    # -- objects

    def _read_object(self, thing):
        if isinstance(thing, SpikeGeneratorGroup):
            self.schedule.append(Operation("emit", self.readers[thing.name].index, every=self._every(thing)))
        elif isinstance(thing, PoissonGroup):
            pass  # its thresholder is an object of its own
        elif isinstance(thing, NeuronGroup):
            if set(thing.events) - {"spike"}:
                raise CompileError(thing.name, f"custom events {sorted(set(thing.events) - {'spike'})}", "spikes only")
        elif isinstance(thing, Synapses):
            check_synapses(thing)
        elif isinstance(thing, SynapticPathway):
            self._read_pathway(thing)
        elif isinstance(thing, StateUpdater):
            self._read_rates(thing)
            self._read_statements(thing, "update")
        elif isinstance(thing, Thresholder) and thing.event == "spike":
            self._read_statements(thing, "threshold")
        elif isinstance(thing, Resetter) and thing.event == "spike":
            self._read_statements(thing, "reset")
        elif type(thing) is CodeRunner and thing.template == "stateupdate":  # run_regularly
            self._read_statements(thing, "update")
        else:
            what = (
                "subexpression (constant over dt)" if isinstance(thing, SubexpressionUpdater) else type(thing).__name__
            )
            raise CompileError(thing.name, f"the object type {what}", _OBJECTS)

    def _read_statements(self, runner, kind):
        """One StateUpdater, Thresholder, Resetter or run_regularly as an Operation."""
        if runner.codeobj is None or runner.group.name not in self.readers:
            if runner.codeobj is not None:
                raise CompileError(
                    runner.name, f"it belongs to '{runner.group.name}', which holds no neurons", _OBJECTS
                )
            return  # no equations, so nothing to do
        reader = self.readers[runner.group.name]
        once, each, variables = statements_of(
            runner.name, runner.abstract_code, runner.codeobj.variables, self.rekey_seed
        )
        constants = read_constants(runner.name, once + each, variables, float(runner.group.clock.dt_))
        tables = tables_used(once + each, variables, self.tables, float(runner.group.clock.dt_))
        once = fold(runner.name, once, constants, variables)
        for statement in once + each:
            for name in names_in(statement.expr, runner.name, tables):
                reader.note(runner.name, name, variables)
            reader.note_written(runner.name, statement.var, variables)
        every = self._every(runner)
        if every % reader.every:
            raise CompileError(runner.name, f"its clock ticks between those of '{reader.name}'",
                               "a step that is a multiple of its group's")  # fmt: skip
        self.schedule.append(Operation(
            kind, reader.index, as_statements(once), as_statements(each), self._fired(runner, reader, kind, constants),
            constants, tables, every,
        ))  # fmt: skip

    @staticmethod
    def _fired(runner, reader, kind, constants):
        """What a threshold does to neurons that fire: with a refractory period, Brian2's two assignments."""
        if kind != "threshold" or getattr(reader.group, "_refractory", False) is False:
            return ()
        for name in ("not_refractory", "lastspike"):
            reader.note_written(runner.name, name, reader.group.variables)
        constants["dt"] = float(reader.group.clock.dt_)
        return _FIRED

    def _read_rates(self, updater):
        """The group's differential equations as they were written, for a clock without ticks."""
        group, reader = updater.group, self.readers[updater.group.name]
        variables = group.resolve_all(
            group.equations.names | group.equations.identifiers | {"dt"}, self.namespace, user_identifiers=set()
        )
        rates = {}
        for name, expression in group.equations.get_substituted_expressions(variables):
            rates[name] = expression.code
        statements = [_Rate(name, code) for name, code in rates.items()]
        try:
            constants = read_constants(group.name, statements, variables, float(group.clock.dt_))
        except CompileError:
            return  # not in the grammar: the grid may still run what the integrator made of it
        reader.rates, reader.rate_constants = rates, constants

    def _read_pathway(self, pathway):
        every, first = self._every(pathway), sum(p.size for p in self.pathways)
        made, post, weight = read_pathway(pathway, self.readers, first, every)
        self.schedule.append(Operation("deliver", len(self.pathways), every=every))
        self.pathways.append(made)
        self.posts.append(post)
        self.weights.append(weight)

    def _check_order(self):
        """Spikes are reset and delivered in the tick in which they were fired, so they must be known by then."""
        names, known = list(self.readers), set()
        for operation in self.schedule:
            if operation.kind in ("emit", "threshold"):
                known.add(operation.index)
            elif operation.kind == "reset" and operation.index not in known:
                raise CompileError(names[operation.index], "its reset runs before its threshold",
                                   "thresholds before resets")  # fmt: skip
            elif operation.kind == "deliver" and self.pathways[operation.index].source not in known:
                pathway = self.pathways[operation.index]
                source = names[pathway.source]
                raise CompileError(pathway.name, f"it runs before the threshold of its source '{source}'",
                                   "thresholds before synapses")  # fmt: skip


class _Rate:
    """A differential equation, as `read_constants` takes statements."""

    def __init__(self, name, code):
        self.var, self.expr = name, code
