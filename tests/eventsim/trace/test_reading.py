import h5py
import numpy as np
import pytest

from eventsim.arrays import content_hash
from eventsim.compiled_network import CompiledNetwork, Pathway, Population
from eventsim.counts import EventCounts
from eventsim.errors import CapacityError, ConfigError, TraceFormatError
from eventsim.stimulus import Stimulus
from eventsim.trace import SpikeTable, open_trace
from eventsim.trace.schema import stored_hash
from eventsim.trace.synaptic_events import expand

LABELS = {"circuit": {"populations": {"softmax/pool": [3, 5], "all": [0, 6], "none": [2, 2]}}}


@pytest.fixture(params=["memory", "file"])
def trace(request, record, tmp_path):
    with record(tmp_path / "t.h5" if request.param == "file" else None, (0, 3, 10), manifest=LABELS) as opened:
        yield opened


def rows(spikes):
    return list(zip(spikes.tick.tolist(), spikes.neuron.tolist()))


def test_what_was_written_is_read(trace, network):
    assert rows(trace.spikes()) == [(0, 0), (1, 3), (2, 1), (4, 0), (4, 2), (9, 0)]
    assert trace.spikes().tick.dtype == np.int64 and trace.spikes().neuron.dtype == np.int32
    assert trace.network.hash == network.hash and trace.complete
    assert trace.stimulus.tick.tolist() == [0, 2, 4, 9] and trace.network.stimulus is trace.stimulus
    assert (trace.dt_ms, trace.duration_ticks, trace.n_spikes) == (0.1, 10, 6)
    assert trace.queries().to_dict("list") == {"start_tick": [0, 5], "stop_tick": [5, 10], "input_id": [0, 1]}
    assert trace.delivered().tolist() == [7, 1]
    count, weight = trace.received()
    assert count.tolist() == [0, 0, 3, 2, 2, 0] and weight.tolist() == [0, 0, -3, 2, 4, 0]


def test_the_counts_come_back_as_rows_and_messages(trace):
    counts = trace.counts()
    assert isinstance(counts, EventCounts) and counts.duration_ticks == 10
    assert list(zip(counts.tick.tolist(), counts.core.tolist(), counts.kind.tolist(), counts.count.tolist())) == [
        (0, -1, 0, 1), (1, 0, 0, 1), (1, 0, 1, 3), (2, -1, 0, 1), (4, -1, 0, 1), (4, 0, 0, 1)]  # fmt: skip
    assert counts.message_count.tolist() == [4] and counts.core_of.tolist() == [-1, -1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "population, expected",
    [
        ("inputs", [(0, 0), (2, 1), (4, 0), (9, 0)]),
        ("pool", [(1, 3), (4, 2)]),
        ("silent", []),
        ("softmax/pool", [(1, 3)]),
        ("all", [(0, 0), (1, 3), (2, 1), (4, 0), (4, 2), (9, 0)]),
        ("none", []),
    ],
)
def test_a_population_is_a_group_of_the_network_or_a_labelled_range(trace, population, expected):
    assert rows(trace.spikes(population)) == expected


@pytest.mark.parametrize("start", [None, -3, 0, 1, 3, 4, 9, 10, 99])
@pytest.mark.parametrize("stop", [None, -3, 0, 2, 4, 5, 10, 99])
def test_a_window_holds_its_first_tick_and_not_its_last(trace, start, stop):
    first, last = (0 if start is None else start), (10 if stop is None else stop)
    expected = [row for row in [(0, 0), (1, 3), (2, 1), (4, 0), (4, 2), (9, 0)] if first <= row[0] < last]
    assert rows(trace.spikes(start_tick=start, stop_tick=stop)) == expected


def test_spikes_can_be_restricted_to_neurons(trace):
    assert rows(trace.spikes(neurons=[0, 2], start_tick=1)) == [(4, 0), (4, 2), (9, 0)]
    assert rows(trace.spikes("pool", neurons=0)) == []
    with pytest.raises(ConfigError, match="no neuron 6"):
        trace.spikes(neurons=[6])


def test_an_unknown_population_names_those_there_are(trace):
    with pytest.raises(ConfigError, match="no population 'poool'; there are: inputs, pool, silent, all, none"):
        trace.spikes("poool")


def test_times_and_trains_look_like_those_of_a_spike_monitor(trace):
    assert trace.t.tolist() == pytest.approx([0, 0.1, 0.2, 0.4, 0.4, 0.9]) and trace.i.tolist() == [0, 3, 1, 0, 2, 0]
    trains = trace.spike_trains("pool")
    assert {index: train.tolist() for index, train in trains.items()} == {0: [0.4], 1: [0.1], 2: []}
    assert [train.size for train in trace.spike_trains().values()] == [3, 1, 1, 1, 0, 0]
    assert trace.spike_trains("none") == {}
    assert trace.spikes("pool").to_frame().columns.tolist() == ["t_ms", "tick", "neuron"]


def test_every_delivery_is_expanded_from_the_spikes(trace):
    events = trace.synaptic_events()
    assert events.tick.tolist() == [1, 1, 1, 3, 5, 5, 5, 7]
    assert events.synapse.tolist() == [0, 1, 4, 2, 0, 1, 3, 2]
    assert events.pre.tolist() == [0, 0, 3, 0, 0, 0, 1, 0]
    assert events.post.tolist() == [2, 3, 4, 4, 2, 3, 2, 4]
    assert events.weight.tolist() == [0.5, 1, 0, 2, 0.5, 1, -4, 2]
    assert events.to_frame()["t_ms"].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.3, 0.5, 0.5, 0.5, 0.7])


@pytest.mark.parametrize("start, stop, expected", [(3, 6, [2, 0, 1, 3]), (7, None, [2]), (None, 1, []), (-5, 99, 8)])
def test_deliveries_of_a_window_are_those_that_arrive_in_it(trace, start, stop, expected):
    events = trace.synaptic_events(start, stop)
    assert len(events) == expected if isinstance(expected, int) else events.synapse.tolist() == expected


def test_a_reset_by_the_host_drops_what_is_in_flight(record):
    assert record(reset="host").synaptic_events().synapse.tolist() == [0, 1, 4, 2]
    assert len(record(reset="spikes").synaptic_events()) == 8


def test_more_deliveries_than_memory_holds_are_refused_before_they_are_made(trace, monkeypatch):
    monkeypatch.setattr("eventsim.trace.synaptic_events._MAX_EVENTS", 7)
    with pytest.raises(CapacityError, match="8 asked, 7 allowed; ask for a shorter window"):
        trace.synaptic_events()
    assert len(trace.synaptic_events(3, 6)) == 4


def random_network(rng):
    """Three populations, pathways between any two, several delays, parallel synapses."""
    sizes = rng.integers(1, 6, size=3)
    starts = np.cumsum(sizes) - sizes
    populations = [Population(f"p{k}", int(starts[k]), int(sizes[k])) for k in range(3)]
    pathways, post = [], []
    for k in range(4):
        source, target = rng.integers(0, 3, size=2)
        delays = np.sort(rng.choice(7, size=rng.integers(1, 4), replace=False)).astype(np.int32)
        n_per_row = rng.integers(0, 4, size=sizes[source] * delays.size)
        table = np.concatenate([[0], np.cumsum(n_per_row)]).astype(np.int64)
        first = sum(part.size for part in post)
        pathways.append(Pathway(f"w{k}", int(source), int(target), (), {}, first, delays, table))
        post.append(rng.integers(starts[target], starts[target] + sizes[target], size=table[-1]).astype(np.int32))
    n, post = int(sizes.sum()), np.concatenate(post)
    zeros = np.zeros(n, np.int32)
    network = CompiledNetwork(0.1, tuple(populations), tuple(pathways), (), post, rng.normal(size=post.size), zeros,
                              zeros, zeros, zeros - 1, (), Stimulus.silent())  # fmt: skip
    network.validate()
    return network


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("reset", ["none", "host"])
def test_the_expansion_equals_a_loop_over_every_spike_and_synapse(seed, reset):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    tick, neuron = np.nonzero(rng.random((30, network.n_neurons)) < 0.3)
    starts = [0, 7, 8, 20]
    stimulus = Stimulus.of([], [], [(0, 7), (7, 8), (8, 19), (20, 30)], reset=reset, duration_ticks=30)
    expected = [
        (t + d, s)
        for t, i in zip(tick.tolist(), neuron.tolist())
        for s, (pre, d) in enumerate(zip(network.pre.tolist(), network.delay.tolist()))
        if pre == i and 5 <= t + d < 25 and not (reset == "host" and any(t < q <= t + d for q in starts))
    ]
    events = expand(network, stimulus, SpikeTable(tick, neuron.astype(np.int32), 0.1), 5, 25)
    assert list(zip(events.tick.tolist(), events.synapse.tolist())) == sorted(expected)
    assert expected
    assert (events.pre == network.pre[events.synapse]).all() and (events.weight == network.weight[events.synapse]).all()


def test_opening_reads_no_spike_and_a_damaged_column_shows_when_it_is_read(record, tmp_path):
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5") as file:
        at = file["spikes/pool/ticks"].id.get_chunk_info(0).byte_offset
    with open(tmp_path / "t.h5", "r+b") as file:
        file.seek(at)
        file.write(b"\xff\xff\xff")
    trace = open_trace(tmp_path / "t.h5")
    assert len(trace.spikes("inputs")) == 4
    with pytest.raises(TraceFormatError, match=r"t\.h5 is damaged"):
        trace.spikes("pool")
    assert dict(trace.verify_hashes())["spikes"] is False


def resize(file, name, values):
    attributes = dict(file[name].attrs)
    del file[name]
    file[name] = values
    file[name].attrs.update(attributes)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda f: resize(f, "spikes/pool/ticks", np.array([1])), "lengths: 2 timestamps, 2 node_ids, 1 ticks"),
        (lambda f: resize(f, "spikes/pool/timestamps", np.array([0.1, 0.5])), "timestamp 0.5 ms is not that of tick 4"),
        (lambda f: resize(f, "spikes/pool/timestamps", np.array([0.1, np.nan])), "timestamp nan ms"),
        (lambda f: resize(f, "spikes/pool/timestamps", np.array([0.1, np.inf])), "timestamp inf ms"),
        (lambda f: resize(f, "spikes/pool/node_ids", np.array([1, 3], np.uint64)), "node id 3 is beyond its 3"),
        (lambda f: resize(f, "spikes/pool/node_ids", np.array([1, 2**64 - 1], np.uint64)), "beyond its 3"),
        (lambda f: resize(f, "spikes/pool/node_ids", np.array([1, 0])), "no column node_ids of uint64"),
        (lambda f: resize(f, "spikes/pool/ticks", np.array([4, 1])), "not sorted"),
        (lambda f: resize(f, "spikes/pool/ticks", np.array([-1, 4])), "outside 0 to 9"),
        (lambda f: resize(f, "spikes/pool/ticks", np.array([1, 10])), "outside 0 to 9"),
        (lambda f: f.pop("spikes/pool"), "no group"),
        (lambda f: f.pop("spikes/pool/ticks"), "no column ticks"),
    ],
)
def test_columns_that_contradict_each_other_are_named_and_refused(record, tmp_path, change, message):
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        change(file)
    trace = open_trace(tmp_path / "t.h5")
    (fault,) = trace.column_faults()
    assert "'pool'" in fault
    with pytest.raises(TraceFormatError, match=message):
        trace.spikes()
    assert rows(trace.spikes("inputs")) == [(0, 0), (2, 1), (4, 0), (9, 0)]


def test_a_population_that_the_network_does_not_have_is_a_fault(record, tmp_path):
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        file.copy("spikes/pool", "spikes/intruder")
    trace = open_trace(tmp_path / "t.h5")
    assert trace.column_faults() == ["population 'intruder' is not of this network"]
    assert dict(trace.verify_hashes())["spikes"] is False


def test_faults_are_found_across_blocks(record, tmp_path, monkeypatch):
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        file["spikes/inputs/ticks"][2] = 1
        file["spikes/inputs/timestamps"][2] = 0.1
    monkeypatch.setattr("eventsim.trace.schema._BLOCK", 1)
    assert "not sorted" in open_trace(tmp_path / "t.h5").column_faults()[0]


@pytest.mark.parametrize("name", ["network/synapses/weight", "stimulus/input_id", "counts/online/count",
                                  "received/count", "received/weight", "delivered"])  # fmt: skip
def test_an_altered_artefact_no_longer_has_its_hash(record, tmp_path, name):
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        file[f"eventsim/{name}"][0] = 77
    checks = dict(open_trace(tmp_path / "t.h5").verify_hashes())
    assert [artefact for artefact, ok in checks.items() if not ok] == [name.split("/")[0]]


def test_one_spike_less_shows_in_the_hash_alone(record, tmp_path):
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        for column in ("ticks", "node_ids", "timestamps"):
            resize(file, f"spikes/pool/{column}", file[f"spikes/pool/{column}"][:1])
    trace = open_trace(tmp_path / "t.h5")
    assert trace.column_faults() == [] and len(trace.spikes()) == 5
    names = ["network", "stimulus", "spikes", "counts", "received", "delivered"]
    assert trace.verify_hashes() == [(name, name != "spikes") for name in names]


def test_the_hash_of_stored_arrays_is_the_content_hash(record, tmp_path, monkeypatch):
    record(tmp_path / "t.h5").close()
    monkeypatch.setattr("eventsim.trace.schema._BLOCK", 3)
    arrays = {"a/b": np.arange(10), "c": np.empty(0), "a/a": np.arange(7, dtype=np.uint8)}
    with h5py.File(tmp_path / "u.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
        assert stored_hash(file) == content_hash(arrays)


def test_a_closed_trace_says_so(record, tmp_path):
    trace = record(tmp_path / "t.h5")
    trace.close()
    with pytest.raises(ConfigError, match="has been closed"):
        trace.spikes()
    assert "closed" in repr(trace)


def test_the_repr_summarises_the_run(trace):
    assert "6 neurons, 6 spikes, 10 ticks of 0.1 ms, 2 queries" in repr(trace)


@pytest.mark.parametrize("populations", [{"a": [0, 7]}, {"a": [3, 2]}, {"a": [0, 1.5]}, {"a": "01"}, {"a": None}, [1]])
def test_a_label_that_is_no_range_of_neurons_is_refused(record, populations):
    with pytest.raises(TraceFormatError, match="manifest"):
        record(manifest={"circuit": {"populations": populations}}).spikes("a")
