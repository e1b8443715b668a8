"""Where everything lies in a trace file, and how its columns are stored.

/spikes/<population>/timestamps   float64, ms      } one SONATA population per population of the network,
/spikes/<population>/node_ids     uint64, local    } sorted by (tick, id)
/spikes/<population>/ticks        int64            }
/spikes/<population>/offsets      float64, [0, 1): a run in continuous time only; a spike is at (tick + offset)
                                  ticks, and the order is (tick, offset, id), in which equal rows may follow each
                                  other: a neuron may fire several times at one instant
/eventsim/network/...             CompiledNetwork.to_arrays()  } not of a trace in memory, which
/eventsim/stimulus/...            Stimulus.to_arrays()         } holds the objects themselves
/eventsim/counts/online/...       EventCounts.to_arrays()
/eventsim/received/count, weight  (n_neurons,) int64, float64
/eventsim/delivered               (n_pathways,) int64
/eventsim/samples/...             Samples.to_arrays(), where state was recorded
/eventsim/synaptic_events/...     where deliveries were recorded, each as the kernel scattered it:
    pathways, window              (w,), (2,) int64; pathways recorded, ascending; first tick, and last + 1
    tick, end                     (m,) int64; each tick with a recorded delivery; where its rows of `synapse` end
    synapse                       (n,) uint32; ids, ascending within a tick: a synapse delivers once in it at most
/eventsim/manifest                JSON as uint8, written last
"""

import hashlib

import h5py
import numpy as np

from eventsim.arrays import content_hash
from eventsim.trace.child import GROUP
from eventsim.trace.disk import CHUNK_BYTES

__all__ = [
    "CLOCKS", "COUNTED", "COUNTS", "COUNT_COLUMNS", "DELIVERED", "EVENTS", "EVENT_COLUMNS", "MANIFEST", "NETWORK",
    "RECEIVED", "RECEIVED_COUNT", "RECEIVED_WEIGHT", "SAMPLES", "SAMPLE_COLUMNS", "SCHEMA", "SEGMENT_COLUMNS",
    "SEGMENT_SPIKES", "SPIKES", "SPIKE_COLUMNS", "STIMULUS", "STREAMS", "blocks", "datasets", "mark_as_sonata",
    "read_arrays", "reserve", "reserve_population", "result_hashes", "spikes_hash", "store", "store_again_uncompressed",
    "stored_hash",
]  # fmt: skip

#: Goes up when a reader of the former schema would misread a file.
SCHEMA = 1

SPIKES = "spikes"
NETWORK, STIMULUS, COUNTS = "eventsim/network", "eventsim/stimulus", "eventsim/counts/online"
RECEIVED = "eventsim/received"
RECEIVED_COUNT, RECEIVED_WEIGHT = f"{RECEIVED}/count", f"{RECEIVED}/weight"
DELIVERED, MANIFEST, SAMPLES = "eventsim/delivered", "eventsim/manifest", "eventsim/samples"
EVENTS = "eventsim/synaptic_events"

#: What was counted while running, and what only some traces have, under the names by which the manifest knows its hash.
COUNTED = {"counts": COUNTS, "received": RECEIVED, "delivered": DELIVERED}
OPTIONAL = {"samples": SAMPLES, "synaptic_events": EVENTS}

#: What time is: whole ticks, or ticks and a fraction of one.
CLOCKS = ("grid", "continuous")

_SPIKE_COLUMNS = {"timestamps": np.float64, "node_ids": np.uint64, "ticks": np.int64}

#: By clock, the columns of a population.
SPIKE_COLUMNS = {"grid": _SPIKE_COLUMNS, "continuous": _SPIKE_COLUMNS | {"offsets": np.float64}}

#: The sparse columns of EventCounts, which grow with the run.
COUNT_COLUMNS = {"tick": np.int64, "core": np.int32, "kind": np.uint8, "count": np.int64}

#: Those of its messages, which are known at the end.
MESSAGE_COLUMNS = {"message_source": np.int32, "message_destination": np.int32, "message_count": np.int64}

#: The columns of Samples, and of the record of deliveries, that grow with the run.
SAMPLE_COLUMNS = {"tick": np.int64, "value": np.float64}
EVENT_COLUMNS = {"tick": np.int64, "end": np.int64, "synapse": np.uint32}

#: What besides spikes is recorded stretch by stretch: where it lies, and its columns that grow with the run.
STREAMS = {
    "counts": (COUNTS, COUNT_COLUMNS), "samples": (SAMPLES, SAMPLE_COLUMNS), "events": (EVENTS, EVENT_COLUMNS),
}  # fmt: skip

#: One stretch of time as a segment file holds it. On the grid there are no offsets; without
#: samples, or deliveries, their columns are empty.
SEGMENT_COLUMNS = {"tick": np.int64, "offset": np.float64, "neuron": np.int32} | {
    f"{stream}_{name}": dtype for stream, (_, columns) in STREAMS.items() for name, dtype in columns.items()
}

#: SONATA specification, section "Spike file": root attributes and the enumeration of `sorting`.
_MAGIC, _VERSION = np.uint32(0x0A7A), np.array([0, 1], dtype=np.uint32)
_SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype=np.uint8)

#: Entries per chunk, of eight bytes at most.
_CHUNK = CHUNK_BYTES // 8

#: Entries per block when a column is streamed; 8 MB of int64.
_BLOCK = 1 << 20

#: Level 1 takes 0.56 of the time of level 4 for 1.06 of its bytes (16.8 million synapses at random: 1.8 s, 43 MB).
_LEVEL = 1

#: The columns that SONATA prescribes are not compressed: the wheels of libsonata carry an HDF5 without zlib
#: (0.2.2: "required filter 'deflate' is not registered").
_SONATA_COLUMNS = ("timestamps", "node_ids")

#: Nor are the spikes of a segment, which take less than those of the finished file as they are: to compress them takes
#: a seventh of the time in which 131,072 neurons of fan-out 128 fire them.
SEGMENT_SPIKES = ("tick", "offset", "neuron")


#: Groups on the way to a dataset are made with it.
_LINKS = h5py.h5p.create(h5py.h5p.LINK_CREATE)
_LINKS.set_create_intermediate_group(True)
_LINKS.set_char_encoding(h5py.h5t.CSET_UTF8)


def reserve(parent, name, size, dtype, compressed=True):
    """A checksummed dataset of `size` entries, to be filled piece by piece.

    It is made by h5py's calls into HDF5: a trace has sixty datasets, and most runs of a circuit are over in the time
    in which `Group.create_dataset` makes them.
    """
    stored = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    stored.set_obj_track_times(False)
    stored.set_chunk((min(max(size, 1), _CHUNK),))
    if compressed:
        stored.set_shuffle()
        stored.set_deflate(_LEVEL)
    stored.set_fletcher32()
    # A chunk larger than its dataset is only allowed where the dataset could grow.
    space = h5py.h5s.create_simple((size,), None if size else (h5py.h5s.UNLIMITED,))
    return h5py.Dataset(h5py.h5d.create(parent.id, name.encode(), h5py.h5t.py_create(np.dtype(dtype), logical=True),
                                        space, stored, _LINKS))  # fmt: skip


def store(parent, name, array, compressed=True):
    """A dataset with the content of a one-dimensional array."""
    dataset = reserve(parent, name, array.size, array.dtype, compressed)
    if array.size:
        dataset.id.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(array))


def store_again_uncompressed(file, name):
    """Replace a compressed dataset by one that is only checksummed."""
    compressed = file[name]
    del file[name]
    plain = reserve(file, name, compressed.size, compressed.dtype, compressed=False)
    for block in blocks(compressed.size):
        plain[block] = compressed[block]


def mark_as_sonata(file):
    """Set the root attributes by which other programs know a SONATA file."""
    file.attrs["magic"], file.attrs["version"] = _MAGIC, _VERSION


def reserve_population(file, name, size, clock):
    """The group of a SONATA population with its columns."""
    group = file.create_group(f"{SPIKES}/{name}")
    group.attrs.create("sorting", 2, dtype=_SORTING)
    for column, dtype in SPIKE_COLUMNS[clock].items():
        reserve(group, column, size, dtype, compressed=column not in _SONATA_COLUMNS)
    group["timestamps"].attrs["units"] = "ms"
    return group


def blocks(size):
    """Slices that cover range(size), each small enough to be held in memory."""
    return [slice(start, min(start + _BLOCK, size)) for start in range(0, size, _BLOCK)]


def datasets(group, prefix=""):
    """Mapping name -> dataset of everything below a group, names relative to it."""
    found = {}
    for name in group:
        item = group[name]
        if isinstance(item, GROUP):
            found |= datasets(item, f"{prefix}{name}/")
        else:
            found[prefix + name] = item
    return found


def read_arrays(group):
    """Mapping name -> array of everything below a group."""
    return {name: dataset[:] for name, dataset in datasets(group).items()}


def stored_hash(stored):
    """`content_hash` of a dataset, or of what a group holds, without ever holding more than a block of it."""
    digest, columns = hashlib.sha256(), datasets(stored) if isinstance(stored, GROUP) else {"": stored}
    for name, dataset in sorted(columns.items()):
        digest.update(f"{name}\0{dataset.dtype.str}\0{dataset.size}\0".encode())
        for block in blocks(dataset.size):
            digest.update(dataset[block].data)
    return digest.hexdigest()


def result_hashes(file):
    """Mapping key of the manifest -> hash of the spikes, of the counts, and of whatever else a run left in a trace."""
    parts = COUNTED | OPTIONAL
    hashes = {f"{name}_hash": stored_hash(file[path]) for name, path in parts.items() if path in file}
    return hashes | {"spikes_hash": spikes_hash(file)}


def spikes_hash(file):
    """Hash of time and neuron of every spike, in order; it does not depend on how the run was cut into segments.

    It is the content hash of the SHA-256 of each population's columns `ticks`, `node_ids` and, in continuous time,
    `offsets`; within a population they are in order, which fixes the order of all.
    """
    digests = {}
    for name, group in file[SPIKES].items():
        for column in {"ticks", "node_ids", "offsets"} & set(group):
            digest = hashlib.sha256()
            for block in blocks(group[column].size):
                digest.update(group[column][block].data)
            digests[f"{name}/{column}"] = np.frombuffer(digest.digest(), dtype=np.uint8)
    return content_hash(digests)
