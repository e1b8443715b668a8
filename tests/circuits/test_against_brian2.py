"""Brian2 alone fires the spikes that eventsim fires: of every circuit that `circuits` offers, none left out."""

import numpy as np
import pytest

import circuits
import eventsim
from circuits import softmax
from circuits.attention import HEADS, Mixing
from circuits.softmax import SOFTMAX
from eventsim.stimulus import Stimulus
from tests.circuits.softmax_zoo import OTHERS, SIX
from tests.support.brian2_runs import by_brian2, by_eventsim

TOKENS, CHANNELS = 4, 4

#: What others are built from, and what builds from files; the neurons are compared in `test_build.py`, `approximate`
#: in `test_approximator.py`, tables and graphs in `test_tables.py`, `test_pynn.py` and `test_nir.py`, and the softmax
#: circuits below, all at once.
NO_CIRCUIT = {
    "And", "AtLeast", "BatchNorm", "Circuit", "Conv", "Escape", "ExponentialIntegrator", "Gate", "IntegrateFire", "LIF",
    "LIFAlpha", "LIFExp", "Latency", "Linear", "Majority", "NeuronModel", "Neurons", "NirCircuit", "Or", "Phases",
    "Pipeline", "Ramp", "RestingLIF", "SOFTMAX", "Size", "Source", "Veto", "approximate", "from_graph", "from_nir",
    "from_pynn", "from_sonata", "from_tables", "load_attention", "load_block", "load_encoder", "size", "sized",
    "to_nir",
}  # fmt: skip
SOFTMAX_CIRCUITS = set(softmax.__all__) - {"SILENCE", "SOFTMAX", "THROUGH", "latency_shares"}


def _maps(names, rng, channels=CHANNELS):
    return {name: circuits.Linear(rng.integers(-1, 6, (channels, channels)) / 4, rng.integers(0, 3, channels) / 8)
            for name in names.split()}  # fmt: skip


def _piped(block, rng, tokens=TOKENS, levels=1, steps=4):
    circuit = circuits.Pipeline(block, tokens, steps=steps, levels=levels)
    return circuit, circuit.stimulus(rng.integers(0, levels + 1, (steps, tokens, CHANNELS)))


def _pipeline(make, **options):
    return lambda rng: _piped(make(rng), rng, **options)


def _encoder(rng, residual=1):
    block = circuits.EncoderBlock(circuits.SSA(**_maps("q k v proj", rng), heads=2, scale=0.5),
                                  circuits.SpikingFeedForward(*_maps("fc1 fc2", rng).values()))  # fmt: skip
    return block if residual else circuits.Encoder([block, block])


def _meta_block(rng):
    return circuits.EncoderBlock(circuits.MetaAttention(**_maps("q k v proj", rng), heads=2, scale=0.5),
                                 circuits.MembraneFeedForward(*_maps("fc1 fc2", rng).values()))  # fmt: skip


def _dssa(rng):
    patches = circuits.Conv(rng.integers(-2, 4, (2 * CHANNELS, CHANNELS, 2, 2)) / 8, grid=(2, 2), stride=2)
    return circuits.DSSA(patches, *_maps("proj", rng).values(), 2, np.array([0.5, 0.25]), np.array([0.5, 0.125]))


def _rwkv(rng):
    maps = _maps("k v r o", rng).values()
    maps = [circuits.Linear(map.weight) for map in maps]
    return circuits.SpikingRWKV(*maps, np.full(CHANNELS, 0.5), rng.normal(0, 0.5, CHANNELS), *rng.random((3, CHANNELS)),
                                4, Mixing(spikes=8, largest_logit=8.0))  # fmt: skip


def _head(kind):
    def make(rng):
        head = kind(2, 2, ticks=16)
        return head, head.stimulus(*rng.uniform(-1, 1, (3, 1, 1, 2, 2)))

    return make


def _attention_head(rng):
    head = circuits.AttentionHead(*rng.uniform(-1, 1, (3, 3, 2)), code="latency", ticks=32)
    return head, head.given


def _stored(circuit, rng, queries=2):
    return circuit, circuit.stimulus(rng.uniform(-0.5, 0.5, (queries, CHANNELS)))


def _spiked(rng):
    circuit = circuits.SpikedAttention(*rng.uniform(-1, 1, (2, TOKENS, CHANNELS)), base=1.3, ticks=20)
    return _stored(circuit, rng, queries=1)  # between queries the host resets it, which Brian2 alone does not


def _stored_keys(rng):
    keys, values = rng.uniform(-1, 1, (TOKENS, CHANNELS)), np.eye(TOKENS)
    return _stored(circuits.StoredKeyAttention(keys, values, active_ticks=100, encode_ticks=32), rng)


def _coded(rng):
    layers = [circuits.Linear(rng.uniform(-1, 1, (3, CHANNELS))), circuits.Linear(rng.uniform(-1, 1, (2, 3)))]
    return _stored(circuits.CodedLayers(layers, ticks=32, limits=[4.0, 4.0]), rng)


#: Name -> function of a random generator that gives a small circuit and its stimulus.
CIRCUITS = {
    "SSA": _pipeline(lambda rng: circuits.SSA(**_maps("q k v proj", rng), heads=2, scale=0.5)),
    "QKTokenAttention": _pipeline(lambda rng: circuits.QKTokenAttention(**_maps("q k proj", rng), heads=2)),
    "QKChannelAttention": _pipeline(lambda rng: circuits.QKChannelAttention(**_maps("q k proj", rng))),
    "SDSA": _pipeline(lambda rng: circuits.SDSA(**_maps("q k v proj", rng)), levels=2),
    "MetaAttention": _pipeline(lambda rng: circuits.MetaAttention(**_maps("q k v proj", rng), heads=2, scale=0.5),
                               levels=2),
    "DSSA": _pipeline(_dssa, levels=2),
    "SpikingBertAttention": _pipeline(
        lambda rng: circuits.SpikingBertAttention(*_maps("q k v", rng).values(), heads=2,
                                                  mixing=Mixing(spikes=8, largest_logit=16.0)), tokens=3, steps=2,
    ),
    "SpikingRWKV": _pipeline(_rwkv, tokens=1),
    "EncoderBlock": _pipeline(_encoder, levels=2),
    "Encoder": _pipeline(lambda rng: _encoder(rng, 0), levels=2),
    "SpikingFeedForward": _pipeline(lambda rng: circuits.SpikingFeedForward(*_maps("fc1 fc2", rng).values())),
    "MembraneFeedForward": _pipeline(_meta_block, levels=2),
    "SpikedAttention": _spiked,
    "StoredKeyAttention": _stored_keys,
    "CodedLayers": _coded,
    "AttentionHead": _attention_head,
    **{kind.__name__: _head(kind) for kind in HEADS.values()},
}  # fmt: skip
QUICK = {"SSA"}


def test_no_public_circuit_is_left_out():
    assert set(circuits.__all__) == CIRCUITS.keys() | NO_CIRCUIT | (SOFTMAX_CIRCUITS & set(circuits.__all__))
    assert {build.__name__ for build, _, _ in (SIX | OTHERS).values()} == SOFTMAX_CIRCUITS
    assert {build.__name__ for build in SOFTMAX.values()} <= SOFTMAX_CIRCUITS
    bases = {"Circuit", "NirCircuit", "Pipeline"}
    assert not any(hasattr(getattr(circuits, name), "network") for name in NO_CIRCUIT - bases)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CIRCUITS]
)
def test_a_circuit_fires_brian2s_spikes(name):
    circuit, stimulus = CIRCUITS[name](np.random.default_rng(0))
    network = circuit.network(stimulus)
    compiled = eventsim.compile_network(network)
    ours, theirs = _both(network, compiled, stimulus)
    assert len(theirs.spikes) > stimulus.tick.size  # more than what came in
    assert ours.spikes == theirs.spikes


def _both(network, compiled, stimulus):
    ticks = stimulus.duration_ticks
    return by_eventsim(compiled, ticks, stimulus), by_brian2(network, compiled, ticks)


@pytest.mark.slow
def test_all_softmax_circuits_and_controls_fire_brian2s_spikes():
    circuit, arms = circuits.Circuit("zoo"), []
    for name, (build, arguments, options) in (SIX | OTHERS).items():
        made = build(*arguments, **options)
        part = circuit.use(made, name)
        if hasattr(made, "arm_tick"):
            arms.append((made.arm_tick, part.arm))
    ids = [int(circuit.neuron_ids(arm)[0]) for _, arm in arms]
    ticks = 200 + max(tick for tick, _ in arms)
    stimulus = Stimulus.of([tick for tick, _ in arms], ids, duration_ticks=ticks)
    network = circuit.network(stimulus)
    compiled = eventsim.compile_network(network)
    ours, theirs = _both(network, compiled, stimulus)
    starts = circuit.labels()
    silent = [
        name for name in SIX | OTHERS
        if f"{name}/pool" in starts
        and not any(starts[f"{name}/pool"][0] <= neuron < starts[f"{name}/pool"][1] for _, neuron in theirs.spikes)
    ]  # fmt: skip
    assert silent == []
    assert ours.spikes == theirs.spikes
