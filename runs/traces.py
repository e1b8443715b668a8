"""What the command line does with a trace: audit it, cost it, say what it holds."""

import math
from pathlib import Path

import numpy as np

from analysis.audit import audit, diverge, why
from eventsim import open_trace
from eventsim.errors import ConfigError, EventSimError
from eventsim.trace.exports import export, nest
from hardware_models import Placement, cost, count_events, load_chip, place

__all__ = ["audit_trace", "compare_traces", "cost_trace", "explain", "export_trace", "inspect_trace"]


def audit_trace(path, neurons=None, progress=None):
    """The AuditReport of a trace; with placement and energy where the trace says on which chip it was counted."""
    with open_trace(path) as trace:
        placement, report = _placement_and_cost(trace)
        return audit(trace, placement, report, neurons=neurons, progress=progress)


def compare_traces(path, other):
    """The Divergence of two traces."""
    with open_trace(path) as first, open_trace(other) as second:
        return diverge(first, second)


def explain(path, neuron, tick, ticks, plot=None):
    """The Explanation of a spike or a silence; with a plot in a file when `plot` names one."""
    with open_trace(path) as trace:
        explanation = why(trace, neuron, tick, ticks=ticks)
    if plot is not None:
        try:
            explanation.plot(plot)
        except (OSError, ValueError) as error:
            raise ConfigError(f"--plot {plot}: cannot be written ({error}); give a .png, .svg or .pdf file") from None
    return explanation


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


def cost_trace(path, chip, table, tick_us, binning=None, placer="in_order"):
    """The CostReport of a trace on a chip, its network placed anew; `binning` as `count_events` takes it."""
    chip = load_chip(chip)
    with open_trace(path) as trace:
        for name, intact in trace.verify_hashes():
            if not intact:
                raise ConfigError(f"{path}: its {name} were altered after the run; see: eventsim audit {path}")
        placement = place(trace.network, chip, placer)
        counts = count_events(trace, placement, binning)
        queries = trace.stimulus.n_queries or None
        table = table or chip.first_table
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
        network, fired = trace.network, np.zeros(trace.network.n_neurons, dtype=np.int64)
        for spikes in trace.iter_spikes():
            fired += np.bincount(spikes.neuron, minlength=fired.size)
        received = trace.received()[0] if trace.foreign is None else None
        populations = [
            {"name": p.name, "neurons": p.size, "is_source": p.is_source,
             "spikes": int(fired[p.start:p.stop].sum()),
             "deliveries_received": None if received is None else int(received[p.start:p.stop].sum())}
            for p in network.populations
        ]  # fmt: skip
        document = {
            "path": str(path), "experiment": trace.manifest.get("experiment"),
            "spikes_of": "eventsim" if trace.foreign is None else trace.foreign.program, "dt_ms": trace.dt_ms,
            "duration_ticks": trace.duration_ticks, "queries": trace.stimulus.n_queries,
            "reset": trace.stimulus.reset, "neurons": network.n_neurons, "synapses": network.n_synapses,
            "spikes": int(fired.sum()), "synaptic_events": None if received is None else int(received.sum()),
            "populations": populations,
            "cores": None if received is None else int(np.unique(trace.core_of).size), "complete": trace.complete,
            "hashes": {key: value for key, value in trace.manifest.items() if key.endswith("_hash")},
            "versions": trace.manifest.get("versions"), "config": trace.manifest.get("config"),
        }  # fmt: skip
    return document, "\n".join(_inspection(document))


def export_trace(path, to, out, start_ms, stop_ms, events, approximate=False):
    """(document, text): the files of another format that a trace, or a window of it, was written to."""
    out = Path(path).with_name(f"{Path(path).stem}-{to}") if out is None else out
    with open_trace(path) as trace:
        start, stop = (None if t_ms is None else _tick_of(t_ms, trace.dt_ms) for t_ms in (start_ms, stop_ms))
        written = export(trace, to, out, start_tick=start, stop_tick=stop, events=events,
                         approximate=approximate)  # fmt: skip
    notes = [f"approximate: {note}" for note in nest.approximations(out)] if approximate else []
    document = {"path": str(path), "to": to, "start_tick": start, "stop_tick": stop, "files": [str(p) for p in written],
                "notes": notes}  # fmt: skip
    return document, "\n".join([*(f"{p}  {p.stat().st_size:,} bytes" for p in written), *notes])


def _tick_of(t_ms, dt_ms):
    """The first tick that begins at a time or later, a rounding error aside."""
    if not math.isfinite(t_ms):
        raise ConfigError(f"a window cannot begin or end at {t_ms} ms; give a time of the run")
    return math.ceil(t_ms / dt_ms - 1e-6)


def _inspection(d):
    yield (f"{d['path']}: {d['experiment'] or 'trace'}, {d['duration_ticks']:,} ticks of {d['dt_ms']:g} ms, "
           f"{d['queries']:,} queries, reset by {d['reset']}")  # fmt: skip
    events = f"{d['synaptic_events']:,} synaptic events" if d["cores"] is not None else f"by {d['spikes_of']}"
    yield f"{d['neurons']:,} neurons, {d['synapses']:,} synapses; {d['spikes']:,} spikes, {events}"
    width = max(len(p["name"]) for p in d["populations"])
    for p in d["populations"]:
        kind = "spike sources" if p["is_source"] else "neurons"
        received = f"  {p['deliveries_received']:>14,} deliveries" if d["cores"] is not None else ""
        yield f"  {p['name']:<{width}}  {p['neurons']:>9,} {kind:<13}  {p['spikes']:>12,} spikes{received}"
    for name, value in d["hashes"].items():
        yield f"  {name:<{width}}  {value}"
