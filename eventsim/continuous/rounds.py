"""The steps of a round: spikes are recorded, what arrives now is added up, and who was reached or is due is tested.

See `eventsim.continuous.kernel` for what a round is; each step is inlined there.
"""

from typing import Any

import numpy as np
from numba import njit

from eventsim.continuous.arrays import HORIZON, SPIKES
from eventsim.continuous.cell import above, at_rest, fire, foresee, move, refractory, to_threshold
from eventsim.continuous.queue import put, take_out
from eventsim.continuous.scatter import ask_for_spikes, ask_for_synapses, count_spike, deliver, emit, row_of
from eventsim.neurons import ADAPTIVE, ESCAPE

__all__ = ["above_threshold", "cross", "deliver_arrivals", "next_stamp", "record_spikes"]

_LARGEST_STAMP = (1 << 32) - 1


@njit
def _doubled(spikes: Any) -> Any:
    larger = np.empty(2 * spikes.size, spikes.dtype)
    for k in range(spikes.size):
        larger[k] = spikes[k]
    return larger


@njit(forceinline=True)
def record_spikes(neurons, wires, counters, registers, crossings, arrivals, spikes, fired, n_fired, tick, offset):
    """Record the spikes of those that fire, one after the other, and send them on.

    Returns
    -------
    spikes : records of SPIKE
        The same array, or a larger one.
    stormy : bool
        One of them fires without end.
    """
    n_spikes, stormy = registers[SPIKES], False
    for f in range(n_fired):
        n = fired[f]
        ask_for_spikes(neurons, counters, fired, f, n_fired)
        cell = neurons.cells[n]
        kind = neurons.kinds[cell.kind]
        again = True
        while again:
            if n_spikes == spikes.size:
                spikes = _doubled(spikes)
            spike = spikes[n_spikes]
            spike.tick, spike.offset, spike.neuron = tick, offset, n
            emit(neurons, wires, arrivals, spikes, kind.population, n_spikes)
            count_spike(counters, registers, n)
            n_spikes += 1
            registers[SPIKES] = n_spikes
            again, endless = fire(cell, kind, neurons.further[n], neurons.noise[n], tick, offset)
            if endless:
                stormy, again = True, False
        if kind.restless:
            foresee(cell, kind, neurons.further[n], crossings.heap, crossings.due, n, tick, offset, registers[HORIZON])
    return spikes, stormy


@njit
def next_stamp(cells, stamp):
    """The mark of those touched in the next round. Odd marks are those of listed neurons; marks are 32 bits wide."""
    if stamp + 2 < _LARGEST_STAMP:
        return stamp + 2
    for n in range(cells.size):
        cells[n].mark = 0
    return 2


@njit(forceinline=True)
def deliver_arrivals(neurons, wires, counters, registers, arrivals, spikes, tick, offset, stamp, touched):
    """Add up what arrives now, lane by lane; returns how many neurons it `touched`."""
    heap, due, n_touched = arrivals.heap, arrivals.due, np.int64(0)  # no literal, for which `deliver` is compiled again
    while heap[0]:
        lane_id = heap[1]
        lane = wires.lanes[lane_id]
        if due[lane_id].tick != tick or due[lane_id].offset != offset:
            break
        k = lane.spike
        first, stop = row_of(wires, lane, spikes[k].neuron)
        ask_for_synapses(neurons, wires, counters, first, stop)
        while k >= 0 and spikes[k].tick + lane.delay == tick and spikes[k].offset == offset:
            k = spikes[k].next
            following, its_stop = row_of(wires, lane, spikes[k].neuron) if k >= 0 else (first, stop)
            n_touched = deliver(
                neurons, wires, counters, registers, lane, first, stop, following, tick, offset, stamp, touched,
                n_touched,
            )  # fmt: skip
            first, stop = following, its_stop
        lane.spike = k
        if k >= 0:
            put(heap, due, lane_id, spikes[k].tick + lane.delay, spikes[k].offset)
        else:
            take_out(heap, due, lane_id)
    return n_touched


@njit(forceinline=True)
def above_threshold(neurons, registers, crossings, touched, n_touched, tick, offset, fired):
    """Test each neuron that was reached; returns how many `fired`."""
    n_fired = 0
    for k in range(n_touched):
        n = touched[k]
        cell = neurons.cells[n]
        kind = neurons.kinds[cell.kind]
        y = neurons.further[n].y if kind.family == ADAPTIVE else 0.0  # else in no cache, and not asked for
        fires = kind.family != ESCAPE and above(kind, cell.x, y)
        if fires and not refractory(cell, kind, tick, offset):
            if crossings.due[n].place:
                take_out(crossings.heap, crossings.due, n)
            fired[n_fired] = n
            n_fired += 1
        elif kind.restless and not at_rest(cell, kind, crossings.due[n], registers[HORIZON]):
            foresee(cell, kind, neurons.further[n], crossings.heap, crossings.due, n, tick, offset, registers[HORIZON])
    return n_fired


@njit(forceinline=True)
def cross(neurons, crossings, tick, offset, fired, n_fired):
    """Bring each neuron whose own crossing is now to its threshold; returns how many have `fired` with them."""
    heap, due = crossings.heap, crossings.due
    while heap[0]:
        n = heap[1]
        if due[n].tick != tick or due[n].offset != offset:
            break
        take_out(heap, due, n)
        cell = neurons.cells[n]
        kind = neurons.kinds[cell.kind]
        move(cell, kind, neurons.further[n], tick, offset)
        to_threshold(cell, kind, neurons.further[n])
        fired[n_fired] = n
        n_fired += 1
    return n_fired
