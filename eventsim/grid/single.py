"""Neurons of which each spike sends a single row: what it brings is counted with its messages, from one line of memory.

A population may send by several pathways, one after the other of its neurons by each, as excitatory and inhibitory ones
do.

A spike is counted when it is announced, with a message to each core that it reaches; a row when it lands, with what it
brings to each core. Where a spike sends one row, the cores that it reaches are those that the row brings something to:
one look at the row's lanes or list (`eventsim.grid.spread`) tells both. What is to come is held until the row lands,
and counted then; without a delay that is at once. The line of the sender (`eventsim.grid.reach`) is not looked at; how
often each fired is known from how often its row landed, and from the spikes that are in flight.
"""

from itertools import pairwise

import numpy as np

from eventsim.sums import CORE_BLOCK, ON_A_CORE, ON_ONE_CORE

__all__ = ["TOO_MANY", "forget_in_flight", "single_rows", "spikes_of_each"]

#: Synapses that, all on one core, could bring it more in a tick than four bytes hold.
TOO_MANY = 1 << 32


def single_rows(network, core_of, spread, may_be, history_ticks):
    """Which pathways send single rows that are counted when they are sent.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
    spread : (n_parts, n_pathways, 7) int64
        As in GridArrays.
    may_be : bool
        Whether there are any at all.
    history_ticks : int
        Slots in which spikes are remembered.

    Returns
    -------
    dict : single, single_at, block_core, cores_at, sends, as in GridArrays
    held : dict
        Pathway -> counts that are held until its rows land.
    """
    single, single_at = [], [0]
    may_be = may_be and len(spread) == 1 and network.n_synapses < TOO_MANY
    held = [_held(pathway, spread[0, p, 2], history_ticks) for p, pathway in enumerate(network.pathways)]
    for k in range(len(network.populations)):
        single += _in_turn(network, spread, k, held) if may_be else []
        single_at.append(len(single))
    cores = [core_of[p.start : p.stop] for p in network.populations]
    return {
        "single": np.array(single, dtype=np.int64).reshape(-1, 2), "single_at": np.array(single_at),
        "block_core": _cores_of_blocks(core_of),
        "cores_at": np.array([(of.min() + 1, of.max() + 2) for of in cores], dtype=np.int64).reshape(-1, 2),
        "sends": np.zeros(int(core_of.max(initial=0)) + 2, dtype=np.uint64),
    }, {p: held[p] for p, _ in single}  # fmt: skip


def _held(pathway, n, history_ticks):
    """Counts that are held until rows on `n` cells land: of each tick in which spikes are remembered, or none."""
    return history_ticks * int(n) if pathway.delays.any() else 0


def _in_turn(network, spread, k, held):
    """[(pathway, the neuron behind the last that sends by it)] of a population whose neurons send one row each; else
    none. The pathways deliver in every tick, each core that a row reaches is known, and no more is held than there
    are synapses."""
    often = {o.index for o in network.schedule if o.kind == "deliver" and o.every == 1}
    spans = []
    for p, pathway in enumerate(network.pathways):
        if pathway.source != k or not pathway.size:
            continue
        if p not in often or pathway.delays.size != 1 or held[p] > pathway.size:
            return []
        if not _tells_cores(spread, p):
            return []
        senders = np.flatnonzero(np.diff(pathway.rows))
        spans.append((int(senders[0]), int(senders[-1]), p))
    spans.sort()
    if any(last >= first for (_, last, _), (first, _, _) in pairwise(spans)):
        return []
    behind = [first for first, _, _ in spans[1:]] + [network.populations[k].size]
    return [(p, until) for (_, _, p), until in zip(spans, behind)]


def _tells_cores(spread, p):
    """Whether what is kept of the rows of a pathway names each core that a row reaches once."""
    form, n_kinds = spread[0, p, [0, 5]]
    return n_kinds == 1 and form not in (ON_ONE_CORE, ON_A_CORE)


def _cores_of_blocks(core_of):
    """(n_blocks,) int32: the core of each block of neurons, counted from the host, -1 where they are on several."""
    begin = np.arange(0, core_of.size, CORE_BLOCK)
    least, most = (of.reduceat(core_of, begin) for of in (np.minimum, np.maximum))
    return np.where(least == most, least + 1, -1).astype(np.int32)


def spikes_of_each(arrays, tick):
    """(n_senders,) int64: how often each sender fired before `tick`, the first that was not run."""
    sent = arrays.sent.copy()
    for k, p, first, behind in _single(arrays):
        start, row = arrays.population_start[k], arrays.rows_at[0, p]
        sent[start + first : start + behind] += arrays.row_times[row + first : row + behind]
        sent += _in_flight(arrays, k, p, first, behind, tick)
    return sent


def forget_in_flight(arrays, tick):
    """Before `tick` is taken for a new start: what is in flight will not land, and was sent all the same."""
    for k, p, first, behind in _single(arrays):
        arrays.sent[:] += _in_flight(arrays, k, p, first, behind, tick)


def _single(arrays):
    """(population, pathway, first neuron, the one behind the last) that send single rows."""
    for k in range(arrays.population_size.size):
        first = 0
        for p, behind in arrays.single[arrays.single_at[k] : arrays.single_at[k + 1]].tolist():
            yield k, p, first, behind
            first = behind


def _in_flight(arrays, k, p, first, behind, tick):
    """(n_senders,) int64: spikes of each of these neurons of population k that land in `tick` or later."""
    found, n_slots = np.zeros(arrays.sent.size, dtype=np.int64), arrays.history_count.shape[2]
    for past in range(max(0, tick - int(arrays.delays[arrays.delays_at[p]])), tick):
        slot = past % n_slots
        at = arrays.history_at[k] + slot * arrays.population_size[k]
        neurons = arrays.history[at : at + arrays.history_count[0, k, slot]]
        found[arrays.population_start[k] + neurons[(neurons >= first) & (neurons < behind)]] += 1
    return found
