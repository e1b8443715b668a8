"""Case: everything the laws look at, read or recounted when first asked for."""

from functools import cached_property

import numpy as np

from analysis.audit.recount import recount_deliveries, recount_events, spike_windows
from analysis.audit.replay import Replay, choose_neurons, replayable

__all__ = ["Case", "NotCheckableError", "first_difference"]


class NotCheckableError(Exception):
    """A law lacks what it would compare; the message says what."""


def _tell_nobody(fraction):
    """The progress that nobody asked for."""


class Case:
    """A trace and what is said to belong to it.

    Parameters
    ----------
    trace : Trace
    placement : Placement or None
    cost_report : CostReport or None
    neurons : None, "all" or sequence of int
        Which are replayed; None for a sample.
    seed : int
        Of the sample.
    progress : callable
        Given the fraction of the present law that is done.
    """

    def __init__(self, trace, placement, cost_report, neurons=None, seed=0, progress=_tell_nobody):
        self.trace, self.placement, self.cost_report = trace, placement, cost_report
        self.neurons, self.seed, self.progress = neurons, seed, progress

    @cached_property
    def column_faults(self):
        return self.trace.column_faults()

    def require_spikes(self):
        """Raise NotCheckableError when the spikes cannot be read."""
        if self.column_faults:
            raise NotCheckableError("the spike columns contradict each other")

    def spike_windows(self):
        """The spikes as consecutive SpikeTables, with progress."""
        for spikes in spike_windows(self.trace):
            yield spikes
            if len(spikes):
                self.progress((int(spikes.tick[-1]) + 1) / self.trace.duration_ticks)

    @cached_property
    def replay(self):
        """The Replay of the chosen neurons, from start to end."""
        self.require_spikes()
        if self.trace.clock != "grid":
            raise NotCheckableError("neurons are replayed tick by tick, and this is a run in continuous time")
        reasons = [reason for reason in replayable(self.trace.network).values() if reason is not None]
        chosen = choose_neurons(self.trace.network, self.trace.duration_ticks, self.neurons, self.seed)
        if not chosen.size:
            raise NotCheckableError("; ".join(reasons) or "there is no neuron but spike sources to replay")
        replay = Replay(self.trace, chosen)
        replay.run(progress=self.progress)
        return replay

    @property
    def replayed(self):
        """How many of how many neurons are replayed, in words, and which cannot be."""
        network = self.trace.network
        there_are, chosen = int((~network.is_source).sum()), self.replay.neurons.size
        words = f"all {there_are:,} neurons" if chosen == there_are else f"{chosen:,} of {there_are:,} neurons"
        if self.neurons is None and chosen < there_are:
            words += f" (drawn with seed {self.seed})"
        left_out = [network.populations[k].name for k, reason in replayable(network).items() if reason is not None]
        return words + (f", not checkable: {', '.join(left_out)}" if left_out else "")

    @cached_property
    def counts(self):
        """EventCounts as counted while running."""
        return self.trace.counts()

    @cached_property
    def deliveries(self):
        """Deliveries, recounted."""
        self.require_spikes()
        return recount_deliveries(self.trace, self.spike_windows())

    @cached_property
    def recounted(self):
        """EventCounts, recounted for the cores of the run."""
        self.require_spikes()
        return recount_events(self.trace, self.counts.core_of, self.spike_windows())

    @cached_property
    def recounted_as_placed(self):
        """EventCounts, recounted for the cores of the placement, or of the run when there is none."""
        counted = self.trace.foreign is None
        if self.placement is None or (counted and np.array_equal(self.placement.core_of, self.counts.core_of)):
            return self.recounted
        if self.placement.core_of.shape != (self.trace.network.n_neurons,):
            raise NotCheckableError("the placement is of another network")
        self.require_spikes()
        return recount_events(self.trace, self.placement.core_of, self.spike_windows())

    def name(self, neuron):
        """A neuron as details call it: its id, its population and its index there."""
        population = next(p for p in self.trace.network.populations if neuron < p.stop)
        return f"neuron {neuron} ('{population.name}'[{neuron - population.start}])"


def first_difference(left, right):
    """Where two tables, sorted by all columns but the last, first differ.

    Parameters
    ----------
    left, right : tuples of arrays
        Key columns, then the value; a missing row counts as the value 0.

    Returns
    -------
    (key, left value, right value) or None
    """
    common = min(left[0].size, right[0].size)
    differs = np.any([a[:common] != b[:common] for a, b in zip(left, right)], axis=0)
    if left[0].size == right[0].size and not differs.any():
        return None
    k = int(differs.argmax()) if differs.any() else common
    (*key, value), (*other_key, other) = (
        [int(column[k]) for column in table] if k < table[0].size else [np.inf] * len(table) for table in (left, right)
    )
    if key == other_key:
        return tuple(key), value, other
    return (tuple(key), value, 0) if key < other_key else (tuple(other_key), 0, other)
