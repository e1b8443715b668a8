"""The report page of softmax-convergence, written for someone who has never seen the project."""

from analysis.plots import convergence
from analysis.report import Figure, Section, Table, Verdict, write_report
from runs.experiments.softmax_convergence.copies import KINDS, RESOLVED
from runs.experiments.softmax_convergence.words import in_words, plus_minus, slope_in_words

__all__ = ["write"]

_LEAD = (
    "Softmax turns scores into shares that sum to one. Six circuits of spiking neurons compute it, by lateral "
    "inhibition or by timing; each spike is a vote, and the shares of the votes stand for the softmax. How many "
    "votes, and how much time, until they are as good as wanted? Every point below is a set of independent runs of "
    "a circuit built neuron by neuron and synapse by synapse; nothing in it is computed from a formula but the "
    "grey guides and the laws."
)
_WHAT = {
    "race": "exponential clocks; the first spike ends the round and resets all",
    "escape_inhibition": "escape-rate neurons; every spike inhibits all",
    "thinning": "one candidate at a time, kept unless a veto of uniform noise fires",
    "integrate_inhibition": "integrate-and-fire neurons; every spike inhibits all; no chance",
    "gated_counts": "first spikes, whose traces are counted once a gate opens",
    "first_spike": "one spike per token, and one that says when to read",
    "hard_reset": "integrate_inhibition that loses what exceeds the threshold (0.8 spikes per tick)",
    "leaky": "integrate_inhibition with leaking membranes (gain 10)",
    "winner_take_all": "integrate_inhibition plus subtractive inhibition of all others",
    "self_inhibition": "lateral inhibition read literally as w_ij = -alpha delta_ij",
    "thinning_at_once": "all candidates in one round, single survivors kept",
}


def write(path, summary):
    """Write the page; `summary` as `runs.experiments.softmax_convergence.run` returns it."""
    sections = [
        _circuits(summary), _against_ticks(summary), _against_spikes(summary), _continuous(summary),
        _resolution(summary), *([_controls(summary)] if summary["controls"] else []), _failures(summary),
        _slopes(summary),
    ]  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    footer = f"Configuration: {settings}\n{summary['seconds']:.0f} s"
    write_report(path, "How fast spikes converge to softmax", _LEAD, _verdicts(summary), sections, footer)


def _verdicts(summary):
    on_grid = [verdict for verdict in summary["circuits"] if verdict["clock"] == "grid"]
    made = [Verdict(f"{v['circuit']}: does it obey its law?", in_words(v), v["agrees"]) for v in on_grid]
    if not summary["controls"]:
        return made
    sound = summary["controls"][0]["sound"]
    floors = ", ".join(f"{c['circuit']} {c['floor']:.3f}" for c in summary["controls"])
    stuck = all(c["points"][-1]["tv"] > max(0.5 * c["points"][0]["tv"], 5 * sound) for c in summary["controls"])
    told = f"controls end at {floors}; integrate_inhibition at {sound:.4f}"
    return [*made, Verdict("Would a circuit that is no softmax be seen?", told, stuck)]


def _circuits(summary):
    rows = tuple(
        (v["circuit"], _WHAT[v["circuit"]], v["clock"], f"{v['expected_slope']:g}",
         plus_minus(v["fit"]["slope"], v["fit"]["slope_error"]) if v["fit"] else "too few runs",
         plus_minus(v["ratio"]["ratio"], v["ratio"]["standard_error"]), f"{v['runs']:,}")
        for v in summary["circuits"]
    )  # fmt: skip
    text = (
        "For each circuit a law says how large the error is, not only how fast it falls: sqrt((1 - sum p²)/K) for "
        "K random draws; sqrt((n - 2 + n sum p²)/12)/K for counts rounded to nearest; sqrt(g/12)/τ for times "
        "rounded to a tick, g = sum p² - 2 sum p³ + (sum p²)²; less than random draws for thinning, whose tokens "
        "take turns. Here all runs of a circuit, whatever n and logits, are taken in units of their own law: the "
        "slope is that of the error, and the last column but one must be 1.",
        "Counts obey their law only once every token has spikes to round: these rows hold the runs with K p of at "
        f"least {RESOLVED:g} for the smallest weight p. Intervals of slopes are three standard errors wide on each "
        "side, so are those of the ratios. Error is the Euclidean distance between shares and softmax.",
    )
    table = Table(("circuit", "how", "time", "expected slope", "measured slope", "error / law", "runs"), rows,
                  "Continuous time has no ties, and rounds nothing.", "lllrrrr")  # fmt: skip
    return Section("Six circuits against their laws", text, (table,))


def _panels(summary, clock, axis):
    """One panel per circuit, a curve for each n and standard deviation."""
    panels = []
    for name, kind in KINDS.items():
        curves = [c for c in summary["curves"] if c["circuit"] == name and c["clock"] == clock]
        if not curves or kind.slope is None or (axis == "spikes" and "spikes" not in curves[0]["fits"]):
            continue
        drawn = [(f"n = {c['n']}, sd {c['sd']:g}", *([p[key] for p in c["points"]] for key in (axis, "tv")),
                  [1.96 * p["tv_error"] for p in c["points"]]) for c in curves]  # fmt: skip
        panels.append((name, drawn, kind.slope))
    return panels


def _against_ticks(summary):
    text = (
        "Random circuits fall as one over the square root of time, deterministic ones as one over time. Where the "
        "curves of integrate_inhibition and gated_counts run flatter, tokens of small weight have not spiked at "
        "all yet: with K p below 1/2 a token is silent, and wrong by p. For first_spike and gated_counts a longer "
        "run is one with a larger time constant, for the others one that goes on.",
    )
    caption = "Root mean square over runs, with 95 % intervals. Grey: the expected slope, for the eye."
    return Section(
        "Error against ticks", text, (Figure(convergence(_panels(summary, "grid", "ticks"), "ticks"), caption),)
    )


def _against_spikes(summary):
    panels = _panels(summary, "grid", "spikes")
    one = [c for c in summary["curves"] if c["circuit"] == "first_spike"]
    best = min(point["tv"] for c in one for point in c["points"])
    text = (
        "Spikes of all neurons of the circuit, relays, gates and vetoes included. first_spike has no curve here: it "
        f"always takes n + 1 spikes and one to arm it, and came as close as {best:.1e}; what it pays with is time.",
    )
    return Section("Error against spikes", text,
                   (Figure(convergence(panels, "spikes of the whole circuit"), "As above, over spikes."),))  # fmt: skip


def _continuous(summary):
    text = (
        "The same neurons without a grid: thresholds are crossed at exact times. There are no ties to veto and no "
        "overshoot to lose. In this clock first_spike has no error beyond rounding of floating-point numbers, so "
        "it is not shown.",
    )
    figure = convergence(_panels(summary, "continuous", "ticks"), "time, in ticks")
    return Section(
        "Error against continuous time", text, (Figure(figure, "Root mean square over runs, 95 % intervals."),)
    )


def _resolution(summary):
    curves = {}
    for row in summary["resolution"]:
        curves.setdefault(f"{row['circuit']}, {row['clock']}", []).append(row)
    drawn = [(label, [(r["low"] * r["high"]) ** 0.5 for r in rows], [r["ratio"] for r in rows], None)
             for label, rows in curves.items()]  # fmt: skip
    text = (
        "Error of the circuits that round counts, over what their law says, by the expected number of spikes of "
        "the least likely token. To the right of about 2 the law holds; to the left silent tokens err by less than "
        "a rounding would, and as K grows they give that advantage back: that is what makes slopes flatter than -1.",
    )
    figure = convergence([("law = 1", drawn, None)], "K p of the least likely token", "error over law", columns=2)
    return Section("Silent tokens", text, (Figure(figure, "Root mean square over all runs in a bin."),))


def _controls(summary):
    drawn = [(c["circuit"], [p["weight_spikes"] for p in c["points"]], [p["tv"] for p in c["points"]],
              [1.96 * p["tv_error"] for p in c["points"]]) for c in summary["controls"]]  # fmt: skip
    rows = tuple(
        (c["circuit"], _WHAT[c["circuit"]], *(f"{p['tv']:.4f}" for p in c["points"])) for c in summary["controls"]
    )
    lengths = tuple(f"{length:,}" for length in summary["config"]["control_spikes"])
    text = (
        "Circuits that look like a softmax and are none, at n = 16 and logits of standard deviation 2. More spikes "
        "do not help them: each has a floor.",
    )
    table = Table(
        ("control", "what it is", *lengths), rows, "Mean total variation, by wanted spikes.", "ll" + "r" * len(lengths)
    )
    figure = convergence([("controls", drawn, None)], "weight spikes", "total variation", columns=2)
    return Section("Controls", text, (Figure(figure, "Mean over runs, 95 % intervals."), table))


def _failures(summary):
    rows = []
    for failure in summary["failures"]:
        for place, row in enumerate(failure["settings"]):
            first, last = row["points"]
            rows.append((failure["name"] if place == 0 else "", failure["what"] if place == 0 else "", row["setting"],
                         f"{first['tv']:.4f}", f"{last['tv']:.4f}", f"{failure['sound'][-1]['tv']:.4f}",
                         f"{last['weight_spikes']:,.0f}"))  # fmt: skip
    text = (
        "Each is a parameter of the circuit it happens to; n = 16, logits of standard deviation 2. Short and long "
        "are the ends of the lengths used for controls, or of the time constants. What does not shrink from short "
        "to long is a floor; what grows is worse.",
    )
    table = Table(("failure", "what happens", "strength", "short", "long", "sound, long", "spikes, long"), tuple(rows),
                  "Mean total variation.", "lllrrrr")  # fmt: skip
    return Section("What can go wrong", text, (table,))


def _slopes(summary):
    rows = tuple(
        (c["circuit"], c["clock"], str(c["n"]), f"{c['sd']:g}", f"{KINDS[c['circuit']].slope:g}",
         slope_in_words(c["fits"]["ticks"]),
         slope_in_words(c["fits"]["spikes"]) if "spikes" in c["fits"] else "always n + 2 spikes",
         f"{c['points'][-1]['tv']:.2g}", f"{c['points'][-1]['l2'] / c['points'][-1]['law']:.2f}",
         f"{c['points'][-1]['resolved']:.0%}")
        for c in summary["curves"]
    )  # fmt: skip
    text = (
        "Fits of log E² = log(a² T^(2 slope) + b²) to the total variation of each circuit, n and standard deviation "
        "of the logits; bootstrap intervals of 95 %. A floor is named only if the fit is better with it than chance "
        "allows. Slopes of the deterministic circuits are expected to be flatter than -1 where few runs are "
        "resolved, that is where few have two spikes or more for every token.",
        "Even exact random draws have a total variation that falls more slowly than their Euclidean distance while "
        "many tokens are too rare to be drawn: with 64 tokens, slopes are flatter than -1/2 here, and the error is "
        "still that of the law. gated_counts spends n + 2 spikes before it counts: its slope against spikes is steep.",
    )
    headings = ("circuit", "time", "n", "sd", "expected", "slope against ticks", "slope against spikes", "last error",
                "last error / law", "resolved")  # fmt: skip
    return Section("Every slope", text, (Table(headings, rows, "", "llrrrrrrrr"),))
