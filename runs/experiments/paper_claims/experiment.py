"""paper-claims: runs the experiments that each claim rests on and says, claim by claim, what came out."""

import sys
from time import perf_counter

import msgspec

from runs.experiments.paper_claims import (
    approximation,
    constant,
    dimension,
    energy,
    equivariance,
    lower_bound,
    rate,
    time_steps,
)
from runs.experiments.paper_claims.lab import Lab, workers
from runs.experiments.paper_claims.report import write

__all__ = ["Config", "lines", "run"]

#: In the order of the abstract; then the referee's objections.
THEMES = (approximation, rate, lower_bound, dimension, time_steps, constant, energy, equivariance)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/paper_claims.toml for what each key means."""

    quick: bool


def run(config, folder, progress):
    """Run every experiment that a claim rests on, each into a folder of its own; write report.html, return the "
    "summary."""
    began = perf_counter()

    def say(text):
        if progress:
            print(f"{perf_counter() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    needs = [need for theme in THEMES for need in theme.NEEDS]
    with workers() as executor:
        lab = Lab(folder, config.quick, needs, executor, say)
        claims = [claim for theme in THEMES for claim in theme.claims(lab)]
    summary = {
        "experiment": "paper-claims", "config": msgspec.to_builtins(config),
        "claims": [claim.to_json() for claim in claims], "seconds": perf_counter() - began,
        "seconds_of": lab.seconds,
    }  # fmt: skip
    write(folder / "report.html", claims, summary)
    return summary


def lines(summary):
    """The summary in words, for a terminal."""
    for claim in summary["claims"]:
        yield f"{claim['verdict']:22s} {claim['name']}: {claim['short']}"
    yield f"{summary['seconds']:.0f} s"
