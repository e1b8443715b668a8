"""DeliveryReader: the deliveries of a trace, expanded from its spikes or as they were recorded."""

import numpy as np

from eventsim.arguments import whole_number, whole_numbers
from eventsim.errors import NotRecordedError
from eventsim.trace.child import column_at
from eventsim.trace.event_record import read_choice, read_marks, read_record
from eventsim.trace.schema import EVENTS
from eventsim.trace.selection import pathways_named, window, within_run
from eventsim.trace.spike_reader import SpikeReader
from eventsim.trace.synaptic_events import SynapticEvents, expand, expand_in_chunks, longest_delay

__all__ = ["DeliveryReader"]

#: Spikes that are read at once while deliveries are streamed.
_SPIKES_AT_ONCE = 1 << 16


class DeliveryReader(SpikeReader):
    """What arrived where: every delivery of a window of time, or of some neurons."""

    def synaptic_events(self, start_tick=None, stop_tick=None, *, pre=None, post=None, core=None, pathway=None,
                        query=None):  # fmt: skip
        """Every delivery that arrived in a window of time, expanded from spikes and connectivity.

        Parameters
        ----------
        start_tick, stop_tick : int, optional
            The window start_tick <= tick of arrival < stop_tick.
        pre, post : str or (m,) int, optional
            Sending and receiving neurons: a population, a label or path and all below it, or ids.
        core : int or (m,) int, optional
            Cores of the receiving neurons.
        pathway : str or sequence of str, optional
            Names of pathways.
        query : int, optional
            Place in `queries()`, in place of a window.

        Returns
        -------
        SynapticEvents

        Raises
        ------
        CapacityError
            When there are too many to be held at once; then take `iter_synaptic_events`.
        ConfigError
            When there is no such neuron, label, pathway or query.
        """
        sending, asked = self._ask(pre, post, core, pathway)
        start, stop = within_run(self.stimulus, *window(self.stimulus, start_tick, stop_tick, query))
        spikes = sending.read(start - longest_delay(self.network), stop)
        return expand(self.network, self.stimulus, spikes, start, stop, **asked)

    def iter_synaptic_events(self, start_tick=None, stop_tick=None, *, pre=None, post=None, core=None, pathway=None,
                             query=None, max_events=1 << 20):  # fmt: skip
        """As `synaptic_events`, in pieces of at most `max_events`, however many there are in all.

        A piece is larger only where one spike alone sends more over one pathway.
        """
        sending, asked = self._ask(pre, post, core, pathway)
        whole_number("max_events", max_events, 1)
        longest, ends = longest_delay(self.network), window(self.stimulus, start_tick, stop_tick, query)
        for start, stop in sending.windows(*within_run(self.stimulus, *ends), _SPIKES_AT_ONCE, longest + 1):
            spikes = sending.read(start - longest, stop)
            yield from expand_in_chunks(self.network, self.stimulus, spikes, start, stop, max_events, **asked)

    def _ask(self, pre, post, core, pathway):
        """The chosen senders, and what `expand` is to be told of the rest."""
        network = self.network
        wanted = None if post is None else self.named(post)
        with self.naming():
            pathways = None if pathway is None else pathways_named(pathway, network)
        core_of = None if self.foreign is not None and core is None else self.core_of
        if core is not None:
            on_core = np.isin(self.core_of, whole_numbers("core", core))
            wanted = on_core if wanted is None else wanted & on_core
        return self.choose(None, None, pre), {"wanted": wanted, "pathways": pathways, "core_of": core_of}

    @property
    def event_choice(self):
        """The EventChoice that says which deliveries were recorded, checked; None when none were."""
        with self.reading() as file:
            return read_choice(file, self.network, self.duration_ticks)

    def recorded_events(self, start_tick=None, stop_tick=None):
        """The deliveries that were recorded where they were scattered; reads no more than those of the window.

        Parameters
        ----------
        start_tick, stop_tick : int, optional
            The window start_tick <= tick of arrival < stop_tick.

        Returns
        -------
        SynapticEvents

        Raises
        ------
        NotRecordedError
            When no deliveries were recorded.
        CapacityError
            When there are too many to be held at once; then ask for one window after the other.
        """
        network, choice = self.network, self._recorded_choice()
        marks = self._marks(choice, start_tick, stop_tick)
        with self.reading() as file:
            tick, synapse = read_record(file, network, choice, marks)
        return SynapticEvents(
            tick, synapse, network.pre[synapse], network.post[synapse], network.weight[synapse], network.dt_ms
        )

    def recorded_synapses(self, start_tick=None, stop_tick=None):
        """(Marks, (n,) uint32): the same as it is stored, by tick the ids of synapses; nobody has looked at the ids."""
        marks = self._marks(self._recorded_choice(), start_tick, stop_tick)
        with self.reading() as file:
            return marks, column_at(file, f"{EVENTS}/synapse")[marks.rows]

    def _recorded_choice(self):
        choice = self.event_choice
        if choice is None:
            raise NotRecordedError(f"{self._name} holds no record of deliveries; make one: "
                                   "simulate(..., record_events=True)")  # fmt: skip
        return choice

    def _marks(self, choice, start_tick, stop_tick):
        with self.reading() as file:
            stop_tick = self.duration_ticks if stop_tick is None else stop_tick
            marks = read_marks(file, choice, start_tick or 0, stop_tick)
        marks.require_room()
        return marks
