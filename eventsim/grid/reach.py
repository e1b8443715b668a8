"""The cores that each neuron reaches: to each of them goes a message when it fires.

Neurons on one core that reach the same cores are alike to whoever counts. Where they are of a few kinds, as on few
cores, where nearly everybody reaches all, a sender is a kind; else each neuron is a sender.
"""

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.grid.parts import apart, from_a_line
from eventsim.grid.slots import N_SLOTS, first_slot, mixed

__all__ = ["each_a_sender", "reach"]

_AT_ONCE = 1 << 20  # synapses, pairs of a neuron and a core: what is handled at once, to take little memory
_BYTES = 4  # for each synapse, as much as a list of the cores takes at most while it is made
_FEW = 255  # kinds, each a byte; and stretches of them that are kept of a population


def reach(network, core_of, n_parts):
    """The distinct cores that the synapses of each neuron reach: fields of GridArrays.

    Where each neuron is a sender, a bit for each core, set where it is reached, or, where that would take more than
    `_BYTES` for each synapse, the lists of the cores. Kinds have lists, and each part has the kinds of its own.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
    n_parts : int

    Returns
    -------
    dict : as `_senders` gives it; sender_of (n_neurons,) uint8, the kind of each neuron, n_senders, as many kinds as a
        part has, told_apart, and what `_kinds_of_populations` gives; empty and 0 where each neuron is a sender
    """
    n_cores = int(core_of.max(initial=0)) + 1
    width = -(-n_cores // 64) * 8
    in_bits = network.n_neurons * width <= _BYTES * network.n_synapses
    cores = [np.empty(0, np.uint16 if n_cores <= 1 << 16 else np.uint32)]
    counts = np.zeros(network.n_neurons, dtype=np.int32)
    bits = np.zeros((network.n_neurons if in_bits else 0, width), dtype=np.uint8)
    kinds = _Kinds(network.n_neurons, width)
    for some, reached in _reached(network, core_of, 8 * width):
        by_byte = reached.reshape(len(reached), -1, 8, 8).swapaxes(2, 3)
        packed = np.packbits(by_byte, bitorder="little").reshape(len(reached), -1)
        kinds.tell_apart(some, core_of[some], packed, reached)
        counts[some] = np.count_nonzero(reached, axis=1)
        if in_bits:
            bits[some] = packed
        else:
            cores.append(np.nonzero(reached)[1].astype(cores[0].dtype))
    if kinds.n <= _FEW:
        return kinds.senders(n_parts, cores[0].dtype) | _kinds_of_populations(network, kinds.kind_of)
    reached = {"bits": bits} if in_bits else {"cores": np.concatenate(cores)}
    return each_a_sender(core_of, counts, n_parts, **reached)


def each_a_sender(core_of, counts, n_parts, **reached):
    """The fields of GridArrays where each neuron is a sender; the arguments are those of `_senders`."""
    return _senders(core_of, counts, **reached) | {
        "sender_of": np.empty(0, np.uint8), "n_senders": 0, "told_apart": apart(n_parts, (0,), np.int64),
        "kinds_at": np.empty((0, 2), np.int64), "alike": np.empty((0, 2), np.int64), "alike_at": np.empty(0, np.int64),
    }  # fmt: skip


def _kinds_of_populations(network, kind_of):
    """Which kinds the neurons of each population are of, and, where those of a kind stand together, how far.

    Parameters
    ----------
    network : CompiledNetwork
    kind_of : (n_neurons,) uint8

    Returns
    -------
    dict : kinds_at (n_populations, 2) int64, the lowest kind and the one behind the highest; alike (n, 2) int64, of
        each stretch of neurons of a kind the neuron behind its last, counted within the population, and the kind;
        alike_at (n_populations + 1,) int64, where those of each population begin: none where they are many
    """
    kinds_at, tables = np.zeros((len(network.populations), 2), dtype=np.int64), [np.empty((0, 2), dtype=np.int64)]
    for k, population in enumerate(network.populations):
        kinds = kind_of[population.start : population.stop].astype(np.int64)
        kinds_at[k] = kinds.min(), kinds.max() + 1
        last = np.append(np.flatnonzero(np.diff(kinds)), kinds.size - 1)
        last = last if last.size <= _FEW else last[:0]
        tables.append(np.column_stack([last + 1, kinds[last]]))
    return {"kinds_at": kinds_at, "alike": np.concatenate(tables), "alike_at": np.cumsum([len(t) for t in tables])}


def _reached(network, core_of, n_columns):
    """(slice of neurons, (neurons, n_columns) bool: whether each reaches each core), piece by piece."""
    for k, population in enumerate(network.populations):
        pathways = [p for p in network.pathways if p.source == k and p.size]
        most = max([1, *(p.size for p in pathways)])
        at_once = max(1, min(4 * _AT_ONCE // n_columns, population.size * _AT_ONCE // most))
        for first in range(0, population.size, at_once):
            stop = min(first + at_once, population.size)
            reached = np.zeros((stop - first, n_columns), dtype=bool)
            for p in pathways:
                rows, target = p.rows[:: p.delays.size][first : stop + 1], network.populations[p.target]
                core = core_of[target.start : target.stop]
                if np.ptp(core) == 0:
                    reached[:, core[0]] |= np.diff(rows) > 0
                    continue
                sender = np.repeat(np.arange(stop - first), np.diff(rows))
                reached[sender, core_of[network.post[p.first + rows[0] : p.first + rows[-1]]]] = True
            yield slice(population.start + first, population.start + stop), reached


class _Kinds:
    """Neurons told apart by their core and the cores that they reach, as long as there are a few kinds of them.

    Parameters
    ----------
    n_neurons, width : int
        `width` bytes say which cores a neuron reaches.

    Attributes
    ----------
    n : int
        Kinds found; above `_FEW`, and no longer counted, where they are more.
    kind_of : (n_neurons,) uint8
    """

    def __init__(self, n_neurons, width):
        self.n, self.kind_of = 0, np.empty(n_neurons, dtype=np.uint8)
        self._known = np.empty((_FEW, 1 + width // 8), dtype=np.uint64)
        self._slots = np.zeros(N_SLOTS, dtype=np.int16)
        self._core, self._reached, self._n_columns = [], [], 8 * width

    def tell_apart(self, some, core, packed, reached):
        """Find the kinds of a slice of neurons, each with its core, and what it reaches, as bits and as bool."""
        if self.n > _FEW:
            return
        table = np.column_stack([core.astype(np.uint64), packed.view(np.uint64)])
        before, self.n = self.n, _tell_apart(table, self._known, self._slots, self.n, self.kind_of[some])
        new = [int(np.argmax(self.kind_of[some] == kind)) for kind in range(before, min(self.n, _FEW))]
        self._core.extend(core[new])
        self._reached.extend(reached[new])

    def senders(self, n_parts, dtype):
        """The fields of GridArrays where kinds are the senders; those of two parts are in no cache line together."""
        n = -(-self.n // 4) * 4
        core, reached = np.full(n, -1, dtype=np.int32), np.zeros((n, self._n_columns), dtype=bool)
        core[: self.n], reached[: self.n] = self._core, np.reshape(self._reached, (self.n, self._n_columns))
        counts, cores = np.count_nonzero(reached, axis=1), np.nonzero(reached)[1].astype(dtype)
        found = _senders(np.tile(core, n_parts), np.tile(counts, n_parts), np.tile(cores, n_parts))
        return found | {"sender_of": self.kind_of, "n_senders": n, "told_apart": apart(n_parts, (n,), np.int64)}


@cached_njit()
def _tell_apart(table, known, slots, n, kind_of):
    """Write the kind of each row of a table, its place among those `known`; returns how many these are by then, and one
    more than there is room for where it ends early.

    `slots` is a hash table: the place of a kind, plus one, in the first free slot from where its words say.
    """
    for row in range(len(table)):
        words = np.uint64(0)
        for word in range(table.shape[1]):
            words = mixed(words, table[row, word])
        slot = first_slot(words)
        while slots[slot] and _differ(table, row, known, slots[slot] - 1):
            slot = (slot + 1) % slots.size
        if slots[slot] == 0:
            if n == len(known):
                return n + 1
            known[n] = table[row]
            n += 1
            slots[slot] = n
        kind_of[row] = slots[slot] - 1
    return n


@njit
def _differ(table, row, known, kind):
    differ = False
    for word in range(table.shape[1]):
        differ |= table[row, word] != known[kind, word]
    return differ


def _senders(core_of, counts, cores=None, bits=None):
    """What is read when a sender fires, side by side in memory: fields of GridArrays.

    Parameters
    ----------
    core_of : (n,) int32
        The core of each sender.
    counts : (n,) int
        Cores that each reaches.
    cores : (counts.sum(),) int, optional
        Which these are, sender by sender, ascending.
    bits : (n, 8 n_words) uint8, optional
        In place of them a bit for each core: of the first eight the lowest bits of the eight bytes of a word, of the
        next eight the bits above these, and so on, so that `eventsim.sums.sum_bits` counts cores in order.

    Returns
    -------
    dict : senders (n * width,) uint64, `width` words for each sender: its core, counted from the host, plus 2^32 times
        its count; its spikes; and the bits. sent (n,), the spikes; reach, reach_at : the lists, and where each begins;
        empty where there are bits
    """
    bits = np.empty((core_of.size, 0), dtype=np.uint8) if bits is None else bits
    width = 2 + bits.shape[1] // 8
    table = from_a_line(core_of.size * width, np.uint64).reshape(-1, width)
    table[:, 0] = (core_of + 1).astype(np.uint64) + (np.asarray(counts).astype(np.uint64) << np.uint64(32))
    table[:, 1], table[:, 2:] = 0, bits.view(np.uint64)
    lists = {"reach": np.empty(0, np.uint16), "reach_at": np.empty(0, np.int64)}
    if cores is not None:
        lists = {"reach": cores, "reach_at": np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])}
    return lists | {"senders": table.ravel(), "width": width, "sent": table[:, 1].view(np.int64)}
