"""The report page of saturation."""

from analysis.plots import convergence
from analysis.report import Figure, Section, Table, Verdict, write_report
from runs.experiments.saturation.points import FLAT, LEAST_BITS, SENSELESS, SOFTMAXES, times

__all__ = ["CAPTION", "LIMIT", "saturation_figure", "verdict_table", "write"]

#: Bounds that the figure shows, in this order; a signed pair's own bound stands for the Poisson bound of its cut.
SHOWN = ("coding-agnostic bound", "count bound", "Poisson count bound")

#: What follows from the law of the shares' error, (1 - sum p^2)/K, and from that of Poisson counts.
LIMIT = (
    "Shares drawn at random cannot keep a constant ratio to the Poisson bound for ever. n shares that sum to one are "
    "n - 1 numbers, so K spikes carry (n - 1)/2 log2 K bits and a constant; the bound grants the decoder n counts and "
    "asks for K^(1 - 1/n) spikes; their ratio ends up growing as K^(1/n), the more slowly the more tokens."
)

CAPTION = (
    "Each point is one circuit of one size and length; bars are 95 % intervals from runs drawn anew. At the grey line "
    "as many spikes were used as are needed. The coding-agnostic bound holds for every circuit, the count bound for "
    "decoders that count, the Poisson bound only for counts that are Poisson given the input."
)


def write(path, summary):
    """Write the page for a summary of `runs.experiments.saturation.run`."""
    config = summary["config"]
    escape = [v for v in summary["verdicts"] if v["circuit"] == "escape_inhibition"]
    verdicts = [Verdict(f"Does escape_inhibition saturate the {v['bound']}?", _short(v)) for v in escape]
    sections = [
        Section("Spikes used over spikes needed", (
            "A ratio of one would be a circuit that wastes nothing. A ratio that stays the same as runs get longer and "
            "errors smaller is what 'saturates the bound up to a constant' claims; one that grows refutes it for that "
            "bound; one below one says that the circuit is not of the kind that the bound assumes.",
            LIMIT,
        ), (Figure(saturation_figure(summary), CAPTION),)),
        Section("Circuit by circuit", (), (verdict_table(summary),)),
        Section("Every point", (
            "Bits are what the measured error implies, by Shannon's lower bound, for outputs whose differential "
            "entropy is known: softmax of normal logits; values that are uniform, with queries and keys given.",
        ), (_points_table(summary),)),
    ]  # fmt: skip
    lead = ("How many times the spikes of a lower bound do circuits use? Softmax circuits and attention heads, run "
            f"{config['runs']} and {config['queries']} times for each size and length by the engine, on inputs for "
            "which the bits that an error implies are known and not assumed.")  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in config.items())
    write_report(path, "Spikes used against spikes needed", lead, verdicts, sections, f"Configuration: {settings}")


def saturation_figure(summary):
    """Ratio against length, a panel for each bound."""
    panels = []
    largest = max((row["n"] for row in summary["rows"] if row["circuit"] in SOFTMAXES), default=0)
    for bound in SHOWN:
        curves = {}
        for row in summary["rows"]:
            signed = row["bound"] == "Poisson count bound, signed pairs" and bound == "Poisson count bound"
            if (row["bound"] != bound and not signed) or row["ratio"] is None or row["ratio"] > SENSELESS:
                continue
            if row["cut"] == "v" or (row["circuit"] in SOFTMAXES and row["n"] != largest):
                continue
            curves.setdefault(f"{row['circuit']}, n = {row['n']}", []).append(row)
        panels.append((bound, [
            (label, [row["length"] for row in of], [row["ratio"] for row in of],
             ([row["ratio"] - row["low"] for row in of], [(row["high"] or row["ratio"]) - row["ratio"] for row in of]))
            for label, of in curves.items()
        ]))  # fmt: skip
    xlabel = "length: spikes wanted, or ticks"
    lengths = sorted({row["length"] for row in summary["rows"]})
    figure = convergence([(*panel, None) for panel in panels], xlabel, "spikes used / needed", xticks=lengths)
    for ax in figure.axes:
        ax.axhline(1, color="#8a93a3", linewidth=3, alpha=0.45, zorder=0)
    return figure


def verdict_table(summary):
    """What became of the claim, circuit by circuit."""
    rows = tuple(
        (v["circuit"], v["cut"], v["bound"], times(v),
         "" if v["growth"] is None else f"{v['growth']:.2f}", _short(v))
        for v in summary["verdicts"]
    )  # fmt: skip
    caption = (
        "Used / needed in the longest runs, over the sizes. Exponent: how the ratio goes with length between "
        f"the last two that imply {LEAST_BITS:g} bit per number or more, mean over sizes; up to {FLAT:g} counts as no "
        "growth."
    )
    return Table(("circuit", "cut", "bound", "used / needed", "exponent", "saturates?"), rows, caption, "lllrrl")


def _short(verdict):
    if verdict["beaten"]:
        return f"it is no bound here: {times(verdict)} of what it asks was enough, so its assumptions do not hold"
    if verdict["growth"] is None:
        return "open: too few lengths imply a bit per number for a trend"
    if verdict["saturates"] and verdict["growth"] < -FLAT:
        return f"yes, {times(verdict)} times at most, and falling as length^{verdict['growth']:.2f}"
    if verdict["saturates"]:
        return f"yes, up to a factor of {times(verdict)}"
    return f"no: {times(verdict)} times, growing as length^{verdict['growth']:.2f}"


def _points_table(summary):
    rows = tuple(
        (row["circuit"], row["cut"], f"{row['n']}", f"{row['length']:,}", f"{row['spikes']:,.1f}",
         f"{row['error']:.4f}", f"{row['bits']:.1f}", row["bound"],
         "none suffices" if row["needed"] is None else f"{row['needed']:,.2f}", _interval(row))
        for row in summary["rows"]
    )  # fmt: skip
    headings = ("circuit", "cut", "n", "length", "spikes", "error", "bits", "bound", "needed", "ratio")
    return Table(headings, rows, "Error: root mean square distance to the exact output.", "llrrrrrlrl")


def _interval(row):
    if row["ratio"] is None or row["ratio"] > SENSELESS:
        return "no bits implied"
    high = "∞" if row["high"] is None else f"{row['high']:,.3g}"
    return f"{row['ratio']:,.3g} ({row['low']:,.3g} to {high})"
