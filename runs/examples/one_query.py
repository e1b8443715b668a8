"""One handwritten digit through softmax attention, spike by spike: the picture of the README."""

from pathlib import Path

import circuits
import eventsim
from analysis.plots import raster
from runs.inputs.digits import digits

data = digits(support=60, queries=1, seed=2)
attention = circuits.StoredKeyAttention(data.keys, data.values, beta=12.0, active_ticks=600, encode_ticks=128)
trace = eventsim.simulate(eventsim.compile_network(attention.network()), attention.stimulus(data.queries))

spikes, rows = trace.spikes(), []
names = {"input": "pixels", "softmax/pool": "labelled images", "softmax/relay": "inhibition", "output": "answers"}
for path, (start, stop) in attention.labels().items():
    if path in names:
        mine = (spikes.neuron >= start) & (spikes.neuron < stop)
        rows.append((names[path], spikes.tick[mine], spikes.neuron[mine] - start, stop - start))
phases = attention.phases
marks = [(0, "the image comes in"), (phases.warmup_ticks, "softmax by lateral inhibition")]
answer = attention.decode(trace)[0]
figure = raster(rows, marks, f"A handwritten {data.answers[0]}, read as {answer.argmax()} by spikes")

picture = Path("out/examples/one_query.png")
picture.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(picture, dpi=110, bbox_inches="tight")
print(f"spikes of the ten answers: {answer}; the image is a {data.answers[0]}", f"written: {picture}", sep="\n")
