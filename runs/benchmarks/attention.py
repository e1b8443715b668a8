"""The project's own attention circuits as benchmarks: Brian2 networks whose default stimulus is a few inputs."""

import numpy as np

import circuits

__all__ = ["head", "qkta", "softmax", "ssa"]


def softmax(keys=512, dimensions=16, queries=4, active_ticks=1000, seed=0):
    """Softmax attention over stored keys by `escape_inhibition`: every key's neuron draws and adds in every tick."""
    rng = np.random.default_rng(seed)
    stored, asked = rng.normal(size=(keys, dimensions)), rng.normal(size=(queries, dimensions))
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    circuit = circuits.StoredKeyAttention(stored, np.eye(keys, 16), active_ticks=active_ticks, limit=4.0)
    return circuit.network(circuit.stimulus(asked))


def head(tokens=12, dimensions=12, ticks=256, seed=0):
    """A head in latencies, from spikes to spikes: scores, softmax and sums of every pair of tokens."""
    made = circuits.LatencyHead(tokens, dimensions, ticks=ticks)
    operands = np.random.default_rng(seed).uniform(-1, 1, (3, 1, 1, tokens, dimensions))
    return made.network(made.stimulus(*operands))


def ssa(tokens=16, channels=32, heads=4, steps=200, seed=0):
    """Spikformer's self-attention: an AND for each product of two spikes."""
    return _piped(circuits.SSA, "q k v proj", tokens, channels, heads, steps, seed)


def qkta(tokens=64, channels=64, heads=4, steps=200, seed=0):
    """QKFormer's token attention."""
    return _piped(circuits.QKTokenAttention, "q k proj", tokens, channels, heads, steps, seed)


def _piped(block, names, tokens, channels, heads, steps, seed):
    rng = np.random.default_rng(seed)
    maps = {name: circuits.Linear(rng.integers(-4, 6, (channels, channels)) / 16) for name in names.split()}
    circuit = circuits.Pipeline(block(**maps, heads=heads), tokens, steps=steps)
    return circuit.network(circuit.stimulus(rng.random((steps, tokens, channels)) < 0.25))
