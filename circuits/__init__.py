"""circuits: what is computed, at the level of single neurons and synapses."""

from circuits.approximator import approximate
from circuits.attention import (
    DSSA,
    SDSA,
    SSA,
    AttentionHead,
    DurationHead,
    LatencyHead,
    MetaAttention,
    QKChannelAttention,
    QKTokenAttention,
    RateHead,
    SpikedAttention,
    SpikingBertAttention,
    SpikingRWKV,
    StoredKeyAttention,
)
from circuits.checkpoint import load_attention, load_block, load_encoder
from circuits.circuit import Circuit, Neurons, Phases
from circuits.coded_layers import CodedLayers
from circuits.encoder import Encoder, EncoderBlock, MembraneFeedForward, SpikingFeedForward
from circuits.encoding import Latency
from circuits.gates import And, AtLeast, Majority, Or
from circuits.maps import BatchNorm, Conv, Linear
from circuits.neurons import LIF, Escape, ExponentialIntegrator, Gate, IntegrateFire, NeuronModel, Ramp, Source, Veto
from circuits.nir import NirCircuit, from_nir, to_nir
from circuits.pipeline import Pipeline
from circuits.pynn import from_pynn
from circuits.resting_neurons import LIFAlpha, LIFExp, RestingLIF
from circuits.size import Size, size, sized
from circuits.softmax import (
    SOFTMAX,
    escape_inhibition,
    first_spike,
    gated_counts,
    integrate_inhibition,
    race,
    thinning,
    winner_take_all,
)
from circuits.tables import from_graph, from_sonata, from_tables

__all__ = [
    "And", "AtLeast", "AttentionHead", "BatchNorm", "Circuit", "CodedLayers", "Conv", "DSSA", "DurationHead",
    "Encoder", "EncoderBlock", "Escape", "ExponentialIntegrator", "Gate", "IntegrateFire", "LIF", "LIFAlpha",
    "LIFExp", "Latency", "LatencyHead", "Linear", "Majority", "MembraneFeedForward", "MetaAttention", "NeuronModel",
    "Neurons", "NirCircuit", "Or", "Phases", "Pipeline", "QKChannelAttention", "QKTokenAttention", "Ramp", "RateHead",
    "RestingLIF", "SDSA", "SOFTMAX", "SSA", "Size", "Source", "SpikedAttention", "SpikingBertAttention",
    "SpikingFeedForward", "SpikingRWKV", "StoredKeyAttention", "Veto", "approximate", "escape_inhibition",
    "first_spike", "from_graph", "from_nir", "from_pynn", "from_sonata", "from_tables", "gated_counts",
    "integrate_inhibition", "load_attention", "load_block", "load_encoder", "race", "size", "sized", "thinning",
    "to_nir", "winner_take_all",
]  # fmt: skip
