"""How many messages went from which core to which: they follow from how often each sender fired, and whom it reaches.

Whom neurons reach whose rows are counted when they are sent (`eventsim.grid.single`) no run needs to know, and so no
table tells (`eventsim.grid.reach`); it is read off their synapses here.
"""

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.errors import InternalError

__all__ = ["messages_of"]

_LOW = np.uint64((1 << 32) - 1)
_DENSE = 16  # from one destination in so many cores on they are looked for, not sorted


def messages_of(network, core_of, senders, untold, spikes):
    """Messages between cores.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
    senders : tuple
        senders, width, reach, reach_at, of GridArrays.
    untold : sequence of int
        Pathways of whose senders these do not tell whom they reach; each neuron sends by one, with one delay.
    spikes : (n_senders,) int64
        How often each sender fired.

    Returns
    -------
    dict : message_source, message_destination (m,) int32, message_count (m,) int64, sorted and without zeros; cores are
        counted from the host, -1
    """
    if len(untold) and not network.post.size:
        raise InternalError("messages are read off synapses that were let go")
    source_of = (senders[0][:: senders[1]] & _LOW).astype(np.int64)  # the core of each sender, counted from the host
    fired = np.flatnonzero(spikes)
    fired = fired[np.argsort(source_of[fired], kind="stable")]
    begin, end = _rows_of_senders(network, untold)
    n_cores = int(core_of.max(initial=0)) + 2
    found = _count(fired, source_of, spikes, *senders, begin, end, network.post, core_of, n_cores)
    return dict(zip(("message_source", "message_destination", "message_count"), found))


def _rows_of_senders(network, untold):
    """Where in `post` the only row of each neuron that sends by these pathways begins and ends; both empty if none."""
    begin, end = np.zeros((2, network.n_neurons if len(untold) else 0), dtype=np.int64)
    for pathway in (network.pathways[p] for p in untold):
        start, rows = network.populations[pathway.source].start, pathway.first + pathway.rows
        sending = np.flatnonzero(np.diff(rows))
        begin[start + sending], end[start + sending] = rows[sending], rows[sending + 1]
    return begin, end


@cached_njit()
def _count(fired, source_of, spikes, senders, width, reach, reach_at, begin, end, post, core_of, n_cores):
    """Columns of source, destination and messages of what these senders sent, which stand core by core: to the cores in
    their lists, to those of their bits, and to those of their rows."""
    found, filled = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64)), 0
    sums, n = np.zeros(n_cores, np.int64), np.uint64(0)  # by core, counted from the host
    touched, last = np.empty(n_cores + 1, np.int64), np.full(n_cores, -1)  # the first n cores, of one source
    of_bits = np.zeros((width - 2, 64), np.int64)  # of one source, in the order of the bits
    for place in range(fired.size):
        sender = fired[place]
        times = spikes[sender]
        if reach_at.size:
            for r in range(reach_at[sender], reach_at[sender + 1]):
                n = _send(sums, touched, n, np.uint64(reach[r]) + np.uint64(1), times)
        for word in range(width - 2):
            bits = senders[sender * width + 2 + word]
            for bit in range(64):
                of_bits[word, bit] += times & -np.int64((bits >> np.uint64(bit)) & np.uint64(1))
        if begin.size:
            for synapse in range(np.uint64(begin[sender]), np.uint64(end[sender])):
                core = np.uint64(core_of[np.uint64(post[synapse])] + 1)
                n = _send(sums, touched, n, core, times * (last[core] != place))
                last[core] = place
        if place + 1 == fired.size or source_of[fired[place + 1]] != source_of[sender]:
            n = _send_bits(sums, touched, n, of_bits)
            found, filled = _hand_over(found, filled, source_of[sender], sums, touched, np.int64(n))
            n = np.uint64(0)
    return found[0][:filled], found[1][:filled], found[2][:filled]


@njit
def _send(sums, touched, n, core, times):
    """Add messages to a core, and the core to those that are touched if it was not; returns how many these are."""
    touched[n] = core
    n += np.uint64(sums[core] == 0)
    sums[core] += times
    return n


@njit
def _send_bits(sums, touched, n, of_bits):
    """The same of what was counted of each bit, which is forgotten."""
    for word in range(len(of_bits)):
        for bit in range(64):
            if of_bits[word, bit]:
                core = np.uint64(64 * word + 8 * (bit % 8) + bit // 8 + 1)
                n = _send(sums, touched, n, core, of_bits[word, bit])
    of_bits[:] = 0
    return n


@njit
def _hand_over(found, filled, source, sums, touched, n):
    """Append the sums of a source, ascending, and make them zero; returns the columns, which grow, and how full they
    are."""
    if filled + n > found[0].size:
        room = filled // 2 + n
        found = (_longer(found[0], room), _longer(found[1], room), _longer(found[2], room))
    cores = np.sort(touched[:n]) if n * _DENSE < sums.size else np.flatnonzero(sums)
    for place in range(np.uint64(n)):
        core, row = np.uint64(cores[place]), np.uint64(filled) + place
        found[0][row], found[1][row], found[2][row] = source - 1, cores[place] - 1, sums[core]
        sums[core] = 0
    return found, filled + n


@njit
def _longer(column, room):
    longer = np.empty(column.size + room, column.dtype)
    longer[: column.size] = column
    return longer
