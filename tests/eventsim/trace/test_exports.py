"""Exports, each read back by a program that is not ours."""

import json

import numpy as np
import pandas as pd
import pytest

import eventsim
from eventsim.errors import CapacityError, ConfigError, EnvironmentProblem
from eventsim.stimulus import Stimulus
from eventsim.trace import Trace, TraceWriter
from eventsim.trace.exports import FORMATS, export, perfetto_window
from eventsim.trace.exports.frames import unique_names

SPIKES = [(0, 0), (1, 3), (2, 1), (4, 0), (4, 2), (9, 0)]
ARRIVED = [(1, 0), (1, 1), (1, 4), (3, 2), (5, 0), (5, 1), (5, 3), (7, 2)]  # (tick, synapse)


@pytest.fixture
def trace(record, tmp_path):
    with record(tmp_path / "t.h5", (0, 3, 10)) as opened:
        yield opened


def test_an_unknown_format_names_those_there_are(trace, tmp_path):
    with pytest.raises(ConfigError, match="no format 'xls'; choose one of csv, parquet, neo, nest, perfetto, sonata"):
        export(trace, "xls", tmp_path / "x")


def test_a_folder_that_cannot_be_made_is_refused(trace, tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "x", "a\0b"):
        with pytest.raises(ConfigError, match="cannot make the folder"):
            export(trace, "csv", folder)


@pytest.mark.parametrize("window, message", [
    ({"start_tick": 5, "stop_tick": 1}, r"ends at tick 1 \(0.1 ms\), before it begins, at tick 5 \(0.5 ms\)"),
    ({"stop_tick": -1}, "ends at tick -1 .* begins, at tick 0"),
    ({"start_tick": 10**30}, r"give a window within the run, ticks 0 to 10 \(1 ms\)"),
    ({"start_tick": 0.5}, "start_tick is 0.5; give a whole number"),
])  # fmt: skip
def test_a_window_that_ends_before_it_begins_is_refused(trace, tmp_path, window, message):
    with pytest.raises(ConfigError, match=message):
        export(trace, "csv", tmp_path / "x", **window)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("to", ["neo", "nest", "sonata"])
def test_events_are_refused_where_a_format_has_none(trace, tmp_path, to):
    with pytest.raises(ConfigError, match=f"{to} has no synaptic events; .* choose one of csv, parquet, perfetto"):
        export(trace, to, tmp_path / "x", events=True)


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("ending", ["", ".tmp"])
def test_no_format_writes_over_the_trace_it_is_made_of(record, tmp_path, to, ending):
    for name in FORMATS[to].FILES:
        path = tmp_path / f"{name}{ending}"
        record(path, (0, 3, 10)).close()
        before = path.read_bytes()
        (tmp_path / "link.h5").symlink_to(path)
        with Trace(tmp_path / "link.h5") as opened, pytest.raises(ConfigError, match="is the trace itself"):
            export(opened, to, tmp_path)
        assert path.read_bytes() == before
        assert {file.name for file in tmp_path.iterdir()} == {path.name, "link.h5"}
        (tmp_path / "link.h5").unlink()
        path.unlink()


@pytest.mark.parametrize("folder", ["made/here", "kept"])
def test_a_failed_export_leaves_no_folder_that_it_made(trace, tmp_path, folder):
    (tmp_path / "kept").mkdir()
    with pytest.raises(ConfigError, match="leave out the window"):
        export(trace, "nest", tmp_path / folder, start_tick=1)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["kept"]


@pytest.mark.parametrize("to, module", [("parquet", "pyarrow"), ("neo", "neo"), ("perfetto", "google.protobuf"),
                                        ("sonata", "libsonata")])  # fmt: skip
def test_a_missing_package_is_named_with_the_extra_that_brings_it(trace, tmp_path, monkeypatch, to, module):
    from eventsim import extras
    from eventsim.trace.exports import perfetto_messages

    def without(name):
        if name.startswith(module):
            raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(extras, "import_module", without)
    perfetto_messages.messages.cache_clear()
    with pytest.raises(EnvironmentProblem, match=rf"{module}.*pip install 'eventsim-spiking\[{to}\]'"):
        export(trace, to, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


# -- tables


def read_csv(path):
    return pd.read_csv(path)


def read_parquet(path):
    return pytest.importorskip("pyarrow.parquet").read_table(path).to_pandas()


TABLES = [pytest.param("csv", read_csv), pytest.param("parquet", read_parquet, marks=pytest.mark.optional)]


@pytest.mark.parametrize("to, read", TABLES)
def test_tables_hold_every_spike_and_delivery_to_the_bit(trace, tmp_path, to, read):
    paths = export(trace, to, tmp_path / "out", events=True)
    spikes, events = map(read, paths)
    assert spikes.columns.tolist() == ["t_ms", "tick", "neuron", "population", "index"]
    assert list(zip(spikes["tick"], spikes["neuron"])) == SPIKES
    assert spikes["population"].tolist() == ["inputs", "pool", "inputs", "inputs", "pool", "inputs"]
    assert spikes["index"].tolist() == [0, 1, 1, 0, 0, 0] and np.array_equal(spikes["t_ms"], trace.t)
    assert list(zip(events["tick"], events["synapse"])) == ARRIVED
    assert events["pathway"].tolist() == ["clear" if synapse == 4 else "forward" for _, synapse in ARRIVED]
    assert events["weight"].tolist() == [0.5, 1, 0, 2, 0.5, 1, -4, 2]


@pytest.mark.parametrize("to, read", TABLES)
def test_tables_of_a_window_hold_no_more_and_those_of_an_empty_one_their_columns(trace, tmp_path, to, read):
    spikes, events = map(read, export(trace, to, tmp_path, start_tick=2, stop_tick=5, events=True))
    assert list(zip(spikes["tick"], spikes["neuron"])) == SPIKES[2:5] and events["tick"].tolist() == [3]
    (path,) = export(trace, to, tmp_path, start_tick=5, stop_tick=9)
    assert len(read(path)) == 0 and "t_ms" in read(path).columns


@pytest.mark.parametrize("to, read", TABLES)
def test_tables_written_in_pieces_are_the_same(trace, tmp_path, monkeypatch, to, read):
    pieces = Trace.iter_spikes
    monkeypatch.setattr(Trace, "iter_spikes", lambda self, **window: pieces(self, **window, max_spikes=1))
    (path,) = export(trace, to, tmp_path)
    assert list(zip(read(path)["tick"], read(path)["neuron"])) == SPIKES
    if to == "parquet":
        file = pytest.importorskip("pyarrow.parquet").ParquetFile(path)
        assert file.num_row_groups > 1
        about = json.loads(file.schema_arrow.metadata[b"eventsim"])
        assert about["spikes_hash"] == trace.manifest["spikes_hash"] and about["dt_ms"] == 0.1


def test_pathways_of_one_name_are_told_apart():
    assert unique_names(["a", "b", "a"]) == ["a.0", "b", "a.1"]


# -- neo


@pytest.mark.optional
def test_a_neo_block_has_the_spike_trains_of_every_neuron_and_the_queries(trace, tmp_path):
    neo = pytest.importorskip("neo")
    from eventsim.trace.exports.neo_block import to_neo

    block = to_neo(trace, 1, 10)
    trains = block.segments[0].spiketrains
    assert [train.annotations["neuron"] for train in trains] == list(range(6))
    assert trains[0].units == neo.SpikeTrain([], units="ms", t_stop=1).units
    assert [train.magnitude.tolist() for train in trains] == [[0.4, 0.9], [0.2], [0.4], [0.1], [], []]
    assert (float(trains[4].t_start), float(trains[4].t_stop)) == (0.1, 1.0)
    assert {group.name: len(group.spiketrains) for group in block.groups} == {"inputs": 2, "pool": 3, "silent": 1}
    assert block.segments[0].epochs[0].durations.magnitude.tolist() == [0.5, 0.5]
    (path,) = export(trace, "neo", tmp_path, start_tick=1)
    read = neo.io.NeoMatlabIO(filename=str(path)).read_block()
    assert [train.magnitude.tolist() for train in read.segments[0].spiketrains][:4] == [[0.4, 0.9], [0.2], [0.4], [0.1]]


# -- perfetto


@pytest.fixture(scope="module")
def official():
    return pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")


def packets(official, path):
    trace = official.Trace()
    trace.ParseFromString(path.read_bytes())
    assert trace.IsInitialized()
    return list(trace.packet)


def seen(official, packets):
    """(spikes, deliveries, counters, flows) as Perfetto's own classes read them.

    Tracks by their full name; a flow is (time, name of the spike) -> (time, name of the delivery).
    """
    described = {p.track_descriptor.uuid: p.track_descriptor for p in packets if p.HasField("track_descriptor")}
    parents = {u: described[d.parent_uuid].name if d.parent_uuid else None for u, d in described.items()}
    found, begun, ended = {"spikes": [], "deliveries": [], "synaptic events per tick": []}, {}, {}
    for packet in packets:
        if not packet.HasField("track_event"):
            continue
        event, track = packet.track_event, described[packet.track_event.track_uuid]
        is_counter = track.HasField("counter")
        assert event.type == (event.TYPE_COUNTER if is_counter else event.TYPE_INSTANT)
        assert packet.trusted_packet_sequence_id == 1
        what = event.counter_value if is_counter else event.name
        found[track.name].append((packet.timestamp, parents[track.uuid], what))
        begun |= dict.fromkeys(event.flow_ids, (packet.timestamp, event.name))
        ended |= dict.fromkeys(event.terminating_flow_ids, (packet.timestamp, event.name))
    assert begun.keys() == ended.keys()
    return *found.values(), sorted((begun[flow], ended[flow]) for flow in begun)


@pytest.mark.optional
def test_a_perfetto_window_has_tracks_counters_and_flows_from_spikes_to_deliveries(trace, tmp_path, official):
    (path,) = export(trace, "perfetto", tmp_path, start_tick=1, stop_tick=6)
    spikes, deliveries, counters, flows = seen(official, packets(official, path))
    us = 100_000  # ns in a tick of 0.1 ms
    assert spikes == [(1 * us, "core 0", "pool[1]"), (2 * us, "host", "inputs[1]"), (4 * us, "host", "inputs[0]"),
                      (4 * us, "core 0", "pool[0]")]  # fmt: skip
    assert [(t // us, name) for t, _, name in deliveries] == [
        (1, "pool[0]"), (1, "pool[1]"), (1, "pool[2]"), (3, "pool[2]"), (5, "pool[0]"), (5, "pool[1]"),
        (5, "pool[0]")]  # fmt: skip
    assert [(t // us, core, n) for t, core, n in counters] == [
        (1, "core 0", 3), (2, "core 0", 0), (3, "core 0", 1), (4, "core 0", 0), (5, "core 0", 3)]  # fmt: skip
    # The three deliveries that the spike of tick 0 sent have no arrow: it is not in the window.
    assert [(a // us, x, b // us, y) for (a, x), (b, y) in flows] == [
        (1, "pool[1]", 1, "pool[2]"), (2, "inputs[1]", 5, "pool[0]"), (4, "inputs[0]", 5, "pool[0]"),
        (4, "inputs[0]", 5, "pool[1]")]  # fmt: skip


@pytest.mark.optional
def test_each_delivery_says_from_whom_over_which_synapse_and_how_strong(trace, tmp_path, official):
    (path,) = export(trace, "perfetto", tmp_path, start_tick=3, stop_tick=4)
    (event,) = [p.track_event for p in packets(official, path) if len(p.track_event.debug_annotations) == 3]
    notes = {note.name: note for note in event.debug_annotations}
    assert (notes["from"].string_value, notes["synapse"].int_value, notes["weight"].double_value) == (
        "inputs[0]",
        2,
        2.0,
    )


@pytest.mark.optional
def test_a_packet_that_is_lost_leaves_a_flow_without_an_end(trace, tmp_path, official):
    (path,) = export(trace, "perfetto", tmp_path)
    whole = packets(official, path)
    lost = next(k for k, p in enumerate(whole) if p.track_event.terminating_flow_ids)
    with pytest.raises(AssertionError):
        seen(official, whole[:lost] + whole[lost + 1 :])


@pytest.mark.optional
def test_pieces_of_a_perfetto_file_put_together_are_the_whole(trace, tmp_path, official, monkeypatch):
    (path,) = export(trace, "perfetto", tmp_path)
    whole = packets(official, path)
    monkeypatch.setattr(perfetto_window, "_PACKETS", 2)
    export(trace, "perfetto", tmp_path)
    assert packets(official, path) == whole and len(whole) > 20


@pytest.mark.optional
def test_more_deliveries_than_the_viewer_shows_are_refused(trace, tmp_path, monkeypatch):
    pytest.importorskip("google.protobuf")
    monkeypatch.setattr(perfetto_window, "_MAX_EVENTS", 7)
    with pytest.raises(CapacityError, match="8 asked, 7 allowed; ask for a shorter window"):
        export(trace, "perfetto", tmp_path)


@pytest.mark.optional
def test_a_foreign_trace_is_drawn_on_one_core(network, tmp_path, official):
    foreign = Trace.from_arrays(network, [n for _, n in SPIKES], tick=[t for t, _ in SPIKES])
    (path,) = export(foreign, "perfetto", tmp_path)
    spikes, deliveries, _, flows = seen(official, packets(official, path))
    assert len(spikes) == 6 and len(deliveries) == len(flows) == 8
    assert {core for _, core, _ in spikes} == {"host", "core 0"}


# -- continuous time


@pytest.fixture
def continuous(network, totals):
    """Two spikes of neuron 3 within tick 1, another in tick 4."""
    rows = {"tick": np.array([1, 1, 4]), "neuron": np.array([3, 3, 3], np.int32)}
    none = {f"counts_{name}": np.empty(0, dtype) for name, dtype in
            (("tick", np.int64), ("core", np.int32), ("kind", np.uint8), ("count", np.int64))}  # fmt: skip
    with TraceWriter(None, network, Stimulus.silent(10), manifest={}, clock="continuous") as writer:
        writer.write_segment(**rows, **none, offset=np.array([0.25, 0.5, 0.0]))
        return writer.finish(**totals)


def test_continuous_times_go_through_every_table(continuous, tmp_path):
    spikes, events = map(pd.read_csv, export(continuous, "csv", tmp_path, events=True))
    assert spikes["offset"].tolist() == events["offset"].tolist() == [0.25, 0.5, 0.0]
    assert events["t_ms"].tolist() == pytest.approx([0.125, 0.15, 0.4]) and set(events["synapse"]) == {4}


@pytest.mark.optional
def test_continuous_times_go_into_a_perfetto_window(continuous, tmp_path, official):
    (path,) = export(continuous, "perfetto", tmp_path)
    spikes, deliveries, _, flows = seen(official, packets(official, path))
    assert [t for t, _, _ in spikes] == [t for t, _, _ in deliveries] == [125_000, 150_000, 400_000]
    assert [(a, b) for (a, _), (b, _) in flows] == [(t, t) for t in (125_000, 150_000, 400_000)]


# -- SONATA


@pytest.fixture(scope="module")
def circuit(tmp_path_factory):
    """(folder, trace): 3 inputs, 5 neurons, 40 synapses drawn at random, exported as SONATA."""
    pytest.importorskip("libsonata")
    rng = np.random.default_rng(4)
    network = eventsim.network(
        {"population": ["in"] * 3 + ["pool"] * 5, "model": ["source"] * 3 + ["lif"] * 5,
         "tau_ms": [np.nan] * 3 + [20.0] * 5},
        {"pre": rng.integers(0, 8, 40), "post": rng.integers(3, 8, 40), "weight": rng.integers(-8, 9, 40) / 8,
         "delay_ms": rng.integers(0, 4, 40) * 0.5}, dt_ms=0.5,
    )  # fmt: skip
    tick, neuron = np.nonzero(rng.random((60, 8)) < 0.2)
    trace, folder = Trace.from_arrays(network, neuron, tick=tick), tmp_path_factory.mktemp("sonata")
    export(trace, "sonata", folder)
    return folder, trace


@pytest.mark.optional
def test_libsonata_reads_the_network_by_its_configuration(circuit):
    libsonata = pytest.importorskip("libsonata")
    folder, trace = circuit
    config = libsonata.CircuitConfig.from_file(str(folder / "circuit_config.json"))
    assert config.node_populations == {"in", "pool"} and config.edge_populations == {"in_to_pool", "pool_to_pool"}
    assert config.node_population("pool").size == 5
    table = trace.network.synapse_table()
    for name in config.edge_populations:
        edges, own = config.edge_population(name), table[table["pathway"] == name]
        every, start = edges.select_all(), {"in": 0, "pool": 3}
        assert edges.size == len(own) and edges.target == "pool"
        assert (edges.source_nodes(every) + start[edges.source]).tolist() == own["pre"].tolist()
        assert (edges.target_nodes(every) + 3).tolist() == own["post"].tolist()
        assert edges.get_attribute("syn_weight", every).tolist() == own["weight"].tolist()
        assert edges.get_attribute("delay", every).tolist() == (own["delay_ticks"] * 0.5).tolist()
        for neuron in range(5):
            found = edges.afferent_edges([neuron]).flatten()
            assert sorted(found.tolist()) == np.flatnonzero(own["post"] == neuron + 3).tolist()


@pytest.mark.optional
def test_libsonata_reads_the_spikes(circuit):
    libsonata = pytest.importorskip("libsonata")
    folder, trace = circuit
    reader = libsonata.SpikeReader(str(folder / "spikes.h5"))
    spikes = trace.spikes("pool")
    assert reader["pool"].get() == list(zip((spikes.neuron - 3).tolist(), spikes.t_ms.tolist()))
    assert len(reader["in"].get()) + len(spikes) == trace.n_spikes


@pytest.mark.optional
def test_a_sonata_export_comes_back_as_the_same_run(circuit):
    folder, trace = circuit
    again = Trace.from_sonata(folder / "spikes.h5", folder / "edges.h5", trace.network)
    assert again.manifest["spikes_hash"] == trace.manifest["spikes_hash"]
    assert np.array_equal(again.synaptic_events().synapse, trace.synaptic_events().synapse)


@pytest.mark.optional
def test_a_window_of_spikes_and_a_pathway_without_synapses_are_exported(trace, network, tmp_path):
    libsonata = pytest.importorskip("libsonata")
    export(trace, "sonata", tmp_path, start_tick=1, stop_tick=5)
    reader = libsonata.SpikeReader(str(tmp_path / "spikes.h5"))
    assert [reader[name].get() for name in ("inputs", "pool", "silent")] == [
        [(1, 0.2), (0, 0.4)], [(1, 0.1), (0, 0.4)], []]  # fmt: skip
    types = pd.read_csv(tmp_path / "node_types.csv", sep=" ")
    assert types["model_type"].tolist() == ["virtual", "point_neuron", "point_neuron"]


@pytest.mark.optional
def test_bmtk_reads_network_and_spikes(circuit):
    """bmtk wants packages that the rest does not; `pip install bmtk` in an environment of its own runs this."""
    sonata = pytest.importorskip("bmtk.utils.sonata")
    from bmtk.utils.reports.spike_trains import SpikeTrains

    folder, trace = circuit
    files = {"data_files": ["nodes.h5", "edges.h5"], "data_type_files": ["node_types.csv", "edge_types.csv"]}
    read = sonata.File(**{key: [str(folder / name) for name in names] for key, names in files.items()})
    assert read.nodes["pool"].get_node_id(3)["model_type"] == "point_neuron"
    table, spikes = trace.network.synapse_table(), trace.spikes("pool")
    own = table[(table["pathway"] == "in_to_pool") & (table["post"] == 4)]
    edges = [
        (edge.source_node_id, edge["syn_weight"], edge["delay"]) for edge in read.edges["in_to_pool"].get_target(1)
    ]
    assert sorted(edges) == sorted(zip(own["pre"], own["weight"], own["delay_ticks"] * 0.5)) != []
    assert np.sort(SpikeTrains.from_sonata(str(folder / "spikes.h5")).to_dataframe(populations="pool")["timestamps"]
                   ).tolist() == np.sort(spikes.t_ms).tolist()  # fmt: skip


def test_every_format_is_one_that_is_tested_here():
    assert set(FORMATS) == {"csv", "parquet", "neo", "nest", "perfetto", "sonata"}
