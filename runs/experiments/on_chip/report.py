"""The page and the lines of on-chip: one table and one figure."""

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis.plots import BLUE, ORANGE
from analysis.report import Figure, Section, Table, Verdict, write_report

__all__ = ["lines", "write"]

_HEADINGS = ("circuit", "chip", "status", "error as is", "error on chip", "neurons, copies", "cores",
             "dynamic per query", "with static, least to most", "why")  # fmt: skip
_COLOURS = {"loihi": BLUE, "truenorth": ORANGE}
_LEAD = (
    "Each circuit is compiled and offered to each chip. Native: it runs as it is. Quantised: it runs in the chip's "
    "integers, where it was simulated spike by spike. Refused: something in it has no place on the chip; its energy is "
    "that of the circuit as it is, which the chip cannot run."
)


def write(path, summary):
    """Write report.html from the experiment's summary."""
    rows = summary["rows"]
    table = Table(_HEADINGS, tuple(_cells(row) for row in rows), _CAPTION, "lll" + "r" * 6 + "l")
    figure = Figure(_figure(rows), _TO_SEE)
    sections = [
        Section("Every circuit on every chip", (), (table,)),
        Section("Energy of one query", (), (figure,)),
        Section("What stands in the way, and what differs", (), (Table(("circuit", "chip", "neurons that map", "what"),
                                                      tuple(_obstacles(rows)), "", "llrl"),)),
        Section("Energy of one query under each table and length of ticks", (),
                (Table(_WAYS, tuple(_ways(rows)), "In microjoule.", "llll" + "r" * 5),)),
    ]  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    write_report(path, "Circuits on chips", _LEAD, _verdicts(rows), sections, f"Configuration: {settings}")


_CAPTION = (
    "Error: total variation of attention weights from exact softmax, or rms of outputs from exact attention, relative; "
    "published blocks are exact as circuits, so theirs is what quantising changed. Energy in microjoule; a range spans "
    "all tables of the chip but all-in ones."
)


_TO_SEE = (
    "Bars: dynamic energy, over the chip's tables, neurons idle or active. Lines: static energy with it, from fastest "
    "ticks with copies side by side to real-time ticks and one query after the other. Hollow: the circuit as it is, "
    "which the chip refuses."
)


def _verdicts(rows):
    for chip in dict.fromkeys(row["chip"] for row in rows):
        own = [row for row in rows if row["chip"] == chip]
        running = [row for row in own if row["status"] != "refused"]
        same = sum(row["difference"] == 0 for row in running)
        yield Verdict(f"What runs on {chip}?", f"{len(running)} of {len(own)}: "
                      + (", ".join(row["case"] for row in running) or "none")
                      + f"; {same} of them give the very same answer as unquantised")  # fmt: skip
    for row in (row for row in rows if row.get("accuracy_on_chip") is not None):
        yield Verdict(f"What does quantising for {row['chip']} cost in accuracy?",
                      f"{row['title']}: {row['accuracy_on_chip']:.1%}, {row['accuracy_as_is']:.1%} as it is, "
                      f"{row['accuracy_exact']:.1%} exact softmax")  # fmt: skip
    spans = [row["energy"]["total"][1] / row["energy"]["total"][0] for row in rows if row["energy"]]
    if spans:
        yield Verdict("How far does the energy of one circuit on one chip range?", f"by a factor of {min(spans):,.0f} "
                      f"to {max(spans):,.0f}, by table, ticks and copies alone")  # fmt: skip


def _cells(row):
    energy, refused = row["energy"], row["status"] == "refused"
    neurons = f"{row['neurons']:,}" + (f", {row['copies']:,}" if row.get("copies") else "")
    accuracy = "" if row["accuracy_as_is"] is None else f" ({row['accuracy_as_is']:.1%} right)"
    there = "" if row.get("accuracy_on_chip") is None else f" ({row['accuracy_on_chip']:.1%} right)"
    return (
        row["title"], row["chip"], row["status"], f"{row['error_as_is']:.4f}{accuracy}",
        "" if refused else f"{row['error_on_chip']:.4f}{there}", neurons,
        "does not fit" if row["cores"] is None else f"{row['cores']:,}", _span(energy and energy["dynamic"]),
        _span(energy and energy["total"]), _why(row),
    )  # fmt: skip


def _span(pair):
    return "" if pair is None else " to ".join(dict.fromkeys(map(_amount, pair)))


def _amount(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _why(row, most=50):
    """A few words; the sections below have all of them."""
    if row["status"] != "refused":
        return f"weights {row['weight_error']:.2%} off (rms)"
    text = row["why"].partition("': ")[2]
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _obstacles(rows):
    for row in rows:
        notes = [] if row["status"] == "refused" else row["why"].split("; ")
        for text in [*row["obstacles"], *filter(None, [*notes, row["does_not_fit"]])]:
            yield row["title"], row["chip"], f"{row['mapped']:.0%}", text


_WAYS = ("circuit", "chip", "table", "ticks", "tick, us", "dynamic, least", "dynamic, most", "static, in sequence",
         "static, side by side")  # fmt: skip


def _ways(rows):
    for row in rows:
        for way in row["energy"]["ways"] if row["energy"] else ():
            values = (way[key] for key in ("tick_us", "dynamic_low", "dynamic_high", "static", "static_parallel"))
            mark = " (unverified)" if way["unverified"] else ""
            yield (row["title"], row["chip"], way["table"] + mark, way["ticks"], *(f"{value:,.4g}" for value in values))


def _figure(rows):
    """Energy per query of every circuit on every chip, on a logarithmic axis."""
    shown = [row for row in rows if row["energy"]]
    titles = list(dict.fromkeys(row["title"] for row in shown))
    figure = Canvas(figsize=(9.5, 0.52 * len(titles) + 1.4), layout="constrained")
    ax = figure.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    for row in shown:
        y = len(titles) - 1 - titles.index(row["title"]) + (0.17 if row["chip"] == "loihi" else -0.17)
        colour, refused = _COLOURS[row["chip"]], row["status"] == "refused"
        low, high = np.maximum(row["energy"]["dynamic"], 1e-9)
        ax.plot(row["energy"]["total"], [y, y], color=colour, linewidth=1.2, linestyle=":" if refused else "-",
                marker="|", markersize=7)  # fmt: skip
        face, edge = ("white", colour) if refused else (colour, "white")
        ax.barh(y, max(high - low, 0.02 * low), 0.26, low, color=face, edgecolor=edge, linewidth=1,
                hatch="" if row["chip"] == "loihi" else "////")  # fmt: skip
    ax.set_yticks(np.arange(len(titles))[::-1], titles)
    ax.set_xscale("log")
    spans = [value for row in shown for value in (row["energy"]["dynamic"][0], row["energy"]["total"][1])]
    ax.set_xlim(max(min(spans, default=1.0), 1e-9) / 2, 2 * max(spans, default=1.0))
    ax.set_xlabel("energy per query, µJ (logarithmic)")
    looks = [Line2D([], [], color=colour, linewidth=5, label=chip) for chip, colour in _COLOURS.items()]
    looks.append(Line2D([], [], color="grey", linestyle=":", marker="|", label="refused: as it is, not runnable"))
    figure.legend(handles=looks, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def lines(summary):
    """The summary in words, for a terminal."""
    headings, rows = _HEADINGS[:-1], [_cells(row)[:-1] for row in summary["rows"]]
    widths = [max(len(row[k]) for row in (headings, *rows)) for k in range(len(headings))]
    for row in (headings, *rows):
        yield "  ".join(text.ljust(w) if k < 3 else text.rjust(w) for k, (text, w) in enumerate(zip(row, widths)))
    for verdict in _verdicts(summary["rows"]):
        yield f"{verdict.question} {verdict.answer}"
    yield "Energy in microjoule per query, dynamic, and with static energy from least to most."
