"""T = 4 against 10,000: the design rule taken at its word, and what heads do in four ticks."""

import math

from analysis.plots import convergence
from analysis.report import Figure, Table
from runs.experiments.paper_claims.claim import FAILS, OPEN, Claim
from runs.experiments.paper_claims.lower_bound import QUICK, SETTINGS

__all__ = ["claims"]

#: Figures of the abstract.
CONSTANT, DIMENSIONS, TICKS = 2.3, (47, 89), 4

#: Errors that the rule is evaluated for, in units of the output.
ERRORS = (0.05, 0.1, 0.2, 0.5, 1.0)

#: An error of this part of the output's own size is no approximation.
USELESS = 0.25


def claims(lab):
    """One Claim."""
    summary = lab.summary("saturation", SETTINGS, QUICK)
    heads = {}
    for row in summary["rows"]:
        if row["circuit"].endswith("head") and row["cut"] != "v":
            heads.setdefault(row["circuit"], {})[row["length"]] = row
    shortest, longest = min(summary["config"]["head_ticks"]), max(summary["config"]["head_ticks"])
    relative = {name: [of[ticks]["error"] / of[ticks]["size"] for ticks in (shortest, longest)]
                for name, of in heads.items()}  # fmt: skip
    least = min(first for first, _ in relative.values())
    found = [f"{name}: error over size of the output {first:.2f} in {shortest} ticks, {last:.3f} in {longest}"
             for name, (first, last) in relative.items()]  # fmt: skip
    errors = [math.sqrt(CONSTANT * d / TICKS) for d in DIMENSIONS]
    table = Table(
        ("error asked for", *(f"ticks by T = C d/ε², d = {d}" for d in DIMENSIONS)),
        tuple((f"{eps:g}", *(f"{CONSTANT * d / eps**2:,.0f}" for d in DIMENSIONS)) for eps in ERRORS),
        "One spike per dimension's share and tick; C = 2.3 as claimed.", "lrr",
    )  # fmt: skip
    panels = [(name, [("circuit", list(of), [row["error"] / row["size"] for row in of.values()], None)], slope)
              for (name, of), slope in zip(heads.items(), _slopes(heads))]  # fmt: skip
    yield Claim(
        name="T = 4 against 10,000",
        says="T = 4 time steps are enough where the worst case asks for 10,000 or more.",
        verdict=FAILS if least > USELESS else OPEN,
        short=f"taken at its word, N = C d/ε² with C = {CONSTANT} at one spike per tick means ε = {errors[0]:.2g} to "
        f"{errors[1]:.2g} at T = 4: no accuracy at all; in {shortest} ticks measured heads err by "
        f"{_range(first for first, _ in relative.values())} of the size of their output",
        ran=f"The rule was evaluated at the abstract's own numbers, and three attention heads were run for {shortest} "
        f"to {longest} ticks on random tokens, from spikes to spikes.",
        found=tuple(found),
        assumes="One channel per scalar and one spike per tick. With many neurons per token firing in each tick the "
        "same spikes fit into fewer ticks: T alone means nothing without the width. A trained classifier may need far "
        "less than its outputs to ε; that is a statement on the task, not on approximation.",
        parts=(table, Figure(convergence(panels, "ticks of an input's window", "error / size of the "
        "output", xticks=summary["config"]["head_ticks"]),
                             "Error of the three heads against the length of their window.")),
        elsewhere=("Trained spiking transformers at T = 4 are not here. A user's own checkpoint runs through "
                   "circuits.checkpoint; see eventsim run operation-counts",),
        pages=("saturation",),
    )  # fmt: skip


def _slopes(heads):
    return [-0.5 if name.startswith("rate") else -1 for name in heads]


def _range(values):
    values = list(values)
    return f"{min(values):.2g} to {max(values):.2g}"
