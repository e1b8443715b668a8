"""count_activity: which neurons were active in which tick, recounted by running the network again.

An update is of an active neuron when its state is not zero as the tick begins, when its own drive moves it from zero,
or when it fires. What arrives in a tick changes the state that the next tick begins with. On potentials that are not
whole numbers this says nothing, since an exponential never reaches zero; there the energy of updates is an interval.
"""

from dataclasses import dataclass, replace

import numpy as np

from eventsim.counts import HOST
from eventsim.errors import ConfigError, ProvenanceError
from eventsim.simulation import Simulation
from eventsim.stimulus import Stimulus
from hardware_models.counting.counts import count_events

__all__ = ["Activity", "count_activity"]

#: State that Brian2 keeps for itself; no neuron of a chip holds it.
_BOOKKEEPING = ("lastspike", "not_refractory")


@dataclass(frozen=True, eq=False)
class Activity:
    """Updates of active neurons.

    Parameters
    ----------
    tick, core, active : (n,) int64, int32, int64
        Sparse rows, sorted by (tick, core), every count above zero.
    counts_hash : str
        Hash of the EventCounts of the same trace and placement.
    """

    tick: np.ndarray
    core: np.ndarray
    active: np.ndarray
    counts_hash: str

    @property
    def total(self):
        return int(self.active.sum())


def count_activity(trace, placement):
    """The updates of active neurons, per tick and core.

    Parameters
    ----------
    trace : Trace
        Of a run on the grid.
    placement : Placement

    Returns
    -------
    Activity

    Raises
    ------
    ConfigError
        The run is in continuous time, or its state is not in whole numbers.
    ProvenanceError
        The placement is of another network, or the network does not fire as the trace says.
    """
    counts, network = count_events(trace, placement), trace.network
    if trace.clock != "grid":
        raise ConfigError("activity is counted by ticks, and this run is in continuous time; cost() gives an interval")
    fired = _fired(trace)
    driven = _moved(network)
    placed = np.flatnonzero(placement.core_of != HOST)
    cores, n_cores = placement.core_of[placed], int(placement.core_of.max(initial=HOST)) + 1
    ticks, at, active = [], [], []
    with Simulation(network, trace.stimulus, core_of=placement.core_of) as again:
        for tick in range(trace.duration_ticks):
            busy = driven | _not_zero(network, again.state())
            busy[fired(tick)] = True
            sums = np.bincount(cores[busy[placed]], minlength=n_cores)
            found = np.flatnonzero(sums)
            ticks.append(np.full(found.size, tick))
            at.append(found)
            active.append(sums[found])
            again.run(1)
        rerun = again.finish().spikes()
    spikes = trace.spikes()
    if not (np.array_equal(rerun.tick, spikes.tick) and np.array_equal(rerun.neuron, spikes.neuron)):
        raise ProvenanceError("run again, the network does not fire as in the trace; simulate it anew")
    tick, core, active = (np.concatenate([np.empty(0, np.int64), *parts]) for parts in (ticks, at, active))
    return Activity(tick, core.astype(np.int32), active, counts.hash)


def _fired(trace):
    """A function tick -> ids of the neurons that fire in it."""
    spikes = trace.spikes()
    at = np.searchsorted(spikes.tick, np.arange(trace.duration_ticks + 1))
    return lambda tick: spikes.neuron[at[tick] : at[tick + 1]]


def _not_zero(network, state):
    """(n_neurons,) bool: any of a neuron's variables is not zero; raises ConfigError where one is no whole number."""
    busy = np.zeros(network.n_neurons, dtype=bool)
    for population in network.populations:
        for variable in population.state:
            if variable in _BOOKKEEPING:
                continue
            values = state[population.name, variable]
            if (values != np.floor(values)).any():
                raise ConfigError(f"'{variable}' of population '{population.name}' is not a whole number, so no neuron "
                                  "is idle for certain; cost() without activity gives an interval")  # fmt: skip
            busy[population.start : population.stop] |= values != 0
    return busy


def _moved(network):
    """(n_neurons,) bool: what a neuron's own drive moves from zero, or makes fire, in one tick without any input."""
    at_rest = replace(network, populations=tuple(map(_at_rest, network.populations)), stimulus=Stimulus.silent(1))
    with Simulation(at_rest) as run:
        moved = _not_zero(network, run.run(1).state())
        moved[run.finish().spikes().neuron] = True
    return moved


def _at_rest(population):
    state = {name: np.zeros(population.size) for name in population.state if name not in _BOOKKEEPING}
    return replace(population, state=population.state | state)
