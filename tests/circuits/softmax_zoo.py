"""Softmax circuits as parts of one network, run once: one kernel to compile instead of dozens."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

import eventsim
from circuits import Circuit
from circuits.softmax import (
    escape_inhibition,
    first_spike,
    gated_counts,
    hard_reset,
    integrate_inhibition,
    leaky,
    race,
    self_inhibition,
    thinning,
    thinning_at_once,
    winner_take_all,
)
from eventsim.stimulus import Stimulus

__all__ = [
    "BETA", "BY_SCORE", "LOGITS", "N", "OTHERS", "P", "SCORES", "SHIFTED", "SIX", "SPAN", "SURVIVES", "TAU", "TICKS",
    "Ran", "deviation", "run_together", "variation",
]  # fmt: skip

N, TICKS = 8, 24_000
LOGITS = np.array([0.0, -0.5, -1.0, 0.3, -2.0, -0.2, 0.1, -3.0])
P = np.exp(LOGITS) / np.exp(LOGITS).sum()
SETTLED = np.log(P)  # logits less their log sum exp: the inhibition starts where it settles
BETA, SCORES = 0.7, np.array([5, 4, 3, 5, 0, 1, 2, 3])
BY_SCORE = np.exp(BETA * SCORES) / np.exp(BETA * SCORES).sum()
SURVIVES = np.exp(BETA * (np.minimum(SCORES, 4) - 5.0))
SPAN, TAU = 8.0, 200.0
SHIFTED = LOGITS + 3.5  # above the lowest logit allowed

POOL = {"rate_per_tick": 0.2, "inhibition": 0.5, "u_start": SETTLED}
LATENCY = {"tau_ticks": TAU, "span": SPAN, "start": SHIFTED}

#: name -> builder, positional arguments, options: the six circuits, and those that share their models.
SIX = {
    "escape": (escape_inhibition, (N,), POOL),
    "escape_early": (escape_inhibition, (N,), POOL | {"u_start": SETTLED + 6}),
    "integrate": (integrate_inhibition, (N,), POOL),
    "race_lateral": (race, (N,), {"rate_per_tick": 0.2, "u_start": SETTLED, "rest_ticks": 3}),
    "race_relay": (race, (N,), {"rate_per_tick": 0.2, "u_start": SETTLED, "rest_ticks": 3, "through": "relay"}),
    "thinning": (thinning, (N, 5), {"beta": BETA, "scores": SCORES}),
    "self_inhibition": (self_inhibition, (3,), {"logits": [0.0, 1.0, 2.0]}),
    "first_spike": (first_spike, (N,), LATENCY),
    "first_spike_jittery": (first_spike, (N,), LATENCY | {"jitter": 0.1}),
    "first_spike_mismatched": (first_spike, (N,), LATENCY | {"mismatch": 0.02}),
    "gated_counts": (gated_counts, (N,), LATENCY | {"counts": 180.0}),
    "gated_counts_mismatched": (gated_counts, (N,), LATENCY | {"counts": 180.0, "mismatch": 0.05}),
}

#: What can go wrong, and controls.
OTHERS = {
    "escape_lateral": (escape_inhibition, (N,), POOL | {"through": "lateral"}),
    "escape_unvetoed": (escape_inhibition, (N,), POOL | {"veto": False, "rate_per_tick": 0.8}),
    "escape_leaky": (escape_inhibition, (N,), POOL | {"leak_ticks": 300, "u_start": SETTLED - 1}),
    "escape_mismatched": (escape_inhibition, (N,), POOL | {"mismatch": 0.02}),
    "escape_mismatched_leaky": (escape_inhibition, (N,), POOL | {"mismatch": 0.02, "leak_ticks": 50}),
    "escape_refractory": (escape_inhibition, (N,), POOL | {"refractory_ticks": 20}),
    "integrate_lateral": (integrate_inhibition, (N,), POOL | {"through": "lateral"}),
    "integrate_leaky": (integrate_inhibition, (N,), POOL | {"leak_ticks": 300, "u_start": SETTLED - 1}),
    "integrate_refractory": (integrate_inhibition, (N,), POOL | {"refractory_ticks": 20}),
    "integrate_mismatched": (integrate_inhibition, (N,), POOL | {"mismatch": 0.02}),
    "thinning_at_once": (thinning_at_once, (N, 5), {"beta": BETA, "scores": np.minimum(SCORES, 4)}),
    "hard_reset": (hard_reset, (N,), POOL | {"rate_per_tick": 0.9}),
    "leaky_10": (leaky, (N,), POOL),
    "leaky_1000": (leaky, (N,), POOL | {"gain": 1000.0}),
    "winner_take_all": (winner_take_all, (N,), POOL),
}


@dataclass(frozen=True, eq=False)
class Ran:
    """Every spike, by part and population."""

    circuit: Circuit
    tick: np.ndarray
    neuron: np.ndarray

    def train(self, part, population):
        """(tick, neuron within the population) of each spike."""
        start, stop = self.circuit.labels()[f"{part}/{population}"]
        mine = (self.neuron >= start) & (self.neuron < stop)
        return self.tick[mine], self.neuron[mine] - start

    def counts(self, part, population, after=0):
        start, stop = self.circuit.labels()[f"{part}/{population}"]
        tick, neuron = self.train(part, population)
        return np.bincount(neuron[tick >= after], minlength=stop - start)


def run_together(parts):
    """All parts in one network, armed where they need it, for TICKS ticks, as Ran."""
    circuit, arms = Circuit("zoo"), []
    for name, (build, arguments, options) in parts.items():
        made = build(*arguments, **options)
        part = circuit.use(made, name)
        if hasattr(made, "arm_tick"):
            arms.append((made.arm_tick, part.arm))
    ids = [int(circuit.neuron_ids(arm)[0]) for _, arm in arms]
    compiled = eventsim.compile_network(circuit.network())
    spikes = eventsim.simulate(compiled, Stimulus.of([t for t, _ in arms], ids, duration_ticks=TICKS)).spikes()
    return Ran(circuit, spikes.tick, spikes.neuron)


def deviation(counts, p):
    """p-value of counts against a multinomial of probabilities p."""
    return stats.chisquare(counts, counts.sum() * p).pvalue


def variation(counts, p):
    return np.abs(counts / counts.sum() - p).sum() / 2
