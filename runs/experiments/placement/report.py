"""The page of placement: one table, how much each placer saves, and where the messages went."""

from analysis.plots import messages_by_placer
from analysis.report import Figure, Section, Table, Verdict, write_report
from hardware_models import cost
from runs.experiments.core_maps import core_maps

__all__ = ["energy_of_run", "table", "write"]

_HEADINGS = ("network", "placer", "cores", "chips", "messages", "of in order", "between chips", "link crossings",
             "routing, µJ", "dynamic, µJ", "tick, µs", "CPU, s")  # fmt: skip
_LEAD = (
    "A spike is sent once to every distinct core on which it has a target. In order, neurons fill core after core by "
    "their ids; greedily, a core takes the neuron most of whose axons arrive there already; the partitioner cuts the "
    "network with METIS and then moves single neurons. The last two also choose where on the mesh each core lies."
)
_SHOWN = "ssa"
_MANY_CORES = 100  # on few cores a placement in order cannot be bad


def table(summary):
    """Headings, and a row of text for each network and placer."""
    rows = []
    for case in summary["cases"]:
        least = _reference(case)
        for row in case["placements"]:
            if "refused" in row:
                rows.append((case["case"], row["placer"], "does not fit", *[""] * 9))
                continue
            hops = row["hops_east_west"] + row["hops_north_south"]
            share = f"{row['messages'] / least:.1%}" if least else ""
            routing = "not priced" if row["network_nj"] is None else f"{row['network_nj'] / 1000:,.3f}"
            rows.append((case["case"], _made_by(row), f"{row['cores']:,}", f"{row['chips']:,}", f"{row['messages']:,}",
                         share, f"{row['between_chips']:,}", f"{hops:,}", routing,
                         f"{row['dynamic_low_nj'] / 1000:,.2f}", f"{row['tick_us']:,.1f}",
                         f"{row['cpu_s']:.1f}"))  # fmt: skip
    return _HEADINGS, tuple(rows)


def _made_by(row):
    """The placer of a placement, and the one that stood in for it, where its package is not installed."""
    return row["placer"] if row["made_by"] == row["placer"] else f"{row['placer']} (by {row['made_by']})"


def _reference(case):
    """Messages of the placement in order; None where there is none."""
    return next((row["messages"] for row in case["placements"]
                 if row["placer"] == "in_order" and "refused" not in row), None)  # fmt: skip


def _shares(summary):
    """(case, placer, messages over those of the placement in order) for all that were placed."""
    return [(case["case"], row["placer"], row["messages"] / _reference(case)) for case in summary["cases"]
            for row in case["placements"] if _reference(case) and "refused" not in row]  # fmt: skip


def write(path, summary, chip, counts):
    """Write report.html.

    Parameters
    ----------
    path : path
    summary : dict
        What the experiment returned.
    chip : Chip
    counts : mapping of case to mapping of placer to EventCounts
    """
    of_both, *rows = ((f"{network}, {placer}", *row) for network, placer, *row in (_HEADINGS, *table(summary)[1]))
    sections = [Section("Messages by placer", ("One run of each network; of the clusters, one spike of every neuron. "
                                               "Link crossings leave out ways between chips, whose length is not "
                                               "published. A tick lasts as long as its slowest core: what gathers "
                                               "events on few cores saves messages and may cost time.",),
                        (Table(of_both, tuple(rows), "", "l" + "r" * 10),
                         Figure(messages_by_placer(_shares(summary)), "Messages beside those of the placement in "
                                                                      "order; shorter is better.")))]  # fmt: skip
    shown = _SHOWN if counts.get(_SHOWN) else next((name for name in counts if counts[name]), None)
    sections += [_maps(shown, placer, each, chip) for placer, each in counts.get(shown, {}).items()]
    config = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    write_report(path, f"What the choice of cores saves on {chip.title}", _LEAD, _verdicts(summary), sections,
                 f"Configuration: {config}")  # fmt: skip


def _verdicts(summary):
    for case in summary["cases"]:
        shares = {placer: share for name, placer, share in _shares(summary) if name == case["case"]}
        rows = {row["placer"]: row for row in case["placements"] if "refused" not in row}
        others = {placer: share for placer, share in shares.items() if placer != "in_order"}
        if not others:
            yield Verdict(f"What is saved on {case['case']}?", "nothing to compare: see the table")
            continue
        best = min(others, key=others.get)
        wide = case["case"] == "clusters" and rows["in_order"]["cores"] >= _MANY_CORES
        good = others[best] <= 0.5 if wide else None
        yield Verdict(f"What is saved on {case['case']}?",
                      f"{best} makes {others[best]:.1%} of the messages of in_order, on {rows[best]['cores']:,} "
                      f"cores instead of {rows['in_order']['cores']:,}", good)  # fmt: skip


def _maps(case, placer, counts, chip):
    energy = energy_of_run(counts, chip).per_core["energy_low_pj"] / 1000
    text = ("Which core lies where is numbered as SANA-FE does; it is not published.",)
    maps = core_maps(counts, energy, "least dynamic energy, nJ", chip.mesh)
    return Section(f"{case}, placed by {placer}", text, maps)


def energy_of_run(counts, chip):
    """CostReport by the chip's first table of energies per operation, at the fastest ticks or, unpublished, of 1 ms."""
    name = next(name for name, table in chip.tables.items() if table.scope == "per_operation")
    return cost(counts, chip, name, tick_us="fastest" if chip.tables[name].time else 1000)
