"""What is given to the makers of circuits: an argument of the wrong kind is one error that names it."""

import re

import numpy as np
import pytest

import circuits
from circuits import LIF, Circuit, Linear, SpikingFeedForward, StoredKeyAttention
from circuits.arguments import checked
from circuits.encoder import PatchEmbedding, SpikePool
from circuits.softmax.controls import leaky, self_inhibition
from circuits.state_dict import read_state
from eventsim.errors import CircuitError

SQUARE, POOL = np.eye(2), {"n": 2, "rate_per_tick": 0.1, "inhibition": 1.0}
MAP, LAYER, TOKENS = Linear(SQUARE), SpikingFeedForward(Linear(SQUARE), Linear(SQUARE)), np.ones((3, 2))
HEAD, STORED = {"n": 2, "d": 2}, {"keys": TOKENS, "values": TOKENS}

#: Maker, arguments that are right, and the names of those that are given a wrong one in their place.
MAKERS = [
    ("LIF", {}, "tau_ms v_th v_reset v_start drive strict"), ("IntegrateFire", {}, "v_th v_start"),
    ("Gate", {}, "v_th v_start"), ("Ramp", {"slope_per_tick": 1, "v_start": 0}, "slope_per_tick v_start"),
    ("Veto", {"chance": 0.5}, "chance held_start seed"),
    ("Escape", {"rate_per_tick": 1, "drift": 1}, "rate_per_tick drift u_start seed leak_ticks"),
    ("ExponentialIntegrator", {"rate_per_tick": 1, "drift": 1}, "rate_per_tick drift v_start v_leak_per_tick"),
    ("LIFAlpha", {}, "tau_ms tau_syn_ms tau_inh_ms refractory_ms drive"), ("LIFExp", {}, "tau_exc_ms tau_inh_ms"),
    ("RestingLIF", {"refractory_ms": 1}, "refractory_ms tau_ms"), ("Majority", {"inputs": 3}, "inputs"),
    ("BatchNorm", {"weight": [1], "bias": [1], "mean": [1], "var": [1]}, "weight eps"),
    ("Linear", {"weight": SQUARE}, "weight bias"),
    ("Conv", {"weight": np.ones((1, 1, 1, 1))}, "weight bias grid stride padding"),
    ("Latency", {"limit": 1, "ticks": 8}, "limit ticks"), ("Phases", {}, "warmup_ticks active_ticks flush_ticks"),
    ("NeuronModel", {"kind": "x"}, "kind equations state receptors"), ("Circuit", {"name": "c"}, "name dt_ms phases"),
    ("Size", {"neurons": 1, "synapses": 1}, "neurons synapses"),
    ("Pipeline", {"block": LAYER, "tokens": 2}, "block tokens steps levels dt_ms"),
    ("CodedLayers", {"layers": [MAP], "ticks": 8, "limits": [1.0]}, "layers ticks limits code amplitude dt_ms"),
    ("SSA", {"q": MAP, "k": MAP, "v": MAP, "proj": MAP, "heads": 1}, "q k v proj heads order scale"),
    ("MetaAttention", {"q": MAP, "k": MAP, "v": MAP, "proj": MAP, "heads": 1}, "order scale"),
    ("SpikingBertAttention", {"q": MAP, "k": MAP, "v": MAP, "heads": 1}, "q k heads leak v_th mixing"),
    ("MembraneFeedForward", {"fc1": MAP, "fc2": MAP}, "fc1 fc2 inner_residual"),
    ("EncoderBlock", {"attention": LAYER, "feed_forward": LAYER}, "attention feed_forward"),
    ("Encoder", {"blocks": ()}, "blocks"),
    ("SpikedAttention", STORED, "keys values base ticks limit beta dt_ms"),
    ("StoredKeyAttention", STORED, "keys values beta softmax active_ticks rate_per_tick inhibition encode_ticks limit "
     "norm reset seed token_keys dt_ms"),
    ("AttentionHead", {"q": TOKENS, "k": TOKENS, "v": TOKENS}, "q k v code ticks seed beta mask logit_range"),
    ("RateHead", HEAD, "n d ticks rate_per_tick inhibition seed beta limit reset token_keys signed dt_ms"),
    ("DurationHead", HEAD, "ticks rate_per_tick inhibition"), ("LatencyHead", HEAD, "ticks smallest limit"),
    ("escape_inhibition", POOL, "n rate_per_tick inhibition u_start seed token_keys dt_ms through veto leak_ticks "
     "refractory_ticks mismatch"),
    ("integrate_inhibition", POOL, "rate_per_tick v_start"), ("winner_take_all", POOL, "inhibition through"),
    ("race", {"n": 2, "rate_per_tick": 0.1}, "rate_per_tick rest_ticks"), (leaky, POOL, "gain"),
    (self_inhibition, {"n": 2}, "alpha tau_ticks logits"),
    ("first_spike", {"n": 2, "tau_ticks": 5, "span": 2}, "tau_ticks span start mismatch jitter seed"),
    ("gated_counts", {"n": 2, "tau_ticks": 5, "span": 2, "counts": 5}, "counts"),
    ("thinning", {"n": 2, "d": 2, "beta": 1}, "beta scores token_keys"),
    ("approximate", {"f": np.negative, "n": 2, "d": 1, "error": 0.1}, "f n error domain code seed"),
    ("load_attention", {"checkpoint": {}, "model": "spikformer"}, "checkpoint model prefix eps"),
    (read_state, {"path": "x"}, "path"), (SpikePool, {"channels": 1, "grid": (4, 4)}, "channels grid size stride"),
    (PatchEmbedding, {"layers": []}, "layers position"),
]  # fmt: skip
CASES = [(make, given, name) for make, given, names in MAKERS for name in names.split()]
IDS = [f"{make if isinstance(make, str) else make.__qualname__}-{name}" for make, _, name in CASES]


@pytest.mark.parametrize("make, given, name", CASES, ids=IDS)
@pytest.mark.parametrize("wrong", [object(), {1: 2}, [[1], [1, 2]], np.array([["x"]])], ids=lambda w: type(w).__name__)
def test_an_argument_of_a_wrong_kind_is_refused(make, given, name, wrong):
    make = getattr(circuits, make) if isinstance(make, str) else make
    if wrong == {1: 2} and name in ("state", "receptors", "checkpoint"):
        return
    with pytest.raises(CircuitError):
        make(**given | {name: wrong})


@pytest.fixture
def joined():
    circuit = Circuit("c")
    return circuit, circuit.neuron("a", LIF()), circuit.neuron("b", LIF())


@pytest.mark.parametrize("act, message", [
    (lambda c, a, b: LIF(tau_ms="x", v_th=1), "LIF: tau_ms is 'x'; give a number, or an array of numbers"),
    (lambda c, a, b: LIF(v_th=None), "LIF: v_th is None"),
    (lambda c, a, b: StoredKeyAttention(TOKENS, TOKENS, beta="x"), "StoredKeyAttention: beta is 'x'; give a number"),
    (lambda c, a, b: StoredKeyAttention(TOKENS, TOKENS, beta=[1, 2]), "beta is [1, 2]; give one number"),
    (lambda c, a, b: StoredKeyAttention(np.zeros((0, 3)), np.zeros((0, 3))), "of a token or more, got shape (0, 3)"),
    (lambda c, a, b: StoredKeyAttention(np.zeros((3, 0)), TOKENS), "of a token or more, got shape (3, 0)"),
    (lambda c, a, b: StoredKeyAttention(TOKENS, TOKENS).decode(None), "trace is None; give a Trace"),
    (lambda c, a, b: circuits.DurationHead(2, 2, rate_per_tick=np.nan), "rate_per_tick is nan; it must be positive"),
    (lambda c, a, b: Circuit(None), "Circuit: name is None; give a str"),
    (lambda c, a, b: c.inputs("w", "x"), "Circuit.neurons: shape is <U1"),
    (lambda c, a, b: c.neurons(3, 2, LIF()), "name is 3; give a str"),
    (lambda c, a, b: c.neurons("x", 2, LIF(), token=[[1], [1, 2]]), "token is [[1], [1, 2]]; give a number"),
    (lambda c, a, b: c.synapse(a, b, weight="x"), "weight is 'x'; give a number"),
    (lambda c, a, b: c.synapse(a, 1), "Circuit.synapse: post is 1; give a Neurons"),
    (lambda c, a, b: c.connect(a, b, lambda i, j: [[1], [1, 2]]), "weight is [[1], [1, 2]]; give a number"),
    (lambda c, a, b: c.connect(a, b, ([[0], [0, 1]], [0], 1.0)), "pre indices is [[0], [0, 1]]; give a number"),
    (lambda c, a, b: c.connect(a, b, delay_ms="soon"), "Circuit.connect: delay_ms is 'soon'; give a number"),
    (lambda c, a, b: c.connect(a, b, receptor=["v"]), "receptor is ['v']; give a str"),
    (lambda c, a, b: c.reset(a, None), "post is None; give a Neurons"),
    (lambda c, a, b: c.port("p", "a"), "neurons is 'a'; give a Neurons"),
    (lambda c, a, b: c.use("part", "p"), "'part' is no Circuit"),
    (lambda c, a, b: c.neuron_ids([0]), "neurons is [0]; give a Neurons"),
    (lambda c, a, b: c.network(3), "stimulus is 3; give a Stimulus"),
    (lambda c, a, b: c.neurons("p", 3, LIF())[[[0], [0, 1]]], "3 neurons"),
    (lambda c, a, b: circuits.to_nir(None), "to_nir: circuit is None; give a Circuit"),
])  # fmt: skip
def test_the_error_says_whose_argument_it_is_and_what_to_give(joined, act, message):
    with pytest.raises(CircuitError, match=re.escape(message)):
        act(*joined)


def test_none_passes_where_it_is_the_default_and_python_says_what_is_missing():
    made = checked()(lambda n, ticks=None, seed=0, **others: (n, ticks, seed, others))
    assert made(1, None, others=2) == (1, None, 0, {"others": 2}) and made(1, beta=None) == (1, None, 0, {"beta": None})
    with pytest.raises(CircuitError, match="seed is None"):
        made(1, seed=None)
    with pytest.raises(TypeError, match="missing 1 required"):
        made(ticks=3)
