"""Joules: literal for cases worked out by hand, exact against the table, refused when figures do not go together."""

import dataclasses
import json
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from eventsim.counts import SYNAPTIC_EVENTS, EventCounts
from eventsim.errors import ConfigError, ProvenanceError
from hardware_models import Placement, cost, count_events, place

NONE = np.empty(0, dtype=np.int64)


@pytest.fixture
def hand(build, record, loihi):
    """A on core 0 fires at ticks 1 and 3, to C on its own core and to B0..3 two columns and one row away."""
    network = build([("a", 1, False), ("b", 4, False), ("c", 1, False)],
                    [((0, 1), [(0, j, 0, 1) for j in range(4)]), ((0, 2), [(0, 0, 0, 1)])])  # fmt: skip
    placed = Placement.of(network, [0, 36, 36, 36, 36, 0], loihi)
    return count_events(record(network, [(1, 0), (3, 0)], 4), placed)


def idle_counts(core_of, ticks, **changes):
    """Counts in which nothing happens, and the changes."""
    columns = {
        "tick": NONE, "core": NONE.astype(np.int32), "kind": NONE.astype(np.uint8), "count": NONE,
        "message_source": NONE.astype(np.int32), "message_destination": NONE.astype(np.int32), "message_count": NONE,
    }  # fmt: skip
    return EventCounts(**(columns | changes), core_of=np.asarray(core_of, np.int32), duration_ticks=ticks)


def lines_of(report):
    return {line.term: (line.count, float(line.energy_low_pj), float(line.energy_high_pj)) for line in report.lines}


def test_every_term_of_the_case_worked_out_by_hand(hand, loihi):
    report = cost(hand, loihi)
    assert lines_of(report) == {
        "neuron_updates": (24, 1248.0, 1944.0),  # 6 neurons, 4 ticks, 52 to 81 pJ
        "synaptic_events": (10, 236.0, 236.0),  # 2 spikes, 5 synapses, 23.6 pJ
        "messages_in": (4, 6.8, 6.8),  # 2 spikes, 2 cores, 1.7 pJ
        "hops_east_west": (4, 12.0, 12.0),  # 2 messages, 2 columns, 3.0 pJ
        "hops_north_south": (2, 8.0, 8.0),  # 2 messages, 1 row, 4.0 pJ
    }
    assert (float(report.dynamic_low_pj), float(report.dynamic_high_pj)) == (1510.8, 2206.8)


def test_the_fastest_ticks_of_the_case_worked_out_by_hand(hand, loihi):
    # Two tiles, so the wide barrier; core 36: 4 x 8.4 ns, and 4 x 3.5 ns in the ticks with spikes.
    ticks = cost(hand, loihi).ticks
    assert [float(ns) for ns in (ticks.shortest_ns, ticks.mean_ns, ticks.longest_ns)] == [498.6, 505.6, 512.6]
    assert float(cost(hand, loihi).static_pj) == 211138.56  # 104.4 mW x 2,022.4 ns


def test_a_tick_waits_for_a_crowded_core_even_when_only_another_has_events(loihi):
    counts = idle_counts([0] * 10 + [1], 1, tick=np.zeros(1, np.int64), core=np.ones(1, np.int32),
                         kind=np.array([SYNAPTIC_EVENTS], np.uint8), count=np.ones(1, np.int64))  # fmt: skip
    assert cost(counts, loihi).ticks.longest_ns == cost(counts, loihi).ticks.shortest_ns == 113 + 84


def test_the_energy_of_each_core_by_hand_and_their_sum(hand, loihi):
    per_core = cost(hand, loihi).per_core
    # Core 0: 8 updates, 2 events, 2 messages, and the hops of what it sends. Core 36: 16 updates, 8 events, 2 messages.
    assert per_core["energy_low_pj"].to_dict() == {0: 486.6, 36: 1024.2}
    assert per_core["energy_high_pj"].to_dict() == {0: 718.6, 36: 1488.2}
    assert per_core.loc[0, ["neurons", "hops_east_west", "hops_north_south"]].tolist() == [2, 4, 2]


def test_a_full_chip_costs_6_8_to_10_6_microjoule_in_an_idle_tick(build, record, loihi):
    network = build([("x", 131_072, False)])
    report = cost(count_events(record(network, [], 1), place(network, loihi)), loihi)
    assert (report.dynamic_low_pj, report.dynamic_high_pj) == (6_815_744, 10_616_832)
    assert report.ticks.mean_ns == Fraction("9066.6")  # 1,024 x 8.4 ns and the barrier of 465 ns
    assert report.static_mw == Fraction("104.4")


def test_in_ticks_of_a_millisecond_static_power_outweighs_a_full_idle_chip_15_times(build, record, loihi):
    network = build([("x", 131_072, False)])
    report = cost(count_events(record(network, [], 1), place(network, loihi)), loihi, tick_us=1000)
    assert float(report.static_pj) == 104_400_000.0
    assert 15.3 < report.static_pj / report.dynamic_low_pj < 15.4


def test_the_prediction_for_nearest_neighbour_search_on_76800_neurons(loihi):
    # Frady 2020 measured 1.33 mJ; 667 to 750 spikes to 76,800 neurons in 60 ticks give 1.448 to 1.599 mJ.
    for spikes, expected_mj in ((667, 1.448), (750, 1.599)):
        counts = idle_counts(np.repeat(np.arange(75), 1024), 60, tick=np.zeros(75, np.int64),
                             core=np.arange(75, dtype=np.int32), kind=np.full(75, SYNAPTIC_EVENTS, np.uint8),
                             count=np.full(75, 1024 * spikes))  # fmt: skip
        assert float(cost(counts, loihi).dynamic_low_pj) / 1e9 == pytest.approx(expected_mj, abs=6e-4)


def test_totals_are_counts_times_the_printed_decimals_without_rounding(loihi):
    # 0.1 + 0.2 is not 0.3 in floats; 3 x 23.6 + 52 x 7 ... must be exact whatever the order.
    n = 10**15 + 1
    counts = idle_counts([0], 7, tick=np.zeros(1, np.int64), core=np.zeros(1, np.int32),
                         kind=np.array([SYNAPTIC_EVENTS], np.uint8), count=np.array([n]))  # fmt: skip
    report = cost(counts, loihi)
    assert report.dynamic_low_pj == Fraction(236 * n, 10) + 7 * 52
    assert report.dynamic_high_pj == Fraction(236 * n, 10) + 7 * 81


@pytest.mark.parametrize("kind, difference", [("synaptic_events", "23.6"), ("messages_in", "1.7")])
def test_a_count_that_is_off_by_one_changes_the_cost_by_one_operation(hand, loihi, kind, difference):
    count = hand.count.copy()
    names = hand.to_frame()["kind"].to_numpy()
    count[np.flatnonzero(names == kind)[0]] += 1
    changed = cost(dataclasses.replace(hand, count=count), loihi)
    assert changed.dynamic_low_pj - cost(hand, loihi).dynamic_low_pj == Fraction(difference)
    assert changed.counts_hash != cost(hand, loihi).counts_hash


def test_messages_from_the_host_are_delivered_but_their_way_is_not_costed(build, record, loihi):
    network = build([("in", 1, True), ("x", 2, False)], [((0, 1), [(0, 0, 0, 1), (0, 1, 0, 1)])])
    counts = count_events(record(network, [(0, 0), (2, 0)], 3), Placement.of(network, [-1, 0, 60], loihi))
    report = cost(counts, loihi)
    assert lines_of(report)["messages_in"] == (4, 6.8, 6.8)
    assert lines_of(report)["hops_east_west"][0] == lines_of(report)["hops_north_south"][0] == 0
    assert "host injection, no published figure: 4 messages" in report.not_costed


def test_messages_between_chips_are_named_as_not_costed_and_each_chip_draws_static_power(build, record, loihi):
    network = build([("x", 2, False)], [((0, 0), [(0, 1, 0, 1)])])
    counts = count_events(record(network, [(0, 0)], 1), Placement.of(network, [0, 128], loihi))
    report = cost(counts, loihi)
    assert "messages between chips, no published figure: 1" in report.not_costed
    assert lines_of(report)["hops_east_west"][0] == 0
    assert report.static_mw == Fraction("208.8")


def test_a_network_on_one_tile_waits_for_the_narrow_barrier_unless_copies_fill_the_chip(loihi):
    report = cost(idle_counts([0, 0, 3], 10), loihi, queries=5)
    assert report.ticks.mean_ns == Fraction("129.8")  # 113 + 2 x 8.4
    assert report.copies == 64
    each = {name: float(energy) for name, energy in report.per_query().items()}
    assert each["dynamic_low_pj"] == 312.0 and each["dynamic_high_pj"] == 486.0  # 30 updates, 5 queries
    assert each["static_pj"] == pytest.approx(104.4 * 1298 / 5, rel=1e-15)
    assert each["static_parallel_pj"] == pytest.approx(104.4 * (4650 + 168) / 64 / 5, rel=1e-15)


def test_a_given_tick_may_not_be_shorter_than_the_chip_can_be(hand, loihi):
    # One tile's barrier 113 ns, 4 idle updates of 5.3 ns, 4 events of 3.5 ns.
    assert cost(hand, loihi, tick_us=0.1482).ticks.total_ns == Fraction("592.8")
    with pytest.raises(ConfigError, match=r"the busiest core needs 0\.1482 us"):
        cost(hand, loihi, tick_us=0.1481)


@pytest.mark.parametrize("wrong", [0, -1, 1e308, float("nan"), float("inf"), "slow", True, None, [1], np.ones(2)])
def test_a_tick_length_must_be_a_positive_number(hand, loihi, wrong):
    with pytest.raises(ConfigError, match="tick_us is"):
        cost(hand, loihi, tick_us=wrong)


@pytest.mark.parametrize("wrong", [0, -3, 1.5, float("nan"), "x", True])
def test_the_number_of_queries_is_a_whole_one_from_1(hand, loihi, wrong):
    with pytest.raises(ConfigError, match=f"queries is {wrong!r}; give a whole number, 1 or more"):
        cost(hand, loihi, queries=wrong)


@pytest.mark.parametrize("changes, complaint", [
    ({"counts": None}, "counts is None; give a EventCounts"), ({"chip": 5}, "chip is 5; give a Chip or str or Path"),
    ({"table": None}, "table is None; give the name of a table"), ({"table": ["davies2018", 1]}, "table is "),
    ({"activity": 5}, "activity is 5; give what count_activity returns"), ({"network": 5}, "network is 5; give a Comp"),
])  # fmt: skip
def test_an_argument_of_another_kind_is_named(hand, loihi, changes, complaint):
    with pytest.raises(ConfigError, match=complaint):
        cost(**{"counts": hand, "chip": loihi} | changes)


def test_a_report_of_the_same_counts_is_no_activity(hand, loihi):
    with pytest.raises(ConfigError, match="activity is CostReport"):
        cost(hand, loihi, activity=cost(hand, loihi))


def test_without_a_chip_the_shipped_one_with_that_table_is_taken(hand, loihi):
    assert cost(hand, table="davies2018").to_json() == cost(hand, "loihi").to_json() == cost(hand, loihi).to_json()


@pytest.mark.parametrize("chip", [None, "loihi"])
def test_an_unknown_table_is_refused_with_those_there_are(hand, chip):
    with pytest.raises(ProvenanceError, match="davies2018"):
        cost(hand, chip, "davies2019")


@pytest.fixture
def with_table(loihi):
    """with_table(**changes): Loihi with a second table that prices a single thing."""

    def made(energy=("synaptic_event_pj",), **changes):
        table = loihi.tables["davies2018"]
        kept = {key: getattr(table.energy, key) if key in energy else None for key in table.energy.__struct_fields__}
        changes = {"energy": msgspec.structs.replace(table.energy, **kept)} | changes
        other = msgspec.structs.replace(table, **changes)
        return msgspec.structs.replace(loihi, tables=loihi.tables | {"other": other})

    return made


def test_tables_of_different_scope_process_or_voltage_or_with_a_common_term_are_not_mixed(hand, loihi, with_table):
    voltage = msgspec.structs.replace(loihi.static.power_mw_per_chip, value=loihi.static.power_mw_per_chip.value / 100)
    refused = [({"scope": "all_in"}, "mix scope"), ({"process": "28 nm"}, "mix process"),
               ({"origin": "another"}, "mix origin"), ({"voltage_v": voltage}, "mix voltage 0.75 V"),
               ({}, "both give synaptic_event_pj")]  # fmt: skip
    for changes, complaint in refused:
        with pytest.raises(ProvenanceError, match=complaint):
            cost(hand, with_table(**changes), ("davies2018", "other"))


def test_tables_that_complete_one_another_are_summed(hand, loihi, with_table):
    hops = ("hop_east_west_pj", "hop_north_south_pj")
    chip = with_table(hops)
    chip.tables["events"] = with_table(("synaptic_event_pj", "message_in_pj")).tables["other"]
    report = cost(hand, chip, ("other", "events"))
    assert float(report.dynamic_low_pj) == float(report.dynamic_high_pj) == 236 + 6.8 + 12 + 8
    assert report.table == "other + events"


def test_counts_are_priced_on_the_chip_and_of_the_network_that_they_are_of(hand, build, loihi):
    with pytest.raises(ProvenanceError, match=r"placement on loihi, and truenorth .* place the network on truenorth"):
        cost(hand, "truenorth", "split", tick_us=1000)
    alike = build([("a", 1, False), ("b", 4, False), ("c", 1, False)], [((0, 1), [(0, j, 0, 2) for j in range(4)])])
    with pytest.raises(ProvenanceError, match="counts are of another network"):
        cost(hand, loihi, network=alike)


def test_of_several_tables_each_has_its_word_whichever_is_named_first(hand, loihi, with_table):
    hops, time = ("hop_east_west_pj", "hop_north_south_pj"), loihi.tables["davies2018"].time
    power = msgspec.structs.replace(loihi.static.power_mw_per_chip, value=50)
    static = msgspec.structs.replace(loihi.static, power_mw_per_chip=power)
    chip = with_table(hops, time=None, caution="hops are guessed")
    events = ("synaptic_event_pj", "message_in_pj")
    chip.tables["events"] = with_table(events, static=static, caution="so are events").tables["other"]
    one, two = (cost(hand, chip, names) for names in (("other", "events"), ("events", "other")))
    assert one.caution == "hops are guessed; so are events" and two.caution == "so are events; hops are guessed"
    assert one.ticks == two.ticks and one.static_mw == two.static_mw == 50
    slower = msgspec.structs.replace(time, barrier_one_tile_ns=time.barrier_all_tiles_ns)
    chip.tables["other"] = with_table(hops, time=slower).tables["other"]
    with pytest.raises(ProvenanceError, match=r"differ in \[time\]"):
        cost(hand, chip, ("other", "events"))


def test_static_power_that_nobody_published_is_unknown_and_not_zero(hand, loihi):
    chip = msgspec.structs.replace(loihi, static=None)
    report = cost(hand, chip, queries=2)
    document = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert document["static_pj"] is document["static_mw"] is document["power_mw"] is None
    assert document["per_query"]["static_pj"] is None and document["per_query"]["dynamic_low_pj"] > 0
    assert "static power, no published figure" in document["not_costed"]
    assert ", unknown static on loihi" in report.headline and "static, apart: unknown (4 ticks" in str(report)


def test_operations_without_a_figure_are_named_and_without_one_for_synaptic_events_nothing_is_told(hand, with_table):
    report = cost(hand, with_table(("synaptic_event_pj", "message_in_pj")), "other")
    assert report.not_costed[0] == ("no figure of their own in this table: 24 neuron_updates, 8 core_ticks, 2 spikes, "
                                    "4 messages_out, 4 hops_east_west, 2 hops_north_south")  # fmt: skip
    with pytest.raises(ProvenanceError, match="has no synaptic_event_pj, and there are 10 synaptic events"):
        cost(hand, with_table(("message_in_pj",)), "other")


def test_large_sums_are_shown_in_large_units(hand, loihi):
    told = str(cost(hand, loihi, tick_us=10_000_000))  # 104.4 mW for four ticks of 10 s
    assert "static, apart: 4.176 J" in told and "; 40 s in all" in told


def test_an_all_in_figure_holds_static_power_already(hand, with_table):
    report = cost(hand, with_table(scope="all_in", time=None), "other", tick_us=1000)
    assert (report.scope, report.static_pj, float(report.dynamic_low_pj)) == ("all_in", 0, 236.0)
    with pytest.raises(ConfigError, match="give tick_us"):
        cost(hand, with_table(time=None), "other")


def test_the_report_says_what_it_rests_on_and_its_json_is_plain(hand, loihi):
    report = cost(hand, loihi, queries=2)
    document = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert (document["table"], document["scope"], document["voltage"]) == ("davies2018", "per_operation", "0.75 V")
    assert document["dynamic_low_pj"] == 1510.8 and document["static_pj"] == 211138.56
    assert document["per_query"]["dynamic_high_pj"] == 1103.4
    assert [line["term"] for line in document["lines"]] == list(report.to_frame().index)
    assert all("Davies 2018, Table 2, page 96" in source or "Frady 2020, Table 1" in source
               for source in document["sources"].values())  # fmt: skip
    text = str(report)
    for part in ("24 x 52 pJ to 81 pJ", "dynamic: 1.511 nJ to 2.207 nJ", "static, apart: 211.1 nJ", "per query, 2 in"):
        assert part in text


def test_the_heading_says_whether_the_chip_runs_the_network(build, record, loihi):
    plain = build([("x", 2, False)], [((0, 0), [(0, 1, 0, 2)])])
    fractional = build([("x", 2, False)], [((0, 0), [(0, 1, 0, 0.5)])])
    for network, heading in ((plain, None), (fractional, "not runnable as is: pathway 'path0': weights that are not")):
        counts = count_events(record(network, [(0, 0)], 2), place(network, loihi))
        report = cost(counts, loihi, network=network)
        assert report.lacks is heading or report.lacks.startswith(heading)
        assert ("not runnable as is:\n  - pathway 'path0'" in str(report)) == (heading is not None)
    assert "not checked" in cost(counts, loihi).lacks
    with pytest.raises(ProvenanceError, match="another network"):
        cost(counts, loihi, network=build([("x", 3, False)]))


def test_a_run_of_no_ticks_and_a_chip_without_neurons_cost_nothing(loihi):
    for counts in (idle_counts([0, 1], 0), idle_counts([-1], 5), idle_counts([], 0)):
        report = cost(counts, loihi)
        assert report.dynamic_high_pj == 0 and str(report) and report.to_json()
