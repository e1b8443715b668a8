"""Each feature of Brian2 that the compiler reads, alone, against Brian2: every spike, every bit of the final state."""

import brian2
import numpy as np
import pytest
from brian2 import Clock, Network, NeuronGroup, PoissonGroup, SpikeGeneratorGroup, Synapses, TimedArray, linked_var, ms

import eventsim
from tests.support.brian2_runs import both, by_brian2, by_eventsim, same

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
    network.schedule = ["start", "synapses", "resets", "thresholds", "groups", "end"]
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


def _factors_times_and_several_weights():
    group = cells(equations="dv/dt = (1.3 - v)/(9*ms) : 1\nx : 1\nlast : second")
    paths = {
        "stamp": "last_post = t + 2*ms",
        "shrink": "v_post *= 0.9\nx_post /= 1 + w",
        "two": "v_post += 0.7*w*2*u\nx_post += u",
        "halves": "x_post -= w\nv_post += 0.25*w",
        "mean": "m = 3*w*u*2\nx_post += m*x_post",
    }
    synapses = wired(group, paths, model="w : 1\nu : 1", delay={"shrink": 2 * ms, "halves": 1 * ms})
    synapses.w, synapses.u = "0.013*i", "0.017*j - 0.05"
    return Network(group, synapses)


def _reads_the_sender():
    group = cells(
        equations="dv/dt = (1.3 - v)/(9*ms) : 1\ndx/dt = (v - x)/(5*ms) : 1\ng : 1\nz : 1\nn : integer",
        reset="v = 0\nn += 2", method="euler",
    )  # fmt: skip
    group.g, group.n = np.linspace(0.3, 0.7, 12), np.arange(12)
    back = {"late": "z_pre += w*x_post*g_pre", "soon": "z_post += v_post"}
    synapses = wired(group, "v_post += w*x_pre*g_post + 0.01*n_pre\nz_post -= g_pre*w", on_post=back, model="w : 1",
                     delay={"late": 3 * ms})  # fmt: skip
    synapses.w = "0.02*i"
    return Network(group, synapses)


def _writes_what_it_reads():
    group = cells(equations="dv/dt = (1.3 - v)/(9*ms) : 1 (unless refractory)\nx : 1", refractory=2 * ms)
    synapses = wired(group, "x_post += 1\nv_post += w*(e - v_post)", model="w : 1", namespace={"e": 1.5})
    synapses.w = "0.013*(i + j)"
    return Network(group, synapses)


def _statements_that_build_on_each_other():
    group = cells(equations="dv/dt = (1.3 - v)/(9*ms) : 1\nx : 1\nseen : 1\nsent : integer")
    synapses = wired(group, "x_post += w\nv_post += 0.1*x_post\nseen_post += v_post\nsent_pre += 2",
                     model="w : 1")  # fmt: skip
    synapses.w = "0.1*i"
    return Network(group, synapses)


def _integers_and_shared_variables():
    other = NeuronGroup(12, "a : 1\nb : 1 (shared)", name="other")
    other.a, other.b = np.linspace(0, 0.2, 12), 0.3
    group = cells(
        equations="""dv/dt = (level + a - v)/(9*ms) : 1
                     level = 1 + 0.1*q + b : 1
                     held = v - 0.5*sign(v - 0.4) : 1 (constant over dt)
                     q : 1 (shared)
                     spikes : integer
                     steps : integer (shared)
                     a : 1 (linked)
                     b : 1 (linked)""",
        reset="v = 0.1*(spikes % 3)\nspikes += 1", method="euler",
    )  # fmt: skip
    group.a, group.b = linked_var(other, "a", index=np.arange(12)[::-1]), linked_var(other, "b")
    group.run_regularly("q = 0.9*q + sin(t/(40*ms))\nsteps += 1\nv += 0.01*held*q", dt=4 * ms, name="sway")
    return Network(other, group, wired(group, "v_post += 0.02*spikes_post"))


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
    "factors, times and several weights": _factors_times_and_several_weights,
    "an effect that reads the sender": _reads_the_sender,
    "an effect that reads what it writes": _writes_what_it_reads,
    "statements that build on each other": _statements_that_build_on_each_other,
    "integers, shared and linked variables": _integers_and_shared_variables,
}


#: What `tests/properties` tries on random networks with the quick tests; alone, it is tried with the slow ones.
IN_RANDOM_NETWORKS = {
    "a refractory period per neuron", "a table of time", "a table with columns", "on_post",
    "on_post that writes its own neuron", "several pathways", "an effect that reads the target",
    "a boolean that changes",
}  # fmt: skip


@pytest.mark.parametrize(
    "feature", [pytest.param(f, marks=pytest.mark.slow) if f in IN_RANDOM_NETWORKS else f for f in FEATURES]
)
def test_a_feature_gives_brian2s_spikes_and_bits(feature):
    ours, theirs = both(FEATURES[feature](), TICKS)
    assert len(theirs.spikes) > 20
    assert same(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("feature", ["an effect that reads the sender", "statements that build on each other"])
def test_a_feature_whose_deliveries_reach_other_parts_gives_the_same_bits_in_two_threads(feature):
    network = FEATURES[feature]()
    compiled = eventsim.compile_network(network, namespace={})
    theirs = by_brian2(network, compiled, TICKS)
    assert same(by_eventsim(compiled, TICKS, threads=2), theirs)


@pytest.mark.slow
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
