"""A user's mistake in an argument is one clear error, before anything is run or written."""

import os
import re
from dataclasses import replace

import numpy as np
import pytest

import eventsim
from eventsim import Stimulus, Trace, open_trace, simulate
from eventsim.errors import ConfigError
from eventsim.simulation import Simulation
from eventsim.trace.exports import export


@pytest.fixture
def network():
    made = eventsim.network(
        {"model": ["source", "lif", "lif"], "tau_ms": [np.nan, 10.0, 10.0]},
        {"pre": [0, 1], "post": [1, 2], "weight": [2.0, 2.0], "delay_ms": [1.0, 1.0]},
    )
    return made.driven_by(Stimulus.of([0, 5], [0, 0], [(0, 20), (20, 40)]))


@pytest.mark.parametrize("given, message", [
    ({"threads": "2"}, "threads is '2'; give a whole number"),
    ({"threads": 1.5}, "threads is 1.5"),
    ({"threads": True}, "threads is True"),
    ({"threads": None}, "threads is None"),
    ({"trace": 5}, "trace is 5; give a path"),
    ({"core_of": [[0], [1, 2]]}, "core_of is no list of whole numbers"),
    ({"core_of": [-1, 0.5, 0]}, "core_of is float64"),
    ({"core_of": [-1, 2**31, 0]}, r"core_of\[1\] is 2147483648; -1 to 2147483647 are allowed"),
    ({"core_of": [-1, 2**40 + 3, 0]}, r"core_of\[1\] is"),
    ({"core_of": [-1, 0]}, "one integer for each of 3 neurons, not 2"),
    ({"core_of": [0, 0, 0]}, r"core_of\[0\] is 0; spike sources"),
    ({"record": [1, 2]}, r"record is \[1, 2\]; give a mapping"),
    ({"record": {"v": [1.7]}}, r"record\['v'\] is float64"),
    ({"record": {"v": "a"}}, r"record\['v'\] is <U1"),
    ({"record": {"v": None}}, r"record\['v'\] is object"),
    ({"record": {"v": [1]}, "record_every_ticks": 1.5}, "record_every_ticks is 1.5; give a whole number, 1 or more"),
    ({"record": {"v": [1]}, "record_every_ticks": 0}, "record_every_ticks is 0"),
    ({"record_every_ticks": None}, "record_every_ticks is None"),
    ({"buffer_mb": "1"}, "buffer_mb is '1'; give a number above 0"),
    ({"buffer_mb": 0}, "buffer_mb is 0"),
    ({"max_bytes": "1"}, "max_bytes is '1'"),
    ({"stop_after_spikes": "5"}, "stop_after_spikes is '5'"),
    ({"stop_after_spikes": -1}, "stop_after_spikes is -1; give a whole number, 0 to"),
    ({"stop_when": 5}, "stop_when is 5; give a function"),
    ({"progress": 5}, "progress is 5; give True"),
])  # fmt: skip
def test_an_argument_of_a_run_that_does_not_fit_is_named(network, given, message):
    with pytest.raises(ConfigError, match=message):
        simulate(network, **given)


@pytest.mark.parametrize("given, message", [
    ({"weight": np.array([2.0, np.nan])}, "weight nan"),
    ({"weight": np.ones(2, np.float32)}, "'weight' is float32"),
    ({"weight": np.ones(3)}, r"'weight' is float64 of shape \(3,\), expected float64, \(2,\)"),
    ({"post": np.array([1, 500], np.int32)}, "reaches a neuron outside"),
    ({"post": np.array([1, 2])}, "'post' is int64"),
    ({"path_id": np.full(3, 7, np.int32)}, "path_id lies outside"),
])  # fmt: skip
def test_a_network_that_contradicts_itself_is_not_run(network, given, message):
    with pytest.raises(ConfigError, match=f"cannot be run: .*{message}"):
        simulate(replace(network, **given))
    with pytest.raises(ConfigError, match=message):
        Trace.from_arrays(replace(network, **given), [0], tick=[0])


def test_nobody_sends_to_a_spike_source(network):
    """It is on no core; the kernel's tables have no place for what it would receive."""
    forward, onward = network.pathways
    back = replace(onward, target=forward.source)
    turned = replace(network, pathways=(forward, back), post=np.array([1, 0], np.int32))
    with pytest.raises(ConfigError, match=r"cannot be run: pathway '.*' reaches '.*', which are spike sources"):
        simulate(turned)


def test_nobody_writes_to_what_a_trace_in_memory_shares(network):
    trace = simulate(network)
    weight, state = network.weight, network.populations[1].state["v"]
    for array in (weight, trace.network.post, state, network.stimulus.tick, network.pathways[0].rows):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 1
    assert all(intact for _, intact in trace.verify_hashes())


def test_names_of_a_population_are_in_one_order_in_memory_and_on_disk(network, tmp_path):
    population = replace(network.populations[1], parameters={"tau": np.ones(2), "decay": np.ones(2)})
    network = replace(network, populations=(network.populations[0], population))
    in_memory = simulate(network).network.populations[1].parameters
    on_disk = simulate(network, trace=tmp_path / "t.h5").network.populations[1].parameters
    assert list(in_memory) == list(on_disk) == ["decay", "tau"]


@pytest.mark.parametrize("given, message", [
    (([0], [1.2]), "stimulus: neuron is float64"),
    (([1.5], [0]), "stimulus: tick is float64"),
    ((["a"], [0]), "stimulus: tick is <U1"),
    (([0], [2**40]), r"stimulus: neuron\[0\] is 1099511627776"),
    (([0], [0], [1]), "1 ends of queries"),
])  # fmt: skip
def test_a_stimulus_of_something_else_is_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        Stimulus.of(*given)


@pytest.mark.parametrize("neuron", [1, -3, 50])
def test_a_foreign_trace_is_driven_at_sources_only(network, neuron):
    with pytest.raises(ConfigError, match=f"drives neuron {neuron} at tick 1, which is no spike source"):
        Trace.from_arrays(network, [1], tick=[1], stimulus=Stimulus.of([1], [neuron]))


@pytest.mark.parametrize("given, message", [
    ((None, [0]), "not of a NoneType"), (("network", [[0], [1, 2]]), "spikes: neuron is no list"),
])  # fmt: skip
def test_a_foreign_trace_of_something_else_is_refused(network, given, message):
    with pytest.raises(ConfigError, match=message):
        Trace.from_arrays(given[0] and network, given[1], tick=[0])
    with pytest.raises(ConfigError, match="under a list"):
        Trace.from_arrays(network, [0], tick=[0], stimulus=[])
    with pytest.raises(ConfigError, match="program is 7"):
        Trace.from_arrays(network, [0], tick=[0], program=7)


@pytest.mark.parametrize("path", [None, 3])
def test_a_trace_is_opened_by_its_path(path):
    with pytest.raises(ConfigError, match=f"opened by its path, not by {path}"):
        open_trace(path)


@pytest.mark.parametrize("ask, message", [
    (lambda trace: trace.spikes(start_tick="a"), "start_tick is 'a'; give a whole number"),
    (lambda trace: trace.spikes(query="a"), "query is 'a'"),
    (lambda trace: trace.synaptic_events(0, 2.5), "stop_tick is 2.5"),
    (lambda trace: trace.synaptic_events(pathway=3), "no pathway '3'"),
    (lambda trace: trace.synaptic_events(core="a"), "core is <U1"),
    (lambda trace: list(trace.iter_synaptic_events(max_events=0)), "max_events is 0; give a whole number, 1 or more"),
    (lambda trace: trace.spikes(label=3), "label is 3; give a str"),
    (lambda trace: list(trace.iter_spikes(max_spikes="a")), "max_spikes is 'a'"),
    (lambda trace: export(trace, "csv", None), "out is None; give a str or PathLike"),
    (lambda trace: export("x", "csv", "folder"), "trace is 'x'; give a Trace"),
    (lambda trace: list(trace.iter_counts("ab")), "stops is <U2"),
    (lambda trace: list(trace.iter_counts([30, 10])), "give ascending ticks"),
])  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(network, ask, message):
    with simulate(network) as trace, pytest.raises(ConfigError, match=message):
        ask(trace)


def test_a_closed_trace_says_so_also_between_two_rows(network, tmp_path):
    for path, again in ((None, "has been closed$"), (tmp_path / "t.h5", r"has been closed; open it again with open_")):
        trace = simulate(network, trace=path)
        rows = trace.iter_counts([10, 40])
        next(rows)
        trace.close()
        with pytest.raises(ConfigError, match=again):
            next(rows)


def test_a_simulation_that_has_run_takes_no_checkpoint_and_a_finished_one_does_not_run(network, tmp_path):
    simulation = Simulation(network).run(10)
    simulation.save(tmp_path / "checkpoint")
    with pytest.raises(ConfigError, match=r"has come to tick 10; load .* into one that has not run"):
        simulation.load(tmp_path / "checkpoint")
    simulation.run().finish()
    with pytest.raises(ConfigError, match="has been finished"):
        simulation.run(5)


@pytest.mark.parametrize("given, message", [
    ({"ticks": 1.5}, "ticks is 1.5; give a whole number, 0 to"),
    ({"ticks": -2}, "ticks is -2; give a whole number, 0 to"),
    ({"look_every_ticks": 0}, "look_every_ticks is 0; give a whole number, 1 to"),
    ({"stop_after_spikes": True}, "stop_after_spikes is True; give a whole number, 0 to"),
    ({"stop_after_spikes": 10**30}, "stop_after_spikes is 1000000000000000000000000000000; give a whole number, 0 to"),
])  # fmt: skip
def test_a_run_goes_on_for_whole_ticks(network, given, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        Simulation(network).run(**given)


@pytest.mark.parametrize("call, message", [
    (lambda stimulus: stimulus.lasting(10.5), "duration_ticks is 10.5; give a whole number, 0 or more"),
    (lambda stimulus: stimulus.lasting("x"), "duration_ticks is 'x'; give a whole number"),
    (lambda stimulus: Stimulus.of([], [], duration_ticks=9.7), "stimulus: duration_ticks is 9.7; give a whole number"),
    (lambda stimulus: Stimulus.of([], [], duration_ticks=float("nan")), "duration_ticks is nan"),
    (lambda stimulus: Stimulus.of([], [], [(0, 2)], input_id=[1.7]), "stimulus: input_id is float64 of shape"),
    (lambda stimulus: Stimulus.of([], [], [(0, 2)], input_id=["a"]), "stimulus: input_id is <U1 of shape"),
])  # fmt: skip
def test_a_stimulus_lasts_for_whole_ticks(network, call, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        call(network.stimulus)


@pytest.mark.parametrize("given, message", [
    ({"ranks": -1}, "ranks is -1; give a whole number, 1 or more"), ({"ranks": 0}, "ranks is 0; give a whole number"),
    ({"ranks": 1.5}, "ranks is 1.5"), ({"ranks": "x"}, "ranks is 'x'"),
    ({"manifest": {1: 2}}, "the manifest has the key 1; use text for keys"),
])  # fmt: skip
def test_what_is_said_of_a_run_makes_sense(network, given, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        simulate(network, **given)


@pytest.mark.parametrize("dt_ms", [0, -1.0, "1", None, float("nan"), 1e300])
def test_a_tick_has_a_length(dt_ms):
    with pytest.raises(ConfigError, match=re.escape(f"dt_ms is {dt_ms!r}; give a number above 0")):
        eventsim.network({"model": ["integrate"]}, {"pre": [], "post": [], "weight": [], "delay_ms": []}, dt_ms=dt_ms)


def test_a_checkpoint_is_at_a_path(network):
    with pytest.raises(ConfigError, match="path is 5; give a str or PathLike"):
        Simulation(network).save(5)


def test_a_trace_is_no_device(network, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is a device or a pipe; give the path of a file for the trace"):
        simulate(network, trace=tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()
