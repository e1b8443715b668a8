"""The spikes of a run as one short text, the same for every simulator that gives the same spikes."""

import hashlib

import numpy as np

__all__ = ["spikes_digest"]


def spikes_digest(tick, neuron):
    """SHA-256, in hexadecimal, of spikes sorted by (tick, neuron); neurons are numbered as in the CompiledNetwork."""
    order = np.lexsort((neuron, tick))
    pairs = np.asarray(tick, dtype=np.int64)[order].tobytes() + np.asarray(neuron, dtype=np.int64)[order].tobytes()
    return hashlib.sha256(pairs).hexdigest()
