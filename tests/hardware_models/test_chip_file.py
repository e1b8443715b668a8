"""A chip file: every number with its source, every mistake one line that names the file and the key."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import hardware_models
from eventsim.errors import ConfigError, ProvenanceError
from hardware_models import list_chips, load_chip

SHIPPED = Path(hardware_models.__file__).parent / "chips" / "loihi.toml"
CORES = '"Davies 2018, chip overview: 128 neuromorphic cores"'


@pytest.fixture
def edited(tmp_path):
    """edited(old, new): the path of a copy of the shipped file with one replacement."""

    def made(old, new):
        text = SHIPPED.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path = tmp_path / "mine.toml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    return made


def test_loihi_has_the_published_figures(loihi):
    assert list_chips() == ["loihi"]
    limits = {name: getattr(loihi.limits, name).value for name in loihi.limits.__struct_fields__}
    assert limits == {
        "neurons_per_core": 1024, "synapse_words_per_core": 16384, "input_axons_per_core": 4096,
        "output_axons_per_core": 4096, "delay_slots_per_core": 8192, "delay_ticks": 62, "weight_bits": 9,
    }  # fmt: skip
    table = loihi.tables["davies2018"]
    assert {name: str(getattr(table.energy, name).value) for name in table.energy.__struct_fields__} == {
        "synaptic_event_pj": "23.6", "neuron_update_idle_pj": "52", "neuron_update_active_pj": "81",
        "message_in_pj": "1.7", "hop_east_west_pj": "3.0", "hop_north_south_pj": "4.0",
    }  # fmt: skip
    assert {name: str(getattr(table.time, name).value) for name in table.time.__struct_fields__} == {
        "synaptic_event_ns": "3.5", "neuron_update_idle_ns": "5.3", "neuron_update_active_ns": "8.4",
        "barrier_one_tile_ns": "113", "barrier_all_tiles_ns": "465",
    }  # fmt: skip
    assert (table.scope, table.voltage_v.value) == ("per_operation", Decimal("0.75"))
    assert loihi.static.power_mw_per_chip.exact == Fraction(1044, 10)


def test_the_shape_of_the_mesh_is_marked_as_not_published(loihi):
    mesh = loihi.mesh
    assert (mesh.width_tiles.value, mesh.height_tiles.value, mesh.cores_per_tile.value) == (8, 4, 4)
    assert mesh.width_tiles.how == mesh.height_tiles.how == "unverified"


def test_a_figure_is_the_decimal_that_was_printed_and_not_a_float(loihi):
    assert loihi.tables["davies2018"].energy.synaptic_event_pj.exact == Fraction(236, 10) != Fraction(23.6)


def test_the_hash_of_a_chip_moves_with_any_of_its_figures(loihi, edited):
    assert load_chip(SHIPPED).hash == loihi.hash
    assert load_chip(edited("value = 23.6", "value = 23.7")).hash != loihi.hash


@pytest.mark.parametrize(
    "old, new, key, error",
    [
        ("value = 16384\nsource", "value = 16384\nsauce", "$.limits.synapse_words_per_core.source", ProvenanceError),
        ('source = "Davies 2018, core constraints: at most 1,024 compartments per core"\n', "",
         "$.limits.neurons_per_core.source", ProvenanceError),
        (CORES, '"  "', "$.mesh.cores_per_chip.source", ProvenanceError),
        (CORES, "7", "$.mesh.cores_per_chip.source", ProvenanceError),
        ("value = 23.6", "value = -23.6", "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("value = 23.6", "value = nan", "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("value = 23.6", "value = inf", "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("value = 23.6", 'value = "23.6"', "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("value = 23.6", "value = [23.6]", "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("value = 1024", "value = 1024.5", "$.limits.neurons_per_core.value", ConfigError),
        ("value = 23.6", "value = 1e999999999", "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("value = 23.6", "value = 1e-999999999", "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("value = 1024", "value = 0", "$.limits.neurons_per_core.value", ConfigError),
        ("value = 9\n", "value = 9000000000\n", "$.limits.weight_bits.value", ConfigError),
        ("energy.message_in_pj", "energy.message_in_nj", "$.tables.davies2018.energy.message_in_nj", ConfigError),
        ("[lacks.noise]", "[lacks.nose]", "$.lacks.nose", ConfigError),
        ('how = "unverified"\n\n[static', 'how = "guessed"\n\n[static', "$.mesh.height_tiles.how", ConfigError),
        ('scope = "per_operation"', 'scope = "all"', "$.tables.davies2018.scope", ConfigError),
        ('scope = "per_operation"', 'scope = "all_in"', "$.tables.davies2018.energy", ConfigError),
        ('process = "Intel 14 nm"', "process = 14", "$.tables.davies2018.process", ProvenanceError),
        ('name = "loihi"', 'name = "loihi"\ncores = { how = "measured" }', "$.cores.source", ProvenanceError),
        ('name = "loihi"', 'name = "loihi"\ncolour = "blue"', "$.colour", ConfigError),
        ('name = "loihi"\n', "", "$.name", ConfigError),
        ("value = 128\n", "value = 64\n", "$.mesh.cores_per_chip", ConfigError),
    ],
)  # fmt: skip
def test_a_mistake_in_a_chip_file_is_one_line_with_file_and_key(edited, old, new, key, error):
    path = edited(old, new)
    with pytest.raises(error) as caught:
        load_chip(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message and f"`{key}`" in message


def test_half_an_interval_of_a_neuron_update_is_refused(tmp_path):
    text = SHIPPED.read_text(encoding="utf-8")
    start = text.index("[tables.davies2018.energy.neuron_update_idle_pj]")
    stop = text.index("[tables.davies2018.energy.neuron_update_active_pj]")
    path = tmp_path / "mine.toml"
    path.write_text(text[:start] + text[stop:], encoding="utf-8")
    with pytest.raises(ConfigError, match="give both"):
        load_chip(path)


@pytest.mark.parametrize("name", ["loihi9", "../loihi", "missing.toml", "", "chips/loihi"])
def test_an_unknown_chip_is_refused_and_nothing_outside_is_read(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError):
        load_chip(name)


NO_CHIPS = [b"value = ", b"\xff\xfe", b"[tables]\n[tables]", b"tables = 3", b"lacks = [1]", b"",
            b"a." * 3000 + b"a = 1", b"a = " + b"[" * 5000]  # fmt: skip


@pytest.mark.parametrize("content", NO_CHIPS, ids=range(len(NO_CHIPS)))
def test_a_file_that_is_no_chip_is_refused(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises((ConfigError, ProvenanceError)) as caught:
        load_chip(path)
    assert "\n" not in str(caught.value)
