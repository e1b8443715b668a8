"""A negative control: a circuit that knows in which order its tokens are stored."""

import numpy as np

from circuits.approximator.transformer import SpikingTransformer
from circuits.neurons import Gate
from circuits.size import Size

__all__ = ["LowestIndexWins"]


class LowestIndexWins(SpikingTransformer):
    """A SpikingTransformer whose heads, when several tokens win in the same tick, believe the one that is stored first.

    This is how an argmax, a priority encoder or a sequential scan breaks ties. Its outputs change when tokens are
    permuted.
    """

    def _weights(self, pool):
        first = self._population("first", pool.shape, Gate(), 2)
        self.one_to_one(pool, first)
        j, earlier = np.tril_indices(self.n, -1)
        self.one_to_one(pool[:, earlier], first[:, j], -1.0)
        return first

    @classmethod
    def size(cls, maps, n, layers=None):
        gates = n * n * maps.heads
        return super().size(maps, n, layers) + Size(gates, gates + gates * (n - 1) // 2)
