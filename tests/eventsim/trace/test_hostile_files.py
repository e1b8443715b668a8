"""Files that nobody should open: each is refused before anything in it is read, with one line that names it."""

import os
import random
import subprocess
import sys

import h5py
import numpy as np
import pytest

from eventsim.arrays import encode_json
from eventsim.errors import ConfigError, EventSimError, TraceFormatError
from eventsim.trace import Trace, guard, open_trace
from tests.eventsim.trace.hostile import LINKS, STORAGE, TYPES, virtual


@pytest.fixture
def path(record, tmp_path):
    """A good trace, to be spoilt."""
    record(tmp_path / "t.h5", (0, 5, 10)).close()
    return tmp_path / "t.h5"


def refusal(path, **options):
    """The message with which a file is refused; one line that names it."""
    with pytest.raises(TraceFormatError) as caught:
        open_trace(path, **options)
    message = str(caught.value)
    assert message.startswith(str(path)) and "\n" not in message
    return message


def spoilt(path, change):
    """Apply a change to a good trace; the message with which the result is refused."""
    with h5py.File(path, "r+") as file:
        change(file)
    return refusal(path)


@pytest.mark.parametrize("message", [*LINKS, *STORAGE])
def test_whatever_a_trace_does_not_need_is_refused(path, message):
    with pytest.raises(TraceFormatError, match=message):
        raise TraceFormatError(spoilt(path, (LINKS | STORAGE)[message]))


@pytest.mark.parametrize("kind", TYPES)
def test_a_column_that_is_not_numeric_is_refused(path, kind):
    assert "'/x' is not numeric" in spoilt(path, TYPES[kind])


@pytest.mark.parametrize("shape", [(2, 2), ()])
def test_a_column_that_is_not_one_dimensional_is_refused(path, shape):
    assert "not one-dimensional" in spoilt(path, lambda file: file.create_dataset("x", data=np.zeros(shape)))


def test_a_dataset_without_extent_is_refused(path):
    assert "not one-dimensional" in spoilt(path, lambda file: file.create_dataset("x", data=h5py.Empty("i8")))


def test_the_number_of_objects_is_bounded(path, monkeypatch):
    monkeypatch.setattr(guard, "_MAX_OBJECTS", 20)
    assert "more than 20 objects" in refusal(path)


def test_what_a_file_may_hold_can_be_set(path):
    assert "1,000 are allowed" in refusal(path, max_bytes=1000)
    open_trace(path, max_bytes=10_000).close()


def test_harmless_data_of_others_beside_ours_are_tolerated(path):
    with h5py.File(path, "r+") as file:
        file.create_dataset("theirs/a", data=np.arange(1000), compression="gzip", shuffle=True)
        file.create_dataset("theirs/b", data=np.arange(3.0))
    with open_trace(path) as trace:
        assert len(trace.spikes()) == 6


def test_a_virtual_dataset_is_refused_without_opening_its_source(path, tmp_path, monkeypatch):
    """Its source is a named pipe: whoever opened it would hang."""
    os.mkfifo(tmp_path / "elsewhere.h5")
    monkeypatch.chdir(tmp_path)
    assert "virtual" in spoilt(path, virtual)


@pytest.mark.parametrize("content, message", [
    (b"", "is empty"), (b"not a trace, but text", "is not an HDF5 file"), (bytes(5000), "is not an HDF5 file"),
    (random.Random(1).randbytes(5000), "is not an HDF5 file"),
    (b"\x89HDF\r\n\x1a\n" + random.Random(2).randbytes(5000), "is damaged"),
    (b"\x89HDF\r\n\x1a\n", "is (damaged|truncated)"),
])  # fmt: skip
def test_a_file_that_is_not_hdf5_is_refused(tmp_path, content, message):
    (tmp_path / "t.h5").write_bytes(content)
    with pytest.raises(TraceFormatError, match=message):
        raise TraceFormatError(refusal(tmp_path / "t.h5"))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_called_truncated(path, share):
    os.truncate(path, int(share * path.stat().st_size))
    assert "is truncated" in refusal(path)


def test_what_is_no_file_is_a_matter_of_the_argument(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        open_trace(tmp_path / "missing.h5")
    with pytest.raises(ConfigError, match="is a folder"):
        open_trace(tmp_path)


@pytest.mark.parametrize("version, reason", [("v110", "(no /eventsim/manifest)"), ("earliest", "of before 2016")])
def test_a_file_of_another_program_is_called_so(tmp_path, version, reason):
    with h5py.File(tmp_path / "t.h5", "w", libver=(version, "latest")) as file:
        file["data"] = np.arange(3)
    message = refusal(tmp_path / "t.h5")
    assert "written by another program" in message and reason in message


def rewrite_manifest(file, manifest):
    del file["eventsim/manifest"]
    file["eventsim/manifest"] = manifest


@pytest.mark.parametrize("manifest, message", [
    (encode_json({"schema": 7}), "schema 7 is newer than 1"),
    (encode_json({"schema": "1"}), "states no schema"), (encode_json({"schema": True}), "states no schema"),
    (encode_json([1]), "states no schema"), (encode_json({}), "states no schema"),
    (np.frombuffer(b"{", np.uint8), "not valid JSON"), (np.frombuffer(b"[" * 100_000, np.uint8), "not valid JSON"),
    (np.frombuffer(b"\xff\xfe", np.uint8), "not valid JSON"), (np.zeros(3), "not a JSON text"),
    (np.zeros(17 << 20, np.uint8), "not a JSON text"),
])  # fmt: skip
def test_a_manifest_that_cannot_be_trusted_is_refused(path, manifest, message):
    assert message in spoilt(path, lambda file: rewrite_manifest(file, manifest))


@pytest.mark.parametrize("name", ["spikes", "eventsim/network", "eventsim/counts/online", "eventsim/delivered"])
def test_a_missing_part_is_named(path, name):
    assert f"/{name} is missing" in spoilt(path, lambda file: file.__delitem__(name))


READ = {"network": lambda trace: trace.network, "stimulus": lambda trace: trace.stimulus, "counts": Trace.counts}


def overwrite(name, index, value):
    def change(file):
        file[f"eventsim/{name}"][index] = value

    return change


def redescribe(**changes):
    def change(file):
        description = b"not JSON" if not changes else encode_json(changes).tobytes()
        del file["eventsim/network/description"]
        file["eventsim/network/description"] = np.frombuffer(description, np.uint8)

    return change


@pytest.mark.parametrize("change, read", [
    (overwrite("network/synapses/post", 0, 6), "network"), (overwrite("network/synapses/weight", 0, np.nan), "network"),
    (overwrite("network/pathways/0/rows", 1, 99), "network"),
    (overwrite("network/pathways/0/delays", 0, -1), "network"),
    (redescribe(), "network"), (redescribe(schema=1), "network"), (redescribe(schema=2), "network"),
    (overwrite("stimulus/neuron", 0, 6), "stimulus"), (overwrite("stimulus/neuron", 0, -1), "stimulus"),
    (overwrite("stimulus/tick", 0, 5), "stimulus"), (overwrite("stimulus/query_stop", 0, 7), "stimulus"),
    (overwrite("stimulus/header", 0, 0), "stimulus"),
    (overwrite("counts/online/kind", 0, 5), "counts"), (overwrite("counts/online/tick", 0, 10), "counts"),
    (overwrite("counts/online/core", 0, 1), "counts"), (overwrite("counts/online/core_of", 0, -2), "counts"),
    (overwrite("counts/online/message_destination", 0, 7), "counts"),
    (overwrite("counts/online/duration_ticks", 0, 11), "counts"),
])  # fmt: skip
def test_an_inconsistent_artefact_is_refused_when_it_is_read(path, change, read):
    with h5py.File(path, "r+") as file:
        change(file)
    with open_trace(path) as trace, pytest.raises(TraceFormatError) as caught:
        READ[read](trace)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["received/count", "received/weight", "delivered"])
def test_a_total_of_another_length_is_refused_when_it_is_read(path, name):
    with h5py.File(path, "r+") as file:
        values = file[f"eventsim/{name}"][:-1]
        del file[f"eventsim/{name}"]
        file[f"eventsim/{name}"] = values
    with open_trace(path) as trace, pytest.raises(TraceFormatError, match=f"{name}' has"):
        getattr(trace, name.split("/")[0])()


def read_everything(path):
    with open_trace(path) as trace:
        spikes, counts, received = trace.spikes(), trace.counts(), trace.received()
        return [*trace.verify_hashes(), *trace.column_faults(), trace.manifest, trace.network.hash, trace.stimulus.hash,
                spikes.tick.tolist(), spikes.neuron.tolist(), counts.hash, trace.delivered().tolist(),
                [column.tolist() for column in received], trace.synaptic_events().synapse.tolist()]  # fmt: skip


def test_a_mutated_file_is_refused_or_says_the_same(path):
    """Bytes changed at random: never another error, never another content."""
    image, rng, expected = path.read_bytes(), random.Random(3), read_everything(path)
    in_use = [at for at, byte in enumerate(image) if byte]
    refused = 0
    for _ in range(800):
        spoilt_image = bytearray(image)
        for at in rng.sample(in_use, rng.choice([1, 1, 4])):
            spoilt_image[at] ^= rng.randrange(1, 256)
        path.write_bytes(spoilt_image)
        try:
            found = read_everything(path)
        except EventSimError:
            refused += 1
        else:
            assert found == expected
    assert 700 < refused < 800


def test_importing_the_package_forbids_filter_plugins():
    code = "import os, eventsim.trace; print(os.environ['HDF5_PLUGIN_PRELOAD'])"
    environment = {name: value for name, value in os.environ.items() if name != "HDF5_PLUGIN_PRELOAD"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "::"
