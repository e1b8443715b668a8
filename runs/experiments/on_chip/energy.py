"""What a query costs on a chip: a range over tables, lengths of ticks, and queries in sequence or side by side."""

from eventsim import simulate
from eventsim.errors import CapacityError, ConfigError
from hardware_models import cost, count_events
from hardware_models.placing.split_network import split_network
from hardware_models.placing.splitters import splitters
from runs.experiments.drawn_circuits import cost_at, not_costed

__all__ = ["counted_with_relays", "energy_range"]


def counted_with_relays(trace, placed):
    """(network, EventCounts) of a run; of another with the relays that the chip needs, where there can be any."""
    network = trace.network
    if splitters(network, placed.core_of, placed.chip).any():
        try:
            split = split_network(network, placed)
        except (CapacityError, ConfigError):  # then `cost` says how many are left out
            return network, count_events(trace, placed)
        with simulate(split.network, trace.stimulus) as relayed:
            return split.network, count_events(relayed, split.placement)
    return network, count_events(trace, placed)


def energy_range(counts, chip, network, queries, tick_ms):
    """Energy per query under every table of a chip that holds for any network.

    Parameters
    ----------
    counts : EventCounts
    chip : Chip
    network : CompiledNetwork
    queries : int
    tick_ms : float
        The real-time tick.

    Returns
    -------
    dict
        `ways`, one row for each table and length of ticks: table, ticks, unverified, and in microjoule dynamic_low,
        dynamic_high, static (queries one after the other) and static_parallel (copies filling the chips); of all of
        them together dynamic (least, most) and total (least, most), static energy included; and `verified`, the same
        two of those alone that are not unverified, None where there is none; and `not_costed`, what none of them holds.
    """
    ways, reports = [], []
    for name, table in chip.tables.items():
        if table.scope == "all_in":  # holds at its own operating point alone
            continue
        fastest = "fastest" if table.time is not None else float(chip.facts["fastest_tick_us"].value)
        options = {"queries": queries, "network": network}
        for label, report in (("fastest", cost(counts, chip, name, tick_us=fastest, **options)),
                              ("real time", cost_at(tick_ms, counts, chip, name, **options))):  # fmt: skip
            each = {key.removesuffix("_pj"): float(energy / 10**6) for key, energy in report.per_query().items()}
            ways.append({"table": name, "ticks": label, "tick_us": float(report.ticks.mean_ns / 1000),
                         "unverified": bool(report.unverified or report.caution)} | each)  # fmt: skip
            reports.append(report)
    sound = [way for way in ways if not way["unverified"]]
    return {"ways": ways, "verified": _span(sound) if sound else None, "not_costed": not_costed(reports)} | _span(ways)


def _span(ways):
    return {
        "dynamic": [min(way["dynamic_low"] for way in ways), max(way["dynamic_high"] for way in ways)],
        "total": [min(way["dynamic_low"] + way["static_parallel"] for way in ways),
                  max(way["dynamic_high"] + way["static"] for way in ways)],
    }  # fmt: skip
