"""A rank's share of a saved network, as a network of its own.

It has the rank's neurons and, behind them, *mirrors*: for each population that sends to them, a spike source with those
of its neurons that do. The synapses onto the rank's neurons start from the mirrors, in the order of the whole network,
so that each neuron adds up its deliveries in that order. A mirror of a population emits what the ranks told each other:
a spike of tick t in tick t + span, when everybody knows it; its delays are so much shorter. A mirror of a spike source
emits its stimulus. Pathways that bind (see `eventsim.ranks.partition`) start from the rank's own neurons.
"""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from eventsim.compiled_network import CompiledNetwork, operations
from eventsim.network_parts import Operation, Pathway, Population, Table
from eventsim.ranks.own_synapses import read_own_synapses
from eventsim.ranks.partition import binds
from eventsim.stimulus import Stimulus
from eventsim.trace.schema import read_arrays

__all__ = ["Share", "load_share"]

_COLUMNS = {"key_lo": 0, "key_hi": 0, "token": -1, "path_id": -1}  # and what a mirror has there


@dataclass(frozen=True, eq=False)
class Share:
    """What a rank holds.

    Parameters
    ----------
    network : CompiledNetwork
        Its own neurons, then mirrors: of spike sources, then of populations. Its stimulus is what the rank needs of the
        job's.
    own : (n_own,) int32
        Ids in the whole network of its own neurons, which come first in `network`, in the same order.
    sources, mirrored : (n,) int32
        The same of the mirrors of spike sources, which come next, and of those of populations, which come last.
    sends : (n_own,) bool
        Whether a neuron's spikes may be wanted elsewhere.
    pathways : (n_pathways,) int64
        Index in the whole network of each pathway of `network`.
    core_of : (n_own,) int32
    pairs : (n,) int64
        neuron * n_cores + core, ascending: which neurons of the whole network reach which cores here.
    n_cores : int
        Of the whole network.
    """

    network: CompiledNetwork
    own: np.ndarray
    sources: np.ndarray
    mirrored: np.ndarray
    sends: np.ndarray
    pathways: np.ndarray
    core_of: np.ndarray
    pairs: np.ndarray
    n_cores: int


def load_share(job, rank):
    """Read the Share of a rank; holds little else at any time than what is its own.

    Parameters
    ----------
    job : eventsim.ranks.job.Job
    rank : int
    """
    return _Loader(job, rank).share()


class _Loader:
    """The steps of `load_share`, and what they have in common.

    Attributes
    ----------
    own, mirrors : dict
        Population of the whole network -> of the share; those with own neurons, and those that are mirrored.
    mine, senders : dict
        Population of the whole network -> its neurons here, own or mirrored, counted within it.
    """

    def __init__(self, job, rank):
        self.file, self.whole, self.span = job.file, job.description, job.settings.span_ticks
        is_mine = self.file["owner"][:] == rank
        self.own_ids = np.flatnonzero(is_mine).astype(np.int32)
        cores = self.file["core_of"][:]
        self.core_of, self.n_cores = cores[self.own_ids], int(cores.max(initial=0)) + 1
        self.delays = [self.file[f"network/pathways/{p}/delays"][:] for p in range(len(self.whole.pathways))]
        mine = {k: np.flatnonzero(is_mine[p.start : p.start + p.size]) for k, p in enumerate(self.whole.populations)}
        self.mine = {k: members for k, members in mine.items() if members.size}
        self.own = {k: place for place, k in enumerate(self.mine)}
        self._read_synapses(is_mine, self.file["sizes"][:].reshape(-1, job.settings.n_ranks)[:, rank])
        self.senders = self._find_senders()
        order = sorted(self.senders, key=lambda k: (not self._is_source(k), k))
        self.mirrors = {k: len(self.own) + place for place, k in enumerate(order)}

    def _read_synapses(self, is_mine, sizes):
        local = np.cumsum(is_mine, dtype=np.int32) - np.int32(1)
        local[~is_mine] = -1
        self.post, self.weight = np.empty(int(sizes.sum()), dtype=np.int32), np.empty(int(sizes.sum()))
        self.rows, pairs, stop = {}, [np.empty(0, np.int64)], 0
        for p in np.flatnonzero(sizes).tolist():
            pathway, here = self.whole.pathways[p], slice(stop, stop + int(sizes[p]))
            start = self.whole.populations[pathway.source].start

            def pair_of(sender, receiver, start=start):
                return (start + sender) * self.n_cores + self.core_of[receiver]

            self.rows[p], found = read_own_synapses(
                self.file, p, pathway.first, local, self.post[here], self.weight[here], pair_of
            )
            pairs.append(found)
            stop = here.stop
        self.pairs = np.unique(np.concatenate(pairs))

    def _is_source(self, k):
        return self.whole.populations[k].is_source

    def _binds(self, p):
        return binds(self.whole.pathways[p], self.delays[p], self._is_source(self.whole.pathways[p].source))

    def _find_senders(self):
        found = {}
        for p, rows in self.rows.items():
            if not self._binds(p):
                found.setdefault(self.whole.pathways[p].source, []).append(rows.sender)
        return {k: np.unique(np.concatenate(senders)) for k, senders in found.items()}

    def share(self):
        network = CompiledNetwork(
            dt_ms=self.whole.dt_ms, populations=tuple(self._populations()), pathways=tuple(self._pathways()),
            schedule=tuple(self._schedule()), post=self.post, weight=self.weight, paths=self.whole.paths,
            tables=tuple(self._tables()), stimulus=self._stimulus(),
            **{name: self._column(name, of_mirrors) for name, of_mirrors in _COLUMNS.items()},
        )  # fmt: skip
        network.validate()
        return Share(
            network=network, own=self.own_ids, sources=self._ids_of_mirrors(of_sources=True),
            mirrored=self._ids_of_mirrors(of_sources=False), sends=self._sends(),
            pathways=np.array(list(self.rows), dtype=np.int64), core_of=self.core_of, pairs=self.pairs,
            n_cores=self.n_cores,
        )  # fmt: skip

    def _ids_of_mirrors(self, of_sources):
        mirrors = [k for k in self.mirrors if self._is_source(k) == of_sources]
        ids = [self.whole.populations[k].start + self.senders[k] for k in mirrors]
        return np.concatenate([np.empty(0, np.int64), *ids]).astype(np.int32)

    def _populations(self):
        start = 0
        for k, members in self.mine.items():
            row = self.whole.populations[k]
            arrays = {
                part: {name: self.file[f"network/populations/{k}/{part}/{name}"][:][members] for name in names}
                for part, names in (("state", row.state), ("parameters", row.parameters))
            }
            columns: dict[str, Any] = msgspec.structs.asdict(row) | arrays | {"start": start, "size": members.size}
            yield Population(**columns)
            start += members.size
        for k in self.mirrors:
            name, size = f"mirror of {self.whole.populations[k].name}", self.senders[k].size
            yield Population(name, start, size, is_source=True)
            start += size

    def _pathways(self):
        first = 0
        for p, rows in self.rows.items():
            row, delays, is_bound = self.whole.pathways[p], self.delays[p], self._binds(p)
            places, members = (self.own, self.mine) if is_bound else (self.mirrors, self.senders)
            if not is_bound and not self._is_source(row.source):
                delays = delays - np.int32(self.span)
            edges = rows.edges(members[row.source])
            yield Pathway(**msgspec.structs.asdict(row) | {
                "source": places[row.source], "target": self.own[row.target], "first": first, "delays": delays,
                "rows": edges,
            })  # fmt: skip
            first += int(edges[-1])

    def _schedule(self):
        """The operations of what there is here, in their order; mirrors emit first."""
        schedule, of_pathway = operations(self.whole), {p: place for place, p in enumerate(self.rows)}
        emits = {operation.index: operation.every for operation in schedule if operation.kind == "emit"}
        for k, place in self.mirrors.items():
            yield Operation("emit", place, every=emits.get(k, 1))
        for operation in schedule:
            place = (of_pathway if operation.kind == "deliver" else self.own).get(operation.index)
            if place is not None:
                yield replace(operation, index=place)

    def _tables(self):
        for k, row in enumerate(self.whole.tables):
            yield Table(values=self.file[f"network/tables/{k}"][:], **msgspec.structs.asdict(row))

    def _stimulus(self):
        """The spikes of own sources and of mirrors of sources; queries and duration are those of the whole run."""
        given = Stimulus.from_arrays(read_arrays(self.file["stimulus"]))
        ticks, neurons, first = [], [], 0
        for ids in (self.own_ids, self._ids_of_mirrors(of_sources=True)):
            place = np.searchsorted(ids, given.neuron)
            here = np.flatnonzero(place < ids.size)
            here = here[ids[place[here]] == given.neuron[here]]
            ticks.append(given.tick[here])
            neurons.append(first + place[here])
            first += ids.size
        return Stimulus.of(
            np.concatenate(ticks), np.concatenate(neurons), np.column_stack([given.query_start, given.query_stop]),
            given.input_id, given.reset, given.duration_ticks,
        )  # fmt: skip

    def _column(self, name, of_mirrors):
        n_mirrors = sum(senders.size for senders in self.senders.values())
        of_own = self.file[f"network/neurons/{name}"][:][self.own_ids]
        return np.concatenate([of_own, np.full(n_mirrors, of_mirrors, dtype=np.int32)])

    def _sends(self):
        """(n_own,) bool: neurons of populations, not sources, that send by a pathway that does not bind."""
        sending = {row.source for p, row in enumerate(self.whole.pathways)
                   if not self._binds(p) and not self._is_source(row.source)}  # fmt: skip
        return np.concatenate([np.full(members.size, k in sending) for k, members in self.mine.items()])
