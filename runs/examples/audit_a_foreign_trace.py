"""Spikes that Brian2 recorded itself become a trace, and are audited; then one spike is lost, and the audit says which.

The audit replays each neuron from its inputs alone. It needs the network and the spikes, not the engine that made them.
"""

import brian2 as b2
import numpy as np

import eventsim
from analysis.audit import audit

b2.prefs.codegen.target = "numpy"
b2.defaultclock.dt = 0.1 * b2.ms
equations = "dv/dt = (drive - v)/(20*ms) : 1\ndrive : 1"
cells = b2.NeuronGroup(50, equations, threshold="v > 1", reset="v = 0", method="exact", name="cells")
cells.drive = np.linspace(0.9, 1.3, 50)
wires = b2.Synapses(cells, cells, on_pre="v_post += 0.02", delay=1.5 * b2.ms, name="wires")
wires.connect(i=np.arange(50), j=(np.arange(50) + 7) % 50)
monitor = b2.SpikeMonitor(cells)
network = b2.Network(cells, wires, monitor)

compiled = eventsim.compile_network(network)  # before the run: it reads the start values
network.run(200 * b2.ms)
trace = eventsim.trace_from_brian2(network, compiled)
print(f"Brian2 recorded {monitor.num_spikes} spikes", audit(trace), sep="\n")

spikes, lost = trace.spikes(), 100
kept = np.arange(spikes.tick.size) != lost
broken = eventsim.Trace.from_arrays(compiled, spikes.neuron[kept], tick=spikes.tick[kept], duration_ms=200)
print(f"\nwithout the spike of neuron {spikes.neuron[lost]} at tick {spikes.tick[lost]}:", audit(broken), sep="\n")
