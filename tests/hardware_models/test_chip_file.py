"""A chip file: every number with its source, every mistake one line that names the file and the key."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import hardware_models
from eventsim.errors import ConfigError, ProvenanceError
from hardware_models import list_chips, load_chip

SHIPPED = Path(hardware_models.__file__).parent / "chips" / "loihi.toml"
SCOPE = 'scope = "per_operation"'
ORIGIN = '\norigin = "Davies'
TILES = 'source = "SANA-FE, arch/loihi.yaml: 8 x 4 tiles; the aspect'
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
    assert list_chips() == ["loihi", "loihi2", "truenorth"]
    fields = [name for name in loihi.limits.__struct_fields__ if name != "targets_per_neuron"]
    limits = {name: getattr(loihi.limits, name).value for name in fields}
    assert limits == {
        "neurons_per_core": 1024, "synapse_words_per_core": 16384, "input_axons_per_core": 4096,
        "output_axons_per_core": 4096, "delay_slots_per_core": 8192, "delay_ticks": 62, "weight_bits": 9,
    }  # fmt: skip
    table = loihi.tables["davies2018"]
    assert {name: str(figure.value) for name, figure in table.energy.given().items()} == {
        "synaptic_event_pj": "23.6", "neuron_update_idle_pj": "52", "neuron_update_active_pj": "81",
        "message_in_pj": "1.7", "hop_east_west_pj": "3.0", "hop_north_south_pj": "4.0",
    }  # fmt: skip
    given = {name: getattr(table.time, name) for name in table.time.__struct_fields__}
    assert {name: str(figure.value) for name, figure in given.items() if figure} == {
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
        ('how = "unverified"\nread = "publication"\n\n[static', 'how = "guessed"\n\n[static',
         "$.mesh.height_tiles.how", ConfigError),
        (f"{SCOPE}{ORIGIN}", f'scope = "all"{ORIGIN}', "$.tables.davies2018.scope", ConfigError),
        (f"{SCOPE}{ORIGIN}", f'scope = "all_in"{ORIGIN}', "$.tables.davies2018.energy", ConfigError),
        ('process = "Intel 14 nm"\n\n[tables.davies2018.vol', "process = 14\n\n[tables.davies2018.vol",
         "$.tables.davies2018.process", ProvenanceError),
        ("energy.message_in_pj", "energy.message_in", "$.tables.davies2018.energy.message_in", ConfigError),
        ("value = 23.6\n", "", "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("value = 1024\n", "", "$.limits.neurons_per_core.value", ConfigError),
        ("value = 23.6", 'value = "23.6 pJ"', "$.tables.davies2018.energy.synaptic_event_pj.value", ConfigError),
        ("[facts.reset_energy_uj]", "[facts.reset_energy]", "$.facts.reset_energy", ConfigError),
        ("[limits.weight_bits]", "[limits.weight_bits_2]", "$.limits.weight_bits_2", ConfigError),
        (f"{SCOPE}{ORIGIN}", f"{SCOPE}\nsource{ORIGIN[7:]}", "$.tables.davies2018.source", ConfigError),
        ('like = "nahuku"\n\n[tables.nahuku_conv.', 'like = "nahuku_dense"\n\n[tables.nahuku_conv.',
         "$.tables.nahuku_conv.like", ConfigError),
        ('[unpublished."tables.nahuku.voltage_v"]', '[unpublished."volt"]', "$.tables.nahuku.voltage_v", ConfigError),
        ('[unpublished."barrier energy"]', '[unpublished."mesh.width_tiles"]', "$.mesh.width_tiles", ConfigError),
        ('name = "loihi"', 'name = "loihi"\ncores = { how = "measured" }', "$.cores.source", ProvenanceError),
        ('name = "loihi"', 'name = "loihi"\ncolour = "blue"', "$.colour", ConfigError),
        ('name = "loihi"\n', "", "$.name", ConfigError),
        ("value = 128\n", "value = 64\n", "$.mesh.cores_per_chip", ConfigError),
        ("value = 81\n", "value = 51\n", "$.tables.davies2018.energy.neuron_update_active_pj.value", ConfigError),
        ("value = 8.4\n", "value = 5.2\n", "$.tables.davies2018.time.neuron_update_active_ns.value", ConfigError),
        ("value = 465\n", "value = 112\n", "$.tables.davies2018.time.barrier_all_tiles_ns.value", ConfigError),
        (f"value = 8\n{TILES}", f"value = {10**15}\n{TILES}", "$.mesh.width_tiles.value", ConfigError),
        (f"value = 8\n{TILES}", f"value = 0\n{TILES}", "$.mesh.width_tiles.value", ConfigError),
        ("value = 128\n", f"value = {2**24}\n", "$.mesh.cores_per_chip.value", ConfigError),
    ],
)  # fmt: skip
def test_a_mistake_in_a_chip_file_is_one_line_with_file_and_key(edited, old, new, key, error):
    path = edited(old, new)
    with pytest.raises(error) as caught:
        load_chip(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message and f"`{key}`" in message


@pytest.mark.parametrize("old, new, remedy", [
    ("value = 1024", "value = 1024.5", "give a whole number"),
    ('how = "unverified"\nread = "publication"\n\n[static', 'how = "guessed"\n\n[static', "give one of simul"),
])  # fmt: skip
def test_it_says_what_is_allowed(edited, old, new, remedy):
    with pytest.raises(ConfigError, match=remedy):
        load_chip(edited(old, new))


def test_half_an_interval_of_a_neuron_update_is_refused(tmp_path):
    text = SHIPPED.read_text(encoding="utf-8")
    start = text.index("[tables.davies2018.energy.neuron_update_idle_pj]")
    stop = text.index("[tables.davies2018.energy.neuron_update_active_pj]")
    path = tmp_path / "mine.toml"
    path.write_text(text[:start] + text[stop:], encoding="utf-8")
    with pytest.raises(ConfigError, match="give both"):
        load_chip(path)


@pytest.mark.parametrize("name", ["loihi9", "../loihi", "missing.toml", "", "chips/loihi", None, 5, ["loihi"]])
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


@pytest.mark.parametrize(
    "old, new, remedy",
    [
        ("energy.message_in_pj", "energy.message_in", "has no unit; write message_in_pj"),
        ("value = 23.6\n", "", "is missing; give it, beside value, source, how"),
        ("value = 23.6", "value = -23.6", "give a number that is finite and not negative"),
        ("value = 23.6", 'value = "23.6 pJ"', "give a number, its unit belongs into the key"),
        (CORES, '""', "say the publication, the table and the page"),
        ("[facts.reset_energy_uj]", "[facts.reset_energy]", "has no unit; end the key in one of _pj, "),
        ("energy.message_in_pj", "energy.massage_in_pj", "is unknown; allowed are synaptic_event_pj, "),
        ('[unpublished."static.voltage_v"]', '[unpublished."volt"]', 'say under [unpublished."static.voltage_v"]'),
    ],
)
def test_a_mistake_in_a_chip_file_comes_with_its_remedy(edited, old, new, remedy):
    with pytest.raises((ConfigError, ProvenanceError)) as caught:
        load_chip(edited(old, new))
    assert remedy in str(caught.value)


def test_a_chip_file_of_ones_own_is_used_like_those_that_come_with_the_package(edited):
    chip = load_chip(edited("value = 23.6", "value = 20"))
    assert chip.tables["davies2018"].energy.synaptic_event_pj.exact == 20
    assert chip.tables["nahuku_conv"].energy.spike_pj.exact == Fraction("69.3")


def test_figures_of_work_and_of_idling_may_be_equal(edited):
    energy = load_chip(edited("value = 81\n", "value = 52\n")).tables["davies2018"].energy
    assert energy.neuron_update_active_pj.exact == energy.neuron_update_idle_pj.exact


def test_the_static_power_of_a_core_is_what_its_source_divides(loihi):
    fact = loihi.facts["static_core_power_uw"]
    assert "3.34 W / 32 chips / 128 cores" in fact.source and fact.exact == round(Fraction("3.34e6") / 32 / 128)
