"""The text that a grid kernel is made of: one template for each thing that can happen in a tick.

`{k}` is a population, `{p}` a pathway, `{s}` and `{g}` its ends; all of them numbers. See `eventsim.grid_source` for
what fills them in, and for the invariants they keep.
"""

__all__ = [
    "PARALLEL",
    "MODULE",
    "PHASE",
    "EMISSIONS",
    "RUN",
    "SPIKE",
    "EMIT",
    "UPDATE",
    "FIRE",
    "UPDATE_BLOCK",
    "TEST_BLOCK",
    "TOUCHED",
    "TOUCHED_UPDATE",
    "TOUCHED_THRESHOLD",
    "TOUCH",
    "RESET",
    "DELIVER",
    "ZERO",
]

# Phases must not be fused: the parts meet between them.
PARALLEL = ', parallel={"fusion": False}'

MODULE = '''"""Written by eventsim.grid_source; safe to delete."""
import math

from numba import njit, prange

from eventsim.philox import normal, uniform
from eventsim.tables import clip, exprel, table, timestep
'''

PHASE = """

@njit(cache=True, nogil=True, error_model="numpy")
def phase_{number}(part, tick, a):
{names}{views}    n_parts, n_kinds, n_cores = tally.shape
    slot = tick % history_count.shape[1]
    busy_here = 0
{body}    busy[part] += busy_here
"""

# The source neurons fire as the stimulus says; a part of their own, the first, holds all their spikes.
EMISSIONS = """

@njit(cache=True, nogil=True, error_model="numpy")
def emissions(tick, a):
{names}    part = 0
    slot = tick % history_count.shape[1]
    busy_here = 0
{body}    busy[part] += busy_here
"""

RUN = """

@njit(cache=True, nogil=True, error_model="numpy"{parallel})
def {name}(first_tick, last_tick, a):
{names}    n_parts, n_kinds, n_cores = tally.shape
    depth = history_count.shape[1]
    spikes, counts = filled[0], filled[1]
    tick = first_tick
    samples, n_recorded = filled[2], recorded_at.size
    while tick < last_tick and filled[3] < filled[4]:
        if spike_tick.size - spikes < core_of.size or row_tick.size - counts < n_kinds * n_cores:
            break
        if n_recorded and tick % record_every == 0:
            if sample_tick.size == samples:
                break
            sample_tick[samples] = tick
            for r in range(n_recorded):
                sample_value[samples * n_recorded + r] = state[recorded_at[r]]
            samples += 1
        emissions(tick, a)
{phases}        slot = tick % depth
        for k in range(population_size.size):
            for part in range(n_parts):
                at = history_at[k] + slot * population_size[k] + bounds[part, k]
                for j in range(history_count[k, slot, part]):
                    neuron = population_start[k] + history[at + j]
                    spike_tick[spikes], spike_neuron[spikes] = tick, neuron
                    spikes += 1
                filled[3] += history_count[k, slot, part]
        if busy.any():
            busy[:] = 0
            for core in range(n_cores):
                for kind in range(n_kinds):
                    count = 0
                    for part in range(n_parts):
                        count += tally[part, kind, core]
                        tally[part, kind, core] = 0
                    if count:
                        row_tick[counts], row_core[counts] = tick, core - 1
                        row_kind[counts], row_count[counts] = kind, count
                        counts += 1
        tick += 1
    filled[0], filled[1], filled[2] = spikes, counts, samples
    return tick
"""

# One spike of neuron `i` of a population: remembered, counted, and announced to each core it reaches.
SPIKE = """
                neuron = population_start[{k}] + i
                history[at + fired] = i
                fired += 1
                here = core_of[neuron] + 1
                tally[part, {spikes}, here] += 1
                for r in range(reach_at[neuron], reach_at[neuron + 1]):
                    there = reach[r] + 1
                    messages[part, here, there] += 1
                    tally[part, {messages_out}, here] += 1
                    tally[part, {messages_in}, there] += 1
"""

EMIT = """    # {where}
    at = history_at[{k}] + slot * population_size[{k}]
    fired = 0
    if tick % {every} == 0:
            while cursor[{k}] < stimulus_at[{k} + 1] and stimulus_tick[cursor[{k}]] == tick:
                i = stimulus_neuron[cursor[{k}]]
                cursor[{k}] += 1{spike}    history_count[{k}, slot, part] = fired
    busy_here += fired
"""

UPDATE = """    # {where}
    if tick % {every} == 0:
{once}        for i in range(bounds[part, {k}], bounds[part + 1, {k}]):
{each}"""

# A block is updated, then tested as a whole, and only searched for those that fire when there are any.
FIRE = """    # {where}
    at = history_at[{k}] + slot * population_size[{k}] + bounds[part, {k}]
    fired = 0
    if tick % {every} == 0:
{once}        for block in range(bounds[part, {k}], bounds[part + 1, {k}], 256):
            stop = min(block + 256, bounds[part + 1, {k}])
{update}{test}            for i in range(block, stop):
{each}                if not condition:
                    continue{spike}{fired}    history_count[{k}, slot, part] = fired
    busy_here += fired
"""

UPDATE_BLOCK = """            for i in range(block, stop):
{each}"""

TEST_BLOCK = """            hits = 0
            for i in range(block, stop):
{each}                hits += 1 if condition else 0
            if hits == 0:
                continue
"""

# The same for a population that runs by touch.
TOUCHED = """    # {where}, by touch
    at = history_at[{k}] + slot * population_size[{k}] + bounds[part, {k}]
    first_active = population_start[{k}] + bounds[part, {k}]
    fired = 0
    kept = 0
    for j in range(active_count[part, {k}]):
            i = active[first_active + j]
            stays = False
{each}            if stays:
                active[first_active + kept] = i
                kept += 1
            else:
                is_active[population_start[{k}] + i] = False
    active_count[part, {k}] = kept
    history[at:at + fired].sort()
    history_count[{k}, slot, part] = fired
    busy_here += fired
"""

TOUCHED_UPDATE = """            if {place} != {value}:
                stays = True
            {place} = {value}
"""

TOUCHED_THRESHOLD = """{each}            if condition:
                stays = True{spike}"""

TOUCH = """                        if not is_active[neuron]:
                            is_active[neuron] = True
                            active[population_start[{g}] + bounds[part, {g}] + active_count[part, {g}]] = i_post
                            active_count[part, {g}] += 1
"""

RESET = """    # {where}
    if tick % {every} == 0:
{once}        at = history_at[{k}] + slot * population_size[{k}] + bounds[part, {k}]
        for j in range(history_count[{k}, slot, part]):
            i = history[at + j]
{each}"""

DELIVER = """    # {where}
    if tick % {every} == 0:
        n_delays = delays_at[{p} + 1] - delays_at[{p}]
        first = first_synapse[part, {p}]
        for d in range(n_delays - 1, -1, -1):
            past = (tick - delays[delays_at[{p}] + d]) % history_count.shape[1]
            for q in range(n_parts):
                at = history_at[{s}] + past * population_size[{s}] + bounds[q, {s}]
                for j in range(history_count[{s}, past, q]):
                    row = rows_at[part, {p}] + history[at + j] * n_delays + d
                    for synapse in range(first + rows[row], first + rows[row + 1]):
                        neuron = post[synapse]
                        i_post = neuron - population_start[{g}]
                        w = weight[synapse]
{effects}{touch}                        received_count[neuron] += 1
                        received_weight[neuron] += w
                        delivered[part, {p}] += 1
                        tally[part, {synaptic_events}, core_of[neuron] + 1] += 1
                        busy_here += 1
{zero}"""

ZERO = """                        if w == 0.0:
                            tally[part, {zero_weight_events}, core_of[neuron] + 1] += 1
"""
