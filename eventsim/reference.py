"""The reference: what a compiled network means, in plain Python, one event at a time.

The specification of the grid clock and the oracle of the tests; slow on purpose, and written independently of the
kernels. Everything that happens is an event, and events happen in one total order,

    (tick, place in the schedule, tick at which it was caused, synapse),

kept in a heap. An event is either an operation of the schedule, which comes back every `every` ticks, or a delivery,
which a spike of tick s causes for tick s + delay, at the place of its pathway. So deliveries of older spikes come
first, then those of earlier neurons, then those of earlier synapses: the order of Brian2's queue. No two events
compare equal, and a delivery of delay 0 follows the threshold that caused it.
"""

import heapq
import math
import operator
from dataclasses import dataclass
from functools import partial

from eventsim.compiled_network import EFFECTS
from eventsim.interpreter import divide, function_of

__all__ = ["ReferenceResult", "reference_run"]

#: Stands for the cause and the synapse of an event that is an operation, which precedes deliveries at its place.
_OPERATION: tuple[int, int] = (-1, -1)


_ASSIGN = {
    "=": lambda before, value: value, "+=": operator.add, "-=": operator.sub, "*=": operator.mul, "/=": divide,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ReferenceResult:
    """What happened, and what was left at the end.

    Parameters
    ----------
    spikes : list of (tick, neuron)
        In the order in which they happened, as are the deliveries.
    deliveries : list of (tick, synapse)
    state : mapping of (population name, variable) to list of float
        Final values.
    received_count, received_weight : lists, one entry per neuron
        Deliveries that it received, and the sum of their weights in the order of arrival.
    delivered : list, one entry per pathway
        Deliveries that it made.
    """

    spikes: list
    deliveries: list
    state: dict
    received_count: list
    received_weight: list
    delivered: list


def reference_run(network, stimulus=None):
    """Run a network for the length of its stimulus.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus, optional
        Its default stimulus if left out.

    Returns
    -------
    ReferenceResult

    Raises
    ------
    CompileError
        When a statement leaves the grammar of `eventsim.expressions`.
    """
    run = _Run(network, network.stimulus if stimulus is None else stimulus)
    for tick in range(run.stimulus.duration_ticks):
        run.tick(tick)
    names = [p.name for p in network.populations]
    state = {(names[k], variable): values for k, own in enumerate(run.state) for variable, values in own.items()}
    return ReferenceResult(run.spikes, run.deliveries, state, run.received_count, run.received_weight, run.delivered)


class _Run:
    """State of the neurons, events still to come, and what has happened so far."""

    def __init__(self, network, stimulus):
        self.network, self.stimulus = network, stimulus
        self.state = _start_values(network)
        self.parameters = [{name: v.tolist() for name, v in p.parameters.items()} for p in network.populations]
        self.code = [_Code(operation, network) for operation in network.schedule]
        self.effects = [[(name, op, function_of(value)) for name, op, value in p.effects] for p in network.pathways]
        self.place = {o.index: place for place, o in enumerate(network.schedule) if o.kind == "deliver"}
        self.pre, self.post, self.weight = network.pre.tolist(), network.post.tolist(), network.weight.tolist()
        self.input = {}
        for tick, neuron in zip(stimulus.tick.tolist(), stimulus.neuron.tolist()):
            self.input.setdefault(tick, []).append(neuron)
        self.host_resets = set(stimulus.query_start.tolist()) if stimulus.reset == "host" else set()
        self.events = [(0, place, *_OPERATION) for place in range(len(network.schedule))]
        self.fired = {}  # (population, tick) -> neurons that fired, within their population
        self.spikes, self.deliveries = [], []
        self.received_count, self.received_weight = [0] * network.n_neurons, [0.0] * network.n_neurons
        self.delivered = [0] * len(network.pathways)

    def tick(self, tick):
        """All events of one tick, in order."""
        if tick in self.host_resets:  # every start value is written back, and what is in flight is dropped
            self.state = _start_values(self.network)
            self.events = [event for event in self.events if event[2:] == _OPERATION]
            heapq.heapify(self.events)
            self.fired = {}
        while self.events and self.events[0][0] == tick:
            _, place, cause, synapse = heapq.heappop(self.events)
            if (cause, synapse) == _OPERATION:
                self.operate(place, tick)
                heapq.heappush(self.events, (tick + self.network.schedule[place].every, place, *_OPERATION))
            else:
                self.deliver(self.network.schedule[place].index, tick, synapse)

    def operate(self, place, tick):
        """One operation: its statements for the tick, then those for each neuron concerned, neuron by neuron."""
        operation, code, k = self.network.schedule[place], self.code[place], self.network.schedule[place].index
        if operation.kind == "deliver":
            return
        population = self.network.populations[k]
        if operation.kind == "emit":
            for neuron in self.input.get(tick, ()):
                if population.start <= neuron < population.stop:
                    self.fire(k, neuron - population.start, tick)
            return
        common = code.names(tick)
        self.execute(code.once, common, k, None, {})
        guards = {} if operation.kind == "reset" else population.guards
        fired = self.fired.get((k, tick - operation.lag), ())
        for i in fired if operation.kind == "reset" else range(population.size):
            names = {**common, **self.variables(k, i)}
            self.execute(code.each, names, k, i, guards)
            if operation.kind == "threshold" and names["_cond"]:
                self.fire(k, i, tick)
                self.execute(code.fired, names, k, i, {})

    def fire(self, k, i, tick):
        """Neuron i of population k fires: a delivery is due for each of its synapses, after its delay."""
        self.spikes.append((tick, self.network.populations[k].start + i))
        self.fired.setdefault((k, tick), []).append(i)
        for p, pathway in enumerate(self.network.pathways):
            if pathway.source != k or p not in self.place:
                continue
            for d, delay in enumerate(pathway.delays.tolist()):
                row = i * pathway.delays.size + d
                for synapse in range(pathway.first + pathway.rows[row], pathway.first + pathway.rows[row + 1]):
                    heapq.heappush(self.events, (tick + delay, self.place[p], tick, synapse))

    def deliver(self, p, tick, synapse):
        """One synaptic event: all effects of the pathway, and the counters of its neuron."""
        pathway, neuron, weight = self.network.pathways[p], self.post[synapse], self.weight[synapse]
        population = self.network.populations[pathway.target]
        sender = self.variables(pathway.source, self.pre[synapse] - self.network.populations[pathway.source].start)
        names = {
            **self.variables(pathway.target, neuron - population.start),
            **pathway.constants,
            "weight": weight,
            **{name: sender[variable] for name, variable in pathway.senders.items()},
            **self.time(p, tick),
        }
        for variable, op, value in self.effects[p]:
            self.write(pathway.target, neuron - population.start, names, population.guards, variable, EFFECTS[op],
                       value(names))  # fmt: skip
        self.deliveries.append((tick, synapse))
        self.received_count[neuron] += 1
        self.received_weight[neuron] += weight
        self.delivered[p] += 1

    def time(self, p, tick):
        """What the effects of pathway p may know of the time of a delivery."""
        step = tick // self.network.schedule[self.place[p]].every
        return {"t_in_timesteps": step, "t": step * self.network.pathways[p].constants.get("dt", 0.0)}

    def variables(self, k, i):
        """Name -> value of every variable and parameter of a neuron, and of its key."""
        population = self.network.populations[k]
        neuron = population.start + i
        names = {"key_lo": int(self.network.key_lo[neuron]), "key_hi": int(self.network.key_hi[neuron])}
        names |= {name: values[i] for own in (self.parameters[k], self.state[k]) for name, values in own.items()}
        names |= {name: int(names[name]) for name in population.integers}
        return names | {name: names[name] != 0.0 for name in population.booleans}

    def execute(self, statements, names, k, i, guards):
        """Statements one after the other; what they assign joins `names`."""
        for variable, op, value in statements:
            self.write(k, i, names, guards, variable, op, value(names))

    def write(self, k, i, names, guards, variable, op, value):
        """Assign to a temporary, or to a variable of neuron i unless its guard is false."""
        if variable not in self.state[k] or op == ":=":
            names[variable] = value
        elif variable not in guards or names[guards[variable]]:
            value = _ASSIGN[op](self.state[k][variable][i], value)
            self.state[k][variable][i] = float(value)
            names[variable] = self.variables(k, i)[variable]


class _Code:
    """The statements of an operation, ready to be evaluated, and the names that do not depend on the neuron."""

    def __init__(self, operation, network):
        self.operation = operation
        self.dt = operation.constants.get("dt", operation.every * network.dt_ms * 1e-3)
        self.tables = {name: partial(_table_value, network.tables[k]) for name, k in operation.tables.items()}
        self.once, self.each, self.fired = (
            [(s.variable, s.op, function_of(s.expression, self.tables)) for s in part]
            for part in (operation.once, operation.each, operation.fired)
        )

    def names(self, tick):
        step = tick // self.operation.every
        return {**self.operation.constants, "dt": self.dt, "t_in_timesteps": step, "t": step * self.dt}


def _start_values(network):
    return [{name: values.tolist() for name, values in p.state.items()} for p in network.populations]


def _table_value(table, t, column=0):
    """The row of time t, the first or last where there is no such row."""
    part = round(t / (table.step_s / table.refine))
    row = min(max(math.floor(part / table.refine), 0), table.values.size // table.n_columns - 1)
    return float(table.values[row * table.n_columns + int(column)])
