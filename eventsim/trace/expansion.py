"""The expansion: spikes and connectivity into deliveries.

Its unit is the cell: what one spike sends over one pathway with one delay. That is one row of the pathway's table, a
run of consecutive synapses that arrive at one instant. Cells are made and sorted by numpy, a few for each spike; only
the walk along the rows, which makes each delivery, is compiled.
"""

from dataclasses import dataclass

import numpy as np

from eventsim.code_cache import cached_njit

__all__ = ["Cells", "cells_of_windows", "fill"]

#: Cells that are made at once, of about 30 bytes; more only where they all arrive within one tick.
_MAX_CELLS = 1 << 20

_LARGEST_KEY = 2**62

#: Synapses from which on a row is worth five loops.
_LONG = 16


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows of synapses that arrive, sorted by (tick, offset, first).

    Parameters
    ----------
    tick : (n,) int64
        Of arrival.
    offset : (n,) float64 or None
        Of arrival within its tick, in ticks; None on the grid.
    first, size : (n,) int64
        The synapses first, ..., first + size - 1.
    pre : (n,) int32
        Sending neuron.
    kept : (n,) int64
        How many of the synapses lead to a neuron that is asked for.
    """

    tick: np.ndarray
    offset: np.ndarray | None
    first: np.ndarray
    size: np.ndarray
    pre: np.ndarray
    kept: np.ndarray

    def rows(self, chosen):
        """Some of the cells: a slice, an order, or a boolean array."""
        offset = None if self.offset is None else self.offset[chosen]
        return Cells(self.tick[chosen], offset, self.first[chosen], self.size[chosen], self.pre[chosen],
                     self.kept[chosen])  # fmt: skip


def cells_of_windows(network, stimulus, spikes, start_tick, stop_tick, pathways, wanted):
    """All cells that arrive with start_tick <= tick < stop_tick, one stretch of time after the other.

    Parameters
    ----------
    network : CompiledNetwork
    stimulus : Stimulus
        Its resets decide what never arrived.
    spikes : SpikeTable
        All spikes that could arrive: from the longest delay before `start_tick` on.
    start_tick, stop_tick : int
    pathways : sequence of int
        Those that are followed.
    wanted : (n_neurons,) bool or None
        Receiving neurons that are asked for; None for all.

    Yields
    ------
    Cells
    """
    senders = {p: _sent_by(network, p, spikes) for p in {network.pathways[k].source for k in pathways}}
    waiting = [(start_tick, stop_tick)]
    while waiting:
        start, stop = waiting.pop()
        spans = [
            (network.pathways[k], place, *np.searchsorted(sent.tick, (start - delay, stop - delay)))
            for k in pathways
            for sent in (senders[network.pathways[k].source],)
            for place, delay in enumerate(network.pathways[k].delays.tolist())
        ]
        if stop - start > 1 and sum(hi - lo for _, _, lo, hi in spans) > _MAX_CELLS:
            middle = (start + stop) // 2
            waiting += [(middle, stop), (start, middle)]
            continue
        parts = [_cells(network, stimulus, senders[span[0].source], *span) for span in spans if span[2] < span[3]]
        if parts:
            yield _kept(_sorted(parts, start, stop, network.n_synapses), network.post, wanted)


def _sent_by(network, population, spikes):
    """The spikes of one population."""
    source = network.populations[population]
    if source.start == 0 and source.stop == network.n_neurons:
        return spikes
    return spikes.where((spikes.neuron >= source.start) & (spikes.neuron < source.stop))


def _cells(network, stimulus, sent, pathway, place, lo, hi):
    """The cells of one pathway and one of its delays, of the spikes lo, ..., hi - 1 of its source."""
    tick, neuron, n_delays = sent.tick[lo:hi], sent.neuron[lo:hi], pathway.delays.size
    row = (neuron.astype(np.int64) - network.populations[pathway.source].start) * n_delays + place
    first, arrival = pathway.rows[row], tick + pathway.delays[place]
    size = pathway.rows[row + 1] - first
    offset = None if sent.offset is None else sent.offset[lo:hi]
    exists = size > 0
    if stimulus.reset == "host":
        exists &= _query_of(stimulus, tick) == _query_of(stimulus, arrival)
    return Cells(arrival, offset, pathway.first + first, size, neuron, size).rows(exists)


def _query_of(stimulus, tick):
    """How many queries have begun by a tick; a reset by the host drops what is in flight when one begins."""
    return np.searchsorted(stimulus.query_start, tick, side="right")


def _sorted(parts, start, stop, n_synapses):
    """The cells of several parts as one, in order."""
    cells = parts[0] if len(parts) == 1 else _joined(parts)
    if cells.offset is not None:
        return cells.rows(np.lexsort((cells.first, cells.offset, cells.tick)))
    if (stop - start) * n_synapses > _LARGEST_KEY:
        return cells.rows(np.lexsort((cells.first, cells.tick)))
    key = (cells.tick - start) * n_synapses + cells.first
    # Each part is in order already, which this sort notices.
    return cells if (key[1:] > key[:-1]).all() else cells.rows(np.argsort(key, kind="stable"))


def _joined(parts):
    tick, first, size, pre, kept = (
        np.concatenate([getattr(cells, name) for cells in parts]) for name in ("tick", "first", "size", "pre", "kept")
    )
    offset = None if parts[0].offset is None else np.concatenate([cells.offset for cells in parts])
    return Cells(tick, offset, first, size, pre, kept)


def _kept(cells, post, wanted):
    """The cells that lead to a neuron that is wanted, with the number of such synapses."""
    if wanted is None:
        return cells
    kept = _count(cells.first, cells.size, post, wanted)
    return Cells(cells.tick, cells.offset, cells.first, cells.size, cells.pre, kept).rows(kept > 0)


@cached_njit()
def _count(first, size, post, wanted):
    kept = np.zeros(first.size, np.int64)
    for cell in range(first.size):
        for synapse in range(first[cell], first[cell] + size[cell]):
            kept[cell] += wanted[post[synapse]]
    return kept


def fill(cells, network, wanted, into):
    """Walk along the cells and write their deliveries.

    Parameters
    ----------
    cells : Cells
    network : CompiledNetwork
    wanted : (n_neurons,) bool or None
        As it was when the cells were made.
    into : (n,) int64, int64, int32, int32, float64
        Columns tick, synapse, pre, post and weight, for cells.kept.sum() deliveries.
    """
    everybody = np.ones(0 if wanted is None else 1, np.bool_)
    _fill(cells.tick, cells.first, cells.size, cells.pre, network.post, network.weight,
          everybody[:0] if wanted is None else wanted, *into)  # fmt: skip


@cached_njit()
def _fill(tick, first, size, pre, post, weight, wanted, to_tick, to_synapse, to_pre, to_post, to_weight):
    """Deliveries in the order of cells and, within one, of synapses; an empty `wanted` means all of them."""
    at = 0
    for cell in range(tick.size):
        start, n = first[cell], size[cell]
        if wanted.size == 0 and n >= _LONG:
            # One loop for each column: the compiler then sees that they do not overlap, and copies vectors.
            for k in range(n):
                to_tick[at + k] = tick[cell]
            for k in range(n):
                to_synapse[at + k] = start + k
            for k in range(n):
                to_pre[at + k] = pre[cell]
            for k in range(n):
                to_post[at + k] = post[start + k]
            for k in range(n):
                to_weight[at + k] = weight[start + k]
            at += n
            continue
        for synapse in range(start, start + n):
            if wanted.size == 0 or wanted[post[synapse]]:
                to_tick[at], to_synapse[at], to_pre[at] = tick[cell], synapse, pre[cell]
                to_post[at], to_weight[at] = post[synapse], weight[synapse]
                at += 1
