"""The same semantics in plain Python: a heap of synaptic events, one object per neuron, no tables and no Numba.

Only delta synapses: leaky or perfect integrators under constant drive, soft or hard reset, refractory periods, gates.
"""

import heapq
import itertools
import math
from dataclasses import dataclass, field

__all__ = ["Neuron", "simulate"]


@dataclass
class Neuron:
    """dv/dt = (drive - v)/tau, or drive when tau is infinite; all times in ticks."""

    tau: float = math.inf
    drive: float = 0.0
    theta: float = 1.0
    strict: bool = False
    reset: float | None = 0.0  # None: theta is subtracted
    refractory: int = 0
    gate: bool = False
    v: float = 0.0
    at: tuple = (0, 0.0)
    release: tuple = (-1, 0.0)
    version: int = 0
    targets: list = field(default_factory=list)  # (target, weight, delay)

    def move(self, time):
        start = max(self.at, self.release) if self.refractory else self.at
        ticks = (time[0] - start[0]) + (time[1] - start[1])
        if self.gate and time != self.at:
            self.v = 0.0
        elif ticks > 0 and math.isinf(self.tau):
            self.v += self.drive * ticks
        elif ticks > 0:
            self.v = self.drive + (self.v - self.drive) * math.exp(-ticks / self.tau)
        self.at = time

    def closed(self, time):
        return time == self.release if self.gate else time < self.release

    def above(self):
        return self.v > self.theta or (self.v == self.theta and not self.strict)

    def next_crossing(self):
        start = max(self.at, self.release) if self.refractory else self.at
        slope = self.drive if math.isinf(self.tau) else self.drive - self.v
        if self.gate or slope <= 0 or not (math.isinf(self.tau) or self.drive > self.theta):
            return None
        if math.isinf(self.tau):
            ticks = (self.theta - self.v) / self.drive
        else:
            ticks = self.tau * math.log1p((self.theta - self.v) / (self.drive - self.theta))
        whole = math.floor(start[1] + ticks)
        return start[0] + whole, start[1] + ticks - whole

    def fire(self, time):
        if self.gate:
            self.release = time
            return
        self.v = self.v - self.theta if self.reset is None else self.reset
        if self.refractory:
            self.release = (time[0] + self.refractory, time[1])


def simulate(neurons, inputs, until):
    """Spikes, sorted tuples (tick, offset, neuron); `inputs` are (tick, neuron) of neurons that are None."""
    numbers, spikes = itertools.count(), []
    events = [((tick, 0.0), 0, n, next(numbers), 0) for tick, n in inputs]  # kind 0: emit, 1: arrive, 2: cross
    heapq.heapify(events)

    def emit(n, time):
        spikes.append((*time, n))
        for target, weight, delay in outgoing[n]:
            heapq.heappush(events, ((time[0] + delay, time[1]), 1, target, next(numbers), weight))

    def foresee(n, time):
        neurons[n].version += 1
        crossing = neurons[n].next_crossing()
        if crossing is not None:
            heapq.heappush(events, (max(crossing, time), 2, n, next(numbers), neurons[n].version))

    outgoing = [neuron.targets if isinstance(neuron, Neuron) else neuron for neuron in neurons]
    for n, neuron in enumerate(neurons):
        if isinstance(neuron, Neuron):
            foresee(n, (0, 0.0))
    while events and events[0][0][0] < until:
        now, reached, crossed = events[0][0], set(), set()
        while events and events[0][0] == now:
            _, kind, n, _, value = heapq.heappop(events)
            if kind == 0:
                emit(n, now)
            elif kind == 1:
                neurons[n].move(now)
                if neurons[n].gate or not neurons[n].closed(now):
                    neurons[n].v += value
                neurons[n].version += 1  # whatever was foreseen is void
                reached.add(n)
            elif value == neurons[n].version:
                neurons[n].move(now)
                neurons[n].v = max(neurons[n].v, neurons[n].theta)
                crossed.add(n)
        for n in sorted(reached | crossed):
            while n in crossed or (neurons[n].above() and not neurons[n].closed(now)):
                crossed.discard(n)
                emit(n, now)
                neurons[n].fire(now)
            foresee(n, now)
    return sorted(spikes)
