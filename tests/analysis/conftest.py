"""Small random networks with everything that makes counting hard, and runs of them."""

from types import SimpleNamespace

import numpy as np
import pytest

from circuits.circuit import Circuit
from circuits.neurons import LIF, Gate, IntegrateFire
from eventsim import Stimulus, compile_network, grid_kernel, simulate
from hardware_models import Placement, cost, count_events, load_chip

_TICKS, _QUERIES = 20, 3


def _random_table(rng, n_pre, n_post, n):
    """Synapses with repeated pairs, some of weight zero."""
    weight = rng.normal(0.5, 0.6, n)
    weight[rng.random(n) < 0.2] = 0.0
    return rng.integers(n_pre, size=n), rng.integers(n_post, size=n), weight


def _random_circuit(rng, reset):
    """Two sources, four kinds of neurons, delays 0 to 5, parallel and zero synapses, and a sink without synapses."""
    circuit = Circuit("random")
    inputs, begin = circuit.inputs("input", 4), circuit.inputs("begin", 1)
    leaky = circuit.neurons("leaky", 9, LIF(tau_ms=6.0, v_th=0.7))
    gate, whole = circuit.neurons("gate", 5, Gate()), circuit.neurons("whole", 6, IntegrateFire())
    sink = circuit.neurons("sink", 2, IntegrateFire())
    pairs = [(inputs, leaky), (inputs, gate), (inputs, sink), (leaky, gate), (leaky, whole), (leaky, sink),
             (whole, leaky), (gate, whole), (gate, gate)]  # fmt: skip
    for pre, post in pairs:
        n = 3 * max(pre.size, post.size)
        circuit.connect(pre, post, _random_table(rng, pre.size, post.size, n), delay_ms=rng.integers(6, size=n))
    if reset == "spikes":
        for neurons in (leaky, whole, sink):
            circuit.reset(begin, neurons)
    return circuit, inputs, begin


def _random_stimulus(rng, circuit, inputs, begin, reset):
    starts = _TICKS * np.arange(_QUERIES)
    tick, which = np.nonzero(rng.random((_TICKS * _QUERIES, inputs.size)) < 0.3)
    neuron = circuit.neuron_ids(inputs)[which]
    if reset == "spikes":
        tick, neuron = np.append(tick, starts), np.append(neuron, np.repeat(circuit.neuron_ids(begin), _QUERIES))
    return Stimulus.of(tick, neuron, np.column_stack([starts, starts + _TICKS]), reset=reset)


@pytest.fixture(scope="session")
def random_model():
    """A function (seed, reset) -> network, stimulus, placement on several cores."""

    def build(seed, reset="none"):
        rng = np.random.default_rng(seed)
        circuit, inputs, begin = _random_circuit(rng, reset)
        stimulus = _random_stimulus(rng, circuit, inputs, begin, reset)
        network = compile_network(circuit.network(stimulus))
        # Tiles hold four cores: cores 0 to 7 make messages that travel and messages that do not.
        core_of = np.where(network.is_source, -1, rng.integers(8, size=network.n_neurons))
        placement = Placement.of(network, core_of, load_chip("loihi"))
        return SimpleNamespace(network=network, stimulus=stimulus, placement=placement)

    return build


def _interpret(source, *changes):
    """The kernel of a source text, run by Python itself: no compilation, the same arithmetic."""
    interpreted = "njit, prange = lambda **options: lambda function: function, range"
    for old, new in [("from numba import njit, prange", interpreted), *changes]:
        assert old in source, f"the kernel has no {old!r}"
        source = source.replace(old, new)
    namespace = {"__name__": "interpreted"}
    exec(source, namespace)
    return namespace


@pytest.fixture(scope="session")
def run():
    """A function (model, *changes, trace=None) -> Trace: run it with the kernel's source text changed like that."""

    def run(model, *changes, trace=None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(grid_kernel, "load", lambda source, prefix: _interpret(source, *changes))
            return simulate(model.network, model.stimulus, trace=trace, core_of=model.placement.core_of)

    return run


@pytest.fixture(scope="session")
def price():
    """A function (trace, placement) -> CostReport."""
    return lambda trace, placement: cost(count_events(trace, placement), queries=_QUERIES, network=trace.network)


@pytest.fixture(scope="session")
def sound(random_model, run, price, tmp_path_factory):
    """A run in which everything that is broken below occurs, and its landmarks."""
    model = random_model(0, "host")
    trace = run(model, trace=tmp_path_factory.mktemp("sound") / "trace.h5")
    return SimpleNamespace(
        model=model, trace=trace, placement=model.placement, report=price(trace, model.placement),
        at=_landmarks(model.network, trace),
    )  # fmt: skip


def _landmarks(network, trace):
    """Places where a mutant bites: a synapse that delivers, a spike with room after it, a spike of a sink."""
    spikes, events = trace.spikes(), trace.synaptic_events()
    chosen = (events.weight > 0) & network.is_source[events.pre] & (network.delay[events.synapse] > 0)
    synapse = int(events.synapse[chosen][0])
    taken = set(zip(spikes.tick.tolist(), spikes.neuron.tolist()))
    free = [(t, i) for t, i in sorted(taken) if not network.is_source[i] and 1 < t < 50 and (t + 1, i) not in taken]
    sending = next((t, i) for t, i in free if network.out_degree[i])
    sink = next((t, i) for t, i in free if not network.out_degree[i])
    return SimpleNamespace(
        synapse=synapse, post=int(network.post[synapse]), pathway=int(network.pathway_of[synapse]),
        source=network.pathways[network.pathway_of[synapse]].source,
        tick=sending[0], neuron=sending[1], sink_tick=sink[0], sink=sink[1],
    )  # fmt: skip
