"""The page of operation-counts: one table per block, a bar figure, and why the counters disagree."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from analysis.operation_counts import STAGES
from analysis.plots import BLUE, GREEN, GREY, ORANGE
from analysis.published_counters import AC_PJ, MAC_PJ
from analysis.report import Figure, Section, Table, Verdict, write_report

__all__ = ["broken", "counter_table", "reasons", "write"]

_EXACT = {"all": "deliveries, all weights", "nonzero": "deliveries, weights not 0"}

_REASONS_EXACT = (
    ("deliveries, all weights",
     "Each spike that arrived at each synapse. In attention a product of two spikes is a neuron that fires when both "
     "arrive, so that spikes without a partner are delivered too: that, not the coincidences, is what the circuit pays "
     "for. Biases are one delivery per neuron and step, listed apart; an integer of 2 is two spikes and counts twice."),
    ("deliveries, weights not 0", "The same without synapses of weight 0, which a chip would not store."),
)  # fmt: skip


def counter_table(block):
    """Headings, and a row of text for every way to count a block's operations.

    Columns: operations by stage on the input as given; then additions, multiplications and energy of that run, and of
    the run with one unit more.
    """
    stages = [stage for stage in STAGES if stage != "input" or block["runs"][0]["exact"]["all"][stage]]
    headings = ("counter", *stages, "bias", "AC", "MAC", "nJ", "AC, +1", "MAC, +1", "nJ, +1")
    return headings, tuple((way["name"], *_row(way, stages)) for way in _ways(block))


def _ways(block):
    """Every way to count: name, and of both runs the operations by stage, biases and energy."""
    given, more = block["runs"]
    for kind, name in _EXACT.items():
        biases = [each["bias" if kind == "all" else "bias_nonzero"] for each in (given, more)]
        ac = [each["exact"][kind] for each in (given, more)]
        energy = [AC_PJ * (sum(own.values()) + bias) for own, bias in zip(ac, biases, strict=True)]
        yield {"name": name, "ac": ac, "mac": [dict.fromkeys(own, 0) for own in ac], "bias": biases, "energy": energy}
    for name in given["published"]:
        said = [each["published"][name] for each in (given, more)]
        yield {"name": name, "ac": [own["ac"] for own in said], "mac": [own["mac"] for own in said], "bias": [0, 0],
               "energy": [own["energy_pj"] for own in said]}  # fmt: skip


def _row(way, stages):
    yield from (f"{way['ac'][0].get(stage, 0) + way['mac'][0].get(stage, 0):,.0f}" for stage in stages)
    yield f"{way['bias'][0]:,}"
    for ac, mac, bias, energy in zip(way["ac"], way["mac"], way["bias"], way["energy"], strict=True):
        yield f"{sum(ac.values()) + bias:,.0f}"
        yield f"{sum(mac.values()):,.0f}"
        yield f"{energy / 1000:.2f}"


def _bars(block):
    """Operations of both runs by stage, one group of two bars per counter; multiplications are hatched."""
    ways = list(_ways(block))
    figure = Canvas(figsize=(9, 0.62 * len(ways) + 1.2), layout="constrained")
    ax = figure.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    place = np.arange(len(ways))[::-1]
    for run, shift in enumerate((0.2, -0.2)):
        left = np.zeros(len(ways))
        for stage, colour in zip(STAGES, (GREY, BLUE, ORANGE, GREEN), strict=True):
            for kind, hatch in (("ac", ""), ("mac", "////")):
                width = np.array([way[kind][run].get(stage, 0) for way in ways], dtype=float)
                label = stage if run == 0 and kind == "ac" and width.any() else None
                ax.barh(place + shift, width, 0.36, left, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5,
                        label=label)  # fmt: skip
                left += width
        for y, end in zip(place + shift, left, strict=True):
            ax.annotate(f" {end:,.0f}" + (", one unit more" if run else ""), (end, y), va="center", fontsize=8)
    ax.set_yticks(place, [way["name"] for way in ways])
    ax.set_xlabel("operations, biases left out; multiplications hatched")
    ax.margins(x=0.14)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def reasons(summary):
    """(counter, what it counts and why) for every row of the tables."""
    yield from _REASONS_EXACT
    yield from ((f"{own['name']} ({own['source']})", own["reason"]) for own in summary["counters"])


def broken(block):
    """What does not add up in the counts of one block, one text for each fault."""
    faults = [line for each in block["runs"] for line in each["unaccounted"]]
    faults += [law["name"] for law in block["audit"]["laws"] if law["verdict"] == "failed"]
    counted, running = _delivered(block), block["counted_while_running"]
    return faults + ([] if counted == running else [f"{counted:,} deliveries, {running:,} counted while running"])


def _delivered(block):
    return sum(each["deliveries"] for each in block["runs"])


def _verdicts(summary):
    blocks = summary["blocks"]
    first = blocks[0]
    faults = [f"{block['block']}: {fault}" for block in blocks for fault in broken(block)]
    counted = sum(_delivered(block) for block in blocks)
    ways = list(_ways(first))[2:]
    totals = [sum(way["ac"][0].values()) + sum(way["mac"][0].values()) for way in ways]
    flips = [way["name"] for way in ways if sum(way["mac"][1].values()) > sum(way["mac"][0].values())]
    grown = max((way["energy"][1] / way["energy"][0] for way in ways if way["energy"][0]), default=1.0)
    return [
        Verdict("Is every delivery accounted for?", "; ".join(faults) or
                f"yes: {counted:,} deliveries, the same from spikes and synapses, from counters kept while running, "
                "and, in layers, from weights", not faults),
        Verdict(f"Do the published counters agree on {first['block']}?",
                f"from {min(totals):,.0f} to {max(totals):,.0f} operations; the circuit delivers "
                f"{first['runs'][0]['deliveries']:,}"),
        Verdict("What does one unit more in one input element change?", f"{', '.join(flips)} turn additions into "
                f"multiplications, up to {grown:.1f} times the energy" if flips else "nothing: layers see spikes only"),
    ]  # fmt: skip


def write(path, summary):
    """Write report.html.

    Parameters
    ----------
    path : path
    summary : dict
        What the experiment returned.
    """
    sections = [
        Section(f"{block['block']}: {block['neurons']:,} neurons, {block['synapses']:,} synapses", (_words(block),),
                (_table(block), Figure(_bars(block), "The input as given above, with one unit more below.")))
        for block in summary["blocks"]
    ]  # fmt: skip
    sections.append(Section("Which counter counts what, and why they disagree", (),
                            (Table(("counter", "counts"), tuple(reasons(summary)), "", "ll"),)))  # fmt: skip
    sections += [
        Section(f"{block['block']}: every delivery by route", (), (_routes(block["runs"][1]),))
        for block in summary["blocks"]
    ]
    lead = ("One attention block, run spike by spike; its operations are counted at the synapse, and as the published "
            "counters would count them from the tensors of the same run. Then one unit is added to one element of the "
            "input, as a residual path does.")  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    title = "Operation counts, side by side"
    write_report(path, title, lead, _verdicts(summary), sections, f"Configuration: {settings}")


def _table(block):
    headings, rows = counter_table(block)
    caption = (f"Energy at {AC_PJ} pJ per addition and {MAC_PJ} pJ per multiplication with it (Horowitz, ISSCC 2014): "
               "the papers' price of arithmetic alone, and that of no chip.")  # fmt: skip
    return Table(headings, rows, caption, "l" + "r" * (len(headings) - 1))


def _words(block):
    given, more = block["runs"]
    repeated = sum(more["exact"]["repeated"].values())
    return (f"Given: {given['deliveries']:,} deliveries, {given['bias']:,} of them biases. With one unit more, the "
            f"largest input being {more['largest']}: {more['deliveries']:,}; {repeated:,} of these come from second "
            "and further units of an input.")  # fmt: skip


def _routes(each):
    rows = tuple(
        (row["stage"], row["sender"], row["receiver"], "yes" if row["bias"] else "",
         *(f"{row[kind]:,}" for kind in ("all", "nonzero", "repeated")))
        for row in each["routes"]
    )  # fmt: skip
    headings = ("stage", "from", "to", "bias", "all", "weight not 0", "second units")
    return Table(headings, rows, "The run with one unit more.", "llllrrr")
