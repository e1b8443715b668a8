"""saturation: spikes used over spikes needed, circuit by circuit, over sizes and lengths.

Inputs are drawn from laws for which the differential entropy of the exact output is known, so that the bits which a
measured error implies are a bound (Shannon's) and no assumption. Every circuit is run by the engine.
"""

import math
import sys
from time import perf_counter
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from analysis.spike_bounds import bounds_on
from circuits.attention import HEADS
from runs.experiments.saturation.points import FLAT, LEAST_BITS, SENSELESS, SOFTMAXES, head_points, softmax_point, times

__all__ = ["Config", "lines", "run"]

Positive = Annotated[int, Meta(ge=1)]
PositiveFloat = Annotated[float, Meta(gt=0)]
Lengths = Annotated[list[Positive], Meta(min_length=2)]

#: What `quick` puts in place of the configuration's own values.
QUICK = {"tokens": [4, 16], "runs": 24, "lengths": [16, 64, 256], "head_ticks": [16, 64], "queries": 24,
         "resamples": 100}  # fmt: skip


#: Not shown: no circuit here is driven by a constant.
DRIVEN = "constant-drive bound"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/saturation.toml for what each key means."""

    seed: Annotated[int, Meta(ge=0, lt=2**20)]
    circuits: list[Literal[tuple(SOFTMAXES)]]
    tokens: Annotated[list[Annotated[int, Meta(ge=2)]], Meta(min_length=1)]
    logit_sd: PositiveFloat
    runs: Annotated[int, Meta(ge=8)]
    lengths: Lengths
    rate_per_tick: Annotated[float, Meta(gt=0, le=0.5)]
    inhibition: PositiveFloat
    heads: list[Literal[tuple(HEADS)]]
    head_tokens: Annotated[int, Meta(ge=2)]
    head_dimensions: Positive
    beta: PositiveFloat
    head_ticks: Lengths
    queries: Annotated[int, Meta(ge=8)]
    resamples: Annotated[int, Meta(ge=50)]
    quick: bool


def run(config, folder, progress):
    """Run the experiment; write report.html into `folder` and return the summary."""
    from runs.experiments.saturation.report import write  # matplotlib takes a while to import

    began = perf_counter()
    if config.quick:
        config = msgspec.structs.replace(config, **QUICK)
    rows = [row for point in _points(config, progress) for row in _rows(point, config)]
    summary = {"experiment": "saturation", "config": msgspec.to_builtins(config), "rows": rows,
               "verdicts": _verdicts(rows)}  # fmt: skip
    summary["seconds"] = perf_counter() - began
    write(folder / "report.html", summary)
    return summary


def _points(config, progress):
    """Every Point, with a line on a terminal before each."""
    options = {"rate_per_tick": config.rate_per_tick, "inhibition": config.inhibition}
    for name in config.circuits:
        for n in config.tokens:
            for length in config.lengths:
                _say(progress, f"{name}, n = {n}, {SOFTMAXES[name]}: {length}")
                yield softmax_point(name, n, length, config.logit_sd, config.runs, options, config.seed)
    for code in config.heads:
        for ticks in config.head_ticks:
            _say(progress, f"{code} head, {ticks} ticks")
            yield from head_points(code, config.head_tokens, config.head_dimensions, config.beta, ticks, config.queries,
                                   config.seed, None)  # fmt: skip


def _say(shown, text):
    if shown:
        print(f"\r{text:70s}", end="", file=sys.stderr, flush=True)


def _rows(point, config):
    """Each bound on one point, with an interval from runs drawn anew."""
    rng = np.random.default_rng([config.seed, point.length])
    drawn = rng.integers(point.squared_errors.size, size=(config.resamples, point.squared_errors.size))
    low, high = np.quantile(point.squared_errors[drawn].mean(axis=1), [0.025, 0.975])
    mse, used = float(point.squared_errors.mean()), float(point.spikes.mean())
    needed = [
        {bound.name: bound for bound in bounds_on(point.bits(error), point.cut, point.channels, point.ticks)
         if bound.name != DRIVEN}
        for error in (mse, low, high)
    ]  # fmt: skip
    for name, bound in needed[0].items():
        ratio, least, most = (of[name].saturation(used) for of in needed)
        yield {
            "circuit": point.circuit, "n": point.n, "length": point.length, "cut": point.cut.name,
            "channels": point.channels, "ticks": point.ticks, "runs": int(point.spikes.size), "spikes": used,
            "error": math.sqrt(mse), "size": point.size, "bits": bound.bits,
            "dimensions": point.dimensions, "bound": name,
            "needed": _finite(bound.spikes_needed),
            "ratio": _finite(ratio), "low": _finite(min(least, most)), "high": _finite(max(least, most)),
        }  # fmt: skip


def _finite(value):
    return float(value) if math.isfinite(value) else None


def _verdicts(rows):
    """By circuit, cut and bound: the ratio at the longest runs, how it goes there, and what becomes of the claim."""
    groups = {}
    for row in rows:
        if row["ratio"] is not None and row["ratio"] < SENSELESS:
            groups.setdefault((row["circuit"], row["cut"], row["bound"]), []).append(row)
    return [{"circuit": circuit, "cut": cut, "bound": bound} | _verdict(of)
            for (circuit, cut, bound), of in groups.items()]  # fmt: skip


def _verdict(rows):
    by_size = {}
    for row in rows:
        by_size.setdefault(row["n"], []).append(row)
    longest = [some[-1]["ratio"] for some in by_size.values()]
    telling = [[row for row in some if row["bits"] >= LEAST_BITS * row["dimensions"]] for some in by_size.values()]
    growth = [math.log(some[-1]["ratio"] / some[-2]["ratio"]) / math.log(some[-1]["length"] / some[-2]["length"])
              for some in telling if len(some) > 1]  # fmt: skip
    beaten = any(row["high"] is not None and row["high"] < 1 for row in rows)
    exponent = float(np.mean(growth)) if growth else None
    return {
        "least": min(longest), "most": max(longest), "growth": exponent, "beaten": beaten,
        "saturates": not beaten and exponent is not None and exponent <= FLAT,
    }  # fmt: skip


def lines(summary):
    """The summary in words, for a terminal."""
    for verdict in summary["verdicts"]:
        yield in_words(verdict)
    yield f"{summary['seconds']:.0f} s"


def in_words(verdict):
    """One circuit against one bound."""
    growth = "" if verdict["growth"] is None else f", going as length^{verdict['growth']:.2f}"
    said = "saturates it up to that constant" if verdict["saturates"] else "does not saturate it"
    if verdict["growth"] is None:
        said = "too few lengths imply a bit per number for a trend"
    if verdict["beaten"]:
        said = "is below it: not the code that it assumes"
    return (f"{verdict['circuit']} on {verdict['cut']} uses, in the longest runs, {times(verdict)} times the "
            f"{verdict['bound']}{growth}; {said}")  # fmt: skip
