"""compile_network: what it reads, and in which order; what it leaves as it was."""

import brian2
import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
)  # fmt: skip

import eventsim
from eventsim.compile import compile_network
from eventsim.errors import CompileError
from tests.eventsim.rising import RISING, rising, rising_pair
from tests.support.brian2_runs import both


def test_a_function_of_the_user_s_called_exp_is_not_used_and_brian2_does_not_use_it_either():
    @brian2.implementation("numpy", discard_units=True)
    @brian2.check_units(x=1, result=1)
    def exp(x):
        return 0 * x

    ours, theirs = both(Network(rising("dv/dt = 0.1*exp(v)/ms : 1", method="euler", namespace={"exp": exp})), 200)
    assert len(theirs.spikes) > 4
    assert ours.spikes == theirs.spikes


def test_monitors_change_nothing():
    plain = compile_network(Network(rising()), namespace={})
    cells = rising()
    watched = Network(cells, SpikeMonitor(cells), StateMonitor(cells, "v", record=True, dt=1 * ms),
                      PopulationRateMonitor(cells))  # fmt: skip
    assert compile_network(watched, namespace={}).hash == plain.hash


def test_what_is_no_network_is_refused():
    for thing in (rising(), [rising()], None, "network"):
        with pytest.raises(CompileError, match=r"not a brian2\.Network"):
            compile_network(thing)


def test_a_standalone_device_is_refused(tmp_path):
    brian2.set_device("cpp_standalone", build_on_run=False, directory=tmp_path)
    try:
        with pytest.raises(CompileError, match="standalone"):
            compile_network(Network())
    finally:
        brian2.set_device("runtime")


def test_compiling_leaves_the_settings_and_the_network_as_they_were():
    network, cells, _ = rising_pair()
    cells.v = [0.25, 0.5]
    brian2.prefs.codegen.target = "auto"
    try:
        compile_network(network, namespace={})
        assert brian2.prefs.codegen.target == "auto"
    finally:
        brian2.prefs.codegen.target = "numpy"
    assert float(network.t) == 0 and cells.v[:].tolist() == [0.25, 0.5]


def test_names_in_equations_come_from_the_caller_or_from_the_given_namespace():
    tau = 5 * ms  # noqa: F841 - read by name in the equations
    here = compile_network(Network(rising("dv/dt = (2 - v)/tau : 1", method="exact")))
    given = compile_network(Network(rising("dv/dt = (2 - v)/tau : 1", method="exact")), namespace={"tau": 5 * ms})
    other = compile_network(Network(rising("dv/dt = (2 - v)/tau : 1", method="exact")), namespace={"tau": 6 * ms})
    assert here.hash == given.hash != other.hash


def test_populations_are_numbered_by_name_and_synapses_by_pathway_sender_delay_and_creation():
    late, early = (
        NeuronGroup(2, "v : 1", threshold="v > 1", name="zz"),
        NeuronGroup(3, "v : 1", threshold="v > 1", name="aa"),
    )
    wires = Synapses(late, early, "w : 1", on_pre="v_post += 2*w", name="wires")
    wires.connect(i=[1, 0, 1, 0, 1], j=[0, 2, 1, 2, 2])
    wires.w = [1, 2, 3, 4, 5]
    wires.pre.delay = [0.3, 0.1, 0, 0.1, 0.3] * ms
    compiled = compile_network(Network(late, early, wires), namespace={})
    assert [(p.name, p.start, p.size) for p in compiled.populations] == [("aa", 0, 3), ("zz", 3, 2)]
    table = compiled.synapse_table()
    assert table["pre"].tolist() == [3, 3, 4, 4, 4]
    assert table["post"].tolist() == [2, 2, 1, 0, 2]
    assert table["weight"].tolist() == [4, 8, 6, 2, 10]
    assert table["delay_ticks"].tolist() == [1, 1, 0, 3, 3]
    assert [(o.kind, o.index) for o in compiled.schedule if o.kind == "deliver"] == [("deliver", 0)]


def test_keys_and_tokens_are_the_group_s_own_or_else_its_order_and_the_index():
    first, second = (
        rising(name="a"),
        rising(RISING + "\nkey_lo : integer (constant)\ntoken : integer (constant)", name="b"),
    )
    second.key_lo, second.token = [-5, 2**31 - 1], [7, 8]
    compiled = compile_network(Network(first, second), namespace={})
    assert compiled.key_lo.tolist() == [0, 1, -5, 2**31 - 1]
    assert compiled.key_hi.tolist() == [0, 0, 1, 1]
    assert compiled.token.tolist() == [-1, -1, 7, 8]
    assert compiled.path_id.tolist() == [-1] * 4


def test_generators_become_the_default_stimulus():
    one = SpikeGeneratorGroup(2, [1, 0, 1], [0, 0.3, 0.3] * ms, name="one")
    two = SpikeGeneratorGroup(3, [2], [0.2] * ms, name="two")
    compiled = compile_network(Network(two, one), namespace={})
    assert compiled.stimulus.tick.tolist() == [0, 2, 3, 3]
    assert compiled.stimulus.neuron.tolist() == [1, 4, 0, 1]
    assert compiled.is_source.all() and compiled.stimulus.duration_ticks == 4


def test_constants_are_folded_with_brian2s_bits():
    k = 2.7
    compiled = compile_network(Network(rising("dv/dt = -v/(7*ms) : 1", method="exact", threshold="v >= int(k*1.5)")),
                               namespace={"k": k})  # fmt: skip
    update, threshold, _ = compiled.schedule
    assert float(np.exp(-0.0001 / 0.007)) in update.constants.values()
    assert 4 in threshold.constants.values()
    assert len(compiled.hash) == 64  # so every constant can be stored


@pytest.mark.parametrize("dt_ms", [0.1, 0.25, 1.0, 1.3, 2.6, 5.2])
def test_dt_is_what_was_written(dt_ms):
    brian2_dt = dt_ms * ms
    compiled = compile_network(Network(rising(dt=brian2_dt)), namespace={})
    assert compiled.dt_ms == dt_ms
    assert compiled.dt_ms * 1e-3 == float(brian2_dt)


def test_inactive_objects_are_left_out():
    network, _, wires = rising_pair()
    wires.active = False
    assert compile_network(network, namespace={}).hash == compile_network(Network(rising()), namespace={}).hash


def test_the_public_name_is_this_function():
    assert eventsim.compile_network is compile_network
