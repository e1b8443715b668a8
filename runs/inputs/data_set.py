"""Samples as experiments on data take them."""

from dataclasses import dataclass

import numpy as np

__all__ = ["DataSet"]


@dataclass(frozen=True, eq=False)
class DataSet:
    """Samples of one source.

    Parameters
    ----------
    name : str
    samples : (S, D) float64
        One row a sample.
    shape : tuple of int
        Of one sample; its product is D.
    there_are : int
        How many samples the source has, of which these were drawn; S where it was made for the purpose.
    description : str
        What a sample is, in words.
    groups : (S,) int64 or None
        Samples that belong together, such as crops of one corner of a photograph; None where they are independent.
    known_spectrum : (D,) float64 or None
        Eigenvalues of the covariance of the source, descending, where they are known.
    """

    name: str
    samples: np.ndarray
    shape: tuple[int, ...]
    there_are: int
    description: str
    groups: np.ndarray | None = None
    known_spectrum: np.ndarray | None = None
