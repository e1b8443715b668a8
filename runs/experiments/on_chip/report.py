"""The page and the lines of on-chip: tables and one figure."""

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.plots import BLUE, ORANGE
from analysis.report import Figure, Section, Table, Verdict, write_report

__all__ = ["lines", "write"]

_HEADINGS = ("circuit", "chip", "status", "error as is", "error on chip", "neurons", "cores",
             "dynamic per query, µJ", "with static, least to most, µJ")  # fmt: skip
_COLOURS = {"loihi": BLUE, "truenorth": ORANGE}
_PALE = 0.25
_LEAST = 1e-9  # microjoule; a logarithmic axis has no 0
_WIDTH = 0.25  # of a range that is one number, as a share of it, so that it can be seen
_LEAD = (
    "Each circuit is compiled and offered to each chip. Native: it runs as it is. Quantised: it runs in the chip's "
    "integers, where it was simulated spike by spike. Refused: something in it has no place on the chip; its energy is "
    "that of the circuit as it is, which the chip cannot run."
)


def write(path, summary):
    """Write report.html from the experiment's summary."""
    rows = summary["rows"]
    table = Table(_HEADINGS, tuple(_cells(row) for row in rows), " ".join([_CAPTION, *_star(rows)]), "lll" + "r" * 6)
    figure = Figure(_figure(rows), _TO_SEE)
    sections = [
        Section("Every circuit on every chip", (), (table,)),
        Section("Energy of one query", (), (figure,)),
        Section("What stands in the way, and what differs", (), (Table(("circuit", "chip", "neurons that map", "what"),
                                                      tuple(_obstacles(rows)), "", "llrl"),)),
        Section("Energy of one query under each table and length of ticks", (),
                (Table(_WAYS, tuple(_ways(rows)), "In microjoule.", "llll" + "r" * 5),)),
        Section("What no table prices, and none of these energies holds", (),
                (Table(("what", "chip", "circuits"), tuple(_left_out(rows)), "", "lll"),)),
    ]  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    write_report(path, "Circuits on chips", _LEAD, _verdicts(rows), sections, f"Configuration: {settings}")


_CAPTION = (
    "Error: total variation of attention weights from exact softmax, or rms of outputs from exact attention, relative; "
    "published blocks are exact as circuits, so theirs is what quantising changed. A range of energy spans all tables "
    "of the chip but all-in ones."
)


_TO_SEE = (
    "Bars: dynamic energy, over the chip's tables, neurons idle or active. Lines: static energy with it, from fastest "
    "ticks with copies side by side to real-time ticks and one query after the other. Hollow: the circuit as it is, "
    "which the chip refuses. Pale: how far dynamic energy reaches by unverified tables."
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
    totals = [row["energy"]["verified"]["total"] for row in rows if row["energy"] and row["energy"]["verified"]]
    if totals:
        spans = [most / least for least, most in totals]
        yield Verdict("How far does the energy of one circuit on one chip range?", f"by a factor of {min(spans):,.0f} "
                      f"to {max(spans):,.0f}, by table, ticks and copies alone"
                      + f"; left out, as unverified: {', '.join(_unverified(rows)) or 'none'}")  # fmt: skip


def _unverified(rows):
    """Tables that are unverified for some row."""
    return dict.fromkeys(f"table {way['table']} of {row['chip']}" for row in rows if row["energy"]
                         for way in row["energy"]["ways"] if way["unverified"])  # fmt: skip


def _star(rows):
    if unverified := _unverified(rows):
        yield f"*: unverified, by {', '.join(unverified)}; what stands before it is by the others."


def _cells(row):
    energy, refused = row["energy"], row["status"] == "refused"
    others = (f"{row[kind]:,} {kind}" for kind in ("copies", "relays") if row.get(kind))
    neurons = ", ".join([f"{row['neurons']:,}", *others])
    accuracy = "" if row["accuracy_as_is"] is None else f" ({row['accuracy_as_is']:.1%} right)"
    there = "" if row.get("accuracy_on_chip") is None else f" ({row['accuracy_on_chip']:.1%} right)"
    return (
        row["title"], row["chip"], row["status"], f"{row['error_as_is']:.4f}{accuracy}",
        "" if refused else f"{row['error_on_chip']:.4f}{there}", neurons,
        "does not fit" if row["cores"] is None else f"{row['cores']:,}", _span(energy, "dynamic"),
        _span(energy, "total"),
    )  # fmt: skip


def _span(energy, what):
    """From least to most, and with a star to where unverified tables alone take it."""
    if energy is None:
        return ""
    least, most = energy[what]
    if energy["verified"] is None:
        return " to ".join(dict.fromkeys(f"{_amount(value)}*" for value in (least, most)))
    low, high = energy["verified"][what]
    further = [f"from {_amount(least)}*"] * (least < low) + [f"to {_amount(most)}*"] * (most > high)
    return ", ".join([" to ".join(dict.fromkeys(map(_amount, (low, high)))), *further])


def _amount(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _obstacles(rows):
    for row in rows:
        notes = [] if row["status"] == "refused" else [f"weights {row['weight_error']:.2%} off (rms)",
                                                      *row["why"].split("; ")]  # fmt: skip
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


def _left_out(rows):
    """A row for each thing on each chip: of which circuits it is left out."""
    circuits = {}
    for row in (row for row in rows if row["energy"]):
        for item in row["energy"]["not_costed"]:
            circuits.setdefault((item, row["chip"]), []).append(row["title"])
    for (item, chip), titles in circuits.items():
        of_all = len(titles) == sum(row["chip"] == chip and row["energy"] is not None for row in rows)
        yield item, chip, "all" if of_all else "; ".join(titles)


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
        _bar(ax, y, row["energy"]["dynamic"], color=colour, alpha=_PALE)
        if (sound := row["energy"]["verified"]) is None:
            continue
        ax.plot(sound["total"], [y, y], color=colour, linewidth=1.2, linestyle=":" if refused else "-", marker="|",
                markersize=7)  # fmt: skip
        face, edge = ("white", colour) if refused else (colour, "white")
        _bar(ax, y, sound["dynamic"], color=face, edgecolor=edge, linewidth=1,
             hatch="" if row["chip"] == "loihi" else "////")  # fmt: skip
    ax.set_yticks(np.arange(len(titles))[::-1], titles)
    ax.set_xscale("log")
    spans = [value for row in shown for value in (row["energy"]["dynamic"][0], row["energy"]["total"][1])]
    ax.set_xlim(max(min(spans, default=1.0), _LEAST) / 2, 2 * max(spans, default=1.0))
    ax.set_xlabel("energy per query, µJ (logarithmic)")
    looks = [Line2D([], [], color=colour, linewidth=5, label=chip) for chip, colour in _COLOURS.items()]
    looks.append(Line2D([], [], color="grey", linestyle=":", marker="|", label="refused: as it is, not runnable"))
    looks.append(Patch(color="grey", alpha=_PALE, label="unverified tables"))
    figure.legend(handles=looks, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _bar(ax, y, span, **looks):
    low, high = np.maximum(span, _LEAST)
    ax.barh(y, max(high - low, _WIDTH * low), 0.26, low, **looks)


def lines(summary):
    """The summary in words, for a terminal."""
    rows = [_cells(row) for row in summary["rows"]]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows)]
    for row in (_HEADINGS, *rows):
        yield "  ".join(text.ljust(w) if k < 3 else text.rjust(w) for k, (text, w) in enumerate(zip(row, widths)))
    yield from _star(summary["rows"])
    for verdict in _verdicts(summary["rows"]):
        yield f"{verdict.question} {verdict.answer}"
