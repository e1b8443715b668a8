import h5py
import pytest

pytestmark = pytest.mark.optional
libsonata = pytest.importorskip("libsonata")


@pytest.fixture
def reader(record, tmp_path):
    record(tmp_path / "t.h5", (0, 3, 10)).close()
    return libsonata.SpikeReader(str(tmp_path / "t.h5"))


def test_libsonata_finds_every_population_the_silent_one_too(reader):
    assert sorted(reader.get_population_names()) == ["inputs", "pool", "silent"]


def test_libsonata_returns_the_same_spikes(reader):
    assert reader["inputs"].get() == [(0, 0.0), (1, 0.2), (0, 0.4), (0, 0.9)]
    assert reader["pool"].get() == [(1, 0.1), (0, 0.4)]
    assert reader["silent"].get() == []


def test_libsonata_knows_the_unit_and_the_order_and_selects_by_them(reader):
    assert (reader["pool"].time_units, reader["pool"].sorting) == ("ms", "by_time")
    assert reader["inputs"].get(tstart=0.15, tstop=0.5) == [(1, 0.2), (0, 0.4)]
    assert reader["inputs"].get(node_ids=libsonata.Selection([1])) == [(1, 0.2)]


def test_libsonata_cannot_read_compressed_columns_which_is_why_they_are_not(record, tmp_path):
    """If this fails, libsonata has learnt gzip and the two columns may be compressed like all others."""
    record(tmp_path / "t.h5").close()
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        node_ids = file["spikes/pool/node_ids"][:]
        del file["spikes/pool/node_ids"]
        file.create_dataset("spikes/pool/node_ids", data=node_ids, chunks=(2,), compression="gzip")
    with pytest.raises(RuntimeError):
        libsonata.SpikeReader(str(tmp_path / "t.h5"))["pool"].get()
