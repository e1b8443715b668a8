"""NIR graphs as circuits: what they compute, step by step, against plain numpy; there and back; what is refused."""

from itertools import pairwise

import h5py
import numpy as np
import pytest

import eventsim
from circuits import Circuit, Gate, IntegrateFire, from_nir, to_nir
from circuits.step_neurons import StepLIF
from eventsim.errors import CircuitError, ConfigError, TraceFormatError
from eventsim.reference import reference_run

nir = pytest.importorskip("nir")

RNG = np.random.default_rng(4)
STEPS = 30


def numbers(n, **values):
    return {name: np.full(n, float(value)) for name, value in values.items()}


def lif(n, **changed):
    return nir.LIF(**numbers(n, **{"tau": 5, "r": 5, "v_leak": 0, "v_threshold": 1, "v_reset": 0} | changed))


def spikes_in(*shape, chance=0.4):
    return (RNG.random((STEPS, *shape)) < chance).astype(int)


def run(graph, spikes, what=None, **options):
    """(circuit, what an Output or cell put out in each step) of one query."""
    circuit = from_nir(graph, **{"step": 1.0} | options)
    network, stimulus = eventsim.compile_network(circuit.network()), circuit.stimulus(spikes)
    if circuit.record is None:  # spikes only: the reference, which needs no kernel compiled
        trace = fired(network, stimulus)
    else:
        trace = eventsim.simulate(network, stimulus, record=circuit.record)
    return circuit, circuit.decode(trace, what)[0]


def fired(network, stimulus):
    """A trace of the spikes of the reference simulator."""
    tick, neuron = zip(*reference_run(network, stimulus).spikes)
    return eventsim.Trace.from_arrays(network, neuron, tick=tick, stimulus=stimulus)


def recurrent(weight, bias, back, out):
    """Input -> Affine -> LIF, itself wired through `back`, -> Linear -> LI -> Output."""
    n, m = len(weight), len(out)
    nodes = {
        "input": nir.Input({"input": np.array([weight.shape[1]])}), "fc": nir.Affine(weight, bias),
        "lif": lif(n, v_leak=0.1, v_reset=-0.2), "back": nir.Linear(back), "fc2": nir.Linear(out),
        "li": nir.LI(**numbers(m, tau=8, r=8, v_leak=0.05)), "output": nir.Output({"output": np.array([m])}),
    }  # fmt: skip
    names = ["input", "fc", "lif", "fc2", "li", "output"]
    return nir.NIRGraph(nodes, [*pairwise(names), ("lif", "back"), ("back", "lif")])


@pytest.fixture(scope="module")
def parts():
    return RNG.normal(0, 1, (5, 4)), RNG.normal(0, 0.2, 5), RNG.normal(0, 0.6, (5, 5)), RNG.normal(0, 1, (3, 5))


@pytest.mark.parametrize("integration", ["euler", "exact"])
def test_a_recurrent_layer_with_bias_and_leak_and_a_readout_is_what_its_equations_say(parts, integration):
    weight, bias, back, out = parts
    x = spikes_in(4)
    circuit, potential = run(recurrent(*parts), x, integration=integration)
    _, spikes = run(recurrent(*parts), x, "lif", integration=integration)
    gain, gain_out = (1 / 5, 1 / 8) if integration == "euler" else (1 - np.exp(-1 / 5), 1 - np.exp(-1 / 8))
    v, fired, u = np.zeros(5), np.zeros(5), np.zeros(3)
    for step in range(STEPS):
        v += gain * (0.1 - v + 5 * (weight @ x[step] + bias + back @ fired))
        fired = (v > 1).astype(float)
        v[fired > 0] = -0.2
        u += gain_out * (0.05 - u + 8 * (out @ fired))
        assert spikes[step].tolist() == fired.tolist()
        assert potential[step] == pytest.approx(u, abs=1e-12)
    assert spikes.sum() > 20 and circuit.depth == {"input": 0, "lif": 1, "li": 2} and circuit.period == 1


def test_a_current_comes_between_input_and_potential():
    cuba = nir.CubaLIF(**numbers(2, tau_syn=4, tau_mem=10, r=10, v_leak=0, v_threshold=1, w_in=3))
    x = spikes_in(2)
    _, spikes = run(nir.NIRGraph.from_list(nir.Linear(np.eye(2)), cuba), x)
    i, v = np.zeros(2), np.zeros(2)
    for step in range(STEPS):
        i += (3 * x[step] - i) / 4
        v += (10 * i - v) / 10
        assert spikes[step].tolist() == (v > 1).tolist()
        v[v > 1] = 0
    assert spikes.sum() > 3


def test_the_threshold_is_strict():
    # Two unit inputs of weight 1/2 reach exactly 1; the third passes it, and with it the count starts again.
    neuron = nir.IF(**numbers(1, r=1, v_threshold=1))
    _, spikes = run(nir.NIRGraph.from_list(nir.Scale(np.array([0.5])), neuron), np.ones((STEPS, 1), int))
    assert np.flatnonzero(spikes[:, 0]).tolist() == list(range(2, STEPS, 3))


def test_a_delay_delays_and_a_skip_connection_meets_its_own_step():
    threshold = {"a": nir.Threshold(np.full(1, 0.5)), "b": nir.Threshold(np.full(1, 1.5))}
    ends = {"input": nir.Input({"input": np.array([1])}), "output": nir.Output({"output": np.array([1])})}
    nodes = ends | threshold
    x = spikes_in(1, chance=0.5)
    _, at_once = run(nir.NIRGraph(nodes, [("input", "a"), ("a", "b"), ("input", "b"), ("b", "output")]), x)
    assert at_once[:, 0].tolist() == x[:, 0].tolist()  # the sum of a spike with itself, two layers on
    edges = [("input", "a"), ("a", "wait"), ("wait", "b"), ("input", "b"), ("b", "output")]
    _, late = run(nir.NIRGraph(nodes | {"wait": nir.Delay(np.array([3.0]))}, edges), x)
    assert late[3:, 0].tolist() == (x[3:, 0] & x[:-3, 0]).tolist() and late[:3].sum() == 0


def test_a_loop_through_two_cells_takes_one_step_and_the_circuit_two_ticks():
    nodes = {"input": nir.Input({"input": np.array([1])}), "a": nir.Threshold(np.full(1, 0.5)),
             "b": nir.Threshold(np.full(1, 0.5)), "output": nir.Output({"output": np.array([1])})}  # fmt: skip
    graph = nir.NIRGraph(nodes, [("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")])
    x = np.zeros((STEPS, 1), int)
    x[4] = 1
    circuit, spikes = run(graph, x)
    assert circuit.period == 2 and np.flatnonzero(spikes[:, 0]).tolist() == list(range(4, STEPS))


def convolved(x, weight, stride, padding, dilation, groups):
    """A convolution of (channels, rows, columns) in plain loops."""
    x = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    o, c, h, w = weight.shape
    out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[1:], (h, w), stride, dilation)]
    y = np.zeros((o, *out))
    for channel, row, column in np.ndindex(*y.shape):
        first = channel // (o // groups) * c
        rows = row * stride[0] + dilation[0] * np.arange(h)
        columns = column * stride[1] + dilation[1] * np.arange(w)
        y[channel, row, column] = (weight[channel] * x[first : first + c][:, rows][:, :, columns]).sum()
    return y


def test_convolutions_and_pools_are_those_of_their_definition():
    weight, bias = RNG.normal(0, 1, (4, 1, 3, 2)), RNG.normal(0, 1, 4)
    conv = nir.Conv2d(None, weight, (2, 1), (1, 0), (1, 2), 2, bias)
    pools = [kind(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])) for kind in (nir.SumPool2d, nir.AvgPool2d)]
    x = spikes_in(2, 7, 6)
    wants = [convolved(step, weight, (2, 1), (1, 0), (1, 2), 2) + bias[:, None, None] for step in x]
    for pool, divisor in zip(pools, (1, 4)):
        nodes = {"input": nir.Input({"input": np.array([2, 7, 6])}), "conv": conv, "pool": pool,
                 "flat": nir.Flatten({"input": np.array([4, 2, 2])}, 0, -1),
                 "output": nir.Output({"output": np.array([16])})}  # fmt: skip
        graph = nir.NIRGraph(nodes, [*pairwise(nodes)], type_check=False)
        _, got = run(graph, x)
        for step, want in zip(got, wants):
            pooled = want[:, :4, :4].reshape(4, 2, 2, 2, 2).sum(axis=(2, 4)) / divisor
            assert step == pytest.approx(pooled.ravel(), abs=1e-12)


def test_one_dimension_and_same_padding():
    conv = nir.Conv1d(None, np.array([[[1.0, 2.0, 4.0]]]), 1, "same", 1, 1, np.zeros(1))
    nodes = {"input": nir.Input({"input": np.array([1, 5])}), "conv": conv,
             "output": nir.Output({"output": np.array([1, 5])})}  # fmt: skip
    graph = nir.NIRGraph(nodes, [("input", "conv"), ("conv", "output")], type_check=False)
    _, got = run(graph, np.ones((STEPS, 1, 5), int))
    assert got[0].tolist() == [[6, 7, 7, 7, 3]]


def test_graphs_within_graphs_are_laid_flat(parts):
    inner = nir.NIRGraph({"i": nir.Input({"input": np.array([5])}), "lif": lif(5), "back": nir.Linear(parts[2]),
                          "o": nir.Output({"output": np.array([5])})},
                         [("i", "lif"), ("lif", "back"), ("back", "lif"), ("lif", "o")])  # fmt: skip
    outer = nir.NIRGraph({"input": nir.Input({"input": np.array([4])}), "fc": nir.Linear(parts[0]), "layer": inner,
                          "output": nir.Output({"output": np.array([5])})},
                         [("input", "fc"), ("fc", "layer"), ("layer", "output")])  # fmt: skip
    circuit, _ = run(outer, spikes_in(4))
    assert list(circuit.cells) == ["input", "layer/lif"] and circuit.n_synapses == 20 + 25


def test_a_graph_survives_a_file_and_the_way_there_and_back(parts, tmp_path):
    nir.write(tmp_path / "graph.nir", recurrent(*parts))
    x = spikes_in(4)
    circuit, potential = run(tmp_path / "graph.nir", x)
    nir.write(tmp_path / "back.nir", to_nir(circuit))
    again, the_same = run(tmp_path / "back.nir", x)
    assert the_same == pytest.approx(potential, abs=1e-12) and again.n_synapses == circuit.n_synapses
    assert {type(node).__name__ for node in nir.read(tmp_path / "back.nir").nodes.values()} == {
        "Input", "LIF", "LI", "Linear", "Output"}  # fmt: skip


def test_a_circuit_of_stepping_neurons_and_gates_is_exported_spike_for_spike():
    circuit = Circuit("steps")
    source, cells = circuit.inputs("source", 4), circuit.neurons("cells", 6, StepLIF(tau=2.0, v_th=1.0))
    both = circuit.neurons("both", 3, Gate(v_th=1.5))
    circuit.connect(source, cells, RNG.choice([0.5, 1.0, 2.0], (4, 6)))  # thresholds are met exactly
    circuit.connect(cells, cells, RNG.choice([-0.5, 0.25], (6, 6)), delay_ms=1)
    circuit.connect(cells[:3], both, np.eye(3))
    circuit.connect(cells[3:], both, np.eye(3))
    x = spikes_in(4)
    stimulus = eventsim.Stimulus.of(*np.nonzero(x), duration_ticks=STEPS)
    stimulus = eventsim.Stimulus.of(stimulus.tick, circuit.neuron_ids(source)[stimulus.neuron], duration_ticks=STEPS)
    trace = fired(eventsim.compile_network(circuit.network()), stimulus)
    spikes = trace.spikes(neurons=circuit.neuron_ids(both))
    _, theirs = run(to_nir(circuit), x)
    ours = np.zeros_like(theirs)
    kept = spikes.tick >= 2  # ticks through two layers
    ours[spikes.tick[kept] - 2, spikes.neuron[kept] - circuit.neuron_ids(both)[0]] = 1
    assert (ours[: STEPS - 2] == theirs[: STEPS - 2]).all() and ours.sum() > 3


def test_what_nir_has_not_is_named():
    circuit = Circuit("counts")
    source, counts = circuit.inputs("source", 2), circuit.neurons("counts", 2, IntegrateFire())
    circuit.one_to_one(source, counts)
    with pytest.raises(CircuitError, match=r"'counts' \(integrate\) is no neuron of NIR"):
        to_nir(circuit)
    circuit = Circuit("wiped")
    source, cells = circuit.inputs("source", 2), circuit.neurons("cells", 2, StepLIF())
    circuit.reset(source, cells)
    with pytest.raises(CircuitError, match="reset synapses"):
        to_nir(circuit)


def chain(*nodes, n=2):
    named = {"input": nir.Input({"input": np.array([n])})} | {f"n{k}": node for k, node in enumerate(nodes)}
    return nir.NIRGraph(named, [*pairwise(named)], type_check=False)


class Sigmoid(nir.Scale):
    pass


MISTAKES = {
    "a node without a circuit": (chain(Sigmoid(np.ones(2))), {}, "node 'n0' is a Sigmoid, which has no circuit"),
    "a potential as input": (chain(nir.I(np.ones(2)), lif(2)), {}, r"'n0' \(I\) sends a potential to 'n1'"),
    "shapes that do not fit": (chain(nir.Linear(np.ones((3, 4))), lif(3)), {}, "meets 2 values"),
    "neurons that do not fit": (chain(lif(3)), {}, r"\(2,\) arrives at 'n0'"),
    "a loop without a neuron": (nir.NIRGraph({"input": nir.Input({"input": np.array([1])}), "a": nir.Scale(np.ones(1)),
                                              "b": lif(1)}, [("input", "a"), ("a", "a"), ("a", "b")], type_check=False),
                                {}, "the loop through 'a' has no neuron"),
    "an edge from nowhere": (nir.NIRGraph({"input": nir.Input({"input": np.array([1])})}, [("x", "input")],
                                          type_check=False), {}, "'x' -> 'input' names a node that is not there"),
    "a delay between steps": (chain(nir.Delay(np.full(2, 0.5)), lif(2)), {}, "no whole number of steps of 1"),
    "a delay beyond reach": (chain(nir.Delay(np.full(2, 1e300)), lif(2)), {}, "Delay of 1e.300 is longer than"),
    "delays beyond reach": (chain(nir.Delay(np.full(2, 2e9)), nir.Delay(np.full(2, 2e9)), lif(2)), {},
                            "a delay is out of range"),
    "a tau below a step": (chain(lif(2, tau=0.5)), {}, "tau is 0.5; it must be at least one step"),
    "a threshold below 0": (chain(lif(2, v_threshold=-1, v_reset=-2)), {}, "a threshold is below 0"),
    "a number that is none": (chain(lif(2, r=np.nan)), {}, "node 'n0': r must be finite"),
    "no step": (chain(lif(2)), {"step": 0.0}, "step is 0.0"),
    "another integration": (chain(lif(2)), {"integration": "rk4"}, "choose 'euler' or 'exact'"),
    "no graph": (3, {}, "a int is neither a nir.NIRGraph nor the path"),
}  # fmt: skip


@pytest.mark.parametrize("graph, options, message", MISTAKES.values(), ids=MISTAKES)
def test_a_graph_without_a_circuit_is_refused(graph, options, message):
    with pytest.raises(CircuitError, match=message):
        from_nir(graph, **{"step": 1.0} | options)


def test_files_that_are_no_graph_or_do_harm_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        from_nir(tmp_path / "none.nir", step=1.0)
    (tmp_path / "text.nir").write_text("NIR")
    with pytest.raises(TraceFormatError, match="not an HDF5 file"):
        from_nir(tmp_path / "text.nir", step=1.0)
    for name, spoil, message in (
        ("empty", lambda file: file.pop("node"), "no group /node"),
        ("linked", lambda file: file["node"].update({"x": h5py.ExternalLink("other.h5", "/")}), "an external link"),
        ("strange", lambda file: file["node/nodes/lif"].update({"type": "os.system"}),
         "type 'os.system', which NIR has not"),
        ("long", lambda file: file["node"].create_dataset("x", data=["a" * (1 << 20)] * 2, dtype=h5py.string_dtype()),
         "text of 1 dimensions"),
        ("repeated", lambda file: file["node"].create_dataset("x", data=[["a" * (1 << 22), "b"]],
                                                              dtype=h5py.string_dtype()), "characters of names"),
    ):  # fmt: skip
        path = tmp_path / f"{name}.nir"
        nir.write(path, nir.NIRGraph.from_list(nir.Linear(np.eye(2)), lif(2)))
        with h5py.File(path, "r+") as file:
            if name == "strange":
                del file["node/nodes/lif/type"]
            spoil(file)
        with pytest.raises(TraceFormatError, match=message):
            from_nir(path, step=1.0)


@pytest.mark.optional
def test_snntorch_fires_the_same_spikes():
    torch, snntorch = pytest.importorskip("torch"), pytest.importorskip("snntorch.import_nir")
    step = 1e-4  # the step that snnTorch assumes
    first, second = (np.round(RNG.normal(0, 1, shape) * 64) / 64 for shape in ((8, 4), (3, 8)))
    layers = [lif(n, tau=5 * step, r=5) for n in (8, 3)]
    graph = nir.NIRGraph.from_list(nir.Affine(first, np.full(8, 1 / 32)), layers[0], nir.Linear(second), layers[1])
    x = spikes_in(4)
    net, state, theirs = snntorch.import_from_nir(graph), None, []
    for step_of_x in x:
        out, state = net(torch.tensor(step_of_x[None], dtype=torch.float32), state)
        theirs.append(out[0].detach().numpy())
    _, ours = run(graph, x, step=step)
    assert ours.tolist() == np.array(theirs).tolist() and ours.sum() > 5
