"""Train the two small spiking transformers of runs/checkpoints with torch, and record what they do.

    pip install 'eventsim-spiking[checkpoints,train]'
    python -m runs.checkpoints.train_digits --out runs/checkpoints

Takes a few minutes on one core. Nothing else here needs torch; this script writes a .safetensors file for each model,
with the authors' names, and beside it an .npz file with the spikes of every layer for some held-out images.

The neuron is SpikingJelly's LIFNode at its defaults: h = v + (I - v)/2, a spike at h >= 1, reset to 0; backwards its
step is an arctan. Layers are trained with batch normalisation, which is then folded in; then, with weights rounded to
multiples of 1/32 between -4 and 4 in every pass, they are trained a little more. Such weights make every potential a
dyadic number, so that float32, float64 and a sum in any order say the same.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional

from runs.inputs.digits import digit_images

FIRST, CHANNELS, HIDDEN, HEADS, STEPS, CLASSES = 28, 32, 128, 2, 4, 10
FRACTION, LARGEST = 32, 127 / 32
MODELS = ("spikformer", "qkformer_token")
RECORDED_IMAGES = 24


class Step(torch.autograd.Function):
    """A step whose derivative is that of arctan(pi x)/pi."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return (x >= 0).to(x)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        return gradient / (1 + (np.pi * x) ** 2)


def lif(current, threshold=1.0):
    """Spikes (steps, ...) of neurons that receive `current` (steps, ...)."""
    v, spikes = torch.zeros_like(current[0]), []
    for now in current:
        h = v + (now - v) / 2
        spikes.append(Step.apply(h - threshold))
        v = h * (1 - spikes[-1].detach())
    return torch.stack(spikes)


def rounded(values):
    """Multiples of 1/32; backwards as if nothing had been rounded."""
    near = torch.clamp(torch.round(values * FRACTION) / FRACTION, -LARGEST, LARGEST)
    return values + (near - values).detach()


class Layer(nn.Module):
    """A convolution of (steps, batch, channels, rows, columns) and its batch normalisation, which `fold` folds in."""

    def __init__(self, inputs, outputs, kernel=1, stride=1):
        super().__init__()
        self.stride, self.padding, self.bias = stride, kernel // 2 if stride == 1 else 0, None
        spread = (inputs * kernel**2) ** -0.5
        self.weight = nn.Parameter(spread * torch.randn(outputs, inputs, kernel, kernel))
        self.norm = nn.BatchNorm2d(outputs)
        nn.init.constant_(self.norm.bias, 0.3)

    def fold(self):
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        self.bias = nn.Parameter((self.norm.bias - self.norm.running_mean * scale).detach())
        self.weight = nn.Parameter((self.weight * scale[:, None, None, None]).detach())

    def entries(self):
        """What is stored: weight and bias, rounded."""
        return tuple(rounded(values).detach().numpy() for values in (self.weight, self.bias))

    def forward(self, x):
        flat = x.flatten(0, 1)
        if self.bias is None:
            y = self.norm(functional.conv2d(flat, self.weight, None, self.stride, self.padding))
        else:
            y = functional.conv2d(flat, rounded(self.weight), rounded(self.bias), self.stride, self.padding)
        return y.reshape(*x.shape[:2], *y.shape[1:])


class DigitsTransformer(nn.Module):
    """16 tokens of 2 x 2 pixels, one block, and a linear head on the mean over tokens and steps.

    No neuron has more than 256 inputs, which is what a TrueNorth core has: so the embedding's second convolution, which
    tells tokens what surrounds them, reads 28 channels, and there is no third one for relative positions.
    """

    def __init__(self, model):
        super().__init__()
        self.model, self.spikes = model, {}
        self.proj, self.proj1 = Layer(1, FIRST, kernel=2, stride=2), Layer(FIRST, CHANNELS, kernel=3)
        inputs = "qkv" if model == "spikformer" else "qk"
        self.attention = nn.ModuleDict({name: Layer(CHANNELS, CHANNELS) for name in (*inputs, "proj")})
        self.fc1, self.fc2 = Layer(CHANNELS, HIDDEN), Layer(HIDDEN, CHANNELS)
        self.head = nn.Linear(CHANNELS, CLASSES)

    def forward(self, images):
        """Images (batch, 1, 8, 8) -> logits (batch, 10); `self.spikes` then holds the spikes of every layer."""
        fired = self.spikes = {}
        x = fired["patch_embed/proj"] = lif(self.proj(images.expand(STEPS, *images.shape)))
        x = fired["patch_embed/proj1"] = lif(self.proj1(x))
        x = x + self._attended(x)
        hidden = fired["block0/feed_forward/fc1"] = lif(self.fc1(x))
        fired["block0/feed_forward/fc2"] = lif(self.fc2(hidden))
        x = x + fired["block0/feed_forward/fc2"]
        return self.head(x.mean(dim=(-2, -1)).mean(dim=0))

    def _attended(self, x):
        fired, at = self.spikes, "block0/attention"
        per_head = (*x.shape[:2], HEADS, CHANNELS // HEADS, -1)  # (steps, batch, heads, d, tokens)
        for name in self.attention:
            if name != "proj":
                fired[f"{at}/{name}"] = lif(self.attention[name](x))
        q, k = (fired[f"{at}/{name}"].reshape(per_head) for name in "qk")
        if self.model == "spikformer":
            v = fired[f"{at}/v"].reshape(per_head)
            scores = q.transpose(-1, -2) @ k  # (.., i, j)
            mixed = fired[f"{at}/attn"] = lif(0.125 * (v @ scores.transpose(-1, -2)).reshape(x.shape), 0.5)
        else:
            mask = fired[f"{at}/attn"] = lif(q.sum(dim=-2, keepdim=True), 0.5)
            mixed = (mask * k).reshape(x.shape)
        fired[f"{at}/proj"] = lif(self.attention["proj"](mixed))
        return fired[f"{at}/proj"]

    def layers(self):
        return [module for module in self.modules() if isinstance(module, Layer)]

    def checkpoint(self):
        """float32 arrays by the names that the authors of either model use."""
        if self.model == "spikformer":
            joint, section, fc, ones = "linear", "attn", "fc", (0, 0)
        else:
            joint, section, fc, ones = "conv", "tssa", "mlp", (slice(None), 0)
        named = {"patch_embed.proj_conv": self.proj, "patch_embed.proj_conv1": self.proj1}
        small = {f"block.0.{section}.{name}_{joint}": layer for name, layer in self.attention.items()}
        small |= {f"block.0.mlp.{fc}1_{joint}": self.fc1, f"block.0.mlp.{fc}2_{joint}": self.fc2}
        entries = {"head.weight": rounded(self.head.weight), "head.bias": rounded(self.head.bias)}
        entries = {name: values.detach().numpy() for name, values in entries.items()}
        for name, layer in (named | small).items():
            weight, entries[f"{name}.bias"] = layer.entries()
            entries[f"{name}.weight"] = np.ascontiguousarray(weight[(..., *ones)] if name in small else weight)
        return entries


def shifted(images, generator):
    """Each image moved by up to one pixel up or down and left or right."""
    padded = functional.pad(images, (1, 1, 1, 1))
    first_row, first_column = torch.randint(0, 3, (2, len(images), 1), generator=generator)
    rows, columns = (first + torch.arange(size) for first, size in zip((first_row, first_column), images.shape[-2:]))
    return padded[torch.arange(len(images))[:, None, None], :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def train(net, images, labels, epochs, rate, generator, batch=64):
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * -(-len(images) // batch))
    for epoch in range(epochs):
        net.train()
        for chosen in torch.randperm(len(images), generator=generator).split(batch):
            logits = net(shifted(images[chosen], generator))
            loss = functional.cross_entropy(logits, labels[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        if epoch % 5 == 4:
            print(f"  epoch {epoch + 1} of {epochs}: loss {loss.item():.3f}", flush=True)


def accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        return float((net(images).argmax(dim=1) == labels).double().mean())


def rounded_head(net):
    with torch.no_grad():
        for values in net.head.parameters():
            values.copy_(rounded(values))


def recording(net, images):
    """Logits of all images; of the first few the spikes of every layer, (images, steps, tokens, channels) in bits."""
    net.eval()
    with torch.no_grad():
        logits = net(images)
        arrays = {"logits": logits.numpy()}
        for path, spikes in net.spikes.items():
            kept = spikes[:, :RECORDED_IMAGES].transpose(0, 1).numpy()
            # a mask of tokens has (heads, 1, tokens) for channels, rows and columns
            kept = kept.transpose(0, 1, 2, 4, 3) if path.endswith("attn") and kept.shape[3] == 1 else (
                kept.reshape(*kept.shape[:3], -1).swapaxes(-1, -2))  # fmt: skip
            arrays[f"{path}.shape"] = np.array(kept.shape)
            arrays[path] = np.packbits(kept.astype(bool))
        exact = net.double()(images.double())
        assert torch.equal(exact.argmax(dim=1), logits.argmax(dim=1))
    return arrays


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/checkpoints"))
    parser.add_argument("--epochs", type=int, nargs=2, default=(80, 20), help="before and after folding")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    data = digit_images()
    train_x, test_x = (torch.tensor(x / 16, dtype=torch.float32)[:, None] for x in (data.images, data.held_out))
    train_y, test_y = torch.tensor(data.labels), torch.tensor(data.answers)
    for model in MODELS:
        torch.manual_seed(0)
        generator = torch.Generator().manual_seed(0)
        net = DigitsTransformer(model)
        train(net, train_x, train_y, chosen.epochs[0], 6e-3, generator)
        for layer in net.layers():
            layer.fold()
        train(net, train_x, train_y, chosen.epochs[1], 1e-3, generator)
        rounded_head(net)
        print(f"{model}: {accuracy(net, test_x, test_y):.4f} of {len(test_y)} held-out images", flush=True)
        save_file(net.checkpoint(), chosen.out / f"digits_{model}.safetensors")
        np.savez_compressed(chosen.out / f"digits_{model}_recording.npz", **recording(net, test_x))


if __name__ == "__main__":
    main()
