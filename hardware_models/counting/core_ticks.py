"""core_ticks: everything that each core did in each tick, as one sparse table of whole numbers."""

import numpy as np
import pandas as pd

from eventsim.arguments import require_kind
from eventsim.counts import HOST, EventCounts
from hardware_models.counting.traffic import count_traffic
from hardware_models.placing.splitters import splitters

__all__ = ["core_ticks", "mapped"]


def core_ticks(trace, placement, counts, activity=None):
    """What each core did in each tick.

    Parameters
    ----------
    trace : Trace
    placement : Placement
    counts : EventCounts
        `count_events(trace, placement)`.
    activity : Activity, optional
        `count_activity(trace, placement)`, for the kind active_neurons.

    Returns
    -------
    DataFrame
        Columns tick, core, kind, count; sorted, every count above zero, core -1 the host. Kinds are those of
        `eventsim.counts.KINDS` and: excitatory_events, inhibitory_events (weights above and below zero, on weighted
        pathways), within_tile_messages, messages_between_chips, hops_east_west, hops_north_south, splitter_spikes,
        active_neurons. What is the same in every tick, neurons that are mapped and updated, is in `mapped`.
    """
    require_kind("counts", counts, EventCounts)
    frames = [counts.to_frame(), count_traffic(trace, placement).by_core(), _signs(trace, placement),
              _relayed(trace, placement)]  # fmt: skip
    if activity is not None:
        frames.append(pd.DataFrame({"tick": activity.tick, "core": activity.core, "kind": "active_neurons",
                                    "count": activity.active}))  # fmt: skip
    table = pd.concat(frames)
    return table.sort_values(["tick", "core", "kind"], ignore_index=True).astype({"count": np.int64})


def mapped(network, placement):
    """DataFrame, one row per core: neurons mapped, and splitters besides; each is updated once in every tick."""
    on_core = placement.core_of != HOST
    core = placement.core_of[on_core]
    relays = splitters(network, placement.core_of, placement.chip)[on_core]
    neurons = pd.DataFrame({"core": core, "neurons": 1, "splitters": relays})
    return neurons.groupby("core").sum()


def _signs(trace, placement):
    """Deliveries by the sign of their weight."""
    events, network = trace.synaptic_events(), trace.network
    weighted = np.array([p.weighted for p in network.pathways], dtype=bool)[network.pathway_of[events.synapse]]
    frames = []
    for kind, chosen in (("excitatory_events", events.weight > 0), ("inhibitory_events", events.weight < 0)):
        chosen = chosen & weighted
        frames.append(_counted(events.tick[chosen], placement.core_of[events.post[chosen]], kind))
    return pd.concat(frames)


def _relayed(trace, placement):
    """Spikes of the relays that send on those of their neuron, booked at the tick of the neuron's spike."""
    spikes, relays = trace.spikes(), splitters(trace.network, placement.core_of, placement.chip)
    times = relays[spikes.neuron]
    fires = times > 0
    return _counted(np.repeat(spikes.tick[fires], times[fires]),
                    np.repeat(placement.core_of[spikes.neuron[fires]], times[fires]), "splitter_spikes")  # fmt: skip


def _counted(tick, core, kind):
    found = pd.DataFrame({"tick": tick, "core": core}).value_counts(sort=False)
    return found.rename("count").reset_index().assign(kind=kind)[["tick", "core", "kind", "count"]]
