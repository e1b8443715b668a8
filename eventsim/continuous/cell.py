"""One neuron of the event kernel: it is moved to a time, foreseen to fire, and fires.

A neuron's state belongs to the time of its last event; nothing happened to it since.
"""

import math

from numba import njit

from eventsim.continuous.queue import before, elapsed, later, put, take_out
from eventsim.neurons import ADAPTIVE, ESCAPE, GATE, LEAKY, SOURCE, advance, crossing, threshold
from eventsim.philox import uniform

__all__ = ["above", "at_rest", "fire", "foresee", "is_shut", "move", "refractory", "to_threshold"]


@njit(forceinline=True)
def move(cell, kind, more, tick, offset):
    """Bring a neuron's state to a time at which it has not crossed yet."""
    ticks = elapsed(tick, offset, cell.tick, cell.offset)
    if ticks > 0.0:
        if kind.guarded and before(cell.tick, cell.offset, cell.release_tick, cell.release_offset):
            still = elapsed(cell.release_tick, cell.release_offset, cell.tick, cell.offset)
            if kind.family != LEAKY:
                _, more.y, more.z = advance(kind, cell.x, more.y, more.z, min(still, ticks))
            ticks -= still
        if ticks > 0.0:
            if kind.family == LEAKY:  # one variable: the others are not touched
                cell.x, _, _ = advance(kind, cell.x, 0.0, 0.0, ticks)
            else:
                cell.x, more.y, more.z = advance(kind, cell.x, more.y, more.z, ticks)
        cell.tick, cell.offset = tick, offset


@njit
def refractory(cell, kind, tick, offset):
    """Whether a neuron may not fire at a time; a gate fires once in an instant at most."""
    if kind.family == GATE:
        return tick == cell.release_tick and offset == cell.release_offset
    return before(tick, offset, cell.release_tick, cell.release_offset)


@njit
def is_shut(cell, kind, tick, offset):
    """Whether x takes no delivery at a time."""
    return kind.guarded and before(tick, offset, cell.release_tick, cell.release_offset)


@njit
def _theta(kind, y):
    return kind.theta if kind.family != ADAPTIVE else threshold(kind, y)


@njit
def above(kind, x, y):
    """Whether a state is one that fires."""
    theta = _theta(kind, y)
    return x > theta or (x == theta and not kind.strict)


@njit
def to_threshold(cell, kind, more):
    """Bring x of a neuron that crosses up to its threshold, which it may miss by a rounding."""
    theta = _theta(kind, more.y)
    if kind.family != ESCAPE and not cell.x > theta:
        cell.x = theta


@njit
def foresee(cell, kind, more, heap, due, n, now_tick, now_offset, horizon):
    """Put a neuron into the queue of crossings if it crosses by itself before the horizon; take it out if not."""
    x, y, z, tick, offset = cell.x, more.y, more.z, cell.tick, cell.offset
    if before(tick, offset, cell.release_tick, cell.release_offset):
        wait = elapsed(cell.release_tick, cell.release_offset, tick, offset)
        moved, y, z = advance(kind, x, y, z, wait)
        x = x if kind.guarded else moved
        tick, offset = cell.release_tick, cell.release_offset
    room = elapsed(horizon, 0.0, tick, offset)
    ticks = math.inf
    if room > 0.0:
        ticks = 0.0 if above(kind, x, y) else crossing(kind, x, y, z, room)
    if ticks < room:
        tick, offset = later(tick, offset, ticks)
        if before(tick, offset, now_tick, now_offset):  # by a rounding
            tick, offset = now_tick, now_offset
        put(heap, due, n, tick, offset)
    elif due[n].place:
        take_out(heap, due, n)


@njit
def at_rest(cell, kind, due, horizon):
    """Whether a leaky neuron is plainly not to cross before the horizon, and was not foreseen to: the common case."""
    slope = kind.p1 - kind.p0 * cell.x
    free = kind.family == LEAKY and kind.p0 >= 0.0 and due.place == 0 and cell.release_tick < cell.tick
    return free and cell.x + max(slope, 0.0) * (horizon - cell.tick) < kind.theta


@njit
def fire(cell, kind, more, stream, tick, offset):
    """What a spike does to its own neuron; returns whether it fires again at once, and whether that would never end."""
    if kind.family == ESCAPE:
        stream.draws += 1
        cell.x = -math.log(uniform(stream.key_lo, stream.key_hi, stream.draws, stream.purpose, stream.seed))
    elif kind.family == GATE:
        cell.release_tick, cell.release_offset = tick, offset
    elif kind.family != SOURCE:
        excess = cell.x - _theta(kind, more.y)
        cell.x = kind.keep_x * cell.x + kind.shift_x
        more.y = kind.keep_y * more.y + kind.shift_y
        more.z = kind.keep_z * more.z + kind.shift_z
        if kind.refractory_ticks > 0 or kind.refractory_part > 0.0:
            end, part = later(tick, offset, kind.refractory_part)
            cell.release_tick, cell.release_offset = end + kind.refractory_ticks, part
        elif above(kind, cell.x, more.y):
            return True, cell.x - _theta(kind, more.y) >= excess
    return False, False
