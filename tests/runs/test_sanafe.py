"""SANA-FE, where it is installed, counts the same events, messages, hops and joules; its files are written by us."""

import numpy as np
import pytest

import eventsim
from eventsim.errors import ConfigError
from eventsim.stimulus import Stimulus
from hardware_models import Placement, load_chip
from hardware_models.counting.sanafe_files import architecture, network_and_mapping
from runs.experiments import EXPERIMENTS
from runs.experiments.hardware_validation.by_sanafe import by_sanafe, run_sanafe

SILENT = Stimulus.silent(1)


def placed(network, *core_of, enters_at=None):
    return Placement.of(network, core_of, load_chip("loihi"), enters_at)


def two(model="integrate", delay_ms=0.0, **columns):
    neurons = {"model": ["source", model], "v_th": 2.0} | columns
    return eventsim.network(neurons, {"pre": 0, "post": 1, "weight": 1.0, "delay_ms": delay_ms})


@pytest.mark.optional
def test_the_same_network_costs_the_same_to_the_last_digit():
    pytest.importorskip("sanafe")
    truth = by_sanafe(EXPERIMENTS["hardware-validation"].Config(seed=1))
    assert {row.quantity for row in truth.rows if not row.holds} == set()
    rows = {row.quantity: row for row in truth.rows}
    assert len(rows) == 12 and rows["spikes"].computed > 1000 and rows["hops"].computed > 1000


@pytest.mark.optional
def test_a_synapse_moved_to_another_neuron_is_seen():
    pytest.importorskip("sanafe")
    wires = {"pre": [0, 0], "post": [1, 2], "weight": 3.0, "delay_ms": 0.0}
    neurons = {"model": ["source", "integrate", "integrate", "integrate"], "v_th": 2.0}
    stimulus = Stimulus.of([0], [0], duration_ticks=3)
    trains = []
    for post in ([1, 2], [1, 3]):
        network = eventsim.network(neurons, wires | {"post": post})
        trains.append(run_sanafe(network, placed(network, -1, 0, 5, 5, enters_at=[0, -1, -1, -1]), stimulus)["trains"])
    assert trains == [[(0, 0), (1, 1), (1, 2)], [(0, 0), (1, 1), (1, 3)]]


def test_the_files_say_what_is_placed_where():
    network = two(v_th=[np.nan, 2.5])
    at = placed(network, -1, 37, enters_at=[37, -1])
    text = network_and_mapping(network, at, Stimulus.of([1], [0], duration_ticks=3))
    assert "- 0: [spikes: [0, 1]]" in text and "- p0.0 -> p1.0: [weight: 1.0]" in text
    assert '- p0.0: [core: 9.1, soma: "source[0]"]' in text and '- p1.0: [core: 9.1, soma: "cells"]' in text
    chip = architecture(at, "nahuku")
    assert "energy_access_neuron: 5.12e-11" in chip and "energy_update_neuron: 2.16e-11" in chip


@pytest.mark.parametrize("network, enters_at, complaint", [
    (two(delay_ms=2.0), [0, -1], "a delay of 2 ticks"),
    (two(), None, "give enters_at"),
    (two("lif", tau_ms=20.0), [0, -1], "loses what arrives in the tick of a spike"),
    (two("lif", tau_ms=20.0, refractory_ms=5.0), [0, -1], "a refractory period"),
])  # fmt: skip
def test_what_sanafe_has_no_such_thing_for_is_refused(network, enters_at, complaint):
    with pytest.raises(ConfigError, match=complaint):
        network_and_mapping(network, placed(network, -1, 0, enters_at=enters_at), SILENT)


def test_a_table_without_the_energies_it_prices_is_refused():
    network = two()
    with pytest.raises(ConfigError, match="'davies2018' of loihi does not give spike_pj, which SANA-FE prices"):
        architecture(placed(network, -1, 0, enters_at=[0, -1]), "davies2018")
