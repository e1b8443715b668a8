"""The greedy placer: cores grow by the neuron most of whose axons arrive at the core already.

A neuron joins at the price of the axons that it alone would bring, since each is a message for every spike. So the
next one is that with the largest part of its axons on the core, the first by id among equals of one step; a core that
nothing is related to begins with the first neuron that is left. Axons that reach more than a tenth of all neurons tell
none from another and are not looked at.
"""

import numpy as np

from eventsim.code_cache import cached_njit
from hardware_models.placing.placers.fill import ask, hold
from hardware_models.placing.resources import allowed
from hardware_models.placing.splitters import relays

__all__ = ["greedy_order"]

_STEPS = 128  # in which the part of a neuron's axons is told
#: An axon to more than one in so many neurons, and to more than this number, tells nothing of who belongs together, and
#: takes long to look at. Measured: of eight networks of 400 to 28,000 neurons 1 in place of 64 changes none.
_TOO_WIDE, _NEVER_WIDE = 10, 64


def greedy_order(wires):
    """(order, part), as `fill` takes them.

    How many cores a neuron reaches is not known beforehand. Cores are grown twice: as if each axon reached one, and, if
    what they then reach is too much for some, with as many as were reached.
    """
    cores, limits = np.zeros(wires.n, dtype=np.int32), allowed(wires.chip)
    out_start, out_position = wires.by_axon
    for _ in range(2):
        reached = wires.reached(cores)
        extra = relays(reached, wires.chip)
        out = reached + (extra > 0)
        taken = (np.bincount(cores, each).max(initial=0) for each in (1 + extra, out))
        if cores.any() and all(np.less_equal(list(taken), limits[[0, 3]])):
            break
        order, part = _grow((wires.in_start, wires.in_axon, wires.in_size), wires.longest, wires.words, extra, out,
                            limits, out_start, out_position, max(wires.n // _TOO_WIDE, _NEVER_WIDE))  # fmt: skip
        cores[order] = part
    return order, part


@cached_njit()
def _grow(wired, longest, words, extra, out, limits, start, position, too_wide):
    n, n_axons = longest.size, start.size - 1
    order, part = np.empty(n, np.int64), np.empty(n, np.int64)
    shared, placed = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    head = np.full(_STEPS + 1, -1, np.int64)  # first of each step's list of neurons, linked both ways
    after_it, before_it = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    touched, n_touched = np.empty(n, np.int64), 0
    held, held_by = np.zeros(n_axons, np.int64), np.full(n_axons, -1, np.int32)
    used, after = np.zeros(6, np.int64), np.zeros(6, np.int64)
    core = top = first = count = 0
    while count < n:
        while top > 0 and head[top] < 0:
            top -= 1
        p = head[top] if top > 0 else -1
        if p < 0:
            while placed[first]:
                first += 1
            p = first
        ask(after, used, p, core, wired, longest, words, extra, out, held, held_by)
        if (after[:5] > limits).any() and used[0] > 0:
            core += 1
            used[:] = 0
            for k in range(n_touched):
                shared[touched[k]] = 0
            head[:] = -1
            n_touched = top = 0
            continue
        order[count], part[count], placed[p] = p, core, True
        count += 1
        used[:] = after
        if shared[p] > 0:
            _take_out(p, _step(shared[p], wired[0], p), head, after_it, before_it)
        for at in range(wired[0][p], wired[0][p + 1]):
            axon = wired[1][at]
            if held_by[axon] == core or start[axon + 1] - start[axon] > too_wide:
                continue
            for k in range(start[axon], start[axon + 1]):
                q = position[k]
                if placed[q]:
                    continue
                if shared[q] > 0:
                    _take_out(q, _step(shared[q], wired[0], q), head, after_it, before_it)
                else:
                    touched[n_touched] = q
                    n_touched += 1
                shared[q] += 1
                step = _step(shared[q], wired[0], q)
                _put_in(q, step, head, after_it, before_it)
                top = max(top, step)
        hold(p, core, wired, held, held_by)
    return order, part


@cached_njit()
def _step(shared, in_start, p):
    return max(shared * _STEPS // (in_start[p + 1] - in_start[p]), 1)


@cached_njit()
def _put_in(p, step, head, after_it, before_it):
    after_it[p], before_it[p] = head[step], -1
    if head[step] >= 0:
        before_it[head[step]] = p
    head[step] = p


@cached_njit()
def _take_out(p, step, head, after_it, before_it):
    if before_it[p] >= 0:
        after_it[before_it[p]] = after_it[p]
    else:
        head[step] = after_it[p]
    if after_it[p] >= 0:
        before_it[after_it[p]] = before_it[p]
