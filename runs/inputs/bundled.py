"""Samples that come with the installed packages: digits, photographs, a text."""

import numpy as np
from sklearn.datasets import load_digits, load_sample_images

from eventsim.errors import ConfigError
from runs.inputs import text
from runs.inputs.bounded import draw
from runs.inputs.data_set import DataSet

__all__ = ["digit_images", "manual", "photograph_colours", "photograph_crops"]

#: Parts along each side of a photograph; crops of one part belong together.
_PARTS = 4


def digit_images(most, rng):
    """At most `most` of scikit-learn's 1,797 handwritten digits, 8 x 8 pixels."""
    images = load_digits().data
    chosen = draw(len(images), most, 64, rng)
    return DataSet("digits", images[chosen], (8, 8), len(images), "an image of a handwritten digit, 8 x 8 grey pixels")


def photograph_crops(most, side, rng):
    """`most` crops of `side` x `side` pixels from scikit-learn's two photographs, within a part of one each.

    Raises
    ------
    ConfigError
        A part is smaller than a crop.
    """
    photographs = [image / 255 for image in load_sample_images().images]
    height, width = np.array(photographs[0].shape[:2]) // _PARTS
    if side > min(height, width):
        raise ConfigError(f"side is {side}; crops of photographs have {min(height, width)} pixels or fewer")
    part = np.arange(most) % (len(photographs) * _PARTS**2)
    top = part // _PARTS % _PARTS * height + rng.integers(height - side + 1, size=most)
    left = part % _PARTS * width + rng.integers(width - side + 1, size=most)
    places = zip(part // _PARTS**2, top, left)
    crops = [photographs[which][y : y + side, x : x + side].ravel() for which, y, x in places]
    pixels = "at a place of its own in one of 32 parts of two photographs; crops of one part belong together"
    return DataSet(f"photographs, {side} x {side}", np.array(crops), (side, side, 3), most,
                   f"a crop of {side} x {side} pixels in 3 colours, {pixels}", groups=part)  # fmt: skip


def photograph_colours():
    """Covariance of red, green and blue over all pixels of the two photographs, (3, 3) float64."""
    return np.cov(np.concatenate([image.reshape(-1, 3) / 255 for image in load_sample_images().images]).T)


def manual(most, rng):
    """Places in the text of Python's own manual, as vectors of its words' statistics.

    Raises
    ------
    ConfigError
        This Python was installed without `pydoc_data`.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise ConfigError("this Python has no pydoc_data, the text of its manual; leave 'text' out of sets") from None
    return text.data_set("Python's manual", "\n".join(topics[name] for name in sorted(topics)), most, rng)
