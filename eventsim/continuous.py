"""simulate_continuous: run a network in continuous time, without a grid.

What is computed is the exact solution of the network's differential equations between events, and every threshold
crossing at its exact time.

- A time is a whole number of ticks and an offset in [0, 1). Events are simultaneous when both are equal: arrivals
  over paths of equal total delay are; crossings that differ by a rounding are not (`eventsim.event_queue`).
- Arrivals at one neuron at one instant are added up before its threshold is tested, several synapses of one sender
  among them. A crossing strictly before an arrival comes before it, as often as it happens; a crossing at the very
  instant of an arrival is decided by the sum.
- A neuron whose value stays above threshold after a subtractive reset fires again at the same instant: K simultaneous
  unit inputs to a neuron that counts to 1 leave it as K simultaneous spikes.
- A delay of 0 acts at the same instant, after the spike and before any later test. A loop of such delays that keeps
  itself going is an error that names its neurons.
- A memoryless gate sees what arrives at one instant, fires at most once in it and forgets.
- While refractory, [t, t + period), a neuron does not fire, and a guarded variable stands still and takes no delivery;
  an arrival at the very end of the period counts. Unguarded variables move on, and may be above threshold at the end.
- `>` or `>=` is the model's own: it decides when an arrival lands exactly on the threshold.
- An escape-rate neuron, which on the grid has odds o in a tick, has hazard o per tick. Its draws are numbered by its
  own spikes and keyed by the neuron.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

import eventsim
from eventsim.errors import ConfigError, EventSimError
from eventsim.event_kernel import HORIZON, SPIKES, WINDOW, Record
from eventsim.event_queue import queue_of
from eventsim.event_tables import neurons_of, unit_exponentials, wires_of
from eventsim.kernel_cache import load
from eventsim.network import CompiledNetwork
from eventsim.neurons import ESCAPE
from eventsim.neurons.cell import STATE
from eventsim.neurons.recognise import recognise

__all__ = ["ContinuousEngine", "ContinuousResult", "simulate_continuous"]

_ROOM = 1 << 12  # spikes at first; the kernel makes more
_FIRST_WINDOW = 8  # ticks


@dataclass(frozen=True, eq=False)
class ContinuousResult:
    """What a run in continuous time did.

    Parameters
    ----------
    tick, offset : (n_spikes,) int64, float64
        Exact times: whole ticks, and a fraction of one. Spikes are in order of (time, neuron).
    time_ms : (n_spikes,) float64
        (tick + offset) dt.
    neuron : (n_spikes,) int32
    received_count, received_weight : (n_neurons,) int64, float64
        Deliveries that each neuron received, and the sum of their weights.
    delivered : (n_pathways,) int64
    state : mapping of (str, str) to (size,) float64
        (population, variable) -> value at the end.
    """

    tick: np.ndarray
    offset: np.ndarray
    time_ms: np.ndarray
    neuron: np.ndarray
    received_count: np.ndarray
    received_weight: np.ndarray
    delivered: np.ndarray
    state: dict


def simulate_continuous(network, stimulus=None, *, duration_ms=None):
    """Run a network for the length of its stimulus, from its start state.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus, optional
        Its default stimulus if left out. Its spikes are at whole ticks.
    duration_ms : float, optional
        Overrides the stimulus's duration; a whole number of ticks.

    Returns
    -------
    ContinuousResult
        Events at the end itself are left out.

    Raises
    ------
    CompileError
        When a population has no exact solution here; names it, the statement, and what is supported.
    EventSimError
        When the spikes of one instant never end.
    """
    if not isinstance(network, CompiledNetwork):
        raise ConfigError(f"simulate_continuous takes a CompiledNetwork, not {type(network).__name__}")
    stimulus = network.stimulus if stimulus is None else stimulus
    if duration_ms is not None:
        ticks = duration_ms / network.dt_ms
        if not (0 <= ticks < 2**62 and abs(ticks - round(ticks)) <= 1e-6):
            raise ConfigError(f"duration_ms is {duration_ms:g}; it must be a whole number of ticks of "
                              f"{network.dt_ms:g} ms")  # fmt: skip
        stimulus = stimulus.lasting(round(ticks))
    engine = ContinuousEngine(network, stimulus)
    stops = np.unique([*(stimulus.query_start if stimulus.reset == "host" else ()), stimulus.duration_ticks])
    for stop in stops.tolist():
        engine.run(stop)
        if stop < stimulus.duration_ticks:
            engine.start_again(stop)
    return engine.result()


@lru_cache
def kernel():
    """The event kernel's `run` and `settle`, from the cache folder: under the hash of every file that they are compiled
    from, since Numba itself looks at one file only."""
    folder = Path(eventsim.__file__).parent
    files = [folder / "event_kernel.py", folder / "event_queue.py", *sorted((folder / "neurons").glob("*.py"))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    loaded = load(_WRAPPER.format(digest=digest), "events")
    return loaded["run"], loaded["settle"]


_WRAPPER = '''"""Written by eventsim.continuous for sources {digest}; safe to delete."""
from numba import njit

from eventsim import event_kernel

_run, _settle = event_kernel.run, event_kernel.settle


@njit(cache=True, nogil=True)
def run(*arguments):
    return _run(*arguments)


@njit(cache=True, nogil=True)
def settle(*arguments):
    return _settle(*arguments)
'''


class ContinuousEngine:
    """A run that can be taken in pieces: the bits do not depend on where it was cut.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus
    """

    def __init__(self, network, stimulus):
        models = [recognise(network, k) for k in range(len(network.populations))]
        self.network, self.models, self.reached = network, models, 0
        n = network.n_neurons
        self.neurons, self.wires = neurons_of(network, models), wires_of(network, models)
        self.record = Record(np.zeros(len(network.pathways), np.int64), np.full(len(models), -1, np.int64))
        self.restless = np.flatnonzero(self.neurons.kinds["restless"][self.neurons.cells["kind"]])
        self.crossings, self.arrivals = queue_of(n), queue_of(self.wires.lanes.size)
        self.registers = np.zeros(5, np.int64)
        self.registers[WINDOW] = _FIRST_WINDOW
        self.stimulus = stimulus.tick.astype(np.int64), stimulus.neuron.astype(np.int64)
        self.spikes = np.empty(_ROOM, np.int64), np.empty(_ROOM), np.empty(_ROOM, np.int32), np.empty(_ROOM, np.int64)
        self.scratch = np.empty(n, np.int64), np.empty(n, np.int64)
        self.start = self.neurons.cells.copy(), self.neurons.further.copy()

    def run(self, until):
        """Handle every event before tick `until`."""
        stormy, *spikes = kernel()[0](
            until, self.registers, self.neurons, self.wires, self.record, self.restless, self.crossings,
            self.arrivals, *self.stimulus, *self.spikes, *self.scratch,
        )  # fmt: skip
        self.spikes = tuple(spikes)
        if stormy:
            raise _storm(self.network, *(column[: self.registers[SPIKES]] for column in self.spikes[:3]))
        self.reached = until

    def start_again(self, tick):
        """At a tick just reached: back to the start state, nothing in flight. Random streams go on: queries differ."""
        cells, further, kinds, noise = self.neurons
        escape = kinds["family"][cells["kind"]] == ESCAPE
        for name in ("x", "release_tick", "release_offset"):
            cells[name] = self.start[0][name]
        cells["tick"], further[:] = tick, self.start[1]
        noise["draws"][escape] += 1
        cells["x"][escape] = unit_exponentials(noise[escape])
        self.wires.lanes["spike"] = -1
        self.crossings, self.arrivals = queue_of(cells.size), queue_of(self.wires.lanes.size)
        self.registers[HORIZON] = tick

    def result(self):
        """What happened so far, as a ContinuousResult."""
        n, cells, further = self.registers[SPIKES], self.neurons.cells.copy(), self.neurons.further.copy()
        kernel()[1](self.neurons._replace(cells=cells, further=further), self.reached)
        tick, offset, neuron = (column[:n] for column in self.spikes[:3])
        order = np.lexsort((neuron, offset, tick))
        tick, offset, neuron = tick[order], offset[order], neuron[order]
        state = {
            (p.name, variable): (cells if name == "x" else further)[name][p.start : p.stop].copy()
            for p, model in zip(self.network.populations, self.models)
            for name, variable in zip(STATE, model.variables) if variable
        }  # fmt: skip
        received = cells["received_count"].copy(), cells["received_weight"].copy()
        return ContinuousResult(tick, offset, (tick + offset) * self.network.dt_ms, neuron, *received,
                                self.record.delivered, state)  # fmt: skip


def _storm(network, tick, offset, neuron):
    """The error that names the neurons which fire without end at the last instant."""
    now = neuron[(tick == tick[-1]) & (offset == offset[-1])]
    looping = np.unique(now[now.size // 2 :])
    starts = np.array([p.start for p in network.populations])
    populations = np.searchsorted(starts, looping, side="right") - 1
    named = [f"{network.populations[k].name}[{n - starts[k]}]" for k, n in zip(populations, looping)]
    shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
    return EventSimError(
        f"event storm: {now.size} spikes at {(tick[-1] + offset[-1]) * network.dt_ms:g} ms without end, by {shown}; "
        f"give a synapse of the loop a delay, or the neurons a refractory period or a reset below threshold"
    )
