"""RankEngine: the grid's engine for a share of a network; what mirrors do is nobody's and is not recorded."""

from dataclasses import replace

import numpy as np

from eventsim.engine import NO_LIMIT
from eventsim.errors import InternalError
from eventsim.grid.engine import GridEngine
from eventsim.grid.reach import dtype_of_cores, each_a_sender

__all__ = ["RankEngine"]


class RankEngine(GridEngine):
    """A share on the grid.

    Populations that decay are updated in each tick: to take up a run again from where all bits were known would need
    all that the ranks told each other since.

    Parameters
    ----------
    share : Share
    reach : (counts, cores)
        How many cores each own neuron reaches, on all ranks, and which, neuron by neuron, ascending.
    recorded : list of (str, int)
        As in the whole network; neurons of this rank.
    record_every, buffers, threads, updates, max_bytes
        As `GridEngine` has them.

    Attributes
    ----------
    share : Share
        Without its synapses.
    """

    _may_count_aside = False  # ranks have the processors

    def __init__(self, share, reach, recorded, record_every, buffers, *, threads, updates, max_bytes):
        self.share, self._n_own, self._seen = share, share.own.size, 0
        local = [(name, int(np.searchsorted(share.own, neuron))) for name, neuron in recorded]
        super().__init__(share.network, share.network.stimulus, _cores(share), local, record_every, buffers,
                         threads=threads, updates=updates, max_bytes=max_bytes)  # fmt: skip
        self._touchable -= self._plan.decays.keys()
        self._touch(self.by_touch & self._touchable)
        self._known = None
        self._take_over(reach)
        self._forget_the_table()
        self._mirrors = np.array([p.start for p in self._network.populations if self._is_mirror(p)], dtype=np.int64)
        self._first_mirror = len(self._network.populations) - self._mirrors.size
        self._static = int(self._arrays.stimulus_at[self._first_mirror])

    def _is_mirror(self, population):
        return population.start >= self._network.n_neurons - self.share.mirrored.size

    def _take_over(self, reach):
        """Messages are counted where a neuron fires, to all cores that it reaches: not to those of this rank alone."""
        counts, cores = reach
        counts = np.append(counts, np.zeros(self._network.n_neurons - self._n_own, dtype=np.int32)).astype(np.int32)
        found = each_a_sender(self._arrays.core_of, counts, len(self._arrays.bounds) - 1,
                              cores=cores.astype(dtype_of_cores(self._arrays.core_of)))  # fmt: skip
        arrays = self._arrays
        self._arrays = arrays._replace(**found, single=arrays.single[:0], single_at=np.zeros_like(arrays.single_at),
                                       coming_at=np.full_like(arrays.coming_at, -1),
                                       alike_of=np.full_like(arrays.alike_of, -1))  # fmt: skip

    def _forget_the_table(self):
        """The kernel has synapses in a form of its own; they are most of what a rank holds."""
        without = {"post": np.empty(0, np.int32), "weight": np.empty(0)}
        self._network = replace(self._network, **without)
        self.share = replace(self.share, network=self._network, pairs=self.share.pairs[:0].copy())

    def advance(self, tick, stop, most_spikes=NO_LIMIT):
        return super().advance(tick, stop, most_spikes)

    def fired(self):
        """(tick, own neuron) of the spikes since the last call or `take`, this rank's own, sources included."""
        stop = int(self._arrays.filled[0])
        neuron = self._arrays.spike_neuron[self._seen : stop]
        mine = np.flatnonzero(neuron < self._n_own)
        tick, self._seen = self._arrays.spike_tick[self._seen : stop][mine], stop
        return tick, neuron[mine]

    def hear(self, tick, mirror):
        """Let mirrors fire; those that did not yet fire never will.

        Parameters
        ----------
        tick : (n,) int64
            When they fire.
        mirror : (n,) int64
            Place among `Share.mirrored`.
        """
        arrays, population = self._arrays, np.searchsorted(self._mirrors - self._mirrors[:1], mirror, side="right") - 1
        size = self._static + tick.size
        if size > arrays.stimulus_tick.size:
            room = np.zeros(size, dtype=np.int64)
            arrays = arrays._replace(
                **{name: np.append(getattr(arrays, name)[: self._static], np.resize(room, 2 * tick.size))
                   for name in ("stimulus_tick", "stimulus_neuron")})  # fmt: skip
        order = np.lexsort((mirror, tick, population))
        arrays.stimulus_tick[self._static : size] = tick[order]
        first = self._mirrors - self._mirrors[:1]
        arrays.stimulus_neuron[self._static : size] = (mirror - first[population])[order]
        ends = self._static + np.cumsum(np.bincount(population, minlength=self._mirrors.size))
        arrays.stimulus_at[self._first_mirror + 1 :] = ends
        arrays.cursor[self._first_mirror :] = np.append(self._static, ends[:-1])
        self._arrays = arrays

    def start_again(self, tick):
        super().start_again(tick)
        self._known = None
        self.hear(np.empty(0, np.int64), np.empty(0, np.int64))

    def take(self):
        if self._seen != self._arrays.filled[0]:
            raise InternalError("spikes are taken that nobody was told of")
        columns, self._seen = super().take(), 0
        mine = columns["neuron"] < self._n_own
        columns |= {"tick": columns["tick"][mine], "neuron": self.share.own[columns["neuron"][mine]]}
        counts = columns.pop("counts").columns()
        real = counts["core"] < self.share.n_cores
        return columns | {f"counts_{name}": values[real] for name, values in counts.items()}

    def totals(self, tick):
        found = super().totals(tick)
        for name in ("received_count", "received_weight"):
            found[name] = found[name][: self._n_own]
        return found


def _cores(share):
    """The core of each neuron of the share; mirrors are on a core that there is not."""
    cores = np.full(share.network.n_neurons, share.n_cores, dtype=np.int32)
    cores[: share.own.size] = share.core_of
    return cores
