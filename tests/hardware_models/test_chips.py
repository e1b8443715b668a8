"""The chips that come with the package: every number sourced, and nothing quoted that is unverified."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from eventsim.errors import ConfigError, ProvenanceError
from hardware_models import Placement, cost, count_events, list_chips, load_chip, place
from hardware_models.chips.figures import Claim, Count, Figure
from hardware_models.costing.quantities import quantities
from hardware_models.costing.tick_length import tick_times
from runs.chips import list_figures


def sourced(part):
    """Every Count, Figure and Claim below a part of a chip."""
    if isinstance(part, (Claim, Count, Figure)):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from sourced(value)
    elif isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            yield from sourced(getattr(part, name))


@pytest.mark.parametrize("name", ["loihi", "loihi2", "truenorth"])
def test_every_number_has_a_source_and_says_how_it_was_read(name):
    chip = load_chip(name)
    figures = [part for part in sourced(chip) if not isinstance(part, Claim)]
    assert len(figures) > 8
    assert all(len(part.source) > 10 and part.read for part in figures)
    assert all(part.how == "unverified" for part in sourced(chip) if part.read == "memory" and isinstance(part, Figure))


@pytest.mark.parametrize("name", ["loihi", "loihi2", "truenorth"])
def test_the_list_shows_every_number_with_unit_and_source(name):
    document, text = list_figures(name)
    (shown,) = document["chips"]
    assert len(shown["figures"]) == sum(not isinstance(part, Claim) for part in sourced(load_chip(name)))
    assert all(figure["source"] in text for figure in shown["figures"])
    priced = [figure for figure in shown["figures"] if figure["key"].startswith(("tables.", "static.", "facts."))]
    assert all(figure["unit"] or figure["key"].endswith("_count") for figure in priced)
    of_tables = [figure for figure in shown["figures"] if figure["key"].startswith("tables.")]
    assert all(figure["process"] and figure["voltage"] and figure["scope"] for figure in of_tables)


def test_without_a_name_all_chips_are_listed_and_unverified_numbers_are_marked():
    document, text = list_figures()
    assert [chip["name"] for chip in document["chips"]] == list_chips()
    marked = [line for line in text.splitlines() if "UNVERIFIED" in line]
    assert any(line.split()[0] == "mesh.width_tiles" for line in marked)
    listed = [figure for chip in document["chips"] for figure in chip["figures"] if figure["how"] == "unverified"]
    assert len(marked) == len(listed)


def test_the_nahuku_tables_differ_in_synapses_alone(loihi):
    sparse, dense, conv = (loihi.tables[name].energy for name in ("nahuku", "nahuku_dense", "nahuku_conv"))
    prices = [str(table.synaptic_event_pj.value) for table in (sparse, dense, conv)]
    assert prices == ["33.6", "35.5", "24.0"]
    assert msgspec.structs.replace(dense, synaptic_event_pj=sparse.synaptic_event_pj) == sparse
    given = {key: str(figure.value) for key, figure in sparse.given().items()}
    assert given == {
        "synaptic_event_pj": "33.6", "neuron_update_idle_pj": "51.2", "neuron_update_active_pj": "72.8",
        "spike_pj": "69.3", "message_out_pj": "111", "hop_east_west_pj": "3.0", "hop_north_south_pj": "4.2",
    }  # fmt: skip


def test_the_parts_of_a_truenorth_spike_add_up_to_its_slope_and_its_statics_to_the_whole():
    tables = load_chip("truenorth").tables
    split, affine = tables["split"], tables["affine"]
    of_spike = 128 * split.energy.synaptic_event_pj.exact + Fraction("42.6") * split.energy.hop_east_west_pj.exact
    assert float(of_spike / 128) == pytest.approx(2.2966, abs=2e-3)
    scan_mw = split.energy.core_tick_pj.exact * 4096 / 10**6  # each millisecond
    assert float(scan_mw + split.static.power_mw_per_chip.exact) == pytest.approx(64.43, abs=0.05)
    assert affine.static.power_mw_per_chip.value == Decimal("64.43")


@pytest.fixture
def ring(build, record):
    """Four neurons on as many cores of a chip, each of which sends to the next and fires once."""

    def made(chip, ticks=2):
        network = build([("x", 4, False)], [((0, 0), [(i, (i + 1) % 4, 0, 1) for i in range(4)])])
        placed = Placement.of(network, [0, 1, 64, 65], chip)
        return network, count_events(record(network, [(0, i) for i in range(4)], ticks), placed)

    return made


def test_a_headline_leaves_out_what_rests_on_an_unverified_shape_and_says_so(ring, loihi):
    report = cost(ring(loihi)[1], loihi)
    hops = next(line for line in report.lines if line.term == "hops_east_west")
    assert hops.count == 8 and hops.unverified == ("mesh.width_tiles", "mesh.height_tiles")
    # 8 updates of 52 to 81 pJ, 4 events of 23.6, 4 messages of 1.7: 517.2 to 749.2 pJ without the hops.
    assert report.headline.startswith("517.2 pJ to 749.2 pJ dynamic")
    assert "left out, as unverified: hops_east_west" in report.headline
    assert "[unverified: mesh.width_tiles, mesh.height_tiles]" in str(report)
    assert set(report.to_json()["unverified"]) == {"mesh.width_tiles", "mesh.height_tiles"}


def test_a_report_without_unverified_inputs_has_a_plain_headline(build, record, loihi):
    network = build([("x", 2, False)])
    report = cost(count_events(record(network, [], 1), place(network, loihi)), loihi)
    assert report.unverified == {} and "unverified" not in report.headline + str(report)


def test_an_unverified_price_is_marked_and_kept_out_of_the_headline(ring, loihi):
    table = loihi.tables["davies2018"]
    guess = msgspec.structs.replace(table.energy.synaptic_event_pj, how="unverified")
    energy = msgspec.structs.replace(table.energy, synaptic_event_pj=guess)
    chip = msgspec.structs.replace(loihi, tables={"davies2018": msgspec.structs.replace(table, energy=energy)})
    report = cost(ring(chip)[1], chip)
    assert report.headline.startswith("422.8 pJ to 654.8 pJ dynamic") and "synaptic_events" in report.headline
    assert "synaptic_event_pj" in report.unverified


def test_the_split_table_of_truenorth_has_no_headline_and_its_terms_are_exact(ring):
    chip = load_chip("truenorth")
    report = cost(ring(chip)[1], chip, "split", tick_us=1000)
    assert report.headline.startswith("no headline") and "0.775 V and at 0.8 V" in str(report)
    # 0-1 and 64-65 are one hop south and north; 1-64 and 65-0 are one column and a row: 2 + 4 hops; 4 cores, 2 ticks.
    assert {line.term: line.count for line in report.lines} == {
        "core_ticks": 8, "synaptic_events": 4, "hops_east_west": 2, "hops_north_south": 4,
    }  # fmt: skip
    assert report.dynamic_low_pj == 8 * Fraction("4909.056") + 4 * Fraction("1.53") + 6 * Fraction("2.3")
    assert report.static_mw == Fraction("44.3")


@pytest.mark.parametrize("tables", [("davies2018", "nahuku"), ("nahuku", "nahuku_dense")])
def test_tables_of_loihi_are_not_mixed(ring, loihi, tables):
    with pytest.raises(ProvenanceError, match=r"cost them apart|both give"):
        cost(ring(loihi)[1], loihi, tables)


@pytest.mark.parametrize("tables", [("affine", "split"), ("affine", "all_in"), ("split", "all_in")])
def test_tables_of_truenorth_are_not_mixed(ring, tables):
    chip = load_chip("truenorth")
    with pytest.raises(ProvenanceError, match="mix "):
        cost(ring(chip)[1], chip, tables, tick_us=1000)


def test_an_all_in_figure_is_refused_away_from_its_operating_point(ring):
    chip = load_chip("truenorth")
    with pytest.raises(ProvenanceError, match=r"holds at rate_hz = 20 only, and this run has 500; use a per_operation"):
        cost(ring(chip)[1], chip, "all_in", tick_us=1000)
    with pytest.raises(ProvenanceError, match="synapses_per_spike_count = 128 only, and this run has 1;"):
        cost(ring(chip, ticks=50)[1], chip, "all_in", tick_us=1000)


def test_loihi_2_is_described_but_neither_placed_nor_costed_nor_checked(build, ring, loihi):
    chip, (network, counts) = load_chip("loihi2"), ring(loihi)
    assert chip.limits.neurons_per_core.value == 8192 and chip.tables == {}
    with pytest.raises(ConfigError, match=r"does not say `limits\.delay_ticks`|does not say `limits\.synapse_words"):
        place(build([("x", 3, False)]), chip)
    with pytest.raises(ProvenanceError, match=r"there is none \(no energy per operation is published"):
        cost(counts, chip, "davies2018")
    with pytest.raises(ConfigError, match="does not say `lacks`: neurons are programmed in microcode"):
        chip.check(network)


def test_the_nahuku_times_of_a_tick_by_hand(build, record, loihi):
    network = build([("a", 1, False), ("b", 3, False)], [((0, 1), [(0, j, 0, 1) for j in range(3)])])
    placed = Placement.of(network, [0, 1, 1, 1], loihi)
    counts = count_events(record(network, [(1, 0)], 3), placed)
    table, amounts = loihi.tables["nahuku"], quantities(counts, loihi.mesh)
    times = tick_times(counts, amounts, table.time, loihi.mesh)
    # Core 0: 9.7 + 30 + 5.1; core 1: 3 x 9.7 + 3 x 4.7 + 16. Otherwise core 1: 3 x 9.7. One tile: 600.
    assert times["busy_ns"].to_dict() == pytest.approx({-1: 29.1, 1: 59.2})
    assert times["slowest_core"].to_dict() == {-1: 1, 1: 1}
    assert times.loc[1, "time_ns"] == pytest.approx(659.2)
    ticks = cost(counts, loihi, "nahuku").ticks
    assert ticks.total_ns == 3 * 600 + 2 * Fraction("29.1") + Fraction("59.2")
    assert ticks.shortest_ns == Fraction("629.1") and ticks.longest_ns == Fraction("659.2")


def test_the_slowest_core_may_be_one_in_which_nothing_happens(build, record, loihi):
    network = build([("a", 1, False), ("b", 9, False)], [((0, 0), [(0, 0, 0, 1)])])
    counts = count_events(record(network, [(0, 0)], 1), Placement.of(network, [0] + [1] * 9, loihi))
    times = tick_times(counts, quantities(counts, loihi.mesh), loihi.tables["davies2018"].time, loihi.mesh)
    assert times.loc[0, "slowest_core"] == 1 and times.loc[0, "busy_ns"] == pytest.approx(9 * 8.4)


def test_power_is_energy_over_time_and_a_full_chip_holds_copies(ring, loihi):
    report = cost(ring(loihi)[1], loihi, tick_us=1000)
    low, high = report.power_mw
    assert low == report.dynamic_low_pj / 2_000_000 + Fraction("104.4") and high > low
    assert report.full_chip_power_mw[0] == 32 * report.dynamic_low_pj / 2_000_000 + Fraction("104.4")
    none = cost(ring(loihi, ticks=1)[1], loihi)
    assert np.isfinite(float(none.power_mw[0]))
