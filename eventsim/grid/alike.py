"""Rows that are alike: those of neurons of a kind, each onto one core, with as many synapses and the same delays.

What they bring follows from how many neurons of the kind fired, which is known when their messages are counted
(`eventsim.grid.reach` tells what a kind is). Where many fire it is counted then, for the ticks in which the rows land,
and no row is looked at. Attention circuits are of many rows and few kinds: each channel of a token is wired as the
others.
"""

import numpy as np
from numba import njit

from eventsim.sums import ON_A_CORE

__all__ = ["alike_rows", "place_of_coming"]

#: So many spikes, 1 at least, for each number that is looked at where kinds are, and it takes no longer than to look at
#: rows.
_MANY = 2


def alike_rows(network, arrays, kinds, history_ticks):
    """Pathways whose rows are alike, and what those of each kind bring.

    They deliver in every tick, no weight is zero, and no more is held than there are synapses.

    Parameters
    ----------
    network : CompiledNetwork
    arrays : dict
        As `eventsim.grid.spread` gives them.
    kinds : dict or None
        As `eventsim.grid.reach.few_kinds` gives it.
    history_ticks : int
        Slots in which spikes are remembered.

    Returns
    -------
    dict : alike_rows, alike_rows_at, alike_of, alike_from, alike_brings, of GridArrays
    held : dict
        Pathway -> counts that are held until its rows land.
    """
    n_populations, found, held, tables = len(network.populations), [], {}, [np.empty(0, arrays["row_brings"].dtype)]
    looked_at = np.zeros(n_populations, dtype=np.int64)
    may_be = kinds is not None and len(arrays["spread"]) == 1
    for p, pathway in enumerate(network.pathways if may_be else ()):
        n_held = history_ticks * pathway.delays.size * int(arrays["spread"][0, p, 2])
        table = _brings_of_kinds(network, arrays, kinds, p) if _may_be_alike(network, arrays, p, n_held) else None
        if table is not None:
            found.append((pathway.source, p, sum(map(len, tables))))
            held[p] = n_held
            tables.append(table)
            looked_at[pathway.source] += len(table)
    rows = np.array(sorted(found), dtype=np.int64).reshape(-1, 3)
    alike_of = np.full(len(network.pathways), -1, dtype=np.int64)
    alike_of[rows[:, 1]] = np.arange(len(rows))
    return {
        "alike_rows": rows, "alike_rows_at": np.searchsorted(rows[:, 0], np.arange(n_populations + 1)),
        "alike_of": alike_of, "alike_from": np.where(looked_at, _MANY * looked_at, np.iinfo(np.int64).max),
        "alike_brings": np.concatenate(tables),
    }, held  # fmt: skip


def _may_be_alike(network, arrays, p, n_held):
    """Whether a pathway delivers in every tick rows that are on one core each, of no weight that is zero, at least one
    for two neurons, and no more is held than there are synapses."""
    (form, n_kinds), pathway = arrays["spread"][0, p, [0, 5]], network.pathways[p]
    often = any(o.kind == "deliver" and o.index == p and o.every == 1 for o in network.schedule)
    n_rows = np.count_nonzero(np.diff(pathway.rows))
    many = 2 * n_rows >= network.populations[pathway.source].size
    return often and form == ON_A_CORE and n_kinds == 1 and many and n_held <= pathway.size


def _brings_of_kinds(network, arrays, kinds, p):
    """(delays * kinds,) as `row_brings`: of each delay, what the row of each kind brings; None where some differ."""
    pathway, first = network.pathways[p], arrays["spread"][0, p, 3]
    source, (lowest, behind) = network.populations[pathway.source], kinds["kinds_at"][pathway.source]
    kind_of = kinds["sender_of"][source.start : source.stop] - lowest
    brings = arrays["row_brings"][first : first + pathway.rows.size - 1].reshape(source.size, -1)
    table = np.zeros((behind - lowest, pathway.delays.size), dtype=brings.dtype)
    table[kind_of] = brings
    return table.T.ravel() if (table[kind_of] == brings).all() else None


@njit(nogil=True)
def place_of_coming(a, pathway, slot, d):
    """Where in `cells` that is held which rows that are alike bring, of the spikes in a slot by the d-th delay."""
    n_delays = a.delays_at[pathway + 1] - a.delays_at[pathway]
    return a.coming_at[pathway] + (slot * n_delays + d) * a.spread[0, pathway, 2]
