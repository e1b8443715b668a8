"""Windows that slide over tokens on a grid: which token each one sees, at which place in it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuits.errors import require

__all__ = ["Windows"]


@dataclass(frozen=True)
class Windows:
    """Windows of a convolution or of pooling; where one hangs over the edge of the grid it sees nothing.

    Parameters
    ----------
    grid : (rows, columns)
        Where tokens lie: token = row * columns + column.
    size : (height, width)
    stride, padding : int
    """

    grid: tuple[int, int]
    size: tuple[int, int]
    stride: int = 1
    padding: int = 0

    def check(self, what):
        """Raise CircuitError, about `what`, unless at least one window fits."""
        require(self.stride >= 1, f"{what}: stride is {self.stride}; it must be at least 1")
        require(self.padding >= 0, f"{what}: padding is {self.padding}; it must be at least 0")
        require(min(self.grid_out) >= 1, f"{what}: a kernel of {self.size} does not fit the grid {self.grid}")

    @property
    def grid_out(self):
        """(rows, columns) of the windows."""
        return tuple((g + 2 * self.padding - k) // self.stride + 1 for g, k in zip(self.grid, self.size))

    @cached_property
    def pairs(self):
        """(token, window, row and column within the window), flat, wherever a window meets the grid."""
        axes = []
        for grid, out, kernel in zip(self.grid, self.grid_out, self.size):
            o, k = (axis.ravel() for axis in np.indices((out, kernel)))
            i = o * self.stride - self.padding + k
            inside = (i >= 0) & (i < grid)
            axes.append((i[inside], o[inside], k[inside]))
        (i, o, k), (j, p, m) = axes
        return tuple(array.ravel() for array in np.broadcast_arrays(
            i[:, None] * self.grid[1] + j, o[:, None] * self.grid_out[1] + p, k[:, None], m))  # fmt: skip
