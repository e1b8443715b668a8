"""The tasks of calibration: functions on synthetic spectra, handwritten digits and patches of photographs."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn
from sklearn.datasets import load_digits, load_sample_images

from analysis.calibration.functions import Attention, Layered
from analysis.calibration.tasks import Task
from circuits.maps import Linear

__all__ = ["DATASETS", "Source", "sources", "tasks"]

#: Side of the square images that digits are averaged to, and that patches of photographs are averaged to.
_SIDE = 4

#: Tokens of which effective dimensions are taken.
_TOKENS = 1500


@dataclass(frozen=True, eq=False)
class Source:
    """Tokens of one data set in one basis.

    Parameters
    ----------
    dataset, name : str
    tokens : (S, d) array
        Shuffled; half of them are for training.
    """

    dataset: str
    name: str
    tokens: np.ndarray

    @property
    def halves(self):
        half = len(self.tokens) // 2
        return self.tokens[:half], self.tokens[half:]


def _spectra(rng, d):
    """Gaussian tokens with variances k^-a, each in its own basis and turned at random."""
    for a, turned in ((0.0, False), (1.0, False), (2.0, False), (2.0, True)):
        x = rng.standard_normal((2 * _TOKENS, d)) * np.arange(1, d + 1) ** (-a / 2)
        yield (f"k^-{a:g} turned", x @ _rotation(rng, d).T) if turned else (f"k^-{a:g}", x)


def _digits(rng):
    images = load_digits().images
    small = images.reshape(-1, _SIDE, 8 // _SIDE, _SIDE, 8 // _SIDE).mean(axis=(2, 4))
    yield from _in_bases("digits", rng.permutation(small))


def _photographs(rng):
    """Grey patches of the photographs, the mean of each subtracted."""
    patches = []
    for image in load_sample_images().images:
        grey = image.mean(axis=2)
        top, left = (rng.integers(0, side - 2 * _SIDE, _TOKENS) for side in grey.shape)
        steps = np.arange(2 * _SIDE)
        found = grey[top[:, None, None] + steps[:, None], left[:, None, None] + steps]
        patches.append(found.reshape(-1, _SIDE, 2, _SIDE, 2).mean(axis=(2, 4)))
    patches = np.concatenate(patches)
    yield from _in_bases("patches", rng.permutation(patches - patches.mean(axis=(1, 2), keepdims=True)))


def _in_bases(name, images):
    pixels = images.reshape(len(images), -1)
    centred = pixels - pixels.mean(axis=0)
    yield f"{name}, pixels", pixels
    yield f"{name}, cosines", dctn(images, axes=(1, 2), norm="ortho").reshape(len(images), -1)
    yield f"{name}, components", centred @ np.linalg.svd(centred[: len(centred) // 2], full_matrices=False)[2].T


DATASETS = {"spectra": lambda rng: _spectra(rng, _SIDE**2), "digits": _digits, "photographs": _photographs}


def sources(seed):
    """Every data set in every basis, as a list of Source."""
    return [Source(dataset, name, tokens) for k, (dataset, make) in enumerate(DATASETS.items())
            for name, tokens in make(np.random.default_rng([seed, k]))]  # fmt: skip


def _functions(rng, d):
    """(function, tokens per query) of every family on every circuit."""
    square = _rotation(rng, d)
    tall = rng.standard_normal((d // 2, d)) / np.sqrt(d)
    pool = np.kron(np.full((1, 4), 0.25), np.eye(d))
    hidden, read = rng.standard_normal((2 * d, d)) / np.sqrt(d), rng.standard_normal((d // 2, 2 * d)) / np.sqrt(d)
    both = np.concatenate([np.eye(d), -np.eye(d)])
    yield Layered("linear", (Linear(tall),)), 1
    yield Layered("linear", (Linear(both @ tall.T @ tall), Linear(np.hstack([np.eye(d), -np.eye(d)])))), 1
    yield Layered("pooling", (Linear(pool),)), 4
    yield Layered("pooling", (Linear(both @ pool), Linear(np.hstack([np.eye(d), -np.eye(d)])))), 4
    yield Layered("relu network", (Linear(hidden, np.full(2 * d, 0.2)), Linear(read))), 1
    yield Layered("hard tanh", (Linear(square),), saturates=1.0), 1
    yield Attention("attention", 2.0 / d), 4
    yield Attention("pooling", 0.02 / d), 4


def _rotation(rng, d):
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def tasks(seed, tokens):
    """Every function on every source, as a list of Task.

    Parameters
    ----------
    seed : int
        Of the data and of the functions' weights.
    tokens : int
        Tokens of the inputs of each task, all queries together.
    """
    found = []
    for source in sources(seed):
        training, rest = source.halves
        rng = np.random.default_rng([seed, 10])
        for k, (function, n) in enumerate(_functions(rng, training.shape[1])):
            x = rest[: tokens // n * n].reshape(-1, n, rest.shape[1])
            name = f"{function.family}, {function.circuit} ({k}), {source.name}"
            found.append(Task(function, training, x, name, source.dataset, source.name))
    return found
