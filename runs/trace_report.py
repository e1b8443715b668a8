"""`eventsim report`: one page about a trace, by topic: circuit, spikes, placement, energy, spikes needed, audit."""

from pathlib import Path

import numpy as np

from analysis.audit import audit
from analysis.block_map import block_map, draw
from analysis.plots import energy_bars, raster
from analysis.report import Figure, Section, Table, Verdict, write_report
from analysis.spike_bounds import measure_bounds, read_task
from eventsim import open_trace
from eventsim.counts import HOST
from eventsim.errors import CapacityError, ConfigError, EventSimError
from hardware_models import cost, count_events, load_chip, place
from runs.experiments.bounds_section import bounds_section, in_short
from runs.experiments.core_maps import core_maps

__all__ = ["report_trace"]

#: Spikes beyond this are not drawn, so that a page stays small; the window is shortened instead.
_MOST_DRAWN = 200_000

#: Cores in the table of the busiest.
_BUSIEST = 10


def report_trace(path, out=None, chip=None, table=None, placer="greedy", progress=None):
    """Write the page; returns (document, text).

    Parameters
    ----------
    path : path
    out : path, optional
        The page; report.html beside the trace, named after it, if left out.
    chip, table : str, optional
        Where it is placed and by which figures it is costed; those it was run for, else Loihi,
        and the chip's first table.
    placer : str
    progress : True or callable, optional
        Of the audit.
    """
    out = Path(path).with_name(f"{Path(path).stem}-report.html") if out is None else Path(out)
    if out.exists() and Path(path).exists() and out.samefile(path):
        raise ConfigError(f"--out {out} is the trace itself; give the page another name")
    with open_trace(path) as trace:
        noted = trace.manifest.get("placement")
        noted = noted if isinstance(noted, dict) else {}
        chip = load_chip(chip or str(noted.get("chip", "loihi")))
        table = table or (str(noted["table"]) if noted.get("table") in chip.tables else chip.first_table)
        blocks = block_map(trace)
        placed, counts, costed, unplaced = _placed(trace, chip, table, placer)
        bounds, unasked = _bounds(trace, path)
        verdict = audit(trace, placed, costed, progress=progress)
        sections = [
            _circuit(trace, blocks), _spikes(trace, blocks),
            *([Section("Placement", (f"Not placed: {unplaced}.",))] if placed is None
              else [_placement(placed, counts, costed), _energy(costed)]),
            _needed(bounds, unasked), _audit(verdict),
        ]  # fmt: skip
        lead = (f"{trace.manifest.get('experiment') or 'A run'}: {trace.duration_ticks:,} ticks of {trace.dt_ms:g} ms, "
                f"{trace.stimulus.n_queries:,} queries. Everything here is recomputed from the spikes and synapses in "
                f"{Path(path).name}.")  # fmt: skip
        try:
            write_report(out, f"What {Path(path).name} holds", lead, _verdicts(costed, bounds, verdict), sections)
        except OSError as error:
            raise ConfigError(f"--out {out}: cannot be written ({error.strerror})") from None
    document = {"path": str(path), "report": str(out), "passed": verdict.passed, "chip": chip.name, "table": table,
                "placed": placed is not None}  # fmt: skip
    return document, f"written: {out}"


def _placed(trace, chip, table, placer):
    """(Placement, EventCounts, CostReport, None), or (None, None, None, why it does not fit, or has no ticks)."""
    try:
        placed = place(trace.network, chip, placer)
    except CapacityError as error:
        return None, None, None, str(error)
    counts = count_events(trace, placed, None if trace.clock == "grid" else "floor")
    try:
        costed = cost(counts, chip, table, queries=trace.stimulus.n_queries or None, network=trace.network)
    except ConfigError as error:
        return None, None, None, str(error)
    return placed, counts, costed, None


def _bounds(trace, path):
    """(bounds as plain types, None), or (None, why there are none)."""
    try:
        return measure_bounds(trace, read_task(trace, path)).to_json(), None
    except EventSimError as error:
        return None, str(error)


def _verdicts(costed, bounds, verdict):
    failed = [law.name for law in verdict.laws if law.verdict == "failed"]
    passed = sum(law.verdict == "passed" for law in verdict.laws)
    made = [Verdict("Does it add up?", f"{', '.join(failed)} failed" if failed else f"{passed} laws hold", not failed)]
    if costed is not None:
        low, high = (_uj(whole / (costed.queries or 1)) for whole in (costed.dynamic_low_pj, costed.dynamic_high_pj))
        made.append(Verdict("What would it cost?", f"{low} to {high} µJ dynamic {_each(costed)}, on {costed.chip}"))
    if bounds is not None:
        made.append(Verdict("How many spikes did it need?", in_short(bounds)))
    return made


def _circuit(trace, blocks):
    received = None if trace.foreign is not None else trace.received()[0]
    rows = []
    for k, name in enumerate(blocks.names):
        arrived = "" if received is None else f"{received[blocks.of_neuron == k].sum():,}"
        kind = "spike sources" if blocks.is_source[k] else "neurons"
        rows.append((name, kind, f"{blocks.neurons[k]:,}", f"{blocks.spikes[k]:,}", arrived))
    wires = tuple(
        (blocks.names[w.source], blocks.names[w.target], f"{w.synapses:,}", f"{w.sent:,}") for w in blocks.wires
    )
    text = (f"{trace.network.n_neurons:,} neurons and {trace.network.n_synapses:,} synapses.",)
    return Section("Circuit", text, (
        Figure(draw(blocks), "Blocks from left to right as spikes pass; numbers on arrows are synapses. Blue-grey "
                             "blocks are driven by the stimulus."),
        Table(("block", "", "size", "spikes", "deliveries received"), tuple(rows), "", "llrrr"),
        Table(("from", "to", "synapses", "deliveries sent"), wires, "", "llrr"),
    ))  # fmt: skip


def _spikes(trace, blocks):
    queries = trace.queries()
    start, stop = 0, trace.duration_ticks
    if len(queries):
        start, stop = (int(queries[name].iloc[0]) for name in ("start_tick", "stop_tick"))
    spikes = trace.spikes(start_tick=start, stop_tick=stop)
    if len(spikes) > _MOST_DRAWN:
        stop = int(spikes.tick[_MOST_DRAWN])
        spikes = trace.spikes(start_tick=start, stop_tick=stop)
    index = np.empty(trace.network.n_neurons, dtype=np.int64)
    rows = []
    for k, name in enumerate(blocks.names):
        ids = np.flatnonzero(blocks.of_neuron == k)
        index[ids] = np.arange(ids.size)
        mine = spikes.neuron[blocks.of_neuron[spikes.neuron] == k]
        rows.append((name, spikes.tick[blocks.of_neuron[spikes.neuron] == k] - start, index[mine], ids.size))
    what = "the first query" if len(queries) else "the run"
    caption = f"Every spike of {what}, ticks {start:,} to {stop - 1:,}: {len(spikes):,} spikes."
    return Section("Spikes", (), (Figure(raster(rows), caption),))


def _placement(placed, counts, costed):
    use = placed.utilization()
    shares, allowed = use["share"].groupby(level="resource"), use["allowed"].groupby(level="resource").max()
    rows = tuple((name, f"{allowed[name]:,}", f"{share.max():.1%}", f"{share.mean():.1%}") for name, share in shares)
    per_core = counts.per_core().drop(index=HOST, errors="ignore")
    per_core.insert(0, "neurons", np.bincount(placed.core_of[placed.core_of != HOST])[per_core.index])
    busiest = per_core.nlargest(_BUSIEST, "synaptic_events")
    cores = tuple((str(core), *(f"{value:,}" for value in row)) for core, row in busiest.iterrows())
    text = (f"{_counted(placed.n_cores, 'core')} of {_counted(placed.n_chips, 'chip')}, {placed.chip.title}, "
            f"by the placer '{placed.placer}'.",
            *(f"Not runnable as is: {lack}." for lack in costed.missing or ()))  # fmt: skip
    return Section("Placement", text, (
        Table(("resource of a core", "allowed", "fullest core", "mean"), rows, "", "lrrr"),
        Table(("core", *(kind.replace("_", " ") for kind in per_core.columns)), cores,
              "The busiest cores, most synaptic events first.", "r" * (1 + len(per_core.columns))),
        *core_maps(counts, costed.per_core["energy_low_pj"] / 1000, "least dynamic energy, nJ", placed.chip.mesh),
    ))  # fmt: skip


def _counted(n, what):
    return f"{n:,} {what}{'s' * (n != 1)}"


def _energy(costed):
    queries = costed.queries or 1
    names = [line.term.replace("_", " ") for line in costed.lines]
    bars = [(name, float(line.energy_low_pj) / 1e6 / queries, float(line.energy_high_pj) / 1e6 / queries)
            for name, line in zip(names, costed.lines) if line.energy_high_pj > 0]  # fmt: skip
    rows = tuple(
        (name, f"{line.count:,}", _span(line.unit_low_pj, line.unit_high_pj, "g"),
         _span(line.energy_low_pj / 10**6, line.energy_high_pj / 10**6, ",.4g"))
        for name, line in zip(names, costed.lines)
    )  # fmt: skip
    text = (
        f"Table {costed.table} of {costed.chip} ({costed.scope}, {costed.process}, {costed.voltage}). Static energy "
        f"apart: {_uj(costed.static_pj)} µJ for the run.",
        *(f"Not costed: {item}." for item in costed.not_costed),
    )
    table = Table(("term", "count in the run", "pJ each", "µJ in the run"), rows, "", "lrrr")
    return Section("Energy", text, (Figure(energy_bars(bars), f"Dynamic energy {_each(costed)}."), table))


def _each(costed):
    return "per query" if costed.queries else "of the run"


def _uj(energy_pj):
    return "unknown" if energy_pj is None else f"{float(energy_pj) / 1e6:,.4g}"


def _span(low, high, style):
    return " to ".join(dict.fromkeys(format(float(value), style) for value in (low, high)))


def _needed(bounds, unasked):
    if bounds is None:
        return Section("Spikes used and spikes needed", (f"No bound can be set: {unasked}.",))
    return bounds_section(bounds, ())


def _audit(verdict):
    rows = tuple((law.name, law.verdict, f"{law.checked:,}", law.detail) for law in verdict.laws)
    return Section("Audit", (), (Table(("law", "verdict", "compared", "detail"), rows, "", "llrl"),))
