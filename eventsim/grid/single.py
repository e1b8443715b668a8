"""Neurons of which each spike sends a single row: what it brings is counted with its messages, from one line of memory.

A spike is counted when it is announced, with a message to each core that it reaches; a row when it lands, with what it
brings to each core. Where a spike sends one row, the cores that it reaches are those that the row brings something to:
one look at the row's lanes or list (`eventsim.grid.spread`) tells both. What is to come is held until the row lands,
and counted then; without a delay that is at once. The line of the sender (`eventsim.grid.reach`) is not looked at; how
often each fired is known from how often its row landed, and from the spikes that are in flight.
"""

import numpy as np

from eventsim.grid.spread import MOST_OF_ENTRY
from eventsim.sums import CORE_BLOCK, IN_LISTS, ON_A_CORE, ON_ONE_CORE

__all__ = ["forget_in_flight", "single_rows", "spikes_of_each"]

#: Neurons of blocks that are on several cores, at most: each one's core is looked up then, from another line again.
_ONE_BY_ONE = 1 << 13


def single_rows(network, core_of, arrays, history_ticks, n_cells):
    """Which populations send single rows that are counted when they are sent, and room for what is to come.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
    arrays : dict
        As `reach` and `spread` give them.
    history_ticks : int
        Slots in which spikes are remembered.
    n_cells : int
        Size of the tally: what is to come is held behind it.

    Returns
    -------
    dict : single, coming_at, block_core, cores_at, sends, as in GridArrays
    n_coming : int
        Counts that are held.
    """
    spread, size = arrays["spread"], 0
    single, coming_at = (np.full(len(of), -1, dtype=np.int64) for of in (network.populations, network.pathways))
    blocks, one_by_one = _cores_of_blocks(core_of)
    if len(spread) == 1 and arrays["sender_of"].size == 0 and one_by_one <= _ONE_BY_ONE:
        for k, p in _only_pathways(network):
            if network.pathways[p].delays.size == 1 and _tells_cores(arrays, p, network.pathways[p].rows.size):
                single[k], coming_at[p] = p, n_cells + size
                size += history_ticks * spread[0, p, 2] if network.pathways[p].delays[0] else 0
    cores = [core_of[p.start : p.stop] for p in network.populations]
    return {
        "single": single, "coming_at": coming_at, "block_core": blocks,
        "cores_at": np.array([(of.min() + 1, of.max() + 2) for of in cores], dtype=np.int64).reshape(-1, 2),
        "sends": np.zeros(int(core_of.max(initial=0)) + 2, dtype=np.uint64),
    }, size  # fmt: skip


def _tells_cores(arrays, p, n):
    """Whether what is kept of the `n` - 1 rows of a pathway names each core that a row reaches once."""
    form, _, _, place, _, n_kinds = arrays["spread"][0, p]
    if form == IN_LISTS:
        entries = slice(*arrays["entry_at"][[place, place + n - 1]])
        return n_kinds == 1 and arrays["entry_count"][entries].max(initial=0) < MOST_OF_ENTRY
    return n_kinds == 1 and form not in (ON_ONE_CORE, ON_A_CORE)


def _only_pathways(network):
    """(population, pathway): those with synapses onto others by one pathway only, which delivers in every tick."""
    often = {o.index for o in network.schedule if o.kind == "deliver" and o.every == 1}
    for k in range(len(network.populations)):
        pathways = [p for p, pathway in enumerate(network.pathways) if pathway.source == k and pathway.size]
        if len(pathways) == 1 and pathways[0] in often:
            yield k, pathways[0]


def _cores_of_blocks(core_of):
    """(n_blocks,) int32: the core of each block of neurons, counted from the host, -1 where they are on several; and
    how many neurons these are."""
    begin = np.arange(0, core_of.size, CORE_BLOCK)
    least, most = (of.reduceat(core_of, begin) for of in (np.minimum, np.maximum))
    return np.where(least == most, least + 1, -1).astype(np.int32), CORE_BLOCK * int((least != most).sum())


def spikes_of_each(arrays, tick):
    """(n_senders,) int64: how often each sender fired before `tick`, the first that was not run."""
    sent = arrays.sent.copy()
    for k, p in _single(arrays):
        start, stop = arrays.population_start[k] + np.array([0, arrays.population_size[k]])
        sent[start:stop] += arrays.row_times[arrays.rows_at[0, p] :][: stop - start]
        sent += _in_flight(arrays, k, p, tick)
    return sent


def forget_in_flight(arrays, tick):
    """Before `tick` is taken for a new start: what is in flight will not land, and was sent all the same."""
    for k, p in _single(arrays):
        arrays.sent[:] += _in_flight(arrays, k, p, tick)


def _single(arrays):
    """(population, pathway) that send single rows."""
    return [(k, arrays.single[k]) for k in np.flatnonzero(arrays.single >= 0).tolist()]


def _in_flight(arrays, k, p, tick):
    """(n_senders,) int64: spikes of each of population k's neurons that land in `tick` or later."""
    found, n_slots = np.zeros(arrays.sent.size, dtype=np.int64), arrays.history_count.shape[2]
    for past in range(max(0, tick - int(arrays.delays[arrays.delays_at[p]])), tick):
        slot = past % n_slots
        at = arrays.history_at[k] + slot * arrays.population_size[k]
        found[arrays.population_start[k] + arrays.history[at : at + arrays.history_count[0, k, slot]]] += 1
    return found
