"""What a script finds after its run: Brian2's monitors filled from a trace, final values, the time that has passed."""

import numpy as np
from brian2 import PopulationRateMonitor, SpikeMonitor, StateMonitor, second
from brian2.groups.subgroup import Subgroup

__all__ = ["fill_monitors", "samples_wanted", "set_back"]

_UNFILLED = "{0} '{1}' stays empty: {2}"


def samples_wanted(network, compiled):
    """(record, notes): what `Simulation` must sample for the network's StateMonitors, and which cannot be filled."""
    record, notes = {}, []
    for monitor in _monitors(network, StateMonitor):
        reason = _why_not_sampled(monitor, compiled)
        if reason:
            notes.append(_UNFILLED.format("StateMonitor", monitor.name, reason))
            continue
        for variable in monitor.record_variables:
            record.setdefault(variable, []).extend(_ids(monitor, compiled).tolist())
    return {variable: sorted(set(ids)) for variable, ids in record.items()}, notes


def _why_not_sampled(monitor, compiled):
    """Why a StateMonitor cannot be filled from samples taken at the start of each tick; empty if it can."""
    population = next((p for p in compiled.populations if p.name == _group(monitor.source)[0].name), None)
    if population is None:
        return f"it records '{monitor.source.name}', whose variables are not those of neurons"
    strange = [name for name in monitor.record_variables if name not in population.state]
    if strange:
        return f"'{strange[0]}' is no state variable of '{population.name}'"
    if monitor.when != "start":
        return f"it records at '{monitor.when}'; samples are taken at the start of a tick"
    if abs(float(monitor.clock.dt_) * 1e3 - compiled.dt_ms) > 1e-9:
        return "its clock is not the network's"
    return ""


def fill_monitors(network, compiled, trace):
    """Give the network's monitors what they would have recorded; returns notes on those that stay empty."""
    notes = []
    for monitor in _monitors(network, SpikeMonitor):
        if monitor.event == "spike" and not set(monitor.record_variables) - {"i", "t"}:
            _fill_spikes(monitor, compiled, trace)
        else:
            notes.append(_UNFILLED.format("SpikeMonitor", monitor.name, "it records more than times and neurons"))
    for monitor in _monitors(network, PopulationRateMonitor):
        _fill_rates(monitor, compiled, trace)
    for monitor in _monitors(network, StateMonitor):
        if not _why_not_sampled(monitor, compiled):
            _fill_states(monitor, compiled, trace)
    return notes


def _monitors(network, kind):
    return [thing for thing in network.sorted_objects if isinstance(thing, kind) and thing.active]


def _group(source):
    """(group, first index) of what a monitor records."""
    return (source.source, source.start) if isinstance(source, Subgroup) else (source, 0)


def _spikes(monitor, compiled, trace):
    """(index, tick) of the spikes of what a monitor records."""
    group, offset = _group(monitor.source)
    first, n = compiled.population(group.name).start + offset, len(monitor.source)
    spikes = trace.spikes(neurons=np.arange(first, first + n))
    return spikes.neuron - first, spikes.tick


def _fill_spikes(monitor, compiled, trace):
    index, tick = _spikes(monitor, compiled, trace)
    if monitor.record:
        monitor.resize(tick.size)
        monitor.variables["N"].set_value(tick.size)
        monitor.variables["t"].set_value(tick * (compiled.dt_ms * 1e-3))
        monitor.variables["i"].set_value(index.astype(np.int32))
    monitor.variables["count"].set_value(np.bincount(index, minlength=len(monitor.source)).astype(np.int32))


def _fill_rates(monitor, compiled, trace):
    _, tick = _spikes(monitor, compiled, trace)
    dt_s, n = compiled.dt_ms * 1e-3, trace.duration_ticks
    monitor.resize(n)
    monitor.variables["N"].set_value(n)
    monitor.variables["t"].set_value(np.arange(n) * dt_s)
    monitor.variables["rate"].set_value(np.bincount(tick, minlength=n) / (len(monitor.source) * dt_s))


def _ids(monitor, compiled):
    """Neurons that a StateMonitor records, as numbered in the compiled network."""
    group, offset = _group(monitor.source)
    return compiled.population(group.name).start + offset + np.asarray(monitor.record, dtype=np.int64)


def _fill_states(monitor, compiled, trace):
    ids, ticks = _ids(monitor, compiled), trace.duration_ticks
    monitor.resize(ticks)
    monitor.variables["N"].set_value(ticks)
    monitor.variables["t"].set_value(np.arange(ticks) * (compiled.dt_ms * 1e-3))
    for variable in monitor.record_variables:
        monitor.variables[variable].set_value(trace.samples().of(variable, ids).value)


def set_back(network, state, duration_s):
    """Give the groups their final values, and the clocks their time."""
    groups = {thing.name: thing for thing in network.objects}
    for (population, variable), values in state.items():
        held = groups[population].variables[variable]
        held.set_value(values.astype(held.dtype))
    for clock in {thing.clock for thing in network.objects}:
        clock.set_interval(duration_s * second, duration_s * second)
    network.t_ = duration_s
