"""C = 2.3, R² = 0.97, and the objection that both were fitted and tested on the same data."""

from analysis.calibration.plots import error_kept, predicted_spikes
from analysis.plots import intervals
from analysis.report import Figure, Table
from runs.experiments.paper_claims.claim import ANSWERED, FAILS, HOLDS, OPEN, STANDS, UNDER, Claim, interval
from runs.experiments.paper_claims.lab import Need

__all__ = ["NEEDS", "claims"]

SETTINGS = ("tokens=48", "workers=2")
QUICK = ("quick=true", "workers=2")
NEEDS = (Need("calibration", SETTINGS, QUICK),)

#: Figures of the abstract.
CONSTANT, LOW, HIGH, R_SQUARED = 2.3, 1.9, 2.7, 0.97


def claims(lab):
    """Claims on the constant, on the fit, and on circularity."""
    summary = lab.summary("calibration")
    tested = {code: found for code, found in summary["codes"].items() if found["test"] is not None}
    yield _constant(summary)
    yield _fit(tested)
    yield _circularity(summary, tested)


def _constant(summary):
    found = {f"{code}, {circuit}": of for code, circuits in summary["constants"].items() if code != "latency"
             for circuit, of in circuits.items()}  # fmt: skip
    inside = [name for name, of in found.items() if of["high"] >= LOW and of["low"] <= HIGH]
    least, most = (pick(found.items(), key=lambda item: item[1]["constant"]) for pick in (min, max))
    return Claim(
        name="C = 2.3 [1.9, 2.7]",
        says=f"N = C d_eff/ε² with C = {CONSTANT} [{LOW}, {HIGH}].",
        verdict=HOLDS if len(inside) == len(found) else FAILS,
        short=f"no one constant: from {least[1]['constant']:.2g} ({least[0]}) to {most[1]['constant']:.2g} "
        f"({most[0]}); {len(inside)} of {len(found)} intervals meet [{LOW}, {HIGH}]",
        ran=f"{len(summary['measurements'])} measurements of circuits run by the engine: layers and attention heads in "
        f"{len(summary['codes'])} codes, on spectra of known shape, digits and photographs. Laws and dimensions were "
        f"written to a file beforehand, whose SHA-256 ({summary['registration_sha256'][:16]}…) the run demands.",
        found=tuple(f"{name}: C = {interval(of['constant'], of['low'], of['high'])}" for name, of in found.items()),
        assumes="C belongs to a code and a circuit, not to attention. The error here is relative to what the function "
        "makes of an input wrong by its own size; another convention for ε, or for the Lipschitz constant (largest "
        "slope, or root mean square), moves C by as much as it moves ε². The abstract names neither.",
        parts=(Figure(intervals([(name, of["constant"], of["low"], of["high"]) for name, of in found.items()],
                                (LOW, HIGH), "C"),
                      f"One constant for each code and circuit, with 95 % intervals; grey: {LOW} to {HIGH}."),),
        pages=("calibration",),
    )  # fmt: skip


def _fit(tested):
    headings = ("code", "R², circular", "R², held out", "R², held-out layers", "of the error alone", "of the dimension",
                "fold error")  # fmt: skip
    rows = tuple(
        (code, _number(_circular(found)), _three(found["test"]["r_squared"]),
         _three(found["test_on_layers"]["r_squared"]),
         _number(found["rivals"]["error alone"]["layers"]["r_squared"][0]),
         _three(found["test_on_layers"]["dimension_r_squared"]), _three(found["test_on_layers"]["fold_error"]))
        for code, found in tested.items()
    )  # fmt: skip
    whole, layers = ({code: found[part]["r_squared"][0] for code, found in tested.items()}
                     for part in ("test", "test_on_layers"))  # fmt: skip
    reached = {name for name, of in (("all", whole), ("layers", layers)) if of and min(of.values()) >= R_SQUARED}
    panels = [(code, found["predicted"]["predicted"], found["predicted"]["measured"], found["predicted"]["circuit"])
              for code, found in tested.items()]  # fmt: skip
    return Claim(
        name="R² = 0.97",
        says=f"The rule explains the spikes needed with R² = {R_SQUARED}.",
        verdict=OPEN if not tested else HOLDS if "all" in reached else UNDER if "layers" in reached else FAILS,
        short=f"held out, R² is {_by_code(whole)} over all circuits and {_by_code(layers)} over layers without "
        "attention; a part of it is due to the error that was asked for, whatever the dimension",
        ran="One constant per law, fitted to linear maps and means over tokens on synthetic spectra, frozen, and "
        "tested on all other functions, circuits and data; beside it rules that know less.",
        found=tuple(f"{code}: R² {_three(found['test']['r_squared'])} held out on {found['test']['tasks']} tasks, "
                    f"{_three(found['test_on_layers']['r_squared'])} on layers, where the error alone gives "
                    f"{_number(found['rivals']['error alone']['layers']['r_squared'][0])} and the dimension explains "
                    f"{_three(found['test_on_layers']['dimension_r_squared'])} of what that leaves"
                    for code, found in tested.items()),
        assumes="R² grows with the range of errors that are tried: over a decade of ε the factor 1/ε² alone spans two. "
        "So R² near one is no evidence for a dimension; fold error, and the share that the dimension explains, are.",
        parts=(Table(headings, rows, "Fold error, and the share of the dimension, on layers. Intervals are 95 % of a "
                                     "bootstrap over tasks.", "lrrrrrr"),
               Figure(predicted_spikes(panels), "Frozen constants on circuits that they were not fitted to; dotted: a "
                                                "factor of 2.")) if tested else (),
        pages=("calibration",),
    )  # fmt: skip


def _by_code(values):
    return ", ".join(f"{value:.2f} ({code})" for code, value in values.items())


def _circularity(summary, tested):
    held = summary["designs"]["held"]
    panels = [(f"ticks: {end} of the rule", [row for row in summary["designs"]["rows"] if row["end"] == end])
              for end in held]  # fmt: skip
    upper = held.get("upper end")
    needed = summary["criteria"]["holds"]
    return Claim(
        name="Circularity (referee)",
        says="C and R² were fitted and tested on the same data; the effective dimension was chosen to fit.",
        verdict=ANSWERED if tested else STANDS,
        short="constants were frozen before they met the data that test them"
        + (f"; circuits of a length set by the rule's upper end keep the error asked for in {upper['kept']} of "
           f"{upper['designs']} cases [{upper['low']:.0%}, {upper['high']:.0%}], where {needed:.0%} were demanded "
           "beforehand" if upper else ""),
        ran="Families of functions, circuits and data sets left out in turn; the same fit made circularly, for "
        "comparison; a search for data that break the law; and circuits built with a length that the frozen rule alone "
        "set, for errors asked for beforehand.",
        found=tuple(f"by the {end} of the rule: {of['kept']} of {of['designs']} circuits keep the error asked for "
                    f"[{of['low']:.0%}, {of['high']:.0%}]" for end, of in held.items())
        + tuple(f"counter-example to '{of['dimension']}': {of['measured']:.1f} times the spikes that it predicts, "
                f"built and run ({of['what']})" for of in summary["limits"]["examples"]),
        assumes="Independent of which dimension is meant: all in use were tried. The rule is calibrated for small "
        "circuits of a few hundred to some ten thousand neurons.",
        parts=(Figure(error_kept(panels), "Error measured against error asked for; shaded: kept."),),
        pages=("calibration",),
    )  # fmt: skip


def _circular(found):
    return None if found.get("circular") is None else found["circular"]["r_squared"]


def _number(value):
    return "" if value is None else f"{value:.2f}"


def _three(values):
    middle, low, high = values
    if middle is None or low is None or high is None:
        return _number(middle)
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]"
