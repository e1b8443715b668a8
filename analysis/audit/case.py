"""Case: everything the laws look at, read or recounted when first asked for."""

from functools import cached_property

import numpy as np

from analysis.audit.recount import recount_deliveries, recount_events

__all__ = ["Case", "NotCheckableError", "first_difference"]


class NotCheckableError(Exception):
    """A law lacks what it would compare; the message says what."""


class Case:
    """A trace and what is said to belong to it.

    Parameters
    ----------
    trace : Trace
    placement : Placement or None
    cost_report : CostReport or None
    """

    def __init__(self, trace, placement, cost_report):
        self.trace, self.placement, self.cost_report = trace, placement, cost_report

    @cached_property
    def column_faults(self):
        return self.trace.column_faults()

    def require_spikes(self):
        """Raise NotCheckableError when the spikes cannot be read."""
        if self.column_faults:
            raise NotCheckableError("the spike columns contradict each other")

    @cached_property
    def counts(self):
        """EventCounts as counted while running."""
        return self.trace.counts()

    @cached_property
    def deliveries(self):
        """Deliveries, recounted."""
        self.require_spikes()
        return recount_deliveries(self.trace)

    @cached_property
    def recounted(self):
        """EventCounts, recounted for the cores of the run."""
        self.require_spikes()
        return recount_events(self.trace, self.counts.core_of)

    @cached_property
    def recounted_as_placed(self):
        """EventCounts, recounted for the cores of the placement, or of the run when there is none."""
        if self.placement is None or np.array_equal(self.placement.core_of, self.counts.core_of):
            return self.recounted
        if self.placement.core_of.shape != self.counts.core_of.shape:
            raise NotCheckableError("the placement is of another network")
        self.require_spikes()
        return recount_events(self.trace, self.placement.core_of)

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
