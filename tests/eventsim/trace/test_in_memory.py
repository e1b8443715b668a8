"""A trace in memory: what a file would hold, each part made when it is asked for, and nobody's but the reader's."""

import gc
import threading
import weakref

import numpy as np
import pytest

from eventsim.collected import CountBlock
from eventsim.errors import ConfigError, TraceFormatError
from eventsim.trace import TraceWriter
from eventsim.trace.child import column_at, group_at
from eventsim.trace.event_record import EventChoice
from eventsim.trace.in_memory import Column, Group
from eventsim.trace.schema import MANIFEST, NETWORK, STIMULUS, datasets

EVERYTHING = EventChoice((0, 1), 0, 10)
#: Of each of two segments: the samples of two values, and the deliveries of those ticks.
STREAMS = (
    {"samples_tick": [0, 3], "samples_value": [0.0, 1.0, 2.0, 3.0],
     "events_tick": [1, 4], "events_end": [2, 3], "events_synapse": np.array([0, 1, 3], np.uint32)},
    {"samples_tick": [6], "samples_value": [4.0, 5.0],
     "events_tick": [7], "events_end": [2], "events_synapse": np.array([0, 2], np.uint32)},
)  # fmt: skip

#: Three synaptic events on core 0, as a kernel counts them.
ROW_AT_4 = (3 << 27 | 1 << 3 | 1, 1 << 63 | 4)


class Block:
    """Rows of counts that tell when their columns are made."""

    def __init__(self, *words):
        self._block, self.made = CountBlock(np.array(words, dtype=np.uint64), n_cores=2), 0
        self.n, self.ticks, self.rises = self._block.n, self._block.ticks, self._block.rises

    def columns(self):
        self.made += 1
        return self._block.columns()


def contents(trace):
    """Name -> (dtype, bytes) of all that a trace holds, but for what a trace in memory has as objects."""
    apart = (f"{NETWORK}/", f"{STIMULUS}/", MANIFEST)
    with trace.reading() as file:
        return {
            name: (column.dtype, column[:].tobytes())
            for name, column in datasets(file).items() if not name.startswith(apart)
        }  # fmt: skip


@pytest.mark.parametrize("clock", ["grid", "continuous"])
def test_it_holds_what_the_file_holds(network, record, halves, totals, tmp_path, clock):
    in_both = []
    for path in (None, tmp_path / "t.h5"):
        writer = TraceWriter(path, network, record().stimulus, manifest={}, clock=clock, recorded=[("v", 2), ("v", 3)],
                             event_choice=EVERYTHING)  # fmt: skip
        for half, streams in zip(halves, STREAMS):
            offset = np.linspace(0, 0.9, half[0].size) if clock == "continuous" else ()
            writer.write_segment(*half, offset=offset, **streams)
        in_both.append(writer.finish(**totals))
    ours, on_disk = (contents(trace) for trace in in_both)
    assert ours == on_disk and len(ours) > 20
    assert np.frombuffer(ours["eventsim/synaptic_events/end"][1], np.int64).tolist() == [2, 3, 5]
    assert in_both[0].manifest == in_both[1].manifest


def test_counts_are_not_made_before_they_are_asked_for(start, halves, totals):
    writer, block = start(None), Block(*ROW_AT_4)
    writer.write_segment(*halves[0][:2], counts=block)
    trace = writer.finish(**totals)
    assert len(trace.spikes("pool")) == 2 and trace.n_spikes == 5 and trace.clock == "grid" and trace.complete
    assert trace.messages()[2].tolist() == [4] and trace.received()[0].sum() == 7
    assert trace.named("pool").sum() == 3 and "10 ticks" in repr(trace)
    assert block.made == 0
    assert trace.counts().count.tolist() == [3]
    assert trace.manifest["counts_hash"] == trace.counts().hash
    assert block.made == 1


def test_what_was_made_is_not_kept_twice(start, halves, totals):
    block = Block(*ROW_AT_4)
    alive, writer = weakref.ref(block), start(None)
    writer.write_segment(*halves[0][:2], counts=block)
    trace = writer.finish(**totals)
    del block
    gc.collect()
    assert alive() is not None and trace.counts().tick.tolist() == [4]
    gc.collect()
    assert alive() is None and trace.counts().tick.tolist() == [4]


def test_what_is_read_is_the_readers_own(record):
    trace = record()
    counts, spikes = trace.counts(), trace.spikes()
    counts.count[:], spikes.tick[:] = 99, 99
    trace.received()[0][:] = 99
    assert 99 not in trace.counts().count and 99 not in trace.spikes().tick and 99 not in trace.received()[0]


def test_threads_read_the_same(record):
    trace, found = record(edges=(0, 3, 5, 10)), []
    threads = [threading.Thread(target=lambda: found.append((trace.spikes().tick.tolist(), trace.manifest)))
               for _ in range(8)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and all(one == found[0] for one in found) and found[0][0] == [0, 1, 2, 4, 4, 9]


def test_a_closed_one_says_so(record):
    with record() as trace:
        spikes = trace.spikes()
    for ask in (trace.spikes, trace.counts, lambda: trace.manifest):
        with pytest.raises(ConfigError, match=r"the trace in memory has been closed$"):
            ask()
    assert len(spikes) == 6


def test_names_lead_to_groups_and_columns():
    arrays = {"a/b/c": np.arange(3), "a/b/d": np.arange(2.0), "a/bc": np.arange(1)}
    file = Group({name: Column(arrays, name) for name in arrays})
    assert list(file) == ["a"] and list(file["a"]) == ["b", "bc"] and len(file["a/b"]) == 2
    assert "a/b" in file and "a/b/c" in file and "b" not in file and "a/b/" not in file and "a/x" not in file["a"]
    assert column_at(file["a"], "b/c")[1:].tolist() == [1, 2] and column_at(file, "a/b/d").dtype == np.float64
    assert sorted(datasets(file)) == sorted(arrays) and file["a/bc"][0] == 0 and file["a/b/c"].shape == (3,)
    for at, name in ((group_at, "a/b/c"), (column_at, "a/b"), (group_at, "b"), (column_at, "b")):
        with pytest.raises(TraceFormatError, match=f"'{name}' is missing, or no (group|column)"):
            at(file, name)


def test_what_was_to_be_sampled_is_known_where_nothing_was(network, record, totals):
    writer = TraceWriter(None, network, record().stimulus, manifest={}, recorded=[("v", 2)])
    samples = writer.finish(**totals).samples()
    assert samples.tick.size == 0 and samples.variable == ("v",) and samples.neuron.tolist() == [2]
