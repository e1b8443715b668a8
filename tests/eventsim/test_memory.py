"""Memory is told before it is taken, and refused where there is not so much."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms

import eventsim
from eventsim import from_tables, memory
from eventsim.buffers import BufferSizes
from eventsim.errors import CapacityError
from eventsim.grid import aside
from eventsim.grid.allocate import allocate
from eventsim.grid.memory import grid_memory
from eventsim.grid.plan import plan_for
from eventsim.stimulus import Stimulus

BUFFERS = BufferSizes(spikes=1000, rows=1000, samples=10, deliveries=0)


def random_network(n=20_000, m=200_000, longest=20):
    rng = np.random.default_rng(0)
    synapses = {"pre": rng.integers(0, n, m), "post": rng.integers(0, n, m), "weight": rng.random(m),
                "delay_ms": rng.integers(1, longest + 1, m)}  # fmt: skip
    return from_tables.network({"tau_ms": 20.0, "drive": rng.random(n)}, synapses, model="lif")


@pytest.mark.parametrize("n_parts, n_cores, from_pairs", [(1, 1, 1e9), (2, 1, 1e9), (1, 500, 1e9), (1, 500, 0)])
def test_what_is_told_is_what_is_taken_at_the_peak_and_not_much_more(n_parts, n_cores, from_pairs, monkeypatch):
    """Where a thread beside the kernel counts, too."""
    monkeypatch.setattr(aside, "FROM_PAIRS", from_pairs)
    network = random_network()
    core_of = (np.arange(network.n_neurons) % n_cores).astype(np.int32)
    assert network.pre.size  # made once and kept with the network, not taken by the run
    told = sum(grid_memory(network, core_of, n_parts, BUFFERS).values())
    allocated = partial(allocate, network, Stimulus.silent(10), core_of, np.zeros(3))
    allocated(plan_for(network), n_parts, BUFFERS)  # what is compiled for it stays
    tracemalloc.start()
    arrays = allocated(plan_for(network), n_parts, BUFFERS)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert arrays.target.size == network.n_synapses
    assert taken <= told <= 1.6 * taken


@pytest.mark.parametrize("n, n_cores, more, size", [(400_000, 1500, 40, 4), (400_000, 100_000, 40_000, 8)])
def test_lists_of_large_numbers_are_among_what_is_told(n, n_cores, more, size):
    """Each neuron reaches one core by one synapse and another by two; one of them has many more onto a core, so that
    numbers of all lists are of four bytes, or eight."""
    neurons = np.arange(n)
    pre = np.append(np.repeat(neurons, 3), np.zeros(more, dtype=int))
    post = np.append(np.column_stack([(neurons + 7) % n, (neurons + 20) % n, (neurons + 20) % n]), np.zeros(more, int))
    synapses = {"pre": pre, "post": post, "weight": np.random.default_rng(0).random(pre.size),
                "delay_ms": np.ones(pre.size)}  # fmt: skip
    network = from_tables.network({"tau_ms": 20.0, "drive": np.zeros(n)}, synapses, model="lif")
    core_of = (neurons % n_cores).astype(np.int32)
    told = sum(grid_memory(network, core_of, 1, BUFFERS).values())
    tracemalloc.start()
    arrays = allocate(network, Stimulus.silent(10), core_of, np.zeros(3), plan_for(network), 1, BUFFERS)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert arrays.lists.itemsize == size
    assert taken <= told <= 1.6 * taken


def test_a_run_that_needs_too_much_is_refused_with_the_bytes_and_what_they_are_for():
    network = from_tables.network({"model": ["lif"], "tau_ms": 5.0}, {"pre": 0, "post": 0, "weight": [1.0],
                                                                      "delay_ms": 2**19})  # fmt: skip
    with pytest.raises(CapacityError, match="spikes in flight for up to 524303 ticks 6,291,648") as refused:
        eventsim.simulate(network, duration_ms=1, max_bytes=2_000_000)
    assert refused.value.allowed == 2_000_000 and refused.value.demand > 6_291_648
    assert "max_bytes" in str(refused.value) and "\n" not in str(refused.value)


def test_many_cores_take_memory_in_proportion_and_not_as_its_square():
    network = from_tables.network({"model": ["lif"] * 16_384, "tau_ms": 5.0}, {"pre": 0, "post": 0, "weight": [1.0],
                                                                               "delay_ms": 1})  # fmt: skip
    told = [grid_memory(network, np.arange(16_384) % n, 1, BUFFERS) for n in (8192, 16_384)]
    assert sum(told[1].values()) < 2 * sum(told[0].values()) < 2**26


def test_tables_that_need_too_much_are_refused_before_they_are_sorted():
    wires = {"pre": np.zeros(1000, int), "post": np.zeros(1000, int), "weight": 1.0, "delay_ms": np.arange(1000)}
    with pytest.raises(CapacityError, match="1,000 synapses 76,000"):
        from_tables.network({"tau_ms": [5.0]}, wires, model="lif", max_bytes=75_999)
    with pytest.raises(CapacityError, match="rows for 1000 delays of each sender 160,000,000; use fewer"):
        from_tables.network({"tau_ms": np.full(10_000, 5.0)}, wires, model="lif", max_bytes=10**8)


def test_a_brian2_network_with_too_many_rows_is_refused():
    cells = NeuronGroup(3000, "v : 1", threshold="v > 1", name="cells")
    wires = Synapses(cells, cells, on_pre="v_post += 1", name="wires")
    wires.connect(i=np.zeros(500, int), j=np.arange(500))
    wires.pre.delay = np.arange(500) * 0.1 * ms
    network = Network(cells, wires)
    with pytest.raises(CapacityError, match="its rows, 500 for each sender 24,000,000"):
        eventsim.compile_network(network, namespace={}, max_bytes=10**7)
    assert eventsim.compile_network(network, namespace={}, max_bytes=10**8).n_synapses == 500


def test_the_machine_s_own_limit_counts_where_no_other_is_given(monkeypatch):
    assert memory.available_bytes() > 10**6
    monkeypatch.setattr(memory, "available_bytes", lambda: 999)
    with pytest.raises(CapacityError, match="this machine's available memory: 1000 asked, 999 allowed"):
        memory.require_memory({"everything": 1000})
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    memory.require_memory({"everything": 10**30})


def test_a_container_s_limit_counts_as_well(monkeypatch, tmp_path):
    for name, text in (("_LIMIT", "5000\n"), ("_USED", "1000\n"), ("_MEMINFO", "MemAvailable:   7 kB\n")):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(memory, name, tmp_path / name)
    assert memory.available_bytes() == 4000
    (tmp_path / "_LIMIT").write_text("max\n")
    assert memory.available_bytes() == 7 * 1024
