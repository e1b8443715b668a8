"""The event kernel: one Numba function that takes a network from instant to instant, without a grid.

All events of one instant are handled in rounds. In each round (1) spikes are recorded, (2) everything that arrives now
is added up, lane by lane (in the schedule's order, longest delay first, then by spike), and (3) each neuron that was
reached, and each whose own crossing is now, is tested once; those that fire make the next round's spikes, by neuron
id. A spike over a delay of 0 arrives in the round in which it is recorded. The instant ends with a round that leaves
nothing to do.

Invariants of the kernel
- `crossings` holds every neuron that reaches threshold by itself before the horizon, at exactly that time; when the
  horizon is reached, all that can do so are looked at again. The horizon does not depend on where a run is cut.
- The spikes of a population form a linked list in order of time. A lane reads the list of its source; it is in
  `arrivals` while there are spikes that it has not delivered. A spike costs one queue operation per lane at most, a
  delivery none.
- Counts are kept by tick, which is that of the arrival rounded down; a run stops between two ticks only.
- State is sampled before whatever happens at that instant.
"""

from typing import Any

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.continuous.arrays import (
    BUSY,
    CURSOR,
    HORIZON,
    MOST,
    NEXT_SAMPLE,
    NOTED,
    NOW,
    REACHED,
    RECORDED,
    ROOM,
    ROWS,
    SAMPLES,
    SPIKES,
    STAMP,
    TOTAL,
    WINDOW,
)
from eventsim.continuous.cell import above, at_rest, fire, foresee, move, refractory, to_threshold
from eventsim.continuous.queue import before, put, sort, take_out
from eventsim.continuous.scatter import (
    ask_for_spikes,
    ask_for_synapses,
    close_tick,
    count_spike,
    deliver,
    emit,
    row_of,
)
from eventsim.continuous.state import sample
from eventsim.lending import lent
from eventsim.neurons import ADAPTIVE, ESCAPE

__all__ = ["run"]

_LONGEST_WINDOW = 1 << 30  # ticks
_LARGEST_STAMP = (1 << 32) - 1
_SPARE_ROUNDS = 1000  # beyond one per neuron, which is what the longest path without a loop takes


@njit
def _doubled(spikes: Any) -> Any:
    larger = np.empty(2 * spikes.size, spikes.dtype)
    for k in range(spikes.size):
        larger[k] = spikes[k]
    return larger


@njit
def _look_ahead(neurons, crossings, registers):
    """Move the horizon on, and look at every neuron that may cross by itself before it."""
    restless, last = neurons.restless, registers[HORIZON]
    # Windows grow while looking at everybody costs more than what happens in between, and shrink otherwise.
    if registers[BUSY] < restless.size and registers[WINDOW] < _LONGEST_WINDOW:
        registers[WINDOW] *= 2
    elif registers[BUSY] > 8 * restless.size and registers[WINDOW] > 1:
        registers[WINDOW] //= 2
    registers[BUSY] = 0
    registers[HORIZON] = horizon = last + registers[WINDOW]
    for n in restless:
        cell = neurons.cells[n]
        kind = neurons.kinds[cell.kind]
        if not at_rest(cell, kind, crossings.due[n], horizon):
            foresee(cell, kind, neurons.further[n], crossings.heap, crossings.due, n, last, 0.0, horizon)


@njit
def _is_full(counters, registers):
    """Whether a buffer may have no room for one more tick, or there are as many spikes as were asked for.

    The rows of the tick before it are not written yet: there has to be room for those of both.
    """
    no_room = registers[SPIKES] - registers[RECORDED] >= registers[ROOM]
    no_rows = counters.row_tick.size - registers[ROWS] < 2 * counters.tally.size
    return no_room or no_rows or registers[TOTAL] >= registers[MOST]


@cached_njit()
def run(start, until, registers, neurons, wires, counters, sampling, crossings, arrivals, stimulus_tick,
        stimulus_neuron, spikes, fired, touched):  # fmt: skip
    """Handle every event from tick `start` to before tick `until`, or less; registers[REACHED] says up to where.

    Parameters
    ----------
    start, until : int
    registers : int64
        See `eventsim.continuous.arrays`, as for the types below.
    neurons : Neurons
    wires : Wires
    counters : Counters
    sampling : Sampling
    crossings, arrivals : Queue
        Of neurons and of lanes.
    stimulus_tick, stimulus_neuron : (n_stimulus,) int64
        Sorted.
    spikes : records of SPIKE
    fired, touched : (n_neurons,) int64
        Scratch.

    Returns
    -------
    stormy : bool
        The spikes of one instant never ended.
    spikes : records of SPIKE
        The same array, or a larger one.
    """
    registers, neurons, wires, counters, sampling = (
        lent(registers), lent(neurons), lent(wires), lent(counters), lent(sampling)
    )  # fmt: skip
    crossings, arrivals, fired, touched = lent(crossings), lent(arrivals), lent(fired), lent(touched)
    stimulus_tick, stimulus_neuron = lent(stimulus_tick), lent(stimulus_neuron)
    crossing_heap, crossing_due = crossings.heap, crossings.due
    arrival_heap, arrival_due = arrivals.heap, arrivals.due
    cells, further, kinds, noise, lanes = neurons.cells, neurons.further, neurons.kinds, neurons.noise, wires.lanes
    n_spikes, stamp = registers[SPIKES], registers[STAMP]
    registers[REACHED] = until
    stormy = False
    while not stormy:
        tick, offset = until, 0.0
        if registers[CURSOR] < stimulus_tick.size and stimulus_tick[registers[CURSOR]] < tick:
            tick = stimulus_tick[registers[CURSOR]]
        if arrival_heap[0]:
            due = arrival_due[arrival_heap[1]]
            if before(due.tick, due.offset, tick, offset):
                tick, offset = due.tick, due.offset
        if crossing_heap[0]:
            due = crossing_due[crossing_heap[1]]
            if before(due.tick, due.offset, tick, offset):
                tick, offset = due.tick, due.offset
        if neurons.restless.size and tick >= registers[HORIZON] and registers[HORIZON] < until:
            _look_ahead(neurons, crossings, registers)
            continue
        if tick > registers[NOW] and _is_full(counters, registers):
            registers[REACHED] = max(start, registers[NOW] + 1)
            break
        if sampling.neuron.size and registers[NEXT_SAMPLE] <= tick and registers[NEXT_SAMPLE] < until:
            if registers[SAMPLES] == sampling.tick.size:
                registers[REACHED] = registers[NEXT_SAMPLE]
                break
            sample(neurons, sampling, registers)
            continue
        if tick >= until:
            break
        if tick > registers[NOW]:
            if registers[NOTED]:
                close_tick(counters, registers, registers[NOW])
            registers[NOW] = tick

        horizon = registers[HORIZON]
        n_fired, rounds = 0, 0
        while offset == 0.0 and registers[CURSOR] < stimulus_tick.size and stimulus_tick[registers[CURSOR]] == tick:
            fired[n_fired] = stimulus_neuron[registers[CURSOR]]
            n_fired += 1
            registers[CURSOR] += 1
        while not stormy:
            for f in range(n_fired):
                n = fired[f]
                ask_for_spikes(neurons, counters, fired, f, n_fired)
                cell = cells[n]
                kind = kinds[cell.kind]
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
                    again, endless = fire(cell, kind, further[n], noise[n], tick, offset)
                    if endless:
                        stormy, again = True, False
                if kind.restless:
                    foresee(cell, kind, further[n], crossing_heap, crossing_due, n, tick, offset, horizon)
            n_fired, n_touched = 0, np.int64(0)  # no literal, for which `deliver` would be compiled once more
            stamp += 2  # odd marks are those of listed neurons
            if stamp >= _LARGEST_STAMP:  # marks are 32 bits wide
                stamp = 2
                for n in range(cells.size):
                    cells[n].mark = 0
            while arrival_heap[0]:
                lane_id = arrival_heap[1]
                lane = lanes[lane_id]
                if arrival_due[lane_id].tick != tick or arrival_due[lane_id].offset != offset:
                    break
                k = lane.spike
                first, stop = row_of(wires, lane, spikes[k].neuron)
                ask_for_synapses(neurons, wires, counters, first, stop)
                while k >= 0 and spikes[k].tick + lane.delay == tick and spikes[k].offset == offset:
                    k = spikes[k].next
                    following, its_stop = row_of(wires, lane, spikes[k].neuron) if k >= 0 else (first, stop)
                    n_touched = deliver(
                        neurons, wires, counters, registers, lane, first, stop, following, tick, offset, stamp,
                        touched, n_touched,
                    )  # fmt: skip
                    first, stop = following, its_stop
                lane.spike = k
                if k >= 0:
                    put(arrival_heap, arrival_due, lane_id, spikes[k].tick + lane.delay, spikes[k].offset)
                else:
                    take_out(arrival_heap, arrival_due, lane_id)
            for k in range(n_touched):
                n = touched[k]
                cell = cells[n]
                kind = kinds[cell.kind]
                y = further[n].y if kind.family == ADAPTIVE else 0.0  # else in no cache, and not asked for
                fires = kind.family != ESCAPE and above(kind, cell.x, y)
                if fires and not refractory(cell, kind, tick, offset):
                    if crossing_due[n].place:
                        take_out(crossing_heap, crossing_due, n)
                    fired[n_fired] = n
                    n_fired += 1
                elif kind.restless and not at_rest(cell, kind, crossing_due[n], horizon):
                    foresee(cell, kind, further[n], crossing_heap, crossing_due, n, tick, offset, horizon)
            while crossing_heap[0]:
                n = crossing_heap[1]
                if crossing_due[n].tick != tick or crossing_due[n].offset != offset:
                    break
                take_out(crossing_heap, crossing_due, n)
                cell = cells[n]
                kind = kinds[cell.kind]
                move(cell, kind, further[n], tick, offset)
                to_threshold(cell, kind, further[n])
                fired[n_fired] = n
                n_fired += 1
            if n_fired == 0:
                break
            sort(fired, n_fired)
            rounds += 1
            stormy |= rounds > cells.size + _SPARE_ROUNDS
    if registers[NOTED]:
        close_tick(counters, registers, registers[NOW])
    registers[STAMP] = stamp
    return stormy, spikes
