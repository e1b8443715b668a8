"""Bits in spikes, from samples: entropy of counts and words, what they tell of a stimulus, and bits per spike.

Samples of a distribution look less random than it is, so plain estimates of entropies are too low and those of
information too high. Four corrections are offered; each is refused where there are too few samples for it.
"""

from analysis.information.entropy import METHODS, Estimate, entropy
from analysis.information.mutual_information import MUTUAL_METHODS, mutual_information
from analysis.information.of_trace import SpikeInformation, responses, spike_information

__all__ = [
    "METHODS", "MUTUAL_METHODS", "Estimate", "SpikeInformation", "entropy", "mutual_information", "responses",
    "spike_information",
]  # fmt: skip
