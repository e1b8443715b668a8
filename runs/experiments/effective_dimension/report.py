"""The report page of effective-dimension, written for someone who has never seen the project."""

import numpy as np

from analysis.effective_dimension.figures import estimates_by_definition, growth_with_samples, spectra
from analysis.report import Figure, Section, Table, Verdict, write_report

__all__ = ["write"]

_LEAD = (
    "How many dimensions do data have? There are many definitions, and a number without its definition says little. "
    "Here are those in use, side by side on the same samples, with intervals, with what the estimates were from fewer "
    "samples, and with the truth where samples were drawn from a known covariance."
)
_PAPER = (
    "The abstract of arXiv 2604.15769 claims effective dimensions of {low:g} to {high:g}; its exchange with a referee "
    "defines the effective dimension by the decay of the eigenvalues of the input covariance on the training set. Only "
    "the abstract and that exchange are at hand, not the paper, so which of these it computes is not known: every "
    "definition made of eigenvalues fits the words (participation ratio, stable and entropy rank, principal components "
    "at any fraction, the half dimension on principal axes, water-filling at any error). Those of the channels and of "
    "nearest neighbours do not. The words also leave open how many samples the covariance was made of, and of what: "
    "pixels, patches or embedded tokens."
)
#: Curves of the figure of growth.
_CURVES = ("participation ratio", "participation ratio, corrected", "principal components, 95 %",
           "half dimension, principal axes", "two nearest neighbours")  # fmt: skip
_MEANINGS = (
    ("participation ratio", "(sum v)² / sum v² of the eigenvalues v of the covariance"),
    ("participation ratio, corrected", "the same from estimates of (sum v)² and sum v² that are unbiased for any "
     "number of independent samples (Himeno and Yamada 2014)"),
    ("stable rank", "sum v / largest v"),
    ("entropy rank", "exp of the entropy of v / sum v (Roy and Vetterli 2007)"),
    ("principal components, x %", "the fewest that hold x % of the variance"),
    ("half dimension", "(sum s)² / sum s² of standard deviations: of the channels as they are coded, which is what a "
     "spiking rate code sees, or along principal axes, the least of all bases"),
    ("water-filling, error x %", "directions that a Gaussian source spends bits on if x % of the variance may be lost"),
    ("two nearest neighbours", "from the ratio of distances to the two nearest samples (Facco et al. 2017)"),
    ("maximum likelihood", "from the distances to the 20 nearest samples (Levina and Bickel 2004)"),
)  # fmt: skip


def write(path, summary):
    """Write the page; `summary` as `runs.experiments.effective_dimension.run` returns it."""
    sections = [_estimates(summary), _growth(summary), _decay(summary), _definitions(summary),
                *(_details(each, summary) for each in summary["sets"])]  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    write_report(path, "Effective dimension, definition by definition", _LEAD, _verdicts(summary), sections,
                 f"Configuration: {settings}\n{summary['seconds']:.0f} s")  # fmt: skip


def _verdicts(summary):
    low, high = summary["config"]["claimed"]
    band = f"{low:g} to {high:g}"
    yield from (
        Verdict(f"Which definitions put {each['name']} inside {band}?", _listed(_inside(each)))
        for each in summary["sets"] if each["known_spectrum"] is None
    )  # fmt: skip
    noise = summary["sets"][-1] if summary["config"]["data"] else next(
        (each for each in summary["sets"] if each["name"] == "white noise"), None)  # fmt: skip
    if noise:
        yield Verdict(f"Can too few samples alone give {band}?", _starved(noise))
    for name, should in (("participation ratio, corrected", True), ("participation ratio", False)):
        yield from _covered(summary, name, should)


def _inside(each):
    return [row["definition"] for row in each["estimates"] if row["inside"]]


def _listed(names):
    return "; ".join(names) or "none"


def _starved(noise):
    rows = [row for row in noise["estimates"] if row["inside"] or row["inside_with_fewer"]]
    sizes = sorted({size for row in rows for size in row["inside_with_fewer"]})
    if not rows:
        return "not at the numbers of samples that were tried"
    at = f"with {' or '.join(f'{size:,}' for size in sizes)} samples" if sizes else "with all samples"
    return (f"yes: white noise of {noise['channels']:,} channels has as many dimensions, and {len(rows)} definitions "
            f"put it inside {at}")  # fmt: skip


def _covered(summary, name, should):
    """How often the interval of one definition holds what is known, as one verdict or none."""
    rows = [row for each in summary["sets"] for row in each["estimates"]
            if row["definition"] == name and row["known"] is not None]  # fmt: skip
    if not rows:
        return
    held = sum(row["low"] is not None and row["low"] <= row["known"] <= row["high"] for row in rows)
    answer = f"for {held} of {len(rows)} sources whose covariance is known"
    # A 95 % interval may miss once among a handful.
    yield Verdict(f"Does the interval of the {name} hold the truth?",
                  answer if should else f"{answer}; it is one for so many samples, not for the source",
                  held >= len(rows) - 1 if should else None)  # fmt: skip


def _estimates(summary):
    low, high = summary["config"]["claimed"]
    panels = [(each["name"], [(row["definition"], row["estimate"], row["low"], row["high"], row["known"])
                              for row in each["estimates"]]) for each in summary["sets"]]  # fmt: skip
    everywhere = set.intersection(*(set(_inside(each)) for each in summary["sets"]))
    text = (
        f"The grey band is {low:g} to {high:g}. Bars are 95 % intervals for what a definition gives of so many samples "
        "(a jackknife over groups of samples); open diamonds are what it gives of the true covariance.",
        f"Definitions inside the band for every set: {_listed(sorted(everywhere))}.",
        _PAPER.format(low=low, high=high),
    )
    figure = Figure(estimates_by_definition(panels, (low, high)), "Every definition on every set.")
    return Section("Estimates", text, (figure,))


def _growth(summary):
    panels = []
    for each in summary["sets"]:
        rows = {row["definition"]: row for row in each["estimates"]}
        panels.append((each["name"], [_curve(each, rows[name]) for name in _CURVES]))
    text = (
        "The same definitions on random parts of the samples. An estimate that still grows says how many samples there "
        "were, not how many dimensions. No spectrum of S samples has more than S - 1 dimensions: definitions made of "
        "eigenvalues pass through the band on their way up, whatever the source, if it has more dimensions than that. "
        "The corrected participation ratio stays level.",
    )  # fmt: skip
    caption = "Means and standard deviations over random parts; open symbols at the right: of the true covariance."
    return Section("What too few samples do", text, (Figure(
        growth_with_samples(panels, summary["config"]["claimed"]), caption),))  # fmt: skip


def _curve(each, row):
    points = [point for point in each["rarefied"] if point["definition"] == row["definition"]]
    points = [(point["samples"], point["mean"], point["deviation"]) for point in points]
    points.append((each["samples"], row["estimate"], 0.0))
    columns = (np.array(column, dtype=float) for column in zip(*points))  # None becomes nan
    return (row["definition"], *columns, row["known"])


def _decay(summary):
    panels = [(each["name"], tuple(zip(*each["spectrum"])),
               each["known_spectrum"] and tuple(zip(*each["known_spectrum"]))) for each in summary["sets"]]  # fmt: skip
    text = ("The decay that all definitions made of eigenvalues are read from. Sample eigenvalues fall faster than the "
            "true ones: the first are too large, the last too small or absent.",)  # fmt: skip
    return Section("Eigenvalues", text, (Figure(spectra(panels), "Share of the variance by rank."),))


def _definitions(summary):
    return Section("Definitions", (), (Table(("name", "what it is"), _MEANINGS, "", "ll"),))


def _details(each, summary):
    low, high = summary["config"]["claimed"]
    rows = tuple(
        (row["definition"], _number(row["estimate"]),
         "none" if row["low"] is None else f"{_number(row['low'])} to {_number(row['high'])}", _number(row["known"]),
         f"{row['growth']:.2f}" if row["growth"] is not None else "", "yes" if row["inside"] else "",
         ", ".join(f"{size:,}" for size in row["inside_with_fewer"]))
        for row in each["estimates"]
    )  # fmt: skip
    independent = "taken as independent" if each["independent"] else f"in {each['groups']} groups that belong together"
    whole = "" if each["there_are"] == each["samples"] else f" of {each['there_are']:,}"
    text = (f"A sample is {each['description']}. {each['samples']:,} samples{whole}, {independent}, of "
            f"{each['channels']:,} channels.",)  # fmt: skip
    headings = ("definition", "estimate", "95 % interval", "known", "over half the samples",
                f"inside {low:g} to {high:g}", "inside with fewer samples")  # fmt: skip
    return Section(each["name"].capitalize(), text, (Table(headings, rows, "", "lrrrrll"),))


def _number(value):
    return "" if value is None else f"{value:,.4g}"
