"""A spiking transformer that torch trained on handwritten digits, synapse by synapse; every stage fires as in torch."""

from pathlib import Path

from matplotlib.figure import Figure

import eventsim
from circuits.classifier import Classifier
from circuits.trained_model import load_transformer
from runs.checkpoints import CHECKPOINTS, recorded
from runs.experiments.spikformer_digits import STEPS, TRAINED
from runs.inputs.digits import digit_images

model = load_transformer(CHECKPOINTS / "digits_spikformer.safetensors", "spikformer", **TRAINED)
circuit, data, shown = Classifier(model, steps=STEPS), digit_images(), 2
network = eventsim.compile_network(circuit.network())
trace = eventsim.simulate(network, circuit.shown(data.held_out[:shown]))
print(f"{network.n_neurons:,} neurons, {network.n_synapses:,} synapses, {trace.n_spikes / shown:,.0f} spikes an image")

logits, stages = recorded("spikformer")  # torch's forward pass, written down when the model was trained
maps = {"the image": data.held_out[0]}
for stage, torchs in stages.items():
    made, expected = circuit.decode(trace, stage), torchs[:shown]
    print(f"  {stage:<24}{expected.sum():>6,} spikes in torch, {(made != expected).sum()} differ here")
    maps[stage.removeprefix("block0/")] = made[0].sum(axis=0)  # over the steps: (tokens, channels)
read, in_torch = (rows[:shown].argmax(axis=1) for rows in (circuit.logits(trace), logits))
print(f"read as {read.tolist()}, by torch as {in_torch.tolist()}; they are {data.answers[:shown].tolist()}")

figure = Figure(figsize=(11, 4.6), layout="constrained")
for ax, (name, spikes) in zip(figure.subplots(2, 5).flat, maps.items()):
    ax.imshow(spikes, cmap="Greys", aspect="auto", interpolation="nearest")
    ax.set(title=name, xticks=[], yticks=[])
figure.suptitle(f"Spikes in {STEPS} steps: a token in each row, a channel in each column")
picture = Path("out/examples/a_trained_block.png")
picture.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(picture, dpi=110)
print(f"written: {picture}")
