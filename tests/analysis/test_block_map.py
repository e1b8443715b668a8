"""A run as blocks: counts that were worked out by hand, and a drawing with each block and number in it."""

import numpy as np

from analysis import block_map as module
from analysis.block_map import block_map, draw
from circuits import Circuit, Gate
from eventsim import Stimulus, compile_network, network, simulate


def relayed():
    """Two sources -> three gates that any of them opens -> one gate; the last inhibits the three."""
    circuit = Circuit("relayed")
    start = circuit.inputs("start", 2)
    with circuit.section("middle"):
        three = circuit.neurons("three", 3, Gate())
        last = circuit.neuron("last", Gate())
    circuit.connect(start, three)
    circuit.connect(three, last)
    circuit.connect(last, three, -1.0)
    first = int(circuit.neuron_ids(start)[0])
    return simulate(compile_network(circuit.network()), Stimulus.of([1], [first], duration_ticks=8))


def as_dict(blocks):
    return {(blocks.names[w.source], blocks.names[w.target]): (w.synapses, w.sent) for w in blocks.wires}


def test_blocks_and_wires_are_counted():
    blocks = block_map(relayed())
    sizes = dict(zip(blocks.names, zip(blocks.neurons.tolist(), blocks.spikes.tolist(), blocks.is_source.tolist())))
    assert sizes == {"start": (2, 1, True), "middle/three": (3, 3, False), "middle/last": (1, 1, False)}
    assert as_dict(blocks) == {
        ("start", "middle/three"): (6, 3), ("middle/three", "middle/last"): (3, 3),
        ("middle/last", "middle/three"): (3, 3),
    }  # fmt: skip


def test_too_many_blocks_are_drawn_by_their_folders(monkeypatch):
    monkeypatch.setattr(module, "MOST_BLOCKS", 2)
    blocks = block_map(relayed())
    assert set(blocks.names) == {"start", "middle"}
    assert as_dict(blocks) == {("start", "middle"): (6, 3), ("middle", "middle"): (6, 6)}


def test_the_drawing_has_every_block_and_number_and_runs_from_left_to_right():
    blocks = block_map(relayed())
    texts = {text.get_text(): text.get_position() for text in draw(blocks).axes[0].texts}
    assert {"start\n2 sources", "middle/three\n3 neurons", "middle/last\n1 neurons", "6", "3"} <= set(texts)
    assert texts["start\n2 sources"][0] < texts["middle/three\n3 neurons"][0] == texts["middle/last\n1 neurons"][0]


def test_a_network_of_no_circuit_has_its_groups_as_blocks():
    neurons = {"model": ["source", "lif"], "tau_ms": [np.nan, 10.0]}
    made = network(neurons, {"pre": [0], "post": [1], "weight": [1.0], "delay_ms": [0.0]})
    blocks = block_map(simulate(made, Stimulus.of([0], [0], duration_ticks=3)))
    assert as_dict(blocks) == {("source", "lif"): (1, 1)}
