"""What a spike sends, and the counters: a delivery is counted where it is scattered, and nowhere else."""

import numpy as np
from numba import njit

from eventsim.continuous.arrays import BUSY, NOTED, ROWS, TOTAL
from eventsim.continuous.cell import is_shut, move
from eventsim.continuous.queue import put, sort
from eventsim.counts import KINDS, MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS
from eventsim.machine import ask_for

__all__ = ["ask_for_spikes", "ask_for_synapses", "close_tick", "count_spike", "deliver", "emit", "row_of"]

_N_KINDS = len(KINDS)

#: Deliveries for which a cell is asked for ahead of time: it is in no cache. Nor is where a spike's synapses begin.
_AHEAD, _SPIKES_AHEAD = 16, 4

#: Counts that are looked at in the time in which one is sorted.
_LOOKS_PER_SORTED = 16


@njit
def _count(tally, noted, registers, place):
    if tally[place] == 0:
        noted[registers[NOTED]] = place
        registers[NOTED] += 1
    tally[place] += 1


@njit(forceinline=True)
def ask_for_spikes(neurons, counters, fired, f, n_fired):
    """Have what spikes to come read on its way into the cache, for spike `f` of those that fired."""
    n = fired[min(f + 2 * _SPIKES_AHEAD, n_fired - 1)]
    ask_for(neurons.cells, n)
    ask_for(counters.slot_of, n)
    ask_for(counters.reach_at, n)
    ask_for(counters.reach, counters.reach_at[fired[min(f + _SPIKES_AHEAD, n_fired - 1)]])


@njit(forceinline=True)
def _row(pathway, lane, neuron):
    return pathway.rows_at + (neuron - pathway.source_start) * pathway.n_delays + lane.delay_index


@njit(forceinline=True)
def row_of(wires, lane, neuron):
    """First synapse, and last + 1, of a neuron over a lane."""
    pathway = wires.pathways[lane.pathway]
    row = _row(pathway, lane, neuron)
    return pathway.first + wires.rows[row], pathway.first + wires.rows[row + 1]


@njit(forceinline=True)
def ask_for_synapses(neurons, wires, counters, first, stop):
    """Have the first synapses of a row, and the cells that they reach, on their way into the cache."""
    for synapse in range(first, min(first + _AHEAD, stop)):
        ask_for(neurons.cells, np.int64(wires.post[synapse]))
        ask_for(counters.slot_of, np.int64(wires.post[synapse]))
    ask_for(wires.weight, first)


@njit(forceinline=True)
def emit(neurons, wires, arrivals, spikes, population, spike):
    """Append a spike to the list of its population, and wake the lanes that wait for one."""
    last = neurons.newest[population]
    spikes[spike].next = -1
    if last >= 0:
        spikes[last].next = spike
    neurons.newest[population] = spike
    for k in range(wires.lanes_at[population], wires.lanes_at[population + 1]):
        lane = wires.lanes[wires.lanes_of[k]]
        ask_for(wires.rows, _row(wires.pathways[lane.pathway], lane, spikes[spike].neuron))
        if lane.spike < 0:
            lane.spike = spike
            put(arrivals.heap, arrivals.due, wires.lanes_of[k], spikes[spike].tick + lane.delay, spikes[spike].offset)


@njit(forceinline=True)
def count_spike(counters, registers, n):
    """Count a spike, and one message to each core that it reaches."""
    registers[TOTAL] += 1
    tally, noted, here = counters.tally, counters.noted, counters.slot_of[n]
    _count(tally, noted, registers, here * _N_KINDS + SPIKES)
    for k in range(counters.reach_at[n], counters.reach_at[n + 1]):
        there = counters.reach[k]
        counters.messages[here, there] += 1
        _count(tally, noted, registers, here * _N_KINDS + MESSAGES_OUT)
        _count(tally, noted, registers, there * _N_KINDS + MESSAGES_IN)


@njit
def close_tick(counters, registers, tick):
    """Write the counts of a tick as rows, by core and kind, and begin anew."""
    noted, tally, n_noted, rows = counters.noted, counters.tally, registers[NOTED], registers[ROWS]
    if tally.size < _LOOKS_PER_SORTED * n_noted:
        n_noted = 0
        for place in range(tally.size):
            noted[n_noted] = place
            n_noted += tally[place] > 0
    else:
        sort(noted, n_noted)
    for k in range(n_noted):
        place = noted[k]
        counters.row_tick[rows], counters.row_core[rows] = tick, place // _N_KINDS - 1
        counters.row_kind[rows], counters.row_count[rows] = place % _N_KINDS, tally[place]
        tally[place] = 0
        rows += 1
    registers[NOTED], registers[ROWS] = 0, rows


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


@njit(forceinline=True)
def deliver(neurons, wires, counters, registers, lane, first, stop, following, tick, offset, stamp, touched,
            n_touched):  # fmt: skip
    """Deliver one spike over one lane: synapses `first` to `stop` - 1; those from `following` on come next.

    A neuron that this round has reached is marked with `stamp`, and with `stamp` + 1 when it is listed in `touched`:
    when it may fire in this round or, by itself, later. Most do neither, and are not looked at again.

    Returns
    -------
    int
        How many neurons are listed so far.
    """
    pathway = wires.pathways[lane.pathway]
    plain, weighted, post, weight = pathway.plain, pathway.weighted, wires.post, wires.weight
    cells, further, kinds, slot_of = neurons.cells, neurons.further, neurons.kinds, counters.slot_of
    tally, noted, n_noted, n_reached = counters.tally, counters.noted, registers[NOTED], 0
    ask_for(post, following)
    ask_for(weight, following)
    for synapse in range(first, stop):
        n, w = np.int64(post[synapse]), weight[synapse]
        beyond = synapse + _AHEAD - stop
        ahead = np.int64(post[min(following + beyond if beyond >= 0 else stop + beyond, post.size - 1)])
        ask_for(cells, ahead)
        ask_for(slot_of, ahead)
        cell, more = cells[n], further[n]
        kind = kinds[cell.kind]
        if cell.mark < stamp:
            cell.mark = stamp
            n_reached += 1
            move(cell, kind, more, tick, offset)
        shut = is_shut(cell, kind, tick, offset)
        if not plain:
            _affect(cell, more, wires, pathway, n, w, shut)
        elif not shut:
            cell.x += w
        if cell.mark == stamp and (kind.restless or cell.x >= kind.theta):
            cell.mark += 1
            touched[n_touched] = n
            n_touched += 1
        cell.received_count += 1
        cell.received_weight += w
        place = slot_of[n] * _N_KINDS + SYNAPTIC_EVENTS
        if tally[place] == 0:
            noted[n_noted] = place
            n_noted += 1
        tally[place] += 1
        if weighted and w == 0.0:
            place += ZERO_WEIGHT_EVENTS - SYNAPTIC_EVENTS
            if tally[place] == 0:
                noted[n_noted] = place
                n_noted += 1
            tally[place] += 1
    registers[NOTED] = n_noted
    registers[BUSY] += n_reached
    counters.delivered[lane.pathway] += stop - first
    return n_touched
