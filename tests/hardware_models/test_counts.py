"""Counts from a trace: by hand, by a slow recount, and by the engine's own counters."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from eventsim.compiled_network import Operation, Statement
from eventsim.counts import KINDS
from eventsim.errors import ConfigError, ProvenanceError
from eventsim.simulate import simulate
from eventsim.stimulus import Stimulus
from hardware_models import Placement, count_events, place, split_network
from hardware_models.counting import counts as counts_module
from hardware_models.counting.core_ticks import core_ticks
from hardware_models.counting.traffic import count_traffic


def rows_of(counts):
    columns = (column.tolist() for column in (counts.tick, counts.core, counts.kind, counts.count))
    return [(tick, core, KINDS[kind], count) for tick, core, kind, count in zip(*columns)]


def messages_of(counts):
    columns = (counts.message_source, counts.message_destination, counts.message_count)
    return list(zip(*(column.tolist() for column in columns)))


def slowly_recounted(network, stimulus, spikes, duration, core_of):
    """The same counts, one synapse at a time."""
    rows, messages = Counter(), Counter()
    starts = stimulus.query_start.tolist() if stimulus.reset == "host" else []
    for tick, neuron in spikes:
        here, reached = int(core_of[neuron]), set()
        rows[tick, here, "spikes"] += 1
        for s in range(network.n_synapses):
            if network.pre[s] != neuron:
                continue
            there, arrival = int(core_of[network.post[s]]), tick + int(network.delay[s])
            reached.add(there)
            if arrival >= duration or any(tick < start <= arrival for start in starts):
                continue
            rows[arrival, there, "synaptic_events"] += 1
            if network.weight[s] == 0 and network.pathways[network.pathway_of[s]].weighted:
                rows[arrival, there, "zero_weight_events"] += 1
        for there in reached:
            rows[tick, here, "messages_out"] += 1
            rows[tick, there, "messages_in"] += 1
            messages[here, there] += 1
    ordered = sorted(rows, key=lambda row: (row[0], row[1], KINDS.index(row[2])))
    return [(*row, rows[row]) for row in ordered], [(*pair, messages[pair]) for pair in sorted(messages)]


def random_network(build, generator, effects=(("v", "add", "weight"),)):
    def rows(n_source, n_target, n):
        return np.column_stack([generator.integers(0, n_source, n), generator.integers(0, n_target, n),
                                generator.choice([0, 1, 3, 7], n), generator.integers(-1, 2, n)])  # fmt: skip

    return build([("in", 4, True), ("x", 7, False), ("y", 5, False)],
                 [((0, 1), rows(4, 7, 15)), ((1, 2), rows(7, 5, 20)), ((2, 1), rows(5, 7, 9)), ((1, 1), rows(7, 7, 1))],
                 effects)  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("reset", ["none", "host"])
def test_any_trace_is_counted_as_by_hand_one_synapse_at_a_time(build, record, loihi, monkeypatch, seed, reset):
    monkeypatch.setattr(counts_module, "_CHUNK", 5)  # so that even these few events come in many chunks
    generator = np.random.default_rng(seed)
    effects = (("v", "set", "0"),) if seed == 3 else (("v", "add", "weight"),)
    network = random_network(build, generator, effects)
    core_of = np.concatenate([[-1] * 4, generator.integers(0, 5, 12)]).astype(np.int32)
    spikes = {(int(generator.integers(0, 20)), int(generator.integers(0, 16))) for _ in range(40)}
    trace = record(network, spikes, 20, queries=[(0, 6), (6, 13), (15, 20)], reset=reset)
    counts = count_events(trace, Placement(core_of, network.hash, loihi))
    rows, messages = slowly_recounted(network, trace.stimulus, sorted(spikes), 20, core_of)
    assert rows_of(counts) == rows and messages_of(counts) == messages
    assert counts.duration_ticks == 20 and counts.core_of.tolist() == core_of.tolist()
    assert {"spikes", "synaptic_events", "messages_out", "messages_in"} <= {row[2] for row in rows}
    assert any(row[2] == "zero_weight_events" for row in rows) == (seed != 3)


def test_a_delivery_still_under_way_at_the_end_is_not_counted_but_its_message_is(build, record, loihi):
    network = build([("x", 2, False)], [((0, 0), [(0, 1, 3, 1)])])
    placed = Placement.of(network, [0, 1], loihi)
    late, soon = count_events(record(network, [(2, 0)], 5), placed), count_events(record(network, [(1, 0)], 5), placed)
    sent = [(0, "spikes", 1), (0, "messages_out", 1), (1, "messages_in", 1)]
    assert rows_of(late) == [(2, *row) for row in sent]
    assert rows_of(soon) == [*((1, *row) for row in sent), (4, 1, "synaptic_events", 1)]


def test_a_reset_by_the_host_drops_what_is_under_way_but_not_what_starts_with_the_query(build, record, loihi):
    network = build([("x", 1, False)], [((0, 0), [(0, 0, 2, 1)])])
    placed = Placement.of(network, [0], loihi)
    for spike, delivered in ((2, 1), (3, 0), (4, 0), (5, 1)):  # the second query starts at tick 5
        trace = record(network, [(spike, 0)], 10, queries=[(0, 5), (5, 10)], reset="host")
        assert count_events(trace, placed).total("synaptic_events") == delivered


def test_the_kernel_counts_the_same_while_it_runs(build, loihi):
    generator = np.random.default_rng(7)
    plain = random_network(build, generator)
    schedule = [Operation("emit", 0)]
    for k in (1, 2):
        schedule += [Operation("threshold", k, (), (Statement("_cond", "=", "v > 0.5"),)),
                     Operation("deliver", k)]  # fmt: skip
    schedule += [Operation("deliver", 0), Operation("deliver", 3)]
    schedule += [Operation("reset", k, (), (Statement("v", "=", "0"),)) for k in (1, 2)]
    network = replace(plain, schedule=tuple(schedule))
    network.validate()
    spikes = np.argwhere(generator.random((60, 4)) < 0.3)
    stimulus = Stimulus.of(spikes[:, 0], spikes[:, 1], [(0, 25), (25, 60)], reset="host", duration_ticks=60)
    placed = Placement.of(network, [-1] * 4 + [0] * 4 + [1] * 3 + [1] * 2 + [2] * 3, loihi)
    trace = simulate(network, stimulus, core_of=placed.core_of)
    recounted = count_events(trace, placed)
    assert recounted.total("synaptic_events") > 100 and recounted.total("zero_weight_events") > 10
    assert recounted.total("spikes") > len(spikes)
    assert recounted.hash == trace.counts().hash


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "n_cores, fan_out, order",
    [(3, 5, "in order"), (3, 5, "scattered"), (60, 40, "in order"), (60, 40, "scattered"), (120, 2, "scattered")],
    ids=["few-in-order", "few-scattered", "many-in-order", "many-scattered", "more-than-bytes"],
)
def test_the_kernel_counts_the_same_however_its_neurons_lie_on_cores(build, loihi, n_cores, fan_out, order, threads):
    generator, n = np.random.default_rng(n_cores), 600  # that all fire at once, more than a byte of messages counts
    edges = np.column_stack([np.repeat(np.arange(n), fan_out), generator.integers(0, n, n * fan_out),
                             generator.integers(0, 3, n * fan_out), generator.integers(0, 2, n * fan_out)])  # fmt: skip
    plain = build([("in", n, True), ("x", n, False)], [((0, 1), edges), ((1, 1), edges[: n // 2 * fan_out])])
    fires, resets = Statement("_cond", "=", "v > 0.5"), Statement("v", "=", "0")
    schedule = (Operation("emit", 0), Operation("threshold", 1, (), (fires,)),
                Operation("deliver", 0), Operation("deliver", 1), Operation("reset", 1, (), (resets,)))  # fmt: skip
    network = replace(plain, schedule=schedule)
    network.validate()
    spikes = np.argwhere(generator.random((12, n)) < np.array([[1.0, 0.3, 0.0] * 4]).T)
    stimulus = Stimulus.of(spikes[:, 0], spikes[:, 1], duration_ticks=12)
    cores = np.arange(n) * n_cores // n
    cores = cores if order == "in order" else generator.permutation(cores)
    placed = Placement.of(network, [-1] * n + cores.tolist(), loihi)
    trace = simulate(network, stimulus, core_of=placed.core_of, threads=threads)
    recounted = count_events(trace, placed)
    assert recounted.count[recounted.kind == KINDS.index("messages_in")].max() > (255 if fan_out > 2 else 9)
    assert recounted.total("zero_weight_events") > 1000 < recounted.total("spikes")
    assert recounted.hash == trace.counts().hash


def test_a_placement_of_another_network_is_refused(build, record, loihi):
    network, other = build([("x", 2, False)]), build([("y", 2, False)])
    with pytest.raises(ProvenanceError, match="place this network anew"):
        count_events(record(network, [(0, 1)], 3), place(other, loihi))


@pytest.mark.parametrize("call, complaint", [
    (lambda trace, placed: count_events(trace, placed.chip), "placement is <Chip loihi.* give a Placement"),
    (lambda trace, placed: count_events(trace.network, placed), "trace is <.* give a Trace"),
    (lambda trace, placed: count_traffic(trace, placed.chip), "placement is <Chip loihi.* give a Placement"),
    (lambda trace, placed: count_traffic(None, placed), "trace is None; give a Trace"),
    (lambda trace, placed: core_ticks(trace, placed, placed), "counts is <Placement.* give a EventCounts"),
    (lambda trace, placed: split_network(trace.network, placed.chip), "placement is <Chip loihi"),
    (lambda trace, placed: split_network(trace, placed), "network is .* give a CompiledNetwork"),
])  # fmt: skip
def test_who_counts_names_an_argument_of_another_kind(build, record, loihi, call, complaint):
    network = build([("x", 2, False)])
    with pytest.raises(ConfigError, match=complaint):
        call(record(network, [(0, 1)], 3), place(network, loihi))


def test_a_silent_trace_has_no_rows(build, record, loihi):
    network = build([("in", 2, True), ("x", 2, False)], [((0, 1), [(0, 0, 0, 1)])])
    counts = count_events(record(network, [], 3), place(network, loihi))
    assert rows_of(counts) == [] and messages_of(counts) == [] and counts.duration_ticks == 3
    assert [counts.tick.dtype, counts.core.dtype, counts.kind.dtype, counts.count.dtype] == ["i8", "i4", "u1", "i8"]
