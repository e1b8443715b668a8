"""Where everything lies in a trace file, and how its columns are stored.

    /spikes/<population>/timestamps   float64, ms      } one SONATA population per population of the network,
    /spikes/<population>/node_ids     uint64, local    } sorted by (tick, id)
    /spikes/<population>/ticks        int64            }
    /eventsim/network/...             CompiledNetwork.to_arrays()
    /eventsim/stimulus/...            Stimulus.to_arrays()
    /eventsim/counts/online/...       EventCounts.to_arrays()
    /eventsim/received/count, weight  (n_neurons,) int64, float64
    /eventsim/delivered               (n_pathways,) int64
    /eventsim/samples/...             Samples.to_arrays(), where state was recorded
    /eventsim/manifest                JSON as uint8, written last
"""

import hashlib

import h5py
import numpy as np

from eventsim.arrays import content_hash

__all__ = [
    "COUNTS", "COUNT_COLUMNS", "DELIVERED", "MANIFEST", "NETWORK", "RECEIVED_COUNT", "RECEIVED_WEIGHT", "SAMPLES",
    "SCHEMA",
    "SEGMENT_COLUMNS", "SPIKES", "SPIKE_COLUMNS", "STIMULUS", "blocks", "create", "datasets", "mark_as_sonata",
    "read_arrays", "reserve", "reserve_population", "spikes_hash", "store", "store_again_uncompressed", "stored_hash",
]  # fmt: skip

#: Goes up when a reader of the former schema would misread a file.
SCHEMA = 1

SPIKES = "spikes"
NETWORK, STIMULUS, COUNTS = "eventsim/network", "eventsim/stimulus", "eventsim/counts/online"
RECEIVED_COUNT, RECEIVED_WEIGHT = "eventsim/received/count", "eventsim/received/weight"
DELIVERED, MANIFEST, SAMPLES = "eventsim/delivered", "eventsim/manifest", "eventsim/samples"

SPIKE_COLUMNS = {"timestamps": np.float64, "node_ids": np.uint64, "ticks": np.int64}

#: The sparse columns of EventCounts, which grow with the run.
COUNT_COLUMNS = {"tick": np.int64, "core": np.int32, "kind": np.uint8, "count": np.int64}

#: One stretch of time as the writer receives it and as a segment file holds it.
SEGMENT_COLUMNS = {"tick": np.int64, "neuron": np.int32} | {
    f"counts_{name}": dtype for name, dtype in COUNT_COLUMNS.items()
}

#: SONATA specification, section "Spike file": root attributes and the enumeration of `sorting`.
_MAGIC, _VERSION = np.uint32(0x0A7A), np.array([0, 1], dtype=np.uint32)
_SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype=np.uint8)

#: Entries per chunk: 512 kB of int64, so that two fit HDF5's default chunk cache of 1 MiB.
_CHUNK = 1 << 16

#: Entries per block when a column is streamed; 8 MB of int64.
_BLOCK = 1 << 20

_FILTERS = {"compression": "gzip", "compression_opts": 4, "shuffle": True, "fletcher32": True}
_CHECKSUM_ONLY = {"fletcher32": True}

#: The columns that SONATA prescribes are not compressed: the wheels of libsonata carry an HDF5 without zlib
#: (0.2.2: "required filter 'deflate' is not registered").
_FILTERS_OF = {"timestamps": _CHECKSUM_ONLY, "node_ids": _CHECKSUM_ONLY, "ticks": _FILTERS}


#: HDF5 1.10 of 2016, the first format that checksums everything about a column as fletcher32 does its values. In
#: the older ones a flipped bit in a filter's settings gives wrong values without an error.
_FORMAT = ("v110", "v110")


def create(target):
    """A new, empty HDF5 file."""
    return h5py.File(target, "w", libver=_FORMAT)


def reserve(parent, name, size, dtype, filters=_FILTERS):
    """A dataset of `size` entries, to be filled piece by piece."""
    # A chunk larger than its dataset is only allowed where the dataset could grow.
    limits = {} if size else {"maxshape": (None,)}
    chunk = (min(max(size, 1), _CHUNK),)
    return parent.create_dataset(name, shape=(size,), dtype=dtype, chunks=chunk, **limits, **filters)


def store(parent, name, array):
    """A dataset with the content of a one-dimensional array."""
    dataset = reserve(parent, name, array.size, array.dtype)
    if array.size:
        dataset[:] = array


def store_again_uncompressed(file, name):
    """Replace a compressed dataset by one that is only checksummed."""
    compressed = file[name]
    del file[name]
    plain = reserve(file, name, compressed.size, compressed.dtype, _CHECKSUM_ONLY)
    for block in blocks(compressed.size):
        plain[block] = compressed[block]


def mark_as_sonata(file):
    """Set the root attributes by which other programs know a SONATA file."""
    file.attrs["magic"], file.attrs["version"] = _MAGIC, _VERSION


def reserve_population(file, name, size):
    """The group of a SONATA population with its three columns."""
    group = file.create_group(f"{SPIKES}/{name}")
    group.attrs.create("sorting", 2, dtype=_SORTING)
    for column, dtype in SPIKE_COLUMNS.items():
        reserve(group, column, size, dtype, _FILTERS_OF[column])
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
        if isinstance(item, h5py.Group):
            found |= datasets(item, f"{prefix}{name}/")
        else:
            found[prefix + name] = item
    return found


def read_arrays(group):
    """Mapping name -> array of everything below a group."""
    return {name: dataset[:] for name, dataset in datasets(group).items()}


def stored_hash(group):
    """`content_hash` of what a group holds, without ever holding more than a block of it."""
    digest = hashlib.sha256()
    for name, dataset in sorted(datasets(group).items()):
        digest.update(f"{name}\0{dataset.dtype.str}\0{dataset.size}\0".encode())
        for block in blocks(dataset.size):
            digest.update(dataset[block].data)
    return digest.hexdigest()


def spikes_hash(file):
    """Hash of tick and neuron of every spike, in order; it does not depend on how the run was cut into segments.

    It is the content hash of the SHA-256 of each population's columns `ticks` and `node_ids`; within a
    population they are in order of (tick, neuron), which fixes the order of all.
    """
    digests = {}
    for name, group in file[SPIKES].items():
        for column in ("ticks", "node_ids"):
            digest = hashlib.sha256()
            for block in blocks(group[column].size):
                digest.update(group[column][block].data)
            digests[f"{name}/{column}"] = np.frombuffer(digest.digest(), dtype=np.uint8)
    return content_hash(digests)
