"""Why a neuron fired, and why another did not: arrivals, potential and threshold, replayed from the trace alone."""

from pathlib import Path

import analysis
import eventsim
from circuits import LIF, Circuit

circuit = Circuit("coincidence")
inputs = circuit.inputs("inputs", 3)
detector = circuit.neuron("detector", LIF(tau_ms=5.0, v_th=1.0))
for k, delay_ms in enumerate((0.0, 2.0, 4.0)):
    circuit.synapse(inputs[k], detector, 0.45, delay_ms=delay_ms)

network = eventsim.compile_network(circuit.network())
first, second, third = circuit.neuron_ids(inputs)
together, apart = [(14, first), (12, second), (10, third)], [(40, first), (46, second), (52, third)]
tick, neuron = zip(*sorted(together + apart), strict=True)
trace = eventsim.simulate(network, eventsim.Stimulus.of(tick, neuron, duration_ticks=80))

fired = int(trace.spikes(label="detector").tick[0])
explained = analysis.why(trace, "detector[0]", fired, ticks=10)
print(explained, end="\n\n")
print(analysis.why(trace, "detector[0]", 57, ticks=20))

picture = Path("out/examples/why_did_it_spike.png")
picture.parent.mkdir(parents=True, exist_ok=True)
explained.plot(picture)
print(f"\nwritten: {picture}")
