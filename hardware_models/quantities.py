"""quantities: what each core did, in the units that cost tables price."""

import numpy as np

from eventsim.counts import HOST
from hardware_models.mesh import chip_of, hops

__all__ = ["quantities", "within_a_chip"]


def quantities(counts, mesh):
    """What each core did, in the units that tables price.

    Hops are booked on the core that sends. Messages from the host and between chips have no published distance and
    make no hop.

    Returns
    -------
    DataFrame
        One row per core that holds a neuron; int64 columns neurons, neuron_updates, synaptic_events, messages_in,
        hops_east_west, hops_north_south.
    """
    table = counts.per_core().drop(index=HOST, errors="ignore")[["synaptic_events", "messages_in"]]
    cores, neurons = np.unique(counts.core_of[counts.core_of != HOST], return_counts=True)
    table.insert(0, "neurons", neurons)
    table.insert(1, "neuron_updates", neurons * counts.duration_ticks)
    measured = within_a_chip(counts, mesh)
    source, destination = counts.message_source[measured], counts.message_destination[measured]
    at = np.searchsorted(cores, source)
    for term, distance in zip(("hops_east_west", "hops_north_south"), hops(source, destination, mesh)):
        sums = np.zeros(cores.size, dtype=np.int64)
        np.add.at(sums, at, distance * counts.message_count[measured])
        table[term] = sums
    return table


def within_a_chip(counts, mesh):
    """(n_pairs,) bool: which of the pairs of cores that exchange messages are on one chip; the host is on none."""
    return chip_of(counts.message_source, mesh) == chip_of(counts.message_destination, mesh)
