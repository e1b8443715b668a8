"""Operation counts of one attention block: exact ones against recorded spikes, published ones against their rules."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import eventsim
from analysis.operation_counts import deliveries, products, published, unaccounted
from analysis.published_counters import COUNTERS, Operations, Product
from circuits.attention import SDSA, SSA, MetaAttention, QKTokenAttention
from circuits.maps import Linear
from circuits.pipeline import Pipeline
from eventsim.errors import ConfigError

DATA = Path(__file__).parents[1] / "data"
TOKENS, STEPS, CHANNELS = 4, 4, 8

COUNT = {counter.name: counter.count for counter in COUNTERS}


def _recording(name):
    with np.load(DATA / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def _tokens(array):
    """(steps, 1, channels, tokens...) -> (steps, tokens, channels) integers."""
    return array.reshape(STEPS, array.shape[2], TOKENS).transpose(0, 2, 1).astype(np.int64)


def _maps(z, name):
    weight, bias = z[f"{name}.W"], z[f"{name}.b"]
    return [Linear(weight[k : k + CHANNELS], bias[k : k + CHANNELS]) for k in range(0, len(weight), CHANNELS)]


def _run(circuit, *inputs):
    return eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(np.stack(inputs)))


def _count(table, sender, receiver, kind="all"):
    (count,) = table.loc[(table["sender"] == sender) & (table["receiver"] == receiver), kind]
    return count


def _without(wiring, synapse):
    """The wiring with one synapse left out."""
    columns = ("pre", "post", "weight", "delay")
    return replace(wiring, **{name: np.delete(getattr(wiring, name), synapse) for name in columns})


def _ssa_circuit(z):
    block = SSA(*_maps(z, "qkv_conv_bn"), *_maps(z, "proj_conv_bn"), heads=1)
    return Pipeline(block, TOKENS, steps=STEPS, levels=2)


@pytest.fixture(scope="module")
def ssa():
    """The recorded block on its input, query 0, and with one spike made a 2, query 1."""
    z = _recording("ssa_dyadic_h1")
    x = _tokens(z["x"])
    more = x.copy()
    more[tuple(np.argwhere(x)[0])] = 2
    circuit = _ssa_circuit(z)
    trace = _run(circuit, x, more)
    q, k, v = np.split(_tokens(z["qkv_lif.S"]), 3, axis=-1)
    attn = _tokens(z["attn_lif.S"][:, :, 0])
    return SimpleNamespace(z=z, x=x, more=more, circuit=circuit, trace=trace, q=q, k=k, v=v, attn=attn)


class TestDeliveries:
    def test_in_layers_they_are_recorded_spikes_times_synapses_with_and_without_weights_of_zero(self, ssa):
        table = deliveries(ssa.trace, ssa.circuit, 0)
        for part, name in enumerate("qkv"):
            weight = ssa.z["qkv_conv_bn.W"][part * CHANNELS : (part + 1) * CHANNELS]
            assert _count(table, "input", name) == ssa.x.sum() * CHANNELS
            assert (
                _count(table, "input", name, "nonzero") == (ssa.x.sum((0, 1)) * np.count_nonzero(weight, axis=0)).sum()
            )
        fan_out = np.count_nonzero(ssa.z["proj_conv_bn.W"], axis=0)
        assert _count(table, "attn", "proj") == ssa.attn.sum() * CHANNELS
        assert _count(table, "attn", "proj", "nonzero") == (ssa.attn.sum((0, 1)) * fan_out).sum()

    def test_in_attention_they_are_counted_from_the_recorded_spikes_one_coincidence_at_a_time(self, ssa):
        pairs = triples = 0
        for t, i, j, e in np.ndindex(STEPS, TOKENS, TOKENS, CHANNELS):
            if ssa.q[t, i, e] and ssa.k[t, j, e]:
                pairs += 1
                triples += int(ssa.v[t, j].sum())
        table = deliveries(ssa.trace, ssa.circuit, 0)
        assert _count(table, "q", "pair") == ssa.q.sum() * TOKENS
        assert _count(table, "k", "pair") == ssa.k.sum() * TOKENS
        assert _count(table, "pair", "triple") == pairs * CHANNELS
        assert _count(table, "v", "triple") == ssa.v.sum() * TOKENS * CHANNELS
        assert _count(table, "triple", "attn") == triples

    def test_biases_come_once_per_neuron_and_step(self, ssa):
        bias = deliveries(ssa.trace, ssa.circuit, 0).query("bias")
        assert set(bias["receiver"]) == {"q", "k", "v", "proj"}
        assert (bias["all"] == STEPS * TOKENS * CHANNELS).all()
        nonzero = np.count_nonzero(ssa.z["qkv_conv_bn.b"]) + np.count_nonzero(ssa.z["proj_conv_bn.b"])
        assert bias["nonzero"].sum() == STEPS * TOKENS * nonzero

    def test_figures_of_the_recorded_block(self, ssa):
        table = deliveries(ssa.trace, ssa.circuit, 0)
        layers = table[~table["bias"]].groupby("stage")[["all", "nonzero"]].sum()
        assert layers.loc["qkv"].tolist() == [1824, 1748]
        # The whole block with no synapse of weight 0, built in Brian2 without this package.
        assert table["nonzero"].sum() == 6468

    def test_both_runs_together_are_what_was_counted_while_running(self, ssa):
        each = [deliveries(ssa.trace, ssa.circuit, query)["all"].sum() for query in (0, 1)]
        assert deliveries(ssa.trace, ssa.circuit)["all"].sum() == sum(each) == ssa.trace.received()[0].sum()
        assert sum(each) == ssa.trace.delivered().sum()

    def test_an_input_of_two_is_two_spikes_of_which_one_is_a_repetition(self, ssa):
        given, more = (deliveries(ssa.trace, ssa.circuit, query) for query in (0, 1))
        assert given["repeated"].sum() == 0
        assert more["repeated"].sum() == 3 * CHANNELS == _of_stage(more, "qkv") - _of_stage(given, "qkv")


def _of_stage(table, stage):
    return table.loc[~table["bias"] & (table["stage"] == stage), "all"].sum()


class TestFaultsAreNoticed:
    def test_none_in_the_block_as_it_is(self, ssa):
        for query in (0, 1):
            described = products(ssa.circuit, ssa.trace, query)
            assert unaccounted(ssa.circuit, deliveries(ssa.trace, ssa.circuit, query), described) == []

    def test_a_dropped_synapse_of_weight_zero_which_no_spike_tells_of(self, ssa):
        circuit = _ssa_circuit(ssa.z)
        first = circuit.wirings[0]  # from the first units of the input to q
        sent = ssa.x.sum(0).ravel()[first.pre - circuit.stages["input"].ids.min()]
        synapse = np.flatnonzero((first.weight == 0) & (sent > 0))[0]
        circuit.wirings[0] = _without(first, synapse)
        trace = _run(circuit, ssa.x)
        np.testing.assert_array_equal(circuit.decode(trace)[0], _tokens(ssa.z["y"]))
        lines = unaccounted(circuit, deliveries(trace, circuit, 0), products(circuit, trace))
        assert lines == [f"qkv: {1824 - sent[synapse]:,} deliveries (all), 1,824 due"]

    def test_a_synapse_made_two_of_half_its_weight(self, ssa):
        circuit = _ssa_circuit(ssa.z)
        circuit.wirings[0] = replace(circuit.wirings[0], weight=circuit.wirings[0].weight / 2)
        circuit.wirings.append(circuit.wirings[0])
        trace = _run(circuit, ssa.x)
        np.testing.assert_array_equal(circuit.decode(trace)[0], _tokens(ssa.z["y"]))
        lines = unaccounted(circuit, deliveries(trace, circuit, 0), products(circuit, trace))
        assert lines[0] == "qkv: 2,432 deliveries (all), 1,824 due" and len(lines) == 2


class TestPublishedCountersOnTheRecordedBlock:
    def test_spikingjelly_counts_coincidences_of_k_and_v_and_q_as_often_as_a_head_has_channels(self, ssa):
        said = published(products(ssa.circuit, ssa.trace, 0))["SpikingJelly"]
        together = sum(int(ssa.k[t, j].sum() * ssa.v[t, j].sum()) for t, j in np.ndindex(STEPS, TOKENS))
        assert said["qkv"] == Operations(ac=1824)
        assert said["attention"] == Operations(ac=together + ssa.q.sum() * CHANNELS)
        assert said["proj"] == Operations(ac=ssa.attn.sum() * CHANNELS)

    def test_layers_of_the_others(self, ssa):
        said = published(products(ssa.circuit, ssa.trace, 0))
        assert said["NeuroBench"]["qkv"] == Operations(ac=1748)
        assert said["NeuroBench"]["attention"] == said["syops-counter"]["attention"] == Operations()
        for name in ("syops-counter", "Spikformer paper", "Spikingformer script"):
            assert said[name]["qkv"] == Operations(ac=1824)

    def test_one_input_of_two_turns_the_first_layer_into_multiplications_for_all_but_the_paper(self, ssa):
        first = {name: stages["qkv"] for name, stages in published(products(ssa.circuit, ssa.trace, 1)).items()}
        dense = STEPS * TOKENS * CHANNELS * 3 * CHANNELS
        assert dense == 3072
        assert first == {
            "SpikingJelly": Operations(mac=dense), "NeuroBench": Operations(mac=1748),
            "syops-counter": Operations(mac=dense), "Spikformer paper": Operations(ac=1824 + 3 * CHANNELS),
            "Spikingformer script": Operations(mac=dense),
        }  # fmt: skip


class TestRules:
    @pytest.mark.parametrize(("name", "spikes", "with_a_two", "with_a_minus_one"), [
        ("SpikingJelly", Operations(ac=6), Operations(mac=8), Operations(mac=8)),
        ("NeuroBench", Operations(ac=4), Operations(mac=4), Operations(ac=4)),
        ("syops-counter", Operations(ac=6), Operations(mac=8), Operations(mac=8)),
        ("Spikformer paper", Operations(ac=6), Operations(ac=8), Operations(ac=2)),
    ])  # fmt: skip
    def test_a_layer_of_three_spikes_and_a_weight_of_zero(self, name, spikes, with_a_two, with_a_minus_one):
        weight = np.array([[0.5, 0.0], [1.0, 2.0]])
        said = [COUNT[name](Product("qkv", np.array([[1, 0], [1, value]]), weight, "weights")) for value in (1, 2, -1)]
        assert said == [spikes, with_a_two, with_a_minus_one]

    def test_spikingjelly_takes_a_product_with_counts_that_happen_to_be_spikes_for_coincidences(self):
        q = np.array([[1, 1]])
        assert COUNT["SpikingJelly"](Product("attention", q, np.array([[1, 0], [0, 0]]), "counts")).ac == 1
        assert COUNT["SpikingJelly"](Product("attention", q, np.array([[2, 0], [0, 0]]), "counts")).ac == 4

    def test_spikingformer_s_attention_on_rates_of_58_and_74_in_128(self):
        """T h N d d = 512 times (min(74, 80)/128 + 58/128) = 528, two heads of 4 channels, 4 tokens, 4 steps."""
        q, k, v = (np.repeat([1, 0], [n, 128 - n]).reshape(4, 2, 4, 4) for n in (58, 74, 80))
        k = k.swapaxes(-1, -2)
        count = COUNT["Spikingformer script"]
        assert count(Product("", k, v, "spikes")) + count(Product("", q, k @ v, "counts")) == Operations(ac=528)

    def test_energy_is_the_papers_price_list(self):
        assert Operations(ac=10, mac=100).energy_pj == pytest.approx(469)


class TestOtherBlocks:
    def test_attention_that_masks_has_no_matrix_product_but_the_circuit_has_its_deliveries(self):
        z = _recording("qk_token")
        block = QKTokenAttention(*_maps(z, "qk_conv_bn"), *_maps(z, "proj_conv_bn"), int(z["heads"]))
        circuit, x = Pipeline(block, TOKENS, steps=STEPS), _tokens(z["x"])
        trace = _run(circuit, x)
        table, described = deliveries(trace, circuit, 0), products(circuit, trace)
        q, k = np.split(_tokens(z["qk_lif.S"]), 2, axis=-1)
        token = _tokens_per_head(q).any(axis=-1)
        kept = (_tokens_per_head(k) * token[..., None]).sum()
        assert unaccounted(circuit, table, described) == []
        assert all(said["attention"] == Operations() for said in published(described).values())
        assert _of_stage(table, "attention") == q.sum() + k.sum() + token.sum() * CHANNELS / 2
        assert published(described)["SpikingJelly"]["proj"].ac == _of_stage(table, "proj") == kept * CHANNELS

    def test_neurons_ahead_of_the_layers_hide_an_integer_input_from_every_counter(self):
        z = _recording("sdsa")
        block = SDSA(*(_maps(z, name)[0] for name in ("q", "k", "v", "proj")))
        circuit = Pipeline(block, TOKENS, steps=STEPS, levels=2)
        x = _tokens(z["x"])
        trace = _run(circuit, x)
        table, described = deliveries(trace, circuit, 0), products(circuit, trace)
        assert x.max() == 2 and table["repeated"].sum() == _of_stage(table, "input") / 2 == x.sum() / 2
        assert unaccounted(circuit, table, described) == []
        shortcut = _tokens(z["shortcut_lif.S"]).sum()
        assert published(described)["SpikingJelly"]["qkv"] == Operations(ac=shortcut * 3 * CHANNELS)

    def test_one_that_is_not_described_is_refused_in_one_line(self):
        maps = [Linear(np.eye(2)) for _ in range(4)]
        circuit = Pipeline(MetaAttention(*maps, heads=1), 2)
        with pytest.raises(ConfigError, match="MetaAttention is not described as matrix products; choose one of SSA"):
            products(circuit, None)


def _tokens_per_head(spikes):
    return spikes.reshape(STEPS, TOKENS, 2, CHANNELS // 2)
