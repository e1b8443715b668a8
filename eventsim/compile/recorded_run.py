"""trace_from_brian2: the spikes that Brian2's own monitors recorded, as a trace."""

import sys

import numpy as np
from brian2 import Network, SpikeMonitor
from brian2.groups.subgroup import Subgroup

from eventsim.errors import ConfigError, ProvenanceError
from eventsim.trace import Trace
from eventsim.trace.foreign import whole_ticks, write_foreign

__all__ = ["trace_from_brian2"]


def trace_from_brian2(network, compiled, *, path=None):
    """A trace of a run by Brian2 itself, from the network's SpikeMonitors.

    It has the network and the spikes, and nothing that was counted while running: an audit reports laws that need
    such counts as not checkable.

    Parameters
    ----------
    network : brian2.Network
        After the run, with a SpikeMonitor on every group that can fire. Sources without one are taken to have fired as
        the compiled stimulus says.
    compiled : CompiledNetwork
        Of this network, compiled before the run: it knows the start values.
    path : path, optional
        Where the trace is written; in memory if left out.

    Returns
    -------
    Trace

    Raises
    ------
    ConfigError
        When a group that can fire was not recorded, or a spike does not lie on a tick.
    ProvenanceError
        When the compiled network is not of this one.
    """
    if not isinstance(network, Network):
        raise ConfigError(f"a brian2.Network is needed, not a {type(network).__name__}")
    recorded, parts = np.zeros(compiled.n_neurons, dtype=bool), []
    for monitor in network.sorted_objects:
        if isinstance(monitor, SpikeMonitor) and monitor.event == "spike" and monitor.record is not False:
            ids = _recorded_neurons(monitor, compiled)
            fresh = ~recorded[ids]  # neurons that no other monitor has recorded already
            recorded[ids] = True
            parts.append(_spikes(monitor, ids, fresh, compiled.dt_ms))
    lacking = _without_monitor(compiled, recorded)
    nothing = (np.empty(0, np.int64),) * 2
    neuron, tick = (np.concatenate(columns) for columns in zip(nothing, *parts))
    duration = int(whole_ticks([float(network.t_) * 1e3], compiled.dt_ms, "the length of Brian2's run")[0])
    stimulus = compiled.stimulus.lasting(duration)
    return Trace(write_foreign(path, compiled, tick, neuron, stimulus, None, "Brian2", lacking), max_bytes=sys.maxsize)


def _recorded_neurons(monitor, compiled):
    """(n,) int64: neuron of the compiled network for each index of a monitor's source."""
    group, offset = monitor.source, 0
    if isinstance(group, Subgroup):
        group, offset = group.source, group.start
    (population,) = [p for p in compiled.populations if p.name == group.name] or [None]
    if population is None or population.size != group.N:
        raise ProvenanceError(f"'{monitor.name}' records {group.N} neurons of '{group.name}', which the compiled "
                              "network does not have; compile this network before its run")  # fmt: skip
    return population.start + offset + np.arange(len(monitor.source))


def _spikes(monitor, ids, fresh, dt_ms):
    """(neuron, tick) that a monitor recorded, of neurons that are fresh."""
    index = np.asarray(monitor.i[:], dtype=np.int64)
    kept = fresh[index]
    return ids[index[kept]], whole_ticks(monitor.t_[:][kept] * 1e3, dt_ms, f"monitor '{monitor.name}'")


def _without_monitor(compiled, recorded):
    """(n_neurons,) bool: sources without a monitor; raises ConfigError for any other group that can fire."""
    can_fire = {operation.index for operation in compiled.schedule if operation.kind == "threshold"}
    for k, p in enumerate(compiled.populations):
        if k in can_fire and not recorded[p.start : p.stop].all():
            raise ConfigError(f"neurons of '{p.name}' were not recorded; add SpikeMonitor({p.name}) before the run")
    return compiled.is_source & ~recorded
