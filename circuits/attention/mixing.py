"""Mixing: softmax shares within each step of a Pipeline, as spikes of pools that fire a fixed number of times.

Where a published attention computes a softmax in real numbers, its circuit has a pool of neurons per row. Its spikes in
a step, `spikes` in all, fall to the entries of the row in proportion to exp(logit), and each is passed on where a value
is held. So what arrives is the mean of the values under the softmax, rounded to multiples of 1/spikes.
"""

from dataclasses import dataclass

import numpy as np

from circuits.arguments import checked
from circuits.errors import require
from circuits.neurons import ExponentialIntegrator, HeldGate, IntegrateFire
from circuits.softmax.pool import SILENCE
from circuits.wiring import RESET

__all__ = ["Mixing"]


@checked()
@dataclass(frozen=True)
class Mixing:
    """Rows of integrate-and-fire neurons with exponential drive, one row per softmax (see `integrate_inhibition`).

    A step begins with all of them at rest, their logits arriving. A relay per row inhibits it as a whole, which keeps
    its rate in range whatever the logits are; a counter silences it after `spikes` spikes.

    Parameters
    ----------
    spikes : int
        K, per row and step. A share misses its p by at most (1 + n p)/(2 K), and by what fires while the counter's
        silence is on its way.
    largest_logit : float
        Logits lie in -largest_logit to largest_logit; it sets how long a step must last.
    rate_per_tick : float
        Spikes of a row per tick.
    inhibition : float
        In units of the logit, per spike.
    """

    spikes: int = 64
    largest_logit: float = 4.0
    rate_per_tick: float = 0.25
    inhibition: float = 0.5

    def __post_init__(self):
        require(
            isinstance(self.spikes, int) and self.spikes >= 1, f"spikes is {self.spikes!r}; it must be an integer >= 1"
        )
        for name in ("largest_logit", "rate_per_tick", "inhibition"):
            value = getattr(self, name)
            require(np.isfinite(value) and value > 0, f"{name} is {value}; it must be positive and finite")

    @property
    def period(self):
        """Ticks per step: the inhibition's way through the range of logits, then the spikes, then a margin."""
        warm_up = 2 * self.largest_logit / (self.inhibition * self.rate_per_tick)
        return int(np.ceil(warm_up + self.spikes / self.rate_per_tick)) + 8

    def pool(self, flow, shape, depth, *, rest=0.0):
        """A pool of this shape, one softmax along the last axis; logits are to arrive at its receptor "u".

        `rest` lowers all logits before anything arrives.
        """
        u_start = -self.largest_logit - rest
        drift = self.inhibition * self.rate_per_tick
        model = ExponentialIntegrator(self.rate_per_tick, drift=drift, u_start=u_start)
        pool = flow.population("pool", shape, model, depth)
        row = (*shape[:-1], 1)
        relay = flow.population("relay", row, IntegrateFire(), depth + 1)
        counter = flow.population("counter", row, IntegrateFire(v_th=self.spikes), depth + 1)
        silence = SILENCE + 2 * drift * self.period  # until the next step begins, and after the last one
        for follower, weight, receptor in ((relay, -self.inhibition, "inhibition"), (counter, -silence, "u")):
            flow.wire(pool, follower)
            flow.wire(flow.one, follower.delayed(-1), receptor=RESET)
            flow.join(follower, pool, shape, weight, 0, receptor)
        flow.wire(flow.one, pool, receptor=RESET)
        return pool

    def gates(self, flow, name, pool, held):
        """Gates that pass on the spikes of `pool` where the step's spike of `held` says so, one per place of both."""
        shape = np.broadcast_shapes(pool.shape, held.shape)
        gates = flow.population(name, shape, HeldGate(), pool.depth + 1)
        flow.wire(pool, gates, receptor="call")
        flow.wire(held, gates, receptor="hold")
        flow.wire(flow.one, gates, receptor=RESET)
        return gates

    def collect(self, flow, name, shape, gates, model=None, token=-1):
        """Neurons that step when the gates' step is over: (neurons, the gates as what to wire to them)."""
        neurons = flow.lif(name, shape, gates.depth + self.period, model=model, token=token)
        return neurons, gates.delayed(self.period - 1)
