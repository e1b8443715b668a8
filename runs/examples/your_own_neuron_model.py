"""A neuron model of one's own: equations as Brian2 writes them, compiled, and compared with Brian2 spike for spike."""

import brian2 as b2
import numpy as np

import eventsim
from circuits import Circuit, NeuronModel

b2.prefs.codegen.target = "numpy"


def Bursting(tau_ms=20.0, tau_w_ms=100.0, step=0.1):
    """LIF with an adaptation current: dv/dt = (drive - v - w)/tau, dw/dt = -w/tau_w; a spike adds `step` to w."""
    return NeuronModel(
        kind="bursting",
        equations="dv/dt = (drive - v - w)/tau : 1\ndw/dt = -w/tau_w : 1",
        threshold="v > 1",
        reset="v = 0; w += step",
        state={"v": 0.0, "w": 0.0},
        parameters={"tau": ("second", tau_ms / 1e3), "tau_w": ("second", tau_w_ms / 1e3), "step": ("1", step),
                    "drive": ("1", 1.5)},
        receptors={"v": "v"},
    )  # fmt: skip


circuit = Circuit("adapting", dt_ms=0.1)
cells = circuit.neurons("cells", 20, Bursting())
circuit.connect(cells, cells, np.full((20, 20), 0.01), delay_ms=2.0)

network = circuit.network()
monitors = [b2.SpikeMonitor(group) for group in network.objects if isinstance(group, b2.NeuronGroup)]
network.add(*monitors)
trace = eventsim.simulate(eventsim.compile_network(network), duration_ms=500)
network.run(500 * b2.ms)

ours = trace.spikes()
theirs = sorted((round(t / 1e-4), int(i)) for monitor in monitors for t, i in zip(monitor.t_, monitor.i))
same = list(zip(ours.tick.tolist(), ours.neuron.tolist())) == theirs
print(f"{ours.tick.size} spikes here, {len(theirs)} in Brian2: {'every one the same' if same else 'they differ'}")
times = ours.tick[ours.neuron == 0] * trace.dt_ms
print(f"cell 0 slows down: intervals of {np.round(np.diff(times)[:6], 1)} ms")
