"""O(1/sqrt T), and the objection that convergence was not shown."""

from analysis.plots import convergence
from analysis.report import Figure, Table
from runs.experiments.paper_claims.claim import ANSWERED, FAILS, HOLDS, STANDS, Claim
from runs.experiments.paper_claims.lab import Need

__all__ = ["NEEDS", "claims"]

SETTINGS = ("tokens=[4, 16]", "logit_sds=[1.0, 2.0]", "runs=32", "continuous_runs=8",
            "deterministic_spikes=[32, 64, 128, 256, 512, 1024, 2048]", "continuous_spikes=[16, 32, 64, 128]",
            'failures=["ties", "mismatched inhibition", "mismatched ramps"]')  # fmt: skip
QUICK = ("tokens=[4]", "logit_sds=[1.0]", "runs=20", "continuous_runs=4", "spikes=[16, 32, 64, 128]",
         "rounds=[4, 8, 16, 32]", "deterministic_spikes=[32, 64, 128, 256]", "taus=[16, 32, 64, 128]",
         "continuous_spikes=[16, 32, 64, 128]", "control_spikes=[64, 512]", 'controls=["winner_take_all"]',
         "failures=[]", "resamples=200")  # fmt: skip
NEEDS = (Need("softmax-convergence", SETTINGS, QUICK),)


def claims(lab):
    """Claims on the rate, and on convergence at all."""
    summary = lab.summary("softmax-convergence")
    fitted = [v for v in summary["circuits"] if v["clock"] == "grid" and v["fit"]]
    slow = [v for v in fitted if v["fit"]["slope"] - 3 * v["fit"]["slope_error"] > -0.5]
    random = [v for v in fitted if v["expected_slope"] == -0.5]
    faster = [v for v in fitted if v["fit"]["slope"] + 3 * v["fit"]["slope_error"] < -0.5]
    stuck = [c for c in summary["controls"] if c["points"][-1]["tv"] > 0.5 * c["points"][0]["tv"]]
    rows = tuple((v["circuit"], f"{v['expected_slope']:g}", _slope(v["fit"]),
                  f"{v['ratio']['ratio']:.3f} ± {1.96 * v['ratio']['standard_error']:.3f}", f"{v['runs']:,}")
                 for v in fitted)  # fmt: skip
    yield Claim(
        name="O(1/√T) convergence",
        says="The error of a spiking softmax falls as O(1/√T) with the number of time steps T.",
        verdict=FAILS if slow else HOLDS,
        short=f"{len(fitted) - len(slow)} of {len(fitted)} circuits fall at least so fast; the rate is exact for the "
        f"{len(random)} that draw random numbers, and not the best: {len(faster)} fall faster, as 1/T",
        ran=f"Six softmax circuits, each built of neurons and synapses, {summary['config']['runs']} independent runs "
        "for each length, number of tokens and spread of logits; log E² = log(a² T^(-2α) + b²) fitted with a robust "
        "loss, intervals by bootstrap over runs.",
        found=tuple(f"{v['circuit']}: slope {_slope(v['fit'])}, expected {v['expected_slope']:g}" for v in fitted),
        assumes="Logits given, inhibition started where it settles (a poor start costs a warm-up), no mismatch: "
        "weights that differ by 1 % between neurons leave a floor (measured in the full run). Shares are of K spikes, "
        "K about T times the rate. Reaching 1/T takes counts that are rounded and not drawn, or times of single "
        "spikes.",
        parts=(Figure(_figure(summary), "Total variation from exact softmax; 95 % intervals. Grey: slope -1/2 for "
                                        "circuits that draw, -1 for those that round."),),
        pages=("softmax-convergence",),
    )  # fmt: skip
    agree = [v for v in summary["circuits"] if v["agrees"]]
    differ = [f"{v['circuit']} ({v['clock']})" for v in summary["circuits"] if not v["agrees"]]
    yield Claim(
        name="Convergence (referee)",
        says="Convergence to softmax is asserted, not shown.",
        verdict=STANDS if differ else ANSWERED,
        short=f"{len(agree)} of {len(summary['circuits'])} circuits have the error that their own law gives, in slope "
        "and in size"
        + (f"; {', '.join(differ)} do not" if differ else "") + "; controls that are no softmax are seen "
        "not to converge",
        ran="For each circuit a law says how large the error is, without a free constant. Every run is compared with "
        "the law for its own logits and spikes, on the grid and in continuous time; the fit's intervals were tested "
        "for coverage on simulated curves with known slope and floor.",
        found=tuple(f"control {c['circuit']}: total variation {c['points'][0]['tv']:.3f} after "
                    f"{c['points'][0]['ticks']:,} ticks, {c['points'][-1]['tv']:.3f} after "
                    f"{c['points'][-1]['ticks']:,}" for c in stuck)
        or ("no control was run",),
        assumes="Laws of rounded counts hold once every token has spikes to round; before that a token of small weight "
        "is silent.",
        parts=(Table(("circuit", "expected slope", "measured slope", "error / law", "runs"), rows, "Error / law: 1 "
        "where the error is as large as the circuit's own law says, not only as steep. 95 % intervals.", "lrrrr"),),
        pages=("softmax-convergence",),
    )  # fmt: skip


def _slope(fit):
    return f"{fit['slope']:.3f} [{fit['slope_low']:.3f}, {fit['slope_high']:.3f}]"


def _figure(summary):
    panels = {}
    for curve in summary["curves"]:
        if curve["clock"] != "grid":
            continue
        points = curve["points"]
        drawn = (f"n = {curve['n']}, sd {curve['sd']:g}", [p["ticks"] for p in points], [p["tv"] for p in points],
                 [1.96 * p["tv_error"] for p in points])  # fmt: skip
        panels.setdefault(curve["circuit"], []).append(drawn)
    slopes = {v["circuit"]: v["expected_slope"] for v in summary["circuits"]}
    return convergence([(name, curves, slopes[name]) for name, curves in panels.items()], "ticks")
