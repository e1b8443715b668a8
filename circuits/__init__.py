"""circuits: what is computed, at the level of single neurons and synapses."""

from circuits.attention import StoredKeyAttention
from circuits.circuit import Circuit, Neurons, Phases
from circuits.encoding import Latency
from circuits.neurons import LIF, Escape, ExponentialIntegrator, Gate, IntegrateFire, NeuronModel, Source
from circuits.softmax import SOFTMAX, escape_inhibition, integrate_inhibition, winner_take_all

__all__ = [
    "LIF", "SOFTMAX", "Circuit", "Escape", "ExponentialIntegrator", "Gate", "IntegrateFire", "Latency", "NeuronModel",
    "Neurons", "Phases", "Source", "StoredKeyAttention", "escape_inhibition", "integrate_inhibition", "winner_take_all",
]  # fmt: skip
