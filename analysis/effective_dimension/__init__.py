"""How many dimensions data have, by the definitions in use: functions of samples, or of a spectrum if that will do."""

from analysis.effective_dimension.coding_basis import half_dimension
from analysis.effective_dimension.neighbours import mle_dimension, two_nn
from analysis.effective_dimension.spectral import (
    corrected_participation_ratio,
    entropy_rank,
    participation_ratio,
    pca_dimension,
    stable_rank,
    unbiased_traces,
    water_filling_dimension,
)
from analysis.effective_dimension.spectrum import spectrum

__all__ = [
    "corrected_participation_ratio", "entropy_rank", "half_dimension", "mle_dimension", "participation_ratio",
    "pca_dimension", "spectrum", "stable_rank", "two_nn", "unbiased_traces",
    "water_filling_dimension",
]  # fmt: skip
