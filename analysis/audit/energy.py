"""The law of energy: a cost report is counts times table, exactly, with the counts recounted."""

from decimal import Decimal
from fractions import Fraction
from itertools import chain

import numpy as np

from analysis.audit.case import NotCheckableError
from analysis.audit.tick_lengths import static_mw_per_chip, tick_comparisons
from eventsim.counts import HOST, MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS
from eventsim.errors import ConfigError, ProvenanceError
from hardware_models import load_chip
from hardware_models.mesh import chip_of, hops

__all__ = ["energy"]

# What is priced by which figures, all neurons idle or all active. Stated here again, not imported: a law must not
# share what it checks.
_PRICED = {
    "neuron_updates": ("neuron_update_idle_pj", "neuron_update_active_pj"),
    "core_ticks": ("core_tick_pj", "core_tick_pj"),
    "synaptic_events": ("synaptic_event_pj", "synaptic_event_pj"),
    "spikes": ("spike_pj", "spike_pj"),
    "messages_out": ("message_out_pj", "message_out_pj"),
    "messages_in": ("message_in_pj", "message_in_pj"),
    "hops_east_west": ("hop_east_west_pj", "hop_east_west_pj"),
    "hops_north_south": ("hop_north_south_pj", "hop_north_south_pj"),
}

# Terms of a report that was made with `count_activity`.
_BY_ACTIVITY = ("idle_updates", "active_updates")


def energy(case):
    """Hold every line, total and core of the cost report against fractions worked out anew."""
    report = case.cost_report
    if report is None:
        raise NotCheckableError("no cost report was given")
    if any(line.term in _BY_ACTIVITY for line in report.lines):
        raise NotCheckableError("the report prices idle and active updates apart, which only a rerun can tell")
    chip, counts = _chip(case), case.recounted_as_placed
    cores, amounts = _amounts(counts, chip.mesh)
    prices = _prices(chip, report.table)
    checked, faults = 0, []
    comparisons = chain(_comparisons(report, chip, cores, amounts, prices), tick_comparisons(report, chip, counts))
    for what, stated, due in comparisons:
        checked += 1
        if stated != due:
            faults.append(f"{what} is {_show(stated)} in the report, due was {_show(due)}")
    if report.counts_hash != counts.hash:
        faults.append("the report is of other counts than this trace has under this placement")
    low, high = (float(total) for total in _totals(amounts, prices))
    found = (f"dynamic energy, {low:.6g} to {high:.6g} pJ, is exactly counts times table {report.table}; ticks and "
             "static energy too")  # fmt: skip
    return checked + 1, found, faults[0] if faults else None


def _chip(case):
    """The chip of the report, in the very version that was used."""
    report = case.cost_report
    try:
        chip = case.placement.chip if case.placement is not None else load_chip(report.chip)
    except (ConfigError, ProvenanceError) as error:
        raise NotCheckableError(f"the report's chip cannot be had: {error}") from None
    if chip.hash != report.chip_hash:
        raise NotCheckableError(f"the report used another version of chip '{report.chip}'; give its placement too")
    return chip


def _prices(chip, table):
    """Mapping term -> (least, most) energy of one operation in pJ, of the terms that the named tables price."""
    names = table.split(" + ")
    unknown = [name for name in names if name not in chip.tables]
    if unknown:
        raise NotCheckableError(f"chip '{chip.name}' has no table '{unknown[0]}'")
    prices = {}
    for name in names:
        for term, keys in _PRICED.items():
            figures = [getattr(chip.tables[name].energy, key) for key in keys]
            if None not in figures:
                prices[term] = tuple(Fraction(figure.value) for figure in figures)
    return prices


def _amounts(counts, mesh):
    """The cores that hold neurons, and by term a list of how many operations each of them did."""
    cores, neurons = np.unique(counts.core_of[counts.core_of != HOST], return_counts=True)

    def by_core(core, values):
        sums = np.zeros(cores.size, dtype=np.int64)
        here = np.isin(core, cores)
        np.add.at(sums, np.searchsorted(cores, core[here]), values[here])
        return sums.tolist()

    source, destination, messages = counts.message_source, counts.message_destination, counts.message_count
    travels = (source != HOST) & (chip_of(source, mesh) == chip_of(destination, mesh))
    source, messages = source[travels], messages[travels]
    east_west, north_south = hops(source, destination[travels], mesh)
    kinds = {"synaptic_events": SYNAPTIC_EVENTS, "spikes": SPIKES, "messages_out": MESSAGES_OUT,
             "messages_in": MESSAGES_IN}  # fmt: skip
    return cores, {
        "neuron_updates": (neurons * counts.duration_ticks).tolist(),
        "core_ticks": [counts.duration_ticks] * cores.size,
        **{term: by_core(counts.core[counts.kind == k], counts.count[counts.kind == k]) for term, k in kinds.items()},
        "hops_east_west": by_core(source, east_west * messages),
        "hops_north_south": by_core(source, north_south * messages),
    }


def _totals(amounts, prices):
    """Least and most energy in pJ, as Fractions."""
    return tuple(sum((sum(amounts[term]) * price[k] for term, price in prices.items()), Fraction(0)) for k in range(2))


def _comparisons(report, chip, cores, amounts, prices):
    """(what, value in the report, value due) of everything but ticks, the most telling first."""
    lines = {line.term: line for line in report.lines}
    yield "the list of terms", sorted(lines), sorted(prices)
    for term in (term for term in prices if term in lines):
        line, (low, high) = lines[term], prices[term]
        yield f"the count of {term}", line.count, sum(amounts[term])
        yield f"the least energy of {term}, in pJ,", line.energy_low_pj, sum(amounts[term]) * low
        yield f"the most energy of {term}, in pJ,", line.energy_high_pj, sum(amounts[term]) * high
    low, high = _totals(amounts, prices)
    yield "dynamic energy, all neurons idle, in pJ,", report.dynamic_low_pj, low
    yield "dynamic energy, all neurons active, in pJ,", report.dynamic_high_pj, high
    per_chip = static_mw_per_chip(chip, report)
    yield "static power in mW", report.static_mw, per_chip and np.unique(chip_of(cores, chip.mesh)).size * per_chip
    yield "the list of cores", report.per_core.index.tolist(), cores.tolist()
    for k, column in enumerate(("energy_low_pj", "energy_high_pj")):
        for row, (core, stated) in enumerate(zip(cores.tolist(), report.per_core[column].tolist())):
            due = sum((amounts[term][row] * price[k] for term, price in prices.items()), Fraction(0))
            yield f"{column} of core {core}", stated, float(due)


def _show(value):
    """A value as details print it, in one line: a Fraction to 28 digits, a long list cut short."""
    if isinstance(value, Fraction):
        return str(Decimal(value.numerator) / value.denominator)
    return text if len(text := str(value)) <= 100 else f"{text[:100]}..."
