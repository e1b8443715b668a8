"""Small random networks with everything that makes counting hard, and runs of them."""

from types import SimpleNamespace

import brian2
import numpy as np
import pytest

from circuits.circuit import Circuit
from circuits.neurons import LIF, Gate, IntegrateFire
from eventsim import Stimulus, compile_network, simulate
from eventsim.grid import engine as grid_engine
from eventsim.grid import kernel as grid_kernel
from hardware_models import Placement, cost, count_events, load_chip
from tests.support.interpreted import interpreted

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
    sink, unit = circuit.neurons("sink", 2, IntegrateFire()), circuit.neurons("unit", 2, IntegrateFire(v_th=2.0))
    pairs = [(inputs, leaky), (inputs, gate), (inputs, sink), (leaky, gate), (leaky, whole), (leaky, sink),
             (whole, leaky), (gate, whole), (gate, gate)]  # fmt: skip
    for pre, post in pairs:
        n = 3 * max(pre.size, post.size)
        circuit.connect(pre, post, _random_table(rng, pre.size, post.size, n), delay_ms=rng.integers(6, size=n))
    circuit.one_to_one(inputs[:2], unit)  # its threshold is met exactly
    circuit.connect(inputs[:1], circuit.neurons("brink", 1, Gate(v_th=0.5)), 0.5)  # and here, where it must be exceeded
    if reset == "spikes":
        for neurons in (leaky, whole, sink, unit):
            circuit.reset(begin, neurons)
    return circuit, inputs, begin


def _with_tired_neurons(rng, network):
    """The same with neurons that would fire again at once, had they no refractory period; the last in order of name."""
    leaky = next(group for group in network.objects if group.name == "lif")
    tired = brian2.NeuronGroup(
        5, "dv/dt = (3 - v)/(4*ms) : 1 (unless refractory)", threshold="v > 1", reset="v = 0", refractory=4 * brian2.ms,
        method="exact", name="tired", clock=leaky.clock,
    )  # fmt: skip
    synapses = brian2.Synapses(leaky, tired, "w : 1", on_pre="v += w", clock=leaky.clock, name="lif_to_tired")
    synapses.connect(i=rng.integers(len(leaky), size=12), j=rng.integers(5, size=12))
    synapses.variables["w"].set_value(rng.normal(0.0, 0.4, 12))
    network.add(tired, synapses)
    return network


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
        network = compile_network(_with_tired_neurons(rng, circuit.network(stimulus)), namespace={})
        # Tiles hold four cores: cores 0 to 7 make messages that travel and messages that do not.
        core_of = np.where(network.is_source, -1, rng.integers(8, size=network.n_neurons))
        placement = Placement.of(network, core_of, load_chip("loihi"))
        return SimpleNamespace(network=network, stimulus=stimulus, placement=placement)

    return build


@pytest.fixture(scope="session")
def run():
    """A function (model, *changes, handed=None, trace=None) -> Trace: run it, deliveries recorded, with the kernel's
    source text changed like that, or with `handed(network)` handed to the kernel in the network's place."""

    def run(model, *changes, handed=None, trace=None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(grid_kernel, "load", interpreted(changes))
            if handed is not None:
                for name in ("plan_for", "kernel_for", "allocate"):
                    original = getattr(grid_engine, name)
                    patch.setattr(grid_engine, name, lambda n, *a, made=original, **k: made(handed(n), *a, **k))
            return simulate(model.network, model.stimulus, trace=trace, core_of=model.placement.core_of,
                            record_events=True)  # fmt: skip

    return run


@pytest.fixture
def caught(record_property):
    """A function (kind, name, report, laws): those laws, and perhaps others, fail; a row of the table of mutants."""

    def caught(kind, name, report, laws):
        failed = {law.name for law in report.laws if law.verdict == "failed"}
        record_property("mutant", (kind, name, sorted(laws), sorted(failed - laws)))
        assert laws <= failed, str(report)

    return caught


def pytest_terminal_summary(terminalreporter):
    """Where output is not captured (pytest -s): each mutant, the laws that must catch it, and those that do besides."""
    if terminalreporter.config.getoption("capture") != "no":
        return
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, ())]
    rows = [value for report in reports for key, value in report.user_properties if key == "mutant"]
    if rows:
        terminalreporter.section(f"{len(rows)} mutants, each caught by the law that should catch it")
        for kind, name, laws, others in sorted(rows):
            besides = f" (besides {', '.join(others)})" if others else ""
            terminalreporter.write_line(f"{kind:<10}  {name:<62}  {', '.join(laws)}{besides}")


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
        at=_landmarks(model.network, model.placement.core_of, trace),
    )  # fmt: skip


def _landmarks(network, core_of, trace):
    """Places where a mutant bites: a synapse that delivers, a spike with room after it, a spike of a sink."""
    spikes, events = trace.spikes(), trace.synaptic_events()
    chosen = (events.weight > 0) & network.is_source[events.pre] & (network.delay[events.synapse] > 0)
    synapse = int(events.synapse[chosen][0])
    taken = set(zip(spikes.tick.tolist(), spikes.neuron.tolist()))
    free = [(t, i) for t, i in sorted(taken) if not network.is_source[i] and 1 < t < 50 and (t + 1, i) not in taken]
    sending = next((t, i) for t, i in free if network.out_degree[i])
    sink = next((t, i) for t, i in free if not network.out_degree[i])
    p = int(network.pathway_of[synapse])
    pathway, first_row = network.pathways[p], sum(other.rows.size for other in network.pathways[:p])
    target = network.populations[pathway.target]
    row = first_row + int(np.searchsorted(pathway.rows, synapse - pathway.first, side="right")) - 1
    other = np.flatnonzero(core_of[target.start : target.stop] != core_of[network.post[synapse]])
    return SimpleNamespace(
        synapse=synapse, post=int(network.post[synapse]), pathway=p, source=pathway.source, target=pathway.target,
        row=row, first_row=first_row, elsewhere=int(other[0]),
        tick=sending[0], neuron=sending[1], sink_tick=sink[0], sink=sink[1],
    )  # fmt: skip
