"""The text that a grid kernel is made of: one template for each thing that can happen in a tick.

`{k}` is a population, `{p}` a pathway, `{s}` and `{g}` its ends; all of them numbers. See `eventsim.grid.source` for
what fills them in, and for the invariants they keep. Within a part, neurons are counted from the part's first:
`first{k}` is its id, `base{k}` its place in the population, `n{k}` how many there are.
"""

__all__ = [
    "ALL_FIRE", "ANNOUNCE", "ANY", "BLOCKS", "COLLECT", "COLLECT_ASIDE", "COME_BACK", "DRAWN", "EACH_FIRES", "EMIT",
    "FINISH_ASIDE", "FIRE", "FIRED", "LATE", "LEAST_LOGS", "MEET", "MODULE", "OF_POPULATION", "PARK", "PASS_OVER",
    "RESET", "REST", "RUN", "SPIKE", "SWEEP", "SWEEP_AND_TEST", "UNPARK", "UPDATE",
]  # fmt: skip

# Counters begin at an `np.int64`, and a pathway's number is one: what is called with a literal is compiled for each.
MODULE = '''"""Written by eventsim.grid.source; safe to delete."""
import math

import numpy as np
from eventsim.code_cache import cached_njit

from {announcing} import announce, count_announced
from {collecting} import collect, collect_spikes
from {counting} import count_rows
from {ticks} import TOGETHER, emit, gather, land, may_run_to, sample, turn_round
from eventsim.grid.ramps import catch_up, ticks_to_go
from eventsim.machine import ask_for, ask_for_row, meet, tell, use_wide_vectors, wait_for
from eventsim.philox import binomial, least_logs, normal, uniform
from eventsim.tables import clip, decayed, exprel, sign, table, timestep
'''

# The first part does what is done once for all: it collects what the others recorded, and lets the sources fire for
# the ticks to come. The others wait for it, and it for them.
RUN = """

@cached_njit(error_model="numpy", no_cfunc_wrapper=True)
def run(part, first_tick, last_tick, a):
    use_wide_vectors()
{names}    n_parts = bounds.shape[0] - 1
    depth, now_depth, per_tick = history_count.shape[2], tally.shape[1], tally.shape[2] * tally.shape[3]
    longest = depth - now_depth  # or some ticks less
    fires = np.empty(TOGETHER, np.bool_)
{views}{begin}    before = stop = first_tick
    latest = first_tick - 1
    events_before = 0
    while True:
        if part == 0:
{collect}{event_mark}            may_run[0] = may_run_to(a, stop, last_tick, {uncounted})
{event_room}{doubt}            if recorded_at.size and may_run[0] > stop:
                may_run[0] = sample(a, stop, may_run[0])
            for tick in range(stop, may_run[0]):
                slot, now = tick % depth, tick % now_depth
                here = now * per_tick
                is_busy = False
{emissions}                busy[0, now] = is_busy
        meet(meeting, part, n_parts)
        before, stop = stop, may_run[0]
        if stop == before:
            break
        for tick in range(before, stop):
            slot, now = tick % depth, tick % now_depth
            here = (part * now_depth + now) * per_tick
            is_busy = busy[part, now]
            if is_busy:
                latest = tick
{due}{phases}{late}            busy[part, now] = is_busy
        meet(meeting, part, n_parts)
{end}{finish}    return stop
"""

# Who counts: the kernel itself, in each tick; or a thread beside it, which is told how far this one ran (see
# `eventsim.grid.aside`).
COLLECT = """            collect(a, before, {collected})
"""

COLLECT_ASIDE = """            counted = {collected}
            collect_spikes(a, before, counted)
            wait_for(meeting, 1, before)
            tell(meeting, 0, 2 * counted)
"""

LATE = """            if announced[part, now]:
                count_announced(a, part, slot, here)
"""

FINISH_ASIDE = """    tell(meeting, 0, 2 * counted + 1)
"""

ANNOUNCE = """                announce(a, part, np.int64({k}), at, fired, here)
"""

MEET = """            meet(meeting, part, n_parts)
"""

# Names for the part's neurons of a population.
OF_POPULATION = """    base{k}, n{k} = bounds[part, {k}], bounds[part + 1, {k}] - bounds[part, {k}]
    first{k} = population_start[{k}] + base{k}
"""

# One spike of neuron `i` of a population.
SPIKE = """{indent}history[at + fired] = base{k} + i
{indent}fired += 1
"""

# All spikes of a population in this tick.
FIRED = """            history_count[part, {k}, slot] = fired
            if fired:
{announced}                is_busy = True
                latest = tick
"""

EMIT = """                # {where}
                fired = emit(a, np.int64({k}), tick, {is_time})
                if fired:
                    at = history_at[{k}] + slot * population_size[{k}]
{announced}                    is_busy = True
"""

UPDATE = """            # {where}
            if {is_time}:
{back}{once}{blocks}{views}                    for i in range(size):
{each}"""

# Blocks of neurons, to and fro: what one tick ends with is in the nearest cache when the next begins.
BLOCKS = """                forth = tick & 1 > 0
                for turn in range(0, n{k}, TOGETHER):
                    block = turn if forth else (n{k} - 1) // TOGETHER * TOGETHER - turn
                    size = min(TOGETHER, n{k} - block)
"""

# A block is updated and tested in one sweep. Only when something passes is it asked who may fire, `fires`, and these
# are gathered. What was found on the way back is turned round, since spikes are kept in order.
FIRE = """            # {where}
            at = history_at[{k}] + slot * population_size[{k}] + base{k}
            fired = np.int64(0)
            if {is_time}:
{back}{once}{blocks}{views}{sweep}                    for i in range(size):
{test}                        fires[i] = condition
                    found = gather(fires, size, forth, history, at + fired, base{k} + block)
{gathered}                if not forth:
                    turn_round(history, at, fired)
{counted}"""

ALL_FIRE = """                    fired += found
"""

# Of those gathered, what is asked and done one by one.
EACH_FIRES = """                    for j in range(at + fired, at + fired + found):
                        i = history[j] - base{k}
{each}{spike}{fired}"""

SWEEP = """                    for i in range(size):
{each}"""

SWEEP_AND_TEST = """                    hits = 0
                    for i in range(size):
{each}                        hits += 1 if condition else 0
                    if hits == 0:
                        continue
"""

# Neurons that fire by chance: see `eventsim.grid.chance`. `least` holds what is drawn for some steps ahead, block by
# block and in each step by step; `drawn` the first of these steps.
DRAWN = """    least{n} = np.empty({ahead} * n{k}, np.float32)
    drawn{n} = np.full((n{k} + TOGETHER - 1) // TOGETHER, -(1 << 62))
"""

LEAST_LOGS = """                    step, drawn = np.int64({step}), drawn{n}[block // TOGETHER]
                    ahead = least{n}[{ahead} * block:{ahead} * (block + size)]
                    if not drawn <= step < drawn + {ahead}:
                        keys = slice(first{k} + block, first{k} + block + size)
                        least_logs(key_lo[keys], key_hi[keys], step, {purpose}, {seed}, ahead)
                        drawn{n}[block // TOGETHER] = drawn = step
                    least = ahead[(step - drawn) * size:(step - drawn + 1) * size]
"""

ANY = """                        condition = True
"""

PASS_OVER = """                        if not condition:
                            continue
"""

# Parking: see `eventsim.grid.parking`. The queue holds those that rest, in the order in which they fired.
COME_BACK = """                while resting_count[part, {k}] > 0:
                    i = resting[first{k} + resting_head[part, {k}]]
{over}                    if not is_over:
                        break
                    {place}[i] = held_{place}[i]
                    {guard}[i] = 1.0
                    resting_head[part, {k}] = (resting_head[part, {k}] + 1) % n{k}
                    resting_count[part, {k}] -= 1
"""

REST = """                        held_{place}[i] = {place}[i]
                        {place}[i] = -np.inf
                        resting[first{k} + (resting_head[part, {k}] + resting_count[part, {k}]) % n{k}] = i
                        resting_count[part, {k}] += 1
"""

PARK = """    for j in range(resting_count[part, {k}]):
        i = resting[first{k} + (resting_head[part, {k}] + j) % n{k}]
        held_{place}[i] = {place}[i]
        {place}[i] = -np.inf
"""

UNPARK = """    for j in range(resting_count[part, {k}]):
        i = resting[first{k} + (resting_head[part, {k}] + j) % n{k}]
        {place}[i] = held_{place}[i]
"""

RESET = """            # {where}
            if {is_time}:
{once}                at = history_at[{k}] + {slot} * population_size[{k}] + base{k}
                for j in range(history_count[part, {k}, {slot}]):
                    i = history[at + j] - base{k}
{each}"""
