"""Numbers into spike times: one spike per number."""

import numpy as np

from circuits.errors import require

__all__ = ["Latency"]


class Latency:
    """First-spike latency: the larger a number, the earlier its one spike.

    x in [-limit, limit] fires at tick round(ticks (limit - x)/(2 limit)). A synapse of weight w that opens a
    current at the spike, all currents being closed at tick `ticks`, then contributes
    w (ticks - spike tick) = w ticks (x + limit)/(2 limit), which is linear in x.

    Parameters
    ----------
    limit : float
    ticks : int
        Length of the window; the step is 2 limit/ticks.
    """

    def __init__(self, limit, ticks):
        require(limit > 0 and np.isfinite(limit), f"Latency: limit is {limit}; it must be positive")
        require(ticks >= 1, f"Latency: ticks is {ticks}; it must be at least 1")
        self.limit, self.ticks = float(limit), int(ticks)

    @property
    def per_tick(self):
        """What one tick of an open current stands for, in units of x."""
        return 2 * self.limit / self.ticks

    def encode(self, x):
        """Spike tick of each number, int64 array of the shape of x; raises CircuitError beyond the limit."""
        x = np.asarray(x, dtype=np.float64)
        require(np.isfinite(x).all(), "a value to encode is not finite")
        worst = np.abs(x).max(initial=0.0)
        require(worst <= self.limit, f"a value of magnitude {worst:.4g} exceeds the encoder's limit {self.limit:.4g}; "
                                     "raise the limit or scale the input")  # fmt: skip
        return np.round((self.limit - x) / self.per_tick).astype(np.int64)

    def decode(self, tick):
        """The numbers that spike ticks stand for: within per_tick/2 of what was encoded."""
        return self.limit - np.asarray(tick) * self.per_tick
