"""Information of the spikes in a trace: counts or words of a population, query by query."""

from dataclasses import dataclass

import numpy as np

from analysis.information.entropy import Estimate, entropy
from analysis.information.mutual_information import mutual_information
from circuits.decoder import ids_of
from eventsim.errors import ConfigError

__all__ = ["SpikeInformation", "responses", "spike_information"]


@dataclass(frozen=True)
class SpikeInformation:
    """What a population's spikes hold, and what they tell about the stimulus.

    Parameters
    ----------
    entropy : Estimate
        Of the responses.
    information : Estimate
        Of responses about stimuli.
    spikes : float
        Mean per query.
    """

    entropy: Estimate
    information: Estimate
    spikes: float

    @property
    def bits_per_spike(self):
        """About the stimulus; NaN where there is no spike."""
        return self.information.bits / self.spikes if self.spikes else float("nan")

    def to_json(self):
        """Mapping of plain types."""
        return {"entropy": self.entropy.to_json(), "information": self.information.to_json(), "spikes": self.spikes,
                "bits_per_spike": self.bits_per_spike if self.spikes else None}  # fmt: skip

    def __str__(self):
        return (f"entropy {self.entropy}; about the stimulus {self.information}; {self.spikes:.4g} spikes per query, "
                f"{self.bits_per_spike:.3g} bits per spike")  # fmt: skip


def responses(trace, population, *, start_tick=0, stop_tick=None, bin_ticks=None):
    """Spike counts of a population in each query: (queries, neurons x bins) int64, one row per query.

    Parameters
    ----------
    trace : Trace
    population : str
        A population, label or path.
    start_tick, stop_tick : int
        The window within each query; to the end of the shortest query if left out.
    bin_ticks : int, optional
        Width of a bin; one bin for the window if left out. Ticks that do not fill a last bin do not count.

    Raises
    ------
    ConfigError
        A window that no query has, or a bin wider than the window.
    """
    queries = trace.queries()
    if not len(queries):
        raise ConfigError("the trace has no queries; information needs many runs of the same circuit")
    starts = queries["start_tick"].to_numpy()
    shortest = int((queries["stop_tick"].to_numpy() - starts).min())
    stop_tick = shortest if stop_tick is None else stop_tick
    if not 0 <= start_tick < stop_tick <= shortest:
        raise ConfigError(f"the window is ticks {start_tick} to {stop_tick}; it must lie within the shortest query, 0 "
                          f"to {shortest}")  # fmt: skip
    width = stop_tick - start_tick if bin_ticks is None else bin_ticks
    bins = (stop_tick - start_tick) // width if width >= 1 else 0
    if bins < 1:
        raise ConfigError(f"bin_ticks is {bin_ticks}; it must be 1 to {stop_tick - start_tick}, the window's length")
    ids = ids_of(trace, population)
    spikes = trace.spikes(neurons=ids)
    query = np.searchsorted(starts, spikes.tick, side="right") - 1
    place = (spikes.tick - starts[query] - start_tick) // width
    kept = (spikes.tick - starts[query] >= start_tick) & (place < bins)
    cell = (query * ids.size + np.searchsorted(ids, spikes.neuron)) * bins + place
    return np.bincount(cell[kept], minlength=len(queries) * ids.size * bins).reshape(len(queries), -1)


def spike_information(trace, population, stimuli=None, *, method="quadratic", words=False, alphabet=None, **window):
    """What a population's spikes tell about the stimulus, as SpikeInformation.

    Parameters
    ----------
    trace : Trace
    population : str
        A population, label or path.
    stimuli : (queries,) or (queries, k) array, optional
        The trace's input_id if left out: which input each query repeats.
    method : str
        As `mutual_information` takes it; the entropy is "miller_madow" where that one has no such method.
    words : bool
        Whether a response is the counts of all neurons and bins; if not, it is the count of all spikes.
    alphabet : int, optional
        For "nsb": the number of responses that there can be.
    **window
        start_tick, stop_tick, bin_ticks, as `responses` takes them.

    Raises
    ------
    ConfigError
        Too few queries for the responses that they show; see `entropy`.
    """
    counts = responses(trace, population, **window)
    said = counts if words else counts.sum(axis=1)
    stimuli = trace.queries()["input_id"].to_numpy() if stimuli is None else np.asarray(stimuli)
    own = "miller_madow" if method == "shuffle" else method
    return SpikeInformation(
        entropy(said, own, alphabet=alphabet), mutual_information(stimuli, said, method, alphabet=alphabet),
        float(counts.sum(axis=1).mean()),
    )  # fmt: skip
