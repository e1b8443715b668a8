"""Any number of parts and threads gives the same bits: spikes, counts, sums, state."""

import numba
import numpy as np
import pytest

import eventsim
from eventsim import grid_arrays
from eventsim.errors import ConfigError
from eventsim.grid_kernel import kernel_for
from runs.benchmarks.networks import coincidence, cuba, delta_lif

#: As many threads as two cores give.
MANY = min(2, numba.config.NUMBA_NUM_THREADS)

NETWORKS = {
    "currents, no delay": lambda: cuba(400),
    "a delay": lambda: delta_lif(300, 60),
    "three populations in a row": lambda: coincidence(6, 5, rate_hz=400, duration_ms=50),
}


@pytest.fixture(scope="module", params=NETWORKS)
def compiled(request):
    return eventsim.compile_network(NETWORKS[request.param]())


def run(compiled, n_parts, threads, ticks=400):
    core_of = np.where(compiled.is_source, -1, np.arange(compiled.n_neurons) % 5).astype(np.int32)
    kernel, constants = kernel_for(compiled, threads)
    arrays = grid_arrays.allocate(compiled, compiled.stimulus.lasting(ticks), core_of, constants, n_parts)
    assert kernel(0, ticks, arrays) == ticks
    spikes, rows = arrays.filled[:2]
    return [
        arrays.spike_tick[:spikes], arrays.spike_neuron[:spikes], arrays.row_tick[:rows], arrays.row_core[:rows],
        arrays.row_kind[:rows], arrays.row_count[:rows], arrays.state, arrays.received_count, arrays.received_weight,
        arrays.delivered.sum(axis=0), arrays.messages.sum(axis=0),
    ]  # fmt: skip


@pytest.mark.parametrize(("n_parts", "threads"), [(2, 1), (3, 1), (7, 1), (2, MANY)])
def test_parts_change_no_bit(compiled, n_parts, threads):
    one = run(compiled, 1, 1)
    assert one[0].size > 50
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, run(compiled, n_parts, threads), strict=True))


def test_each_synapse_belongs_to_the_part_of_its_receiver_and_to_no_other(compiled):
    core_of = np.where(compiled.is_source, -1, 0).astype(np.int32)
    arrays = grid_arrays.allocate(compiled, compiled.stimulus, core_of, np.empty(0), 3)
    assert sorted(zip(arrays.post, arrays.weight)) == sorted(zip(compiled.post, compiled.weight))
    assert (np.diff(arrays.bounds, axis=0) >= 0).all()
    assert (arrays.bounds[-1] == arrays.population_size).all()


def test_many_threads_write_the_same_trace(compiled):
    one, two = (eventsim.simulate(compiled, duration_ms=20, threads=threads) for threads in (1, MANY))
    assert [one.manifest[f"{name}_hash"] for name in ("spikes", "counts")] == [
        two.manifest[f"{name}_hash"] for name in ("spikes", "counts")
    ]


@pytest.mark.parametrize("threads", [0, 10_000])
def test_a_number_of_threads_that_cannot_be_had_is_refused(compiled, threads):
    with pytest.raises(ConfigError, match="threads is"):
        eventsim.simulate(compiled, duration_ms=1, threads=threads)
