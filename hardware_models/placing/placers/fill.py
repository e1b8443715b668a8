"""fill: neurons onto cores in a given order, a new core when the next neuron would break a limit.

Most limits concern a core alone and are known while it is filled. Output axons, and relays where a chip needs them,
count how many cores each neuron reaches, which depends on where every other neuron goes. It is solved from below:
first every neuron is taken to reach one core by each of its axons, then as many as it does reach in the placement
found, until that placement respects the limits. What a neuron is taken to reach only ever grows, so this ends.
"""

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.counts import HOST
from eventsim.errors import CapacityError
from hardware_models.placing.resources import REMEDIES, RESOURCES, allowed
from hardware_models.placing.splitters import relays

__all__ = ["ask", "fill", "hold"]


def fill(wires, order, part):
    """Cores of neurons, filled in an order.

    Parameters
    ----------
    wires : Wires
    order : (n,) int64
        Positions of the neurons to be placed.
    part : (n,) int64
        Of the neurons in that order; where it changes, a new core begins.

    Returns
    -------
    (n,) int32
        By position; cores from 0, in the order in which they were filled.

    Raises
    ------
    CapacityError
        One neuron alone exceeds a limit.
    """
    limits = allowed(wires.chip)
    arrays = wires.in_start, wires.in_axon, wires.in_size, wires.longest, wires.words
    reached = wires.reached(np.zeros(wires.n, dtype=np.int32))
    while True:
        extra = relays(reached, wires.chip)
        cores, position, asked = _fill(order, part, *arrays, extra, reached + (extra > 0), limits, wires.n_axons)
        if position >= 0:
            raise _too_large(wires, position, asked, limits, int(cores.max(initial=HOST)) + 1)
        now = wires.reached(cores)
        split = relays(now, wires.chip)
        neurons, out = (np.bincount(cores, each).max(initial=0) for each in (1 + split, now + (split > 0)))
        if neurons <= limits[0] and out <= limits[3] and _axons_fit(wires, cores, split, limits[2]):
            return cores
        reached = np.maximum(reached, now)


def _axons_fit(wires, cores, split, most):
    """Whether the axons that arrive at each core, those of its own relays among them, are no more than allowed."""
    if not split.any():
        return True
    arriving = np.bincount(cores, split > 0, minlength=int(cores.max()) + 1)
    return (arriving + np.bincount(wires.pairs(cores)[1], minlength=arriving.size) <= most).all()


@cached_njit()
def _fill(order, part, in_start, in_axon, in_size, longest, words, extra, out, limits, n_axons):
    """(core of each position, -1, ...), or (cores so far, the position that fits on no core, what it asks for)."""
    cores = np.full(order.size, -1, np.int32)
    wired = in_start, in_axon, in_size
    held, held_by = np.zeros(n_axons, np.int64), np.full(n_axons, -1, np.int32)
    nothing, used, after = np.zeros(6, np.int64), np.zeros(6, np.int64), np.zeros(6, np.int64)
    core = 0
    for k in range(order.size):
        p = order[k]
        empty = k == 0 or part[k] != part[k - 1]
        core += empty and k > 0
        if empty:
            _copy(nothing, used)
        ask(after, used, p, core, wired, longest, words, extra, out, held, held_by)
        if _exceeds(after, limits) and not empty:
            core += 1
            _copy(nothing, used)
            ask(after, used, p, core, wired, longest, words, extra, out, held, held_by)
        if _exceeds(after, limits):
            return cores, p, after[:5]
        cores[p] = core
        _copy(after, used)
        hold(p, core, wired, held, held_by)
    return cores, -1, after[:5]


@cached_njit()
def _copy(values, to):
    """numpy's own assignment takes seconds to compile."""
    for k in range(values.size):
        to[k] = values[k]


@cached_njit()
def _exceeds(asked, limits):
    above = 0
    for k in range(limits.size):
        above += asked[k] > limits[k]
    return above > 0


@cached_njit()
def ask(after, used, p, core, wired, longest, words, extra, out, held, held_by):
    """Write into `after` what a core holds of RESOURCES, and last its longest delay, once position p has joined.

    `held[axon]` is how many synapses of an axon the core `held_by[axon]` holds; `used` is what `core` holds so far.
    """
    in_start, in_axon, in_size = wired
    _copy(used, after)
    after[0] += 1 + extra[p]
    after[1] += extra[p]
    after[2] += extra[p] > 0
    after[3] += out[p]
    after[5] = max(used[5], longest[p])
    after[4] = after[0] * after[5]
    for at in range(in_start[p], in_start[p + 1]):
        axon = in_axon[at]
        there = held[axon] if held_by[axon] == core else 0
        after[1] += words[there + in_size[at]] - words[there]
        after[2] += there == 0


@cached_njit()
def hold(p, core, wired, held, held_by):
    """Position p joins `core`."""
    in_start, in_axon, in_size = wired
    for at in range(in_start[p], in_start[p + 1]):
        axon = in_axon[at]
        if held_by[axon] != core:
            held_by[axon], held[axon] = core, 0
        held[axon] += in_size[at]


def _too_large(wires, position, asked, limits, core):
    network, neuron = wires.network, int(wires.ids[position])
    population = next(p for p in network.populations if neuron < p.stop)
    k = int(np.argmax(asked > limits))
    where = f"core {core} by neuron {neuron} ('{population.name}'[{neuron - population.start}]) alone"
    return CapacityError(RESOURCES[k], where, int(asked[k]), int(limits[k]), REMEDIES[RESOURCES[k]])
