"""The tasks of calibration: functions on synthetic spectra, handwritten digits and patches of photographs."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn
from sklearn.datasets import load_digits, load_sample_images

from analysis.calibration import Attention, Layered, Task
from circuits.maps import Linear

__all__ = ["CALIBRATED", "FAMILIES", "NEW", "Source", "functions", "rotation", "tasks"]

#: Tokens of a data set, half of them for training.
_TOKENS = 3000

#: Side of a digit, and of a patch before it is averaged down.
_SIDE = 8

#: Channels that vary less, over the one that varies most, are left out: corners of digits that are always blank.
_LEAST = 1e-3

#: More channels than that no attention head is built for: it has a neuron for each pair of tokens and channel.
_CHANNELS_OF_HEADS = 32

#: Kinds of functions.
FAMILIES = ("linear", "pooling", "relu network", "hard tanh", "attention")

#: Data sets by name: what makes them, its arguments, and the basis. Those that constants are fitted to and tested on,
#: and others, seen by no fit, that designs are tried on.
CALIBRATED = {
    "k^0": ("spectra", (0.0, 16), "own"), "k^-1, 8": ("spectra", (1.0, 8), "own"),
    "k^-1, 32": ("spectra", (1.0, 32), "own"), "k^-2": ("spectra", (2.0, 16), "own"),
    "k^-2 turned": ("spectra", (2.0, 16), "turned"), "digits, pixels": ("digits", (4,), "own"),
    "digits, 64 pixels": ("digits", (8,), "own"), "patches, pixels": ("photographs", (4,), "own"),
    "patches, cosines": ("photographs", (4,), "cosines"),
}  # fmt: skip
NEW = {
    "k^-1.5 turned": ("spectra", (1.5, 24), "turned"), "digits, cosines": ("digits", (4,), "cosines"),
    "patches, components": ("photographs", (4,), "components"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Source:
    """Tokens of one data set in one basis.

    Parameters
    ----------
    dataset, name : str
    tokens : (S, d) array
        Shuffled.
    """

    dataset: str
    name: str
    tokens: np.ndarray

    @classmethod
    def of(cls, name, recipe, seed):
        """The source that an entry of CALIBRATED or NEW describes."""
        dataset, arguments, basis = recipe
        rng = np.random.default_rng([seed, *name.encode()])
        tokens = rng.permutation(_MAKERS[dataset](rng, *arguments))
        encoded = _BASES[basis](rng, tokens)
        spread = encoded[: len(encoded) // 2].std(axis=0)
        return cls(dataset, name, encoded[:, spread > _LEAST * spread.max()])

    @property
    def halves(self):
        """Tokens for training, and the others."""
        half = len(self.tokens) // 2
        return self.tokens[:half], self.tokens[half:]


def _spectra(rng, exponent, d):
    """Gaussian tokens with variances k^-exponent."""
    return rng.standard_normal((_TOKENS, d)) * np.arange(1, d + 1) ** (-exponent / 2)


def _digits(_rng, side):
    return _averaged(load_digits().images, side)


def _photographs(rng, side):
    """Grey patches of scikit-learn's photographs, the mean of each subtracted."""
    images, steps = load_sample_images().images, np.arange(_SIDE)
    patches = []
    for image in images:
        grey = image.mean(axis=2)
        top, left = (rng.integers(0, edge - _SIDE, _TOKENS // len(images)) for edge in grey.shape)
        patches.append(grey[top[:, None, None] + steps[:, None], left[:, None, None] + steps])
    patches = np.concatenate(patches)
    return _averaged(patches - patches.mean(axis=(1, 2), keepdims=True), side)


def _averaged(images, side):
    blocks = images.reshape(len(images), side, _SIDE // side, side, _SIDE // side)
    return blocks.mean(axis=(2, 4)).reshape(len(images), -1)


def rotation(rng, d):
    """A random orthogonal matrix, (d, d)."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def _components(_rng, x):
    centred = x - x.mean(axis=0)
    return centred @ np.linalg.svd(centred[: len(x) // 2], full_matrices=False)[2].T


def _cosines(_rng, x):
    side = int(np.sqrt(x.shape[1]))
    return dctn(x.reshape(-1, side, side), axes=(1, 2), norm="ortho").reshape(len(x), -1)


_MAKERS = {"spectra": _spectra, "digits": _digits, "photographs": _photographs}
_BASES = {
    "own": lambda _rng, x: x, "turned": lambda rng, x: x @ rotation(rng, x.shape[1]).T, "components": _components,
    "cosines": _cosines,
}  # fmt: skip


def functions(rng, d):
    """(function, tokens per query) of every family, on every circuit that has it."""
    tall = rng.standard_normal((d // 2, d)) / np.sqrt(d)
    hidden, read = rng.standard_normal((2 * d, d)) / np.sqrt(d), rng.standard_normal((d // 2, 2 * d)) / np.sqrt(d)
    both = np.concatenate([np.eye(d), -np.eye(d)])  # ReLUs of x and of -x, whose difference is x
    yield Layered("linear", (Linear(tall),)), 1
    yield Layered("linear", (Linear(both @ tall.T @ tall), Linear(both.T))), 1
    yield Layered("pooling", (Linear(np.kron(np.full((1, 4), 0.25), np.eye(d))),)), 4
    yield Layered("relu network", (Linear(hidden, np.full(2 * d, 0.2)), Linear(read))), 1
    yield Layered("hard tanh", (Linear(rotation(rng, d)),), saturates=1.0), 1
    if d <= _CHANNELS_OF_HEADS:
        yield Attention("attention", 2.0 / d), 4
        yield Attention("pooling", 0.02 / d), 4  # weights are the same within a few percent: a mean over tokens


def tasks(recipes, families, seed, tokens):
    """Every function of these families on every source, as a list of Task.

    Parameters
    ----------
    recipes : mapping
        CALIBRATED, NEW, or a part of one.
    families : sequence of str
        Some of FAMILIES.
    seed : int
        Of the data and of the functions' weights.
    tokens : int
        Tokens of the inputs of each task, all queries together.
    """
    found = []
    for name, recipe in recipes.items():
        training, rest = Source.of(name, recipe, seed).halves
        for function, n in functions(np.random.default_rng([seed, 1]), training.shape[1]):
            if function.family not in families:
                continue
            x = rest[: tokens // n * n].reshape(-1, n, rest.shape[1])
            found.append(Task(function, training, x, f"{function.family}, {function.circuit}, {name}", recipe[0], name))
    return found
