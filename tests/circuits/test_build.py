"""build_network: few Brian2 objects, and Brian2 alone runs what eventsim runs."""

import brian2
import numpy as np
import pytest

import eventsim
from circuits import LIF, Circuit, Escape, ExponentialIntegrator, Gate, IntegrateFire
from circuits.build import path_key
from eventsim.errors import CircuitError
from eventsim.stimulus import Stimulus
from tests.support.brian2_runs import by_brian2, by_eventsim, same


def _kinds(network, kind):
    return [thing for thing in network.objects if isinstance(thing, kind)]


def test_fifty_populations_of_a_model_are_one_group_and_one_synapses_object():
    c = Circuit("many")
    populations = [c.neurons(f"p{k}", 2, LIF(tau_ms=5 + k, v_th=1 + k / 10)) for k in range(50)]
    for k in range(50):
        c.connect(populations[k], populations[(k + 1) % 50], k / 50, delay_ms=k % 3)
    network = c.network()
    (group,) = _kinds(network, brian2.NeuronGroup)
    (synapses,) = _kinds(network, brian2.Synapses)
    assert len(group) == 100 and len(synapses) == 200
    assert group.tau_[::2].tolist() == [(5 + k) / 1e3 for k in range(50)]
    assert group.v_th[1::2].tolist() == [1 + k / 10 for k in range(50)]


def test_models_of_another_equation_threshold_or_receptor_have_groups_of_their_own():
    c = Circuit("c")
    for name, model in {"a": LIF(), "b": LIF(strict=True), "c": Gate(), "d": LIF(v_th=2), "e": IntegrateFire()}.items():
        c.neuron(name, model)
    sizes = {group.name: len(group) for group in _kinds(c.network(), brian2.NeuronGroup)}
    assert sizes == {"gate": 1, "integrate": 1, "lif": 2, "lif_2": 1}


def test_numbers_of_a_row_broadcast_over_the_population_s_shape():
    c = Circuit("c")
    c.neurons("a", (3, 2), LIF(v_th=[1, 2]))
    c.neurons("b", (2, 2), LIF(v_th=[[3], [4]]))
    c.neurons("c", 2, LIF(v_th=5))
    (group,) = _kinds(c.network(), brian2.NeuronGroup)
    assert group.v_th[:].tolist() == [1, 2, 1, 2, 1, 2, 3, 3, 4, 4, 5, 5]


def test_the_key_s_upper_half_is_the_crc_of_the_path():
    assert path_key("123456789") == np.int32(0xCBF43926 - 2**32)  # the check value of CRC-32
    assert path_key("softmax/pool").dtype == np.int32


def _zoo():
    """Every model, every receptor, reset synapses, delays, and two seeds of noise."""
    c = Circuit("zoo")
    drive = c.inputs("drive", 6)
    lif = c.neurons("lif", (2, 3), LIF(tau_ms=7, v_th=0.8, v_reset=-0.25))
    gate = c.neurons("gate", 3, Gate(v_th=[0.5, 0.5, 1.5]))
    total = c.neurons("total", 2, IntegrateFire(v_start=0.5))
    escape = [c.neurons(f"escape{s}", 4, Escape(0.2, drift=0.05, u_start=[-1, 0, 1, -2], seed=s)) for s in range(2)]
    rising = c.neurons("rising", 3, ExponentialIntegrator(0.1, drift=0.05, u_start=[0.0, 0.5, 1.0]))
    c.connect(drive, lif, np.linspace(-0.2, 0.9, 36).reshape(6, 6), delay_ms=np.arange(36).reshape(6, 6) % 4)
    c.connect(lif, gate, 1.0)
    c.connect(gate, total, 0.75, delay_ms=2)
    for pool in (*escape, rising):
        c.connect(pool, total, 1.0)
        c.connect(total, pool, -0.025, receptor="u")
        c.connect(drive[:2], pool, [[0.02], [-0.02]] * np.ones((2, pool.size)), receptor="current", delay_ms=1)
    c.reset(drive[5], lif)
    c.reset(drive[5], rising)
    c.reset(drive[5], escape[0])
    c.connect(drive[5], lif, 0.5)  # arrives in the tick of the reset, and after it
    return c, drive


def _input(c, drive, ticks, seed):
    chosen = np.unique(np.random.default_rng(seed).integers(0, ticks * 6, ticks * 2))
    return Stimulus.of(chosen // 6, c.neuron_ids(drive)[chosen % 6], duration_ticks=ticks)


def test_brian2_alone_gives_the_same_spikes_and_states_of_every_model():
    c, drive = _zoo()
    stimulus = _input(c, drive, 250, 1)
    network = c.network(stimulus)
    compiled = eventsim.compile_network(network)
    assert compiled.stimulus.lasting(250).hash == stimulus.hash
    ours, theirs = by_eventsim(compiled, 250), by_brian2(network, compiled, 250)
    per_path = {path: sum(start <= n < stop for _, n in theirs.spikes) for path, (start, stop) in c.labels().items()}
    assert min(per_path.values()) > 10
    assert ours.spikes == theirs.spikes
    for place, values in theirs.state.items():
        np.testing.assert_allclose(ours.state[place], values, rtol=1e-12, atol=1e-12)
    exact = {place: values for place, values in theirs.state.items() if place != ("exponential", "v")}
    assert same(type(ours)(ours.spikes, {k: ours.state[k] for k in exact}), type(theirs)(theirs.spikes, exact))


def test_the_network_runs_without_eventsim_s_compiler_and_other_seeds_give_other_spikes():
    c, drive = _zoo()
    network = c.network(_input(c, drive, 60, 1))
    monitor = brian2.SpikeMonitor(next(g for g in network.objects if g.name == "escape"))
    network.add(monitor)
    network.run(60 * brian2.ms)
    first, second = ({t for t, i in zip(monitor.t_[:], monitor.i[:]) if i // 4 == seed} for seed in range(2))
    assert first and second and first != second


def test_a_stimulus_on_another_neuron_is_refused_and_none_leaves_the_sources_silent():
    c, _ = _zoo()
    wrong = Stimulus.of([0], [c.neuron_ids(c["lif"])[0]])
    with pytest.raises(CircuitError, match="'lif', which is not a spike source"):
        c.network(wrong)
    assert eventsim.compile_network(c.network()).stimulus.tick.size == 0


def test_building_leaves_brian2s_target_as_it_was():
    brian2.prefs.codegen.target = "auto"
    try:
        _zoo()[0].network()
        assert brian2.prefs.codegen.target == "auto"
    finally:
        brian2.prefs.codegen.target = "numpy"
