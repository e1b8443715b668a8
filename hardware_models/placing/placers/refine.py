"""refine: neurons change cores as long as that leaves fewer distinct (axon, core) pairs, within every limit.

A neuron that goes takes the pairs with it that it alone kept alive, and makes those that its new core lacks. One by
one, in order, each goes where most pairs are saved, if any are; several passes, until one changes nothing. (The move of
C. M. Fiduccia and R. M. Mattheyses, DAC 1982, without its climbing out of local minima.)
"""

import numpy as np

from eventsim.code_cache import cached_njit
from hardware_models.placing.resources import allowed

__all__ = ["refine"]

#: At most. Measured on 100,000 clustered neurons: the fifth changes one message in a million, a ninth none; one alone
#: leaves 0.2 % more.
_PASSES = 8


def refine(wires, cores):
    """(n,) int32: cores of the positions, with no more pairs than before; what respects the limits still does."""
    if wires.n == 0:
        return cores
    start, _ = wires.by_axon
    targets = wires.chip.limits.targets_per_neuron
    fixed = (wires.in_start, wires.in_axon, wires.in_size, wires.sender, wires.longest, wires.words, start,
             targets.value if targets else 0)  # fmt: skip
    n_wires = wires.in_axon.size
    state = (np.full(wires.n, -1, np.int32), np.zeros(wires.n, np.int64), np.zeros((int(cores.max()) + 1, 6), np.int64),
             np.zeros(wires.n_axons, np.int64), np.empty(n_wires, np.int32), np.zeros(n_wires, np.int64))  # fmt: skip
    _improve(cores, fixed, state, allowed(wires.chip), _PASSES)
    return np.unique(state[0], return_inverse=True)[1].astype(np.int32)


# In what follows, `fixed` holds the wires by target, each axon's sender and first entry, and how many axons a neuron
# may send to (0: any). `state` holds the core of each position (-1: none yet), the pairs that each position sends to,
# what each core holds of RESOURCES and then its longest delay, and where each axon arrives: how many cores, and from
# its first entry on those cores and the synapses there.


@cached_njit()
def _improve(cores, fixed, state, limits, passes):
    home, used = state[0], state[2]
    n_cores = used.shape[0]
    for p in range(cores.size):
        _join(p, cores[p], fixed, state)
    present, seen = np.zeros(n_cores, np.int64), np.empty(n_cores, np.int64)
    for _ in range(passes):
        moved = 0
        for p in range(cores.size):
            here = home[p]
            goal = _best(p, fixed, state, present, seen)
            if goal < 0:
                continue
            longest = used[goal, 5]
            _leave(p, fixed, state)
            _join(p, goal, fixed, state)
            if _fits(p, fixed, state, limits):
                moved += 1
            else:
                _leave(p, fixed, state)
                used[goal, 5] = longest
                _join(p, here, fixed, state)
        if moved == 0:
            break


@cached_njit()
def _best(p, fixed, state, present, seen):
    """The core, other than its own, at which position p saves most pairs; -1 when it saves none anywhere."""
    in_start, in_axon, in_size, first = fixed[0], fixed[1], fixed[2], fixed[6]
    home, n_cores, core, synapses = state[0], state[3], state[4], state[5]
    alone = n_seen = 0
    for at in range(in_start[p], in_start[p + 1]):
        axon = in_axon[at]
        for k in range(first[axon], first[axon] + n_cores[axon]):
            c = core[k]
            if c == home[p]:
                alone += synapses[k] == in_size[at]
                continue
            if present[c] == 0:
                seen[n_seen] = c
                n_seen += 1
            present[c] += 1
    goal, best = -1, in_start[p + 1] - in_start[p] - alone
    for k in range(n_seen):
        c = seen[k]
        if present[c] > best or (goal >= 0 and present[c] == best and c < goal):
            goal, best = c, present[c]
        present[c] = 0
    return goal


@cached_njit()
def _fits(p, fixed, state, limits):
    """Whether the core of position p, and those of whoever sends to it, hold no more than they may."""
    in_start, in_axon, sender = fixed[0], fixed[1], fixed[3]
    home, used = state[0], state[2]
    if not _within(used[home[p]], limits):
        return False
    for at in range(in_start[p], in_start[p + 1]):
        s = sender[in_axon[at]]
        if s >= 0 and not _within(used[home[s]], limits):
            return False
    return True


@cached_njit()
def _within(held, limits):
    return (held[:4] <= limits[:4]).all() and held[0] * held[5] <= limits[4]


@cached_njit()
def _join(p, c, fixed, state):
    in_start, in_axon, in_size, longest, words = fixed[0], fixed[1], fixed[2], fixed[4], fixed[5]
    home, used = state[0], state[2]
    for at in range(in_start[p], in_start[p + 1]):
        before = _arrive(in_axon[at], c, in_size[at], fixed, state)
        used[c, 1] += words[before + in_size[at]] - words[before]
        if before == 0:
            used[c, 2] += 1
            _sends(in_axon[at], 1, fixed, state)
    home[p] = c
    used[c, 5] = max(used[c, 5], longest[p])
    _book(p, 1, fixed, state)


@cached_njit()
def _leave(p, fixed, state):
    in_start, in_axon, in_size, words = fixed[0], fixed[1], fixed[2], fixed[5]
    home, used = state[0], state[2]
    c = home[p]
    _book(p, -1, fixed, state)
    home[p] = -1
    for at in range(in_start[p], in_start[p + 1]):
        left = _depart(in_axon[at], c, in_size[at], fixed, state)
        used[c, 1] -= words[left + in_size[at]] - words[left]
        if left == 0:
            used[c, 2] -= 1
            _sends(in_axon[at], -1, fixed, state)


@cached_njit()
def _sends(axon, more, fixed, state):
    """The neuron of an axon sends to one pair more, or less."""
    s = fixed[3][axon]
    if s < 0:
        return
    if state[0][s] >= 0:
        _book(s, -1, fixed, state)
    state[1][s] += more
    if state[0][s] >= 0:
        _book(s, 1, fixed, state)


@cached_njit()
def _book(p, sign, fixed, state):
    """What position p itself takes of its core: neurons with relays, their axon, and output axons."""
    targets, reached, held = fixed[7], state[1][p], state[2][state[0][p]]
    relays = -(-reached // targets) if 0 < targets < reached else 0
    held[0] += sign * (1 + relays)
    held[1] += sign * relays
    held[2] += sign * (relays > 0)
    held[3] += sign * (reached + (relays > 0))


@cached_njit()
def _arrive(axon, c, size, fixed, state):
    """Synapses of the axon at core c before these came; a pair that is new gets an entry."""
    first, n_cores, core, synapses = fixed[6], state[3], state[4], state[5]
    k = _entry(axon, c, first, n_cores, core)
    if k < 0:
        k = first[axon] + n_cores[axon]
        n_cores[axon] += 1
        core[k], synapses[k] = c, 0
    synapses[k] += size
    return synapses[k] - size


@cached_njit()
def _depart(axon, c, size, fixed, state):
    """Synapses of the axon left at core c; a pair without any loses its entry."""
    first, n_cores, core, synapses = fixed[6], state[3], state[4], state[5]
    k = _entry(axon, c, first, n_cores, core)
    synapses[k] -= size
    left = synapses[k]
    if left == 0:
        n_cores[axon] -= 1
        last = first[axon] + n_cores[axon]
        core[k], synapses[k] = core[last], synapses[last]
    return left


@cached_njit()
def _entry(axon, c, first, n_cores, core):
    for k in range(first[axon], first[axon] + n_cores[axon]):
        if core[k] == c:
            return k
    return -1
