"""A universal approximator: spiking transformers for permutation-equivariant functions, from spikes to spikes.

    approximate(f, n=8, d=2, error=0.1)

`fixed_maps` draws random features, scores and attention heads; `transformer` makes neurons and synapses of them;
`layers` fits a hidden layer and a read-out to f by least squares, on the counts of spikes that the circuit itself
fires; `approximate` runs the circuit on inputs it has not seen and says what it reached.
"""

from circuits.approximator.approximate import Approximation, Basis, approximate
from circuits.approximator.controls import LowestIndexWins
from circuits.approximator.fixed_maps import FixedMaps
from circuits.approximator.functions import FUNCTIONS
from circuits.approximator.layers import Layers
from circuits.approximator.permutation import follows
from circuits.approximator.transformer import SpikingTransformer

__all__ = [
    "Approximation", "Basis", "FUNCTIONS", "FixedMaps", "Layers", "LowestIndexWins", "SpikingTransformer",
    "approximate", "follows",
]  # fmt: skip
