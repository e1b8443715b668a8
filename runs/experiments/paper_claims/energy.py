"""38 to 57 times less energy."""

from analysis.report import Figure, Table
from runs.experiments.energy_claim.report import activity_figure, ratio_table
from runs.experiments.paper_claims.claim import FAILS, UNDER, Claim
from runs.experiments.paper_claims.lab import Need

__all__ = ["NEEDS", "claims"]

SETTINGS = ()
QUICK = ('blocks=["ssa"]',)
NEEDS = (Need("energy-claim", SETTINGS, QUICK),)


def claims(lab):
    """One Claim."""
    summary = lab.summary("energy-claim")
    low, high = summary["claimed"]
    ways = summary["accountings"]
    models = [model for model in summary["models"] if model["ratios"][0] is not None]
    first = [model["ratios"][0] for model in models]
    reach = [model["title"] for model in models if model["ratios"][0] >= low]
    rows = [(way["name"], [model["ratios"][k] for model in models if model["ratios"][k] is not None],
             [block["ratios"][k] for block in summary["blocks"]]) for k, way in enumerate(ways)]  # fmt: skip
    losing = [name for name, ratios, _ in rows if ratios and max(ratios) < 1]
    headings, table = ratio_table(summary)
    least, most = ways[0]["rho_claimed"][1], ways[0]["rho_claimed"][0]
    yield Claim(
        name="38 to 57 times less energy",
        says=f"A spiking transformer takes {low} to {high} times less energy than one without spikes.",
        verdict=UNDER if reach else FAILS,
        short=f"reached by operation counts alone, at {least:.3f} to {most:.3f} deliveries per synapse and inference; "
        f"the published models of which operations or energy could be read reach {min(first):.1f} to {max(first):.1f}; "
        f"all of them lose under {len(losing)} of {len(ways)} accountings",
        ran=f"The ratio was worked out under {len(ways)} accountings (operation counts, memory, chips with and without "
        f"static power), for {len(models)} published models and for {len(summary['blocks'])} attention blocks that "
        "were built and run, every delivery counted.",
        found=tuple(_found(*row) for row in rows),
        assumes="No interval: prices and published counts are numbers without one; a block's range is neurons active "
        "to idle. The ratio is (price of a MAC)/(price of a delivery × deliveries per synapse): it says how sparse a "
        "network is and how additions are priced, and nothing of attention. Memory, neuron updates, messages and "
        "static power, which chips pay, are not in the accounting that gives it.",
        parts=(Figure(activity_figure(summary), f"Ratio against activity, a line for each accounting; grey: {low} to "
                                                f"{high}; vertical lines: published models."),
               Table(headings, table, "Below 1 the spiking network takes more "
                                      "energy.", "l" + "r" * (len(headings) - 1))),
        pages=("energy-claim",),
    )  # fmt: skip


def _found(name, ratios, blocks):
    models = f"models {min(ratios):.2g} to {max(ratios):.2g}" if ratios else "models not known"
    run = [ratio for pair in blocks for ratio in pair if ratio is not None]
    return f"{name}: {models}" + (f"; blocks that were run {min(run):.2g} to {max(run):.2g}" if run else "")
