"""Runs in continuous time, with everything that a test may look at in one place."""

from dataclasses import dataclass

import numpy as np

from eventsim import Simulation, Trace

__all__ = ["Run", "run_exactly"]


@dataclass(frozen=True, eq=False)
class Run:
    """Spikes in order of (tick, offset, neuron), totals, and the final state, as traces and simulations have them."""

    trace: Trace
    tick: np.ndarray
    offset: np.ndarray
    neuron: np.ndarray
    time_ms: np.ndarray
    received_count: np.ndarray
    received_weight: np.ndarray
    delivered: np.ndarray
    state: dict


def run_exactly(network, stimulus=None, *, duration_ms=None, **options):
    """Run a compiled network in continuous time, through `Simulation`."""
    stimulus = network.stimulus if stimulus is None else stimulus
    if duration_ms is not None:
        stimulus = stimulus.lasting(round(duration_ms / network.dt_ms))
    with Simulation(network, stimulus, clock="continuous", **options) as simulation:
        state = simulation.run().state()
        trace = simulation.finish()
    spikes = trace.spikes()
    return Run(trace, spikes.tick, spikes.offset, spikes.neuron, spikes.t_ms, *trace.received(), trace.delivered(),
               state)  # fmt: skip
