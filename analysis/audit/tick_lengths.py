"""How long the ticks of a cost report must last, and what their static energy must be: worked out anew."""

from fractions import Fraction
from math import lcm

import numpy as np

from eventsim.counts import HOST, SYNAPTIC_EVENTS
from hardware_models.mesh import chip_of, tile_of

__all__ = ["tick_comparisons"]

_FASTEST, _GIVEN = "as fast as the slowest core allows", "as given"


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
    n_chips, table = np.unique(chip_of(cores, chip.mesh)).size, chip.tables[report.table.split(" + ")[0]]
    due, ticks = _due(report, table.time, chip, counts, cores, neurons), report.ticks
    yield "the number of ticks", ticks.count, counts.duration_ticks
    for name, length in due.items():
        yield f"{name.removesuffix('_ns').replace('_', ' ')} of a tick or of all, in ns,", getattr(ticks, name), length
    copies = int(chip.mesh.cores_per_chip.value) * n_chips // cores.size if cores.size else 1
    yield "the number of copies that fit side by side", report.copies, copies
    per_ns = Fraction(0) if table.scope == "all_in" else n_chips * Fraction(chip.static.power_mw_per_chip.value)
    yield "static energy in pJ", report.static_pj, per_ns * due["total_ns"]
    of_one_copy = per_ns * due["total_full_chip_ns"] / copies
    yield "static energy of one of many copies, in pJ,", report.static_parallel_pj, of_one_copy


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
    update, event = Fraction(time.neuron_update_active_ns.value), Fraction(time.synaptic_event_ns.value)
    scale = lcm(update.denominator, event.denominator)
    if not cores.size:
        return {0: counts.duration_ticks}, scale
    rows = counts.kind == SYNAPTIC_EVENTS
    tick, place = np.unique(counts.tick[rows], return_inverse=True)
    idle = neurons * int(update * scale)
    longest = np.full(tick.size, idle.max())
    at_core = idle[np.searchsorted(cores, counts.core[rows])]
    np.maximum.at(longest, place, at_core + counts.count[rows] * int(event * scale))
    values, times = np.unique(np.append(longest, idle.max()), return_counts=True)
    busy = dict(zip(values.tolist(), times.tolist()))
    busy[int(idle.max())] += counts.duration_ticks - tick.size - 1  # those in which nothing arrived
    return {value: n for value, n in busy.items() if n}, scale
