"""Rows delivered stretch by stretch: the same synapses, the same order, the same bits."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.grid import stretches
from eventsim.grid.plan import plan_for
from eventsim.grid.storage import store
from eventsim.grid.stretches import cut, mean_length
from tests.support.brian2_runs import by_brian2, by_eventsim, same

pytestmark = pytest.mark.usefixtures("one_millisecond")


def test_a_row_is_cut_where_a_neuron_is_passed_over_and_where_it_ends():
    post, rows = np.array([3, 4, 5, 9, 10, 11, 0, 2, 1]), np.array([0, 5, 5, 9])
    made = cut(post, rows)
    assert made.at.tolist() == [0, 2, 2, 6]
    assert made.target.tolist() == [3, 9, 11, 0, 2, 1]
    assert made.size.tolist() == [3, 2, 1, 1, 1, 1]
    assert mean_length(post, rows) == 1.5
    np.testing.assert_array_equal(made.targets(), post)


@pytest.mark.parametrize("is_blind", [False, True])
def test_equal_stretches_share_their_weights_bit_for_bit_and_others_do_not(is_blind, monkeypatch):
    if is_blind:  # all weights look alike
        monkeypatch.setattr(stretches, "_hashed", lambda bits, along: np.zeros_like(bits))
    layer = np.array([[0.25, -0.5, 1e-300], [0.0, -0.5, 1e-300], [-0.0, -0.5, 1e-300]])
    weights = np.concatenate([layer.ravel(), layer.ravel(), [0.25, -0.5]])
    post, rows = np.concatenate([np.tile([5, 6, 7], 6), [0, 1]]), np.array([0, 3, 6, 9, 12, 15, 18, 20])
    made = cut(post, rows, weights)
    assert made.weights.size == (20 if is_blind else 11)
    assert made.each_weight().tobytes() == weights.tobytes()


def test_stretches_are_cut_in_pieces_as_they_are_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    rows = np.concatenate([[0], np.cumsum(rng.integers(0, 40, 50))])
    post = np.concatenate([start + np.arange(n) for start, n in zip(rng.integers(0, 90, 50), np.diff(rows))])
    weights = rng.integers(0, 3, post.size) / 2
    whole = cut(post, rows, weights)
    monkeypatch.setattr(stretches, "_AT_ONCE", 7)
    pieces = cut(post, rows, weights)
    for name in ("at", "target", "size", "place", "weights"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))
    np.testing.assert_array_equal(whole.targets(), post)
    np.testing.assert_array_equal(whole.each_weight(), weights)


MODELS = {
    "step": ("v : 1\ndrive : 1", "v > 1", "v = 0", {}, "drive_post += w"),
    "leak": ("dv/dt = -v/(9*ms) : 1", "v > 1", "v = 0", {}, "v_post += w"),
    "leak and rest": (
        "dv/dt = -v/(9*ms) : 1 (unless refractory)", "v > 1", "v = 0", {"refractory": 4 * ms}, "v_post += w"
    ),
    "two effects": ("v : 1\nlast : 1", "v > 1", "v = 0", {}, "v_post += w\nlast_post = 0.25"),
}  # fmt: skip


def build(name, weights):
    model, threshold, reset, options, on_pre = MODELS[name]
    rng = np.random.default_rng(3)
    cells = NeuronGroup(60, model, threshold=threshold, reset=reset, method="exact", name="cells", **options)
    if name == "step":
        cells.run_regularly("v = v + (drive - v)/2.0\ndrive = 0", when="groups", name="step")
    at = np.unique(rng.integers(0, 12 * 80, 300))
    source = SpikeGeneratorGroup(12, at % 12, (at // 12) * ms, name="source")
    joined = []
    for a, delays, lengths in ((source, (0, 3), (20, 40)), (cells, (1,), (9, 25))):
        synapses = Synapses(a, cells, "w : 1", on_pre=on_pre)
        starts, n = rng.integers(0, 60 - lengths[1] + 1, len(a)), rng.integers(*lengths, len(a))
        i = np.repeat(np.arange(len(a)), n)
        synapses.connect(i=i, j=np.concatenate([s + np.arange(m) for s, m in zip(starts, n)]))
        synapses.w = rng.choice(weights, len(i)) if len(weights) > 1 else weights[0]
        synapses.pre.delay = np.repeat(rng.choice(delays, len(a)), n) * ms
        joined.append(synapses)
    return Network(cells, source, *joined)


@pytest.mark.parametrize("name, threads", [
    ("step", 1), ("leak and rest", 2),
    *(pytest.param(name, threads, marks=pytest.mark.slow) for name, threads in (("leak", 2), ("leak and rest", 1))),
])  # fmt: skip
def test_spikes_and_bits_are_brian2s(name, threads):
    network = build(name, [-0.4, 0.3, 0.6, 0.9, 0.0])
    compiled = eventsim.compile_network(network)
    assert store(compiled).stretched == {0, 1} and store(compiled).ways == ("shared", "shared")
    ours = by_eventsim(compiled, 80, threads=threads)
    theirs = by_brian2(network, compiled, 80)
    assert sum(neuron < 60 for _, neuron in theirs.spikes) > 100
    assert same(ours, theirs)


def test_one_weight_for_a_row_and_no_weight_are_delivered_by_stretches_too(monkeypatch):
    network = build("two effects", [0.3])
    compiled = eventsim.compile_network(network)
    plan = plan_for(compiled)
    assert plan.storage.ways == ("shared", "shared")
    monkeypatch.setattr("eventsim.grid.storage.store.__defaults__", (1,))
    assert store(compiled).ways == ("row", "row") and store(compiled).stretched == {0, 1}
    assert same(by_eventsim(compiled, 80), by_brian2(network, compiled, 80))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["leak", "step"])
def test_by_touch_and_recorded_the_trace_is_the_same(name):
    compiled = eventsim.compile_network(build(name, [-0.4, 0.3, 0.6, 0.9]))
    plain = eventsim.simulate(compiled, duration_ms=80)
    touched = eventsim.simulate(compiled, duration_ms=80, updates="touched")
    recorded = eventsim.simulate(compiled, duration_ms=80, record_events=True)
    for name in ("spikes", "counts"):
        assert plain.manifest[f"{name}_hash"] == touched.manifest[f"{name}_hash"] == recorded.manifest[f"{name}_hash"]
    found, expected = recorded.recorded_events(), recorded.synaptic_events()
    np.testing.assert_array_equal(np.sort(found.synapse), np.sort(expected.synapse))
