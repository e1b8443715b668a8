"""The partition placer: METIS cuts the network into as many parts as cores are needed.

METIS (G. Karypis, V. Kumar, SIAM J. Sci. Comput. 20, 1998) balances parts and cuts few edges of a graph. Here the graph
joins every neuron with those it sends to, and each spike source on the host, which weighs nothing, with its targets: a
neuron's axon stays in few parts when its star is cut little, so few distinct (axon, core) pairs remain, and each pair
is a message for every spike. What limits a core other than its neurons and its memory is not known to METIS; a part
that does not fit is continued on another core, and more parts are tried then. How many are tried first follows from the
greedy placement, which stands beside those of METIS; in the best of them neurons are moved one by one (`refine`).
"""

import numpy as np
from scipy.sparse import coo_array

from hardware_models.placing.placers.fill import fill
from hardware_models.placing.placers.greedy import greedy_order
from hardware_models.placing.placers.refine import refine
from hardware_models.placing.resources import allowed

__all__ = ["partition"]

_TRIES = 2
_SLACK = 1.05  # parts asked for, to those needed if they came out equal
_SLACK_OF_AXONS = 1.1  # output axons are known of the greedy placement only
_TORN = 1.1  # cores to parts, from which on more parts are tried
_GROWTH = 1.25
_PARTS_OF_A_CORE = 1000  # in which a neuron's share of a core is told


def partition(wires):
    """(n,) int32: cores of the positions, from 0; raises what `fill` raises."""
    order, part = greedy_order(wires)
    greedy = fill(wires, order, part)
    needed = max(_share(wires).sum() * _SLACK, wires.reached(greedy).sum() / allowed(wires.chip)[3] * _SLACK_OF_AXONS)
    found = [greedy, *_parts(wires, max(int(np.ceil(needed)), int(part.max(initial=0)) + 1))]
    return refine(wires, min(found, key=lambda cores: wires.pairs(cores)[0].size))


def _parts(wires, n_parts):
    """Cores by so many parts of METIS, and by more where those did not fit."""
    graph, share = _graph(wires), _share(wires)
    for _ in range(_TRIES):
        part = _cut(graph, share, n_parts, wires.n)
        order = np.argsort(part, kind="stable")
        cores = fill(wires, order, part[order])
        yield cores
        if cores.max(initial=-1) + 1 <= n_parts * _TORN:
            break
        n_parts = int(np.ceil(n_parts * _GROWTH))


def _share(wires):
    """(n,) float64: the part of a core that each neuron takes at least."""
    limits = allowed(wires.chip)
    full = max(wires.words.size - 1, 1)
    word_per_synapse = wires.words[-1] / full
    synapses = np.add.reduceat(np.append(wires.in_size, 0), wires.in_start[:-1]) * (np.diff(wires.in_start) > 0)
    return np.maximum(np.maximum(1, wires.longest) / limits[[0, 4]].min(), synapses * word_per_synapse / limits[1])


def _graph(wires):
    """Symmetric adjacency over positions, and then the sources on the host: (start, neighbour) without loops."""
    sender = wires.sender
    host = np.flatnonzero(sender < 0)
    node = np.where(sender >= 0, sender, 0)
    source, index = np.unique(wires.axons.source[host], return_inverse=True)
    node[host] = wires.n + index
    one = np.repeat(np.arange(wires.n, dtype=np.int32), np.diff(wires.in_start))
    other = node[wires.in_axon].astype(np.int32)
    apart, size = one != other, wires.n + source.size
    edges = coo_array((np.ones(apart.sum(), np.int32), (one[apart], other[apart])), shape=(size, size)).tocsr()
    both = (edges + edges.T.tocsr()).tocsr()
    return both.indptr, both.indices


def _cut(graph, share, n_parts, n):
    """(n,) int64: the part of each position."""
    if n_parts == 1 or n == 0:
        return np.zeros(n, dtype=np.int64)
    import pymetis  # an extra; `hardware_models.placing.placers` says so where it is missing

    start, neighbour = graph
    weights = np.zeros(start.size - 1, dtype=np.int64)
    weights[:n] = np.ceil(share * _PARTS_OF_A_CORE)
    adjacency = pymetis.CSRAdjacency(adj_starts=start, adjacent=neighbour)
    _, part = pymetis.part_graph(n_parts, adjacency, vweights=weights, recursive=False,
                                 options=pymetis.Options(seed=1))  # fmt: skip
    return np.asarray(part[:n], dtype=np.int64)
