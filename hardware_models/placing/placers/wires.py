"""Wires: what each neuron to be placed asks of its core, and whom its spikes reach, as flat arrays."""

from functools import cached_property

import numpy as np
from numba import njit

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
        self.in_start, self.in_axon, self.in_size, self.longest, most = _by_target(*arrays, self.n, self.n_axons)
        self.words = words_of_lists(np.arange(most + 1), network, chip)

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


@njit(cache=True, nogil=True)
def _by_target(position, post, axon, delay, n, n_axons):
    """Wires by target, those of one axon and target joined; also the longest delay of each and the largest fan-out."""
    start, longest, fan_out = np.zeros(n + 1, np.int64), np.zeros(n, np.int64), np.zeros(n_axons, np.int64)
    for s in range(post.size):
        p = position[post[s]]
        if p >= 0:
            start[p + 1] += 1
            longest[p] = max(longest[p], delay[s])
            fan_out[axon[s]] += 1
    start = np.cumsum(start)
    at, axons = start[:-1].copy(), np.empty(start[n], np.int32)
    for s in range(post.size):
        p = position[post[s]]
        if p >= 0:
            axons[at[p]] = axon[s]
            at[p] += 1
    sizes, joined, write = np.ones(axons.size, np.int32), np.zeros(n + 1, np.int64), 0
    for p in range(n):
        row = np.sort(axons[start[p] : start[p + 1]])
        for k in range(row.size):
            if k > 0 and row[k] == row[k - 1]:
                sizes[write - 1] += 1
            else:
                axons[write], sizes[write] = row[k], 1
                write += 1
        joined[p + 1] = write
    return joined, axons[:write].copy(), sizes[:write].copy(), longest, fan_out.max() if n_axons else 0


@njit(cache=True, nogil=True)
def _transposed(in_start, in_axon, n_axons):
    start = np.zeros(n_axons + 1, np.int64)
    for axon in in_axon:
        start[axon + 1] += 1
    start = np.cumsum(start)
    at, position = start[:-1].copy(), np.empty(in_axon.size, np.int32)
    for p in range(in_start.size - 1):
        for k in range(in_start[p], in_start[p + 1]):
            position[at[in_axon[k]]] = p
            at[in_axon[k]] += 1
    return start, position


@njit(cache=True, nogil=True)
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
