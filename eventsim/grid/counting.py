"""What every grid kernel does besides its model: counters, and the record of spikes and samples.

A delivery is counted where it is scattered: in `arrived`, sixteen bits for each neuron and class of weight, which stay
in the cache beside the state. What follows from these counts is read off them later, all neurons of a stretch at a
time: after each tick the deliveries on each core, now and then the totals of each neuron. Spikes and messages are
counted where the spikes of a population are announced, in the tick in which they are found: to each core that the
synapses of the neuron reach, in the wiring that this very run was laid out from. How many messages went from which core
to which follows at the end, from the spikes the kernel counted of each neuron (see `eventsim.grid.totals`). Nothing
is read off a recorded spike: a recount from the trace has nothing in common with this but the network.
"""

import numpy as np
from numba import njit

from eventsim.counts import MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS, ZERO_WEIGHT_EVENTS
from eventsim.machine import ask_for, ask_for_row

__all__ = ["announce", "collect", "count_landed", "gather", "may_run_to", "sample"]


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
        The cores that each neuron reaches; see `eventsim.grid.counters.reach`.
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
def count_landed(landed, counts, is_zero_class, by_core, stretch_stop, stretch_core, before, tally):
    """Count this tick's deliveries to one population, `landed` in number, by core.

    Parameters
    ----------
    landed : int
    counts : (n_classes * n,) uint16 or uint32
        Deliveries since they were last gathered, class by class.
    is_zero_class : (n_classes,) bool
    by_core : (n,) uint32
        The neurons in order of core; empty where they are in this order anyway.
    stretch_stop, stretch_core : (n_stretches,)
        Where in this order the neurons of each core end, and which core that is.
    before : (n_stretches, n_classes) int64
        Sums of `counts` at the end of the last tick.
    tally : (kinds, cores) int64
    """
    if stretch_stop.size == 1 and not is_zero_class.any():
        tally[SYNAPTIC_EVENTS, stretch_core[0] + 1] += landed
        return
    n = counts.size // is_zero_class.size
    for c in range(is_zero_class.size):
        of_class, first = counts[c * n : (c + 1) * n], 0
        for s in range(stretch_stop.size):
            total = 0
            if by_core.size:
                these = by_core[first : stretch_stop[s]]
                for i in range(these.size):
                    total += np.int64(of_class[these[i]])
            else:
                here = of_class[first : stretch_stop[s]]
                for i in range(here.size):
                    total += np.int64(here[i])
            new, before[s, c], first = total - before[s, c], total, stretch_stop[s]
            tally[SYNAPTIC_EVENTS, stretch_core[s] + 1] += new
            if is_zero_class[c]:
                tally[ZERO_WEIGHT_EVENTS, stretch_core[s] + 1] += new


@njit(cache=True, nogil=True, error_model="numpy")
def gather(counts, totals, before):
    """Add what arrived at one population to the totals of its neurons, and begin to count anew."""
    for i in range(counts.size):
        totals[i] += np.int64(counts[i])
        counts[i] = 0
    before[:] = 0


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
