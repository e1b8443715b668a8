"""Handwritten digits, as a classification by attention."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits

from eventsim.errors import ConfigError

__all__ = ["LabelledImages", "Recall", "digit_images", "digits"]


@dataclass(frozen=True, eq=False)
class Recall:
    """A classification by attention over labelled examples.

    Parameters
    ----------
    keys : (n, d) float64
        Support images, unit length.
    labels : (n,) int64
        Their classes.
    queries : (m, d) float64
        Test images, prepared the same way.
    answers : (m,) int64
        Their classes.
    n_classes : int
    input_id : (m,) int64
        Row of each query in the data set.
    """

    keys: np.ndarray
    labels: np.ndarray
    queries: np.ndarray
    answers: np.ndarray
    n_classes: int
    input_id: np.ndarray

    @property
    def values(self):
        """(n, n_classes) one-hot labels, zeros masked: a token has a synapse to its own class only."""
        return np.ma.masked_equal(np.eye(self.n_classes)[self.labels], 0)


def digits(support, queries, seed):
    """scikit-learn's handwritten digits: 1,797 images of 8x8 pixels, no file to fetch.

    The set is shuffled by `seed`; the first `support` images are the support set, the next `queries` the
    test images. From every image the mean of the support images is taken, and it is scaled to unit length.
    """
    data = load_digits()
    there_are = len(data.target)
    if support + queries > there_are:
        raise ConfigError(
            f"support {support} plus queries {queries} exceed the {there_are} digits there are; lower one"
        )
    order = np.random.default_rng(seed).permutation(there_are)[: support + queries]
    images = data.data[order] - data.data[order[:support]].mean(axis=0)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    answers = data.target[order]
    return Recall(images[:support], answers[:support], images[support:], answers[support:], 10, order[support:])


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images to train on and images that are held out, with their classes.

    Parameters
    ----------
    images, held_out : (m, rows, columns) int64
    labels, answers : (m,) int64
        Classes of `images` and of `held_out`.
    input_id : (m,) int64
        Row of each held-out image in the data set.
    """

    images: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray
    answers: np.ndarray
    input_id: np.ndarray


def digit_images():
    """scikit-learn's handwritten digits, 8 x 8 pixels of 0 to 16: 1,437 to train on, 360 held out, always the same."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    images, labels = data.images[order].astype(np.int64), data.target[order]
    cut = 1437
    return LabelledImages(images[:cut], labels[:cut], images[cut:], labels[cut:], order[cut:])
