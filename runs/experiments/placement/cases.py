"""Networks to be placed, each with a run whose spikes its messages are of."""

import numpy as np

import eventsim
from circuits import Circuit
from circuits.attention import SSA, AttentionHead
from circuits.maps import Linear
from circuits.pipeline import Pipeline
from circuits.softmax import (
    escape_inhibition,
    first_spike,
    gated_counts,
    integrate_inhibition,
    race,
    thinning,
)
from eventsim import compile_network, simulate
from eventsim.memory import require_memory
from eventsim.stimulus import Stimulus

__all__ = ["CASES"]

#: Of the arrays by which clusters are drawn, wired and run, at their peak; measured with 10 million synapses.
_BYTES_PER_SYNAPSE = 160


def clusters(config):
    """Planted clusters in random order of ids, one spike of every neuron, and all that it brings.

    Each neuron has `fan_out` synapses, of which the part `inside` goes to its own cluster and the rest anywhere. It
    fires in the second tick, its drive being half its threshold; what it sends lands in the third and last.
    """
    require_memory({"synapses": config.neurons * config.fan_out * _BYTES_PER_SYNAPSE},
                   remedy="give fewer neurons, or a smaller fan_out")  # fmt: skip
    rng, n = np.random.default_rng(config.seed), config.neurons
    pre = np.repeat(np.arange(n), config.fan_out)
    first = pre // config.cluster * config.cluster
    width = np.minimum(config.cluster, n - first)
    at_home = first + (rng.random(pre.size) * width).astype(np.int64)
    post = np.where(rng.random(pre.size) < config.inside, at_home, rng.integers(n, size=pre.size))
    ids = rng.permutation(n)
    wires = {"pre": ids[pre], "post": ids[post], "weight": 2.0**-20, "delay_ms": 1.0}
    network = eventsim.network({"model": ["integrate"] * n, "v_th": 1.0, "drive": 0.5}, wires)
    return simulate(network, Stimulus.silent(3))


def softmax(config):
    """The six softmax circuits side by side, `rows` of each, over `tokens` tokens."""
    n, rng = config.tokens, np.random.default_rng(config.seed)
    logits = rng.normal(size=n)
    logits -= np.log(np.exp(logits).sum())
    pool = {"rate_per_tick": 0.2, "u_start": logits}
    late = {"tau_ticks": config.ticks / 16, "span": 8.0, "start": np.clip(logits - logits.min(), 0.0, 8.0)}
    parts = {
        "escape": (escape_inhibition, pool | {"inhibition": 0.5}),
        "integrate": (integrate_inhibition, pool | {"inhibition": 0.5}), "race": (race, pool),
        "thinning": (thinning, {"d": 5, "beta": 0.7, "scores": rng.integers(6, size=n)}),
        "first_spike": (first_spike, late), "gated_counts": (gated_counts, late | {"counts": config.ticks / 20}),
    }  # fmt: skip
    circuit, armed = Circuit("softmax"), []
    for row in range(config.rows):
        for name, (build, options) in parts.items():
            made = build(n, **options)
            part = circuit.use(made, f"{name}_{row}")
            if hasattr(made, "arm_tick"):
                armed.append((made.arm_tick, part.arm))
    ticks, ids = [tick for tick, _ in armed], [int(circuit.neuron_ids(arm)[0]) for _, arm in armed]
    return simulate(compile_network(circuit.network()), Stimulus.of(ticks, ids, duration_ticks=config.ticks))


def head(config):
    """A softmax head in the rate code, `heads` of them over `tokens` tokens of `head_width` features."""
    rng, shape = np.random.default_rng(config.seed), (config.heads, config.tokens, config.head_width)
    q, k, v = (np.clip(rng.normal(0.0, 0.3, shape), -1.0, 1.0) for _ in range(3))
    made = AttentionHead(q, k, v, code="rate", ticks=config.ticks, seed=config.seed)
    return simulate(compile_network(made.network()), made.given)


def ssa(config):
    """Spiking self-attention of Spikformer over `tokens` tokens of `channels` channels, two steps."""
    rng, c = np.random.default_rng(config.seed), config.channels

    def sixteenths(mean, spread, *shape):
        return np.round(16 * rng.normal(mean, spread, shape)) / 16

    maps = [Linear(sixteenths(0, 1, c, c), sixteenths(1.75, 0.5, c)) for _ in range(4)]
    x = (rng.random((2, config.tokens, c)) < 0.6).astype(np.int64)
    circuit = Pipeline(SSA(*maps, heads=config.heads), config.tokens, steps=2, levels=1)
    return simulate(compile_network(circuit.network()), circuit.stimulus(x[None]))


#: Name of a case -> a function of the configuration that returns its Trace.
CASES = {"clusters": clusters, "softmax": softmax, "head": head, "ssa": ssa}
