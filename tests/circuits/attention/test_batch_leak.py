"""A warning to users of QKFormer's published models: their self-attention lets samples of a batch leak into each other.

The last layer of the authors' self-attention gets its input as (steps * batch, channels, tokens), not as (steps, batch,
channels, tokens), so that its membrane runs through the samples of a batch as if they were steps in time. A sample's
output then depends on who shares its batch, and published accuracies hold for one batch size only. The circuits here
keep samples apart; they are the model at batch size 1.
"""

import numpy as np

import eventsim
from circuits.attention import SSA
from circuits.pipeline import Pipeline
from tests.circuits.attention.plain import Plain, raw_linear

STEPS, TOKENS, CHANNELS, HEADS = 4, 6, 8, 2


def _weights():
    rng = np.random.default_rng(70)
    return {name: raw_linear(rng, CHANNELS, CHANNELS) for name in ("q", "k", "v", "proj")}


def _as_published(batch, maps):
    """Output of the authors' tail for a batch (samples, steps, tokens, channels): samples taken for steps."""
    attention = []
    for x in batch:
        plain = Plain()
        plain.ssa(x, **maps, heads=HEADS, scale=0.5)
        attention.append(plain.stages["attn"])
    flattened = np.swapaxes(attention, 0, 1).reshape(-1, TOKENS, CHANNELS)  # (steps * samples, ...)
    spikes = Plain().lif("proj", maps["proj"](flattened))
    return np.swapaxes(spikes.reshape(STEPS, len(batch), TOKENS, CHANNELS), 0, 1)


def _samples():
    return np.random.default_rng(71).random((3, STEPS, TOKENS, CHANNELS)) < 0.45


def test_as_published_a_sample_s_output_depends_on_the_others_in_its_batch():
    maps, samples = _weights(), _samples()
    alone = _as_published(samples[:1], maps)[0]
    assert (_as_published(samples[:2], maps)[0] != alone).any()
    assert (_as_published(samples[[0, 2]], maps)[0] != _as_published(samples[:2], maps)[0]).any()


def test_the_circuit_gives_each_sample_of_a_batch_the_output_it_has_alone():
    maps, samples = _weights(), _samples()
    block = SSA(**{name: raw.folded() for name, raw in maps.items()}, heads=HEADS, scale=0.5)
    circuit = Pipeline(block, TOKENS, steps=STEPS)
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(samples))
    together = circuit.decode(trace)
    assert together.any()
    for k in range(len(samples)):
        np.testing.assert_array_equal(together[k], _as_published(samples[k : k + 1], maps)[0])
    assert (together != _as_published(samples, maps)).any()
