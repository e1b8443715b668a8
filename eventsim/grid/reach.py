"""The cores that each neuron reaches: to each of them goes a message when it fires.

Neurons on one core that reach the same cores are alike to whoever counts. Where they are of a few kinds, as on few
cores, where nearly everybody reaches all, a sender is a kind; else each neuron is a sender. Of neurons whose rows are
counted when they are sent (`eventsim.grid.single`) a run need not know it.
"""

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.grid.parts import apart, from_a_line
from eventsim.grid.slots import N_SLOTS, first_slot, mixed
from eventsim.machine import lowest

__all__ = ["dtype_of_cores", "each_a_sender", "each_neuron", "few_kinds"]

#: Words of bits that are handled at once: first, to see whether kinds are few, and most, in a processor's cache.
_FIRST, _AT_ONCE = 1 << 13, 1 << 17
_BYTES = 4  # for each synapse, as much as a list of the cores takes at most while it is made
_FEW = 255  # kinds, each a byte; and stretches of them that are kept of a population


def few_kinds(network, core_of, n_parts):
    """The cores that the synapses of each kind of neurons reach, as lists: fields of GridArrays.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
    n_parts : int

    Returns
    -------
    dict or None : as `_senders` gives it, each part with the kinds of its own; sender_of (n_neurons,) uint8, the kind
        of each neuron, n_senders, as many kinds as a part has, told_apart, and what `_kinds_of_populations` gives. None
        where there are more than a few kinds.
    """
    kinds = _Kinds(network.n_neurons, _words_of(core_of))
    for some, reached in _reached(network, core_of, range(len(network.populations))):
        if not kinds.tell_apart(some, core_of[some], reached):
            return None
    return kinds.senders(n_parts, dtype_of_cores(core_of)) | _kinds_of_populations(network, kinds.kind_of)


def each_neuron(network, core_of, n_parts, told):
    """The cores that the synapses of each neuron reach: fields of GridArrays.

    A bit for each core, set where it is reached, or, where that would take more than `_BYTES` for each synapse, the
    lists of the cores.

    Parameters
    ----------
    network, core_of, n_parts
        As `few_kinds` has them.
    told : sequence of int
        The populations of whose neurons this is told; those of others reach nobody.

    Returns
    -------
    dict : as `each_a_sender` gives it
    """
    n_words, counts, cores = _words_of(core_of), np.zeros(network.n_neurons, dtype=np.int32), []
    in_bits = network.n_neurons * 8 * n_words <= _BYTES * network.n_synapses
    if not any(pathway.size for pathway in network.pathways if pathway.source in told):
        return each_a_sender(core_of, counts, n_parts)
    bits = np.zeros((network.n_neurons if in_bits else 0, n_words), dtype=np.uint64)
    for some, reached in _reached(network, core_of, told):
        counts[some] = np.bitwise_count(reached).sum(axis=1)
        if in_bits:
            bits[some] = _by_byte(reached)
        else:
            cores.append(_list(reached, np.empty(counts[some].sum(), dtype_of_cores(core_of))))
    return each_a_sender(core_of, counts, n_parts, **({"bits": bits} if in_bits else {"cores": np.concatenate(cores)}))


def dtype_of_cores(core_of):
    """The dtype of lists of cores."""
    return np.uint16 if core_of.max(initial=0) < 1 << 16 else np.uint32


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


def _words_of(core_of):
    """Words with a bit for each core."""
    return int(core_of.max(initial=0)) // 64 + 1


def _reached(network, core_of, told):
    """(slice of neurons, (neurons, n_words) uint64: of each a bit for each core, set where it is reached), piece by
    piece, of populations; the first pieces are small."""
    n_words, cores, size = _words_of(core_of), core_of.astype(dtype_of_cores(core_of)), _FIRST
    for k in told:
        population, first = network.populations[k], 0
        pathways = [p for p in network.pathways if p.source == k and p.size]
        while first < population.size:
            stop, size = min(first + max(1, size // n_words), population.size), min(2 * size, _AT_ONCE)
            words = np.zeros((stop - first, n_words), dtype=np.uint64)
            for p in pathways:
                begins, target = p.rows[:: p.delays.size][first : stop + 1], network.populations[p.target]
                core = cores[target.start : target.stop]
                if np.ptp(core) == 0:
                    words[np.diff(begins) > 0, core[0] // 64] |= np.uint64(1 << int(core[0]) % 64)
                else:
                    _mark(p.first + begins, network.post, cores, words)
            yield slice(population.start + first, population.start + stop), words
            first = stop


@cached_njit()
def _mark(begins, post, core_of, words):
    for sender in range(begins.size - 1):
        for synapse in range(np.uint64(begins[sender]), np.uint64(begins[sender + 1])):
            core = core_of[np.uint64(post[synapse])]
            words[sender, core >> np.uint64(6)] |= np.uint64(1) << (core & np.uint64(63))


@cached_njit()
def _list(words, cores):
    """Write which bits of each row of words are set, row by row, ascending; returns `cores`."""
    filled = 0
    for row in range(len(words)):
        for word in range(words.shape[1]):
            left = words[row, word]
            while left:
                cores[filled] = 64 * word + lowest(left)
                filled += 1
                left &= left - np.uint64(1)
    return cores


def _by_byte(words):
    """Words in which bit 8 i + j is where bit 8 j + i was: as `eventsim.sums.sum_bits` takes them.

    H. S. Warren, Hacker's Delight, 2nd edition, 7-3: transposing a matrix of 8 times 8 bits.
    """
    for shift, mask in ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0)):
        swapped = (words ^ words >> np.uint64(shift)) & np.uint64(mask)
        words = words ^ swapped ^ swapped << np.uint64(shift)
    return words


class _Kinds:
    """Neurons told apart by their core and the cores that they reach, as long as there are a few kinds of them.

    Parameters
    ----------
    n_neurons, n_words : int
        `n_words` words say which cores a neuron reaches.

    Attributes
    ----------
    kind_of : (n_neurons,) uint8
    """

    def __init__(self, n_neurons, n_words):
        self._n, self.kind_of = 0, np.empty(n_neurons, dtype=np.uint8)
        self._known = np.empty((_FEW, 1 + n_words), dtype=np.uint64)  # of each kind its core, and what it reaches
        self._slots = np.zeros(N_SLOTS, dtype=np.int16)

    def tell_apart(self, some, core, reached):
        """Find the kinds of a slice of neurons, each with its core, -1 for the host, and the cores that it reaches;
        returns whether kinds are few."""
        table = np.column_stack([core.astype(np.int64).view(np.uint64), reached])
        self._n = _tell_apart(table, self._known, self._slots, self._n, self.kind_of[some])
        return self._n <= _FEW

    def senders(self, n_parts, dtype):
        """The fields of GridArrays where kinds are the senders; those of two parts are in no cache line together."""
        n = -(-self._n // 4) * 4
        core, reached = np.full(n, -1, dtype=np.int32), np.zeros((n, self._known.shape[1] - 1), dtype=np.uint64)
        core[: self._n], reached[: self._n] = self._known[: self._n, 0].view(np.int64), self._known[: self._n, 1:]
        counts = np.bitwise_count(reached).sum(axis=1)
        cores = _list(reached, np.empty(counts.sum(), dtype))
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
    bits : (n, n_words) uint64, optional
        In place of them a bit for each core: of the first eight the lowest bits of the eight bytes of a word, of the
        next eight the bits above these, and so on, so that `eventsim.sums.sum_bits` counts cores in order.

    Returns
    -------
    dict : senders (n * width,) uint64, `width` words for each sender: its core, counted from the host, plus 2^32 times
        its count; its spikes; and the bits. sent (n,), the spikes; reach, reach_at : the lists, and where each begins;
        empty where there are bits
    """
    bits = np.empty((core_of.size, 0), dtype=np.uint64) if bits is None else bits
    width = 2 + bits.shape[1]
    table = from_a_line(core_of.size * width, np.uint64).reshape(-1, width)
    table[:, 0] = (core_of + 1).astype(np.uint64) + (np.asarray(counts).astype(np.uint64) << np.uint64(32))
    table[:, 1], table[:, 2:] = 0, bits
    lists = {"reach": np.empty(0, np.uint16), "reach_at": np.empty(0, np.int64)}
    if cores is not None:
        lists = {"reach": cores, "reach_at": np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])}
    return lists | {"senders": table.ravel(), "width": width, "sent": table[:, 1].view(np.int64)}
