"""PyNN's cells as a circuit: Brian2's spikes of PyNN's own equations, NEST's, and clear refusals."""

import brian2
import numpy as np
import pandas as pd
import pytest

import eventsim
from circuits import from_pynn
from eventsim.errors import CircuitError, ConfigError
from tests.support.brian2_runs import by_brian2, by_eventsim, same

DT_MS, DURATION_MS = 0.1, 60.0
SOURCES, CELLS = 8, 10
#: A weight that matters, in nA and for the last in mV.
WEIGHT = {"IF_curr_exp": 1.5, "IF_curr_alpha": 4.0, "IF_curr_delta": 8.0}


def tables(kind, seed=3):
    """Driven cells, no two of the same time constant, among random synapses."""
    rng = np.random.default_rng(seed)
    rows = [{"cell_type": "SpikeSourceArray", "spike_times": times}
            for times in np.sort(rng.integers(2, 600, (SOURCES, 12)), axis=1) * DT_MS]  # fmt: skip
    for train in rows:
        train["spike_times"] = np.unique(train["spike_times"])
    rows += [{"cell_type": kind, "tau_m": rng.uniform(8, 20), "cm": rng.uniform(0.5, 1), "tau_refrac": 0.5,
              "i_offset": rng.uniform(0.2, 0.6), "v_rest": -65.0, "v_reset": -68.0, "v_thresh": -55.0, "v": -62.0}
             for _ in range(CELLS)]  # fmt: skip
    n = 80
    weight = rng.uniform(-0.6, 1, n) * WEIGHT[kind]
    links = {"i": rng.integers(0, SOURCES + CELLS, n), "j": rng.integers(SOURCES, SOURCES + CELLS, n), "weight": weight,
             "delay": rng.integers(1, 30, n) * DT_MS}  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(links)


def spikes(circuit, stimulus):
    """Sorted (tick, row of cells)."""
    run = by_eventsim(eventsim.compile_network(circuit.network()), stimulus.duration_ticks, stimulus)
    row = np.argsort(circuit.plan.neuron_ids)
    return sorted((tick, int(row[neuron])) for tick, neuron in run.spikes)


#: PyNN's equations in Brian2's units; `e` makes a jump of j a peak of the current.
EQUATIONS = {
    "IF_curr_exp": """di_E/dt = -i_E/(5*ms) : amp
                      di_I/dt = -i_I/(5*ms) : amp""",
    "IF_curr_alpha": """di_E/dt = (j_E - i_E)/(0.5*ms) : amp
                        dj_E/dt = -j_E/(0.5*ms) : amp""",
    "IF_curr_delta": "",
}
ON_PRE = {
    "IF_curr_exp": ("i_E_post += w*nA", "i_I_post += w*nA"),
    "IF_curr_alpha": ("j_E_post += w*nA*e", "j_E_post += w*nA*e"),
    "IF_curr_delta": ("v_post += w*mV", "v_post += w*mV"),
}


def by_hand(kind, cells, links):
    """Sorted (tick, row) of a Brian2 network in volts and amperes, written without `circuits`."""
    brian2.prefs.codegen.target = "numpy"
    inputs = {"IF_curr_exp": "+ i_E + i_I", "IF_curr_alpha": "+ i_E", "IF_curr_delta": ""}[kind]
    group = brian2.NeuronGroup(CELLS, f"""
        dv/dt = (-65*mV - v)/tau_m + (i_offset {inputs})/c_m : volt (unless refractory)
        {EQUATIONS[kind]}
        tau_m : second (constant)
        c_m : farad (constant)
        i_offset : amp (constant)""", threshold="v >= -55*mV", reset="v = -68*mV", refractory=0.6 * brian2.ms,
        method="exact", dt=DT_MS * brian2.ms)  # fmt: skip
    own = cells[SOURCES:]
    group.v = -62 * brian2.mV
    group.tau_m, group.c_m = own["tau_m"].to_numpy() * brian2.ms, own["cm"].to_numpy() * brian2.nF
    group.i_offset = own["i_offset"].to_numpy() * brian2.nA
    times = [(k, t - DT_MS) for k, train in enumerate(cells["spike_times"][:SOURCES]) for t in train]
    sources = brian2.SpikeGeneratorGroup(SOURCES, [k for k, _ in times], [t for _, t in times] * brian2.ms,
                                         dt=DT_MS * brian2.ms)  # fmt: skip
    made = []
    for from_sources in (True, False):
        for positive in (True, False):
            some = links[((links["i"] < SOURCES) == from_sources) & ((links["weight"] >= 0) == positive)]
            synapses = brian2.Synapses(sources if from_sources else group, group, "w : 1",
                                       on_pre=ON_PRE[kind][0 if positive else 1],
                                       namespace={"e": np.e})  # fmt: skip
            first = 0 if from_sources else SOURCES
            synapses.connect(i=some["i"].to_numpy() - first, j=some["j"].to_numpy() - SOURCES)
            synapses.w = some["weight"].to_numpy()
            synapses.delay = some["delay"].to_numpy() * brian2.ms
            made.append(synapses)
    monitor = brian2.SpikeMonitor(group)
    brian2.Network(group, sources, monitor, *made).run(DURATION_MS * brian2.ms)
    fired = zip(np.round(np.asarray(monitor.t_) * 1e3 / DT_MS).astype(int).tolist(), np.asarray(monitor.i).tolist())
    return sorted((tick, neuron + SOURCES) for tick, neuron in fired)


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "IF_curr_alpha"))
                                  for kind in WEIGHT])  # fmt: skip
def test_cells_fire_as_pynns_equations_do_in_brian2(kind):
    cells, links = tables(kind)
    circuit, stimulus = from_pynn(cells, links, duration_ms=DURATION_MS)
    ours = [pair for pair in spikes(circuit, stimulus) if pair[1] >= SOURCES]
    assert len(ours) > 40 and len({row for _, row in ours}) >= CELLS - 2
    assert ours == by_hand(kind, cells, links)


def test_the_network_itself_runs_in_brian2_bit_for_bit():
    circuit, stimulus = from_pynn(*tables("IF_curr_exp"), duration_ms=DURATION_MS)
    compiled = eventsim.compile_network(circuit.network())
    theirs = by_brian2(circuit.network(stimulus), compiled, 600)
    assert same(by_eventsim(compiled, 600, stimulus), theirs) and len(theirs.spikes) > 100


def by_nest(kind, cells, links, tau_syn):
    """Sorted (tick, row) of NEST's spikes, a tick before its clock."""
    nest = pytest.importorskip("nest")
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution = DT_MS
    relays = nest.Create("parrot_neuron", SOURCES)  # before the cells: NEST orders a joint collection by age
    own = cells[SOURCES:]
    parameters = {"tau_m": own["tau_m"], "C_m": own["cm"] * 1e3, "I_e": own["i_offset"] * 1e3, "E_L": own["v_rest"],
                  "t_ref": own["tau_refrac"], "V_reset": own["v_reset"], "V_th": own["v_thresh"]}  # fmt: skip
    model = {"IF_curr_exp": "iaf_psc_exp", "IF_curr_alpha": "iaf_psc_alpha"}[kind]
    group = nest.Create(model, CELLS, params={name: values.tolist() for name, values in parameters.items()})
    group.set(tau_syn_ex=tau_syn, tau_syn_in=tau_syn, V_m=own["v"].tolist())
    # A generator's spikes reach others by way of a relay, a step later.
    trains = [{"spike_times": np.round(train - DT_MS, 6)} for train in cells["spike_times"][:SOURCES]]
    nest.Connect(nest.Create("spike_generator", SOURCES, params=trains), relays, "one_to_one", {"delay": DT_MS})
    every = relays + group
    ids = np.array(every.tolist())
    for i, j, weight, delay in links.itertuples(index=False):
        nest.Connect(every[int(i)], every[int(j)], syn_spec={"weight": weight * 1e3, "delay": delay})
    recorder = nest.Create("spike_recorder")
    nest.Connect(group, recorder)
    nest.Simulate(DURATION_MS + DT_MS)
    tick = np.round(recorder.events["times"] / DT_MS).astype(int) - 1
    row = np.searchsorted(ids, recorder.events["senders"])
    return sorted(pair for pair in zip(tick.tolist(), row.tolist()) if pair[0] < round(DURATION_MS / DT_MS))


@pytest.mark.optional
@pytest.mark.slow
@pytest.mark.parametrize("kind, tau_syn", [("IF_curr_exp", 5.0), ("IF_curr_alpha", 0.5)])
def test_cells_with_currents_fire_as_in_nest(kind, tau_syn):
    cells, links = tables(kind)
    theirs = by_nest(kind, cells, links, tau_syn)
    circuit, stimulus = from_pynn(cells, links, duration_ms=DURATION_MS)
    assert [pair for pair in spikes(circuit, stimulus) if pair[1] >= SOURCES] == theirs and len(theirs) > 40


def test_projections_count_within_populations_and_units_are_converted():
    cells = {"population": ["in", "out", "out", "jumps"], "spike_times": [[0.1, 30.0], None, None, None],
             "cell_type": ["SpikeSourceArray", "IF_curr_exp", "IF_curr_exp", "IF_curr_delta"], "cm": [np.nan, 0.25, 0.5,
             np.nan]}  # fmt: skip
    links = {"pre": ["in", "in", "out"], "i": [0, 0, 1], "post": ["out", "out", "jumps"], "j": [0, 1, 0],
             "weight": [2.0, -2.0, 3.0], "delay": [1.0, 1.5, 0.1],
             "receptor": ["excitatory", "inhibitory", "excitatory"]}  # fmt: skip
    circuit, stimulus = from_pynn(cells, links, duration_ms=20.0)
    table = circuit.synapse_table()[["pre", "post", "weight", "receptor"]].values.tolist()
    assert sorted(table) == [[0, 1, 2.0 * 20 / 0.25, "exc"], [0, 2, -2.0 * 20 / 0.5, "inh"], [2, 3, 3.0, "default"]]
    assert stimulus.tick.tolist() == [0] and stimulus.duration_ticks == 200  # the first step of PyNN's clock is tick 0
    assert set(circuit.ports) == {"in", "out", "jumps"}


ONE, NONE = {"cell_type": ["IF_curr_exp"]}, {"i": [], "j": []}
PAIR = {"cell_type": ["SpikeSourceArray", "IF_curr_exp"]}
LINK = {"i": [0], "j": [1], "weight": [1.0]}
MISTAKES = {
    "a cell type of conductances": ({"cell_type": ["IF_cond_exp"]}, NONE, "row 0 is of the cell type 'IF_cond_exp'"),
    "no cell type": ({"tau_m": [1.0]}, NONE, "column 'cell_type' is missing"),
    "a parameter of no cell": (ONE | {"e_rev_E": [0.0]}, NONE, "unknown column 'e_rev_E'"),
    "a parameter of another cell": ({"cell_type": ["IF_curr_delta"], "tau_syn_E": [5.0]}, NONE, "delta has none"),
    "no capacitance": (ONE | {"cm": [0.0]}, NONE, "row 0 has cm 0; it must be positive"),
    "a reset above threshold": (ONE | {"v_reset": [-40.0]}, NONE, "below v_thresh"),
    "a current as slow as the membrane": (ONE | {"tau_syn_E": [20.0]}, NONE, "too near tau_ms"),
    "a period between ticks": (ONE | {"tau_refrac": [0.25]}, NONE, "tau_refrac 0.25; it must be a multiple of dt_ms"),
    "spikes at time 0": (PAIR | {"spike_times": [[0.0], None]}, LINK, "spike_times 0; it must be .* 0.1 or more"),
    "too few trains": (PAIR | {"spike_times": [[1.0]]}, LINK, "1 spike_times for 2 rows"),
    "no delay": (PAIR, LINK | {"delay": [0.0]}, "row 0 has delay 0; it must be .* 0.1 or more"),
    "inhibition of the wrong sign": (PAIR, LINK | {"receptor": ["inhibitory"]}, "weight 1; it must be 0 or less"),
    "no receptor of PyNN": (PAIR, LINK | {"receptor": ["exc"]}, "neither excitatory nor inhibitory"),
    "a row that is not there": (PAIR, LINK | {"j": [2]}, "row 0 has j 2; it must be a row of cells"),
    "no such population": (PAIR, LINK | {"post": ["out"]}, "post .*'out'.* is no population"),
    "a source that receives": (PAIR, LINK | {"j": [0]}, "takes no synapses"),
    "no table": (3, NONE, "is no table"),
}  # fmt: skip


@pytest.mark.parametrize("cells, connections, message", MISTAKES.values(), ids=MISTAKES)
def test_a_table_that_is_wrong_is_refused_by_row_and_column(cells, connections, message):
    with pytest.raises((CircuitError, ConfigError), match=message):
        from_pynn(cells, connections, duration_ms=10.0)
