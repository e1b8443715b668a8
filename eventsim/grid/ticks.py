"""What every grid kernel does besides its model and its counting: who fires, which rows land, samples, how far it runs.

Places in loops are unsigned: of a signed one Numba asks each time whether it counts from the end.
"""

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.engine import NO_LIMIT
from eventsim.machine import bits_of, highest, lowest
from eventsim.outline import FOR_KERNELS, UNCOUNTED, outlined

__all__ = ["TOGETHER", "emit", "gather", "land", "may_run_to", "sample", "turn_round"]

#: Neurons of a population that are updated and tested in one sweep: 2 KB of each variable, which stay in the nearest
#: cache from the update to the test.
TOGETHER = 256

_1 = np.uint64(1)


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def emit(a, k, tick, is_time):
    """Let source population k fire, as its stimulus says, if it is time for it; returns how many neurons did."""
    stimulus_tick, stimulus_neuron, history, first = a.stimulus_tick, a.stimulus_neuron, a.history, a.cursor[k]
    slot, spike = tick % a.history_count.shape[2], first
    at = a.history_at[k] + slot * a.population_size[k]
    if is_time:
        while spike < a.stimulus_at[k + 1] and stimulus_tick[np.uint64(spike)] == tick:
            spike += 1
    for j in range(np.uint64(spike - first)):
        history[np.uint64(at) + j] = stimulus_neuron[np.uint64(first) + j]
    fired, a.cursor[k] = spike - first, spike
    a.history_count[0, k, slot] = fired
    return fired


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def gather(fires, size, forth, history, at, first):
    """Write the neurons of a block that fire into `history` from `at` on; returns how many these are.

    Parameters
    ----------
    fires : (TOGETHER,) bool
        Who fires, of the first `size` that are asked about.
    forth : bool
        In ascending order, else in descending order.
    first : int
        The number of the block's first neuron.
    """
    found, n_words = np.int64(0), (size + 63) // 64
    for turned in range(n_words):
        word = 64 * (turned if forth else n_words - 1 - turned)
        bits = np.uint64(bits_of(fires, word))
        if size - word < 64:
            bits &= (_1 << np.uint64(size - word)) - _1
        while bits:
            bit = lowest(bits) if forth else highest(bits)
            history[np.uint64(at + found)] = first + word + bit
            found += 1
            bits ^= _1 << np.uint64(bit)
    return found


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def turn_round(history, at, fired):
    """Turn round the order of `fired` neurons from `at` on."""
    for j in range(fired // 2):
        last = at + fired - 1 - j
        history[at + j], history[last] = history[last], history[at + j]


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def land(a, part, pathway, source, tick):
    """Look up the rows of a pathway that land on a part in this tick, older spikes first, then by sender.

    Those with synapses are the first of `landed`, as many as are returned.
    """
    history, history_count, rows, landed, bounds = a.history, a.history_count, a.rows, a.landed, a.bounds
    first_row, first_delay = a.rows_at[part, pathway], a.delays_at[pathway]
    n_delays, n_landed, found = a.delays_at[pathway + 1] - first_delay, np.uint64(0), landed[part]
    for d in range(n_delays - 1, -1, -1):
        past = (tick - a.delays[first_delay + d]) % history_count.shape[2]
        for q in range(bounds.shape[0] - 1):
            at = a.history_at[source] + past * a.population_size[source] + bounds[q, source]
            for j in range(np.uint64(at), np.uint64(at + history_count[q, source, past])):
                row = np.uint64(first_row + d) + np.uint64(history[j]) * np.uint64(n_delays)
                found[n_landed] = row
                n_landed += np.uint64(rows[row + _1, 0] > rows[row, 0])
    return np.int64(n_landed)


@outlined
@cached_njit(error_model="numpy", **FOR_KERNELS)
def sample(a, tick, may_run):
    """Record the state at the start of `tick` if it is due; returns up to where parts may run before the next time.

    The value of a neuron that is parked is the one that is held for it.
    """
    recorded_at, state, held, filled = a.recorded_at, a.state, a.held, a.filled
    if tick % a.record_every == 0:
        if filled[2] == a.sample_tick.size:
            return tick
        a.sample_tick[filled[2]] = tick
        for r in range(recorded_at.size):
            value = state[recorded_at[r]]
            if value == -np.inf and held.size:
                value = held[recorded_at[r]]
            a.sample_value[filled[2] * recorded_at.size + r] = value
        filled[2] += 1
    return min(may_run, tick + a.record_every - tick % a.record_every)


@outlined
@cached_njit(error_model="numpy", **FOR_KERNELS)
def may_run_to(a, tick, last_tick, uncounted):
    """The tick up to which all parts may run before they are collected again; `tick` itself when a buffer is full.

    Of so many ticks before, counts may still come.
    """
    filled, n_neurons, rows_per_tick = a.filled, a.core_of.size, a.tally.shape[2] * a.tally.shape[3] + 1
    spike_room, row_room = a.spike_tick.size - filled[0], a.row_of_counts.size - filled[1] - uncounted * rows_per_tick
    ahead = min(a.may_run[1], last_tick - tick)
    if filled[3] >= filled[4] or ahead <= 0 or spike_room < n_neurons or row_room < rows_per_tick:
        return tick
    if spike_room < ahead * n_neurons or row_room < ahead * rows_per_tick or filled[4] < NO_LIMIT:
        ahead = 1
    return tick + ahead
