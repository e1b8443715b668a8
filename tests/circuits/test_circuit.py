"""Circuit: neuron by neuron, in arrays, and composed; its tables, graph and network agree."""

import numpy as np
import pandas as pd
import pytest

import eventsim
from circuits import LIF, Circuit, Gate, IntegrateFire, Phases
from eventsim.errors import CircuitError
from eventsim.stimulus import Stimulus


def _edges(circuit):
    """Sorted (pre, post, weight, delay_ms) of every synapse."""
    return sorted(circuit.synapse_table()[["pre", "post", "weight", "delay_ms"]].itertuples(index=False, name=None))


def _two(n=3, m=2):
    c = Circuit("c")
    return c, c.neurons("a", n, LIF()), c.neurons("b", m, LIF())


# -- single neurons and arrays


def test_single_neurons_and_synapses_make_the_toggle():
    c = Circuit("toggle")
    a, b = c.neuron("a", LIF(tau_ms=20, v_th=1.0)), c.neuron("b", LIF())
    c.synapse(a, b, weight=0.6, delay_ms=2)
    c.synapse(b, a, weight=-1.0)
    assert a.shape == () and a.size == 1 and c.n_neurons == 2
    assert _edges(c) == [(0, 1, 0.6, 2.0), (1, 0, -1.0, 0.0)]


def test_indexing_is_numpys():
    c = Circuit("c")
    pop = c.neurons("pool", (3, 4), LIF())
    assert pop[0].ids.tolist() == [0, 1, 2, 3] and pop[1, 2].ids == 6 and pop[1, 2].shape == ()
    assert pop[:, -1].ids.tolist() == [3, 7, 11] and pop[::2, 1:3].shape == (2, 2) and len(pop) == 3
    assert pop[pop.ids % 2 == 1].ids.tolist() == [1, 3, 5, 7, 9, 11]
    with pytest.raises(CircuitError, match="out of bounds"):
        pop[3]


def test_a_number_joins_every_pair():
    c, a, b = _two()
    c.connect(a, b, 0.5, delay_ms=3)
    assert _edges(c) == [(i, 3 + j, 0.5, 3.0) for i in range(3) for j in range(2)]


@pytest.mark.parametrize("shape", [(6, 2), (3, 2, 2), (6, 2, 1)])
def test_an_array_is_read_row_by_row_and_zeros_are_synapses(shape):
    c = Circuit("c")
    a, b = c.neurons("a", (3, 2), LIF()), c.neurons("b", 2, LIF())
    weights = np.arange(12.0) - 4
    if shape == (6, 2, 1):
        with pytest.raises(CircuitError, match="do not fit"):
            c.connect(a, b, weights.reshape(shape))
        return
    c.connect(a, b, weights.reshape(shape))
    assert _edges(c) == [(i, 6 + j, 2.0 * i + j - 4, 0.0) for i in range(6) for j in range(2)]
    assert (c.synapse_table()["weight"] == 0).sum() == 1


def test_masked_entries_get_no_synapse_whatever_lies_under_the_mask():
    c, a, b = _two()
    c.connect(a, b, np.ma.masked_array([[1.0, np.nan], [0.0, 2.0], [3.0, 4.0]], mask=[[0, 1], [0, 0], [0, 1]]))
    assert _edges(c) == [(0, 3, 1.0, 0.0), (1, 3, 0.0, 0.0), (1, 4, 2.0, 0.0), (2, 3, 3.0, 0.0)]


def test_a_fully_masked_array_makes_no_synapse():
    c, a, b = _two()
    c.connect(a, b, np.ma.masked_array(np.ones((3, 2)), mask=True))
    assert c.n_synapses == 0 and len(c.synapse_table()) == 0


def test_a_table_gives_pairs_that_may_repeat():
    c, a, b = _two()
    c.connect(a, b, ([0, 2, 0], [1, 0, 1], [0.5, 0.0, 0.25]), delay_ms=[1, 2, 3])
    assert _edges(c) == [(0, 4, 0.25, 3.0), (0, 4, 0.5, 1.0), (2, 3, 0.0, 2.0)]


def test_a_dataframe_gives_pairs_with_or_without_delays():
    for column in ({"delay_ms": [1, 4]}, {}):
        c, a, b = _two()
        c.connect(a, b, pd.DataFrame({"weight": [1.5, -2], "post": [0, 1], "pre": [2, 0]} | column), delay_ms=7)
        delays = column.get("delay_ms", [7, 7])
        assert _edges(c) == [(0, 4, -2.0, delays[1]), (2, 3, 1.5, delays[0])]


def test_a_callable_is_given_indices_within_both_ends():
    c, a, b = _two()
    c.connect(a[1:], b, lambda i, j: np.ma.masked_where(i == j, 10.0 * i + j))
    assert _edges(c) == [(1, 4, 1.0, 0.0), (2, 3, 10.0, 0.0)]


def test_delays_may_differ_between_synapses():
    c, a, b = _two()
    c.connect(a, b, np.ones((3, 2)), delay_ms=np.arange(6).reshape(3, 2))
    assert [edge[3] for edge in _edges(c)] == [0, 1, 2, 3, 4, 5]


def test_one_to_one_pairs_neurons_in_order():
    c = Circuit("c")
    a, b = c.neurons("a", (2, 2), LIF()), c.neurons("b", 4, LIF())
    c.one_to_one(a, b, [1, 2, 3, 4], delay_ms=2)
    assert _edges(c) == [(k, 4 + k, k + 1.0, 2.0) for k in range(4)]
    with pytest.raises(CircuitError, match="equal sizes"):
        c.one_to_one(a[0], b)


def test_parallel_synapses_each_count():
    c = Circuit("c")
    a, b = c.inputs("a", ()), c.neuron("b", IntegrateFire(v_th=3))
    for weight in (1, 2, 1):
        c.synapse(a, b, weight)
    assert c.n_synapses == 3 and c.graph().number_of_edges(0, 1) == 3
    compiled = eventsim.compile_network(c.network())
    trace = eventsim.simulate(compiled, Stimulus.of([0, 3], [c.neuron_ids(a)] * 2, duration_ticks=8))
    assert trace.spikes(neurons=[c.neuron_ids(b)]).tick.tolist() == [1, 4]
    assert trace.received()[0][c.neuron_ids(b)] == 6


# -- what is refused


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda c, a, b: c.connect(a, b, np.ones((2, 3))), "do not fit"),
        (lambda c, a, b: c.connect(a, b, np.ones(6)), "do not fit"),
        (lambda c, a, b: c.connect(a, b, lambda i, j: np.ones(3)), "do not fit"),
        (lambda c, a, b: c.connect(a, b, ([0], [0, 1], [1])), "1 senders and 2 receivers"),
        (lambda c, a, b: c.connect(a, b, ([0], [0])), "3 columns"),
        (lambda c, a, b: c.connect(a, b, ([3], [0], [1])), "outside 0 to 2"),
        (lambda c, a, b: c.connect(a, b, ([-1], [0], [1])), "outside 0 to 2"),
        (lambda c, a, b: c.connect(a, b, ([0.5], [0], [1])), "integers"),
        (lambda c, a, b: c.connect(a, b, ([True], [0], [1])), "integers"),
        (lambda c, a, b: c.connect(a, b, ([0, 1, 2], [0, 1, 0], [1, 2])), "2 weights for 3"),
        (lambda c, a, b: c.connect(a, b, pd.DataFrame({"pre": [0]})), "columns pre, post, weight"),
        (lambda c, a, b: c.connect(a, b, np.nan), "not finite"),
        (lambda c, a, b: c.connect(a, b, delay_ms=0.5), "whole multiples"),
        (lambda c, a, b: c.connect(a, b, delay_ms=1000.005), "whole multiples"),
        (lambda c, a, b: c.connect(a, b, delay_ms=-1), "whole multiples"),
        (lambda c, a, b: c.connect(a, b, delay_ms=np.inf), "whole multiples"),
        (lambda c, a, b: c.connect(a, b, delay_ms=1e12), "whole multiples"),
        (lambda c, a, b: c.connect(a, b, delay_ms=[1, 2]), "2 delays for 6"),
        (lambda c, a, b: c.connect(a, b, receptor="u"), "no receptor 'u'"),
        (lambda c, a, b: c.synapse(a, b), "single neurons"),
        (lambda c, a, b: c.connect(a, c.inputs("in", 2)), "spike source"),
        (lambda c, a, b: c.connect(a, Circuit("d").neurons("x", 2, LIF())), "not part of circuit"),
        (lambda c, a, b: c.connect(Circuit("d").neurons("x", 2, LIF()), b), "not part of circuit"),
        (lambda c, a, b: c.neurons("a", 2, LIF()), "has 'a' already"),
        (lambda c, a, b: c.neurons("x/y", 2, LIF()), "not a population name"),
        (lambda c, a, b: c.neurons("", 2, LIF()), "not a population name"),
        (lambda c, a, b: c.neurons("x", 0, LIF()), "at least one neuron"),
        (lambda c, a, b: c.neurons("x", 2, "lif"), "not a neuron model"),
        (lambda c, a, b: c.neurons("x", 2, LIF(v_th=[1, 2, 3])), "expected \\(2,\\)"),
        (lambda c, a, b: c.neurons("x", 2, LIF(v_th=np.nan)), "finite"),
        (lambda c, a, b: c.neurons("x", 2, LIF(), token=[0.5, 1]), "integers"),
        (lambda c, a, b: c.neurons("x", 2, LIF(), key=[3, 3]), "same key"),
        (lambda c, a, b: c.neurons("x", 2, LIF(), key=[3, 2**31]), "32 bits"),
        (lambda c, a, b: c.port("x y", a), "identifier"),
        (lambda c, a, b: (c.port("p", a), c.port("p", b)), "has a port 'p' already"),
        (lambda c, a, b: c.use(c, "self"), "cannot contain itself"),
        (lambda c, a, b: c.use(Circuit("d", dt_ms=0.5), "d"), "dt_ms"),
        (lambda c, a, b: Circuit("no name"), "identifier"),
        (lambda c, a, b: Circuit("d", dt_ms=0), "positive"),
        (lambda c, a, b: Circuit("d").network(), "no neurons"),
        (lambda c, a, b: LIF(tau_ms=0), "tau_ms"),
    ],
)
def test_an_inconsistent_description_is_refused(act, message):
    c, a, b = _two()
    with pytest.raises(CircuitError, match=message):
        act(c, a, b)


# -- composition


def _follower(weight):
    part = Circuit("follower")
    first, last = part.neurons("first", 2, Gate()), part.neurons("last", 2, Gate())
    part.one_to_one(first, last, weight)
    part.port("input", first)
    part.port("output", last)
    return part


def _chain():
    """Two followers, one after the other, two parts deep."""
    chain = Circuit("chain")
    one, two = chain.use(_follower(1.0), "one"), chain.use(_follower(2.0), "two")
    chain.one_to_one(one.output, two.input)
    chain.port("input", one.input)
    chain.port("output", two.output)
    return chain


def test_parts_two_deep_keep_paths_synapses_and_ports():
    c = Circuit("c")
    drive = c.inputs("drive", 2)
    left, right = c.use(_chain(), "left"), c.use(_chain(), "right")
    c.one_to_one(drive, left.input)
    c.one_to_one(left.output, right.input)
    c.one_to_one(right.output, left.input, delay_ms=5)  # a cycle between parts
    paths = [
        f"{side}/{part}/{end}" for side in ("left", "right") for part in ("one", "two") for end in ("first", "last")
    ]
    assert list(c.neuron_table()["path"].unique()) == ["drive", *paths]
    assert left.output.ids.tolist() == [8, 9] and c["left/two/last"].ids.tolist() == [8, 9]
    inner = c.synapse_table().query("pre_path == 'right/two/first'")
    assert inner["post_path"].tolist() == ["right/two/last"] * 2 and inner["weight"].tolist() == [2.0, 2.0]
    compiled = eventsim.compile_network(c.network())
    trace = eventsim.simulate(compiled, Stimulus.of([0], [c.neuron_ids(drive)[0]], duration_ticks=40))
    fires = {path: trace.spikes(neurons=[c.neuron_ids(c[path])[0]]).tick.tolist() for path in paths}
    # A gate adds one tick, and the way back five more.
    assert fires["left/one/first"] == [1, 14, 27] and fires["right/two/last"] == [8, 21, 34]
    assert not len(trace.spikes(neurons=[c.neuron_ids(left.output)[1]]))


def test_a_port_takes_several_sources():
    c = Circuit("c")
    drive, part = c.inputs("drive", 3), c.use(_follower(1.0), "part")
    for k in range(3):
        c.connect(drive[k], part.input)
    assert c.synapse_table().groupby("post").size().loc[part.input.ids].tolist() == [3, 3]


def test_a_part_is_copied_when_used_and_knows_its_ports():
    part, c = _follower(1.0), Circuit("c")
    used = c.use(part, "part")
    part.neurons("later", 5, LIF())
    assert c.n_neurons == 4
    with pytest.raises(AttributeError, match="no port 'nothing'; it has: input, output"):
        assert used.nothing
    with pytest.raises(CircuitError, match="has 'part' already"):
        c.use(part, "part")
    with pytest.raises(KeyError, match="no population 'nothing'"):
        c["nothing"]


def test_the_noise_of_a_part_depends_on_its_path_only():
    def keys(before):
        c = Circuit("c")
        if before:
            c.neurons("before", 7, Gate())
        c.use(_follower(1.0), "part")
        compiled = eventsim.compile_network(c.network())
        ids = c.neuron_ids(c["part/last"])
        return compiled.key_lo[ids].tolist(), compiled.key_hi[ids].tolist()

    assert keys(True) == keys(False)
    assert keys(True)[0] == [0, 1]


# -- tables, graph, ids


def _mixed():
    """Populations of four models, interleaved, with tokens and keys."""
    c = Circuit("mixed", phases=Phases(2, 10, 3))
    drive = c.inputs("drive", 3)
    a = c.neurons("a", (2, 2), LIF(), token=[[0, 0], [1, 1]], key=[[10, 11], [12, 13]])
    gate = c.neurons("gate", 3, Gate(v_th=[0.5, 1.5, 2.5]))
    b = c.neurons("b", 2, LIF(tau_ms=[5, 9], v_reset=-1), token=4)
    out = c.neurons("out", 2, IntegrateFire(v_th=2))
    strict = c.neurons("strict", 2, LIF(strict=True))
    c.connect(drive, a, 0.75)
    c.connect(a, gate, np.arange(12.0).reshape(4, 3) / 4, delay_ms=1)
    c.connect(gate, b, 1.0, delay_ms=np.arange(6).reshape(3, 2))
    c.connect(b, out, 0.0)
    c.connect(a[0], out, 1.0)
    c.connect(b, strict, 1.0)
    c.connect(a, a, np.ma.masked_array(np.full((4, 4), -0.25), mask=np.eye(4)))
    return c


def test_tables_graph_and_compiled_network_agree():
    c = _mixed()
    compiled, synapses, neurons = eventsim.compile_network(c.network()), c.synapse_table(), c.neuron_table()
    ids = neurons["neuron_id"].to_numpy()
    expected = sorted(zip(ids[synapses["pre"]], ids[synapses["post"]], synapses["weight"], synapses["delay_ms"]))
    table = compiled.synapse_table()
    assert sorted(zip(table["pre"], table["post"], table["weight"], table["delay_ticks"])) == expected
    graph = c.graph()
    edges = ((ids[u], ids[v], d["weight"], d["delay_ms"]) for u, v, d in graph.edges(data=True))
    assert sorted(edges) == expected and len(expected) == c.n_synapses == 12 + 12 + 6 + 4 + 4 + 4 + 12
    assert graph.number_of_nodes() == c.n_neurons == compiled.n_neurons == 16
    assert [graph.nodes[k]["path"] for k in range(3, 7)] == ["a"] * 4
    assert "16 neurons" in repr(c) and c.duration_ticks == 15


def test_labels_and_ids_find_each_neuron_in_the_compiled_network():
    c = _mixed()
    compiled, neurons = eventsim.compile_network(c.network()), c.neuron_table()
    assert sorted(neurons["neuron_id"]) == list(range(16))
    there = compiled.neuron_table().loc[neurons["neuron_id"]]
    assert there["path"].tolist() == neurons["path"].tolist()
    assert there["token"].tolist() == neurons["token"].tolist()
    assert there["key_lo"].tolist() == neurons["key"].tolist()
    for path, (start, stop) in c.labels().items():
        assert c.neuron_ids(c[path]).tolist() == list(range(start, stop))
        assert compiled.neuron_table()["path"][start : stop - 1].eq(path).all()
    pop = c["a"]
    assert c.neuron_ids(pop[1]).shape == () and c.neuron_ids(pop[1]) == c.neuron_ids(pop)[1]


def test_the_same_description_gives_the_same_hash_and_another_weight_another():
    first, second = (eventsim.compile_network(_mixed().network()).hash for _ in range(2))
    changed = _mixed()
    changed.synapse(changed["a"][0], changed["b"][0], 1e-9)
    assert first == second != eventsim.compile_network(changed.network()).hash
