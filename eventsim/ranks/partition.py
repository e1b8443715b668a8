"""Which rank owns which neuron.

A rank owns neurons and the synapses onto them. Ranks meet after as many ticks as the shortest delay lasts. A pathway
that cannot wait so long *binds*: one with a delay of 0, whose spikes act in their own tick, and one whose deliveries
read variables of the sender. Whatever it joins stays on one rank.
"""

import numpy as np

from eventsim.errors import ConfigError
from eventsim.grid.parts import bounds_of_parts

__all__ = ["binds", "owners", "ticks_between_meetings"]

_LONGEST_WAY = 1024  # ticks; beyond, meeting costs nothing any more


def binds(pathway, delays, from_source):
    """Whether a pathway needs its senders on the rank of its receivers; spikes of a stimulus are known everywhere."""
    return bool(pathway.senders) or (int(delays[0]) == 0 and not from_source)


def ticks_between_meetings(network):
    """Ticks that ranks may run without each other's spikes."""
    exchanged = [p for p in network.pathways if not network.populations[p.source].is_source and not _binds(network, p)]
    return min([int(p.delays[0]) for p in exchanged] + [_LONGEST_WAY])


def _binds(network, pathway):
    return binds(pathway, pathway.delays, network.populations[pathway.source].is_source)


def owners(network, n_ranks):
    """The rank of each neuron.

    Each population is cut into stretches of even work, neurons and synapses; what binding pathways join is kept
    together, pieces in order of their first neuron.

    Returns
    -------
    (n_neurons,) int32

    Raises
    ------
    ConfigError
        When some rank would own nothing; names the pathway that binds most.
    """
    bounds = bounds_of_parts(network, n_ranks)
    cuts = [np.searchsorted(at[1:-1], np.arange(p.size), side="right") for p, at in zip(network.populations, bounds.T)]
    owner = np.concatenate([np.empty(0, np.int64), *cuts]).astype(np.int32)
    binding = [p for p in network.pathways if p.size and _binds(network, p)]
    if binding:
        _keep_together(network, binding, owner, n_ranks)
    n_used = np.unique(owner).size
    if n_used < n_ranks:
        raise ConfigError(_refusal(network, binding, n_used, n_ranks))
    return owner


def _keep_together(network, binding, owner, n_ranks):
    """Give each piece that binding pathways join to one rank, in place."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = np.concatenate([np.arange(p.first, p.first + p.size) for p in binding])
    pre, post, n = network.pre[joined], network.post[joined], network.n_neurons
    _, piece = connected_components(coo_array((np.ones(joined.size, np.int8), (pre, post)), shape=(n, n)), False)
    is_joined = np.zeros(n, dtype=bool)
    is_joined[pre] = is_joined[post] = True
    _, first, piece = np.unique(piece[is_joined], return_index=True, return_inverse=True)
    work = np.bincount(piece, weights=(1 + np.bincount(network.post, minlength=n))[is_joined])
    in_order = np.argsort(first)
    middle = np.cumsum(work[in_order]) - work[in_order] / 2
    rank = np.empty(first.size, dtype=np.int32)
    rank[in_order] = np.minimum(n_ranks * middle / work.sum(), n_ranks - 1)
    owner[is_joined] = rank[piece]


def _refusal(network, binding, n_used, n_ranks):
    if not binding:
        return (f"{n_ranks} ranks for a network of {network.n_neurons} neurons leave some without any; "
                f"use at most {n_used}")  # fmt: skip
    worst = max(binding, key=lambda p: p.size)
    why = "reads variables of its senders" if worst.senders else "has a delay of 0, so that it acts within the tick"
    return (f"pathway '{worst.name}' {why}: what it joins stays on one rank, and so {n_ranks - n_used} of {n_ranks} "
            f"ranks would own no neuron; give its synapses a delay of a tick or more, or use --ranks {n_used} "
            "(threads=... divides such a network too)")  # fmt: skip
