"""The page and the lines of energy-claim: tables and one figure."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from analysis.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE
from analysis.report import Figure, Section, Table, Verdict, write_report

__all__ = ["activity_figure", "lines", "ratio_table", "static_table", "write"]

_LEAD = (
    "A spiking transformer is said to take 38 to 57 times less energy than one without spikes. Here that ratio is "
    "worked out under each way to account for energy in turn, for published models of which operations or energy could "
    "be read, and for attention blocks that are built and run. Activity is deliveries per synapse and inference: steps "
    "times firing rate."
)
_CAPTION = (
    "Ratio: energy without spikes over energy with them; below 1 the spiking network loses. For a model, deliveries "
    "and its own MACs are priced, on chips nothing else, so the true ratio there is lower. Activity for a ratio: with "
    "no MACs of its own. See models: with static power it depends on the model, and stands in the table below. Weights "
    "unknown: no number of parameters is listed for this model, so how many chips hold them is not known. Deliveries "
    "unknown: only its energy is published, and not of additions alone."
)
_STATIC = (
    "Deliveries per synapse and inference up to which the ratio is reached with ticks of {:g} ms, the model's own MACs "
    "priced. Not reached: static power and own MACs alone take more."
)
_RUN = (
    "The same for attention blocks that were built and run, small ones; on chips all that the table prices, neurons "
    "active to idle."
)


_TO_SEE = (
    "Lines: one accounting each. Grey band: 38 to 57 times. Below the line at 1 the spiking network takes more. "
    "Vertical lines: activity of published models."
)


_ACCOUNTS = ("accounting", "pJ per MAC", "pJ per delivery", "counts", "sources")


def write(path, summary):
    """Write report.html from the experiment's summary."""
    headings, rows = ratio_table(summary)
    columns = len(headings) - len(summary["blocks"])
    published = Table(headings[:columns], tuple(row[:columns] for row in rows), _CAPTION, "l" + "r" * (columns - 1))
    built = Table((headings[0], *headings[columns:]), tuple((row[0], *row[columns:]) for row in rows), _RUN,
                  "l" + "r" * len(summary["blocks"]))  # fmt: skip
    static = Table(*static_table(summary), _STATIC.format(summary["config"]["tick_ms"]), "llrrr")
    figure = Figure(activity_figure(summary), _TO_SEE)
    accounts = tuple((way["name"], f"{way['ann_pj']:.4g}", f"{way['event_pj']:.4g}", way["text"],
                      "; ".join(way["sources"])) for way in summary["accountings"])  # fmt: skip
    models = tuple(
        (model["title"], _rho(model, ".3f"), _whence(model),
         "; ".join(dict.fromkeys(f"{key}: {source}" for key, source in model["sources"].items())))
        for model in summary["models"]
    )  # fmt: skip
    sections = [
        Section("Every accounting, every network", (), (published, static, built)),
        Section("Up to which activity the spiking network wins", (), (figure,)),
        Section("What chips' tables do not price of the blocks that were run", (),
                (Table(("block", "chip", "what"), _left_out(summary), "", "lll"),)),
        Section("What each accounting counts", (), (Table(_ACCOUNTS, accounts, "", "lrrll"),)),
        Section("What others found", (), (Table(_FOUND, _found(summary), "", "lrrrl"),)),
        Section("The published models", (), (Table(_MODELS, models, "", "lrll"),)),
    ]  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    write_report(path, "38 to 57 times less energy: where it holds", _LEAD, list(_verdicts(summary)), sections,
                 f"Configuration: {settings}")  # fmt: skip


_UNKNOWN, _UNCOUNTED = "weights unknown", "deliveries unknown"
_MODELS = ("model", "activity", "where its activity is from", "sources")
_FOUND = ("who", "steps", "wins below a rate of", "activity", "source")


def _found(summary):
    return tuple((each["title"], f"{each['steps']}", f"{each['rate']:.1%}", f"{each['rho']:.3f}", each["source"])
                 for each in summary["thresholds"])  # fmt: skip


def _left_out(summary):
    return tuple((block["name"], chip, item) for block in summary["blocks"]
                 for chip, items in block["not_costed"].items() for item in items)  # fmt: skip


def _whence(model):
    if model["unverified"]:
        return f"unverified, left out: {', '.join(model['unverified'])}"
    if model["ratios"][0] is None:
        return "operations not found, left out"
    if model["uncounted"]:
        return f"not known: {model['uncounted']}"
    return "additions as published" if model["counted"] else "additions that make the published energy"


def _rho(each, form):
    return "" if each["rho"] is None else format(each["rho"], form)


def _known(summary):
    """Models of which at least the ratio at their authors' prices is known."""
    return [model for model in summary["models"] if model["ratios"][0] is not None]


def _counted(summary):
    """Those of which deliveries are known."""
    return [model for model in summary["models"] if model["rho"] is not None]


def ratio_table(summary):
    """Headings, and a row for each accounting."""
    models, blocks = _known(summary), summary["blocks"]
    headings = ("accounting", *_goals(summary), *(model["title"].split(",")[0] for model in models),
                *(f"{block['name']}, run" for block in blocks))  # fmt: skip
    rows = [("(activity)", "", "", "", *(_rho(each, ".2f") for each in (*models, *blocks)))]
    for k, way in enumerate(summary["accountings"]):
        rows.append((
            way["name"] + (" (unverified)" if way["unverified"] else ""), *_activities(way),
            *(_ratio(model, k) for model in models), *(_times(*block["ratios"][k]) for block in blocks),
        ))  # fmt: skip
    return headings, tuple(rows)


def _goals(summary):
    low, high = summary["claimed"]
    return f"activity for {low}x", f"for {high}x", "for 1x"


def _activities(way):
    if way["static"]:
        return ("see models",) * 3
    return *(f"{rho:.4f}" for rho in way["rho_claimed"]), f"{way['rho_even']:.3f}"


def static_table(summary):
    """Headings, and for each accounting with static power a row for each model: its activity for each ratio."""
    ways = [(k, way["name"]) for k, way in enumerate(summary["accountings"]) if way["static"]]
    rows = ((name, model["title"].split(",")[0], *map(_activity, (*model["rho_claimed"][k], model["rho_even"][k])))
            for k, name in ways for model in _counted(summary))
    return ("accounting", "model", *_goals(summary)), tuple(rows)


def _activity(rho):
    return _UNKNOWN if rho is None else rho if isinstance(rho, str) else f"{rho:.4f}"


def _ratio(model, k):
    if model["ratios"][k] is None:
        return _UNKNOWN if model["rho"] is not None else _UNCOUNTED
    return _times(model["ratios"][k])


def _times(*ratios):
    return " to ".join(dict.fromkeys(f"{ratio:.2g}" for ratio in ratios))


def _verdicts(summary):
    low, high = summary["claimed"]
    ways, models = summary["accountings"], _known(summary)
    rho_low, rho_high = ways[0]["rho_claimed"]
    yield Verdict(f"When is it {low} to {high} times?", f"with operations counted at {ways[0]['ann_pj']:g} and "
                  f"{ways[0]['event_pj']:g} pJ, at {rho_high:.4f} to {rho_low:.4f} deliveries per synapse and "
                  f"inference: over 4 steps, firing rates of {rho_high / 4:.1%} to {rho_low / 4:.1%}")  # fmt: skip
    best = max(models, key=lambda model: model["ratios"][0])
    reaching = sum(model["ratios"][0] >= low for model in models)
    yield Verdict("Does a published model reach it?", f"{reaching or 'none'} of {len(models)} of which "
                  "operations or energy could be read: by their own counts at the same prices, "
                  f"{min(model['ratios'][0] for model in models):.1f} to {best['ratios'][0]:.1f} times "
                  f"({best['title']})", reaching > 0)  # fmt: skip
    worst = min((way for way in ways if not way["static"]), key=lambda way: way["rho_even"])
    yield Verdict("Where does the spiking network stop winning?", f"at {ways[0]['rho_even']:.2f} deliveries per "
                  f"synapse and inference by operation counts, at {ways[1]['rho_even']:.2f} with memory, without "
                  f"static power at {worst['rho_even']:.3f} for {worst['name']}")  # fmt: skip
    first = summary["thresholds"][0]
    integers = next(way for way in ways if way["name"] == "both networks in integers")
    yield Verdict("What do others find?", f"{first['source']}, hence {first['rho']:.3f} deliveries per synapse; here, "
                  f"{integers['name']}, {integers['rho_even']:.3f}")  # fmt: skip
    losing = [way["name"] for k, way in enumerate(ways)
              if all(model["ratios"][k] is None or model["ratios"][k] < 1 for model in models)]  # fmt: skip
    yield Verdict("Under which accounting do all these models lose?", "; ".join(losing) or "none")
    left = [model["title"] for model in summary["models"] if model["ratios"][0] is None]
    if left:
        yield Verdict("Which published models are left out?", f"{'; '.join(left)}: no operation counts could be read")


_LOOKS = ((BLUE, "-"), (ORANGE, "-"), (GREEN, "-"), (PURPLE, "-"), (BLACK, "-"), (BLACK, "--"), (BLUE, "--"),
          (ORANGE, "--"), (GREEN, "--"))  # fmt: skip


def activity_figure(summary):
    """Ratio against activity on logarithmic axes, a line for each accounting without static power."""
    figure = Canvas(figsize=(9.5, 5.2), layout="constrained")
    ax = figure.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    rho = np.geomspace(0.001, 6, 50)
    shown = {}
    for way in summary["accountings"]:
        if not way["static"]:
            shown.setdefault((way["ann_pj"], way["event_pj"]), way)
    styles = [*_LOOKS, *((colour, ":") for colour, _ in _LOOKS)]
    for (colour, line), way in zip(styles, shown.values(), strict=False):
        ratio = way["ann_pj"] / (way["event_pj"] * rho)
        ax.plot(rho, ratio, color=colour, linestyle=line, linewidth=1.4, label=way["name"])
    ax.axhspan(*summary["claimed"], color=GREY, alpha=0.3)
    ax.axhline(1, color=GREY, linewidth=1)
    ax.annotate("38 to 57 times", (rho[-1], summary["claimed"][1]), fontsize=8, color=BLACK, va="bottom", ha="right")
    models = _counted(summary)
    for model in models:
        ax.axvline(model["rho"], color=GREY, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(rho[0], rho[-1])
    ax.set_ylim(0.01, 1000)
    top = ax.secondary_xaxis("top")
    top.set_xticks([model["rho"] for model in models], [model["title"].split(",")[0] for model in models], fontsize=8,
                   rotation=50, ha="left")  # fmt: skip
    top.tick_params(which="minor", length=0)
    top.minorticks_off()
    ax.set_xlabel("deliveries per synapse and inference, T r")
    ax.set_ylabel("energy without spikes / energy with them")
    figure.legend(loc="outside right center", frameon=False, fontsize=8)
    return figure


def lines(summary):
    """The summary in words, for a terminal."""
    yield from _aligned(*ratio_table(summary), 1)
    yield ""
    yield from _aligned(*static_table(summary), 2)
    yield _STATIC.format(summary["config"]["tick_ms"])
    yield ""
    for verdict in _verdicts(summary):
        yield f"{verdict.question} {verdict.answer}"


def _aligned(headings, rows, n_left):
    """Lines of columns, the first few of them aligned left."""
    widths = [max(map(len, column)) for column in zip(headings, *rows)]
    for row in (headings, *rows):
        yield "  ".join(text.ljust(w) if k < n_left else text.rjust(w) for k, (text, w) in enumerate(zip(row, widths)))
