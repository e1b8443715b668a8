"""count_events: what a trace asks of each core, recounted from its spikes and synapses alone.

Written independently of the kernel's own counters, against which the audit compares it: the kernel counts each
delivery as it is made, here the synapses of each neuron are first grouped by core and the groups then added up.
"""

import numpy as np

from eventsim.arguments import require_kind
from eventsim.counts import (
    BINNINGS,
    HOST,
    KINDS,
    MESSAGES_IN,
    MESSAGES_OUT,
    SPIKES,
    SYNAPTIC_EVENTS,
    ZERO_WEIGHT_EVENTS,
    EventCounts,
)
from eventsim.errors import ConfigError
from eventsim.trace import Trace
from hardware_models.placing.placement import Placement

__all__ = ["count_events"]

_CHUNK = 1 << 21  # groups expanded at once; bounds the memory, does not change the counts


def count_events(trace, placement, binning=None):
    """The events of a trace, per tick and core.

    Parameters
    ----------
    trace : Trace
        Its `network`, `stimulus`, `clock`, `duration_ticks` and `spikes()` are read.
    placement : Placement
    binning : str, optional
        Of a run in continuous time, and only then: how its times become ticks, one of `eventsim.counts.BINNINGS`.

    Returns
    -------
    EventCounts
        Deliveries still in flight at the end, or dropped by a reset from the host, are not among them.

    Raises
    ------
    ProvenanceError
        The placement is of another network.
    ConfigError
        Something else than a trace or a placement, a run in continuous time without a binning, or with one that there
        is not; a run on the grid with one.
    """
    require_kind("trace", trace, Trace)
    require_kind("placement", placement, Placement)
    network, core_of = trace.network, placement.core_of
    _check_binning(trace.clock, binning)
    placement.require_network(network)
    spikes = trace.spikes()
    tally = _Tally(int(core_of.max(initial=HOST)) + 2)
    tally.add(SPIKES, spikes.tick, core_of[spikes.neuron], np.ones(spikes.tick.size, dtype=np.int64))
    messages = _count_messages(tally, network, placement, spikes)
    for pathway in network.pathways:
        _count_deliveries(tally, pathway, network, core_of, spikes, trace)
    return EventCounts(*tally.columns(), *messages, core_of.copy(), int(trace.duration_ticks), binning, network.hash,
                       placement.chip.name)  # fmt: skip


def _check_binning(clock, binning):
    choices = " or ".join(f"binning='{name}'" for name in BINNINGS)
    if clock == "continuous" and binning not in BINNINGS:
        raise ConfigError(f"binning is {binning!r}, and the run is in continuous time: a chip counts by ticks; say how "
                          f"its times become ticks with {choices}")  # fmt: skip
    if clock == "grid" and binning is not None:
        raise ConfigError(f"binning is {binning!r}, but the run is on the grid and has ticks already; leave it out")


class _Tally:
    """Sums by (tick, core, kind), kept sparse."""

    def __init__(self, n_slots):
        self.n_slots = n_slots  # cores, and the host
        self.parts, self.waiting = [], 0

    def add(self, kind, tick, core, count):
        """Add (n,) counts of one kind."""
        self.parts.append(_sum_by_key((tick * self.n_slots + (core + 1)) * len(KINDS) + kind, count))
        self.waiting += self.parts[-1][0].size
        if self.waiting > 2 * max(_CHUNK, self.parts[0][0].size):
            self._merge()

    def _merge(self):
        keys, sums = (np.concatenate(columns) for columns in zip(*self.parts))
        self.parts = [_sum_by_key(keys, sums)]
        self.waiting = 0

    def columns(self):
        """tick, core, kind, count, sorted by the first three."""
        self._merge()
        keys, sums = self.parts[0]
        tick_core, kind = np.divmod(keys[sums > 0], len(KINDS))
        tick, slot = np.divmod(tick_core, self.n_slots)
        return tick, (slot - 1).astype(np.int32), kind.astype(np.uint8), sums[sums > 0]


def _sum_by_key(keys, counts):
    """The distinct keys, ascending, and the sum of the counts of each, in integers."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    first = np.flatnonzero(np.concatenate([[True], np.diff(keys) != 0])[: keys.size])
    return keys[first], np.add.reduceat(counts, first) if first.size else counts


class _Groups:
    """Things grouped by (row, core): rows in order, and how many there are of each."""

    def __init__(self, row, core, n_rows, n_slots):
        keys, self.size = np.unique(row * np.int64(n_slots) + (core + 1), return_counts=True)
        self.core = (keys % n_slots - 1).astype(np.int32)
        self.first = np.searchsorted(keys // n_slots, np.arange(n_rows + 1))

    def expand(self, rows):
        """Chunks of (index into `rows`, index into the groups), all groups of every row."""
        lengths = self.first[rows + 1] - self.first[rows]
        ends = np.cumsum(lengths)
        begin = 0
        while begin < rows.size:
            done = int(ends[begin - 1]) if begin else 0
            end = max(begin + 1, int(np.searchsorted(ends, done + _CHUNK, side="right")))
            length = lengths[begin:end]
            which = np.repeat(np.arange(begin, end), length)
            offset = np.arange(which.size) - np.repeat(ends[begin:end] - length - done, length)
            yield which, self.first[rows[which]] + offset
            begin = end


def _count_messages(tally, network, placement, spikes):
    """One message per spike and distinct core it reaches; returns the totals by (source, destination)."""
    destination, sent_from = placement.core_of[network.post], placement.sent_from
    on_chip = destination != HOST
    reach = _Groups(network.pre[on_chip], destination[on_chip], network.n_neurons, tally.n_slots)
    fan_out = np.diff(reach.first)[spikes.neuron]
    tally.add(MESSAGES_OUT, spikes.tick, sent_from[spikes.neuron], fan_out)
    for spike, group in reach.expand(spikes.neuron):
        tally.add(MESSAGES_IN, spikes.tick[spike], reach.core[group], np.ones(group.size, dtype=np.int64))
    sender = np.repeat(np.arange(network.n_neurons), np.diff(reach.first))
    fired = np.bincount(spikes.neuron, minlength=network.n_neurons)[sender]
    slots = tally.n_slots
    keys, sums = _sum_by_key((sent_from[sender] + np.int64(1)) * slots + (reach.core + 1), fired)
    keys, sums = keys[sums > 0], sums[sums > 0]
    return (keys // slots - 1).astype(np.int32), (keys % slots - 1).astype(np.int32), sums


def _count_deliveries(tally, pathway, network, core_of, spikes, trace):
    """Add what one pathway delivers, and on a weighted pathway the deliveries of weight zero."""
    source = network.populations[pathway.source]
    of_source = (spikes.neuron >= source.start) & (spikes.neuron < source.stop)
    tick, neuron = spikes.tick[of_source], spikes.neuron[of_source].astype(np.int64) - source.start
    synapses = pathway.synapses
    row = np.repeat(np.arange(pathway.rows.size - 1), np.diff(pathway.rows))
    core = core_of[network.post[synapses]]
    groups = {SYNAPTIC_EVENTS: _Groups(row, core, pathway.rows.size - 1, tally.n_slots)}
    zero = network.weight[synapses] == 0
    if pathway.weighted and zero.any():
        groups[ZERO_WEIGHT_EVENTS] = _Groups(row[zero], core[zero], pathway.rows.size - 1, tally.n_slots)
    for k, delay in enumerate(pathway.delays.tolist()):
        arrives = _arrives(tick, tick + delay, trace)
        arrival, rows = tick[arrives] + delay, neuron[arrives] * pathway.delays.size + k
        for kind, group_by_core in groups.items():
            for spike, group in group_by_core.expand(rows):
                tally.add(kind, arrival[spike], group_by_core.core[group], group_by_core.size[group])


def _arrives(tick, arrival, trace):
    """(n,) bool: delivered before the run ends, and not dropped because the host reset the network in between."""
    arrives = arrival < trace.duration_ticks
    if trace.stimulus.reset == "host":
        starts = np.append(trace.stimulus.query_start, np.iinfo(np.int64).max)
        arrives &= starts[np.searchsorted(starts, tick, side="right")] > arrival
    return arrives
