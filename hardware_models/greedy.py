"""place: neurons on cores in the order of their ids, a new core when the next neuron would break a limit.

Most limits concern a core alone and are known while it is filled. Output axons, and copies of neurons where a chip
needs them, count how many cores each neuron reaches, which depends on where every other neuron goes. It is solved from
below: first every neuron is taken to reach one core, then as many as it does reach in the placement found, until that
placement respects the limits. What a neuron is taken to reach only ever grows, so this ends.
"""

import numpy as np

from eventsim.counts import HOST
from eventsim.errors import CapacityError
from hardware_models.placement import Placement
from hardware_models.resources import REMEDIES, RESOURCES, allowed, distinct
from hardware_models.splitters import copies

__all__ = ["place"]


def place(network, chip):
    """Assign every neuron to a core, greedily, in the order of ids; spike sources stay on the host.

    Parameters
    ----------
    network : CompiledNetwork
    chip : Chip

    Returns
    -------
    Placement
        Checked against every limit of the chip; on as many chips as it takes.

    Raises
    ------
    CapacityError
        One neuron alone exceeds a limit; says which, and what to do.
    """
    ids = np.flatnonzero(~network.is_source)
    core_of = np.full(network.n_neurons, HOST, dtype=np.int32)
    demand = _Demand(network, ids)
    reached = demand.cores_reached(np.zeros(ids.size, dtype=np.int32))
    while True:
        core_of[ids] = cores = _fill(network, ids, demand, reached, chip)
        now = demand.cores_reached(cores)
        axons, neurons = (np.bincount(cores, each).max(initial=0) for each in (now, 1 + copies(now, chip)))
        if axons <= chip.limits.output_axons_per_core.value and neurons <= chip.limits.neurons_per_core.value:
            return Placement.of(network, core_of, chip)
        reached = np.maximum(reached, now)


class _Demand:
    """What each neuron to be placed asks of its core; `position` counts those neurons in order of ids."""

    def __init__(self, network, ids):
        n = ids.size
        position = np.full(network.n_neurons, -1, dtype=np.int64)
        position[ids] = np.arange(n)
        post = position[network.post]
        self.synapses = np.bincount(post[post >= 0], minlength=n)
        self.longest = np.zeros(n, dtype=np.int64)
        np.maximum.at(self.longest, post[post >= 0], network.delay[post >= 0])
        pairs = distinct(network.pre[post >= 0] * np.int64(max(n, 1)) + post[post >= 0])
        self.pre, self.post = pairs // max(n, 1), pairs % max(n, 1)
        self.first_of_pre = np.concatenate([[True], np.diff(self.pre) != 0])[: pairs.size]
        self.sender = position[self.pre]
        # A source is new to a core that begins at position s when its previous target lies before s.
        previous = np.where(self.first_of_pre, -1, np.concatenate([[-1], self.post[:-1]])[: pairs.size])
        by_post = np.argsort(self.post, kind="stable")
        self.previous = previous[by_post]
        self.incoming = np.searchsorted(self.post[by_post], np.arange(n + 1))

    def cores_reached(self, cores):
        """(n,) int64: how many distinct cores each neuron reaches when position p is on cores[p], non-decreasing."""
        destination = cores[self.post]
        new = self.first_of_pre | np.concatenate([[True], np.diff(destination) != 0])[: destination.size]
        return np.bincount(self.sender[new & (self.sender >= 0)], minlength=cores.size)

    def input_axons(self, start, stop):
        """(stop - start,) int64: distinct sources of the neurons from `start` up to and including each."""
        rows = self.incoming[start : stop + 1]
        new = np.concatenate([[0], np.cumsum(self.previous[rows[0] : rows[-1]] < start)])
        return new[rows[1:] - rows[0]]


def _fill(network, ids, demand, reached, chip):
    """One pass: (n,) int32, the core of each position, given how many cores each neuron is taken to reach."""
    limits = dict(zip(RESOURCES, allowed(chip).tolist()))
    cores = np.empty(ids.size, dtype=np.int32)
    start = core = 0
    while start < ids.size:
        stop = min(start + limits["neurons"], ids.size)
        neurons = np.cumsum(1 + copies(reached[start:stop], chip))
        running = {
            "neurons": neurons,
            "synapse_words": np.cumsum(demand.synapses[start:stop]),
            "output_axons": np.cumsum(reached[start:stop]),
            "delay_slots": neurons * np.maximum.accumulate(demand.longest[start:stop]),
        }
        fits = min(int(np.searchsorted(used, limits[name], side="right")) for name, used in running.items())
        axons = demand.input_axons(start, start + max(fits, 1))
        fits = min(fits, int(np.searchsorted(axons, limits["input_axons"], side="right")))
        if fits == 0:
            alone = {name: int(used[0]) for name, used in (running | {"input_axons": axons}).items()}
            name = next(name for name in RESOURCES if alone[name] > limits[name])
            raise _too_large(network, ids[start], name, alone[name], limits[name], core)
        cores[start : start + fits] = core
        start, core = start + fits, core + 1
    return cores


def _too_large(network, neuron, name, asked, limit, core):
    population = next(p for p in network.populations if neuron < p.stop)
    where = f"core {core} by neuron {neuron} ('{population.name}'[{neuron - population.start}]) alone"
    return CapacityError(name, where, asked, limit, REMEDIES[name])
