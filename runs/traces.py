"""What the command line does with a trace: audit it, cost it, say what it holds."""

import numpy as np

from analysis.audit import audit
from eventsim import open_trace
from eventsim.errors import ConfigError, EventSimError
from hardware_models import Placement, cost, count_events, load_chip, place

__all__ = ["audit_trace", "cost_trace", "inspect_trace"]


def audit_trace(path):
    """The AuditReport of a trace; with placement and energy where the trace says on which chip it was counted."""
    with open_trace(path) as trace:
        placement, report = _placement_and_cost(trace)
        return audit(trace, placement, report)


def _placement_and_cost(trace):
    """The placement a trace was counted under and its cost; None for each that the trace does not tell."""
    noted = trace.manifest.get("placement")
    if not isinstance(noted, dict):
        return None, None
    try:
        chip = load_chip(str(noted.get("chip")))
        counts = trace.counts()
        placement = Placement(counts.core_of, trace.network.hash, chip)
        return placement, cost(counts, chip, str(noted.get("table")), network=trace.network)
    except EventSimError:  # a chip that is not here, or counts that cannot be read: the laws will say so
        return None, None


def cost_trace(path, chip, table, tick_us):
    """The CostReport of a trace on a chip, its network placed anew."""
    chip = load_chip(chip)
    with open_trace(path) as trace:
        for name, intact in trace.verify_hashes():
            if not intact:
                raise ConfigError(f"{path}: its {name} were altered after the run; see: eventsim audit {path}")
        placement = place(trace.network, chip)
        counts = count_events(trace, placement)
        queries = trace.stimulus.n_queries or None
        return cost(counts, chip, table, tick_us=_tick_us(tick_us), queries=queries, network=trace.network)


def _tick_us(text):
    if text == "fastest":
        return text
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--tick-us {text}: give a number of microseconds, or 'fastest'") from None


def inspect_trace(path):
    """(document, text): populations, spikes, deliveries, queries and provenance of a trace."""
    with open_trace(path) as trace:
        network, spikes = trace.network, trace.spikes()
        received, _ = trace.received()
        populations = [
            {"name": p.name, "neurons": p.size, "is_source": p.is_source,
             "spikes": int(((spikes.neuron >= p.start) & (spikes.neuron < p.stop)).sum()),
             "deliveries_received": int(received[p.start:p.stop].sum())}
            for p in network.populations
        ]  # fmt: skip
        document = {
            "path": str(path), "experiment": trace.manifest.get("experiment"), "dt_ms": trace.dt_ms,
            "duration_ticks": trace.duration_ticks, "queries": trace.stimulus.n_queries,
            "reset": trace.stimulus.reset, "neurons": network.n_neurons, "synapses": network.n_synapses,
            "spikes": len(spikes.tick), "synaptic_events": int(received.sum()), "populations": populations,
            "cores": int(np.unique(trace.counts().core_of).size), "complete": trace.complete,
            "hashes": {key: value for key, value in trace.manifest.items() if key.endswith("_hash")},
            "versions": trace.manifest.get("versions"), "config": trace.manifest.get("config"),
        }  # fmt: skip
    return document, "\n".join(_inspection(document))


def _inspection(d):
    yield (f"{d['path']}: {d['experiment'] or 'trace'}, {d['duration_ticks']:,} ticks of {d['dt_ms']:g} ms, "
           f"{d['queries']:,} queries, reset by {d['reset']}")  # fmt: skip
    yield (f"{d['neurons']:,} neurons, {d['synapses']:,} synapses; {d['spikes']:,} spikes, "
           f"{d['synaptic_events']:,} synaptic events")  # fmt: skip
    width = max(len(p["name"]) for p in d["populations"])
    for p in d["populations"]:
        kind = "spike sources" if p["is_source"] else "neurons"
        yield (f"  {p['name']:<{width}}  {p['neurons']:>9,} {kind:<13}  {p['spikes']:>12,} spikes  "
               f"{p['deliveries_received']:>14,} deliveries")  # fmt: skip
    for name, value in d["hashes"].items():
        yield f"  {name:<{width}}  {value}"
