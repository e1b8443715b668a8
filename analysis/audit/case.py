"""Case: everything the laws look at, read or recounted when first asked for."""

from functools import cached_property

import numpy as np

from analysis.audit.exact_replay import ExactReplay, choose_exactly, readable
from analysis.audit.recount import EventRecount, recount_deliveries, recount_events, spike_windows, window_ends
from analysis.audit.replay import Replay, choose_neurons, replayable
from eventsim.counts import HOST, KINDS
from eventsim.errors import TraceFormatError

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

    def windows(self):
        """The spikes in consecutive windows, (tick where it stops, SpikeTable), with progress."""
        for stop, spikes in spike_windows(self.trace):
            yield stop, spikes
            self.progress(stop / max(self.trace.duration_ticks, 1))

    def spike_windows(self):
        """The SpikeTables of these windows."""
        return (spikes for _, spikes in self.windows())

    @cached_property
    def replay(self):
        """The Replay of the chosen neurons, from start to end."""
        self.require_spikes()
        if self.is_exact:
            chosen = choose_exactly(self.trace, self.neurons, self.seed)
        else:
            chosen = choose_neurons(self.trace.network, self.trace.duration_ticks, self.neurons, self.seed)
        if not chosen.size:
            reasons = [reason for reason in self.not_replayed.values() if reason is not None]
            raise NotCheckableError("; ".join(reasons) or "there is no neuron but spike sources to replay")
        replay = (ExactReplay if self.is_exact else Replay)(self.trace, chosen)
        replay.run(progress=self.progress)
        return replay

    @property
    def is_exact(self):
        """Whether the run was one in continuous time."""
        return self.trace.clock == "continuous"

    @cached_property
    def not_replayed(self):
        """{population: None, or why it cannot be replayed} of all populations but spike sources."""
        return (readable if self.is_exact else replayable)(self.trace.network)

    @property
    def replayed(self):
        """How many of how many neurons are replayed, in words, and which cannot be."""
        network = self.trace.network
        there_are, chosen = int((~network.is_source).sum()), self.replay.neurons.size
        words = f"all {there_are:,} neurons" if chosen == there_are else f"{chosen:,} of {there_are:,} neurons"
        if self.neurons is None and chosen < there_are:
            words += f" (drawn with seed {self.seed})"
        left_out = [network.populations[k].name for k, reason in self.not_replayed.items() if reason is not None]
        return words + (f", not checkable: {', '.join(left_out)}" if left_out else "")

    @cached_property
    def deliveries(self):
        """Deliveries, recounted."""
        self.require_spikes()
        return recount_deliveries(self.trace, self.windows())

    @cached_property
    def recounted_as_placed(self):
        """EventCounts, recounted for the cores of the placement, or of the run when there is none."""
        core_of = self.trace.core_of if self.placement is None else self.placement.core_of
        if core_of.shape != (self.trace.network.n_neurons,):
            raise NotCheckableError("the placement is of another network")
        self.require_spikes()
        return recount_events(self.trace, core_of, self.windows())

    def compared_rows(self):
        """Rows of (tick, core, kind, count), window by window: as counted while running, and recounted."""
        self.require_spikes()
        recount, online = EventRecount(self.trace, self.trace.core_of), self.trace.iter_counts(window_ends(self.trace))
        for rows, (stop, spikes) in zip(online, self.windows()):
            yield rows, recount.rows(stop, spikes)

    @cached_property
    def messages(self):
        """(source, destination, count): the messages between pairs of cores, recounted."""
        recount = EventRecount(self.trace, self.trace.core_of)
        recount.fired = self.deliveries.fired
        return recount.messages()

    @cached_property
    def counted_by_core(self):
        """(n_kinds, n_cores + 1) int64: sums of what was counted while running, of the host first."""
        sums = np.zeros((len(KINDS), int(self.trace.core_of.max(initial=HOST)) + 2), dtype=np.int64)
        for _, core, kind, count in self.trace.iter_counts(window_ends(self.trace)):
            np.add.at(sums, (kind, core + 1), count)
        return sums

    def name(self, neuron):
        """A neuron as details call it: its id, its population and its index there."""
        population = next(p for p in self.trace.network.populations if neuron < p.stop)
        return f"neuron {neuron} ('{population.name}'[{neuron - population.start}])"

    @cached_property
    def _counted_cores(self):
        """(n_neurons,) int32, or None where the file's column of them is broken, which other laws say."""
        try:
            return self.trace.core_of
        except TraceFormatError:
            return None

    def place(self, neuron):
        """The same with the core on which it was counted, or is placed where nobody counted."""
        if self.trace.foreign is None:
            core_of = self._counted_cores
        elif self.placement is not None and self.placement.core_of.size == self.trace.network.n_neurons:
            core_of = self.placement.core_of
        else:
            core_of = None
        if core_of is None:
            return self.name(neuron)
        return f"{self.name(neuron)} on {'the host' if core_of[neuron] == HOST else f'core {core_of[neuron]}'}"


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
