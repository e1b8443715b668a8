"""How long the ticks of a cost report must last, and what their static energy must be: worked out anew."""

from fractions import Fraction
from math import lcm

import numpy as np

from eventsim.counts import HOST, KINDS, MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS
from hardware_models.mesh import chip_of, tile_of

__all__ = ["static_mw_per_chip", "tick_comparisons"]

# What takes a core time besides updates, and the key of the time of one. Stated again: see `analysis.audit.energy`.
_TAKES = {SYNAPTIC_EVENTS: "synaptic_event_ns", SPIKES: "spike_ns", MESSAGES_OUT: "message_out_ns",
          MESSAGES_IN: "message_in_ns"}  # fmt: skip

_FASTEST = "as fast as the slowest core allows"


def tick_comparisons(report, chip, counts):
    """(what, value in the report, value due) of tick lengths, copies and static energy.

    Parameters
    ----------
    report : CostReport
    chip : Chip
    counts : EventCounts
        Recounted.
    """
    cores, neurons = np.unique(counts.core_of[counts.core_of != HOST], return_counts=True)
    n_chips = np.unique(chip_of(cores, chip.mesh)).size
    due, ticks = _due(report, one_of(chip, report, "time"), chip, counts, cores, neurons), report.ticks
    yield "the number of ticks", ticks.count, counts.duration_ticks
    for name, length in due.items():
        yield f"{name.removesuffix('_ns').replace('_', ' ')} of a tick or of all, in ns,", getattr(ticks, name), length
    copies = int(chip.mesh.cores_per_chip.value) * n_chips // cores.size if cores.size else 1
    yield "the number of copies that fit side by side", report.copies, copies
    per_chip = static_mw_per_chip(chip, report)
    of_all = None if per_chip is None else n_chips * per_chip * due["total_ns"]
    yield "static energy in pJ", report.static_pj, of_all
    of_one_copy = None if per_chip is None else n_chips * per_chip * due["total_full_chip_ns"] / copies
    yield "static energy of one of many copies, in pJ,", report.static_parallel_pj, of_one_copy


def one_of(chip, report, name):
    """What the tables of a report say of this; None where they say nothing."""
    said = (getattr(chip.tables[table], name) for table in report.table.split(" + "))
    return next((each for each in said if each is not None), None)


def static_mw_per_chip(chip, report):
    """Static power of one chip, in mW: a table's own, else the chip's; 0 if all is in the table, None if not known."""
    static = one_of(chip, report, "static") or chip.static
    if one_of(chip, report, "scope") == "all_in":
        return Fraction(0)
    return None if static is None else Fraction(static.power_mw_per_chip.value)


def _due(report, time, chip, counts, cores, neurons):
    """Mapping field of Ticks -> the Fraction that it must be."""
    n = counts.duration_ticks
    if report.ticks.rule == _FASTEST:
        tiles = np.unique(tile_of(cores, chip.mesh)).size
        all_tiles = Fraction(time.barrier_all_tiles_ns.value)
        barrier = Fraction(time.barrier_one_tile_ns.value) if tiles <= 1 else all_tiles
        busy, scale = _busy(counts, cores, neurons, time)
        total = Fraction(sum(k * times for k, times in busy.items()), scale)
        return {"shortest_ns": barrier + Fraction(min(busy, default=0), scale), "total_ns": n * barrier + total,
                "longest_ns": barrier + Fraction(max(busy, default=0), scale),
                "total_full_chip_ns": n * all_tiles + total}  # fmt: skip
    length = report.ticks.shortest_ns  # the user's own choice; all else follows from it
    return {"longest_ns": length, "total_ns": n * length, "total_full_chip_ns": n * length}


def _busy(counts, cores, neurons, time):
    """{time that the busiest core of a tick computes: in how many ticks}, in units of 1/scale ns, and the scale."""
    update = Fraction(time.neuron_update_active_ns.value)
    takes = {kind: Fraction(getattr(time, key).value) for kind, key in _TAKES.items() if getattr(time, key) is not None}
    scale = lcm(update.denominator, *(each.denominator for each in takes.values()))
    if not cores.size:
        return {0: counts.duration_ticks}, scale
    rows = np.isin(counts.kind, list(takes)) & (counts.core != HOST)
    each = np.array([int(takes.get(kind, Fraction(0)) * scale) for kind in range(len(KINDS))])
    at, place = np.unique(np.column_stack([counts.tick[rows], counts.core[rows]]), axis=0, return_inverse=True)
    busy_of = np.zeros(len(at), dtype=np.int64)
    np.add.at(busy_of, place.ravel(), counts.count[rows] * each[counts.kind[rows]])
    tick, place = np.unique(at[:, 0], return_inverse=True)
    idle = neurons * int(update * scale)
    longest = np.full(tick.size, idle.max())
    np.maximum.at(longest, place, idle[np.searchsorted(cores, at[:, 1])] + busy_of)
    values, times = np.unique(np.append(longest, idle.max()), return_counts=True)
    busy = dict(zip(values.tolist(), times.tolist()))
    busy[int(idle.max())] += counts.duration_ticks - tick.size - 1  # those in which nothing arrived
    return {value: n for value, n in busy.items() if n}, scale
