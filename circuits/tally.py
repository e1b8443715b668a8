"""Tally: how many neurons and synapses a description has, from its shapes alone, before anything is built."""

from contextlib import contextmanager

import numpy as np

from circuits.dataflow import Dataflow, Stage
from circuits.errors import require
from circuits.size import Size

__all__ = ["Tally"]


class Tally(Dataflow):
    """Reads a description without making anything: its arrays have shapes but no memory."""

    def __init__(self, period):
        self.period, self.n_neurons, self.n_synapses = period, 0, 0

    @property
    def size(self):
        return Size(self.n_neurons, self.n_synapses)

    @contextmanager
    def section(self, name):
        yield

    def population(self, name, shape, model, depth, token=-1):
        count = int(np.prod(shape, dtype=object))
        require(count < 2**60, f"'{name}' of shape {shape} would have more neurons than any machine holds")
        self.n_neurons += count
        nothing = np.broadcast_to(np.int64(0), shape)
        return Stage(nothing, nothing, depth)

    def tokens(self, n):
        return -1

    def join(self, pre, post, shape, weight, delay, receptor=None):
        self.n_synapses += int(np.prod(shape, dtype=object))

    def project(self, stage, linear, post, delay):
        self.n_synapses += linear.n_synapses(stage.shape[0])
