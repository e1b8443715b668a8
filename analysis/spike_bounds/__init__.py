r"""How many spikes a task needs: information asked for, against what the spikes on one cut can carry.

A bound belongs to a cut: a population of m channels through which everything the decoder learns has to pass. It
compares the bits that are known to cross the cut (`asked`) with the most that N spikes can carry there (`patterns`,
`static_drive`, `poisson`, `deterministic`), or the error that a decoder is left with (`fisher`). Bits and spikes are
both means per query. Spikes elsewhere in the circuit do not count. Each bound states what it assumes; when fewer spikes
are used than needed, one of those statements is false,
and `suspects` looks in the trace for which. `task` says what a trace was asked, `measured` sets spikes beside bounds.
"""

from analysis.spike_bounds.asked import (
    GaussianRate,
    entropy_estimate,
    fano_bits,
    gaussian_bits,
    lipschitz_bits,
    shannon_bits,
    shannon_bits_of_samples,
)
from analysis.spike_bounds.bound import NOT_A_BOUND, Assumption, Bound, Information, given_bits
from analysis.spike_bounds.deterministic import deterministic_count_bound
from analysis.spike_bounds.fisher import cramer_rao_bound, monotone_rate_bound, van_trees_bound
from analysis.spike_bounds.measured import Measured, MeasuredBounds, asked_of, bounds_on, measure_bounds
from analysis.spike_bounds.patterns import binary_entropy, information_bound, largest_rate
from analysis.spike_bounds.poisson import CERTIFIED_COUNT, PROVEN_COUNT, rate_bound, rectified_rate_bound
from analysis.spike_bounds.static_drive import pattern_count, static_drive_bound
from analysis.spike_bounds.task import Cut, Task, describe_task, read_task

__all__ = [
    "Assumption", "Bound", "CERTIFIED_COUNT", "Cut", "GaussianRate", "Information", "Measured", "MeasuredBounds",
    "NOT_A_BOUND", "PROVEN_COUNT", "Task", "asked_of", "binary_entropy", "bounds_on", "cramer_rao_bound",
    "describe_task", "deterministic_count_bound", "entropy_estimate", "fano_bits", "gaussian_bits", "given_bits",
    "information_bound", "largest_rate", "lipschitz_bits", "measure_bounds", "monotone_rate_bound", "pattern_count",
    "rate_bound", "read_task", "rectified_rate_bound", "shannon_bits",
    "shannon_bits_of_samples", "static_drive_bound", "van_trees_bound",
]  # fmt: skip
