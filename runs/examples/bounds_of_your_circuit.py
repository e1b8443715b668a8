"""Which of sixteen messages was it? One circuit, three codes: the spikes that cross it beside the spikes it needs.

The cut is a row of relays that all has to pass. A bound is as good as its fit to the code: no code of four binary
lines can do with fewer spikes than this one, while one line that counts is far from the bound for spikes in time and
near the one for counts.
"""

import numpy as np

import eventsim
from analysis.spike_bounds import measure_bounds, read_task
from circuits import Circuit, IntegrateFire
from circuits.readout import count_by_query

messages = np.arange(16)
codes = {  # (messages, lines): spikes that each message sends over each line
    "a line for each message": np.eye(16, dtype=int),
    "four binary lines": messages[:, None] >> np.arange(4) & 1,
    "one line that counts": messages[:, None],
}
for name, code in codes.items():
    lines, ticks = code.shape[1], code.max()
    circuit = Circuit("relays")
    inputs, relays = circuit.inputs("inputs", lines), circuit.neurons("relays", lines, IntegrateFire())
    circuit.one_to_one(inputs, relays)
    network = eventsim.compile_network(circuit.network())

    message, line = np.repeat(np.argwhere(code), code[code > 0], axis=0).T
    place = np.concatenate([np.arange(n) for n in code[code > 0]])  # of each spike in its train
    start = messages * (ticks + 1)
    windows = np.column_stack([start, start + ticks + 1])
    sent = eventsim.Stimulus.of(start[message] + place, circuit.neuron_ids(inputs)[line], windows)
    trace = eventsim.simulate(network, sent)

    counts = count_by_query(trace, circuit.neuron_ids(relays))
    read = np.abs(counts[:, None] - code).sum(axis=2).argmin(axis=1)
    task = read_task(trace, name, cuts=["relays"], reference=np.eye(16), decoded=np.eye(16)[read], answers=messages,
                     ticks=int(ticks))  # fmt: skip
    print(f"{name}: {(read == messages).sum()} of 16 read rightly", measure_bounds(trace, task), sep="\n", end="\n\n")
