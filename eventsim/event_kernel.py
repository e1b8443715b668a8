"""The event kernel: one Numba function that takes a network from instant to instant, without a grid.

All events of one instant are handled in rounds. In each round (1) spikes are recorded, (2) everything that arrives now
is added up, lane by lane (in the schedule's order, longest delay first, then by spike), and (3) each neuron that was
reached, and each whose own crossing is now, is tested once; those that fire make the next round's spikes, by neuron
id. A spike over a delay of 0 arrives in the round in which it is recorded. The instant ends with a round that leaves
nothing to do.

Invariants of the kernel
- A neuron's state belongs to the time of its last event; nothing happened to it since.
- `crossings` holds every neuron that reaches threshold by itself before `horizon`, at exactly that time; when the
  horizon is reached, all that can do so are looked at again. The horizon decides what is computed when, never what.
- The spikes of a population form a linked list in order of time. A lane reads the list of its source; it is in
  `arrivals` while there are spikes that it has not delivered. A spike costs one queue operation per lane at most, a
  delivery none.
- A delivery is counted where it is scattered, and nowhere else.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from eventsim.event_queue import before, elapsed, later, put, take_out
from eventsim.neurons import ESCAPE, GATE, LEAKY, SOURCE, advance, crossing
from eventsim.philox import uniform

__all__ = ["CURSOR", "EFFECT", "HORIZON", "LANE", "PATHWAY", "SPIKES", "STAMP", "WINDOW", "Neurons", "Record",
           "Wires", "run", "settle"]  # fmt: skip

#: Places in the kernel's registers, which live on between calls.
CURSOR, SPIKES, STAMP, HORIZON, WINDOW = range(5)

_LONGEST_WINDOW = 1 << 30  # ticks
_LARGEST_STAMP = (1 << 32) - 1
_SPARE_ROUNDS = 1000  # beyond one per neuron, which is what the longest path without a loop takes

#: A pathway: where its rows, its synapses, its two populations and its effects begin, and whether all it does is to add
#: the weight to x.
PATHWAY = np.dtype([
    ("rows_at", np.int64), ("n_delays", np.int64), ("first", np.int64), ("source_start", np.int64),
    ("target_start", np.int64), ("effect_from", np.int64), ("effect_to", np.int64), ("plain", np.bool_),
])  # fmt: skip

#: What a delivery does to one state variable (0 to 2): it adds, or sets, slope * weight + intercept. `values_at` is
#: where these begin, one of each for each target neuron.
EFFECT = np.dtype([("place", np.int64), ("sets", np.bool_), ("values_at", np.int64)])

#: A pathway and one of its delays, in ticks; `spike` is the next one to deliver, or -1.
LANE = np.dtype([("pathway", np.int64), ("delay_index", np.int64), ("delay", np.int64), ("spike", np.int64)])


class Neurons(NamedTuple):
    """Neurons.

    Parameters
    ----------
    cells, further, noise : (n_neurons,) records of CELL, FURTHER, NOISE
    kinds : (n_kinds,) records of KIND
    """

    cells: np.ndarray
    further: np.ndarray
    kinds: np.ndarray
    noise: np.ndarray


class Wires(NamedTuple):
    """Synapses.

    Parameters
    ----------
    post, weight : (n_synapses,) int32, float64
    rows : int64
        Of all pathways, end to end.
    pathways, effects : records of PATHWAY, EFFECT
    slope, intercept : float64
        Of all effects, end to end.
    lanes : records of LANE
        In the order in which simultaneous arrivals are added up.
    lanes_of, lanes_at : int64
        Lanes that leave each population, end to end, and where its own begin.
    """

    post: np.ndarray
    weight: np.ndarray
    rows: np.ndarray
    pathways: np.ndarray
    effects: np.ndarray
    slope: np.ndarray
    intercept: np.ndarray
    lanes: np.ndarray
    lanes_of: np.ndarray
    lanes_at: np.ndarray


class Record(NamedTuple):
    """What happened.

    Parameters
    ----------
    delivered : (n_pathways,) int64
    newest : (n_populations,) int64
        The last spike of each population, or -1.
    """

    delivered: np.ndarray
    newest: np.ndarray


@njit(inline="always")
def _move(cell, kind, more, tick, offset):
    """Bring a neuron's state to a time at which it has not crossed yet."""
    ticks = elapsed(tick, offset, cell.tick, cell.offset)
    if ticks > 0.0:
        if kind.guarded and before(cell.tick, cell.offset, cell.release_tick, cell.release_offset):
            still = elapsed(cell.release_tick, cell.release_offset, cell.tick, cell.offset)
            _advance(cell, kind, more, min(still, ticks), False)
            ticks -= still
        if ticks > 0.0:
            _advance(cell, kind, more, ticks, True)
        cell.tick, cell.offset = tick, offset


@njit(inline="always")
def _advance(cell, kind, more, ticks, moving):
    if kind.family == LEAKY:  # one variable: the others are not touched
        cell.x, _, _ = advance(kind, cell.x, 0.0, 0.0, ticks, moving)
    else:
        cell.x, more.y, more.z = advance(kind, cell.x, more.y, more.z, ticks, moving)


@njit(inline="always")
def _refractory(cell, kind, tick, offset):
    if kind.family == GATE:  # fires once in an instant at most
        return tick == cell.release_tick and offset == cell.release_offset
    return before(tick, offset, cell.release_tick, cell.release_offset)


@njit(inline="always")
def _above(kind, x):
    return x > kind.theta or (x == kind.theta and not kind.strict)


@njit
def _foresee(cells, further, kinds, heap, due, n, now_tick, now_offset, horizon):
    """Put a neuron into the queue of crossings if it crosses by itself before the horizon; take it out if not."""
    cell = cells[n]
    kind = kinds[cell.kind]
    x, y, z, tick, offset = cell.x, further[n].y, further[n].z, cell.tick, cell.offset
    if before(tick, offset, cell.release_tick, cell.release_offset):
        wait = elapsed(cell.release_tick, cell.release_offset, tick, offset)
        x, y, z = advance(kind, x, y, z, wait, not kind.guarded)
        tick, offset = cell.release_tick, cell.release_offset
    room = elapsed(horizon, 0.0, tick, offset)
    ticks = math.inf
    if room > 0.0:
        ticks = 0.0 if _above(kind, x) else crossing(kind, x, y, z, room)
    if ticks < room:
        tick, offset = later(tick, offset, ticks)
        if before(tick, offset, now_tick, now_offset):  # by a rounding
            tick, offset = now_tick, now_offset
        put(heap, due, n, tick, offset)
    elif due[n].place:
        take_out(heap, due, n)


@njit(inline="always")
def _at_rest(cell, kind, due, horizon):
    """Whether a leaky neuron is plainly not to cross before the horizon, and was not foreseen to: the common case."""
    slope = kind.p1 - kind.p0 * cell.x
    free = kind.family == LEAKY and kind.p0 >= 0.0 and due.place == 0 and cell.release_tick < cell.tick
    return free and cell.x + max(slope, 0.0) * (horizon - cell.tick) < kind.theta


@njit
def _fire(cell, kind, more, stream, tick, offset):
    """What a spike does to its own neuron; returns whether it fires again at once, and whether that would never end."""
    if kind.family == ESCAPE:
        stream.draws += 1
        cell.x = -math.log(uniform(stream.key_lo, stream.key_hi, stream.draws, stream.purpose, stream.seed))
    elif kind.family == GATE:
        cell.release_tick, cell.release_offset = tick, offset
    elif kind.family != SOURCE:
        before_reset = cell.x
        cell.x = kind.keep_x * cell.x + kind.shift_x
        more.y = kind.keep_y * more.y + kind.shift_y
        more.z = kind.keep_z * more.z + kind.shift_z
        if kind.refractory_ticks > 0 or kind.refractory_part > 0.0:
            end, part = later(tick, offset, kind.refractory_part)
            cell.release_tick, cell.release_offset = end + kind.refractory_ticks, part
        elif _above(kind, cell.x):
            return True, cell.x >= before_reset
    return False, False


@njit
def _affect(cell, more, wires, pathway, n, w, shut):
    """The effects of one delivery that does more than add its weight to x."""
    for e in range(pathway.effect_from, pathway.effect_to):
        effect = wires.effects[e]
        at = effect.values_at + n - pathway.target_start
        value = wires.slope[at] * w + wires.intercept[at]
        if effect.place == 0:
            if not shut:
                cell.x = value if effect.sets else cell.x + value
        elif effect.place == 1:
            more.y = value if effect.sets else more.y + value
        else:
            more.z = value if effect.sets else more.z + value


@njit
def _deliver(cells, further, kinds, wires, lane, neuron, tick, offset, stamp, touched, n_touched):
    """Deliver one spike over one lane.

    Returns
    -------
    int, int
        How many neurons this round has reached so far, and how many deliveries there were.
    """
    pathway = wires.pathways[lane.pathway]
    row = pathway.rows_at + (neuron - pathway.source_start) * pathway.n_delays + lane.delay_index
    first, stop = pathway.first + wires.rows[row], pathway.first + wires.rows[row + 1]
    plain, post, weight = pathway.plain, wires.post, wires.weight
    for synapse in range(first, stop):
        n, w = np.int64(post[synapse]), weight[synapse]
        cell, more = cells[n], further[n]
        kind = kinds[cell.kind]
        if cell.mark != stamp:
            cell.mark = stamp
            touched[n_touched] = n
            n_touched += 1
            _move(cell, kind, more, tick, offset)
        shut = kind.guarded and before(tick, offset, cell.release_tick, cell.release_offset)
        if not plain:
            _affect(cell, more, wires, pathway, n, w, shut)
        elif not shut:
            cell.x += w
        cell.received_count += 1
        cell.received_weight += w
    return n_touched, stop - first


@njit
def _doubled(array):
    larger = np.empty(2 * array.size, array.dtype)
    larger[: array.size] = array
    return larger


@njit(nogil=True)
def run(until, registers, neurons, wires, record, restless, crossings, arrivals, stimulus_tick, stimulus_neuron,
        spike_tick, spike_offset, spike_neuron, spike_next, fired, touched):  # fmt: skip
    """Handle every event before tick `until`.

    Parameters
    ----------
    until : int
    registers : (5,) int64
    neurons : Neurons
    wires : Wires
    record : Record
    restless : (n_restless,) int64
        The neurons that are.
    crossings, arrivals : Queue
        Of neurons and of lanes.
    stimulus_tick, stimulus_neuron : (n_stimulus,) int64
        Sorted.
    spike_tick, spike_offset, spike_neuron, spike_next : (room,) arrays
        Spikes so far; the next spike of the same population, or -1.
    fired, touched : (n_neurons,) int64
        Scratch.

    Returns
    -------
    stormy : bool
        The spikes of one instant never ended.
    spike_tick, spike_offset, spike_neuron, spike_next
        The same arrays, or larger ones.
    """
    spikes, cursor, stamp = registers[SPIKES], registers[CURSOR], registers[STAMP]
    horizon, window, busy = registers[HORIZON], registers[WINDOW], 0
    crossing_heap, crossing_due = crossings.heap, crossings.due
    arrival_heap, arrival_due = arrivals.heap, arrivals.due
    lanes, lanes_of, lanes_at, newest = wires.lanes, wires.lanes_of, wires.lanes_at, record.newest
    cells, further, kinds, noise = neurons.cells, neurons.further, neurons.kinds, neurons.noise
    stormy = False
    while not stormy:
        tick, offset = until, 0.0
        if cursor < stimulus_tick.size and stimulus_tick[cursor] < tick:
            tick = stimulus_tick[cursor]
        if arrival_heap[0]:
            due = arrival_due[arrival_heap[1]]
            if before(due.tick, due.offset, tick, offset):
                tick, offset = due.tick, due.offset
        if crossing_heap[0]:
            due = crossing_due[crossing_heap[1]]
            if before(due.tick, due.offset, tick, offset):
                tick, offset = due.tick, due.offset
        if restless.size and tick >= horizon and horizon < until:
            # Windows grow while looking at everybody costs more than what happens in between, and shrink otherwise.
            if busy < restless.size and window < _LONGEST_WINDOW:
                window *= 2
            elif busy > 8 * restless.size and window > 1:
                window //= 2
            busy, last = 0, horizon
            horizon += window
            for n in restless:
                if not _at_rest(cells[n], kinds[cells[n].kind], crossing_due[n], horizon):
                    _foresee(cells, further, kinds, crossing_heap, crossing_due, n, last, 0.0, horizon)
            continue
        if tick >= until:
            break

        n_fired, rounds = 0, 0
        while cursor < stimulus_tick.size and stimulus_tick[cursor] == tick and offset == 0.0:
            fired[n_fired] = stimulus_neuron[cursor]
            n_fired += 1
            cursor += 1
        while not stormy:
            for f in range(n_fired):
                n = fired[f]
                cell = cells[n]
                kind = kinds[cell.kind]
                again = True
                while again:
                    if spikes == spike_tick.size:
                        spike_tick, spike_offset = _doubled(spike_tick), _doubled(spike_offset)
                        spike_neuron, spike_next = _doubled(spike_neuron), _doubled(spike_next)
                    spike_tick[spikes], spike_offset[spikes] = tick, offset
                    spike_neuron[spikes], spike_next[spikes] = n, -1
                    if newest[kind.population] >= 0:
                        spike_next[newest[kind.population]] = spikes
                    newest[kind.population] = spikes
                    for k in range(lanes_at[kind.population], lanes_at[kind.population + 1]):
                        lane = lanes[lanes_of[k]]
                        if lane.spike < 0:
                            lane.spike = spikes
                            put(arrival_heap, arrival_due, lanes_of[k], tick + lane.delay, offset)
                    spikes += 1
                    again, endless = _fire(cell, kind, further[n], noise[n], tick, offset)
                    if endless:
                        stormy, again = True, False
                if kind.restless:
                    _foresee(cells, further, kinds, crossing_heap, crossing_due, n, tick, offset, horizon)
            n_fired, n_touched = 0, 0
            stamp += 1
            if stamp >= _LARGEST_STAMP:  # marks are 32 bits wide
                stamp = 1
                for n in range(cells.size):
                    cells[n].mark = 0
            while arrival_heap[0]:
                lane_id = arrival_heap[1]
                lane = lanes[lane_id]
                if arrival_due[lane_id].tick != tick or arrival_due[lane_id].offset != offset:
                    break
                spike = lane.spike
                while spike >= 0 and spike_tick[spike] + lane.delay == tick and spike_offset[spike] == offset:
                    n_touched, n_delivered = _deliver(
                        cells, further, kinds, wires, lane, spike_neuron[spike], tick, offset, stamp, touched, n_touched
                    )
                    record.delivered[lane.pathway] += n_delivered
                    spike = spike_next[spike]
                lane.spike = spike
                if spike >= 0:
                    put(arrival_heap, arrival_due, lane_id, spike_tick[spike] + lane.delay, spike_offset[spike])
                else:
                    take_out(arrival_heap, arrival_due, lane_id)
            busy += n_touched
            for k in range(n_touched):
                n = touched[k]
                cell = cells[n]
                kind = kinds[cell.kind]
                if kind.family != ESCAPE and _above(kind, cell.x) and not _refractory(cell, kind, tick, offset):
                    if crossing_due[n].place:
                        take_out(crossing_heap, crossing_due, n)
                    fired[n_fired] = n
                    n_fired += 1
                elif kind.restless and not _at_rest(cell, kind, crossing_due[n], horizon):
                    _foresee(cells, further, kinds, crossing_heap, crossing_due, n, tick, offset, horizon)
            while crossing_heap[0]:
                n = crossing_heap[1]
                if crossing_due[n].tick != tick or crossing_due[n].offset != offset:
                    break
                take_out(crossing_heap, crossing_due, n)
                cell = cells[n]
                kind = kinds[cell.kind]
                _move(cell, kind, further[n], tick, offset)
                if kind.family != ESCAPE and not cell.x > kind.theta:
                    cell.x = kind.theta
                fired[n_fired] = n
                n_fired += 1
            if n_fired == 0:
                break
            if n_fired > 1:
                fired[:n_fired].sort()
            rounds += 1
            stormy |= rounds > cells.size + _SPARE_ROUNDS
    registers[CURSOR], registers[SPIKES], registers[STAMP] = cursor, spikes, stamp
    registers[HORIZON], registers[WINDOW] = horizon, window
    return stormy, spike_tick, spike_offset, spike_neuron, spike_next


@njit
def settle(neurons, tick):
    """Bring every neuron's state to a tick before which all events were handled."""
    for n in range(neurons.cells.size):
        cell = neurons.cells[n]
        kind = neurons.kinds[cell.kind]
        if kind.family != SOURCE:
            _move(cell, kind, neurons.further[n], tick, 0.0)
