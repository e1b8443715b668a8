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
from eventsim.continuous.cell import at_rest, foresee
from eventsim.continuous.queue import before, sort
from eventsim.continuous.rounds import above_threshold, cross, deliver_arrivals, next_stamp, record_spikes
from eventsim.continuous.scatter import close_tick
from eventsim.continuous.state import sample
from eventsim.lending import lent

__all__ = ["run"]

_LONGEST_WINDOW = 1 << 30  # ticks
_SPARE_ROUNDS = 1000  # beyond one per neuron, which is what the longest path without a loop takes


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


@njit(forceinline=True)
def _next_event(until, registers, stimulus_tick, arrivals, crossings):
    """When something happens next, (tick, offset); (until, 0) when nothing does before."""
    tick, offset = until, 0.0
    if registers[CURSOR] < stimulus_tick.size and stimulus_tick[registers[CURSOR]] < tick:
        tick = stimulus_tick[registers[CURSOR]]
    if arrivals.heap[0]:
        due = arrivals.due[arrivals.heap[1]]
        if before(due.tick, due.offset, tick, offset):
            tick, offset = due.tick, due.offset
    if crossings.heap[0]:
        due = crossings.due[crossings.heap[1]]
        if before(due.tick, due.offset, tick, offset):
            tick, offset = due.tick, due.offset
    return tick, offset


@njit(forceinline=True)
def _emissions(registers, stimulus_tick, stimulus_neuron, tick, fired):
    """Let sources fire as the stimulus says; returns how many `fired`."""
    n_fired = 0
    while registers[CURSOR] < stimulus_tick.size and stimulus_tick[registers[CURSOR]] == tick:
        fired[n_fired] = stimulus_neuron[registers[CURSOR]]
        n_fired += 1
        registers[CURSOR] += 1
    return n_fired


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
    stamp, stormy = registers[STAMP], False
    registers[REACHED] = until
    while not stormy:
        tick, offset = _next_event(until, registers, stimulus_tick, arrivals, crossings)
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
        rounds, n_fired = 0, 0
        if offset == 0.0:
            n_fired = _emissions(registers, stimulus_tick, stimulus_neuron, tick, fired)
        while not stormy:
            spikes, stormy = record_spikes(
                neurons, wires, counters, registers, crossings, arrivals, spikes, fired, n_fired, tick, offset
            )
            stamp = next_stamp(neurons.cells, stamp)
            n_touched = deliver_arrivals(
                neurons, wires, counters, registers, arrivals, spikes, tick, offset, stamp, touched
            )
            n_fired = above_threshold(neurons, registers, crossings, touched, n_touched, tick, offset, fired)
            n_fired = cross(neurons, crossings, tick, offset, fired, n_fired)
            if n_fired == 0:
                break
            sort(fired, n_fired)
            rounds += 1
            stormy |= rounds > neurons.cells.size + _SPARE_ROUNDS
    if registers[NOTED]:
        close_tick(counters, registers, registers[NOW])
    registers[STAMP] = stamp
    return stormy, spikes
