"""Perfetto: a window of a trace, to be looked at in ui.perfetto.dev.

Each core is a track with three below it: its neurons' spikes, the deliveries to its neurons, and how many arrive in
each tick. An arrow (a flow) leads from a spike to each of its deliveries, on whatever core. The host, which drives
the sources, is a track too; the network of a foreign trace, which knows of no cores, counts as core 0.
"""

import numpy as np

from eventsim.counts import HOST
from eventsim.errors import CapacityError
from eventsim.trace.exports.frames import names_of
from eventsim.trace.exports.perfetto_messages import COUNTER, INSTANT, messages
from eventsim.trace.segments import durably
from eventsim.trace.selection import within_run

__all__ = ["FILES", "write"]

FILES = ("window.pftrace",)

#: Deliveries of a window: about 100 bytes each in the file, and as many as the viewer shows without delay.
_MAX_EVENTS = 1 << 20

#: Packets that are held at once.
_PACKETS = 1 << 14

#: Tracks of a core: the core itself, then those below it.
_CORE, _SPIKES, _DELIVERIES, _COUNTER = range(4)

_NS_PER_MS = 1e6


def write(trace, folder, start_tick, stop_tick, events):
    """window.pftrace."""
    packets, path = _Packets(), folder / FILES[0]
    start, stop = within_run(trace.stimulus, start_tick, stop_tick)
    arrived = _deliveries(trace, start, stop)
    spikes = trace.spikes(start_tick=start, stop_tick=stop)
    core_of = np.where(trace.network.is_source, HOST, 0) if trace.foreign is not None else trace.core_of
    flows = _Flows(trace.network, spikes, arrived)
    with durably(path) as temporary, open(temporary, "wb") as file:
        for made in (
            packets.of_tracks(np.unique(core_of)),
            packets.of_spikes(trace.network, spikes, core_of, flows),
            packets.of_deliveries(trace.network, arrived, core_of, flows),
            packets.of_counters(arrived, core_of, stop),
        ):
            _write_pieces(file, made)
    return [path]


def _deliveries(trace, start, stop):
    """The SynapticEvents of a window that is small enough."""
    demand = 0
    for events in trace.iter_synaptic_events(start, stop):
        demand += len(events)
        if demand > _MAX_EVENTS:
            remedy = "ask for a shorter window (start_tick, stop_tick)"
            raise CapacityError("synaptic events of a window", "Perfetto's viewer", demand, _MAX_EVENTS, remedy)
    return trace.synaptic_events(start, stop)


def _write_pieces(file, packets):
    """Append packets to a file as Trace messages, some at a time."""
    trace = messages()["Trace"]
    piece = []
    for packet in packets:
        piece.append(packet)
        if len(piece) == _PACKETS:
            file.write(trace(packet=piece).SerializeToString())
            piece.clear()
    file.write(trace(packet=piece).SerializeToString())


class _Flows:
    """Which deliveries each spike sent. Delivery k has flow k + 1; it is none where its spike is not in the window."""

    def __init__(self, network, spikes, arrived):
        sent = (arrived.tick - network.delay[arrived.synapse], arrived.offset, arrived.pre)
        fired = (spikes.tick, spikes.offset, spikes.neuron)
        place = {moment: k for k, moment in reversed(list(enumerate(_moments(fired))))}
        self.spike = np.array([place.get(moment, -1) for moment in _moments(sent)], dtype=np.int64)
        order = np.argsort(self.spike, kind="stable")
        ends = np.searchsorted(self.spike[order], np.arange(len(spikes) + 1))
        self._ids, self._ends = order + 1, ends

    def of_spike(self, k):
        return self._ids[self._ends[k] : self._ends[k + 1]].tolist()

    def of_delivery(self, k):
        return [k + 1] if self.spike[k] >= 0 else []


def _moments(columns):
    """One hashable for each (tick, offset, neuron)."""
    tick, offset, neuron = columns
    return zip(tick.tolist(), [0.0] * tick.size if offset is None else offset.tolist(), neuron.tolist())


class _Packets:
    """The packets of one writer, which Perfetto knows by a number."""

    def __init__(self):
        made = messages()
        self._packet, self._event, self._note = made["TracePacket"], made["TrackEvent"], made["DebugAnnotation"]
        self._track, self._counter = made["TrackDescriptor"], made["CounterDescriptor"]

    def _at(self, t_ms, event):
        stamp = round(t_ms * _NS_PER_MS)
        return self._packet(timestamp=stamp, trusted_packet_sequence_id=1, track_event=event)

    def of_tracks(self, cores):
        for core in cores.tolist():
            name = "host" if core == HOST else f"core {core}"
            below = ((_SPIKES, "spikes", None), (_DELIVERIES, "deliveries", None),
                     (_COUNTER, "synaptic events per tick", self._counter(unit_name="events")))  # fmt: skip
            yield self._packet(track_descriptor=self._track(uuid=_uuid(core, _CORE), name=name))
            for kind, name, counter in below:
                yield self._packet(track_descriptor=self._track(
                    uuid=_uuid(core, kind), parent_uuid=_uuid(core, _CORE), name=name, counter=counter
                ))  # fmt: skip

    def of_spikes(self, network, spikes, core_of, flows):
        cores, names = core_of[spikes.neuron].tolist(), names_of(network, spikes.neuron)
        for k, (t_ms, neuron) in enumerate(zip(spikes.t_ms.tolist(), spikes.neuron.tolist())):
            yield self._at(t_ms, self._event(
                type=INSTANT, track_uuid=_uuid(cores[k], _SPIKES), name=names[k], flow_ids=flows.of_spike(k),
                debug_annotations=[self._note(name="neuron", int_value=neuron)],
            ))  # fmt: skip

    def of_deliveries(self, network, arrived, core_of, flows):
        cores, columns = core_of[arrived.post].tolist(), (arrived.t_ms, arrived.synapse, arrived.weight)
        pre, post = names_of(network, arrived.pre), names_of(network, arrived.post)
        for k, (t_ms, synapse, weight) in enumerate(zip(*(column.tolist() for column in columns))):
            notes = [self._note(name="from", string_value=pre[k]), self._note(name="synapse", int_value=synapse),
                     self._note(name="weight", double_value=weight)]  # fmt: skip
            yield self._at(t_ms, self._event(
                type=INSTANT, track_uuid=_uuid(cores[k], _DELIVERIES), name=post[k], debug_annotations=notes,
                terminating_flow_ids=flows.of_delivery(k),
            ))  # fmt: skip

    def of_counters(self, arrived, core_of, stop):
        """Deliveries of each tick and core, and 0 behind a tick that no other one follows at once."""
        pairs, counts = np.unique(np.stack([core_of[arrived.post], arrived.tick]), axis=1, return_counts=True)
        counted = {(core, tick): n for (core, tick), n in zip(pairs.T.tolist(), counts.tolist())}
        ends = {(core, tick + 1): 0 for core, tick in counted if tick + 1 < stop}
        for (core, tick), n in sorted((ends | counted).items()):
            event = self._event(type=COUNTER, track_uuid=_uuid(core, _COUNTER), counter_value=n)
            yield self._at(tick * arrived.dt_ms, event)


def _uuid(core, kind):
    """The number of a track; 0 is none."""
    return 4 * (core + 2) + kind
