"""compile_network, and the walk over a network's objects in Brian2's own order."""

import re
from dataclasses import replace

import numpy as np
from brian2 import Network, NeuronGroup, PoissonGroup, SpikeGeneratorGroup, Synapses, second
from brian2.core.base import BrianObjectException
from brian2.core.clocks import Clock
from brian2.core.namespace import get_local_namespace as callers_names
from brian2.devices.device import RuntimeDevice, get_device
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter, StateUpdater, SubexpressionUpdater, Thresholder
from brian2.input.poissoninput import PoissonInput
from brian2.monitors import EventMonitor, PopulationRateMonitor, StateMonitor
from brian2.synapses.synapses import StateUpdater as SynapticStateUpdater
from brian2.synapses.synapses import SummedVariableUpdater, SynapticPathway

from eventsim.compile.changes import changing_variables
from eventsim.compile.group import GroupReader, columns
from eventsim.compile.noise import Rekeying
from eventsim.compile.operations import read_operation
from eventsim.compile.pathways import check_synapses, read_pathway
from eventsim.compile.statements import read_constants
from eventsim.compile.tables import Tables
from eventsim.compile.target import numpy_target
from eventsim.compiled_network import CompiledNetwork, Operation
from eventsim.errors import CompileError
from eventsim.stimulus import Stimulus

__all__ = ["callers_names", "compile_network"]

_PASSIVE = (EventMonitor, StateMonitor, PopulationRateMonitor)
_READ_WITH_THEIR_SYNAPSES = (SynapticStateUpdater, SummedVariableUpdater)
_OBJECTS = (
    "NeuronGroup (state update, threshold, reset, refractory, run_regularly), Synapses with on_pre and on_post, "
    "SpikeGeneratorGroup, TimedArray, monitors; with noise='rekey' PoissonGroup and PoissonInput"
)


def compile_network(network, namespace=None, *, noise="refuse", seed=0, max_bytes=None):
    """Read a Brian2 network into flat tables.

    Parameters
    ----------
    network : brian2.Network
        Not yet run. Its groups may carry integer constants `key_lo`, `key_hi`, `token`, `path_id`; without
        them a neuron's key is (group order, index) and its token -1.
    namespace : mapping, optional
        Names for its equations, as Brian2's own `run(namespace=...)`; the caller's by default.
    noise : str
        "refuse": rand(), randn(), xi, PoissonGroup and PoissonInput are errors. "rekey": each becomes a keyed draw with
        `seed`; spikes then equal Brian2's in distribution only.
    seed : int
        Of re-keyed noise, below 2**31.
    max_bytes : int, optional
        Memory that the tables of a pathway may take; what the machine has available if left out.

    Returns
    -------
    CompiledNetwork
        Runs what Brian2's numpy target would run. SpikeGeneratorGroups become its default stimulus.

    Raises
    ------
    CompileError
        Naming the object and the statement or feature that is not supported, or what Brian2 itself refuses.
    CapacityError
        When the tables would need more memory than there is; none of it has been taken then.
    """
    if not isinstance(network, Network):
        raise CompileError(type(network).__name__, "not a brian2.Network", "a Network that holds all objects")
    if not isinstance(get_device(), RuntimeDevice):
        raise CompileError(network.name, "a standalone device is active", "runtime mode: call set_device('runtime')")
    if noise not in ("refuse", "rekey") or not 0 <= seed < 2**31:
        raise CompileError(
            network.name, f"noise={noise!r}, seed={seed!r}", "noise 'refuse' or 'rekey', seed below 2**31"
        )
    namespace = callers_names(1) if namespace is None else namespace
    with numpy_target():
        _generate_code(network, namespace)
    return _NetworkReader(network, namespace, seed if noise == "rekey" else None, max_bytes).read()


def _generate_code(network, namespace):
    """Have Brian2 generate the code of every object, without a step."""
    try:
        network.run(0 * second, namespace=namespace)
    except BrianObjectException as error:
        cause = str(error.__cause__ or error).strip().splitlines()[0]
        named = re.search("object named '([^']+)'", str(error))
        raise CompileError(
            named.group(1) if named else network.name, f"Brian2 refuses it: {cause}", "networks that Brian2 runs"
        ) from error


class _NetworkReader:
    """The state of one reading: the groups, the tables, and what was found so far."""

    def __init__(self, network, namespace, rekey_seed, max_bytes):
        self.network, self.namespace, self.max_bytes = network, namespace, max_bytes
        self.rekeying = None if rekey_seed is None else Rekeying(rekey_seed)
        self.objects = [thing for thing in network.sorted_objects if thing.active and not isinstance(thing, _PASSIVE)]
        self.dt_s = self._shortest_step()
        kinds = (NeuronGroup, SpikeGeneratorGroup, PoissonGroup)
        groups = sorted((thing for thing in self.objects if isinstance(thing, kinds)), key=lambda group: group.name)
        starts = np.cumsum([0, *(len(group) for group in groups)])
        self.changing = changing_variables(self.objects)
        self.readers = {
            group.name: GroupReader(group, k, int(starts[k]), self._every(group), self.changing)
            for k, group in enumerate(groups)
        }
        self.fired = set()  # names of the groups whose spikes of this step are known by now
        self.tables = Tables()
        self.schedule, self.pathways, self.posts, self.weights = [], [], [], []

    def read(self):
        for thing in self.objects:
            self._read_object(thing)
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
        clocks = {thing.clock.name: thing.clock for thing in self.objects}
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
            self.fired.add(thing.name)
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
            self._read_operation(thing, "update", integrates=True)
        elif isinstance(thing, Thresholder) and thing.event == "spike":
            self._read_operation(thing, "threshold")
            self.fired.add(thing.group.name)
        elif isinstance(thing, Resetter) and thing.event == "spike":
            self._read_operation(thing, "reset")
        elif isinstance(thing, PoissonInput | SubexpressionUpdater) or self._is_regular(thing):
            self._read_operation(thing, "update")
        elif not isinstance(thing, _READ_WITH_THEIR_SYNAPSES):
            raise CompileError(thing.name, f"the object type {type(thing).__name__}", _OBJECTS)

    @staticmethod
    def _is_regular(thing):
        """Whether it is what run_regularly makes."""
        return type(thing) is CodeRunner and thing.template == "stateupdate"

    def _read_operation(self, runner, kind, integrates=False):
        if runner.codeobj is None:
            return  # no equations, so nothing to do
        reader = self.readers.get(runner.group.name)
        if reader is None:
            raise CompileError(runner.name, f"it belongs to '{runner.group.name}', a {runner.group.__class__.__name__}",
                               "operations of a whole NeuronGroup in the network")  # fmt: skip
        every = self._every(runner)
        made = read_operation(runner, kind, reader, every, self.changing, self.tables, self.rekeying)
        if kind == "reset" and reader.name not in self.fired:
            made = replace(made, lag=every)  # it meets the spikes of the step before
        self.schedule.append(replace(made, integrates=integrates))

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
        first, late = sum(p.size for p in self.pathways), self._source_name(pathway) not in self.fired
        every = self._every(pathway)
        found = read_pathway(pathway, self.readers, self.changing, first, every, late, self.max_bytes)
        for made, post, weight in found:
            self.schedule.append(Operation("deliver", len(self.pathways), every=every))
            self.pathways.append(made)
            self.posts.append(post)
            self.weights.append(weight)

    @staticmethod
    def _source_name(pathway):
        return getattr(pathway.source, "source", pathway.source).name


class _Rate:
    """A differential equation, as `read_constants` takes statements."""

    def __init__(self, name, code):
        self.var, self.expr = name, code
