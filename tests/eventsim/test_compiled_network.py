"""CompiledNetwork: stored and read again it is the same network, and a damaged one is refused."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import ConfigError, EventSimError, TraceFormatError
from tests.support.brian2_runs import by_eventsim
from tests.support.random_networks import draw_network

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def compiled():
    cells = NeuronGroup(
        5, "dv/dt = -v/tau : 1\ntau : second (constant)\nkey_lo : integer (constant)", name="cells", dt=1 * ms,
        threshold="v >= 0.75 and keyed_uniform(key_lo, 3, t_in_timesteps, 0, 7) < 0.8", reset="v = 0", method="exact",
        namespace={"keyed_uniform": eventsim.keyed_uniform},
    )  # fmt: skip
    cells.tau, cells.v, cells.key_lo = [5, 7, 9, 11, 13] * ms, [0, 0.9, 1.5, 0.2, 0.8], [9, -3, 4, 2, 1]
    drive = SpikeGeneratorGroup(3, [0, 1, 2, 0, 1] * 6, np.arange(30) * ms, name="drive", dt=1 * ms)
    wires = Synapses(drive, cells, "w : 1", on_pre="v_post += w", dt=1 * ms)
    wires.connect()
    wires.w = np.linspace(-0.2, 0.9, 15)
    wires.pre.delay = np.arange(15) % 4 * ms
    inner = Synapses(cells, cells, "w : 1", on_pre="v_post += w", dt=1 * ms)
    inner.connect(condition="i != j")
    inner.w = 0.125
    return eventsim.compile_network(Network(cells, drive, wires, inner), namespace={})


def test_a_stored_network_has_the_same_hash_and_gives_the_same_spikes_and_states(compiled):
    back = CompiledNetwork.from_arrays(compiled.to_arrays(), compiled.stimulus)
    assert back.hash == compiled.hash
    ours, again = by_eventsim(compiled, 60), by_eventsim(back, 60)
    assert len(ours.spikes) > 50 and ours.spikes == again.spikes
    assert all(ours.state[place].tobytes() == again.state[place].tobytes() for place in ours.state)


def test_everything_stored_is_numeric_and_one_dimensional(compiled):
    for name, values in compiled.to_arrays().items():
        assert np.asarray(values).ndim == 1 and np.asarray(values).dtype.kind in "iuf", name


_IN_A_FRESH_PROCESS = """
import json, sys
import numpy as np
import eventsim
from eventsim.stimulus import Stimulus
arrays = dict(np.load(sys.argv[1]))
stimulus = Stimulus.from_arrays({k[9:]: v for k, v in arrays.items() if k.startswith("stimulus/")})
network = eventsim.CompiledNetwork.from_arrays({k[8:]: v for k, v in arrays.items() if k.startswith("network/")})
spikes = eventsim.simulate(network, stimulus).spikes()
kernels = [module for name, module in sys.modules.items() if name.startswith("grid_")]
hits = sum(sum(module.run.stats.cache_hits.values()) for module in kernels)
made = [spikes.tick.tolist(), spikes.neuron.tolist(), network.hash, "brian2" in sys.modules, len(kernels), hits]
print(json.dumps(made))
"""


def _run_fresh(compiled, folder, cache):
    arrays = {f"network/{name}": values for name, values in compiled.to_arrays().items()}
    arrays |= {f"stimulus/{name}": values for name, values in compiled.stimulus.to_arrays().items()}
    np.savez(folder / "network.npz", **arrays)
    environment = {"EVENTSIM_CACHE": str(cache), "PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder)}
    command = [sys.executable, "-c", _IN_A_FRESH_PROCESS, str(folder / "network.npz")]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_fresh_process_without_brian2_gives_the_same_spikes_and_the_next_one_reuses_its_kernel(compiled, tmp_path):
    here = by_eventsim(compiled, compiled.stimulus.duration_ticks)
    cache = tmp_path / "kernels"
    first = _run_fresh(compiled, tmp_path, cache)
    assert list(zip(first[0], first[1])) == here.spikes
    assert first[2] == compiled.hash
    assert first[3] is False
    assert first[4:] == [1, 0]
    assert len(list(cache.glob("grid_*.py"))) == 1
    second = _run_fresh(compiled, tmp_path, cache)
    assert second[:4] == first[:4]
    assert second[4:] == [1, 1]


def test_a_cache_folder_that_cannot_be_written_costs_time_and_nothing_else(compiled, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    spikes = _run_fresh(compiled, tmp_path, in_the_way)
    assert list(zip(spikes[0], spikes[1])) == by_eventsim(compiled, compiled.stimulus.duration_ticks).spikes
    assert in_the_way.read_text() == "not a folder"


def test_a_foreign_file_in_the_place_of_a_kernel_is_not_run(compiled, tmp_path):
    first = _run_fresh(compiled, tmp_path, tmp_path / "kernels")
    (kernel,) = (tmp_path / "kernels").glob("grid_*.py")
    kernel.write_text("raise SystemExit('this must not run')\n")
    assert _run_fresh(compiled, tmp_path, tmp_path / "kernels")[:4] == first[:4]


def test_the_kernel_depends_on_the_model_and_not_on_sizes_names_or_weights(compiled):
    from eventsim.grid.kernel import kernel_source

    def made(n, name, weight):
        cells = NeuronGroup(n, "v : 1", threshold="v >= 1", reset="v -= 1", name=name)
        wires = Synapses(cells, cells, on_pre=f"v_post += {weight}", name=f"{name}_wires")
        wires.connect()
        return kernel_source(eventsim.compile_network(Network(cells, wires), namespace={}))[0]

    assert made(3, "a", 0.5) == made(7, "b", 0.25) != kernel_source(compiled)[0]


# -- a network that is wrong is refused


def _without(arrays, name):
    return {key: value for key, value in arrays.items() if key != name}


def test_each_missing_array_is_named(compiled):
    arrays = compiled.to_arrays()
    for name in arrays:
        with pytest.raises(TraceFormatError, match=name.rsplit("/", 1)[-1]):
            CompiledNetwork.from_arrays(_without(arrays, name))


def _edited(compiled, name, edit):
    arrays = {key: np.array(value) for key, value in compiled.to_arrays().items()}
    edited = edit(arrays[name])
    arrays[name] = arrays[name] if edited is None else edited
    return arrays


def _put(index, value):
    def edit(array):
        array[index] = value

    return edit


@pytest.mark.parametrize(
    "name, edit, message",
    [
        ("synapses/post", _put(0, 99), "outside 'cells'"),
        ("synapses/post", _put(0, -1), "outside 'cells'"),
        ("synapses/post", _put(0, 6), "outside 'cells'"),
        ("synapses/post", lambda post: post[:-1], "entries"),
        ("synapses/weight", _put(3, np.nan), "synapse 3 has weight nan"),
        ("synapses/weight", lambda weight: weight.astype(np.float32), "dtype"),
        ("pathways/0/rows", _put(1, 10**6), "inconsistent synapse table"),
        ("pathways/0/rows", lambda rows: rows[:-1], "inconsistent synapse table"),
        ("pathways/1/delays", _put(0, 99), "inconsistent synapse table"),
        ("pathways/1/delays", _put(0, -1), "inconsistent synapse table"),
        ("populations/0/state/v", _put(1, np.inf), "not finite"),
        ("populations/0/state/v", lambda v: v[:-1], "values for 5 neurons"),
        ("populations/0/parameters/tau", _put(1, np.nan), "not finite"),
        ("neurons/path_id", _put(0, 4), "path_id"),
        ("neurons/key_lo", lambda key: key[:-1], "entries"),
        ("description", _put(0, 0), "not valid JSON"),
    ],
)
def test_a_damaged_array_is_refused(compiled, name, edit, message):
    with pytest.raises(TraceFormatError, match=message):
        CompiledNetwork.from_arrays(_edited(compiled, name, edit))


def _paths(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _paths(value[key], (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))


_JUNK = [None, True, -1, 0, 1, 7, 0.5, 1e300, 2**70, "", "x", "import os", "v.real", [], {}, [[]], ["x"]]


@pytest.mark.parametrize("structure", ["keyed", "leaky", "alpha_current", "refractory"])
def test_a_description_with_one_wrong_value_is_refused_or_has_a_kernel(compiled, structure):
    network = compiled
    if structure != "keyed":
        network = eventsim.compile_network(draw_network(structure, 6, 20, 1), namespace={})
    arrays = network.to_arrays()
    whole = arrays["description"].tobytes()
    paths = list(_paths(json.loads(whole)))[1:]
    kinds = Counter(_outcome(arrays, whole, path, junk) for path in paths for junk in _JUNK)
    assert kinds["refused"] > kinds["kernel"] > 50


def _outcome(arrays, whole, path, junk):
    """What becomes of a network whose description has `junk` in one place."""
    description = parent = json.loads(whole)
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = junk
    damaged = arrays | {"description": np.frombuffer(json.dumps(description).encode(), dtype=np.uint8)}
    try:
        eventsim.grid.kernel.kernel_source(CompiledNetwork.from_arrays(damaged))
    except EventSimError:
        return "refused"
    return "kernel"


@pytest.mark.parametrize("kind", ["update", "threshold", "reset"])
@pytest.mark.parametrize("expression", ["", "v >", "v; v"])
def test_a_statement_that_is_no_expression_is_refused(compiled, kind, expression):
    arrays = dict(compiled.to_arrays())
    description = json.loads(arrays["description"].tobytes())
    operation = next(o for o in description["schedule"] if o["kind"] == kind)
    operation["each"][-1][2] = expression  # after variable and operator
    arrays["description"] = np.frombuffer(json.dumps(description).encode(), dtype=np.uint8)
    with pytest.raises(EventSimError, match="is not an expression"):
        eventsim.grid.kernel.kernel_source(CompiledNetwork.from_arrays(arrays))


def test_a_threshold_without_a_condition_is_refused(compiled):
    arrays = dict(compiled.to_arrays())
    description = json.loads(arrays["description"].tobytes())
    next(o for o in description["schedule"] if o["kind"] == "threshold")["each"] = []
    arrays["description"] = np.frombuffer(json.dumps(description).encode(), dtype=np.uint8)
    with pytest.raises(EventSimError, match="no condition"):
        eventsim.grid.kernel.kernel_source(CompiledNetwork.from_arrays(arrays))


def test_a_pathway_that_is_delivered_twice_is_refused(compiled):
    deliver = next(operation for operation in compiled.schedule if operation.kind == "deliver")
    twice = replace(compiled, schedule=(*compiled.schedule, deliver))
    with pytest.raises(ConfigError, match=f"delivers by pathway {deliver.index} more than once"):
        eventsim.simulate(twice, duration_ms=1)


def test_tables_have_one_row_per_neuron_and_synapse(compiled):
    neurons, synapses = compiled.neuron_table(), compiled.synapse_table()
    assert neurons["population"].tolist() == ["cells"] * 5 + ["drive"] * 3
    assert neurons["key_lo"].tolist() == [9, -3, 4, 2, 1, 0, 1, 2]
    assert neurons["is_source"].tolist() == [False] * 5 + [True] * 3
    assert len(synapses) == compiled.n_synapses == 35
    outer = synapses[synapses["pre"] >= 5]
    expected = {(5 + k // 5, k % 5, np.linspace(-0.2, 0.9, 15)[k], k % 4) for k in range(15)}
    assert set(outer[["pre", "post", "weight", "delay_ticks"]].itertuples(index=False, name=None)) == expected
    assert "35 synapses" in repr(compiled)
    assert brian2.defaultclock.dt == 0.1 * ms
