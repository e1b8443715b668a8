"""paper-claims: what is said of each claim follows from figures, whichever way they come out; and one quick run."""

import json

import pytest

from runs.experiments.paper_claims import constant, energy, lower_bound, rate, time_steps
from runs.experiments.paper_claims.claim import ANSWERED, FAILS, HOLDS, OPEN, STANDS, UNDER
from runs.experiments.paper_claims.lab import Lab, workers


class Given:
    """A laboratory that has one summary for every experiment."""

    quick = True

    def __init__(self, summary):
        self._summary = summary

    def summary(self, name):
        return self._summary


def circuit(name, expected, slope, agrees=True):
    fit = {"slope": slope, "slope_error": 0.01, "slope_low": slope - 0.02, "slope_high": slope + 0.02}
    ratio = {"ratio": 1.0, "standard_error": 0.01}
    return {"circuit": name, "clock": "grid", "expected_slope": expected, "fit": fit, "ratio": ratio, "runs": 90,
            "agrees": agrees}  # fmt: skip


def convergence_of(*circuits):
    points = [{"ticks": ticks, "tv": ticks**-0.5, "tv_error": 0.01} for ticks in (10, 100)]
    curves = [{"circuit": each["circuit"], "clock": "grid", "n": 4, "sd": 1.0, "points": points} for each in circuits]
    return {"circuits": list(circuits), "curves": curves, "controls": [], "config": {"runs": 30}}


def test_a_circuit_that_falls_more_slowly_refutes_the_rate():
    sound, slow = circuit("race", -0.5, -0.5), circuit("race", -0.5, -0.4, agrees=False)
    claimed, objection = rate.claims(Given(convergence_of(sound, circuit("first_spike", -1.0, -1.0))))
    assert (claimed.verdict, objection.verdict) == (HOLDS, ANSWERED)
    assert "1 fall faster" in claimed.short and "slope -0.500 [-0.520, -0.480]" in claimed.found[0]
    claimed, objection = rate.claims(Given(convergence_of(slow)))
    assert (claimed.verdict, objection.verdict) == (FAILS, STANDS)
    assert "race (grid) do not" in objection.short


def saturation_of(growth, ratio):
    saturates = growth is not None and growth <= 0.15 and ratio >= 1
    verdicts = [{"circuit": "escape_inhibition", "cut": "weights", "bound": bound, "least": ratio, "most": 2 * ratio,
                 "growth": growth, "beaten": ratio < 1, "saturates": saturates}
                for bound in ("coding-agnostic bound", "count bound", "Poisson count bound")]  # fmt: skip
    rows = [{"circuit": "escape_inhibition", "n": 4, "length": length, "cut": "weights", "bound": verdict["bound"],
             "ratio": ratio, "low": 0.9 * ratio, "high": 1.1 * ratio, "error": 0.1, "size": 1.0, "runs": 24,
             "bits": 8.0, "spikes": 64.0, "needed": 64.0 / ratio}
            for verdict in verdicts for length in (16, 64)]  # fmt: skip
    return {"verdicts": verdicts, "rows": rows, "config": {"runs": 24, "queries": 24}}


def test_a_ratio_that_grows_refutes_tightness_and_one_below_one_the_bound():
    law, tight, bits = lower_bound.claims(Given(saturation_of(0.0, 6.0)))
    assert (law.verdict, tight.verdict, bits.verdict) == (UNDER, UNDER, ANSWERED)
    assert "6 to 12 times" in tight.short and "no circuit tried went below" in law.short
    assert "0.125" in bits.short  # 8 bits over 64 spikes
    assert list(lower_bound.claims(Given(saturation_of(0.5, 6.0))))[1].verdict == FAILS
    assert list(lower_bound.claims(Given(saturation_of(None, 6.0))))[1].verdict == OPEN
    below = next(lower_bound.claims(Given(saturation_of(-0.5, 0.4))))
    assert "1 of the circuits tried go below it" in below.short and "0.4 [0.36, 0.44]" in below.found[0]


@pytest.mark.parametrize("accuracy, verdict", [(0.95, UNDER), (0.5, FAILS)])
def test_four_steps_are_enough_for_classes_or_are_not(accuracy, verdict):
    rows = [{"circuit": "latency head", "cut": "output + reading", "length": ticks, "error": 2 / ticks, "size": 0.5}
            for ticks in (4, 64)]  # fmt: skip
    model = {"model": "spikformer", "accuracy": accuracy, "images": 20, "spikes_per_image": 9.0,
             "accuracy_by_steps": [0.5, accuracy]}  # fmt: skip
    (claim,) = time_steps.claims(Given({"rows": rows, "config": {"head_ticks": [4, 64]}, "models": [model]}))
    assert claim.verdict == verdict and "off by 1 of" in claim.short
    assert "5.2 to 7.2" in claim.short  # sqrt(2.3 * 47/4) and sqrt(2.3 * 89/4)
    assert "latency head: error over size of the output 1.00 in 4 ticks, 0.062 in 64" in claim.found


def calibration_of(constants, r_squared, on_layers):
    of = {name: {"constant": c, "low": 0.9 * c, "high": 1.1 * c} for name, c in constants.items()}
    test = {"r_squared": [r_squared, r_squared - 0.1, 1.0], "fold_error": [1.5, None, None], "tasks": 9}
    layers = test | {"r_squared": [on_layers, 0.1, 1.0], "dimension_r_squared": [0.8, 0.7, 0.9]}
    code = {"test": test, "test_on_layers": layers, "circular": None,
            "rivals": {"error alone": {"layers": {"r_squared": [0.6, None, None]}}},
            "predicted": {"predicted": [1.0, 2.0], "measured": [1.0, 3.0], "circuit": ["one layer"] * 2}}  # fmt: skip
    return {"constants": {"random": of}, "codes": {"random": code}, "measurements": [1, 2],
            "registration_sha256": "ab" * 32}  # fmt: skip


@pytest.mark.parametrize(
    "constants, r_squared, layers, verdicts",
    [({"layer": 2.2, "head": 2.4}, 0.98, 0.99, (HOLDS, HOLDS)),
     ({"layer": 0.7, "head": 7.0}, 0.2, 0.98, (FAILS, UNDER)),
     ({"layer": 2.3, "head": 7.0}, 0.2, 0.5, (FAILS, FAILS))],
)  # fmt: skip
def test_the_constant_and_the_fit_hold_only_for_all_circuits(constants, r_squared, layers, verdicts):
    claims = constant.claims(Given(calibration_of(constants, r_squared, layers)))
    of_constant, of_fit = next(claims), next(claims)
    assert (of_constant.verdict, of_fit.verdict) == verdicts
    assert f"to {max(constants.values()):.2g} (random, head)" in of_constant.short
    assert f"{layers:.2f} (random) over layers" in of_fit.short


def test_the_ratio_of_energies_is_reached_or_not_by_the_models_at_hand(tmp_path):
    said = []
    with workers() as executor:
        lab = Lab(tmp_path, True, energy.NEEDS, executor, said.append)
        (claim,) = energy.claims(lab)
    summary = json.loads((tmp_path / "energy-claim" / "summary.json").read_text())
    first = [model["ratios"][0] for model in summary["models"] if model["ratios"][0] is not None]
    assert claim.verdict == (UNDER if max(first) >= 38 else FAILS)
    assert f"{min(first):.1f} to {max(first):.1f}" in claim.short and len(claim.found) == len(summary["accountings"])
    assert lab.seconds["energy-claim"] > 0 and lab.summary("energy-claim") == summary
    assert said == ["running energy-claim", "energy-claim has ended"]


def test_each_claim_becomes_plain_types_without_its_figures():
    for claim in lower_bound.claims(Given(saturation_of(0.0, 6.0))):
        document = json.loads(json.dumps(claim.to_json()))
        assert "parts" not in document and document["name"] == claim.name and claim.pages == ("saturation",)


@pytest.mark.slow
def test_the_quick_run_says_something_of_every_claim(eventsim, tmp_path):
    result = eventsim("run", "paper-claims", "--quick", "--out", tmp_path, "--json")
    assert result.code == 0, result.err
    claims = {claim["name"]: claim for claim in result.document["claims"]}
    assert claims["O(1/√T) convergence"]["verdict"] == HOLDS
    assert claims["The lower bound"]["verdict"] == UNDER and "go below it" in claims["The lower bound"]["short"]
    assert claims["C = 2.3 [1.9, 2.7]"]["verdict"] == FAILS and claims["Circularity (referee)"]["verdict"] == ANSWERED
    assert claims["Effective dimension 47 to 89"]["verdict"] == OPEN
    for objection in ("Bits and spikes", "Circuits", "Equivariance", "Convergence"):
        assert claims[f"{objection} (referee)"]["verdict"] == ANSWERED
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(claim["says"].split(".")[0].split("'")[0] in page for claim in claims.values())
    for name in {page for claim in claims.values() for page in claim["pages"]}:
        assert (tmp_path / name / "report.html").is_file()


def test_quick_is_a_setting_and_an_experiment_without_it_says_so(eventsim):
    refused = eventsim("run", "digits-heads", "--quick")
    assert refused.code == 2 and "has no key 'quick'" in refused.err
