"""The report page of approximation, written for someone who has never seen the project."""

import numpy as np

from analysis.plots import convergence
from analysis.report import Figure, Section, Table, Verdict, write_report

__all__ = ["write"]

_LEAD = (
    "A function is permutation-equivariant if its rows are permuted when those of its argument are. Each of the "
    "functions below takes a handful of points and gives something for each: what it sees of the others, its rank, the "
    "mean around it. A transformer of spiking neurons is built for each, from input spikes to output spikes; only a "
    "hidden layer and the read-out are fitted, by least squares, to the spikes that the circuit itself fires. Errors "
    "are those of the circuit as it ran on inputs that it was not fitted to."
)
_YLABEL = "relative error"


def write(path, summary):
    """Write the page; `summary` as `runs.experiments.approximation.run` returns it."""
    curves = [_curves(summary, axis) for axis in ("width", "ticks")]
    sections = [_best(summary), *curves, _spikes(summary), _permuted(summary)]
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    write_report(path, "Functions of sets by spiking transformers", _LEAD, _verdicts(summary), sections,
                 f"Configuration: {settings}\n{summary['seconds']:.0f} s")  # fmt: skip


def _series(summary, axis):
    """Function -> its points along `axis`, the other at its largest."""
    config, other = summary["config"], {"width": "ticks", "ticks": "width"}[axis]
    largest = config[{"ticks": "ticks", "width": "widths"}[other]][-1]
    return {name: sorted((p for p in summary["points"] if p["function"] == name and p[other] == largest),
                         key=lambda p: p[axis]) for name in config["functions"]}  # fmt: skip


def _verdicts(summary):
    last = [points[-1] for points in _series(summary, "width").values()]
    asked = summary["config"]["error"]
    met = [p for p in last if p["met"]]
    worst = max(last, key=lambda p: p["error"])
    answer = f"{len(met)} of {len(last)} functions; the worst is {worst['function']} with {worst['error']:.3f}"
    verdicts = [Verdict(f"Is the relative error at most {asked:g}?", answer, len(met) == len(last))]
    for axis in ("width", "ticks"):
        ratios = {name: points[-1]["error"] / points[0]["error"] for name, points in _series(summary, axis).items()}
        apart = sum(points[-1]["high"] < points[0]["low"] for points in _series(summary, axis).values())
        mean = float(np.exp(np.mean(np.log(list(ratios.values())))))
        first, final = (next(iter(_series(summary, axis).values()))[k][axis] for k in (0, -1))
        verdicts.append(Verdict(
            f"Does it fall with {axis}?", f"from {first} to {final} to {mean:.2f} of what it was on average, for "
            f"{apart} of {len(ratios)} functions by more than the intervals", mean < 1 and apart > 0))  # fmt: skip
    for row in summary["equivariance"]:
        all_of_them = row["spikes_follow"] == row["permutations"]
        answer = f"in {row['spikes_follow']} of {row['permutations']} permutations"
        question = f"Does every spike follow its token ({row['case']})?"
        answer += "" if row["should_follow"] else "; a control, which has to fail"
        verdicts.append(Verdict(question, answer, all_of_them == row["should_follow"]))
    return verdicts


def _best(summary):
    rows = tuple(
        (p["function"], f"{p['error']:.4f}", f"{p['low']:.4f} to {p['high']:.4f}", f"{p['largest']:.4g}",
         f"{p['constant']:.4g}", f"{p['of_width']:.4f}", f"{p['of_ticks']:.4f}", p["limit"], f"{p['spikes']:,.0f}",
         f"{p['neurons']:,}", f"{p['synapses']:,}")
        for p in (points[-1] for points in _series(summary, "width").values())
    )  # fmt: skip
    text = (
        "The relative error is the root mean square error over that of the best permutation-invariant constant, one "
        "number for each output: a constant has 1. Intervals are 95 % of a bootstrap over held-out inputs.",
        "What limits a circuit shows in the columns 'real numbers', the same fit with real numbers in place of counts, "
        "whose error is due to the width, and 'unrounded', with counts but outputs that are not rounded to spikes.",
    )
    headings = ("function", "relative error", "interval", "largest error", "constant's error", "real numbers",
                "unrounded", "limited by", "spikes per input", "neurons", "synapses")  # fmt: skip
    return Section("What the largest circuits reach", text, (Table(headings, rows, "", "lrrrrrrlrrr"),))


def _curve(label, axis, points):
    errors = np.array([p["error"] for p in points])
    reach = np.abs(np.array([[p[edge] for p in points] for edge in ("low", "high")]) - errors)
    return (label, [p[axis] for p in points], errors, reach)


def _curves(summary, axis):
    words = {
        "width": "More features, scores, heads and hidden neurons, at the largest number of ticks. Where real numbers "
                 "of the same width would do much better, it is ticks that are wanting.",
        "ticks": "Longer bursts: numbers with more levels, at the largest width. Where the curve meets that of real "
                 "numbers, width is wanting.",
    }  # fmt: skip
    panels = []
    for name, points in _series(summary, axis).items():
        ideal = ("real numbers", [p[axis] for p in points], [p["of_width"] for p in points], None)
        panels.append((name, [_curve("circuit", axis, points), ideal], -1 if axis == "ticks" else None))
    figure = convergence(panels, axis, _YLABEL)
    return Section(f"Error against {axis}", (words[axis],), (Figure(figure, "With 95 % intervals."),))


def _spikes(summary):
    by_width, by_ticks = _series(summary, "width"), _series(summary, "ticks")
    series = {"more width": by_width, "more ticks": by_ticks}
    panels = [(name, [_curve(label, "spikes", points[name]) for label, points in series.items()], None)
              for name in by_width]  # fmt: skip
    figure = convergence(panels, "spikes per input", _YLABEL)
    text = "Spikes of all neurons, sources and control neurons included."
    return Section("Error against spikes", (text,), (Figure(figure, "The two ways to spend them."),))


def _permuted(summary):
    rows = tuple((row["case"], *(f"{row[key]:,}" for key in ("permutations", "spikes_follow", "outputs_follow")))
                 for row in summary["equivariance"])  # fmt: skip
    text = (
        "The tokens of one input are permuted, and every spike of every neuron is compared, tick by tick, with that of "
        "the neuron that stands for the same tokens. Weights are dyadic, so that sums do not depend on the order in "
        "which tokens add to them. The last two rows are controls.",
    )
    headings = ("circuit", "permutations", "all spikes follow", "outputs follow")
    return Section("Permuted tokens", text, (Table(headings, rows, "", "lrrr"),))
