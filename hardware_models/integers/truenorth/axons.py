"""Axons and copies: a neuron of TrueNorth drives one axon, so whoever needs several is copied.

A copy has the neuron's own parameters, start and key, and receives whatever the neuron does, so it fires with it. An
axon has a type and a delay; a neuron that is received with two types or delays, or twice with the same by one target,
drives that many. Axons that reach another core are no matter of the network, but of its placement.
"""

from dataclasses import dataclass

import numpy as np

from hardware_models.integers.copies import matches

__all__ = ["Axons", "Rows"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Synapses of an axon type, a row each; ids of the whole network.

    Parameters
    ----------
    pre, post, delay, kind, repeat : (n,) int64
        `repeat` tells apart rows that are alike in all else.
    """

    pre: np.ndarray
    post: np.ndarray
    delay: np.ndarray
    kind: np.ndarray
    repeat: np.ndarray

    @classmethod
    def of(cls, pre, post, delay, repeats):
        """Of synapses whose weights are made of `repeats` (n, 4) axons of each type."""
        synapse, kind = (np.repeat(index, repeats.ravel()) for index in np.indices(repeats.shape).reshape(2, -1))
        columns = [np.asarray(column, dtype=np.int64)[synapse] for column in (pre, post, delay)] + [kind]
        order = np.lexsort(columns[::-1])
        columns = [column[order] for column in columns]
        new = np.any([np.diff(column, prepend=-1) != 0 for column in columns], axis=0)
        first = np.maximum.accumulate(np.where(new, np.arange(new.size), 0))
        return cls(*columns, np.arange(new.size) - first)


class Axons:
    """Which neuron, or copy, drives which axon.

    Parameters
    ----------
    rows : Rows
    n_neurons : int

    Attributes
    ----------
    original : (n_neurons + n_copies,) int64
        The neuron of which each is a copy; copies come last, sorted by it.
    """

    def __init__(self, rows, n_neurons):
        keys = np.column_stack([rows.pre, rows.repeat, rows.kind, rows.delay])
        axons, self.axon = np.unique(keys, axis=0, return_inverse=True)
        self.axon = self.axon.reshape(-1)
        number = np.arange(len(axons)) - np.searchsorted(axons[:, 0], axons[:, 0])
        copied = number > 0
        self.original = np.concatenate([np.arange(n_neurons), axons[copied, 0]])
        self.driver = axons[:, 0].copy()
        self.driver[copied] = n_neurons + np.arange(copied.sum())
        self.n_neurons, self.rows = n_neurons, rows

    def wired(self):
        """(pre, post, delay, kind), each (n,) int64: from whoever drives an axon, to neurons and to their copies."""
        copies = self.original[self.n_neurons :]
        copied, copy = matches(copies, self.rows.post)
        row = np.concatenate([np.arange(self.rows.post.size), copied])
        post = np.concatenate([self.rows.post, self.n_neurons + copy])
        return self.driver[self.axon][row], post, self.rows.delay[row], self.rows.kind[row]
