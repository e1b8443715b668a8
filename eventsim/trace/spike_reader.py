"""SpikeReader: the spikes and the sampled potentials of a trace."""

import numpy as np

from eventsim.arguments import require_kind, whole_number
from eventsim.errors import NotRecordedError
from eventsim.samples import Samples
from eventsim.trace.child import column_at
from eventsim.trace.chosen import ChosenSpikes
from eventsim.trace.open_file import TraceFile
from eventsim.trace.schema import SAMPLES, SPIKES
from eventsim.trace.selection import neurons_named, population_range, window

__all__ = ["SpikeReader"]


class SpikeReader(TraceFile):
    """What fired, and what was sampled; as much of it as is asked for."""

    def spikes(self, population=None, start_tick=None, stop_tick=None, neurons=None, *, label=None, query=None):
        """Spikes of a population and a window of time; reads no more than that.

        Parameters
        ----------
        population : str, optional
            A population of the network, or a range of ids that the circuit labelled; all if left out.
        start_tick, stop_tick : int, optional
            The window start_tick <= tick < stop_tick.
        neurons : (m,) int, optional
            Ids of the compiled network to which the spikes are restricted.
        label : str, optional
            A label of the circuit or one of its paths, and all below it: "head0" stands for "head0/softmax" too.
        query : int, optional
            Place in `queries()`, in place of a window.

        Returns
        -------
        SpikeTable

        Raises
        ------
        ConfigError
            When there is no such population, label, neuron or query.
        TraceFormatError
            When the columns contradict each other.
        """
        chosen = self.choose(population, label, neurons)
        return chosen.read(*window(self.stimulus, start_tick, stop_tick, query))

    def iter_spikes(self, population=None, start_tick=None, stop_tick=None, neurons=None, *, label=None, query=None,
                    max_spikes=1 << 20):  # fmt: skip
        """As `spikes`, one SpikeTable after the other, each read for at most `max_spikes` spikes or for one tick."""
        chosen = self.choose(population, label, neurons)
        whole_number("max_spikes", max_spikes, 1)
        for ends in chosen.windows(*window(self.stimulus, start_tick, stop_tick, query), max_spikes):
            yield chosen.read(*ends)

    @property
    def n_spikes(self):
        """Number of spikes of all populations, from the lengths of the columns."""
        names = [p.name for p in self.network.populations]
        with self.reading() as file:
            return sum(len(column_at(file, f"{SPIKES}/{name}/ticks")) for name in names)

    @property
    def t(self):
        """(n_spikes,) float64: time of every spike in ms, in the order of `i`.

        Brian2's SpikeMonitor.t is a quantity; a trace is read without Brian2, so this is the bare number of ms.
        """
        return self.spikes().t_ms

    @property
    def i(self):
        """(n_spikes,) int32: neuron of every spike, in order of time, then of neuron."""
        return self.spikes().neuron

    def spike_trains(self, population=None, *, label=None, query=None):
        """Mapping index -> (n,) float64 spike times in ms, silent neurons included, as Brian2's SpikeMonitor gives it.

        Indices count the chosen neurons in order of id: of a population, they are those of its Brian2 group.
        """
        ids = self.choose(population, label, None).ids
        spikes = self.spikes(population, label=label, query=query)
        order = np.argsort(spikes.neuron, kind="stable")
        ends = np.searchsorted(spikes.neuron[order], ids[1:])
        return dict(enumerate(np.split(spikes.t_ms[order], ends))) if ids.size else {}

    def samples(self, start_tick=None, stop_tick=None):
        """The Samples that were recorded with start_tick <= tick < stop_tick; reads no more than those.

        Raises NotRecordedError when none were recorded.
        """
        with self.reading() as file:
            samples = Samples.read(file[SAMPLES], start_tick, stop_tick) if SAMPLES in file else None
        if samples is None:
            raise NotRecordedError(f"{self._name} holds no samples; record: simulate(..., record={{'v': neurons}})")
        return samples

    def potentials(self, variable="v", neurons=None, start_tick=None, stop_tick=None):
        """The Samples of one variable, of all neurons or of those that a name, a label or ids stand for.

        Raises NotRecordedError when that variable of one of those neurons was not recorded.
        """
        samples = self.samples(start_tick, stop_tick)
        if neurons is None:
            return samples.of(variable)
        return samples.of(variable, np.flatnonzero(self.named(neurons)))

    def named(self, selector):
        """(n_neurons,) bool: the neurons that a population, a label and all below it, or ids stand for.

        Raises ConfigError when there is no such name or neuron.
        """
        with self.naming():
            return neurons_named(selector, self.network, self.stated)

    def choose(self, population, label, neurons):
        network, kept = self.network, None
        with self.naming():
            start, stop = population_range(population, network, self.stated)
            if label is not None:
                require_kind("label", label, str)
        for selector in (label, neurons):
            if selector is not None:
                named = self.named(selector)
                kept = named if kept is None else kept & named
        return ChosenSpikes(self, start, stop, kept)
