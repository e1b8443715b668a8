"""Any number of parts and threads gives the same bits: spikes, counts, sums, state."""

from dataclasses import replace

import numba
import numpy as np
import pytest

import eventsim
from eventsim.collected import CountBlock
from eventsim.errors import ConfigError
from eventsim.grid.allocate import allocate
from eventsim.grid.kernel import kernel_for
from eventsim.grid.parts import bounds_of_parts, divide
from eventsim.grid.plan import plan_for
from eventsim.grid.storage import store
from eventsim.grid.totals import totals
from eventsim.trace.schema import MESSAGE_COLUMNS
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


def run(compiled, n_parts, storage=None, ticks=400):
    core_of = np.where(compiled.is_source, -1, np.arange(compiled.n_neurons) // 37 % 5).astype(np.int32)
    chosen = plan_for(compiled)
    chosen = chosen if storage is None else replace(chosen, storage=storage)
    kernel, constants = kernel_for(compiled, chosen)
    arrays = allocate(compiled, compiled.stimulus.lasting(ticks), core_of, constants, chosen, n_parts)
    assert kernel(0, ticks, arrays) == ticks
    spikes, rows = arrays.filled[:2]
    found = totals(compiled, chosen.storage, arrays, ticks)
    messages = found.pop("messages")
    return found | {name: messages[name] for name in MESSAGE_COLUMNS} | {
        "spike_tick": arrays.spike_tick[:spikes], "spike_neuron": arrays.spike_neuron[:spikes],
        "state": arrays.state,
        **CountBlock(arrays.row_of_counts[:rows], arrays.tally.shape[3]).columns(),
    }  # fmt: skip


def different(one, other):
    """Names of what differs in any bit."""
    return {name for name in one.keys() | other.keys() if one[name].tobytes() != other[name].tobytes()}


@pytest.mark.parametrize("n_parts", [2, 3, 7])
def test_parts_change_no_bit(compiled, n_parts):
    one = run(compiled, 1)
    assert one["spike_tick"].size > 50
    assert not different(one, run(compiled, n_parts))


@pytest.mark.parametrize("n_parts", [1, 3])
def test_weights_as_codes_change_no_bit_but_in_the_sums_of_weights(compiled, n_parts):
    storage = store(compiled, large=0)
    assert storage.is_large
    one, coded = run(compiled, 1), run(compiled, n_parts, storage)
    assert different(one, coded) <= {"received_weight"}
    np.testing.assert_allclose(one["received_weight"], coded["received_weight"], rtol=1e-12, atol=1e-15)


def test_each_synapse_belongs_to_the_part_of_its_receiver_and_to_no_other(compiled):
    bounds = bounds_of_parts(compiled, 3)
    parts = divide(compiled, bounds, store(compiled), keep_ids=True)
    found = []
    for part in range(3):
        for k, pathway in enumerate(compiled.pathways):
            first = parts["first_synapse"][part, k]
            rows = parts["rows"][parts["rows_at"][part, k] :][: pathway.rows.size]
            here = parts["synapse_of"][first : rows[-1]]
            receiver = parts["target"][first : rows[-1]] + compiled.populations[pathway.target].start
            assert (receiver + bounds[part, pathway.target] == compiled.post[here]).all()
            found += here.tolist()
    assert sorted(found) == list(range(compiled.n_synapses))
    assert (np.diff(bounds, axis=0) >= 0).all()
    assert bounds[-1].tolist() == [p.size for p in compiled.populations]


def test_many_threads_write_the_same_trace(compiled):
    one, two = (eventsim.simulate(compiled, duration_ms=20, threads=threads) for threads in (1, MANY))
    assert [one.manifest[f"{name}_hash"] for name in ("spikes", "counts")] == [
        two.manifest[f"{name}_hash"] for name in ("spikes", "counts")
    ]


@pytest.mark.parametrize("threads", [0, 10_000])
def test_a_number_of_threads_that_cannot_be_had_is_refused(compiled, threads):
    with pytest.raises(ConfigError, match="threads is"):
        eventsim.simulate(compiled, duration_ms=1, threads=threads)
