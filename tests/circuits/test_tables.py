"""Tables, graphs and SONATA edges as circuits: the spikes of the same tables without Brian2, and clear refusals."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import eventsim
from circuits import from_graph, from_sonata, from_tables
from eventsim.errors import CircuitError, ConfigError
from eventsim.reference import reference_run

TICKS = 120


def tables(seed=1):
    rng = np.random.default_rng(seed)
    models = ["source"] * 6 + ["lif"] * 5 + ["integrate"] * 4 + ["gate"] * 3
    tau = np.r_[np.full(6, np.nan), rng.uniform(5, 20, 5), np.full(7, np.nan)]
    drive = np.r_[np.full(6, np.nan), np.full(5, 0.4), np.full(7, np.nan)]
    neurons = pd.DataFrame({"model": models, "tau_ms": tau, "drive": drive})
    ends = {"pre": rng.integers(0, 18, 90), "post": rng.integers(6, 18, 90)}
    numbers = {"weight": rng.uniform(-0.2, 0.8, 90), "delay_ms": rng.integers(0, 4, 90) * 1.0}
    synapses = pd.DataFrame(ends | numbers)
    return neurons, synapses


def spikes(network, ids):
    """Sorted (tick, row) of a network whose row k is neuron ids[k], its sources driven at random."""
    tick, source = np.nonzero(np.random.default_rng(0).random((TICKS, 6)) < 0.2)
    stimulus = eventsim.Stimulus.of(tick, ids[:6][source], duration_ticks=TICKS)
    row = np.argsort(ids)
    return sorted((tick, int(row[neuron])) for tick, neuron in reference_run(network, stimulus).spikes)


def test_a_circuit_of_tables_fires_as_the_tables_do_without_brian2():
    neurons, synapses = tables()
    circuit = from_tables(neurons, synapses)
    ids = circuit.plan.neuron_ids
    expected = spikes(eventsim.network(neurons, synapses), np.arange(18))
    assert spikes(eventsim.compile_network(circuit.network()), ids) == expected
    assert len({row for _, row in expected}) == 18 and set(circuit.ports) == {"source", "lif", "integrate", "gate"}


def test_neurons_may_be_called_by_name_and_weights_left_out():
    neurons = {"name": ["in", "out"], "model": ["source", "gate"]}
    circuit = from_tables(neurons, {"pre": ["in"] * 2, "post": ["out"] * 2})
    table = circuit.synapse_table()
    assert table[["pre", "post", "weight", "delay_ms"]].values.tolist() == [[0, 1, 1.0, 0.0]] * 2


def test_a_graph_is_a_circuit_whatever_its_nodes_are_called():
    graph = nx.MultiDiGraph()
    graph.add_node("eye", model="source")
    graph.add_node(("hand", 1), model="lif", tau_ms=10.0)
    graph.add_edge("eye", ("hand", 1), weight=0.5, delay_ms=3.0)
    graph.add_edge("eye", ("hand", 1))
    table = from_graph(graph).synapse_table()
    assert sorted(table[["pre_path", "post_path", "weight", "delay_ms"]].values.tolist()) == [
        ["source", "lif", 0.5, 3.0], ["source", "lif", 1.0, 0.0]]  # fmt: skip
    pair = nx.Graph()
    pair.add_nodes_from([0, 1], model="gate")
    pair.add_edge(0, 1)
    assert from_graph(pair).n_synapses == 2


def test_sonata_edges_become_the_synapses(tmp_path):
    pytest.importorskip("libsonata")
    neurons, synapses = tables()
    neurons["population"] = neurons["model"]
    with eventsim.Trace.from_arrays(eventsim.network(neurons, synapses), [], tick=[]) as trace:
        from eventsim.trace.exports import export

        export(trace, "sonata", tmp_path)
    columns = ["pre", "post", "weight", "delay_ms"]
    found = from_sonata(tmp_path / "edges.h5", neurons).synapse_table()[columns]
    assert sorted(found.values.tolist()) == sorted(synapses[columns].values.tolist())


PAIR = {"model": ["source", "gate"]}
MISTAKES = {
    "an unknown model": ({"model": ["izhikevich"]}, {"pre": [], "post": []}, "row 0 has the model 'izhikevich'"),
    "a model that only the engine has": ({"model": ["lif_exp"]}, {"pre": [], "post": []}, "lif_exp.*eventsim.network"),
    "no model": ({"tau_ms": [1.0]}, {"pre": [], "post": []}, "column 'model' is missing"),
    "an unknown column": ({"model": ["gate"], "tau": [1.0]}, {"pre": [], "post": []}, "unknown column 'tau'"),
    "no tau": ({"model": ["lif"]}, {"pre": [], "post": []}, "lif needs the column 'tau_ms'"),
    "a row that is not there": (PAIR, {"pre": [0], "post": [2]}, "0 to 1"),
    "a name that is not there": (PAIR | {"name": ["a", "b"]}, {"pre": ["a"], "post": ["c"]}, "no neuron's name"),
    "a delay between ticks": (PAIR, {"pre": [0], "post": [1], "delay_ms": [0.5]}, "whole multiples"),
    "a source that receives": (PAIR, {"pre": [1], "post": [0]}, "takes no synapses"),
    "a weight that is none": (PAIR, {"pre": [0], "post": [1], "weight": [np.nan]}, "it must be finite"),
    "no table": (3, {}, "is no table"),
}  # fmt: skip


@pytest.mark.parametrize("neurons, synapses, message", MISTAKES.values(), ids=MISTAKES)
def test_a_table_that_is_wrong_is_refused_by_row_and_column(neurons, synapses, message):
    with pytest.raises((CircuitError, ConfigError), match=message):
        from_tables(neurons, synapses)
