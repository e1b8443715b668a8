"""Runs of one network by Brian2 and by eventsim, in the same form, so that they can be compared."""

from dataclasses import dataclass

import brian2
import numpy as np

import eventsim

__all__ = ["Run", "by_brian2", "by_eventsim", "both", "same"]


@dataclass(frozen=True, eq=False)
class Run:
    """What a run did: `spikes`, sorted pairs (tick, neuron), and `state`, (population, variable) -> final values."""

    spikes: list
    state: dict


def by_brian2(network, compiled, ticks, namespace=None):
    """Run a Brian2 network; neurons are numbered as in `compiled`, where each group begins at its population."""
    groups = [g for g in network.objects if isinstance(g, brian2.NeuronGroup | brian2.SpikeGeneratorGroup)]
    firing = [g for g in groups if isinstance(g, brian2.SpikeGeneratorGroup) or "spike" in g.events]
    monitors = [brian2.SpikeMonitor(group) for group in firing]
    network.add(*monitors)
    network.run(ticks * compiled.dt_ms * brian2.ms, namespace=namespace or {})
    spikes = []
    for group, monitor in zip(firing, monitors):
        tick = np.round(np.asarray(monitor.t_) / (compiled.dt_ms * 1e-3)).astype(int)
        spikes += zip(tick.tolist(), (np.asarray(monitor.i) + compiled.population(group.name).start).tolist())
    by_name = {group.name: group for group in groups}
    state = {
        (p.name, variable): np.full(p.size, by_name[p.name].variables[variable].get_value(), dtype=float)
        for p in compiled.populations for variable in p.state
    }  # fmt: skip
    return Run(sorted(spikes), state)


def by_eventsim(compiled, ticks, stimulus=None, **options):
    """Simulate a compiled network."""
    stimulus = (compiled.stimulus if stimulus is None else stimulus).lasting(ticks)
    with eventsim.Simulation(compiled, stimulus, **options) as simulation:
        state = simulation.run().state()
        spikes = simulation.finish().spikes()
    return Run(list(zip(spikes.tick.tolist(), spikes.neuron.tolist())), state)


def both(network, ticks, namespace=None):
    """(eventsim's run, Brian2's run) of a Brian2 network."""
    compiled = eventsim.compile_network(network, namespace=namespace or {})
    return by_eventsim(compiled, ticks), by_brian2(network, compiled, ticks, namespace)


def same(ours, theirs):
    """Whether two runs have every spike and every bit of the final state in common."""
    return (
        ours.spikes == theirs.spikes
        and ours.state.keys() == theirs.state.keys()
        and all(ours.state[place].tobytes() == theirs.state[place].tobytes() for place in ours.state)
    )
