"""Which spikes and deliveries a question is about: by population, label, query, window, neuron, core and pathway."""

import numpy as np
import pytest

from eventsim.counts import EventCounts
from eventsim.errors import ConfigError, NotRecordedError, TraceFormatError
from eventsim.samples import Samples
from eventsim.stimulus import Stimulus
from eventsim.trace import TraceWriter

LABELS = {"circuit": {"populations": {"head/pool": [2, 4], "head/relay": [4, 5], "headless": [5, 6]}}}


@pytest.fixture
def trace(record, tmp_path):
    with record(tmp_path / "t.h5", (0, 3, 10), manifest=LABELS) as opened:
        yield opened


def rows(spikes):
    return list(zip(spikes.tick.tolist(), spikes.neuron.tolist()))


@pytest.mark.parametrize("label, expected", [
    ("head", [(1, 3), (4, 2)]), ("head/pool", [(1, 3), (4, 2)]), ("head/relay", []), ("headless", []),
    ("inputs", [(0, 0), (2, 1), (4, 0), (9, 0)]),
])  # fmt: skip
def test_a_label_stands_for_everything_below_it_and_for_nothing_beside_it(trace, label, expected):
    assert rows(trace.spikes(label=label)) == expected


def test_a_population_and_a_label_and_neurons_together_leave_what_they_share(trace):
    assert rows(trace.spikes("pool", label="head", neurons=[0, 2])) == [(4, 2)]
    assert rows(trace.spikes("inputs", label="head")) == []


def test_paths_of_the_network_are_labels_too(record, network):
    object.__setattr__(network, "paths", ("block/a", "block/b"))
    object.__setattr__(network, "path_id", np.array([0, -1, 1, 0, -1, -1], np.int32))
    trace = record()
    assert rows(trace.spikes(label="block/a")) == [(0, 0), (1, 3), (4, 0), (9, 0)]
    assert rows(trace.spikes(label="block")) == [(0, 0), (1, 3), (4, 0), (4, 2), (9, 0)]
    assert sorted(trace.spike_trains(label="block/a")) == [0, 1]


def test_an_unknown_label_names_those_there_are(trace):
    with pytest.raises(
        ConfigError, match=r"t\.h5: nothing is called 'hea'; there are: head/pool, head/relay, headless"
    ):
        trace.spikes(label="hea")


@pytest.mark.parametrize("query, expected", [
    (0, [(0, 0), (1, 3), (2, 1), (4, 0), (4, 2)]), (1, [(9, 0)]),
])  # fmt: skip
def test_a_query_is_its_window(trace, query, expected):
    assert rows(trace.spikes(query=query)) == expected
    assert sum(train.size for train in trace.spike_trains(query=query).values()) == len(expected)


@pytest.mark.parametrize("arguments, message", [
    ({"query": 2}, "no query 2; the trace has 2"), ({"query": -1}, "no query -1"),
    ({"query": 0, "start_tick": 3}, "give one of them"),
])  # fmt: skip
def test_a_query_that_is_not_there_or_has_a_window_beside_it_is_refused(trace, arguments, message):
    with pytest.raises(ConfigError, match=message):
        trace.spikes(**arguments)
    with pytest.raises(ConfigError, match=message):
        trace.synaptic_events(**arguments)


def test_neurons_are_ids_and_not_fractions(trace):
    with pytest.raises(ConfigError, match="given as float64"):
        trace.spikes(neurons=[0.5])


def test_trains_of_a_label_count_its_own_neurons(trace):
    assert {k: train.tolist() for k, train in trace.spike_trains(label="head").items()} == {0: [0.4], 1: [0.1], 2: []}


@pytest.mark.parametrize("max_spikes", [1, 2, 3, 100])
@pytest.mark.parametrize("window", [{}, {"start_tick": 1, "stop_tick": 5}, {"query": 0}, {"population": "inputs"}])
def test_windows_of_spikes_put_together_are_all_of_them_once(trace, max_spikes, window):
    pieces = list(trace.iter_spikes(max_spikes=max_spikes, **window))
    assert [row for piece in pieces for row in rows(piece)] == rows(trace.spikes(**window))
    assert len(pieces) > 1 or max_spikes == 100 or window == {"population": "inputs"}
    # Four neurons of `inputs` and `pool` share a window of three; more than asked for only where one tick has more.
    assert all(len(piece) <= max(max_spikes, 2) + 1 for piece in pieces)


def test_a_column_that_runs_backwards_does_not_stall_the_windows(record, tmp_path):
    import h5py

    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        file["spikes/inputs/ticks"][:] = [8, 7, 6, 5]
    from eventsim import open_trace

    with open_trace(tmp_path / "t.h5") as trace, pytest.raises(TraceFormatError, match="not sorted"):
        list(trace.iter_spikes(max_spikes=1))


# -- deliveries of the example: (tick, synapse) (1,0) (1,1) (1,4) (3,2) (5,0) (5,1) (5,3) (7,2)


@pytest.mark.parametrize("arguments, synapses", [
    ({"pre": "inputs"}, [0, 1, 2, 0, 1, 3, 2]), ({"pre": [3]}, [4]), ({"pre": 1}, [3]), ({"pre": "head"}, [4]),
    ({"post": [4]}, [4, 2, 2]), ({"post": "head/pool"}, [0, 1, 0, 1, 3]), ({"post": "inputs"}, []),
    ({"pre": [0], "post": [2]}, [0, 0]), ({"pathway": "clear"}, [4]), ({"pathway": ["forward", "clear"]}, None),
    ({"core": 0}, None), ({"core": [0, 1]}, None), ({"core": 1}, []), ({"core": -1}, []),
    ({"query": 0}, [0, 1, 4, 2]), ({"start_tick": 5, "post": "pool", "pathway": "forward"}, [0, 1, 3, 2]),
])  # fmt: skip
def test_deliveries_are_chosen_by_sender_receiver_core_pathway_and_query(trace, arguments, synapses):
    expected = [0, 1, 4, 2, 0, 1, 3, 2] if synapses is None else synapses
    assert trace.synaptic_events(**arguments).synapse.tolist() == expected
    pieces = list(trace.iter_synaptic_events(**arguments, max_events=1))
    assert [s for piece in pieces for s in piece.synapse.tolist()] == expected
    assert all(len(piece) <= 2 for piece in pieces)  # the longest row has two synapses


def test_deliveries_name_the_core_of_the_receiver(trace):
    frame = trace.synaptic_events().to_frame()
    assert frame.columns.tolist() == ["t_ms", "tick", "synapse", "pre", "post", "weight", "core"]
    assert set(frame["core"]) == {0} and trace.core_of.tolist() == [-1, -1, 0, 0, 0, 0]


def test_an_unknown_pathway_names_those_there_are(trace):
    with pytest.raises(ConfigError, match="no pathway 'back'; there are: forward, clear"):
        trace.synaptic_events(pathway="back")


# -- potentials


def samples():
    value = np.array([[0.0, 1.0, 9.0], [0.5, 1.5, 9.5]])
    return Samples(np.array([0, 5]), ("v", "v", "x"), np.array([2, 3, 2], np.int32), value)


def test_potentials_are_the_samples_of_one_variable_and_some_neurons():
    assert samples().of("v").value.tolist() == [[0, 1], [0.5, 1.5]]
    assert samples().of("x").neuron.tolist() == [2]
    assert samples().of("v", [3]).value.tolist() == [[1], [1.5]]


@pytest.mark.parametrize("variable, neurons, message", [
    ("u", None, "'u' was not recorded; variables recorded are: v, x"),
    ("x", [2, 3], "'x' of neuron 3 was not recorded"),
])  # fmt: skip
def test_potentials_that_were_not_recorded_are_said_to_be_missing(variable, neurons, message):
    with pytest.raises(NotRecordedError, match=message):
        samples().of(variable, neurons)


def test_a_trace_without_samples_says_how_to_record_them(trace):
    with pytest.raises(NotRecordedError, match="holds no samples; record"):
        trace.potentials()


def test_recorded_potentials_are_read_by_name_of_their_neurons(network, totals):
    stimulus = Stimulus.silent(10)
    zero = {name: np.zeros_like(value) for name, value in totals.items() if name != "messages"}
    zero["messages"] = {name: value[:0] for name, value in totals["messages"].items()}
    none = [np.empty(0, dtype) for dtype in (np.int64, np.int32, np.int64, np.int32, np.uint8, np.int64)]
    with TraceWriter(None, network, stimulus, manifest={}, recorded=[("v", 2), ("v", 4), ("v", 5)]) as writer:
        writer.write_segment(*none, samples_tick=np.array([0, 5]), samples_value=np.arange(6.0))
        trace = writer.finish(**zero | {"core_of": totals["core_of"]})
    assert trace.potentials().value.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert trace.potentials(neurons="silent").value.tolist() == [[2], [5]]
    assert trace.potentials(neurons=[4], start_tick=1).value.tolist() == [[4]]
    with pytest.raises(NotRecordedError, match="neuron 3"):
        trace.potentials(neurons="pool")
    assert isinstance(trace.counts(), EventCounts)
