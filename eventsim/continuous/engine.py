"""ContinuousEngine: a network in continuous time, as `eventsim.simulation` drives it; the rules are the package's."""

import numpy as np

from eventsim.continuous.arrays import (
    CHANGES,
    HORIZON,
    MOST,
    REACHED,
    RECORDED,
    ROWS,
    SAMPLES,
    SPIKE,
    SPIKES,
    TOTAL,
    new_registers,
)
from eventsim.continuous.kernel import run
from eventsim.continuous.queue import queue_of
from eventsim.continuous.state import settle
from eventsim.continuous.tables import counters_of, kinds_of, neurons_of, sampling_of, unit_exponentials, wires_of
from eventsim.errors import EventSimError
from eventsim.neurons import ESCAPE
from eventsim.neurons.cell import STATE
from eventsim.neurons.recognise import recognise
from eventsim.neurons.steps import changes_of

__all__ = ["ContinuousEngine"]

_SPIKES = 1 << 12  # room at first; the kernel makes more


class ContinuousEngine:
    """A network in continuous time; see `eventsim.engine.Engine` for what it offers.

    Parameters
    ----------
    network, stimulus, core_of, recorded, record_every, buffers
        As `eventsim.engine.Engine` has them.

    Raises
    ------
    CompileError
        When a population has no exact solution here; names it, the statement, and what is supported.
    ConfigError
        When a variable cannot be recorded.
    """

    clock, way = "continuous", "exact"

    def __init__(self, network, stimulus, core_of, recorded, record_every, buffers):
        self._models = [recognise(network, k) for k in range(len(network.populations))]
        self._network = network
        self._neurons, self._wires = neurons_of(network, self._models), wires_of(network, self._models)
        self._counters = counters_of(network, core_of, buffers.rows)
        self._sampling = sampling_of(network, self._models, recorded, record_every, buffers.samples)
        self._crossings, self._arrivals = queue_of(network.n_neurons), queue_of(self._wires.lanes.size)
        self._registers = new_registers(buffers.spikes)
        self._stimulus = stimulus.tick.astype(np.int64), stimulus.neuron.astype(np.int64)
        self._spikes = np.empty(_SPIKES, SPIKE)
        ticks = [(int(tick), k) for k in range(len(self._models)) for tick in changes_of(network, k)]
        self._changes = sorted(change for change in ticks if 0 < change[0] < stimulus.duration_ticks)
        self._scratch = np.empty(network.n_neurons, np.int64), np.empty(network.n_neurons, np.int64)
        self._start = self._neurons.cells.copy(), self._neurons.further.copy()

    @property
    def n_spikes(self):
        return int(self._registers[TOTAL])

    @property
    def n_deliveries(self):
        return int(self._counters.delivered.sum())

    def advance(self, tick, stop, most_spikes):
        self._registers[MOST] = most_spikes
        reached = tick
        while reached < stop:
            self._change(reached)
            made = self._registers[CHANGES]
            until = min(stop, self._changes[made][0]) if made < len(self._changes) else stop
            reached = self._run(reached, until)
            if reached < until:
                break
        return reached

    def _change(self, tick):
        """At a tick just reached: what has changed by then with time has its new value."""
        made = first = int(self._registers[CHANGES])
        while made < len(self._changes) and self._changes[made][0] <= tick:
            k, made = self._changes[made][1], made + 1
            p = self._network.populations[k]
            settle(self._neurons, p.start, p.stop, tick)
            own = self._neurons.cells["kind"][p.start : p.stop]
            self._neurons.kinds[own] = kinds_of(k, recognise(self._network, k, tick), changes=True)
        if made > first:  # all that can cross by themselves are looked at again
            self._registers[CHANGES], self._registers[HORIZON] = made, tick

    def _run(self, tick, stop):
        stormy, self._spikes = run(
            tick, stop, self._registers, self._neurons, self._wires, self._counters, self._sampling, self._crossings,
            self._arrivals, *self._stimulus, self._spikes, *self._scratch,
        )  # fmt: skip
        if stormy:
            raise self._storm()
        return int(self._registers[REACHED])

    def start_again(self, tick):
        # Random streams go on: queries differ.
        cells, further, kinds, noise = self._neurons[:4]
        escape = kinds["family"][cells["kind"]] == ESCAPE
        for name in ("x", "release_tick", "release_offset"):
            cells[name] = self._start[0][name]
        cells["tick"], cells["offset"], further[:] = tick, 0.0, self._start[1]
        noise["draws"][escape] += 1
        cells["x"][escape] = unit_exponentials(noise[escape])
        self._wires.lanes["spike"] = -1
        for queue in (self._crossings, self._arrivals):
            queue.heap[0], queue.due["place"] = 0, 0
        self._registers[HORIZON] = tick

    def take(self):
        registers, counters, sampling = self._registers, self._counters, self._sampling
        new = self._spikes[registers[RECORDED] : registers[SPIKES]]
        new = new[np.lexsort((new["neuron"], new["offset"], new["tick"]))]
        columns = {"tick": new["tick"].copy(), "offset": new["offset"].copy(), "neuron": new["neuron"].astype(np.int32)}
        rows, samples = slice(registers[ROWS]), registers[SAMPLES]
        for name in ("tick", "core", "kind", "count"):
            columns[f"counts_{name}"] = getattr(counters, f"row_{name}")[rows].copy()
        columns["samples_tick"] = sampling.tick[:samples].copy()
        columns["samples_value"] = sampling.value[: samples * sampling.neuron.size].copy()
        registers[ROWS] = registers[SAMPLES] = 0
        self._forget_delivered()
        return columns

    def _forget_delivered(self):
        """Keep no spike that every lane has delivered."""
        registers, lanes, newest = self._registers, self._wires.lanes, self._neurons.newest
        waiting = lanes["spike"][lanes["spike"] >= 0]
        first, end = int(waiting.min(initial=registers[SPIKES])), int(registers[SPIKES])
        self._spikes[: end - first] = self._spikes[first:end].copy()
        following = self._spikes["next"][: end - first]
        for index in (following, lanes["spike"], newest):
            index[index >= 0] -= first
        newest[newest < 0] = -1
        registers[SPIKES] = registers[RECORDED] = end - first

    def totals(self, tick):
        cells = self._neurons.cells
        return {
            "received_count": cells["received_count"].copy(), "received_weight": cells["received_weight"].copy(),
            "delivered": self._counters.delivered, "messages": _messages(self._counters.messages),
        }  # fmt: skip

    def state(self, tick):
        cells, further = self._neurons.cells.copy(), self._neurons.further.copy()
        settle(self._neurons._replace(cells=cells, further=further), 0, cells.size, tick)
        return {
            (p.name, variable): (cells if name == "x" else further)[name][p.start : p.stop].copy()
            for p, model in zip(self._network.populations, self._models)
            for name, variable in zip(STATE, model.variables) if variable
        }  # fmt: skip

    def _changing(self):
        """What changes during a run, besides spikes: arrays by name."""
        named = {name: getattr(self._neurons, name) for name in ("cells", "further", "kinds", "noise", "newest")}
        named |= {"lanes": self._wires.lanes, "registers": self._registers}
        named |= {name: getattr(self._counters, name) for name in ("delivered", "messages")}
        for name, queue in (("crossings", self._crossings), ("arrivals", self._arrivals)):
            named |= {f"{name}_heap": queue.heap, f"{name}_due": queue.due}
        return named

    def snapshot(self):
        return self._changing() | {"spikes": self._spikes[: self._registers[SPIKES]]}

    def restore(self, snapshot):
        for name, values in self._changing().items():
            values[...] = snapshot[name]
        self._spikes = np.concatenate([snapshot["spikes"], np.empty(_SPIKES, SPIKE)])

    def _storm(self):
        """The error that names the neurons which fire without end at the last instant."""
        network = self._network
        made = self._spikes[: self._registers[SPIKES]]
        tick, offset = made["tick"][-1], made["offset"][-1]
        now = made["neuron"][(made["tick"] == tick) & (made["offset"] == offset)]
        looping = np.unique(now[now.size // 2 :])
        starts = np.array([p.start for p in network.populations])
        populations = np.searchsorted(starts, looping, side="right") - 1
        named = [f"{network.populations[k].name}[{n - starts[k]}]" for k, n in zip(populations, looping)]
        shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
        return EventSimError(
            f"event storm: {now.size} spikes at {(tick + offset) * network.dt_ms:g} ms without end, by {shown};"
            f" give a synapse of the loop a delay, or the neurons a refractory period or a reset below threshold"
        )


def _messages(matrix):
    """The columns of a matrix of messages between cores, whose first row and column are the host's."""
    source, destination = np.nonzero(matrix)
    return {
        "message_source": (source - 1).astype(np.int32), "message_destination": (destination - 1).astype(np.int32),
        "message_count": matrix[source, destination],
    }  # fmt: skip
