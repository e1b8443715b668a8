"""Two tables become the network that Brian2's equations would: the same kernel, the same spikes, the same bits."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms

import eventsim
from eventsim.errors import ConfigError
from eventsim.from_tables import network
from eventsim.grid.kernel import kernel_source
from eventsim.reference import reference_run
from eventsim.stimulus import Stimulus
from tests.support.brian2_runs import by_brian2, by_eventsim, same

TICKS = 150
NAN = float("nan")

#: Population -> variable of Brian2's equations -> the weights that are added to it.
RECEPTORS = {
    "e_exp": {"i_exc": lambda weight: weight >= 0, "i_inh": lambda weight: weight < 0},
    "f_alpha": {"j_syn": lambda weight: weight == weight},
}


pytestmark = pytest.mark.usefixtures("one_millisecond")


def tables(rng, sizes, columns):
    """Neurons of several models one after the other, and random synapses that no source receives."""
    n, first = sum(sizes.values()), sizes.get("a_source", 0)
    models = {"a_source": "source", "b_lif": "lif", "c_integrate": "integrate", "d_gate": "gate", "e_exp": "lif_exp",
              "f_alpha": "lif_alpha"}  # fmt: skip
    names = np.repeat(list(sizes), list(sizes.values()))
    numbers = {column: np.full(n, NAN) for column in columns}
    for column, by_population in columns.items():
        for population, values in by_population.items():
            numbers[column][names == population] = values
    neurons = pd.DataFrame({"population": names, "model": [models[name] for name in names], **numbers})
    m = 12 * n
    synapses = pd.DataFrame({"pre": rng.integers(0, n, m), "post": rng.integers(first, n, m),
                             "weight": rng.integers(-4, 9, m) / 16, "delay_ms": rng.integers(0, 5, m)})  # fmt: skip
    return neurons, synapses


def in_brian2(groups, neurons, synapses, stimulus):
    """The Network of NeuronGroups in the order of the table, a generator for its source, and the table's synapses."""
    tick, neuron = stimulus
    groups = [SpikeGeneratorGroup(group, neuron, tick * ms, name="a_source") if isinstance(group, int) else group
              for group in groups]  # fmt: skip
    starts = np.cumsum([0, *(len(group) for group in groups)])
    made = []
    for s, source in enumerate(groups):
        for g, target in enumerate(groups):
            inside = synapses.pre.between(starts[s], starts[s + 1] - 1)
            rows = synapses[inside & synapses.post.between(starts[g], starts[g + 1] - 1)]
            for variable, chosen in RECEPTORS.get(target.name, {"v": lambda weight: weight == weight}).items():
                own = rows[chosen(rows.weight)]
                if len(own):
                    wires = Synapses(source, target, "w : 1", on_pre=f"{variable}_post += w",
                                     name=f"{source.name}_to_{target.name}_{variable}")  # fmt: skip
                    wires.connect(i=own.pre.to_numpy() - starts[s], j=own.post.to_numpy() - starts[g])
                    wires.variables["w"].set_value(own.weight.to_numpy())
                    wires.pre.delay = own.delay_ms.to_numpy() * ms
                    made.append(wires)
    return Network(*groups, *made)


def compared(groups, neurons, synapses, rng, **stimulus_of):
    """(the network of the tables, the one compiled from Brian2, runs of the first and of Brian2)."""
    chosen = np.unique(rng.integers(0, 4 * TICKS, 200))
    ours = network(neurons, synapses)
    theirs = in_brian2(groups, neurons, synapses, (chosen // 4, chosen % 4))
    stimulus = Stimulus.of(chosen // 4, chosen % 4, duration_ticks=TICKS)
    compiled = eventsim.compile_network(theirs, namespace={})
    return ours, compiled, by_eventsim(ours, TICKS, stimulus), by_brian2(theirs, compiled, TICKS)


def lif(n, equations, namespace, **options):
    return NeuronGroup(n, equations, threshold="v >= v_th", reset="v = v_reset", method="exact", name="b_lif",
                       namespace=namespace, **options)  # fmt: skip


@pytest.mark.parametrize("drive, refractory_ms", [
    (0.0, 3.0), (1.1, 0.0),
    pytest.param(0.0, 0.0, marks=pytest.mark.slow), pytest.param(1.1, 3.0, marks=pytest.mark.slow),
])  # fmt: skip
def test_uniform_lif_neurons_are_those_of_brian2_kernel_and_all(drive, refractory_ms):
    rng = np.random.default_rng(1)
    columns = {"tau_ms": 11.3, "v_th": 1.0, "v_reset": 0.125, "drive": drive, "refractory_ms": refractory_ms}
    neurons, synapses = tables(rng, {"a_source": 4, "b_lif": 30}, {k: {"b_lif": v} for k, v in columns.items()})
    names = {"tau": 11.3 * ms, "v_th": 1.0, "v_reset": 0.125, "drive": drive}
    equations = f"dv/dt = {'(drive - v)' if drive else '-v'}/tau : 1"
    if refractory_ms:
        group = lif(30, equations + " (unless refractory)", names, refractory=refractory_ms * ms)
    else:
        group = lif(30, equations, names)
    ours, compiled, run, brian = compared([4, group], neurons, synapses, rng)
    assert len(brian.spikes) > 300
    assert same(run, brian)
    assert kernel_source(ours)[0] == kernel_source(compiled)[0]
    np.testing.assert_array_equal(kernel_source(ours)[1], kernel_source(compiled)[1])
    assert ours.population("b_lif").guards == compiled.population("b_lif").guards
    for field in ("rates", "refractory_s", "booleans", "rate_constants"):
        assert getattr(ours.population("b_lif"), field) == getattr(compiled.population("b_lif"), field), field


@pytest.mark.parametrize("varied", [
    ("tau_ms", "drive", "refractory_ms"),
    *(pytest.param((name,), marks=pytest.mark.slow) for name in ("tau_ms", "drive", "refractory_ms")),
])  # fmt: skip
def test_lif_neurons_with_numbers_of_their_own_are_those_of_brian2(varied):
    rng = np.random.default_rng(2)
    columns = {"tau_ms": 11.3, "drive": 1.1, "refractory_ms": 2.0, "v_th": 1.0, "v_reset": 0.0, "v_start": 0.5}
    own = {"tau_ms": rng.uniform(2, 30, 30), "drive": rng.uniform(0, 2, 30), "refractory_ms": rng.integers(0, 5, 30)}
    columns |= {name: own[name] for name in varied}
    neurons, synapses = tables(rng, {"a_source": 4, "b_lif": 30}, {k: {"b_lif": v} for k, v in columns.items()})
    declared = {"tau": "second", "drive": "1", "rest": "second"}
    values = {"tau": columns["tau_ms"] * ms, "drive": columns["drive"], "rest": columns["refractory_ms"] * ms}
    is_own = {"tau": "tau_ms" in varied, "drive": "drive" in varied, "rest": "refractory_ms" in varied}
    equations = "\n".join(["dv/dt = (drive - v)/tau : 1 (unless refractory)",
                           *(f"{name} : {declared[name]} (constant)" for name in values if is_own[name])])  # fmt: skip
    namespace = {"v_th": 1.0, "v_reset": 0.0} | {name: value for name, value in values.items() if not is_own[name]}
    group = lif(30, equations, namespace, refractory="rest" if is_own["rest"] else values["rest"])
    for name in values:
        if is_own[name]:
            setattr(group, name, values[name])
    group.v = 0.5
    _, _, run, brian = compared([4, group], neurons, synapses, rng)
    assert len(brian.spikes) > 300
    assert same(run, brian)


def test_sources_lif_integrators_and_gates_together_are_those_of_brian2():
    rng = np.random.default_rng(3)
    drive = rng.integers(0, 5, 15) / 16
    columns = {"tau_ms": {"b_lif": 7.7}, "v_th": {"b_lif": 1.0, "c_integrate": 1.0, "d_gate": 0.5},
               "drive": {"c_integrate": drive}}  # fmt: skip
    sizes = {"a_source": 4, "b_lif": 15, "c_integrate": 15, "d_gate": 10}
    neurons, synapses = tables(rng, sizes, columns)
    names = {"tau": 7.7 * ms, "v_th": 1.0, "v_reset": 0.0, "tick": 1 * ms}
    integrate = NeuronGroup(15, "dv/dt = drive/tick : 1\ndrive : 1 (constant)", threshold="v >= v_th",
                            reset="v -= v_th", method="euler", name="c_integrate", namespace=names)  # fmt: skip
    integrate.drive = drive
    gate = NeuronGroup(10, "v : 1", threshold="v > 0.5", name="d_gate")
    gate.run_regularly("v = 0", when="before_synapses", name="d_gate_each_tick")
    groups = [4, lif(15, "dv/dt = -v/tau : 1", names), integrate, gate]
    _, _, run, brian = compared(groups, neurons, synapses, rng)
    assert len(brian.spikes) > 500
    assert same(run, brian)


def with_currents(n, equations, refractory_ms, names, name):
    unless = " (unless refractory)" if refractory_ms else ""
    options = {"refractory": refractory_ms * ms} if refractory_ms else {}
    return NeuronGroup(n, equations.format(unless=unless), threshold="v >= v_th", reset="v = v_reset", method="exact",
                       name=name, namespace=names, **options)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("refractory_ms", [0.0, 3.0])
def test_neurons_with_exponential_and_alpha_currents_are_those_of_brian2(refractory_ms):
    rng = np.random.default_rng(5)
    numbers = {"tau_ms": 11.3, "v_th": 1.0, "v_reset": 0.125, "drive": 1.05, "refractory_ms": refractory_ms}
    columns = {name: {"e_exp": value, "f_alpha": value} for name, value in numbers.items()}
    columns |= {"tau_exc_ms": {"e_exp": 4.1}, "tau_inh_ms": {"e_exp": 7.7}, "tau_syn_ms": {"f_alpha": 3.3}}
    neurons, synapses = tables(rng, {"a_source": 4, "e_exp": 20, "f_alpha": 20}, columns)
    names = {"tau": 11.3 * ms, "v_th": 1.0, "v_reset": 0.125, "drive": 1.05, "tau_exc": 4.1 * ms, "tau_inh": 7.7 * ms,
             "tau_syn": 3.3 * ms}  # fmt: skip
    exponential = with_currents(20, """dv/dt = (drive + i_exc + i_inh - v)/tau : 1{unless}
                                       di_exc/dt = -i_exc/tau_exc : 1
                                       di_inh/dt = -i_inh/tau_inh : 1""", refractory_ms, names, "e_exp")  # fmt: skip
    alpha = with_currents(20, """dv/dt = (drive + i_syn - v)/tau : 1{unless}
                                 di_syn/dt = (j_syn - i_syn)/tau_syn : 1
                                 dj_syn/dt = -j_syn/tau_syn : 1""", refractory_ms, names, "f_alpha")  # fmt: skip
    ours, compiled, run, brian = compared([4, exponential, alpha], neurons, synapses, rng)
    assert len(brian.spikes) > 300
    assert same(run, brian)
    for name in ("e_exp", "f_alpha"):
        mine, theirs = ours.population(name), compiled.population(name)
        assert (mine.rates, mine.rate_constants, mine.guards) == (theirs.rates, theirs.rate_constants, theirs.guards)


def test_rows_of_the_table_are_the_ids_of_neurons_and_synapses_keep_their_numbers():
    neurons = {"model": ["lif", "lif", "source"], "tau_ms": [5.0, 6.0, NAN], "token": [7, 8, 9], "key_lo": [3, 2, 1]}
    synapses = {"pre": [2, 0, 2, 0], "post": [1, 1, 0, 1], "weight": [1.0, 2.0, 3.0, 4.0],
                "delay_ms": [0.2, 0.3, 0.1, 0.1]}  # fmt: skip
    made = network(neurons, synapses, dt_ms=0.1)
    assert made.neuron_table()[["population", "token", "key_lo", "key_hi"]].to_numpy().tolist() == [
        ["lif", 7, 3, 0], ["lif", 8, 2, 0], ["source", 9, 1, 1]
    ]  # fmt: skip
    assert made.synapse_table().to_numpy().tolist() == [
        ["lif_to_lif", 0, 1, 4.0, 1], ["lif_to_lif", 0, 1, 2.0, 3],
        ["source_to_lif", 2, 0, 3.0, 1], ["source_to_lif", 2, 1, 1.0, 2],
    ]  # fmt: skip


def test_an_integrator_hands_on_every_unit_it_receives():
    made = network({"model": ["source", "integrate"]}, {"pre": 0, "post": 1, "weight": [3.0], "delay_ms": 2})
    spikes = reference_run(made, Stimulus.of([1], [0], duration_ticks=9)).spikes
    assert spikes == [(1, 0), (4, 1), (5, 1), (6, 1)]


def test_no_synapses_and_a_model_for_all_are_fine():
    made = network({"tau_ms": [5.0, 5.0], "v_start": [2.0, 0.0]}, {"pre": [], "post": [], "weight": [], "delay_ms": []},
                   model="lif")  # fmt: skip
    assert by_eventsim(made, 3).spikes == [(0, 0)]


def test_two_tables_need_no_brian2():
    code = ("import sys, eventsim, eventsim.from_tables as f\n"
            "made = f.network({'model': ['source', 'gate']}, {'pre': 0, 'post': 1, 'weight': [1.0], 'delay_ms': 1})\n"
            "trace = eventsim.simulate(made, eventsim.Stimulus.of([0], [0], duration_ticks=4))\n"
            "print(trace.spikes().tick.tolist(), 'brian2' in sys.modules)")  # fmt: skip
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout == "[0, 2] False\n"


PAIR = {"model": ["source", "lif"], "tau_ms": [NAN, 20.0]}
WIRE = {"pre": [0], "post": [1], "weight": [1.5], "delay_ms": [2.0]}


@pytest.mark.parametrize(
    "neurons, synapses, message",
    [
        (PAIR, {"pre": [0], "post": [1], "weight": [1.0]}, "synapses: column 'delay_ms' is missing"),
        (PAIR, WIRE | {"colour": [1]}, "synapses: unknown column 'colour'"),
        (PAIR, WIRE | {"pre": [0, 0]}, "synapses: columns must be one-dimensional and of one length"),
        (PAIR, WIRE | {"post": [2]}, "synapses: row 0 has post 2; it must be a row of neurons, 0 to 1"),
        (PAIR, WIRE | {"pre": [-1]}, "synapses: row 0 has pre -1"),
        (PAIR, WIRE | {"pre": [0.5]}, "synapses: row 0 has pre 0.5; it must be a whole number"),
        (PAIR, WIRE | {"post": [0]}, "synapses: row 0 has post 0; it must be no spike source"),
        (PAIR, WIRE | {"weight": [NAN]}, "synapses: row 0 has weight nan; it must be finite"),
        (PAIR, WIRE | {"weight": ["much"]}, "synapses: column 'weight' must hold numbers"),
        (PAIR, WIRE | {"weight": [1 + 2j]}, "synapses: column 'weight' must hold numbers"),
        (PAIR, WIRE | {"delay_ms": [-1.0]}, "synapses: row 0 has delay_ms -1; it must be 0 or a multiple of dt, 1 ms"),
        (PAIR, WIRE | {"delay_ms": [1.5]}, "synapses: row 0 has delay_ms 1.5"),
        (PAIR, WIRE | {"delay_ms": [1e30]}, "synapses: row 0 has delay_ms 1e[+]30"),
        (PAIR, [1, 2], "synapses: a list is no table"),
        ({"tau_ms": [20.0]}, WIRE, "neurons: column 'model' is missing"),
        ({"model": ["lif", "lfi"], "tau_ms": 20.0}, WIRE, "neurons: unknown model 'lfi'; models are source, lif"),
        ({"model": ["source", "lif"]}, WIRE, "population 'lif' .lif. needs the column 'tau_ms'"),
        (PAIR | {"tau_ms": [NAN, NAN]}, WIRE, "neurons: row 1 has tau_ms nan; it must be finite"),
        (PAIR | {"tau_ms": [NAN, 0.0]}, WIRE, "neurons: row 1 has tau_ms 0; it must be positive"),
        (PAIR | {"refractory_ms": [NAN, -1.0]}, WIRE, "neurons: row 1 has refractory_ms -1; it must be 0 or more"),
        ({"model": ["source", "gate"], "tau_ms": [NAN, 5.0]}, WIRE, "row 1 has tau_ms 5; it must be left out"),
        ({"model": ["lif", "source", "lif"], "tau_ms": 5.0}, WIRE, "population 'lif' goes on in row 2"),
        ({"model": ["gate", "integrate"], "population": "x"}, WIRE, "population 'x' mixes models"),
        ({"model": []}, WIRE, "the table has no rows"),
        (PAIR | {"model": ["source", "lif_alpha"]}, WIRE, "needs the column 'tau_syn_ms'"),
        (PAIR | {"model": ["source", "lif_alpha"], "tau_syn_ms": 20.0}, WIRE, "row 1 has tau_syn_ms 20, as tau_ms"),
        ({"model": "lif_alpha", "tau_ms": [5.0, 6.0], "tau_syn_ms": 2.0}, WIRE, "has several values of tau"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_by_column_and_row(neurons, synapses, message):
    with pytest.raises(ConfigError, match=message) as refused:
        network(neurons, synapses)
    assert "\n" not in str(refused.value)


def test_a_wrong_tick_and_two_models_are_refused():
    with pytest.raises(ConfigError, match="dt_ms is 0"):
        network(PAIR, WIRE, dt_ms=0)
    with pytest.raises(ConfigError, match="give one of them"):
        network(PAIR, WIRE, model="lif")


def test_the_comparison_notices_a_drive_that_is_wrong_in_its_last_bits():
    rng = np.random.default_rng(1)
    columns = {"tau_ms": {"b_lif": 11.3}, "drive": {"b_lif": 1.1}}
    neurons, synapses = tables(rng, {"a_source": 4, "b_lif": 30}, columns)
    right, wrong = (by_eventsim(network(neurons.assign(drive=neurons.drive * factor), synapses), TICKS)
                    for factor in (1, 1 + 2.0**-49))  # fmt: skip
    assert len(right.spikes) > 100
    assert not same(right, wrong)


@pytest.mark.slow
def test_a_million_neurons_and_ten_million_synapses_take_seconds():
    import time

    rng = np.random.default_rng(0)
    n, m = 1_000_000, 10_000_000
    synapses = {"pre": rng.integers(0, n, m), "post": rng.integers(0, n, m), "weight": rng.random(m),
                "delay_ms": rng.integers(1, 17, m) * 0.1}  # fmt: skip
    began = time.perf_counter()
    made = network({"tau_ms": 20.0, "drive": rng.random(n)}, synapses, dt_ms=0.1, model="lif")
    assert time.perf_counter() - began < 20  # about 4 s on one core that is free
    assert (made.n_neurons, made.n_synapses) == (n, m)
