"""Spikes of other programs: they become a trace, or one line says what is wrong with them."""

import os

import h5py
import numpy as np
import pytest

import eventsim
from eventsim.errors import ConfigError, EventSimError, NotRecordedError, ProvenanceError, TraceFormatError
from eventsim.stimulus import Stimulus
from eventsim.trace import Trace, open_trace

TICKS, NEURONS = [0, 1, 2, 4, 4, 9], [0, 3, 1, 0, 2, 0]
SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype=np.uint8)


def rows(trace):
    spikes = trace.spikes()
    return list(zip(spikes.tick.tolist(), spikes.neuron.tolist()))


# -- arrays


@pytest.fixture(params=["memory", "file"])
def trace(request, network, tmp_path):
    path = tmp_path / "t.h5" if request.param == "file" else None
    with Trace.from_arrays(network, NEURONS, t_ms=np.array(TICKS) * 0.1, path=path) as made:
        yield made


def test_arrays_become_a_trace_with_spikes_deliveries_and_the_sources_as_stimulus(trace):
    assert rows(trace) == list(zip(TICKS, [0, 3, 1, 0, 2, 0]))
    assert trace.synaptic_events().synapse.tolist() == [0, 1, 4, 2, 0, 1, 3, 2]
    assert trace.stimulus.tick.tolist() == [0, 2, 4, 9] and trace.duration_ticks == 10
    assert trace.complete and trace.column_faults() == [] and all(holds for _, holds in trace.verify_hashes())
    assert (trace.foreign.program, trace.foreign.stimulus_apart) == ("arrays", False)


def test_what_nobody_counted_is_said_to_be_missing(trace):
    for ask in (trace.counts, trace.received, trace.delivered, lambda: trace.core_of,
                lambda: trace.synaptic_events(core=0), trace.samples):  # fmt: skip
        with pytest.raises(NotRecordedError):
            ask()
    assert trace.synaptic_events().core is None
    assert "core" not in trace.synaptic_events().to_frame()
    assert [name for name, _ in trace.verify_hashes()] == ["network", "stimulus", "spikes"]


def test_a_trace_of_ours_is_not_foreign_whatever_its_user_noted(record):
    trace = record(manifest={"foreign": {"program": "mine", "stimulus_apart": True}})
    assert trace.foreign is None and trace.delivered().tolist() == [7, 1]


def test_ties_may_come_in_any_order_and_times_as_float32(network):
    t_ms = np.array([0.4, 0.4, 0.9], np.float32)
    assert rows(Trace.from_arrays(network, [2, 0, 0], t_ms=t_ms)) == [(4, 0), (4, 2), (9, 0)]
    assert rows(Trace.from_arrays(network, [2, 0, 0], tick=[4, 4, 9])) == [(4, 0), (4, 2), (9, 0)]


@pytest.mark.parametrize("arguments, message", [
    ({"neuron": [0, 1], "t_ms": [0.1, 0.15]}, "time 0.15 ms of row 1 is no tick; .* multiples of dt, 0.1 ms"),
    ({"neuron": [0, 1], "t_ms": [0.1, np.nan]}, "time nan ms of row 1"),
    ({"neuron": [0, 1], "t_ms": [0.1, np.inf]}, "time inf ms of row 1"),
    ({"neuron": [0], "t_ms": [-0.1]}, "time -0.1 ms of row 0"),
    ({"neuron": [0], "t_ms": ["soon"]}, "must hold times in ms"),
    ({"neuron": [0, 1], "t_ms": [0.2, 0.1]}, "row 1 is earlier than the row before it; sort"),
    ({"neuron": [0, 6], "tick": [1, 2]}, "row 1 is of neuron 6; ids run from 0 to 5"),
    ({"neuron": [-1], "tick": [1]}, "row 0 is of neuron -1"),
    ({"neuron": [0, 0], "tick": [1, 1]}, r"neuron 0 of 'inputs' fires twice in tick 1 \(0.1 ms\)"),
    ({"neuron": [0], "tick": [1, 2]}, "1 neurons for 2 times"),
    ({"neuron": [0.5], "tick": [1]}, "neuron is float64"),
    ({"neuron": [[0]], "tick": [1]}, "neuron is int64 of shape"),
    ({"neuron": [0]}, "either t_ms or tick"), ({"neuron": [0], "tick": [1], "t_ms": [0.1]}, "either t_ms or tick"),
    ({"neuron": [0], "tick": [8], "duration_ms": 0.5}, "tick 8|outside ticks 0 to 4"),
    ({"neuron": [2], "tick": [8], "duration_ms": 0.5}, "the last is in tick 8, but the run lasts 5 ticks"),
    ({"neuron": [2], "tick": [8], "duration_ms": 0.55}, "duration_ms: time 0.55 ms"),
])  # fmt: skip
def test_arrays_that_make_no_run_are_refused_in_one_line(network, arguments, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Trace.from_arrays(network, **arguments)
    assert "\n" not in str(caught.value)


def test_a_stimulus_is_evidence_only_where_the_sources_were_recorded_too(network):
    stimulus = Stimulus.of([0, 2], [0, 1], duration_ticks=10)
    recorded = Trace.from_arrays(network, [0, 3, 1], tick=[0, 1, 2], stimulus=stimulus)
    lacking = Trace.from_arrays(network, [3], tick=[1], stimulus=stimulus)
    assert rows(recorded) == rows(lacking) == [(0, 0), (1, 3), (2, 1)]
    assert recorded.foreign.stimulus_apart and not lacking.foreign.stimulus_apart
    assert recorded.duration_ticks == 10


@pytest.mark.parametrize("change, message", [
    (lambda m: m.update(foreign={"program": "x"}), "does not name a program"),
    (lambda m: m.update(foreign={"program": 1, "stimulus_apart": True}), "does not name a program"),
    (lambda m: m.update(foreign=None), "/eventsim/counts/online is missing"),
])  # fmt: skip
def test_a_trace_without_counts_must_say_whose_it_is(network, tmp_path, change, message):
    from eventsim.arrays import decode_json, encode_json

    Trace.from_arrays(network, NEURONS, tick=TICKS, path=tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        manifest = decode_json(file["eventsim/manifest"][:], "it")
        change(manifest)
        del file["eventsim/manifest"]
        file["eventsim/manifest"] = encode_json(manifest)
    with pytest.raises(TraceFormatError, match=message):
        open_trace(tmp_path / "t.h5")


def test_a_trace_that_lost_some_of_its_counts_is_no_foreign_one(record, tmp_path):
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        del file["eventsim/delivered"]
    with pytest.raises(TraceFormatError, match="/eventsim/delivered is missing"):
        open_trace(tmp_path / "t.h5")


# -- SONATA

MODEL = {"population": ["inputs", "inputs", "pool", "pool", "pool"], "model": ["source"] * 2 + ["lif"] * 3,
         "tau_ms": [np.nan] * 2 + [20.0] * 3}  # fmt: skip
EDGES = {"pre": [0, 0, 1, 3], "post": [2, 3, 2, 4], "weight": [0.5, 1.0, -4.0, 2.0], "delay_ms": [0.1, 0.3, 0.3, 0.0]}


def write_spikes(path, **changes):
    """A spikes file as another program would write it; `changes` replace columns of population pool."""
    columns = {"inputs": {"timestamps": np.array([0, 0.2, 0.4]), "node_ids": np.array([0, 1, 0], np.uint64)},
               "pool": {"timestamps": np.array([0.1, 0.4]), "node_ids": np.array([1, 0], np.uint64)}}  # fmt: skip
    units, sorting, libver = changes.pop("units", "ms"), changes.pop("sorting", 2), changes.pop("libver", None)
    columns["pool"] |= changes
    with h5py.File(path, "w", libver=libver) as file:
        for name, own in columns.items():
            group = file.create_group(f"spikes/{name}")
            group.attrs.create("sorting", sorting, dtype=SORTING)
            for column, values in own.items():
                if values is not None:
                    group[column] = values
            if "timestamps" in group:
                group["timestamps"].attrs["units"] = units
    return path


def write_edges(path, **changes):
    """EDGES, in two populations with indices beside them, as another program would write them."""
    with h5py.File(path, "w") as file:
        for name, source, start, edges in (
            ("in_pool", "inputs", 0, slice(0, 3)),
            ("pool_pool", "pool", 2, slice(3, 4)),
        ):
            n = edges.stop - edges.start
            columns = {
                "source_node_id": np.array(EDGES["pre"])[edges] - start,
                "target_node_id": np.array(EDGES["post"])[edges] - 2, "edge_group_id": np.zeros(n, np.int32),
                "edge_group_index": np.arange(n), "edge_type_id": np.full(n, 7),
                "0/syn_weight": np.array(EDGES["weight"])[edges], "0/delay": np.array(EDGES["delay_ms"])[edges],
                "indices/source_to_target/node_id_to_range": np.zeros((2, 2), np.uint64),
            } | (changes if name == "in_pool" else {})  # fmt: skip
            group = file.create_group(f"edges/{name}")
            for column, values in columns.items():
                if values is not None:
                    group[column] = values
            if "source_node_id" in group:
                group["source_node_id"].attrs["node_population"] = source
            group["target_node_id"].attrs["node_population"] = np.bytes_(b"pool")
    return path


@pytest.fixture(scope="module")
def model():
    return eventsim.network(MODEL, EDGES, dt_ms=0.1)


def test_sonata_files_and_a_table_of_neurons_become_a_trace(tmp_path, model):
    spikes, edges = write_spikes(tmp_path / "s.h5"), write_edges(tmp_path / "e.h5")
    trace = Trace.from_sonata(spikes, edges, MODEL, dt_ms=0.1)
    assert trace.network.hash == model.hash
    assert rows(trace) == [(0, 0), (1, 3), (2, 1), (4, 0), (4, 2)]
    assert trace.foreign.program == "SONATA file s.h5"
    assert trace.synaptic_events().synapse.tolist() == [0, 3, 1]  # the others arrive at ticks 5, 5 and 7


def test_sonata_files_and_a_network_must_have_the_same_synapses(tmp_path, model):
    spikes, edges = write_spikes(tmp_path / "s.h5"), write_edges(tmp_path / "e.h5")
    assert rows(Trace.from_sonata(spikes, edges, model)) == rows(Trace.from_sonata(spikes, None, model))
    with pytest.raises(ProvenanceError, match=r"neuron 0 to 2 of weight 0.25 after 1 ticks, which is none"):
        Trace.from_sonata(spikes, write_edges(edges, **{"0/syn_weight": np.array([0.25, 1, -4])}), model)
    fewer = eventsim.network(MODEL, {name: values[:3] for name, values in EDGES.items()}, dt_ms=0.1)
    with pytest.raises(ProvenanceError, match="4 edges, the network 3 synapses"):
        Trace.from_sonata(spikes, write_edges(edges), fewer)


def test_spikes_sorted_by_id_are_sorted_by_time_here(tmp_path, model):
    path = write_spikes(tmp_path / "s.h5", sorting=1, node_ids=np.array([0, 1], np.uint64),
                        timestamps=np.array([0.4, 0.1]))  # fmt: skip
    assert rows(Trace.from_sonata(path, None, model)) == [(0, 0), (1, 3), (2, 1), (4, 0), (4, 2)]


BAD_SPIKES = {
    "row 1 is earlier": {"timestamps": np.array([0.4, 0.1])},
    "time nan ms of row 1": {"timestamps": np.array([0.4, np.nan])},
    "time 0.13 ms of row 1 is no tick": {"timestamps": np.array([0.1, 0.13]), "sorting": 0},
    "node id 3, but only 3 neurons": {"node_ids": np.array([1, 3], np.uint64)},
    "node id -1": {"node_ids": np.array([1, -1])},
    "node id 18446744073709551615": {"node_ids": np.array([1, 2**64 - 1], np.uint64)},
    "2 timestamps and 1 node_ids": {"node_ids": np.array([1], np.uint64)},
    "no columns": {"node_ids": None},
    "node_ids of float64": {"node_ids": np.array([1.0, 0.0])},
    "unit 's'": {"units": "s"},
    "fires twice in tick 1": {"timestamps": np.array([0.1, 0.1]), "node_ids": np.array([1, 1], np.uint64)},
}


@pytest.mark.parametrize("message", BAD_SPIKES)
def test_a_spikes_file_that_does_not_fit_is_refused_in_one_line_that_names_it(tmp_path, model, message):
    path = write_spikes(tmp_path / "s.h5", **BAD_SPIKES[message])
    with pytest.raises(TraceFormatError, match=message) as caught:
        Trace.from_sonata(path, None, model)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_populations_of_file_and_model_must_be_the_same_or_excused(tmp_path, model):
    path = write_spikes(tmp_path / "s.h5")
    with h5py.File(path, "r+") as file:
        file.move("spikes/pool", "spikes/other")
    with pytest.raises(TraceFormatError, match=r"'other', which is no population of the model \(inputs, pool\)"):
        Trace.from_sonata(path, None, model)
    with h5py.File(path, "r+") as file:
        del file["spikes/other"]
    with pytest.raises(TraceFormatError, match=r"lacks population 'pool'; if it never fired: silent=\['pool'\]"):
        Trace.from_sonata(path, None, model)
    assert rows(Trace.from_sonata(path, None, model, silent=["pool"])) == [(0, 0), (2, 1), (4, 0)]


BAD_EDGES = {
    "no column source_node_id": {"source_node_id": None},
    "name a source outside the 2 neurons": {"source_node_id": np.array([0, 0, 2])},
    "no 0/syn_weight": {"0/syn_weight": None},
    "no 0/delay": {"0/delay": None},
    "edges outside group 0": {"edge_group_id": np.array([0, 1, 0])},
    "different lengths": {"edge_group_index": np.array([0, 1, 9])},
    "column edge_group_index of integers": {"edge_group_index": np.array([0.0, 1, 2])},
}


@pytest.mark.parametrize("message", BAD_EDGES)
def test_an_edges_file_that_does_not_fit_is_refused_in_one_line_that_names_it(tmp_path, model, message):
    path = write_edges(tmp_path / "e.h5", **BAD_EDGES[message])
    with pytest.raises(TraceFormatError, match=message) as caught:
        Trace.from_sonata(write_spikes(tmp_path / "s.h5"), path, model)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def linked(file):
    file["spikes/other"] = h5py.ExternalLink("/etc/hostname", "/x")


def stored_outside(file):
    del file["spikes/pool/node_ids"]
    file.create_dataset("spikes/pool/node_ids", shape=(8,), dtype="u1", external=[("/etc/hostname", 0, 8)])


def declared_large(file):
    file.create_dataset("spikes/pool/more", shape=(10**7, 10**7), dtype="f8", chunks=(1000, 1000))


HOSTILE = {"an external link": linked, "outside the file": stored_outside, "declares": declared_large,
           "1 to 2 dimensions": lambda f: f.create_dataset("x", data=np.zeros((2, 2, 2)))}  # fmt: skip


@pytest.mark.parametrize("message", HOSTILE)
@pytest.mark.parametrize("which", ["spikes", "edges"])
def test_hostile_files_are_refused_before_anything_in_them_is_read(tmp_path, model, message, which):
    spikes, edges = write_spikes(tmp_path / "s.h5"), write_edges(tmp_path / "e.h5")
    with h5py.File(spikes if which == "spikes" else edges, "r+") as file:
        file.require_group("spikes/pool").require_dataset("node_ids", (2,), np.uint64)
        HOSTILE[message](file)
    with pytest.raises(TraceFormatError, match=message):
        Trace.from_sonata(spikes, edges, model)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused(tmp_path, model, share):
    spikes, edges = write_spikes(tmp_path / "s.h5"), write_edges(tmp_path / "e.h5")
    for path in (spikes, edges):
        image = path.read_bytes()
        os.truncate(path, int(share * len(image)))
        with pytest.raises(TraceFormatError):
            Trace.from_sonata(spikes, edges, model)
        path.write_bytes(image)
    assert len(rows(Trace.from_sonata(spikes, edges, model))) == 5


def test_an_altered_file_is_read_or_refused_and_nothing_else(tmp_path, model):
    """In HDF5's format of 2016, whose metadata carry checksums.

    Values do not, unless the writer asked for fletcher32: an altered one is refused only where it makes no sense. And
    in the formats before it the HDF5 library itself runs in circles on about one altered file in 500.
    """
    spikes = write_spikes(tmp_path / "s.h5", units=np.bytes_(b"ms"), libver=("v110", "v110"))
    rng, image, refused = np.random.default_rng(0), spikes.read_bytes(), 0
    for _ in range(300):
        spoilt = bytearray(image)
        spoilt[rng.integers(len(image))] ^= int(rng.integers(1, 256))
        spikes.write_bytes(spoilt)
        try:
            rows(Trace.from_sonata(spikes, None, model))
        except EventSimError:
            refused += 1
    assert 20 < refused < 300


def test_a_table_of_neurons_needs_edges_dt_and_populations(tmp_path):
    path = write_spikes(tmp_path / "s.h5")
    with pytest.raises(ConfigError, match="needs an edges file, and dt_ms"):
        Trace.from_sonata(path, None, MODEL)
    with pytest.raises(ConfigError, match="no column 'population'"):
        Trace.from_sonata(path, write_edges(tmp_path / "e.h5"), {"model": ["lif"]}, dt_ms=0.1)
    with pytest.raises(ConfigError, match="does not exist"):
        Trace.from_sonata(tmp_path / "none.h5", tmp_path / "e.h5", MODEL, dt_ms=0.1)
