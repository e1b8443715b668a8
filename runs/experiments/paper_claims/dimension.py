"""Effective dimension 47 to 89."""

from analysis.effective_dimension.figures import estimates_by_definition
from analysis.report import Figure
from runs.experiments.paper_claims.claim import OPEN, Claim
from runs.experiments.paper_claims.lab import Need

__all__ = ["NEEDS", "claims"]

SETTINGS = ()
QUICK = ("quick=true",)
NEEDS = (Need("effective-dimension", SETTINGS, QUICK),)


def claims(lab):
    """One Claim."""
    summary = lab.summary("effective-dimension")
    low, high = summary["config"]["claimed"]
    inside = {each["name"]: [row["definition"] for row in each["estimates"] if row["inside"]]
              for each in summary["sets"]}  # fmt: skip
    spread = {each["name"]: [row["estimate"] for row in each["estimates"] if row["estimate"] is not None]
              for each in summary["sets"]}  # fmt: skip
    starved = [f"{row['definition']} from {size:,} samples" for each in summary["sets"] if each["name"] == "white noise"
               for row in each["estimates"] for size in row["inside_with_fewer"][:1]]  # fmt: skip
    panels = [(each["name"], [(row["definition"], row["estimate"], row["low"], row["high"], row["known"])
                              for row in each["estimates"]]) for each in summary["sets"]]  # fmt: skip
    widest = max(spread.items(), key=lambda item: max(item[1]) / min(item[1]))
    yield Claim(
        name="Effective dimension 47 to 89",
        says=f"The effective dimension of CIFAR and ImageNet inputs is {low:g} to {high:g}.",
        verdict=OPEN,
        short=f"the number depends on the definition: for {widest[0]} the definitions in use give {min(widest[1]):.3g} "
        f"to {max(widest[1]):.3g}"
        + ("; too few samples of white noise alone give a number inside" if starved else ""),
        ran=f"Every definition in use on {len(summary['sets'])} sets of data that come with the installed packages: "
        f"{', '.join(inside)}; {summary['config']['samples']:,} samples each, with intervals, from fewer samples, and "
        "of the true covariance where it is known.",
        found=tuple(f"{name}: inside for "
                    f"{', '.join(names) if names else 'no definition'}" for name, names in inside.items())
        + (("white noise, which has as many dimensions as channels, is put inside by "
            f"{'; '.join(starved[:4])}",) if starved else ()),
        assumes="The referee exchange defines it by the eigenvalue decay of the input covariance on the training set; "
        "that leaves open which function of the eigenvalues, of what (pixels, patches, tokens), from how many samples.",
        parts=(Figure(estimates_by_definition(panels, (low, high)), "Every definition on every set, with 95 % "
        f"intervals; grey: {low:g} to {high:g}; diamonds: of the known covariance."),),
        elsewhere=("CIFAR-10/100 and ImageNet are not here. On your copy: eventsim run effective-dimension --set "
                   "data=cifar-10-batches-bin, or --set data=imagenet/train --set format=images",),
        pages=("effective-dimension",),
    )  # fmt: skip
