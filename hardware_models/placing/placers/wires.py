"""Wires: what each neuron to be placed asks of its core, and whom its spikes reach, as flat arrays."""

from functools import cached_property

import numpy as np

from eventsim.code_cache import cached_njit
from hardware_models.placing.axons import axons_of
from hardware_models.placing.resources import words_of_lists

__all__ = ["Wires"]


class Wires:
    """The synapses between the axons of all neurons and the neurons to be placed.

    Those are counted by `position`, in the order of their ids.

    Attributes
    ----------
    network, chip
    ids : (n,) int64
        The neuron at each position.
    in_start : (n + 1,) int64
    in_axon, in_size : (n_wires,) int32
        Axons that arrive at position p, and with how many synapses, from in_start[p] to in_start[p + 1].
    longest : (n,) int64
        The longest delay that arrives at each position.
    words : (largest fan-out + 1,) int64
        Words that a list of 0, 1, ... synapses takes.
    """

    def __init__(self, network, chip):
        self.network, self.chip = network, chip
        self.ids = np.flatnonzero(~network.is_source)
        self.axons = axons_of(network, chip)
        self.n, self.n_axons = self.ids.size, self.axons.n
        self._position = np.full(network.n_neurons, -1, dtype=np.int32)
        self._position[self.ids] = np.arange(self.n)
        arrays = self._position, network.post, self.axons.of_synapse, network.delay
        out_start, out_position, self.longest = _by_axon(*arrays, self.n, self.n_axons)
        self.in_start, self.in_axon, self.in_size = _joined(*_transposed(out_start, out_position, self.n))
        self.words = words_of_lists(np.arange(np.diff(out_start).max(initial=0) + 1), network, chip)

    @cached_property
    def by_axon(self):
        """(out_start (n_axons + 1,), out_position (n_wires,)): the positions that each axon reaches."""
        return _transposed(self.in_start, self.in_axon, self.n_axons)

    @property
    def sender(self):
        """(n_axons,) int32: the position of the neuron each axon belongs to, -1 for a source on the host."""
        return self._position[self.axons.source]

    def pairs(self, cores):
        """(axon, core) of every distinct pair, when position p is on cores[p]."""
        start, position = self.by_axon
        return _pairs(start, position, cores, int(cores.max(initial=0)) + 1)

    def reached(self, cores):
        """(n,) int64: how many distinct (axon, core) pairs each position sends to."""
        sender = self.sender[self.pairs(cores)[0]]
        return np.bincount(sender[sender >= 0], minlength=self.n)


@cached_njit()
def _by_axon(position, post, axon, delay, n, n_axons):
    """Positions that each axon reaches, one for each synapse, from start[axon] on; and the longest delay of each."""
    start, longest = np.zeros(n_axons + 1, np.int64), np.zeros(n, np.int64)
    for s in range(post.size):
        p = position[post[s]]
        if p >= 0:
            start[axon[s] + 1] += 1
            longest[p] = max(longest[p], delay[s])
    at = _add_up(start)
    reached = np.empty(start[n_axons], np.int32)
    for s in range(post.size):
        p = position[post[s]]
        if p >= 0:
            reached[at[axon[s]]] = p
            at[axon[s]] += 1
    return start, reached, longest


@cached_njit()
def _add_up(start):
    """Counts at 1, 2, ... into where each begins; returns a copy."""
    for k in range(1, start.size):
        start[k] += start[k - 1]
    return start.copy()


@cached_njit()
def _transposed(start, item, n_items):
    """Lists of items into, for each item, the lists it is in, ascending."""
    list_start, list_of = np.zeros(n_items + 1, np.int64), np.empty(item.size, np.int32)
    for i in item:
        list_start[i + 1] += 1
    at = _add_up(list_start)
    for k in range(start.size - 1):
        for j in range(start[k], start[k + 1]):
            list_of[at[item[j]]] = k
            at[item[j]] += 1
    return list_start, list_of


@cached_njit()
def _joined(start, axon):
    """Lists of axons in which each is named once; returns where they begin, the axons, and how often each was named."""
    joined, axons, sizes, n = np.zeros(start.size, np.int64), axon.copy(), np.ones(axon.size, np.int32), 0
    for p in range(start.size - 1):
        for k in range(start[p], start[p + 1]):
            if k > start[p] and axon[k] == axon[k - 1]:
                sizes[n - 1] += 1
            else:
                axons[n] = axon[k]
                n += 1
        joined[p + 1] = n
    return joined, axons[:n].copy(), sizes[:n].copy()


@cached_njit()
def _pairs(start, position, cores, n_cores):
    seen, n = np.full(n_cores, -1, np.int64), 0
    axon, core = np.empty(position.size, np.int64), np.empty(position.size, np.int64)
    for a in range(start.size - 1):
        for k in range(start[a], start[a + 1]):
            c = cores[position[k]]
            if seen[c] != a:
                seen[c] = a
                axon[n], core[n] = a, c
                n += 1
    return axon[:n], core[:n]
