"""The text of a population whose blocks sleep, ramps among them; filled in as `templates` are."""

__all__ = [
    "ASLEEP", "AWAKE", "CATCH_UP", "HELD", "LIMIT", "LIMITS", "MOVED", "RAMPS", "RAMPS_AT_END", "SLEEP", "SLEEP_ON",
    "SLEEP_UNMOVED", "STEPPED", "TO_FIRE", "WAKE", "WAKE_STRETCH",
]  # fmt: skip

# A population that may sleep: see `eventsim.grid.sleep`. Each block has a tick in which it is looked at next; all are
# awake when the kernel is called. What a pass held of a neuron before it is compared with what it leaves; who fires is
# looked up once the block is done. Tick 2^62 is never.
AWAKE = """    due{k} = np.full((n{k} + {size} - 1) // {size}, np.int64(first_tick))
"""

ASLEEP = """            # {where}, those awake
            at = history_at[{k}] + slot * population_size[{k}] + base{k}
            fired = np.int64(0)
            for b in range(due{k}.size):
                if due{k}[b] > tick:
                    continue
                block = b * {size}
                size = min({size}, n{k} - block)
{behind}{views}                hits, moved = 0, 0
                for i in range(size):
{each}                due{k}[b] = tick + 1
                if hits == 0:
{rest}                    continue
                fired += gather(fires, size, True, history, at + fired, base{k} + block)
{counted}"""

HELD = """                    held{n} = {place}
"""

MOVED = """                    moved += 1 if {place} != held{n} else 0
"""

TO_FIRE = """                    fires[i] = condition
                    hits += 1 if condition else 0
"""

SLEEP = """                    due{k}[b] = 1 << 62
"""

SLEEP_UNMOVED = """                    if moved == 0:
                        due{k}[b] = 1 << 62
"""

# A delivery wakes the blocks that it reaches, before it does anything to them.
WAKE = """                        b = np.int64(np.uint64(i) // np.uint64({size}))
{behind}                        due{g}[b] = tick
"""

WAKE_STRETCH = """                        last_neuron = np.uint64(begin) + np.uint64(size) - np.uint64(1)
                        last_block = np.int64(last_neuron // np.uint64({size}))
                        for b in range(np.int64(np.uint64(begin) // np.uint64({size})), last_block + 1):
{behind}                            due{g}[b] = tick
"""

# A population of ramps: see `eventsim.grid.ramps`. Each block has a tick up to the start of which it was brought. Its
# limits are a parameter, or made of what stays as it is.
RAMPS = """    seen{k} = np.full(due{k}.size, np.int64(first_tick))
    scale{k}, reach{k} = {scale}, {reach}
{limits}"""

LIMIT = """    limit{k} = {limit}
"""

LIMITS = """    limit{k} = np.empty(n{k})
    for i in range(n{k}):
        limit{k}[i] = {limit}
"""

CATCH_UP = """{indent}catch_up({variable}, {slope}, scale{k}, seen{k}, b, np.int64({tick}))
"""

STEPPED = """                seen{k}[b] = tick + 1
"""

SLEEP_ON = """                    due{k}[b] = tick + ticks_to_go({variable}, {slope}, scale{k}, limit{k}, reach{k}, b)
"""

RAMPS_AT_END = """    for b in range(seen{k}.size):
"""
