"""Spikes and messages counted spike by spike from a trace, by plain Python."""

import numpy as np

from eventsim.counts import KINDS

__all__ = ["counted", "plain_counts"]


def plain_counts(network, core_of, trace):
    """Spikes and messages of each (tick, core, kind), spike by spike, and of each pair of cores."""
    reached, rows, pairs = {}, {}, {}
    for p in network.pathways:
        sender = np.repeat(np.arange(p.rows.size - 1) // p.delays.size, np.diff(p.rows))
        for pre, post in zip(sender + network.populations[p.source].start, network.post[p.first : p.first + p.size]):
            reached.setdefault(pre, set()).add(core_of[post])
    spikes = trace.spikes()
    for tick, neuron in zip(spikes.tick, spikes.neuron):
        own, others = core_of[neuron], reached.get(neuron, ())
        counted = [(own, "spikes"), *((own, "messages_out") for _ in others), *((o, "messages_in") for o in others)]
        for core, kind in counted:
            rows[tick, core, kind] = rows.get((tick, core, kind), 0) + 1
        for other in others:
            pairs[own, other] = pairs.get((own, other), 0) + 1
    return rows, pairs


def counted(counts):
    """The same of EventCounts: (tick, core, kind) -> count of spikes and messages, (core, core) -> messages."""
    rows = {
        (tick, core, KINDS[kind]): count
        for tick, core, kind, count in zip(counts.tick, counts.core, counts.kind, counts.count)
        if KINDS[kind] in ("spikes", "messages_out", "messages_in")
    }
    pairs = zip(counts.message_source, counts.message_destination, counts.message_count)
    return rows, {(source, destination): count for source, destination, count in pairs}
