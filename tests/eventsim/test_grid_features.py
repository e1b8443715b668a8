"""Each feature of Brian2 that the compiler reads, alone, against Brian2: every spike, every bit of the final state."""

import brian2
import numpy as np
import pytest
from brian2 import Clock, Network, NeuronGroup, PoissonGroup, SpikeGeneratorGroup, Synapses, TimedArray, ms

import eventsim
from tests.support.brian2_runs import both, same

TICKS = 300


pytestmark = pytest.mark.usefixtures("one_millisecond")


def cells(n=12, equations="dv/dt = (1.3 - v)/(9*ms) : 1", seed=0, **options):
    group = NeuronGroup(
        n, equations, **({"threshold": "v >= 1", "reset": "v = 0", "method": "exact", "name": "cells"} | options)
    )
    group.v = np.random.default_rng(seed).random(n)
    return group


def wired(group, on_pre="v_post += 0.25", seed=1, n_synapses=40, **options):
    rng = np.random.default_rng(seed)
    synapses = Synapses(group, group, options.pop("model", ""), on_pre=on_pre, name="wires", **options)
    synapses.connect(i=rng.integers(0, len(group), n_synapses), j=rng.integers(0, len(group), n_synapses))
    return synapses


def _refractory_per_neuron():
    group = cells(
        equations="dv/dt = (1.3 - v)/(9*ms) : 1 (unless refractory)\nlength : second (constant)", refractory="length"
    )
    group.length = np.arange(12) * ms
    return Network(group, wired(group))


def _refractory(condition, frozen=""):
    group = cells(equations=f"dv/dt = (1.3 - v)/(9*ms) : 1 {frozen}", refractory=condition)
    return Network(group, wired(group, delay=2 * ms))


def _two_equations():
    group = cells(equations="dv/dt = (s - v)/(9*ms) : 1 (unless refractory)\nds/dt = -s/(4*ms) : 1", refractory=3 * ms)
    group.run_regularly("s = s + 2", dt=5 * ms)
    return Network(group, wired(group, "s_post += 1"))


def _table(values, expression):
    group = cells(equations=f"dv/dt = (drive - v)/(9*ms) : 1\ndrive = {expression} : 1", method="euler",
                  namespace={"table": TimedArray(values, dt=7 * ms)})  # fmt: skip
    return Network(group, wired(group))


def _clocks():
    slow, fast = Clock(4 * ms, name="slow"), Clock(1 * ms, name="fast")
    late = cells(name="late", clock=slow)
    early = cells(name="early", clock=fast)
    generator = SpikeGeneratorGroup(3, [0, 1, 2, 0], [4, 8, 8, 40] * ms, clock=slow, name="input")
    joined = [
        Synapses(a, b, on_pre="v_post += 0.3", delay=d * ms, name=f"{a.name}_{b.name}", clock=a.clock)
        for a, b, d in ((late, early, 8), (early, late, 3), (generator, early, 4), (generator, late, 0))
    ]
    for synapses in joined:
        synapses.connect(p=1)
    return Network(late, early, generator, *joined)


def _on_post():
    group = cells()
    return Network(group, wired(group, "v_post += 0.2", on_post="v_pre += 0.1"))


def _own_effect_on_post():
    group = cells(equations="dv/dt = (1.3 - v)/(9*ms) : 1\nx : 1")
    return Network(group, wired(group, "v_post += 0.2", on_post="x_post += 1", delay=3 * ms))


def _writes_pre():
    group = cells()
    return Network(group, wired(group, "v_pre -= 0.125"))


def _several_pathways():
    group = cells(equations="dv/dt = (1.3 - v)/(9*ms) : 1\nx : 1")
    paths = {"up": "v_post += w", "count": "x_post += 1"}
    synapses = wired(group, paths, model="w : 1", delay={"count": 5 * ms})
    synapses.w = "0.01*i - 0.005*j"
    return Network(group, synapses)


def _reads_the_target():
    group = cells(equations="dv/dt = (1.3 - v)/(9*ms) : 1\ngain : 1 (constant)\nx : 1")
    group.gain = np.linspace(0.5, 2, 12)
    synapses = wired(group, "x_post += w*gain_post + 0.5*v_post", model="w : 1")
    synapses.w = "0.1*i"
    return Network(group, synapses)


def _subgroups():
    group = cells(30)
    synapses = Synapses(group[5:15], group[20:], on_pre="v_post += 0.4", name="wires")
    synapses.connect(p=1)
    return Network(group, synapses)


def _schedule():
    group = cells()
    network = Network(group, wired(group))
    network.schedule = ["start", "thresholds", "groups", "resets", "synapses", "end"]
    return network


def _order():
    group = cells(equations="dv/dt = (1.3 - v)/(9*ms) : 1\nx : 1")
    group.run_regularly("x = v", when="end", order=2, name="copy")
    group.run_regularly("v = v*0.99", when="end", order=1, name="shrink")
    return Network(group, wired(group))


def _boolean():
    group = cells(equations="dv/dt = (1.3 - v)/(9*ms) : 1\nfired : boolean", reset="v = 0\nfired = True",
                  threshold="v >= 1 and not fired")  # fmt: skip
    group.run_regularly("fired = False", dt=20 * ms)
    return Network(group, wired(group))


FEATURES = {
    "a refractory period": lambda: _refractory(3 * ms),
    "a refractory period that freezes": lambda: _refractory(3 * ms, "(unless refractory)"),
    "a refractory period per neuron": _refractory_per_neuron,
    "a refractory condition": lambda: _refractory("v < 0.4"),
    "a frozen variable beside one that moves": _two_equations,
    "a table of time": lambda: _table(np.array([1.1, 1.6, 0.2, 1.4, 2.0]), "table(t)"),
    "a table with columns": lambda: _table(np.random.default_rng(3).random((6, 12)) * 2, "table(t, i)"),
    "several clocks": _clocks,
    "on_post": _on_post,
    "on_post that writes its own neuron": _own_effect_on_post,
    "on_pre that writes the sender": _writes_pre,
    "several pathways": _several_pathways,
    "an effect that reads the target": _reads_the_target,
    "subgroups": _subgroups,
    "another schedule": _schedule,
    "when and order": _order,
    "a boolean that changes": _boolean,
}


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_gives_brian2s_spikes_and_bits(feature):
    ours, theirs = both(FEATURES[feature](), TICKS)
    assert len(theirs.spikes) > 20
    assert same(ours, theirs)


def test_rekeyed_noise_has_the_statistics_of_brian2s():
    noise = PoissonGroup(400, 50 * brian2.Hz, name="noise")
    group = cells(400, "dv/dt = -v/(20*ms) + 0.1*xi*ms**-0.5 : 1", method="euler", name="walkers")
    group.v = 0
    network = Network(noise, group)
    compiled = eventsim.compile_network(network, noise="rekey", seed=5)
    trace = eventsim.simulate(compiled, duration_ms=1000)
    per_neuron = len(trace.spikes("noise")) / 400
    assert per_neuron == pytest.approx(50, abs=4 * np.sqrt(50 / 400))
    again = eventsim.simulate(eventsim.compile_network(network, noise="rekey", seed=6), duration_ms=1000)
    assert len(again.spikes("walkers")) > 100
    assert trace.manifest["spikes_hash"] != again.manifest["spikes_hash"]
