"""placement: what the choice of cores saves in messages, on planted clusters and on attention circuits.

Each network is run once and placed by every placer; its spikes are counted as messages under each placement. A spike is
a message to every distinct core it reaches, so a placement is the better the fewer cores the targets of a neuron lie
on, and then the shorter the ways between those cores.
"""

import warnings
from time import process_time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eventsim.errors import CapacityError
from hardware_models import PLACERS, count_events, load_chip, place
from hardware_models.costing.quantities import quantities, within_a_chip
from runs.experiments.placement.cases import CASES
from runs.experiments.placement.report import energy_of_run, table, write

__all__ = ["Config", "lines", "run"]

Positive = Annotated[int, Meta(ge=1)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/placement.toml for what each key means."""

    cases: Annotated[list[Literal[tuple(CASES)]], Meta(min_length=1)]
    placers: Annotated[list[Literal[tuple(PLACERS)]], Meta(min_length=1)]
    chip: str
    seed: Annotated[int, Meta(ge=0, lt=2**31)]
    neurons: Positive
    fan_out: Positive
    cluster: Positive
    inside: Annotated[float, Meta(ge=0, le=1)]
    tokens: Annotated[int, Meta(ge=2)]
    rows: Positive
    heads: Positive
    head_width: Positive
    channels: Positive
    ticks: Annotated[int, Meta(ge=4)]


def run(config, folder, progress):
    """Run the experiment; write report.html into `folder` and return the summary."""
    chip, cases, maps = load_chip(config.chip), [], {}
    for name in config.cases:
        with CASES[name](config) as trace:
            placed = {placer: _placed(trace, chip, placer) for placer in config.placers}
            network = trace.network
        cases.append({"case": name, "neurons": network.n_neurons, "synapses": network.n_synapses,
                      "placements": [{"placer": placer, **row} for placer, (row, _) in placed.items()]})  # fmt: skip
        maps[name] = {placer: counts for placer, (_, counts) in placed.items() if counts is not None}
    summary = {"experiment": "placement", "config": msgspec.to_builtins(config), "cases": cases}
    write(folder / "report.html", summary, chip, maps)
    return summary


def _placed(trace, chip, placer):
    """(figures as plain types, EventCounts) of a run under one placement; counts None where it does not fit."""
    begin = process_time()
    try:
        with warnings.catch_warnings(action="ignore"):  # the table says who placed
            placement = place(trace.network, chip, placer)
    except CapacityError as error:
        return {"refused": str(error)}, None
    seconds = process_time() - begin
    counts = count_events(trace, placement)
    amounts, inside = quantities(counts, chip.mesh), within_a_chip(counts, chip.mesh)
    from_host = counts.message_source < 0
    used = placement.utilization()["share"].groupby("resource").max()
    figures = {
        "made_by": placement.placer, "cpu_s": seconds, "cores": placement.n_cores, "chips": placement.n_chips,
        "messages": counts.total("messages_in"), "from_host": int(counts.message_count[from_host].sum()),
        "between_chips": int(counts.message_count[~inside & ~from_host].sum()),
        "hops_east_west": int(amounts["hops_east_west"].sum()),
        "hops_north_south": int(amounts["hops_north_south"].sum()),
        "fullest": {name: float(share) for name, share in used.items()},
    }  # fmt: skip
    return figures | _energy(counts, chip), counts


def _energy(counts, chip):
    """Least dynamic energy, and what routing takes of it, in nJ; None where the table does not price it apart."""
    report = energy_of_run(counts, chip)
    routing = [line.energy_low_pj for line in report.lines if line.term.startswith(("messages", "hops"))]
    return {"table": report.table, "dynamic_low_nj": float(report.dynamic_low_pj / 1000),
            "network_nj": float(sum(routing) / 1000) if routing else None,
            "tick_us": float(report.ticks.mean_ns / 1000)}  # fmt: skip


def lines(summary):
    """The summary in words, for a terminal."""
    headings, rows = table(summary)
    widths = [max(len(row[k]) for row in (headings, *rows)) for k in range(len(headings))]
    for row in (headings, *rows):
        yield "  ".join(text.ljust(w) if k < 2 else text.rjust(w) for k, (text, w) in enumerate(zip(row, widths)))
    stood_in = {row["placer"]: row["made_by"] for case in summary["cases"] for row in case["placements"]
                if row.get("made_by", row["placer"]) != row["placer"]}  # fmt: skip
    yield from (f"{placer}: not installed, {other} stands in; pip install 'eventsim-spiking[{placer}]'"
                for placer, other in stood_in.items())  # fmt: skip
    for case in summary["cases"]:
        yield from (f"{case['case']}, {row['placer']}: {row['refused']}" for row in case["placements"]
                    if "refused" in row)  # fmt: skip
