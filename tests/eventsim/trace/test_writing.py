import json
import os
import re

import h5py
import numpy as np
import pytest

from eventsim.collected import CountBlock
from eventsim.errors import ConfigError, TraceFormatError
from eventsim.made import Made
from eventsim.trace import Trace, TraceWriter, finalise, guard, open_trace, schema

EMPTY = (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8))
NO_SPIKES = EMPTY[:2]


def spikes_only(tick, neuron):
    tick_column, core_column, kind_column = EMPTY
    return np.array(tick), np.array(neuron, dtype=np.int32), tick_column, core_column, kind_column, tick_column


def test_every_dataset_is_a_checksummed_numeric_chunked_column(record, tmp_path):
    record(tmp_path / "t.h5").close()
    seen = []
    with h5py.File(tmp_path / "t.h5") as file:
        file.visititems(lambda name, item: seen.append((name, item)) if isinstance(item, h5py.Dataset) else None)
        for name, item in seen:
            assert item.ndim == 1 and item.dtype.kind in "iuf", name
            assert item.chunks and item.fletcher32, name
            assert name.endswith(("timestamps", "node_ids")) or (item.compression == "gzip" and item.shuffle), name
    assert len(seen) > 30


def test_the_layout_is_sonata_with_our_own_data_beside_it(record, tmp_path):
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5") as file:
        assert file.attrs["magic"] == 0x0A7A and file.attrs["version"].tolist() == [0, 1]
        pool = file["spikes/pool"]
        assert pool["ticks"][:].tolist() == [1, 4] and pool["ticks"].dtype == np.int64
        assert pool["node_ids"][:].tolist() == [1, 0] and pool["node_ids"].dtype == np.uint64
        assert pool["timestamps"][:].tolist() == [0.1, 0.4] and pool["timestamps"].attrs["units"] == "ms"
        assert file["spikes/silent/ticks"].size == 0
        assert file["eventsim/delivered"][:].tolist() == [7, 1]
        assert sorted(file["eventsim"]) == ["counts", "delivered", "manifest", "network", "received", "stimulus"]


def test_the_manifest_keeps_the_users_keys_and_the_writers_win(record, network):
    trace = record(manifest={"seed": 3, "schema": 99, "complete": "no"})
    assert trace.manifest["seed"] == 3 and trace.manifest["schema"] == 1 and trace.manifest["complete"] is True
    assert trace.manifest["network_hash"] == network.hash and trace.manifest["counts_hash"] == trace.counts().hash
    assert set(trace.manifest["versions"]) == {"python", "numpy", "numba", "brian2", "h5py"}
    assert trace.manifest["versions"]["h5py"] == h5py.__version__
    assert re.fullmatch("[0-9a-f]{64}", trace.manifest["spikes_hash"])


@pytest.mark.parametrize("edges", [(0, 10), (0, 1, 2, 4, 5, 10), (0, 3, 3, 10)])
def test_the_trace_does_not_depend_on_how_the_run_was_cut(record, tmp_path, edges):
    whole, cut = record(tmp_path / "whole.h5"), record(tmp_path / "cut.h5", edges)
    assert cut.manifest == whole.manifest
    for name in ("inputs", "pool", "silent"):
        for column in ("ticks", "node_ids", "timestamps"):
            columns = [h5py.File(tmp_path / f"{one}.h5")[f"spikes/{name}/{column}"][:] for one in ("whole", "cut")]
            assert columns[0].tobytes() == columns[1].tobytes()


def test_the_spikes_hash_changes_with_a_single_spike(network, record, totals):
    whole = record()
    with TraceWriter(None, network, whole.stimulus, manifest={}) as writer:
        writer.write_segment(*spikes_only([0, 1, 2, 4, 9], [0, 3, 1, 0, 0]))  # without neuron 2 at tick 4
        fewer = writer.finish(**totals)
    assert fewer.manifest["spikes_hash"] != whole.manifest["spikes_hash"]


def test_nothing_but_the_trace_remains(record, tmp_path):
    record(tmp_path / "t.h5", (0, 5, 10))
    assert os.listdir(tmp_path) == ["t.h5"]


def test_a_writer_without_a_segment_makes_a_trace_without_spikes(start, totals, tmp_path):
    trace = start(tmp_path / "t.h5").finish(**totals)
    assert len(trace.spikes()) == 0 and trace.counts().tick.size == 0 and trace.t.size == 0


@pytest.mark.parametrize(
    "columns, message",
    [
        (spikes_only([3, 2], [0, 0]), "do not rise"),
        (spikes_only([2, 2], [1, 0]), "do not rise"),
        (spikes_only([2, 2], [1, 1]), "do not rise"),
        (spikes_only([-1], [0]), "from tick -1"),
        (spikes_only([9, 10], [0, 0]), "from tick 9 to 10, the run 10 ticks"),
        (spikes_only([1], [6]), "not among the 6"),
        (spikes_only([1], [-1]), "not among the 6"),
        (spikes_only([1, 2], [0]), "differ in length"),
        (spikes_only([1.5], [0]), "dtype float64"),
        ((np.array([1]), np.array([1 << 32]), *spikes_only([], [])[2:]), "that int32 cannot hold"),
    ],
)
def test_a_segment_out_of_order_or_range_is_refused(start, columns, message):
    with pytest.raises(ConfigError, match=message):
        start(None).write_segment(*columns)


def test_a_segment_before_the_last_one_is_refused(start):
    with pytest.raises(ConfigError, match="from the last one on"):
        start(None, segments=1).write_segment(*spikes_only([4], [2]))


def test_totals_of_another_length_are_refused_and_the_writer_can_still_finish(start, totals):
    writer = start(None, segments=2)
    with pytest.raises(ConfigError, match=r"received/count.* expected \(6,\)"):
        writer.finish(**(totals | {"received_count": np.zeros(5, np.int64)}))
    assert len(writer.finish(**totals).spikes()) == 6


@pytest.mark.parametrize("path", [None, "t.h5"])
def test_messages_of_different_lengths_are_refused_when_they_are_given_or_made(start, totals, tmp_path, path):
    writer = start(path and tmp_path / path, segments=2)
    wrong = totals["messages"] | {"message_source": np.zeros(2, np.int32)}
    with pytest.raises(ConfigError, match=r"'message_source' has shape \(2,\); expected \(1,\)"):
        writer.finish(**totals | {"messages": wrong})
    if path is None:
        trace = writer.finish(**totals | {"messages": Made(lambda: wrong)})
        assert len(trace.spikes()) == 6
        with pytest.raises(TraceFormatError, match=r"in memory: 'message_source' has shape \(2,\); expected \(1,\)"):
            trace.messages()
    else:
        trace = writer.finish(**totals | {"messages": Made(lambda: totals["messages"])})
        assert trace.messages()[2].tolist() == [4]


def test_a_finished_writer_takes_nothing_more(start, totals):
    writer = start(None)
    writer.finish(**totals)
    with pytest.raises(ConfigError, match="has finished"):
        writer.write_segment(*spikes_only([1], [0]))


@pytest.mark.parametrize("manifest", [{"x": object()}, {"x": float("nan")}, ["x"]])
def test_a_manifest_that_is_not_json_is_refused_before_the_run(network, record, manifest):
    with pytest.raises(ConfigError, match="the manifest"):
        record(manifest=manifest)


def test_a_path_that_cannot_be_written_is_one_clear_error(start, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a folder"):
        start(tmp_path)
    with pytest.raises(ConfigError, match="make it first"):
        start(tmp_path / "missing" / "t.h5")
    with pytest.raises(ConfigError, match="make it first"):
        start(tmp_path / "file" / "t.h5")
    with pytest.raises(ConfigError, match="choose another path"):
        start(tmp_path / ("x" * 300))


@pytest.mark.parametrize("name", ["", ".", "a/b", "inputs"])
def test_a_population_whose_name_hdf5_cannot_hold_is_refused(network, name):
    object.__setattr__(network.populations[1], "name", name)
    with pytest.raises(ConfigError, match="a name must be"):
        TraceWriter(None, network, network.stimulus, manifest={})


def test_what_is_written_stays_within_what_a_reader_accepts(record, tmp_path, monkeypatch):
    """Perfectly regular columns compress a thousandfold: then some are stored as they are."""
    monkeypatch.setattr(guard, "_FREE_BYTES", 64)
    monkeypatch.setattr(guard, "_EXPANSION", 1)
    trace = record(tmp_path / "t.h5")
    assert all(ok for _, ok in trace.verify_hashes()) and trace.column_faults() == []
    with h5py.File(tmp_path / "t.h5") as file:
        assert file["eventsim/network/description"].compression is None
        assert file["eventsim/network/description"].fletcher32
    assert json.loads(json.dumps(trace.manifest)) == trace.manifest


def test_without_that_care_a_reader_would_refuse_it(record, tmp_path, monkeypatch):
    """The negative control of the test above, at full size: 1.6 GB of zeros would be 1.6 MB on disk."""
    monkeypatch.setattr(guard, "_FREE_BYTES", 64)
    monkeypatch.setattr(guard, "_EXPANSION", 0.001)
    monkeypatch.setattr(finalise, "_stay_within_allowed_expansion", lambda file: None)
    with pytest.raises(Exception, match="declares"):
        record(tmp_path / "t.h5")


def test_the_trace_in_memory_and_the_one_on_disk_say_the_same(record, tmp_path):
    in_memory, in_file = record(), record(tmp_path / "t.h5")
    assert in_memory.path is None and in_file.path == tmp_path / "t.h5"
    assert in_memory.manifest == in_file.manifest
    assert isinstance(open_trace(str(tmp_path / "t.h5")), Trace)


def test_a_trace_in_memory_has_the_very_network_that_was_run(network, record):
    trace = record()
    assert trace.network.post is network.post and trace.network.hash == network.hash
    assert trace.network.stimulus.hash == trace.manifest["stimulus_hash"] != network.stimulus.hash
    assert all(intact for _, intact in trace.verify_hashes())


@pytest.mark.parametrize("name", ["network", "stimulus"])
def test_what_is_altered_afterwards_no_longer_has_its_hash(name, network, record):
    trace = record()
    altered = trace.network.weight if name == "network" else trace.stimulus.neuron
    altered.setflags(write=True)
    altered[0] += 1
    assert [what for what, intact in trace.verify_hashes() if not intact] == [name]


def block_of(*ticks):
    """A row of counts in each tick."""
    words = [word for tick in ticks for word in (3 << 27 | 1 << 3 | 1, 1 << 63 | tick)]
    return CountBlock(np.array(words, dtype=np.uint64), n_cores=2)


def row_of(*values):
    """The same as columns."""
    return [np.array([value], dtype) for value, dtype in zip(values, schema.COUNT_COLUMNS.values())]


def test_counts_as_a_block_are_those_as_columns(start, totals):
    writer = start(None)
    writer.write_segment(*NO_SPIKES, counts=block_of(0, 3))
    writer.write_segment(*NO_SPIKES, counts=block_of(4))
    writer.write_segment(*NO_SPIKES, *row_of(5, 0, 1, 3))
    counts = writer.finish(**totals).counts()
    assert [column.tolist() for column in (counts.tick, counts.core, counts.kind, counts.count)] == [
        [0, 3, 4, 5], [0] * 4, [1] * 4, [3] * 4
    ]  # fmt: skip


@pytest.mark.parametrize("ticks, columns, message", [
    ((3,), (), "do not rise"),
    ((5, 5), (), "do not rise"),
    ((5, 10), (), "counts up to tick 10, the run lasts 10 ticks"),
    ((5,), (6, 0, 1, 3), "twice, as columns and as a block"),
])  # fmt: skip
def test_a_block_that_does_not_follow_is_refused(start, ticks, columns, message):
    writer = start(None)
    writer.write_segment(*NO_SPIKES, counts=block_of(0, 3))
    with pytest.raises(ConfigError, match=message):
        writer.write_segment(*NO_SPIKES, *row_of(*columns), counts=block_of(*ticks))
