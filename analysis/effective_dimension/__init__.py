"""How many dimensions data have, by each definition in use and by all of them side by side."""

from analysis.effective_dimension.coding_basis import half_dimension
from analysis.effective_dimension.components import pca_dimension, water_filling_dimension
from analysis.effective_dimension.definitions import Definition, definitions
from analysis.effective_dimension.neighbours import mle_dimension, two_nn
from analysis.effective_dimension.spectral import (
    corrected_participation_ratio,
    entropy_rank,
    participation_ratio,
    stable_rank,
    unbiased_traces,
)
from analysis.effective_dimension.spectrum import spectrum
from analysis.effective_dimension.table import EffectiveDimensions, effective_dimension

__all__ = [
    "Definition", "EffectiveDimensions", "corrected_participation_ratio", "definitions", "effective_dimension",
    "entropy_rank", "half_dimension", "mle_dimension", "participation_ratio",
    "pca_dimension", "spectrum", "stable_rank", "two_nn", "unbiased_traces",
    "water_filling_dimension",
]  # fmt: skip
