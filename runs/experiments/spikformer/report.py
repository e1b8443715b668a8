"""The page of the spikformer experiments: accuracy, equality with torch, activity, synaptic events, energy."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from analysis.plots import BLUE, GREEN, GREY, ORANGE, raster
from analysis.report import Figure, Section, Table, Verdict, write_report
from runs.experiments.spikformer.words import attention_events, broken, chip_rows, comparison, equality_verdict

__all__ = ["write"]

_COLOURS, _HATCHES = (BLUE, ORANGE, GREEN, GREY), ("", "//", "..", "xx")


def write(path, title, summary, all_ran):
    """Write the page.

    Parameters
    ----------
    path : path
    title : str
    summary : dict
        What the experiment returns.
    all_ran : dict of str to Ran
        Model -> its run.
    """
    rows = summary["models"]
    lead = ("Trained spiking transformers as networks of neurons and synapses: pixels come in as the spikes of their "
            "binary digits, every product of two spikes is a neuron that fires when both arrive, and every layer is "
            "neurons that step once per tick. The head, a mean over tokens and steps and a linear layer, is read from "
            "the last block's spikes by the host, as published.")  # fmt: skip
    sections = [_compared(rows), *_equality(rows), _steps(rows), *(_one(row, all_ran[row["model"]]) for row in rows),
                _energy(rows), _bounds(rows)]  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    write_report(path, title, lead, _verdicts(rows), [s for s in sections if s], f"Configuration: {settings}")


def _verdicts(rows):
    known = [row for row in rows if row["accuracy"] is not None]
    if known:
        yield Verdict("Are they right?", "; ".join(_right(row) for row in known))
    for row in rows:
        if "equality" in row:
            text, equal = equality_verdict(row["equality"])
            yield Verdict(f"Does {row['model']} fire as it did in torch?", text, equal)
    faults = [f"{row['model']}: {broken(row)}" for row in rows if broken(row)]
    yield Verdict("Is every synaptic event accounted for?", "; ".join(faults) or
                  "every law that could be checked passed", not faults)  # fmt: skip
    for row in rows:
        for each in row["native"]:
            answer = each.get("refused") or (
                f"{each['same_predictions']:.1%} of the predictions stay"
                + ("" if each["accuracy"] is None else f", {each['accuracy']:.1%} are right"))  # fmt: skip
            yield Verdict(f"And {row['model']} in the integers of {each['chip']}?", answer)
    if len(rows) == 2:
        yield Verdict(f"What does {rows[1]['model']} save?", _saved(*rows))


def _saved(first, second):
    """How many times less the second model takes, in words."""
    times = {
        "fewer neurons": first["neurons"] / second["neurons"],
        "fewer synaptic events in attention": attention_events(first) / attention_events(second),
        "fewer in all": first["synaptic_events_per_image"] / second["synaptic_events_per_image"],
    }
    for a, b in zip(first["native"], second["native"], strict=True):
        if "energy" in a and "energy" in b:
            energies = [each["energy"]["per_query"]["dynamic_high_pj"] for each in (a, b)]
            times[f"less dynamic energy in the integers of {a['chip']}"] = energies[0] / energies[1]
    return ", ".join(f"{ratio:.3g} times {what}" for what, ratio in times.items())


def _right(row):
    torch = row.get("equality")
    beside = f", in torch {torch['accuracy_of_torch']:.1%} of all {torch['held_out']} held out" if torch else ""
    return f"{row['model']} {row['accuracy']:.1%} of {row['images']} images{beside}"


def _compared(rows):
    headings, table = comparison(rows)
    return Section("The models side by side", (), (Table(headings, table, "", "l" + "r" * len(rows)),))


def _equality(rows):
    for row in (row for row in rows if "equality" in row):
        equality = row["equality"]
        table = tuple((s["stage"], f"{s['compared']:,}", f"{s['spikes']:,}", f"{s['different']:,}")
                      for s in equality["stages"])  # fmt: skip
        text = (f"Each stage of {row['model']} beside what torch computed in float32, {equality['images']} held-out "
                "images, spike for spike. The weights are multiples of 1/32, so that every potential is a dyadic "
                "number and rounding cannot tell two orders of summation apart.",)  # fmt: skip
        yield Section(f"{row['model']}: every stage as in torch", text,
                      (Table(("stage", "places", "spikes", "different"), table, "", "lrrr"),))  # fmt: skip


def _steps(rows):
    known = [row for row in rows if row["accuracy_by_steps"]]
    if not known:
        return None
    figure = Canvas(figsize=(6, 3.2), layout="constrained")
    ax = figure.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    for row, colour, marker in zip(known, _COLOURS, "os^D", strict=False):
        steps = np.arange(1, len(row["accuracy_by_steps"]) + 1)
        ax.plot(steps, row["accuracy_by_steps"], color=colour, marker=marker, label=row["model"])
    ax.set_xticks(steps)
    ax.set_xlabel("steps that the head has read")
    ax.set_ylabel("share of right answers")
    ax.legend(frameon=False, fontsize=9)
    return Section("How many steps it takes", (
        "A run of fewer steps is the beginning of a longer one, so that one run tells them all. The rule of `eventsim "
        "design` is not for this circuit: it is about numbers coded in spikes, and here a step carries a pixel whole.",
    ), (Figure(figure, "Accuracy after each step."),))  # fmt: skip


def _one(row, ran):
    table = tuple((s["stage"], f"{s['neurons']:,}", f"{s['spikes']:,.1f}", f"{s['rate']:.3f}",
                   f"{s['synaptic_events']:,.0f}") for s in row["stages"])  # fmt: skip
    headings = ("population", "neurons", "spikes", "per neuron and step", "synaptic events received")
    return Section(f"{row['model']}: one image through the network", (), (
        Figure(_raster(ran), "Every spike of the first image. Steps follow each other through the layers tick by tick, "
                             "so that several layers work on different steps at once."),
        Figure(_events(row), "Synaptic events per image, by the population that receives them."),
        Table(headings, table, "Per image.", "lrrrr"),
    ))  # fmt: skip


def _raster(ran):
    query = ran.trace.queries().iloc[0]
    start, stop = int(query["start_tick"]), int(query["stop_tick"])
    spikes, bands = ran.trace.spikes(start_tick=start, stop_tick=stop), []
    for path, (a, b) in ran.circuit.labels().items():
        mine = (spikes.neuron >= a) & (spikes.neuron < b)
        bands.append((path, spikes.tick[mine] - start, spikes.neuron[mine] - a, b - a))
    return raster(bands)


def _events(row):
    stages = [stage for stage in row["stages"] if stage["synaptic_events"]][::-1]
    figure = Canvas(figsize=(8, 0.3 * len(stages) + 0.8), layout="constrained")
    ax = figure.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    amounts = [stage["synaptic_events"] for stage in stages]
    ax.barh([stage["stage"] for stage in stages], amounts, color=BLUE, height=0.65)
    for y, amount in enumerate(amounts):
        ax.annotate(f" {amount:,.0f}", (amount, y), va="center", fontsize=8)
    ax.set_xlabel("synaptic events per image")
    ax.margins(x=0.12)
    return figure


def _energy(rows):
    table = tuple((row["model"], *cells) for row in rows for cells in chip_rows(row))
    headings = ("model", "chip", "network", "what it answers", "cores", "dynamic", "static", "to know")
    caption = (
        "Per image, images one after the other. Dynamic energy is an interval where nobody can say which "
        "neurons are idle. A table that prices synaptic events alone has all else in its static power."
    )
    return Section("What an image costs", (), (
        Figure(_energy_bars(rows), "Dynamic energy per image; pale, from all neurons idle to all active."),
        Table(headings, table, caption, "llllrlll"),
    ))  # fmt: skip


def _energy_bars(rows):
    bars = [(row["model"], each["chip"], how, each["energy"]["per_query"]) for row in rows
            for how, group in (("as it is", row["chips"]), ("in integers", row["native"])) for each in group
            if "energy" in each]  # fmt: skip
    figure = Canvas(figsize=(8, 0.42 * len(bars) + 0.9), layout="constrained")
    ax = figure.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    names = list(dict.fromkeys(model for model, *_ in bars))
    for y, (model, _, _, per) in enumerate(reversed(bars)):
        low, high = per["dynamic_low_pj"] / 1e6, per["dynamic_high_pj"] / 1e6
        k = names.index(model)
        ax.barh(y, low, color=_COLOURS[k], hatch=_HATCHES[k], edgecolor="white", height=0.65)
        ax.barh(y, high - low, left=low, color=_COLOURS[k], alpha=0.35, height=0.65)
        ax.annotate(f" {low:.3g}" if low == high else f" {low:.3g} to {high:.3g}", (high, y), va="center", fontsize=8)
    ax.set_yticks(range(len(bars)), [f"{model}, {chip}, {how}" for model, chip, how, _ in reversed(bars)], fontsize=8)
    ax.margins(x=0.2)
    ax.set_xlabel("µJ per image, dynamic")
    return figure


def _bounds(rows):
    table = tuple(
        (row["model"], bound["cut"], bound["name"], f"{bound['bits']:.2f}", f"{bound['spikes_needed']:.2f}",
         f"{bound['spikes_used']:,.0f}", f"{bound['saturation']:,.0f}")
        for row in rows for bound in row["bounds"]
    )  # fmt: skip
    if not table:
        return None
    headings = ("model", "cut", "bound", "bits", "spikes needed", "used", "ratio")
    return Section("Spikes used and spikes needed", (
        "All that the answer is made of crosses the cut behind the patch embedding, and again what the head reads. To "
        "name the class as often as it is named takes some bits (Fano); each bound says how few spikes can carry them.",
    ), (Table(headings, table, "Per image.", "lllrrrr"),))  # fmt: skip
