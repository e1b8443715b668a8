"""The report page of calibration, written for someone who has never seen the project."""

from analysis.calibration.plots import dimension_shares, error_kept, predicted_spikes
from analysis.report import Figure, Section, Table, Verdict, write_report
from runs.experiments.calibration.claims import claims

__all__ = ["write"]

_LEAD = (
    "How many spikes does a spiking circuit need for a given error, and does an effective dimension of the data "
    "foretell it? Laws were written down first, in a file whose hash the run demands. Circuits of spiking neurons "
    "were then built and run; one constant per law was fitted to some of them, frozen, and tested on functions, "
    "circuits and data that it had not seen. Last, circuits were built with a length that the frozen law alone set, "
    "for errors asked for beforehand."
)


def write(path, summary):
    """Write the page; `summary` as `runs.experiments.calibration.run` returns it."""
    sections = [_laws(summary), _tests(summary), _dimensions(summary), _circuits(summary), _designs(summary),
                _counter_examples(summary), _bounds(summary), _controls(summary), claims(summary)]  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    write_report(path, "Spikes by effective dimension, out of sample", _LEAD, _verdicts(summary), sections,
                 f"Configuration: {settings}\n{summary['seconds']:.0f} s")  # fmt: skip


def _tested(summary):
    return {code: found for code, found in summary["codes"].items() if found["test"] is not None}


def _verdicts(summary):
    yield Verdict("Were the definitions settled before anything was fitted?",
                  f"yes: registration.toml, SHA-256 {summary['registration_sha256'][:16]}…", True)  # fmt: skip
    for code, found in _tested(summary).items():
        test, met = found["test"], found["verdict"]
        yield Verdict(
            f"Does one constant hold for every function, circuit and data set ({code} code)?",
            f"{found['law']}: off by a factor {test['fold_error'][0]:.2f} in the root mean square, bias "
            f"{test['bias'][0]:.2f}, {max(test['dimension_r_squared'][0], 0):.0%} of what the error leaves explained",
            all(met.values()))  # fmt: skip
    held = summary["designs"]["held"]
    for end, of in held.items():
        share = of["kept"] / of["designs"]
        yield Verdict(
            f"Do circuits of a length set by the {end} of the rule keep the error asked for?",
            f"{of['kept']} of {of['designs']} ({of['low']:.0%} to {of['high']:.0%}); {of['within_a_quarter']} within a "
            "quarter of it", share >= summary["criteria"]["holds"] if end == "upper end" else None)  # fmt: skip
    worst = max(summary["limits"]["examples"], key=lambda e: e["measured"])
    yield Verdict("Is there a counter-example?", f"yes: one that takes {worst['measured']:.1f} times the spikes that "
                  f"the law with '{worst['dimension']}' says, built and run")  # fmt: skip


def _number(value):
    """Two decimals; nothing where there is no figure."""
    return "" if value is None else f"{value:.2f}"


def _interval(values):
    middle, low, high = map(_number, values)
    return f"{middle} ({low} to {high})" if middle else ""


def _constant(of):
    return f"{of['constant']:.3g} ({of['low']:.3g} to {of['high']:.3g})"


def _laws(summary):
    rows = []
    for code, found in summary["codes"].items():
        of = found["fit"]
        fitted = ("no such circuit", "") if of is None else (_constant(of), str(of["tasks"]))
        rows.append((code, found["law"], *fitted))
    text = (
        "Spikes are those of the senders, per encoded token. The error is the root mean square error of the output "
        "over what the function would make of an input wrong by its own size: eps² = E|y' − y|² / (L² m tr Σ), with "
        "L² the mean square of the derivative per encoded number, m encoded tokens, Σ the covariance of one. "
        "'magnitude' is (Σ E|x|)²/Σ E x² over channels, 'half' the same with standard deviations, 'channels' the "
        "number of channels; the others see eigenvalues only. Codes: random trains and regular trains with a "
        "channel for each sign; offset, random with one channel; latency, one spike per number, whose law is in "
        "ticks over their logarithm.",
        "The constant of each law was fitted to linear maps and means over tokens, by one layer of neurons, on "
        "synthetic spectra.",
    )
    headings = ("code", "law", "C, 95 % interval over tasks", "tasks")
    return Section("What was registered, and the constants", text, (Table(headings, tuple(rows), "", "lllr"),))


def _tests(summary):
    tested = _tested(summary)
    panels = [(code, found["predicted"]["predicted"], found["predicted"]["measured"], found["predicted"]["circuit"])
              for code, found in tested.items()]  # fmt: skip
    rows = []
    for code, found in tested.items():
        rows.append((code, "all that was not fitted", *_row(found["test"])))
        for by, levels in found["levels"].items():
            rows += [(code, f"{by}: {level}", *_row(of)) for level, of in levels.items()]
    left_out = [(code, f"each {by} by the others", *_row(of)) for code, found in summary["codes"].items()
                for by, of in found["held_out"].items()]  # fmt: skip
    text = (
        "Fold error is the root mean square factor between measured and predicted, bias the mean one: above 1, more "
        "was needed. R² is that of the logarithm against the mean of the fitted circuits. Because the error is "
        "known and spans a decade, it makes R² large whatever the dimension: the last column is the share of what "
        "the error leaves that the dimension explains. Intervals are 95 % of a bootstrap over tasks.",
    )
    headings = ("code", "tested on", "tasks", "fold error", "bias", "R²", "R² of dimension")
    return Section("Out of sample", text, (
        Figure(predicted_spikes(panels), "Frozen constants on what they were not fitted to; dotted: a factor of 2."),
        Table(headings, tuple(rows), "The registered split.", "llrrrrr"),
        Table(headings, tuple(left_out), "Left out in turn, the constant fitted to the rest.", "llrrrrr"),
    ))  # fmt: skip


def _row(of):
    return (str(of["tasks"]), _interval(of["fold_error"]), _interval(of["bias"]), _number(of["r_squared"][0]),
            _interval(of["dimension_r_squared"]))  # fmt: skip


def _dimensions(summary):
    tested = _tested(summary)
    shares = {code: {"registered": found["test_on_layers"]["dimension_r_squared"]}
              | {name: of["layers"]["dimension_r_squared"] for name, of in found["rivals"].items()
                 if name not in ("mean only", "channels alone")} for code, found in tested.items()}  # fmt: skip
    rows = tuple((code, name, *(_number(of[part][key][0]) for part in ("layers", "all")
                                for key in ("fold_error", "bias", "r_squared")))
                 for code, found in tested.items() for name, of in _all_laws(found).items())  # fmt: skip
    text = (
        "The same law with other dimensions in its place, fitted to the same circuits, and laws that know less. "
        "'mean only' says the same number for all, 'channels alone' knows no error, 'error alone' no dimension.",
        "Spikes in the offset code are half the ticks of each channel, whatever the error: measured at one length, "
        "'channels alone' foretells them and says nothing of what an error needs.",
    )
    headings = ("code", "dimension", "fold error", "bias", "R²", "fold error, heads too", "bias", "R²")
    return Section("Which dimension?", text, (
        Figure(dimension_shares(shares, "share of what the error leaves, on layers; cut off at −1"),
               "0: no better than the error alone."),
        Table(headings, rows, "", "llrrrrrr"),
    ))  # fmt: skip


def _all_laws(found):
    return {"registered law": {"all": found["test"], "layers": found["test_on_layers"]}} | found["rivals"]


def _circuits(summary):
    rows = tuple((code, circuit, _constant(of),
                  f"{of['factor_low']:.2f} to {of['factor_high']:.2f}", str(of["tests"]), f"{of['sending']:.2f}")
                 for code, circuits in summary["constants"].items() for circuit, of in circuits.items())  # fmt: skip
    averages = tuple((str(of["tokens"]), f"{of['constant']:.2f}") for of in summary["limits"]["averages"])
    text = (
        "A constant for each circuit, fitted to synthetic spectra and tested on digits and photographs: what `design` "
        "uses. The last column is what senders fire over ticks times rate (latency: over channels).",
        "Attention heads in the random code take several times the spikes of a layer. Each of their output spikes is "
        "that of one token drawn at random, so that errors of tokens do not average: the constant of a mean over n "
        "tokens grows with n, which no dimension of the data knows.",
    )
    headings = ("code", "circuit", "C, 95 % interval", "measured over predicted, middle 90 %", "tests", "sent")
    return Section("One constant for each circuit", text, (
        Table(headings, rows, "", "lllrrr"),
        Table(("tokens", "C"), averages, "A mean over Gaussian tokens by an attention head, random code.", "rr"),
    ))  # fmt: skip


def _designs(summary):
    rows = summary["designs"]["rows"]
    panels = [(f"ticks: {end} of the rule", [row for row in rows if row["end"] == end])
              for end in summary["designs"]["held"]]  # fmt: skip
    table = tuple((row["task"], row["code"], f"{row['asked']:g}", row["end"], f"{row['ticks']:,}",
                   f"{row['measured']:.3f}", f"{row['spikes_predicted']:,.0f}", f"{row['spikes']:,.0f}")
                  for row in rows)  # fmt: skip
    costs = tuple((of["task"], of["code"], *_cost(of)) for of in summary["designs"]["energy"])
    chip = f"{summary['config']['chip']} ({summary['config']['table']})"
    text = (
        "New functions on data sets that no constant was fitted to or tested on. The error is the root mean square "
        "error over the standard deviation of the output. The rule knows the law, the frozen constant of the "
        "circuit, the data's dimension and mean spike rate. Shaded: the error asked for is kept.",
    )
    headings = ("task", "code", "error asked", "by", "ticks", "error", "spikes predicted", "spikes")
    return Section("Circuits of a length set by the rule", text, (
        Figure(error_kept(panels), "Error measured against error asked for, with one standard error over inputs."),
        Table(headings, table, "Spikes of the senders per query.", "llrlrrrr"),
        Table(("task", "code", "ticks", "input spikes", f"dynamic µJ per query, {chip}", "cores", "not runnable as is"),
              costs, "Energy of circuits built with those ticks, placed and run.", "llrrrrl"),
    ))  # fmt: skip


def _cost(of):
    if "refused" in of:
        return "", "", of["refused"], "", ""
    low, most = of["energy"][0], of["energy"][-1]
    return (f"{of['ticks'][0]:,} to {of['ticks'][2]:,}", f"{of['spikes'][0]:,.0f} to {of['spikes'][2]:,.0f}",
            f"{low['low_pj'] / 1e6:,.3g} to {most['high_pj'] / 1e6:,.3g}", str(most["cores"]),
            _first(most["missing"]))  # fmt: skip


def _first(missing):
    if not missing:
        return ""
    return missing[0] + (f"; and {len(missing) - 1} more" if len(missing) > 1 else "")


def _counter_examples(summary):
    rows = tuple((of["dimension"], f"{of['value']:.2f}", f"{of['closed_form']:.1f}", f"{of['measured']:.1f}",
                  f"{of['spikes']:,.0f}", f"{of['error']:.3f}", of["what"])
                 for of in summary["limits"]["examples"])  # fmt: skip
    text = (
        "Searched for, over spectra, bases, sparsity and linear maps of 16 channels: data that take the most spikes "
        "over what the law says, in the random code. A dimension of eigenvalues is the same in every basis, spikes "
        "are not. Every dimension of data fails for maps that look at the channel which fires most: all the others "
        "are sent in vain.",
    )
    headings = ("dimension", "value", "factor by the formula", "factor measured", "spikes", "error", "what was found")
    return Section("Counter-examples", text, (Table(headings, rows, "Built and run at 256 ticks.", "lrrrrrl"),))


def _bounds(summary):
    rows = tuple((of["code"], f"{of['ticks']:,}", f"{of['error']:.3f}", f"{of['bits']:.1f}", f"{of['needed']:,.0f}",
                  f"{of['spikes']:,.0f}", f"{of['ratio']:.2f}") for of in summary["limits"]["bounds"])  # fmt: skip
    text = (
        "Sixteen white Gaussian numbers handed on by one layer, whose rate at the error measured is known; needed "
        "is what Poisson counts on a channel for each sign must have. Random trains stay within a small factor of "
        "it: there the constant of the law is near what it has to be. A regular train is no Poisson count, and may "
        "take fewer.",
    )
    headings = ("code", "ticks", "error", "bits", "spikes needed", "spikes used", "used over needed")
    return Section("Beside the lower bound", text, (Table(headings, rows, "Per token.", "lrrrrrr"),))


def _controls(summary):
    rows = tuple((code, *_circular(found.get("circular")), *_shuffled(found))
                 for code, found in summary["codes"].items())  # fmt: skip
    text = (
        "Left: fitted and tested on the same circuits, with the best of all dimensions and both powers free, as a "
        "circular calibration would. Right: data sets held out, and the same with dimensions shuffled between tasks.",
    )
    headings = ("code", "circular R²", "dimension chosen", "its power", "power of error", "R² of dimension, held out",
                "shuffled")  # fmt: skip
    return Section("Controls", text, (Table(headings, rows, "", "lrlrrrr"),))


def _circular(of):
    if of is None:
        return ("",) * 4
    return f"{of['r_squared']:.3f}", of["dimension"], f"{of['power']:.2f}", f"{of['power_of_error']:.2f}"


def _shuffled(found):
    if "shuffled" not in found:
        return "", ""
    return (_number(found["held_out"]["dataset"]["dimension_r_squared"][0]),
            _number(found["shuffled"]["dimension_r_squared"]))  # fmt: skip
