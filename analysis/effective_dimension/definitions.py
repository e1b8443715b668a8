"""The definitions that a table compares, each under its name and with its arguments filled in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import numpy as np

from analysis.effective_dimension.coding_basis import half_dimension
from analysis.effective_dimension.components import pca_crossing, water_filling_crossing
from analysis.effective_dimension.neighbours import NoNeighboursError, mle_dimension_of, neighbour_distances, two_nn_of
from analysis.effective_dimension.spectral import (
    corrected_participation_ratio,
    entropy_rank,
    participation_ratio,
    stable_rank,
)
from analysis.effective_dimension.spectrum import spectrum

__all__ = ["NEIGHBOURS", "Definition", "definitions", "estimates"]

#: Neighbours of a sample that the maximum-likelihood dimension looks at; Levina and Bickel 2004 take 10 to 20.
NEIGHBOURS = 20


@dataclass(frozen=True)
class Definition:
    """One definition.

    Parameters
    ----------
    name : str
    estimate : callable
        From what it takes to a real number.
    takes : str
        The samples (S, D), their spectrum (D,), or the distances of each to its `NEIGHBOURS` nearest others.
    rounded : callable, optional
        For a definition that counts, from the real number to the count.
    """

    name: str
    estimate: Callable
    takes: Literal["samples", "spectrum", "distances"]
    rounded: Callable = np.asarray


def definitions(fractions=(0.8, 0.9, 0.95, 0.99), distortions=(0.1, 0.05, 0.02)):
    """Every definition, as a tuple of Definition.

    Parameters
    ----------
    fractions : sequence of float
        Of the variance, for principal components.
    distortions : sequence of float
        Of the variance, for reverse water-filling.
    """
    return (
        Definition("participation ratio", participation_ratio, "spectrum"),
        Definition("participation ratio, corrected", corrected_participation_ratio, "samples"),
        Definition("stable rank", stable_rank, "spectrum"),
        Definition("entropy rank", entropy_rank, "spectrum"),
        *(_principal(fraction) for fraction in fractions),
        Definition("half dimension, channels", half_dimension, "samples"),
        Definition("half dimension, principal axes", half_dimension, "spectrum"),
        *(_water_filling(distortion) for distortion in distortions),
        Definition("two nearest neighbours", two_nn_of, "distances"),
        Definition(f"maximum likelihood, {NEIGHBOURS} neighbours", mle_dimension_of, "distances"),
    )


def _principal(fraction):
    crossing = partial(pca_crossing, fraction=fraction)
    return Definition(f"principal components, {100 * fraction:.4g} %", crossing, "spectrum", np.ceil)


def _water_filling(distortion):
    crossing = partial(water_filling_crossing, distortion=distortion)
    return Definition(f"water-filling, error {100 * distortion:.4g} %", crossing, "spectrum", np.floor)


def estimates(chosen, samples):
    """What each of the definitions says of samples (S, D), not rounded, (len(chosen),) float64.

    The eigenvalues and the neighbours are found once for all. What distances cannot tell of these samples is nan.
    """
    given = {"samples": cache(lambda: samples), "spectrum": cache(lambda: spectrum(samples)),
             "distances": cache(lambda: neighbour_distances(samples, NEIGHBOURS))}  # fmt: skip
    return np.array([_estimate(each, given[each.takes]) for each in chosen])


def _estimate(definition, given):
    try:
        return float(definition.estimate(given()))
    except NoNeighboursError:
        return np.nan
