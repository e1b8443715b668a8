"""The networks that speed and identity are measured on, as plain Brian2 scripts would write them.

Wiring is drawn in numpy from a seed and handed to `Synapses.connect(i=, j=)`, so that every simulator gets the same
synapses. Each function returns a brian2.Network.
"""

import brian2
import numpy as np
from brian2 import ms, mV

__all__ = ["coincidence", "cuba", "delta_lif", "hardware_like", "integrators"]


def cuba(n=4000, fan_in=80, seed=0):
    """B1: exponential currents, no delay (Vogels and Abbott, J. Neurosci. 25 (2005) 10786).

    4,000 neurons, four in five excitatory, connected with probability 0.02, refractory for 5 ms, dt 0.1 ms. B1x10 is
    `cuba(40_000)`: ten times the neurons at the same fan-in.
    """
    rng = np.random.default_rng(seed)
    clock = brian2.Clock(0.1 * ms)
    neurons = brian2.NeuronGroup(
        n,
        """dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
           dge/dt = -ge/taue : volt
           dgi/dt = -gi/taui : volt""",
        threshold="v > Vt", reset="v = Vr", refractory=5 * ms, method="exact", name="cuba", clock=clock,
        namespace={"taum": 20 * ms, "taue": 5 * ms, "taui": 10 * ms, "Vt": -50 * mV, "Vr": -60 * mV, "El": -49 * mV},
    )  # fmt: skip
    neurons.v = (-60 + 10 * rng.random(n)) * mV
    n_excitatory = (4 * n) // 5
    excitatory = brian2.Synapses(neurons, neurons, on_pre="ge_post += we", name="excitatory",
                                 namespace={"we": 1.62 * mV}, clock=clock)  # fmt: skip
    inhibitory = brian2.Synapses(neurons, neurons, on_pre="gi_post += wi", name="inhibitory",
                                 namespace={"wi": -9 * mV}, clock=clock)  # fmt: skip
    for synapses, senders in ((excitatory, np.arange(n_excitatory)), (inhibitory, np.arange(n_excitatory, n))):
        _connect_at_random(synapses, senders, n, fan_in / n, rng)
    return brian2.Network(neurons, excitatory, inhibitory)


def delta_lif(n=10_000, fan_out=1000, seed=0):
    """B2: leaky integrate-and-fire with delta synapses (Brunel, J. Comput. Neurosci. 8 (2000) 183), constant drive.

    10,000 neurons with 1,000 synapses each, delay 1.5 ms, membrane time constant 20 ms, threshold 20 mV, reset 10 mV,
    refractory for 2 ms, drive 24 mV, dt 0.1 ms.
    """
    rng = np.random.default_rng(seed)
    clock = brian2.Clock(0.1 * ms)
    neurons = brian2.NeuronGroup(
        n, "dv/dt = (drive - v)/tau : volt (unless refractory)", threshold="v > theta", reset="v = v_reset",
        refractory=2 * ms, method="exact", name="lif", clock=clock,
        namespace={"tau": 20 * ms, "theta": 20 * mV, "v_reset": 10 * mV, "drive": 24 * mV},
    )  # fmt: skip
    neurons.v = 20 * rng.random(n) * mV
    synapses = brian2.Synapses(neurons, neurons, "w : volt", on_pre="v_post += w", delay=1.5 * ms, name="delta",
                               clock=clock)  # fmt: skip
    synapses.connect(i=np.repeat(np.arange(n), fan_out), j=rng.integers(0, n, n * fan_out))
    excitatory = np.repeat(np.arange(n) < (4 * n) // 5, fan_out)
    synapses.variables["w"].set_value(np.where(excitatory, 0.1e-3, -0.5e-3) * 1000 / fan_out)
    return brian2.Network(neurons, synapses)


def coincidence(tokens=64, dimensions=64, rate_hz=10.0, duration_ms=1000.0, seed=0):
    """B3: attention-like. Spiking queries and keys, a coincidence neuron for each (query, key, dimension), scores.

    2 x 64 x 64 rate-coded inputs, 262,144 coincidence neurons of fan-in 2 (two spikes within 0.6 ms), 4,096 score
    neurons; dt 0.1 ms. Nearly all neurons are idle nearly always: 0.002 synaptic events per neuron and step.
    """
    rng = np.random.default_rng(seed)
    clock = brian2.Clock(0.1 * ms)
    n_inputs, n_pairs = 2 * tokens * dimensions, tokens * tokens * dimensions
    steps = round(duration_ms / 0.1)
    neuron, step = np.nonzero(rng.random((n_inputs, steps)) < rate_hz * 1e-4)
    inputs = brian2.SpikeGeneratorGroup(n_inputs, neuron, step * 0.1 * ms, name="inputs", clock=clock)
    gates, scores = (
        brian2.NeuronGroup(size, "dv/dt = -v/tau : 1", threshold="v > theta", reset="v = 0", method="exact", name=name,
                           clock=clock, namespace={"tau": tau, "theta": theta})
        for name, size, tau, theta in (("gates", n_pairs, 2 * ms, 1.65), ("scores", tokens**2, 20 * ms, 3.0))
    )  # fmt: skip
    query, key, dimension = np.unravel_index(np.arange(n_pairs), (tokens, tokens, dimensions))
    senders = np.concatenate([query * dimensions + dimension, (tokens + key) * dimensions + dimension])
    into_gates = brian2.Synapses(inputs, gates, on_pre="v_post += 1", name="into_gates", clock=clock)
    into_gates.connect(i=senders, j=np.tile(np.arange(n_pairs), 2))
    into_scores = brian2.Synapses(gates, scores, on_pre="v_post += 1", name="into_scores", clock=clock)
    into_scores.connect(i=np.arange(n_pairs), j=query * tokens + key)
    return brian2.Network(inputs, gates, scores, into_gates, into_scores)


def hardware_like(n=131_072, fan_out=128, cluster=None, inside=0.8, shuffled=False, seed=0):
    """B4: one tick per step, as on a chip: leaky neurons with a bias, 131,072 x 128 synapses of delay 1.

    dt 1 ms, about 17.6 spikes per neuron and second. With a `cluster`, neurons stand in clusters of so many, to which
    the part `inside` of the synapses of each goes; `n` is a multiple of it. `shuffled` neurons are in random order, so
    that it takes a placer to find the clusters.
    """
    rng = np.random.default_rng(seed)
    clock = brian2.Clock(1 * ms)
    neurons = brian2.NeuronGroup(
        n, "dv/dt = (drive - v)/tau : 1", threshold="v > 1", reset="v = 0", method="exact", name="neurons",
        clock=clock, namespace={"tau": 20 * ms, "drive": 1.055},
    )  # fmt: skip
    neurons.v = rng.random(n)
    synapses = brian2.Synapses(neurons, neurons, "w : 1", on_pre="v_post += w", delay=1 * ms, name="synapses",
                               clock=clock)  # fmt: skip
    pre, post = np.repeat(np.arange(n), fan_out), rng.integers(0, n, n * fan_out)
    if cluster is not None:
        at_home = pre // cluster * cluster + post % cluster
        post = np.where(rng.random(post.size) < inside, at_home, post)
    weights, ids = rng.choice([0.01, -0.01], n * fan_out), rng.permutation(n) if shuffled else np.arange(n)
    synapses.connect(i=ids[pre], j=ids[post])
    synapses.variables["w"].set_value(weights)
    return brian2.Network(neurons, synapses)


def integrators(n=4096, fan_out=128, duration_ms=1000.0, seed=0):
    """What SANA-FE runs too: perfect integrators with whole weights and no delays, driven by sources, reset before
    their synapses deliver.

    64 sources fire in three ticks of ten. A spike's weights come to seven tenths of a threshold, so that activity is
    steady: about one neuron in ninety fires in a tick. dt 1 ms.
    """
    rng = np.random.default_rng(seed)
    clock, n_sources, mean_weight, passed_on = brian2.Clock(1 * ms), 64, 2, 0.7
    neuron, step = np.nonzero(rng.random((n_sources, round(duration_ms))) < 0.3)
    sources = brian2.SpikeGeneratorGroup(n_sources, neuron, step * ms, name="sources", clock=clock)
    threshold = round(fan_out * mean_weight / passed_on) + 0.5
    neurons = brian2.NeuronGroup(n, "v : 1", threshold="v > theta", reset="v = 0", name="neurons", clock=clock,
                                 namespace={"theta": threshold})  # fmt: skip
    wires = []
    for senders, name in ((sources, "inputs"), (neurons, "recurrence")):
        synapses = brian2.Synapses(senders, neurons, "w : 1", on_pre="v_post += w", name=name, clock=clock)
        targets = np.concatenate([rng.choice(n, fan_out, replace=False) for _ in range(len(senders))])
        synapses.connect(i=np.repeat(np.arange(len(senders)), fan_out), j=targets)
        synapses.variables["w"].set_value(rng.integers(1, 2 * mean_weight, targets.size).astype(float))
        wires.append(synapses)
    network = brian2.Network(sources, neurons, *wires)
    network.schedule = ["start", "groups", "thresholds", "resets", "synapses", "end"]
    return network


def _connect_at_random(synapses, senders, n, probability, rng):
    """Each pair with the same probability, as many synapses per sender as a binomial draws."""
    degree = rng.binomial(n, probability, senders.size)
    synapses.connect(i=np.repeat(senders, degree), j=rng.integers(0, n, degree.sum()))
