"""Gaussian samples of known covariance, by which the work of few samples is told from a dimension."""

import numpy as np

from runs.inputs.data_set import DataSet

__all__ = ["power_law_images", "white_noise"]


def power_law_images(count, side, exponent, colours, rng):
    r"""Images with the power spectrum f^-exponent of natural images, f in cycles per side, on a torus.

    Each colour is white noise filtered by sqrt(P), P(f) = max(1, f)^-exponent, and colours are mixed to the covariance
    K. The covariance is circulant in space, so its eigenvalues are all products of a P(f) with an eigenvalue of K.

    Parameters
    ----------
    count, side : int
    exponent : float
    colours : (3, 3) float
        K.
    rng : numpy.random.Generator

    Source
    ------
    Field 1987, J. Opt. Soc. Am. A 4:2379: exponents near 2. Eigenvalues: Gray 2006, Toeplitz and Circulant Matrices.
    """
    f = np.fft.fftfreq(side, 1 / side)
    power = np.maximum(1.0, np.hypot(f[:, None], f)) ** -exponent
    white = rng.standard_normal((count, 3, side, side))
    fields = np.fft.ifft2(np.fft.fft2(white) * np.sqrt(power)).real
    images = np.einsum("kc,nchw->nhwk", np.linalg.cholesky(colours), fields)
    eigenvalues = np.outer(power.ravel(), np.linalg.eigvalsh(colours)).ravel()
    return DataSet(
        f"1/f^{exponent:g} images", images.reshape(count, -1), (side, side, 3), count,
        f"Gaussian noise of {side} x {side} pixels in 3 colours, its power falling as f^-{exponent:g}",
        known_spectrum=np.sort(eigenvalues)[::-1],
    )  # fmt: skip


def white_noise(count, channels, rng):
    """Independent standard normal channels: as many dimensions as channels, by every spectral definition."""
    return DataSet("white noise", rng.standard_normal((count, channels)), (channels,), count,
                   f"{channels:,} independent standard normal numbers", known_spectrum=np.ones(channels))  # fmt: skip
