"""NEST's precise-time neurons on the same tables: the same spikes in the same order, within 1e-9 ms."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eventsim.continuous import engine, kernel, rounds
from tests.eventsim.continuous import hand_made
from tests.eventsim.continuous.runs import run_exactly

pytestmark = pytest.mark.optional

TAU_MS, C_PF = 20.0, 250.0

#: Lines of a round after which, in the mutant, nothing else may arrive before thresholds are tested.
_NEXT = " " * 12 + "first, stop = following, its_stop\n"
_IDLE = " " * 12 + "take_out(heap, due, lane_id)\n"


def _by_nest(model, parameters, v, synapses, duration_ms):
    """(times in ms, neurons) of NEST's spikes."""
    nest = pytest.importorskip("nest")
    pre, post, weight, delay = synapses
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution = hand_made.TICK_MS
    cells = nest.Create(model, v.size, params=parameters)
    cells.V_m = v
    wiring = {"weight": weight, "delay": delay * hand_made.TICK_MS, "synapse_model": "static_synapse"}
    nest.Connect(pre + 1, post + 1, "one_to_one", syn_spec=wiring)
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(duration_ms)
    return recorder.events["times"], recorder.events["senders"] - 1


def _random(n, degree, seed, excitatory, inhibitory):
    """Synapses of a random network: multapses, and only three delays, so that many arrivals are simultaneous."""
    rng = np.random.default_rng(seed)
    pre = np.repeat(np.arange(n), degree)
    post = rng.integers(0, n, n * degree)
    post[1::10] = post[::10]
    weight = np.where(pre < 0.8 * n, excitatory, inhibitory)
    return (pre, post, weight, rng.choice([10, 15, 20], n * degree)), rng


def _sorted(time_ms, neuron):
    order = np.lexsort((neuron, np.round(time_ms, 7)))
    return time_ms[order], neuron[order].tolist()


def _delta(seed=1, ms=100.0):
    n = 1200
    synapses, rng = _random(n, 60, seed, 1.0, -5.0)
    v = rng.uniform(0, 20, n)
    v[:300] = v[0]  # who starts together fires together
    cells = hand_made.lif("cells", n, tau=TAU_MS / 1e3, drive=24.0, reset=10.0, v=v, refractory_s=2e-3)
    pre, post, weight, delay = synapses
    network = hand_made.network([cells], [hand_made.wires("cells", "cells", pre, post, weight, delay)],
                                ticks=round(ms / hand_made.TICK_MS))  # fmt: skip
    parameters = {"tau_m": TAU_MS, "C_m": C_PF, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0,
                  "I_e": 24.0 * C_PF / TAU_MS}  # fmt: skip
    return network, _by_nest("iaf_psc_delta_ps", parameters, v, synapses, ms)


def test_delta_synapses_give_nests_spikes_with_ties_and_multapses():
    # Over 100 ms: the network is chaotic, a difference grows tenfold in about 50 ms whatever the arithmetic.
    network, theirs = _delta()
    found = run_exactly(network)
    times, neurons = _sorted(*theirs)
    ours, our_neurons = _sorted(found.time_ms, found.neuron)
    assert len(neurons) > 3000
    assert np.unique(found.time_ms).size < 0.9 * found.time_ms.size  # ties are common
    assert our_neurons == neurons
    assert np.abs(ours - times).max() <= 1e-9


def test_a_kernel_that_tests_after_every_single_arrival_gives_other_spikes(monkeypatch):
    network, theirs = _delta()
    source = Path(rounds.__file__).read_text()
    one_by_one = source.replace(_NEXT, _NEXT + " " * 12 + "break\n").replace(_IDLE, _IDLE + " " * 8 + "break\n")
    assert one_by_one.count("break\n") == source.count("break\n") + 2
    mutant, mutant_rounds = {"__name__": "mutant"}, ModuleType("mutant_rounds")
    monkeypatch.setitem(sys.modules, "mutant_rounds", mutant_rounds)
    exec(one_by_one, vars(mutant_rounds))
    exec(Path(kernel.__file__).read_text().replace(rounds.__name__, "mutant_rounds"), mutant)
    monkeypatch.setattr(engine, "run", mutant["run"])
    found = run_exactly(network)
    assert _sorted(found.time_ms, found.neuron)[1] != _sorted(*theirs)[1]


@pytest.mark.parametrize("tau_in, inhibitory", [(2.0, -200.0), (5.0, -60.0)])
def test_exponential_currents_give_nests_spikes(tau_in, inhibitory):
    n, ms, tau_ex = 1000, 60.0, 2.0
    (pre, post, weight, delay), rng = _random(n, 60, 2, 60.0, inhibitory)
    v = rng.uniform(0, 15, n)
    one = tau_in == tau_ex
    rates = {"v": "(drive - v)/tau + (a + b)/c" if not one else "(drive - v)/tau + a/c", "a": "-a/tau_ex"}
    rates |= {} if one else {"b": "-b/tau_in"}
    constants = {"tau": TAU_MS / 1e3, "drive": 18.0, "c": C_PF * 1e-3, "theta": 15.0, "tau_ex": tau_ex / 1e3,
                 "tau_in": tau_in / 1e3}  # fmt: skip
    cells = hand_made.Cells("cells", n, state={"v": v, "a": 0.0} | ({} if one else {"b": 0.0}), rates={
        **rates, "v": f"int(not_refractory)*({rates['v']})"}, constants=constants, condition="v >= theta",
        reset=("v = 0.0",), refractory_s=2e-3, guarded=("v",))  # fmt: skip
    excites = weight > 0
    inhibited = "a" if one else "b"
    wired = [
        hand_made.wires("cells", "cells", pre[excites], post[excites], weight[excites], delay[excites], variable="a"),
        hand_made.wires("cells", "cells", pre[~excites], post[~excites], weight[~excites], delay[~excites],
                        variable=inhibited),
    ]  # fmt: skip
    found = run_exactly(hand_made.network([cells], wired, ticks=round(ms / hand_made.TICK_MS)))
    parameters = {"tau_m": TAU_MS, "C_m": C_PF, "E_L": 0.0, "V_th": 15.0, "V_reset": 0.0, "t_ref": 2.0,
                  "I_e": 18.0 * C_PF / TAU_MS, "tau_syn_ex": tau_ex, "tau_syn_in": tau_in}  # fmt: skip
    times, neurons = _sorted(*_by_nest("iaf_psc_exp_ps", parameters, v, (pre, post, weight, delay), ms))
    ours, our_neurons = _sorted(found.time_ms, found.neuron)
    assert len(neurons) > 1500
    assert our_neurons == neurons
    assert np.abs(ours - times).max() <= 1e-9
