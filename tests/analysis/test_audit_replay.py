"""The replay is held against the kernel and the reference on networks of every structure that there is."""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.audit import audit, replay
from analysis.audit.assembler import places_of
from analysis.audit.replay import Replay, choose_neurons, replayable
from eventsim import compile_network
from eventsim.errors import ConfigError
from eventsim.reference import reference_run
from tests.support.random_networks import STRUCTURES, TICKS, draw_network

#: Quick ones; what makes Brian2 solve equations takes seconds.
FEW = ("refractory_by_neuron", "refractory_by_condition", "timed_arrays", "several_clocks", "places_in_the_tick",
       "several_effects", "booleans_and_time", "keyed_noise", "transcendental", "resets_before_synapses")  # fmt: skip
EACH = [pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in STRUCTURES]


@lru_cache
def _drawn(structure, seed=5):
    """A drawn network with a run's stimulus and cores."""
    network = compile_network(draw_network(structure, 12, 90, seed), namespace={})
    core_of = np.where(network.is_source, -1, 0)
    return SimpleNamespace(network=network, stimulus=network.stimulus.lasting(TICKS),
                           placement=SimpleNamespace(core_of=core_of))  # fmt: skip


@pytest.fixture(autouse=True)
def _without_brian2s_log(caplog):
    """Brian2 logs the code that it generates, and pytest would keep all of it."""
    caplog.set_level("ERROR", logger="brian2")


@pytest.mark.parametrize("structure", EACH)
def test_every_spike_and_silence_of_any_structure_is_justified(structure, run):
    model = _drawn(structure)
    trace = run(model)
    report = audit(trace, neurons="all")
    able = [k for k, reason in replayable(model.network).items() if reason is None]
    if not able:
        assert report["justified"].verdict == report["silences"].verdict == "not checkable"
        return
    assert report["justified"].verdict == report["silences"].verdict == "passed", str(report)
    tested = {o.index for o in model.network.schedule if o.kind == "threshold"}
    there_are = sum(model.network.populations[k].size for k in able if k in tested)
    n_spikes = sum(len(trace.spikes(model.network.populations[k].name)) for k in able)
    assert report["justified"].checked == n_spikes
    looks = report["justified"].checked + report["silences"].checked
    assert looks == there_are * TICKS or structure == "several_clocks"


def test_every_one_of_these_structures_can_be_replayed():
    unable = {name for name in FEW if None not in replayable(_drawn(name).network).values()}
    assert not unable


@pytest.mark.parametrize("structure", ["refractory_by_neuron", "several_effects", "transcendental"])
def test_the_machine_leaves_neurons_as_the_reference_does(structure, run):
    model = _drawn(structure)
    trace = run(model)
    neurons = np.flatnonzero(~model.network.is_source)
    again = Replay(trace, neurons)
    again.run()
    reference = reference_run(model.network, model.stimulus)
    for population in model.network.populations:
        for name in population.state:
            mine = again._registers[places_of(population)[name], again.slot_of[population.start : population.stop]]
            theirs = reference.state[population.name, name]
            np.testing.assert_allclose(mine, theirs, rtol=1e-13, atol=1e-13)


def test_the_size_of_windows_and_the_choice_of_neurons_change_no_verdict(run, monkeypatch):
    model = _drawn("several_effects")
    trace = run(model)
    neurons = np.flatnonzero(~model.network.is_source)
    whole = Replay(trace, neurons)
    whole.run()
    monkeypatch.setattr(replay, "_PER_WINDOW", 3)
    cut = Replay(trace, neurons)
    cut.run()
    assert cut._registers.tobytes() == whole._registers.tobytes()
    alone = [Replay(trace, [i]) for i in neurons]
    for one in alone:
        one.run()
    assert sum(one.spikes.checked for one in alone) == whole.spikes.checked == cut.spikes.checked
    assert all(
        one._registers[:, 0].tobytes() == whole._registers[: len(one._registers), k].tobytes()
        for k, one in enumerate(alone)
    )


def test_a_sample_has_neurons_of_each_population_and_says_of_how_many(random_model, run, monkeypatch):
    monkeypatch.setattr(replay, "_FEWEST", 6)
    monkeypatch.setattr(replay, "_LOOKS", 1)
    model = random_model(0)
    chosen = choose_neurons(model.network, 60)
    again, other = choose_neurons(model.network, 60), choose_neurons(model.network, 60, seed=1)
    assert chosen.tolist() == again.tolist() != other.tolist()
    for p in model.network.populations:
        assert p.is_source != bool(((chosen >= p.start) & (chosen < p.stop)).any())
    detail = audit(run(model))["justified"].detail
    there_are = int((~model.network.is_source).sum())
    assert f"{chosen.size} of {there_are} neurons (drawn with seed 0)" in detail
    assert f"all {there_are} neurons" in audit(run(model), neurons="all")["justified"].detail
    assert "2 of" in audit(run(model), neurons=[0, 1])["justified"].detail


@pytest.mark.parametrize("neurons", ["some", [10_000], [-1]])
def test_neurons_that_do_not_exist_are_refused(neurons, random_model, run):
    with pytest.raises(ConfigError, match="neurons"):
        audit(run(random_model(0)), neurons=neurons)


def test_progress_names_each_law_and_rises_to_one(random_model, run):
    told = []
    audit(run(random_model(0)), progress=lambda law, completed: told.append((law, completed)))
    assert [completed for _, completed in told] == sorted(completed for _, completed in told)
    assert told[-1] == ("", 1.0)
    assert {"justified", "deliveries", "counts"} <= {law for law, _ in told}
