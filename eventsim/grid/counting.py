"""What every grid kernel does besides its model: counters, and the record of spikes and samples.

Deliveries are counted row by row: a row, the synapses of one sender with one delay onto one part, is counted where the
kernel has just delivered it, and then only. Two things are counted of it: that it was delivered once more, and what it
adds to each core; both are read with the lists that it was delivered from (`eventsim.grid.spread`,
`eventsim.grid.totals`). Spikes and messages are counted where the spikes of a population are announced, in the tick in
which they are found: to each core that the synapses of the neuron reach, in the wiring that this very run was laid out
from. How many messages went from which core to which follows at the end, from the spikes the kernel counted of each
neuron. Nothing is read off a recorded spike or an out-degree: a recount from the trace has nothing in common with this
but the network.
"""

import numpy as np
from numba import njit

from eventsim.counts import MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS
from eventsim.machine import ask_for, ask_for_row

__all__ = ["announce", "collect", "count_rows", "may_run_to", "sample"]


@njit(cache=True, nogil=True, error_model="numpy")
def announce(fired, start, tally, sent, core_of, reach_count, reach, reach_at, reaches):
    """Count the spikes of one population, and for each the message to each core that it reaches.

    Parameters
    ----------
    fired : (n_spikes,) int
        Neurons, counted from the population's first, which is neuron `start`.
    tally : (kinds, cores) int64
        Of this part and tick.
    reach_count, reach, reach_at, reaches
        The cores that each neuron reaches; see `eventsim.grid.reach`.
    """
    n_words = reaches.size // sent.size
    messages = np.zeros(n_words, dtype=np.uint64)
    for j in range(fired.size):
        if j + 8 < fired.size:  # the lists are far apart in memory
            ahead = start + fired[j + 8]
            if n_words:
                ask_for_row(reaches, ahead * n_words, (ahead + 1) * n_words)
            else:
                ask_for(reach, reach_at[ahead])
        neuron = start + fired[j]
        here = core_of[neuron] + 1
        sent[neuron] += 1
        tally[SPIKES, here] += 1
        tally[MESSAGES_OUT, here] += reach_count[neuron]
        if n_words:
            for word in range(n_words):
                messages[word] += reaches[neuron * n_words + word]
            if j % 255 == 254:  # a byte holds no more
                _count_messages(messages, tally)
        else:
            for r in range(reach_at[neuron], reach_at[neuron + 1]):
                tally[MESSAGES_IN, np.intp(reach[r]) + 1] += 1
    _count_messages(messages, tally)


@njit(cache=True, nogil=True, error_model="numpy")
def _count_messages(messages, tally):
    """Add to the tally what was counted in bytes, and begin to count anew."""
    in_bytes = messages.view(np.uint8)
    for core in range(min(in_bytes.size, tally.shape[1] - 1)):
        tally[MESSAGES_IN, core + 1] += np.int64(in_bytes[core])
    messages[:] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def count_rows(landed, done, spread, first_row, row_times, lanes, lane_sums, entry_at, entry_cell, entry_count, tally):
    """Count the rows that a pathway delivered to this part in this tick, and their deliveries by core.

    Parameters
    ----------
    landed : (n_rows,) int64
        The rows; `first_row` is the pathway's first.
    done : int
        Deliveries.
    spread : (4,) int64
        Lanes of a row, its first cell, cells, and where lanes or lists begin; see `eventsim.grid.spread`.
    row_times : uint32 or int64
        How many times each row was delivered.
    lane_sums : uint16
        Zeros, as many as a row has lanes.
    tally : (kinds, cores) int64
    """
    n_lanes, lowest, n, at = spread
    for j in range(landed.size):
        if j + 8 < landed.size:
            ask_for(row_times, landed[j + 8])
        row_times[landed[j]] += 1
    cells = tally.reshape(tally.size)
    if n_lanes == 1:
        cells[lowest] += done
    elif n_lanes > 1:
        for j in range(landed.size):
            if j + 8 < landed.size:
                ahead = at + (landed[j + 8] - first_row) * n_lanes
                ask_for_row(lanes, ahead, ahead + n_lanes)
            first = np.uint64(at + (landed[j] - first_row) * n_lanes)
            for lane in range(np.uint64(n_lanes)):
                lane_sums[lane] += lanes[first + lane]
            if j % 257 == 256:  # sixteen bits hold no more bytes
                _count_lanes(lane_sums, n_lanes, lowest, n, tally)
        _count_lanes(lane_sums, n_lanes, lowest, n, tally)
    else:
        for j in range(landed.size):
            if j + 8 < landed.size:
                ahead = entry_at[at + landed[j + 8] - first_row]
                ask_for(entry_cell, ahead)
                ask_for(entry_count, ahead)
            row = at + landed[j] - first_row
            for entry in range(np.uint64(entry_at[row]), np.uint64(entry_at[row + 1])):
                cells[np.uint64(entry_cell[entry])] += entry_count[entry]


@njit(cache=True, nogil=True, error_model="numpy")
def _count_lanes(lane_sums, n_lanes, lowest, n, tally):
    """Add to the tally what was counted in lanes, and begin to count anew."""
    cells, to_zero = tally.reshape(tally.size), (ZERO_WEIGHT_EVENTS - SYNAPTIC_EVENTS) * tally.shape[1]
    for lane in range(n):
        cells[lowest + lane] += lane_sums[lane]
    if n_lanes >= 2 * n:
        for lane in range(n):
            cells[lowest + to_zero + lane] += lane_sums[n + lane]
    lane_sums[:n_lanes] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def sample(tick, may_run, record_every, recorded_at, state, held, sample_tick, sample_value, filled):
    """Record the state at the start of `tick` if it is due; returns up to where parts may run before the next time.

    The value of a neuron that is parked is the one that is held for it.
    """
    if tick % record_every == 0:
        if filled[2] == sample_tick.size:
            return tick
        sample_tick[filled[2]] = tick
        for r in range(recorded_at.size):
            value = state[recorded_at[r]]
            if value == -np.inf and held.size:
                value = held[recorded_at[r]]
            sample_value[filled[2] * recorded_at.size + r] = value
        filled[2] += 1
    return min(may_run, tick + record_every - tick % record_every)


@njit(cache=True, nogil=True, error_model="numpy")
def may_run_to(tick, last_tick, span, filled, n_neurons, spike_room, row_room, rows_per_tick):
    """The tick up to which all parts may run before they are collected again; `tick` itself when a buffer is full."""
    ahead = min(span, last_tick - tick)
    if filled[3] >= filled[4] or ahead <= 0 or spike_room < n_neurons or row_room < rows_per_tick:
        return tick
    if spike_room < ahead * n_neurons or row_room < ahead * rows_per_tick or filled[4] < 2**62:
        ahead = 1
    return tick + ahead


@njit(cache=True, nogil=True, error_model="numpy")
def collect(first, stop, history, history_at, history_count, population_start, population_size, bounds, tally, busy,
            spike_tick, spike_neuron, row_tick, row_core, row_kind, row_count, filled):  # fmt: skip
    """Append the spikes and counts of ticks first, ..., stop - 1 to the buffers."""
    n_parts, depth, n_kinds, n_cores = tally.shape
    spikes, rows, before = filled[0], filled[1], filled[0]
    for tick in range(first, stop):
        slot, now = tick % history_count.shape[1], tick % depth
        for k in range(population_size.size):
            for part in range(n_parts):
                at = history_at[k] + slot * population_size[k] + bounds[part, k]
                for j in range(history_count[k, slot, part]):
                    neuron = population_start[k] + history[at + j]
                    spike_tick[spikes], spike_neuron[spikes] = tick, neuron
                    spikes += 1
        is_busy = False
        for part in range(n_parts):
            is_busy |= busy[part, now]
            busy[part, now] = False
        if is_busy:
            for core in range(n_cores):
                for kind in range(n_kinds):
                    count = 0
                    for part in range(n_parts):
                        count += tally[part, now, kind, core]
                        tally[part, now, kind, core] = 0
                    if count:
                        row_tick[rows], row_core[rows] = tick, core - 1
                        row_kind[rows], row_count[rows] = kind, count
                        rows += 1
    filled[0], filled[1] = spikes, rows
    filled[3] += spikes - before
