"""The text of a population that runs by touch, and of one that decays meanwhile; filled in as `templates` are."""

__all__ = [
    "ACTIVATE", "DECAY_AT_END", "DECAY_BEGIN", "DECAY_THRESHOLD", "DECIDED", "DOUBT", "DUE", "FORGET", "IS_IDLE",
    "LARGEST", "LEAVE", "MARK", "RESTING", "TOUCHED",
]  # fmt: skip

# A population that runs by touch.
TOUCHED = """            # {where}, by touch
            at = history_at[{k}] + slot * population_size[{k}] + base{k}
            fired = np.int64(0)
            kept = 0
            for j in range(active_count[part, {k}]):
                i = active[first{k} + j]
                stays = False
{each}                if stays:
                    active[first{k} + kept] = i
                    kept += 1
                else:
{leave}            active_count[part, {k}] = kept
            history[at:at + fired].sort()
{counted}"""

# What a delivery to a population that runs by touch does before and after its effect.
ACTIVATE = """                        if {is_idle}:
{mark}                            active[first{g} + active_count[part, {g}]] = i
                            active_count[part, {g}] += 1
"""

# Decay by touch: see `eventsim.grid.decay`. `updated` is -2 for a neuron that is looked at in the next tick. For any
# other it is twice the number of this call's ticks that its value stands for. It is 1 more when the value came by a
# closed form. A part in doubt ends the call; may_run[2] is then the tick up to which all was decided, and the state is
# not to be used any more.
DUE = """            due = 2 * (tick + 1 - first_tick)
"""

DECIDED = "before if in_doubt.any() else stop"

DOUBT = """            if in_doubt.any():
                may_run[0], may_run[2] = stop, before
"""

DECAY_BEGIN = """    powers{k} = powers[{at}:{at} + {size}]
    rest{k}, factor{k}, slack{k} = {rest}, {factor}, {slack}
    largest{k} = largest[part, {k}]
    updated{k} = updated[first{k}:first{k} + n{k}]
"""

DECAY_THRESHOLD = """                largest{k} = max(largest{k}, abs({value}))
{update}                if abs({value} - {limit}) <= 1e-12 * abs({limit}) + slack{k} * (largest{k} + abs(rest{k})):
                    if updated{k}[i] & 1:
                        in_doubt[part] = True
{each}                if condition:
                    stays = True
{spike}{fired}{forget}{resting}"""

FORGET = """                    updated{k}[i] = -2
"""

RESTING = """                if {guard} == 0.0:
                    stays = True
"""

LEAVE = """                    updated{k}[i] = due + (updated{k}[i] & 1)
"""

IS_IDLE = "updated{g}[i] >= 0"

MARK = """                            behind = (due >> 1) - (updated{g}[i] >> 1)
                            updated{g}[i] = (updated{g}[i] & 1) - 2
                            if behind > 0 and {value} != rest{g}:
                                {value} = decayed({value}, rest{g}, behind, powers{g}, factor{g})
                                updated{g}[i] = -1
"""

LARGEST = """                        largest{g} = max(largest{g}, abs({value}))
"""

DECAY_AT_END = """    largest[part, {k}] = largest{k}
    for i in range(n{k}):
        if updated{k}[i] < 0:
            continue
        behind = stop - first_tick - (updated{k}[i] >> 1)
        updated{k}[i] &= 1
        if behind > 0 and {value} != rest{k}:
            {value} = decayed({value}, rest{k}, behind, powers{k}, factor{k})
            updated{k}[i] = 1
"""
