"""Placements respect every limit, and say which one when they cannot."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from eventsim.collected import MOST_CORES
from eventsim.errors import CapacityError, ConfigError, ProvenanceError
from hardware_models import Placement, place
from hardware_models.chips import file

SHIPPED = Path(file.__file__).parent / "loihi.toml"


def random_rows(generator, n_source, n_target, n_synapses, longest_delay):
    return np.column_stack([
        generator.integers(0, n_source, n_synapses), generator.integers(0, n_target, n_synapses),
        generator.integers(0, longest_delay + 1, n_synapses), generator.integers(-3, 4, n_synapses),
    ])  # fmt: skip


def words(sizes, delay_bits):
    """Of lists of synapses: blocks of up to 64, 10 bits and 8 + 10 for each synapse, in words of 64 bits."""
    blocks = [min(64, size - begin) for size in sizes for begin in range(0, size, 64)]
    return sum(-(-(10 + (18 + delay_bits) * n) // 64) for n in blocks)


def recounted(network, core_of):
    """What each core holds, with sets and loops."""
    held, delay_bits = {}, len(f"{int(network.delay.max()):b}")
    for core in set(core_of.tolist()) - {-1}:
        on_core = [s for s in range(network.n_synapses) if core_of[network.post[s]] == core]
        neurons = [n for n in range(network.n_neurons) if core_of[n] == core]
        out = {(network.pre[s], core_of[network.post[s]]) for s in range(network.n_synapses)
               if core_of[network.pre[s]] == core}  # fmt: skip
        delays = [int(network.delay[s]) for s in on_core]
        sizes = Counter(int(network.pre[s]) for s in on_core).values()
        held[core] = [len(neurons), words(sizes, delay_bits), len({network.pre[s] for s in on_core}), len(out),
                      len(neurons) * max(delays, default=0)]  # fmt: skip
    return held


def test_cores_are_filled_in_the_order_of_ids_and_sources_stay_on_the_host(build, loihi):
    placed = place(build([("in", 5, True), ("x", 1500, False), ("more", 600, False)]), loihi)
    assert placed.core_of.tolist() == [-1] * 5 + [0] * 1024 + [1] * 1024 + [2] * 52
    assert (placed.n_cores, placed.n_chips) == (3, 1)


def test_a_full_chip_is_128_cores_and_one_neuron_more_is_a_second_chip(build, loihi):
    assert (place(build([("x", 131_072, False)]), loihi).n_chips) == 1
    placed = place(build([("x", 131_073, False)]), loihi)
    assert (placed.n_cores, placed.n_chips) == (129, 2)


@pytest.mark.parametrize("seed", range(12))
def test_on_a_tiny_chip_random_networks_respect_every_limit(build, shrunk, seed):
    generator = np.random.default_rng(seed)
    chip = shrunk(neurons_per_core=5, synapse_words_per_core=12, input_axons_per_core=14, output_axons_per_core=18,
                  delay_slots_per_core=12)  # fmt: skip
    network = build([("in", 6, True), ("x", 40, False)], [
        ((0, 1), random_rows(generator, 6, 40, 40, 3)), ((1, 1), random_rows(generator, 40, 40, 120, 2)),
    ])  # fmt: skip
    placed = place(network, chip)
    placed.validate(network)
    held = recounted(network, placed.core_of)
    assert all(np.less_equal(held[core], [5, 12, 14, 18, 12]).all() for core in held)
    utilization = placed.utilization()
    assert {core: utilization.loc[core, "used"].tolist() for core in held} == held
    assert (np.diff(placed.core_of[6:]) >= 0).all()


def test_when_only_neurons_are_scarce_no_core_is_left_half_empty(build, shrunk):
    network = build([("x", 20, False)], [((0, 0), [(i, (i + 1) % 20, 0, 1) for i in range(20)])])
    assert np.bincount(place(network, shrunk(neurons_per_core=4)).core_of).tolist() == [4, 4, 4, 4, 4]


def test_a_source_shared_by_all_neurons_of_a_core_takes_one_axon(build, shrunk):
    shared = [(i, j, 0, 1) for i in range(2) for j in range(4)]
    network = build([("in", 2, True), ("x", 4, False)], [((0, 1), shared)])
    assert place(network, shrunk(input_axons_per_core=2)).n_cores == 1


def test_output_axons_split_a_core_that_was_full_of_nothing_else(build, shrunk):
    # 4 senders reach 11 receivers each, and 4 words hold the lists of 3 receivers: 4 cores are reached. Together the
    # senders would need 16 axons, 8 are allowed; so two senders to a core, the second pair beside the first receivers.
    wires = [(i, j, 0, 1) for i in range(4) for j in range(11)]
    network = build([("a", 4, False), ("b", 11, False)], [((0, 1), wires)])
    placed = place(network, shrunk(neurons_per_core=4, synapse_words_per_core=4, output_axons_per_core=8))
    assert placed.core_of.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


def test_a_random_network_of_10000_neurons_needs_a_second_loihi(build, loihi):
    # 100 synapses per neuron: about 190 cores of 52, for 4,096 / (190 (1 - (1 - 1/190)^100)) = 52.6.
    generator = np.random.default_rng(1)
    post = np.concatenate([generator.choice(10_000, 100, replace=False) for _ in range(10_000)])
    rows = np.column_stack([np.repeat(np.arange(10_000), 100), post, np.zeros(10**6), np.ones(10**6)])
    placed = place(build([("x", 10_000, False)], [((0, 0), rows)]), loihi)
    assert 185 <= placed.n_cores <= 205 and placed.n_chips == 2


# 862 blocks of 64 synapses take 19 words each, and 20 synapses the last 6 of 16,384.
@pytest.mark.parametrize("n_synapses, n_sources, limit, most", [
    (862 * 64 + 21, 1, "synapse_words", 16_384), (4_097, 4_097, "input_axons", 4_096),
])  # fmt: skip
def test_one_neuron_that_is_too_large_is_refused_with_a_remedy(build, loihi, n_synapses, n_sources, limit, most):
    fan_in = [(i % n_sources, 0, 0, 1) for i in range(n_synapses)]
    fits = build([("in", 4_097, True), ("x", 1, False)], [((0, 1), fan_in[:-1])])
    assert place(fits, loihi).n_cores == 1
    with pytest.raises(CapacityError) as caught:
        place(build([("in", 4_097, True), ("x", 1, False)], [((0, 1), fan_in)]), loihi)
    assert (caught.value.limit, caught.value.demand, caught.value.allowed) == (limit, most + 1, most)
    assert "core 0 by neuron 4097 ('x'[0]) alone" in str(caught.value) and "; " in str(caught.value)


def test_one_neuron_that_reaches_too_many_cores_is_refused(build, shrunk):
    network = build([("a", 1, False), ("b", 6, False)], [((0, 1), [(0, j, 0, 1) for j in range(6)])])
    chip = shrunk(neurons_per_core=1, output_axons_per_core=5)
    with pytest.raises(CapacityError, match=r"output_axons exceeded on core 0 by neuron 0 \('a'\[0\]\) alone: 6 asked"):
        place(network, chip)


def test_a_delay_beyond_the_synapse_is_refused_and_a_long_one_needs_emptier_cores(build, loihi):
    with pytest.raises(CapacityError, match="delay_ticks exceeded on core 0"):
        place(build([("x", 2, False)], [((0, 0), [(0, 1, 63, 1)])]), loihi)
    placed = place(build([("x", 200, False)], [((0, 0), [(i, i, 62, 1) for i in range(200)])]), loihi)
    assert np.bincount(placed.core_of).tolist() == [132, 68]  # 8,192 // 62 = 132


def test_a_placement_with_one_neuron_moved_beyond_a_limit_is_refused(build, loihi):
    network = build([("x", 1_025, False)])
    core_of = place(network, loihi).core_of.copy()
    core_of[1_024] = 0
    moved = Placement(core_of=core_of, network_hash=network.hash, chip=loihi)
    with pytest.raises(CapacityError, match="neurons exceeded on core 0: 1025 asked, 1024 allowed"):
        moved.validate(network)
    with pytest.raises(CapacityError):
        Placement.of(network, core_of, loihi)


@pytest.mark.parametrize("resource", ["synapse_words", "input_axons", "output_axons", "delay_slots"])
def test_validate_checks_each_limit_by_itself(build, shrunk, resource):
    network = build([("x", 4, False)], [((0, 0), [(i, j, 1, 1) for i in range(4) for j in range(2)])])
    core_of = np.array([0, 0, 1, 1])  # core 0 holds 4 lists of 2 synapses, 4 sources, 2 axons, 2 x 1 slots
    held = {"synapse_words": 4, "input_axons": 4, "output_axons": 2, "delay_slots": 2}[resource]
    Placement.of(network, core_of, shrunk(**{f"{resource}_per_core": held}))
    with pytest.raises(CapacityError, match=f"{resource} exceeded on core 0: {held} asked, {held - 1} allowed"):
        Placement.of(network, core_of, shrunk(**{f"{resource}_per_core": held - 1}))


def test_a_placement_belongs_to_one_network(build, loihi):
    one, other = build([("x", 3, False)]), build([("y", 3, False)])
    with pytest.raises(ProvenanceError):
        place(one, loihi).validate(other)


@pytest.mark.parametrize("given, cores", [
    *(("core_of", cores) for cores in ([-1, 0.7, 1.9], [-1, float("nan"), 0], [-1, None, 0], None,
                                       [-1, 2**32, 2**32 + 1], [-1, 0, 2**31 - 1], [-1, 0, MOST_CORES], [-1, -2, 0])),
    ("enters_at", [0.5, -1, -1]), ("enters_at", [2**32, -1, -1]),
])  # fmt: skip
def test_cores_are_whole_numbers_that_a_run_can_tell_apart(build, loihi, given, cores):
    network = build([("in", 1, True), ("x", 2, False)])
    with pytest.raises(ConfigError, match=f"{given}.* is "):
        Placement.of(network, **{"core_of": [-1, 0, 1], given: cores}, chip=loihi)


@pytest.mark.parametrize("chip", ["loihi", SHIPPED])
def test_a_chip_is_given_as_such_by_name_or_by_file(build, loihi, chip):
    network = build([("in", 1, True), ("x", 2, False)])
    assert place(network, chip).hash == place(network, loihi).hash
    assert Placement.of(network, [-1, 0, 1], chip).hash == Placement.of(network, [-1, 0, 1], loihi).hash


@pytest.mark.parametrize("changes, complaint", [
    ({"network": None}, "network is None; give a CompiledNetwork"), ({"chip": None}, "chip is None; give a Chip"),
    ({"chip": 5}, "chip is 5"), ({"chip": "loihi9"}, "unknown chip 'loihi9'"),
    ({"placer": ["greedy"]}, r"placer is \['greedy'\]"), ({"placer": "best"}, "no placer 'best'"),
])  # fmt: skip
def test_place_names_an_argument_of_another_kind(build, loihi, changes, complaint):
    given = {"network": build([("x", 2, False)]), "chip": loihi, "placer": "in_order"} | changes
    with pytest.raises(ConfigError, match=complaint):
        place(**given)
    if "placer" not in changes:
        with pytest.raises(ConfigError, match=complaint):
            Placement.of(given["network"], [0, 0], given["chip"])


@pytest.mark.parametrize("placer", ["greedy", "partition"])
def test_a_placer_that_needs_a_mesh_says_which_size_is_not_published(build, loihi, placer):
    chip = replace(loihi, mesh=replace(loihi.mesh, width_tiles=None))
    with pytest.raises(ConfigError, match=r"chip 'loihi' does not say `mesh.width_tiles`"):
        place(build([("x", 2, False)]), chip, placer)


def test_a_placement_is_compared_with_a_network_alone(build, loihi):
    with pytest.raises(ConfigError, match="network is None"):
        place(build([("x", 2, False)]), loihi).validate(None)


@pytest.mark.parametrize("core_of", [[0, 0, 0], [-1, -1, 0], [-1, -2, 0], [-1, 0]])
def test_only_sources_are_on_the_host(build, loihi, core_of):
    with pytest.raises(ConfigError):
        Placement.of(build([("in", 1, True), ("x", 2, False)]), core_of, loihi)


def test_a_bare_placement_does_not_invent_its_utilization(build, loihi):
    with pytest.raises(ConfigError, match=r"Placement\.of"):
        Placement(np.zeros(2, np.int32), build([("x", 2, False)]).hash, loihi).utilization()


def test_a_placement_cannot_be_changed_and_its_hash_is_of_all_it_says(build, loihi, shrunk):
    network = build([("x", 3, False)])
    placed = place(network, loihi)
    with pytest.raises(ValueError, match="read-only"):
        placed.core_of[0] = 1
    assert placed.hash == place(network, loihi).hash
    assert placed.hash != Placement.of(network, [0, 0, 1], loihi).hash
    assert placed.hash != place(network, shrunk(neurons_per_core=1000)).hash


def test_a_network_of_sources_alone_needs_no_core(build, loihi):
    placed = place(build([("in", 3, True)]), loihi)
    assert (placed.n_cores, placed.n_chips, len(placed.utilization())) == (0, 0, 0)
