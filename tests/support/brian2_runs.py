"""Runs of one network by Brian2 and by eventsim, in the same form, so that they can be compared."""

import importlib
from dataclasses import dataclass
from unittest.mock import patch

import brian2
import numpy as np

import eventsim

__all__ = ["Run", "by_brian2", "by_eventsim", "both", "same"]

#: The module, which its function of the same name hides.
SIMULATE = importlib.import_module("eventsim.simulation")


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
        (p.name, variable): np.array(by_name[p.name].variables[variable].get_value(), dtype=float)
        for p in compiled.populations for variable in p.state
    }  # fmt: skip
    return Run(sorted(spikes), state)


def by_eventsim(compiled, ticks, stimulus=None, **options):
    """Simulate a compiled network; the final state is read from the kernel's own arrays."""
    made = []

    def keep(*arguments, **keywords):
        made.append(original(*arguments, **keywords))
        return made[-1]

    original = SIMULATE.allocate
    stimulus = (compiled.stimulus if stimulus is None else stimulus).lasting(ticks)
    with patch.object(SIMULATE, "allocate", keep):
        trace = eventsim.simulate(compiled, stimulus, **options)
    spikes = trace.spikes()
    state, at = made[0].state, made[0].state_at
    places = [(p.name, variable) for p in compiled.populations for variable in sorted(p.state)]
    final = {place: state[at[k] : at[k + 1]].copy() for k, place in enumerate(places)}
    return Run(list(zip(spikes.tick.tolist(), spikes.neuron.tolist())), final)


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
