"""Universal approximation: errors of spiking transformers on permutation-equivariant functions."""

from analysis.plots import convergence
from analysis.report import Figure
from runs.experiments.paper_claims.claim import FAILS, UNDER, Claim, interval
from runs.experiments.paper_claims.lab import Need

__all__ = ["NEEDS", "claims"]

SETTINGS = ("widths=[6, 12, 24]", "ticks=[16, 32, 64]", "examples=200", "held_out=80", "permutations=100")
QUICK = ("widths=[6, 12]", "ticks=[16, 32]", "examples=60", "held_out=30", "permutations=10",
         'functions=["kernel_average", "softmax_attention"]')  # fmt: skip
NEEDS = (Need("approximation", SETTINGS, QUICK),)


def claims(lab):
    """One Claim."""
    summary = lab.summary("approximation")
    config = summary["config"]
    smallest = _at(summary, config["widths"][0], config["ticks"][-1])
    largest = _at(summary, config["widths"][-1], config["ticks"][-1])
    falling = [name for name in largest if largest[name]["high"] < smallest[name]["low"]]
    rising = [name for name in largest if largest[name]["low"] > smallest[name]["high"]]
    met = [name for name, point in largest.items() if point["met"]]
    lines = tuple(
        f"{name}: relative error {interval(p['error'], p['low'], p['high'])} with {p['neurons']:,} neurons and "
        f"{p['spikes']:,.0f} spikes per input; limited by {p['limit']}"
        for name, p in largest.items()
    )  # fmt: skip
    yield Claim(
        name="Universal approximation",
        says="Spiking transformers approximate every continuous permutation-equivariant function.",
        verdict=FAILS if rising else UNDER,
        short=f"for the {len(largest)} functions tried: {len(met)} within {config['error']:g} of the error of a "
        f"constant, {len(falling)} better with width by more than their intervals",
        ran=f"Spiking transformers of {_listed(config['widths'])} features and bursts of {_listed(config['ticks'])} "
        f"ticks, built neuron by neuron for {len(largest)} functions of {config['n']} tokens; read-outs fitted to the "
        f"circuit's own spikes on {config['examples']} inputs; errors of the circuit as it ran on {config['held_out']} "
        "others.",
        found=lines,
        assumes="A statement about all functions cannot be shown by runs. What is shown: circuits of growing width and "
        "length exist for these functions, and their held-out error falls. Constructions and proofs are the paper's "
        "matter; only its abstract is at hand.",
        parts=(Figure(_figure(summary), "Held-out error against width, at the longest bursts, with 95 % intervals. "
                                        "Squares: the same fit with real numbers in place of spike counts."),),
        pages=("approximation",),
    )  # fmt: skip


def _at(summary, width, ticks):
    """Points of one size by function."""
    return {p["function"]: p for p in summary["points"] if (p["width"], p["ticks"]) == (width, ticks)}


def _listed(values):
    return ", ".join(f"{value:,}" for value in values)


def _figure(summary):
    longest, panels = summary["config"]["ticks"][-1], []
    for name in summary["config"]["functions"]:
        points = sorted((p for p in summary["points"] if p["function"] == name and p["ticks"] == longest),
                        key=lambda p: p["width"])  # fmt: skip
        errors = [p["error"] for p in points]
        reach = ([p["error"] - p["low"] for p in points], [p["high"] - p["error"] for p in points])
        widths = [p["width"] for p in points]
        panels.append((name, [("circuit", widths, errors, reach),
                              ("real numbers", widths, [p["of_width"] for p in points], None)], None))  # fmt: skip
    return convergence(panels, "width", "relative error", xticks=summary["config"]["widths"])
