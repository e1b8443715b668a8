"""positions: which place on the mesh each core takes, so that messages cross few links and few borders of chips.

Cores are first laid out along a curve that turns back at each edge of the chip, once in their order and once as a chain
in which each is followed by whom it talks to most; then two cores, or a core and a free place, change places as long as
that shortens the ways of the messages. The better of the two is taken. A border between two chips counts as twice the
longest way across a chip, for want of a published figure.
"""

import numpy as np

from eventsim.code_cache import cached_njit

__all__ = ["arranged"]

#: Sweeps at most, and places that a core of a large chip is tried at, those nearest to whom it talks to. Measured on
#: 324 cores of Loihi: ten sweeps and 256 places give the same hops; one sweep 1.8 % more, 64 places 0.1 % more.
_SWEEPS, _NEAR = 30, 512


def arranged(traffic, n, mesh):
    """Places for n cores that talk to each other.

    Parameters
    ----------
    traffic : (sender, receiver, messages) arrays
        Messages between cores; sorted or not, pairs distinct.
    n : int
        Cores.
    mesh : Mesh

    Returns
    -------
    (n,) int32
        The place, a core's number on the mesh, of cores 0, 1, ...
    """
    sender, receiver, messages = traffic
    chips = -(-n // mesh.cores_per_chip.value)
    curve = _curve(mesh, chips)[:n].astype(np.int32)
    links = _both_ways(sender, receiver, messages, n)
    border = 2 * (mesh.width_tiles.value + mesh.height_tiles.value)
    ground = (*_coordinates(np.arange(chips * mesh.cores_per_chip.value), mesh), border)
    chained = np.empty(n, dtype=np.int32)
    chained[_chain(*links)] = curve
    found = [_improve(places, *links, *ground, _SWEEPS, _NEAR) for places in (curve, chained)]
    return min(found, key=lambda places: _length(places, *links, *ground))


def _coordinates(core, mesh):
    tile = core % mesh.cores_per_chip.value // mesh.cores_per_tile.value
    return tile // mesh.height_tiles.value, tile % mesh.height_tiles.value, core // mesh.cores_per_chip.value


def _curve(mesh, chips):
    """All places, chip by chip, each tile beside the one before it."""
    column, row, chip = _coordinates(np.arange(chips * mesh.cores_per_chip.value), mesh)
    return np.lexsort((np.where(column % 2, -row, row), column, chip))


def _both_ways(sender, receiver, messages, n):
    """Adjacency of the traffic, directions joined, without a core's messages to itself: start, neighbour, weight."""
    apart = sender != receiver
    one, other = (np.concatenate([a[apart], b[apart]]).astype(np.int64)
                  for a, b in ((sender, receiver), (receiver, sender)))  # fmt: skip
    keys, inverse = np.unique(one * n + other, return_inverse=True)
    weight = np.zeros(keys.size, dtype=np.int64)
    np.add.at(weight, inverse, np.tile(messages[apart], 2))
    return np.searchsorted(keys // n, np.arange(n + 1)), (keys % n).astype(np.int32), weight


@cached_njit()
def _chain(start, neighbour, weight):
    """Cores one after the other, each followed by the one left that it talks to most; else by the first left."""
    n = start.size - 1
    order, free = np.empty(n, np.int64), np.ones(n, np.bool_)
    last, first = -1, 0
    for k in range(n):
        best, most = -1, 0
        for at in range(start[last], start[last + 1]) if last >= 0 else range(0):
            if free[neighbour[at]] and weight[at] > most:
                best, most = neighbour[at], weight[at]
        if best < 0:
            while not free[first]:
                first += 1
            best = first
        order[k], free[best], last = best, False, best
    return order


@cached_njit()
def _length(places, start, neighbour, weight, column, row, chip, border):
    """The ways of all messages together, borders included."""
    total = 0
    for c in range(places.size):
        for k in range(start[c], start[c + 1]):
            total += weight[k] * _way(places[c], places[neighbour[k]], column, row, chip, border)
    return total


@cached_njit()
def _improve(places, start, neighbour, weight, column, row, chip, border, sweeps, near):
    """Swap as long as it helps, in a fixed order; each core goes to the place that helps most."""
    n, n_places = places.size, column.size
    at = np.full(n_places, -1, np.int32)  # who is at each place
    for c in range(n):
        at[places[c]] = c
    for _ in range(sweeps):
        moved = False
        for c in range(n):
            here, low, high = places[c], 0, n_places
            if n_places > 2 * near:  # only around the neighbour it talks to most
                best_weight, centre = -1, here
                for k in range(start[c], start[c + 1]):
                    if weight[k] > best_weight:
                        best_weight, centre = weight[k], places[neighbour[k]]
                low, high = max(0, centre - near // 2), min(n_places, centre + near // 2)
            best, gain = here, 0
            for there in range(low, high):
                saved = _saved(c, at[there], here, there, places, start, neighbour, weight, column, row, chip, border)
                if saved > gain:
                    best, gain = there, saved
            if gain > 0:
                other = at[best]
                at[here], at[best], places[c] = other, c, best
                if other >= 0:
                    places[other] = here
                moved = True
        if not moved:
            break
    return places


@cached_njit()
def _saved(c, other, here, there, places, start, neighbour, weight, column, row, chip, border):
    """How much shorter the ways get when core c and whoever is at its goal change places."""
    saved = 0
    for k in range(start[c], start[c + 1]):
        if neighbour[k] != other:
            place = places[neighbour[k]]
            saved += weight[k] * (_way(here, place, column, row, chip, border)
                                  - _way(there, place, column, row, chip, border))  # fmt: skip
    if other >= 0:
        for k in range(start[other], start[other + 1]):
            if neighbour[k] != c:
                place = places[neighbour[k]]
                saved += weight[k] * (_way(there, place, column, row, chip, border)
                                      - _way(here, place, column, row, chip, border))  # fmt: skip
    return saved


@cached_njit()
def _way(one, other, column, row, chip, border):
    return abs(column[one] - column[other]) + abs(row[one] - row[other]) if chip[one] == chip[other] else border
