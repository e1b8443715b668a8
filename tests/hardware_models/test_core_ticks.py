"""What each core did in each tick: activity, traffic, links and splitters, by hand and by slow recounts."""

from collections import Counter

import numpy as np
import pytest

import eventsim
from eventsim import simulate
from eventsim.errors import CapacityError, ConfigError, ProvenanceError
from eventsim.stimulus import Stimulus
from hardware_models import Placement, core_ticks, cost, count_activity, count_events, count_traffic, load_chip, place
from hardware_models.counting.core_ticks import mapped
from hardware_models.placing.splitters import splitters


def walked(source, destination):
    """Links of XY routing on 8 x 4 tiles of four cores, one step at a time: (column, row, direction)."""
    (x, y), (to_x, to_y) = divmod(source // 4, 4), divmod(destination // 4, 4)
    while x != to_x:
        yield x, y, "east" if to_x > x else "west"
        x += 1 if to_x > x else -1
    while y != to_y:
        yield x, y, "south" if to_y > y else "north"
        y += 1 if to_y > y else -1


@pytest.fixture
def random_run(build, record, loihi):
    """Trace and placement of twelve neurons on cores of both chips, driven by spikes out of nowhere."""

    def made(seed):
        generator = np.random.default_rng(seed)
        rows = np.column_stack([generator.integers(0, 12, 60), generator.integers(0, 12, 60),
                                generator.choice([0, 2], 60), generator.integers(-1, 2, 60)])  # fmt: skip
        network = build([("in", 2, True), ("x", 12, False)], [((1, 1), rows), ((0, 1), [(0, 3, 0, 1), (1, 5, 1, -1)])])
        core_of = np.r_[-1, -1, generator.choice([0, 1, 5, 36, 90, 127, 130, 200], 12)]
        spikes = {(int(generator.integers(0, 9)), int(generator.integers(0, 14))) for _ in range(40)}
        return record(network, spikes, 12), Placement.of(network, core_of, loihi), sorted(spikes)

    return made


@pytest.mark.parametrize("seed", range(6))
def test_messages_take_every_link_that_a_walk_along_row_and_column_takes(random_run, seed):
    trace, placed, spikes = random_run(seed)
    network, core_of = trace.network, placed.core_of
    links, inside, sent, away = Counter(), Counter(), Counter(), Counter()
    for tick, neuron in spikes:
        for there in {int(core_of[p]) for p in network.post[network.pre == neuron]}:
            here = int(core_of[neuron])
            sent[tick, here, there] += 1
            if here == -1 or here // 128 != there // 128:
                away[tick, here] += here != -1
                continue
            inside[tick, there] += here // 4 == there // 4
            for x, y, direction in walked(here % 128, there % 128):
                links[tick, here // 128, x, y, direction] += 1
    traffic = count_traffic(trace, placed)
    columns = (traffic.tick, traffic.source, traffic.destination, traffic.messages)
    assert {(t, s, d): n for t, s, d, n in zip(*(c.tolist() for c in columns))} == sent
    assert {tuple(row[:-1]): row[-1] for row in traffic.links(by_tick=True).itertuples(index=False)} == links
    summed = Counter()
    for (_, *link), n in links.items():
        summed[tuple(link)] += n
    assert {tuple(row[:-1]): row[-1] for row in traffic.links().itertuples(index=False)} == summed
    table = traffic.by_core()
    for kind, due in (("within_tile_messages", inside), ("messages_between_chips", away)):
        rows = table[table["kind"] == kind]
        assert {(t, c): n for t, c, n in zip(rows["tick"], rows["core"], rows["count"])} == +due


@pytest.mark.parametrize("seed", range(3))
def test_the_table_by_tick_sums_to_the_counts_of_the_run(random_run, loihi, seed):
    trace, placed, _ = random_run(seed)
    counts = count_events(trace, placed)
    sums = core_ticks(trace, placed, counts).groupby("kind")["count"].sum()
    report = cost(counts, loihi)
    hops = {line.term: line.count for line in report.lines}
    assert sums["hops_east_west"] == hops["hops_east_west"] and sums["hops_north_south"] == hops["hops_north_south"]
    assert sums["synaptic_events"] == counts.total("synaptic_events")
    by_sign = sums["excitatory_events"] + sums["inhibitory_events"] + sums["zero_weight_events"]
    assert by_sign == sums["synaptic_events"] and sums["inhibitory_events"] > 0


def test_within_a_tile_there_is_no_link(build, record, loihi):
    network = build([("x", 2, False)], [((0, 0), [(0, 1, 0, 1)])])
    traffic = count_traffic(record(network, [(0, 0)], 1), Placement.of(network, [0, 3], loihi))
    assert len(traffic.links()) == 0 and len(traffic.by_core()) == 1


def test_a_neuron_that_reaches_three_cores_of_truenorth_takes_three_relays(build, record):
    chip = load_chip("truenorth")
    network = build([("in", 1, True), ("x", 4, False)],
                    [((1, 1), [(0, j, 0, 1) for j in range(1, 4)] + [(1, 2, 0, 1)]),
                     ((0, 1), [(0, 1, 0, 1), (0, 2, 0, 1)])])  # fmt: skip
    placed = Placement.of(network, [-1, 0, 1, 2, 3], chip)
    assert splitters(network, placed.core_of, placed.chip).tolist() == [0, 3, 0, 0, 0]
    trace = record(network, [(0, 0), (1, 1), (3, 1), (3, 2)], 5)
    table = core_ticks(trace, placed, count_events(trace, placed))
    fired = table[table["kind"] == "splitter_spikes"]
    assert fired[["tick", "core", "count"]].to_numpy().tolist() == [[1, 0, 3], [3, 0, 3]]
    assert mapped(network, placed)["splitters"].tolist() == [3, 0, 0, 0]


def test_loihi_needs_no_relays(random_run):
    trace, placed, _ = random_run(0)
    assert not splitters(trace.network, placed.core_of, placed.chip).any()


@pytest.fixture(scope="module")
def counters():
    """Network and placement: a source, two neurons without leak, and one that is driven and resets to 0 as it fires."""
    neurons = {"model": ["source", "integrate", "integrate", "integrate"],
               "population": ["in", "quiet", "quiet", "driven"],
               "v_th": [np.nan, 2.0, 2.0, 1.0], "drive": [np.nan, 0.0, 0.0, 1.0]}  # fmt: skip
    network = eventsim.network(neurons, {"pre": [0, 1], "post": [1, 2], "weight": 1.0, "delay_ms": 0.0})
    return network, Placement.of(network, [-1, 0, 1, 1], load_chip("loihi"))


def test_which_neurons_are_active_in_which_tick_by_hand(counters):
    network, placed = counters
    trace = simulate(network, Stimulus.of([1, 2], [0, 0], duration_ticks=6), core_of=placed.core_of)
    # Neuron 1 is at 1 from tick 2, at 2 in tick 3, fires there, and is idle again; 2 is at 1 from tick 4; 3 is driven.
    activity = count_activity(trace, placed)
    rows = list(zip(activity.tick.tolist(), activity.core.tolist(), activity.active.tolist()))
    assert rows == [(0, 1, 1), (1, 1, 1), (2, 0, 1), (2, 1, 1), (3, 0, 1), (3, 1, 1), (4, 1, 2), (5, 1, 2)]
    report = cost(count_events(trace, placed), activity=activity)
    updates = {line.term: line.count for line in report.lines if "updates" in line.term}
    assert updates == {"idle_updates": 18 - 10, "active_updates": 10}
    assert report.dynamic_low_pj == report.dynamic_high_pj
    assert "active_neurons" in set(core_ticks(trace, placed, count_events(trace, placed), activity)["kind"])


def test_the_activity_of_other_counts_is_refused(counters):
    network, placed = counters
    short, long = (simulate(network, Stimulus.silent(ticks), core_of=placed.core_of) for ticks in (2, 3))
    with pytest.raises(ProvenanceError, match="activity is of other counts"):
        cost(count_events(short, placed), activity=count_activity(long, placed))


def test_a_trace_that_the_network_would_not_give_is_refused(counters, record):
    network, placed = counters
    with pytest.raises(ProvenanceError, match="does not fire as in the trace"):
        count_activity(record(network, [(0, 1)], 2), placed)


def test_activity_is_not_defined_on_potentials_that_are_not_whole_numbers(loihi):
    neurons = {"model": ["source", "integrate"], "v_th": [np.nan, 2.0]}
    network = eventsim.network(neurons, {"pre": [0], "post": [1], "weight": 0.5, "delay_ms": 0.0})
    placed = Placement.of(network, [-1, 0], loihi)
    trace = simulate(network, Stimulus.of([0], [0], duration_ticks=3), core_of=placed.core_of)
    with pytest.raises(ConfigError, match="'v' of population 'integrate' is not a whole number"):
        count_activity(trace, placed)


def test_spikes_of_a_source_may_enter_at_a_core_that_holds_a_neuron(build, record, loihi):
    network = build([("in", 1, True), ("x", 2, False)], [((0, 1), [(0, 0, 0, 1), (0, 1, 0, 1)])])
    entered = Placement.of(network, [-1, 0, 36], loihi, enters_at=[0, -1, -1])
    counts = count_events(record(network, [(0, 0)], 1), entered)
    assert list(zip(counts.message_source.tolist(), counts.message_destination.tolist())) == [(0, 0), (0, 36)]
    lines = {line.term: line.count for line in cost(counts, loihi).lines}
    assert (lines["hops_east_west"], lines["hops_north_south"], lines["neuron_updates"]) == (2, 1, 2)
    assert entered.hash != Placement.of(network, [-1, 0, 36], loihi).hash
    refused = [([7, -1, -1], "core 7, which holds no neuron"), ([0, 0, -1], "for all other"), ([0], "for all other")]
    for enters_at, complaint in refused:
        with pytest.raises(ConfigError, match=complaint):
            Placement.of(network, [-1, 0, 36], loihi, enters_at=enters_at)


def test_relays_take_room_on_their_core(build):
    # 100 neurons that reach 3 cores each are 400 with their relays; a core of TrueNorth holds 256.
    chip = load_chip("truenorth")
    wires = [(i, j, 0, 1) for i in range(100) for j in (100, 356, 612)]
    network = build([("x", 868, False)], [((0, 0), wires)])
    core_of = np.r_[[0] * 100, np.repeat([1, 2, 3], 256)]
    with pytest.raises(CapacityError, match="neurons exceeded on core 0: 400 asked, 256 allowed"):
        Placement.of(network, core_of, chip)
    placed = place(network, chip)
    held = placed.utilization()["used"].unstack()["neurons"]
    assert held.max() <= 256 and held.sum() == 868 + splitters(network, placed.core_of, placed.chip).sum() > 868
