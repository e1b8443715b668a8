"""neo: a Block with one SpikeTrain for each neuron, as elephant and other programs of electrophysiology take them."""

import numpy as np

from eventsim.extras import need
from eventsim.trace.exports.frames import names_of
from eventsim.trace.segments import durably
from eventsim.trace.selection import within_run

__all__ = ["FILES", "to_neo", "write"]

FILES = ("block.mat",)


def to_neo(trace, start_tick=None, stop_tick=None):
    """A neo.Block of a window of a trace.

    It has one Segment, with a SpikeTrain in ms for each neuron, silent ones included, in order of id, and the queries
    as an Epoch; and one Group for each population, with its SpikeTrains.

    Parameters
    ----------
    trace : Trace
    start_tick, stop_tick : int, optional
        The window start_tick <= tick < stop_tick.

    Returns
    -------
    neo.Block
    """
    neo, ms = need("neo", "neo"), need("quantities", "neo").ms
    network = trace.network
    start, stop = within_run(trace.stimulus, start_tick, stop_tick)
    spikes = trace.spikes(start_tick=start, stop_tick=stop)
    order = np.argsort(spikes.neuron, kind="stable")
    times = np.split(spikes.t_ms[order], np.searchsorted(spikes.neuron[order], np.arange(1, network.n_neurons)))
    ends = {"t_start": start * trace.dt_ms * ms, "t_stop": stop * trace.dt_ms * ms}
    names = names_of(network, np.arange(network.n_neurons))
    trains = [
        neo.SpikeTrain(train, units=ms, name=name, neuron=neuron, **ends)
        for neuron, (name, train) in enumerate(zip(names, times))
    ]
    block = neo.Block(name="eventsim", dt_ms=trace.dt_ms, network_hash=trace.manifest["network_hash"])
    segment = neo.Segment(name="run", index=0)
    segment.spiketrains.extend(trains)
    if trace.stimulus.n_queries:
        segment.epochs.append(_queries(neo, ms, trace))
    block.segments.append(segment)
    for p in network.populations:
        group = neo.Group(name=p.name)
        group.spiketrains.extend(trains[p.start : p.stop])
        block.groups.append(group)
    return block


def _queries(neo, ms, trace):
    """The queries of a trace as an Epoch, labelled by the id of their input."""
    stimulus = trace.stimulus
    return neo.Epoch(
        stimulus.query_start * trace.dt_ms * ms, (stimulus.query_stop - stimulus.query_start) * trace.dt_ms * ms,
        labels=stimulus.input_id.astype(str), name="queries",
    )  # fmt: skip


def write(trace, folder, start_tick, stop_tick, events):
    """block.mat, by neo's own NeoMatlabIO, the format of neo's that needs no further package."""
    io, path = need("neo.io", "neo"), folder / FILES[0]
    block = to_neo(trace, start_tick, stop_tick)
    with durably(path) as temporary:
        io.NeoMatlabIO(filename=str(temporary)).write_block(block)
    return [path]
