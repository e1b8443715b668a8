"""softmax-convergence: how fast the spike shares of each softmax circuit approach softmax, and what stops them.

Every point is a set of independent runs: other logits, other noise, a run of its own for each length. Errors are fitted
against ticks, against continuous time and against spikes, compared with the law of each circuit, and set beside
controls that are no softmax and circuits in which something goes wrong.
"""

import gc
import sys
from itertools import pairwise
from time import perf_counter
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from analysis.convergence import against_law, fit_convergence
from circuits import race, size
from runs.experiments.softmax_convergence.copies import KINDS, RESOLVED, measure
from runs.experiments.softmax_convergence.failures import FAILURES
from runs.experiments.softmax_convergence.words import in_words, slope_in_words

__all__ = ["Config", "lines", "run"]

Positive = Annotated[int, Meta(ge=1)]
PositiveFloat = Annotated[float, Meta(gt=0)]
Lengths = Annotated[list[Positive], Meta(min_length=4)]
FewLengths = Annotated[list[Positive], Meta(min_length=2)]

#: A law below this leaves nothing to measure: the candidates of thinning that all have full score win every time.
CERTAIN = 1e-6

#: Circuits that continuous time changes: what ticks round is gone there, so the latencies have no error left.
CONTINUOUS = ("race", "escape_inhibition", "integrate_inhibition")

#: n and the standard deviation of logits at which controls and failures are measured.
BENCH_TOKENS, BENCH_SD = 16, 2.0

#: What `quick` puts in place of the configuration's own values.
QUICK = {
    "tokens": [4, 16], "runs": 16, "continuous_runs": 6, "spikes": [16, 64, 128, 256], "rounds": [4, 8, 16, 32],
    "deterministic_spikes": [32, 128, 512, 2048], "taus": [16, 64, 128, 256], "continuous_spikes": [16, 32, 64, 128],
    "control_spikes": [64, 1024], "resamples": 100, "controls": ["hard_reset"],
    "failures": ["start of the membranes", "hard reset", "jitter", "mismatched ramps"],
}  # fmt: skip


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/softmax_convergence.toml for what each key means."""

    seed: Annotated[int, Meta(ge=0, lt=2**20)]
    tokens: Annotated[list[Annotated[int, Meta(ge=2)]], Meta(min_length=1)]
    logit_sds: Annotated[list[PositiveFloat], Meta(min_length=1)]
    runs: Annotated[int, Meta(ge=4)]
    continuous_runs: Annotated[int, Meta(ge=4)]
    rate_per_tick: Annotated[float, Meta(gt=0, le=0.5)]
    inhibition: PositiveFloat
    spikes: Lengths
    rounds: Lengths
    deterministic_spikes: Lengths
    taus: Lengths
    continuous_spikes: Lengths
    control_spikes: FewLengths
    controls: list[Literal[tuple(name for name, kind in KINDS.items() if kind.slope is None)]]
    failures: list[Literal[tuple(failure.name for failure in FAILURES)]]
    resamples: Annotated[int, Meta(ge=50)]
    quick: bool

    def lengths(self, name):
        """Lengths at which a circuit is measured: spikes, rounds or tau."""
        if name in ("first_spike", "gated_counts"):
            return self.taus
        if KINDS[name].slope is None:
            return self.control_spikes
        return {"thinning": self.rounds, "integrate_inhibition": self.deterministic_spikes}.get(name, self.spikes)

    @property
    def options(self):
        return {"rate_per_tick": self.rate_per_tick, "inhibition": self.inhibition}


def run(config, folder, progress):
    """Run the experiment; write trace.h5 (one of the runs) and report.html into `folder` and return the summary."""
    from runs.experiments.softmax_convergence.report import write  # matplotlib takes a while to import

    began = perf_counter()
    _check_size(config)
    gc.freeze()  # Brian2 collects garbage for every network; so many objects of its libraries need no second look
    if config.quick:
        config = msgspec.structs.replace(config, **QUICK)
    summary = {"experiment": "softmax-convergence", "config": msgspec.to_builtins(config)}
    curves, pooled = _measure_all(config, folder / "trace.h5", _Progress(progress, _stages(config)))
    summary |= {
        "circuits": [_verdict(name, clock, runs, config) for (name, clock), runs in pooled.items()],
        "curves": curves,
        "resolution": _resolution(pooled),
        "controls": [_control(name, config) for name in config.controls],
        "failures": [_failure(failure, config) for failure in FAILURES if failure.name in config.failures],
    }
    gc.unfreeze()
    summary["seconds"] = perf_counter() - began
    write(folder / "report.html", summary)
    return summary


def _check_size(config):
    """Refuse more copies than memory holds."""
    for n in config.tokens:
        copies = config.runs * len(config.logit_sds)
        whole = copies * size(race, n, rate_per_tick=config.rate_per_tick, through="relay")
        whole.check(f"{copies} copies of a circuit for {n} tokens", "lower runs or tokens")


# -- the circuits


def _stages(config):
    clocks = [(name, clock) for name, kind in KINDS.items() if kind.slope is not None
              for clock in ("grid", "continuous")[: 1 + (name in CONTINUOUS)]]  # fmt: skip
    return [(name, clock, n) for name, clock in clocks for n in config.tokens]


def _measure_all(config, trace, progress):
    """Fitted curves of every circuit, clock, n and standard deviation; and all runs by (circuit, clock)."""
    curves, pooled = [], {}
    for stage in progress:
        name, clock, n = stage
        lengths = config.lengths(name) if clock == "grid" else config.continuous_spikes
        count = config.runs if clock == "grid" else config.continuous_runs
        found = []
        for place, length in enumerate(lengths):
            rng = np.random.default_rng([config.seed, list(KINDS).index(name), clock == "grid", n, place])
            logits = np.concatenate([sd * rng.standard_normal((count, n)) for sd in config.logit_sds])
            kept = {}
            if stage == ("escape_inhibition", "grid", config.tokens[0]) and place == 0:
                kept = {"trace": trace, "manifest": {"experiment": "softmax-convergence", "seed": config.seed}}
            found.append(measure(KINDS[name], logits, length, config.options, seed=config.seed + 1009 * (place + 1),
                                 clock=clock, **kept))  # fmt: skip
        pooled.setdefault((name, clock), []).extend(zip(lengths, found, strict=True))
        for k, sd in enumerate(config.logit_sds):
            of_sd = [runs.of(slice(k * count, (k + 1) * count)) for runs in found]
            curves.append(_curve(name, clock, n, sd, lengths, of_sd, config))
    return curves, pooled


def _curve(name, clock, n, sd, lengths, found, config):
    """Errors of one circuit at every length, and what was fitted to them."""
    points = [
        {"length": length, "ticks": runs.ticks, "weight_spikes": float(runs.counts.mean()),
         "spikes": float(runs.spikes.mean()), "tv": float(np.sqrt(np.square(runs.tv).mean())),
         "tv_error": float(np.square(runs.tv).std(ddof=1) / np.sqrt(runs.tv.size)
                           / (2 * np.sqrt(np.square(runs.tv).mean()))),
         "l2": float(np.sqrt(np.square(runs.l2).mean())), "law": float(np.sqrt(np.square(runs.law).mean())),
         "resolved": float((runs.smallest >= RESOLVED).mean())}
        for length, runs in zip(lengths, found, strict=True)
    ]  # fmt: skip
    errors = [runs.tv for runs in found]
    fits = {"ticks": _fit([point["ticks"] for point in points], errors, config)}
    if points[-1]["spikes"] > 1.5 * points[0]["spikes"]:
        fits["spikes"] = _fit([point["spikes"] for point in points], errors, config)
    return {"circuit": name, "clock": clock, "n": n, "sd": sd, "points": points, "fits": fits}


def _fit(x, errors, config):
    return fit_convergence(x, errors, resamples=config.resamples, seed=config.seed).to_json()


def _verdict(name, clock, found, config):
    """One circuit over all n and logits: errors in units of its law, where the law holds, against length."""
    kind, by_length = KINDS[name], {}
    for length, runs in found:
        holds = (runs.smallest >= RESOLVED) | (kind.slope == -0.5) | kind.timed
        holds &= runs.law > CERTAIN
        by_length.setdefault(length, []).append(runs.l2[holds] / runs.law[holds])
    relative = {length: np.concatenate(parts) for length, parts in sorted(by_length.items())}
    relative = {length: values for length, values in relative.items() if values.size >= 4}
    verdict = {
        "circuit": name,
        "clock": clock,
        "expected_slope": kind.slope,
        "runs": sum(v.size for v in relative.values()),
    }
    ratio = against_law(np.concatenate([*relative.values()]), np.ones(verdict["runs"]))
    verdict |= {"ratio": ratio.to_json(), "fit": None}
    if len(relative) >= 3:
        lengths = list(relative)
        verdict["fit"] = _fit(lengths, [relative[t] * float(t) ** kind.slope for t in lengths], config)
    fit = verdict["fit"]
    near = fit is None or abs(fit["slope"] - kind.slope) <= 3 * fit["slope_error"]
    return verdict | {"agrees": bool(ratio.agrees and near)}


def _resolution(pooled):
    """Error over law of the circuits that round counts, by the size of K p_min: (circuit, low, high, ratio, runs)."""
    rows = []
    edges = np.geomspace(1e-8, 1e3, 23)
    for (name, clock), found in pooled.items():
        if KINDS[name].slope != -1.0 or KINDS[name].timed:
            continue
        smallest = np.concatenate([runs.smallest for _, runs in found])
        relative = np.concatenate([runs.l2 / runs.law for _, runs in found])
        for low, high in pairwise(edges):
            here = relative[(smallest >= low) & (smallest < high)]
            if here.size >= 8:
                rows.append({"circuit": name, "clock": clock, "low": float(low), "high": float(high),
                             "ratio": float(np.sqrt(np.square(here).mean())), "runs": int(here.size)})  # fmt: skip
    return rows


# -- controls, and what goes wrong


def _bench(kind, lengths, options, config, seed):
    """Mean total variation at each length, n = 16, standard deviation 2."""
    rows = []
    for place, length in enumerate(lengths):
        rng = np.random.default_rng([config.seed, seed, place])
        logits = BENCH_SD * rng.standard_normal((config.runs, BENCH_TOKENS))
        runs = measure(kind, logits, length, config.options | options, seed=config.seed + 1013 * (place + 1))
        spread = float(runs.tv.std(ddof=1) / np.sqrt(runs.tv.size))
        rows.append({"length": length, "ticks": runs.ticks, "weight_spikes": float(runs.counts.mean()),
                     "tv": float(runs.tv.mean()), "tv_error": spread})  # fmt: skip
    return rows


def _control(name, config):
    rates = {"hard_reset": {"rate_per_tick": 0.8}}  # at few spikes per tick hardly anything exceeds the threshold
    points = _bench(KINDS[name], config.control_spikes, rates.get(name, {}), config, seed=7)
    sound = _bench(KINDS["integrate_inhibition"], config.control_spikes[-1:], {}, config, seed=7)
    return {"circuit": name, "points": points, "floor": points[-1]["tv"], "sound": sound[0]["tv"]}


def _failure(failure, config):
    lengths = config.taus if failure.circuit in ("first_spike", "gated_counts") else config.control_spikes
    ends = [lengths[0], lengths[-1]]
    rows = [{"setting": setting, "points": _bench(kind, ends, options, config, seed=11)}
            for setting, kind, options in failure.settings]  # fmt: skip
    sound = _bench(KINDS[failure.circuit], ends, {}, config, seed=11)
    return {"name": failure.name, "circuit": failure.circuit, "what": failure.what, "sound": sound, "settings": rows}


# -- words


def lines(summary):
    """The summary in words, for a terminal."""
    for verdict in summary["circuits"]:
        said = "agrees " if verdict["agrees"] else "DIFFERS"
        yield f"{said} {verdict['circuit']:21s} {verdict['clock']:11s} {in_words(verdict)}"
    for curve in summary["curves"]:
        told = "; ".join(f"against {axis} {slope_in_words(fit)}" for axis, fit in curve["fits"].items())
        yield f"slope   {curve['circuit']:21s} {curve['clock']:11s} n={curve['n']:<3d} sd={curve['sd']:<4g} {told}"
    for control in summary["controls"]:
        ends = control["points"][0], control["points"][-1]
        told = ", ".join(f"{point['tv']:.4f} after {point['weight_spikes']:.0f} spikes" for point in ends)
        yield f"control {control['circuit']:21s} total variation {told}"
    for failure in summary["failures"]:
        worst = "; ".join(f"{row['setting']}: {row['points'][-1]['tv']:.4f}" for row in failure["settings"])
        yield f"failure {failure['name']}: sound {failure['sound'][-1]['tv']:.4f}; {worst}"
    yield f"{summary['seconds']:.0f} s"


class _Progress:
    """Stages with a line on a terminal before each."""

    def __init__(self, shown, stages):
        self._shown, self._stages = shown, stages

    def __iter__(self):
        for place, stage in enumerate(self._stages):
            if self._shown:
                name, clock, n = stage
                text = f"\r{place / len(self._stages):6.1%} {name}, {clock}, n = {n}"
                print(f"{text:60s}", end="", file=sys.stderr, flush=True)
            yield stage
        if self._shown:
            print(f"\r{'controls and failures':60s}", file=sys.stderr, flush=True)
