"""quantities: what each core did, in the units that cost tables price."""

import numpy as np

from eventsim.counts import HOST
from hardware_models.mesh import chip_of, hops

__all__ = ["quantities", "within_a_chip"]

_COUNTED = ["synaptic_events", "spikes", "messages_out", "messages_in"]


def quantities(counts, mesh, activity=None):
    """What each core did, in the units that tables price.

    Hops are booked on the core that sends. Messages from the host and between chips have no published distance and
    make no hop.

    Parameters
    ----------
    counts : EventCounts
    mesh : Mesh
    activity : Activity, optional
        Of the same counts.

    Returns
    -------
    DataFrame
        One row per core that holds a neuron; int64 columns neurons, neuron_updates, core_ticks, synaptic_events,
        spikes, messages_out, messages_in, hops_east_west, hops_north_south; idle_updates and active_updates where
        the activity is known.
    """
    table = counts.per_core().drop(index=HOST, errors="ignore")[_COUNTED]
    cores, neurons = np.unique(counts.core_of[counts.core_of != HOST], return_counts=True)
    table.insert(0, "neurons", neurons)
    table.insert(1, "neuron_updates", neurons * counts.duration_ticks)
    table.insert(2, "core_ticks", counts.duration_ticks)
    measured = within_a_chip(counts, mesh)
    source, destination = counts.message_source[measured], counts.message_destination[measured]
    for term, distance in zip(("hops_east_west", "hops_north_south"), hops(source, destination, mesh)):
        table[term] = _sums(cores, source, distance * counts.message_count[measured])
    if activity is not None:
        table["active_updates"] = _sums(cores, activity.core, activity.active)
        table["idle_updates"] = table["neuron_updates"] - table["active_updates"]
    return table


def _sums(cores, at, amounts):
    sums = np.zeros(cores.size, dtype=np.int64)
    np.add.at(sums, np.searchsorted(cores, at), amounts)
    return sums


def within_a_chip(counts, mesh):
    """(n_pairs,) bool: which of the pairs of cores that exchange messages are on one chip; the host is on none."""
    return chip_of(counts.message_source, mesh) == chip_of(counts.message_destination, mesh)
