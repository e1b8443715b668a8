"""cost: counts times a published table, exactly.

Counts are integers and figures are the decimals that were printed, so every sum is a fraction without rounding; who
multiplies the same counts with the same table gets the same number. Nothing is rounded before it is shown.

Dynamic energy, for a table per operation:

    neuron_update * (neurons on cores * ticks) + core_tick * (cores * ticks) + synaptic_event * synaptic_events
    + spike * spikes + message_out * messages_out + message_in * messages_in
    + hop_east_west * (hops along rows) + hop_north_south * (hops along columns)

of which a table prices those terms that it knows; a report names the others that occurred. A neuron's update is cheaper
when it is idle. With potentials that are not whole numbers, whether a neuron is idle cannot be decided, so the update,
and with it every sum, is an interval from all idle to all active. On whole numbers `count_activity` decides it, and the
sum is one number.
"""

from collections.abc import Collection
from fractions import Fraction

import msgspec
import numpy as np

from eventsim.arguments import require_kind, whole_number
from eventsim.compiled_network import CompiledNetwork
from eventsim.counts import HOST, EventCounts
from eventsim.errors import ConfigError, ProvenanceError
from hardware_models.chips.file import list_chips, load_chip, the_chip
from hardware_models.costing.operating_point import require_operating_point
from hardware_models.costing.quantities import quantities, within_a_chip
from hardware_models.costing.report import CostLine, CostReport
from hardware_models.costing.tick_length import fastest_ticks, given_ticks, time_figures
from hardware_models.mesh import chip_of
from hardware_models.placing.splitters import splitters

__all__ = ["TERMS", "cost"]

#: Term of a report -> keys of the lowest and the highest energy of one such operation.
TERMS = {
    "neuron_updates": ("neuron_update_idle_pj", "neuron_update_active_pj"),
    "core_ticks": ("core_tick_pj", "core_tick_pj"),
    "synaptic_events": ("synaptic_event_pj", "synaptic_event_pj"),
    "spikes": ("spike_pj", "spike_pj"),
    "messages_out": ("message_out_pj", "message_out_pj"),
    "messages_in": ("message_in_pj", "message_in_pj"),
    "hops_east_west": ("hop_east_west_pj", "hop_east_west_pj"),
    "hops_north_south": ("hop_north_south_pj", "hop_north_south_pj"),
}

#: What the updates become when it is known which neurons were active.
_TERMS_OF_ACTIVITY = {
    "idle_updates": ("neuron_update_idle_pj", "neuron_update_idle_pj"),
    "active_updates": ("neuron_update_active_pj", "neuron_update_active_pj"),
}

#: Hops rest on the shape of the mesh too.
_SHAPE = ("cores_per_tile", "width_tiles", "height_tiles")


def cost(counts, chip=None, table="davies2018", *, tick_us="fastest", queries=None, network=None, activity=None):
    """Energy, time and power of what was counted.

    Parameters
    ----------
    counts : EventCounts
    chip : Chip, str or Path, optional
        Itself, or its name or file, as `load_chip` takes them. By default the chip that comes with the package and has
        `table`.
    table : str or sequence of str
        A table of the chip; several may complete one another when they agree in scope, origin, process and voltage.
    tick_us : float or "fastest"
        How long a tick lasts. "fastest": the barrier, and the time the busiest core of each tick needs when all its
        neurons are active.
    queries : int, optional
        How many queries were run, one after the other, for the energy per query.
    network : CompiledNetwork, optional
        What was run, to say whether the chip can run it as it is, and how many relays that takes.
    activity : Activity, optional
        Which updates were of active neurons, of the same counts: what `count_activity` returns.

    Returns
    -------
    CostReport

    Raises
    ------
    ProvenanceError
        The chip has no such table, the tables do not go together or do not price synaptic events, the counts are of
        another network or of a placement on another chip, the activity of other counts, or an all-in figure is asked
        for away from its operating point.
    ConfigError
        An argument of another kind; a tick length that is not positive, or shorter than the chip can be; a number of
        queries below 1.
    """
    names = _names(table)
    queries = _checked(counts, queries, network, activity)
    chip = _chip_with(names) if chip is None else the_chip(chip)
    together, figures = _combine(chip, names)
    if counts.chip not in (None, chip.name):
        raise ProvenanceError(f"the counts are of a placement on {counts.chip}, and {chip.name} sends and packs in "
                              f"another way; place the network on {chip.name}, and count again")  # fmt: skip
    if activity is not None and activity.counts_hash != counts.hash:
        raise ProvenanceError("the activity is of other counts; count both from the same trace and placement")
    amounts, all_terms = quantities(counts, chip.mesh, activity), _terms(activity)
    terms = {term: keys for term, keys in all_terms.items() if keys[0] in figures}
    unpriced = {term: int(amounts[term].sum()) for term in all_terms if term not in terms}
    if together.scope == "per_operation" and unpriced.get("synaptic_events"):
        raise ProvenanceError(f"table {', '.join(names)} of {chip.name} has no synaptic_event_pj, and there are "
                              f"{unpriced['synaptic_events']:,} synaptic events; name a table beside it that has it")
    lines = tuple(
        CostLine(term, sum(map(int, amounts[term])), figures[low].exact, figures[high].exact,
                 _unverified_inputs(term, (low, high), figures, chip.mesh))
        for term, (low, high) in terms.items()
    )  # fmt: skip
    ticks, times = _ticks(counts, amounts, chip.mesh, together.time, tick_us)
    if together.operating_point is not None:
        require_operating_point(together.operating_point, amounts, ticks, ", ".join(names))
    static = together.static or chip.static if together.scope == "per_operation" else None
    used = ({"static.power_mw_per_chip": static.power_mw_per_chip} if static else {}) | (
        {"voltage_v": together.voltage_v} if together.voltage_v else {}) | figures | times  # fmt: skip
    return CostReport(
        chip=chip.name, chip_hash=chip.hash, counts_hash=counts.hash, table=" + ".join(names),
        scope=together.scope, process=together.process, voltage=together.voltage,
        sources={key: f"{figure.source} ({figure.how})" for key, figure in used.items()},
        lines=lines, per_core=_per_core(amounts, figures, terms), ticks=ticks,
        static_mw=_static_mw(together, static, _n_chips(amounts, chip)),
        copies=_copies(amounts, chip), queries=queries, missing=_missing(counts, chip, network),
        not_costed=_not_costed(counts, chip, static, together, unpriced, network), binning=counts.binning,
        origin=together.origin, caution=together.caution, unverified=_unverified(used, lines, chip.mesh),
    )  # fmt: skip


def _terms(activity):
    if activity is None:
        return TERMS
    return _TERMS_OF_ACTIVITY | {term: keys for term, keys in TERMS.items() if term != "neuron_updates"}


def _unverified_inputs(term, keys, figures, mesh):
    """Keys of the inputs of a term that are marked unverified."""
    found = [key for key in dict.fromkeys(keys) if figures[key].how == "unverified"]
    if term.startswith("hops"):
        found += [f"mesh.{name}" for name in _SHAPE if getattr(mesh, name).how == "unverified"]
    return tuple(found)


def _unverified(used, lines, mesh):
    """Mapping input -> source, of all unverified inputs of a report."""
    shape = {f"mesh.{name}": getattr(mesh, name) for name in _SHAPE}
    named = [name for line in lines if line.count for name in line.unverified]
    named += [key for key, figure in used.items() if figure.how == "unverified" and not key.startswith("hop_")]
    return {name: (used | shape)[name].source for name in dict.fromkeys(named)}


def _names(table):
    """The names of one table or several, as a tuple."""
    names = (table,) if isinstance(table, str) else table
    if not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"table is {table!r}; give the name of a table, or a list of names")
    return tuple(names)


def _checked(counts, queries, network, activity):
    """The number of queries as an int, or None; raises ConfigError for an argument of the wrong kind."""
    require_kind("counts", counts, EventCounts)
    if network is not None:
        require_kind("network", network, CompiledNetwork)
    if activity is not None and not hasattr(activity, "active"):
        raise ConfigError(f"activity is {activity!r}; give what count_activity returns")
    return None if queries is None else whole_number("queries", queries, 1)


def _chip_with(names):
    chips = [load_chip(name) for name in list_chips()]
    for chip in chips:
        if set(names) <= set(chip.tables):
            return chip
    there_are = ", ".join(f"{chip.name}: {name}" for chip in chips for name in chip.tables)
    raise ProvenanceError(f"no chip has the table {', '.join(sorted(names))}; there are {there_are}")


def _combine(chip, names):
    """What all tables say but energies, as one table, and their energy figures; refuses what does not go together."""
    listed = ", ".join(names)
    unknown = [name for name in names if name not in chip.tables]
    if unknown or not names:
        there_are = f"there are {', '.join(chip.tables)}" if chip.tables else chip.why_no_table
        raise ProvenanceError(f"{chip.name} has no table '{', '.join(unknown)}'; {there_are}")
    tables, figures = [chip.tables[name] for name in names], {}
    for aspect in ("scope", "process", "voltage", "origin"):
        values = {getattr(table, aspect) for table in tables}
        if len(values) > 1:
            raise ProvenanceError(f"tables {listed} mix {aspect} {', '.join(sorted(values))}; cost them apart")
    if len(tables) > 1 and tables[0].scope == "all_in":
        raise ProvenanceError(f"tables {listed} are all-in figures, each of which holds everything; cost them apart")
    for table in tables:
        given = table.energy.given()
        if given.keys() & figures.keys():
            raise ProvenanceError(f"tables {listed} both give {min(given.keys() & figures.keys())}; use one of them")
        figures |= given
    cautions = dict.fromkeys(table.caution for table in tables if table.caution is not None)
    return msgspec.structs.replace(tables[0], time=_only("time", tables, listed), caution="; ".join(cautions) or None,
                                   static=_only("static", tables, listed)), figures  # fmt: skip


def _only(name, tables, listed):
    """What tables say of this; None where none says anything."""
    given = [getattr(table, name) for table in tables if getattr(table, name) is not None]
    if any(each != given[0] for each in given):
        raise ProvenanceError(f"tables {listed} differ in [{name}]; use one of them")
    return given[0] if given else None


def _static_mw(table, static, n_chips):
    """0 where the table holds it already, None where nobody published it."""
    if table.scope == "all_in":
        return Fraction(0)
    return None if static is None else static.power_mw_per_chip.exact * n_chips


def _per_core(amounts, figures, terms):
    """`amounts` with the energy of each core, summed exactly and rounded once."""
    table = amounts.copy()
    for k, column in enumerate(("energy_low_pj", "energy_high_pj")):
        prices = {term: figures[keys[k]].exact for term, keys in terms.items()}
        rows = amounts[list(prices)].to_numpy().tolist()
        table[column] = [float(sum(n * price for n, price in zip(row, prices.values()))) for row in rows]
    return table


def _n_chips(amounts, chip):
    return np.unique(chip_of(amounts.index.to_numpy(), chip.mesh)).size


def _copies(amounts, chip):
    """How many copies of the network one set of its chips holds side by side."""
    cores = chip.mesh.cores_per_chip.value * _n_chips(amounts, chip)
    return cores // len(amounts) if len(amounts) else 1


def _ticks(counts, amounts, mesh, time, tick_us):
    """The ticks, and the figures of time they rest on."""
    if not isinstance(tick_us, str):
        return given_ticks(tick_us, counts, amounts, time), {}
    if tick_us != "fastest":
        raise ConfigError(f"tick_us is {tick_us!r}; give 'fastest', or a number of microseconds")
    if time is None:
        raise ConfigError("this table has no times, so 'fastest' is unknown; give tick_us, the length of a tick")
    return fastest_ticks(counts, amounts, time, mesh), time_figures(amounts, time, mesh)


def _missing(counts, chip, network):
    """What the chip cannot do of the network; None when there is no network to look at."""
    if network is None:
        return None
    if counts.network_hash not in (None, network.hash) or not np.array_equal(counts.core_of == HOST, network.is_source):
        raise ProvenanceError(f"the counts are of another network than this one of {network.n_neurons} neurons")
    return tuple(chip.check(network))


def _not_costed(counts, chip, static, table, unpriced, network):
    """What happened but has no published figure."""
    if table.scope == "all_in":
        return ()
    from_host = counts.message_source == HOST
    between = ~from_host & ~within_a_chip(counts, chip.mesh)
    occurred = [f"{n:,} {term}" for term, n in unpriced.items() if n]
    items = [f"no figure of their own in this table: {', '.join(occurred)}"] if occurred else []
    if from_host.any():
        items.append(f"host injection, no published figure: {counts.message_count[from_host].sum():,} messages")
    if between.any():
        items.append(f"messages between chips, no published figure: {counts.message_count[between].sum():,}")
    items += _relays(counts, chip, network)
    if static is None:
        items.append("static power, no published figure")
    return (*items, "the energy of the barrier, no published figure; the time of messages in the mesh")


def _relays(counts, chip, network):
    """What is said of relays on a chip whose neurons send to few axons: how many there are, where it is known."""
    if chip.limits.targets_per_neuron is None:
        return []
    which = "relays of neurons that send to several axons"
    if network is None:
        return [f"{which}, if there are any: run and count split_network(...)"]
    needed = splitters(network, counts.core_of, chip).sum()
    return [f"{needed:,} {which}: run and count split_network(...)"] if needed else []
