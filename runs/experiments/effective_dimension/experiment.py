"""What is measured: every definition on every set, and where an estimate is inside what was claimed."""

import sys
from time import perf_counter
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from analysis.effective_dimension import definitions, effective_dimension, spectrum
from eventsim.errors import ConfigError
from runs.inputs import FORMATS, Options, read_own
from runs.inputs.bundled import digit_images, manual, photograph_colours, photograph_crops
from runs.inputs.surrogates import power_law_images, white_noise

__all__ = ["Config", "lines", "run"]

Sets = Literal["digits", "photographs", "surrogates", "noise", "text"]

#: What `quick` puts in place of the configuration's own values.
QUICK = {"samples": 200, "side": 8, "exponents": [2.0]}

#: Ranks at which a spectrum is kept in the summary.
_RANKS = 48


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/effective_dimension.toml for what each key means."""

    sets: Annotated[list[Sets], Meta(min_length=1)]
    data: str
    format: Literal[("detect", *FORMATS)]
    array: str
    embeddings: str
    samples: Annotated[int, Meta(ge=64)]
    side: Annotated[int, Meta(ge=2, le=512)]
    exponents: Annotated[list[Annotated[float, Meta(ge=0, le=10)]], Meta(min_length=1)]
    claimed: Annotated[list[Annotated[float, Meta(ge=1)]], Meta(min_length=2, max_length=2)]
    repeats: Annotated[int, Meta(ge=2)]
    seed: Annotated[int, Meta(ge=0, lt=2**31)]
    quick: bool


def run(config, folder, progress):
    """Run the experiment; write report.html into `folder` and return the summary."""
    from runs.experiments.effective_dimension.report import write  # matplotlib takes a while to import

    began = perf_counter()
    if config.quick:
        config = msgspec.structs.replace(config, **QUICK)
    data = list(_own(config) if config.data else _bundled(config))
    found = [_measured(each, config, place, len(data), progress) for place, each in enumerate(data)]
    summary = {
        "experiment": "effective-dimension", "config": msgspec.to_builtins(config), "sets": found,
        "seconds": perf_counter() - began,
    }  # fmt: skip
    write(folder / "report.html", summary)
    return summary


def _own(config):
    options = Options(config.array, config.side, config.embeddings)
    data = read_own(config.data, config.format, config.samples, config.seed, options)
    if len(data.samples) < 64:
        raise ConfigError(f"{config.data}: holds {len(data.samples)} samples; a dimension takes at least 64")
    return data, white_noise(len(data.samples), data.samples.shape[1], np.random.default_rng([config.seed, 1]))


def _bundled(config):
    """The sets that come with the installed packages, each drawn by a generator of its own."""
    for name in config.sets:
        rng = np.random.default_rng([config.seed, *name.encode()])
        if name == "digits":
            yield digit_images(config.samples, rng)
        elif name == "photographs":
            yield photograph_crops(config.samples, config.side, rng)
        elif name == "surrogates":
            colours = photograph_colours()
            yield from (power_law_images(config.samples, config.side, x, colours, rng) for x in config.exponents)
        elif name == "noise":
            yield white_noise(config.samples, 3 * config.side**2, rng)
        else:
            yield manual(config.samples, rng)


def _measured(data, config, place, sets, progress):
    """One set as plain types."""

    def report(fraction):
        end = "\n" if place + 1 == sets and fraction == 1 else ""
        print(f"\r{(place + fraction) / sets:6.1%} {data.name:<24}", end=end, file=sys.stderr, flush=True)

    table = effective_dimension(data.samples, groups=data.groups, repeats=config.repeats, seed=config.seed,
                                progress=report if progress else None)  # fmt: skip
    low, high = config.claimed
    rows = table.to_json()["estimates"]
    known = _known(data.known_spectrum)
    for row in rows:
        name = row["definition"]
        means = [(point.samples, point.mean) for point in table.rarefied if point.definition == name]
        row["known"] = known.get(name)
        row["inside"] = bool(row["estimate"] is not None and low <= row["estimate"] <= high)
        row["inside_with_fewer"] = [samples for samples, mean in means if low <= mean <= high]
    return {
        "name": data.name, "description": data.description, "there_are": data.there_are, "samples": table.samples,
        "channels": table.channels, "groups": table.groups, "independent": data.groups is None, "estimates": rows,
        "rarefied": table.to_json()["rarefied"], "spectrum": _thinned(spectrum(data.samples)),
        "known_spectrum": None if data.known_spectrum is None else _thinned(data.known_spectrum),
    }  # fmt: skip


def _known(eigenvalues):
    """Definition -> what it says of the spectrum of the source, where that is known."""
    if eigenvalues is None:
        return {}
    of_spectrum = [each for each in definitions() if each.takes == "spectrum"]
    known = {each.name: float(each.rounded(each.estimate(eigenvalues))) for each in of_spectrum}
    return known | {"participation ratio, corrected": known["participation ratio"]}


def _thinned(eigenvalues):
    """Ranks, evenly on a logarithmic axis, and the share of the variance of each."""
    ranks = np.unique(np.geomspace(1, len(eigenvalues), _RANKS).astype(int))
    shares = eigenvalues[ranks - 1] / eigenvalues.sum()
    return [[int(rank), float(share)] for rank, share in zip(ranks, shares) if share > 0]


def lines(summary):
    """The summary in words, for a terminal."""
    low, high = summary["config"]["claimed"]
    yield f"inside {low:g} to {high:g}: *     known: of the covariance that the samples were drawn from"
    for each in summary["sets"]:
        yield f"{each['name']}: {each['samples']:,} samples of {each['channels']:,} channels"
        for row in each["estimates"]:
            estimate = "none" if row["estimate"] is None else f"{row['estimate']:.4g}"
            interval = "" if row["low"] is None else f"{row['low']:.4g} to {row['high']:.4g}"
            known = "" if row["known"] is None else f"known {row['known']:.4g}"
            growth = "" if row["growth"] is None else f"x{row['growth']:.2f}"
            mark = "*" if row["inside"] else " "
            yield f" {mark} {row['definition']:<34}{estimate:>9} {interval:>18}  {growth}  {known}".rstrip()
