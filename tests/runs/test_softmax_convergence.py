"""softmax-convergence, small: circuits against their laws, controls with floors, one report, and what is refused."""

import json

import numpy as np
import pytest

from eventsim import open_trace
from eventsim.errors import CapacityError, ConfigError
from runs.config import load_config
from runs.experiments import EXPERIMENTS
from runs.experiments.softmax_convergence.copies import KINDS, measure
from runs.experiments.softmax_convergence.failures import FAILURES

OPTIONS = {"rate_per_tick": 0.25, "inhibition": 0.5}
LENGTHS = {"first_spike": 64, "gated_counts": 512, "thinning": 64}


def logits(runs, n, sd, seed=0):
    return sd * np.random.default_rng(seed).standard_normal((runs, n))


def check_against_law(name, clock):
    spread = 1.5 if name == "thinning" else 0.5  # scores are whole numbers: rounded logits must differ
    runs = measure(KINDS[name], logits(60, 4, spread), LENGTHS.get(name, 256), OPTIONS, seed=3, clock=clock)
    uncertain = runs.law > 1e-6
    relative = np.square(runs.l2[uncertain] / runs.law[uncertain])
    error = relative.std() / np.sqrt(relative.size)
    assert abs(relative.mean() - 1) < 4 * error < 0.9
    assert (runs.tv <= np.sqrt(4) / 2 * runs.l2 + 1e-12).all()


def test_the_error_of_integrate_inhibition_is_that_of_its_law():
    check_against_law("integrate_inhibition", "grid")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["race", "escape_inhibition", "thinning", "gated_counts", "first_spike"])
def test_the_error_of_a_circuit_is_that_of_its_law(name):
    check_against_law(name, "grid")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["race", "escape_inhibition", "integrate_inhibition"])
def test_the_error_of_a_circuit_in_continuous_time_is_that_of_its_law(name):
    check_against_law(name, "continuous")


@pytest.mark.slow
def test_first_spikes_in_continuous_time_have_no_error():
    assert measure(KINDS["first_spike"], logits(10, 4, 1.0), 32, OPTIONS, seed=3, clock="continuous").tv.max() < 1e-12


@pytest.fixture(scope="module")
def small(eventsim, tmp_path_factory):
    """(folder, result) of a run with two circuits' worth of work."""
    folder = tmp_path_factory.mktemp("softmax")
    settings = {"tokens": [4, 16], "logit_sds": [1.0, 2.0], "runs": 8, "continuous_runs": 4, "resamples": 50,
                "spikes": [16, 32, 64, 128], "rounds": [4, 8, 16, 32], "deterministic_spikes": [32, 64, 128, 256],
                "taus": [16, 32, 64, 128], "continuous_spikes": [8, 16, 32, 64],
                "control_spikes": [64, 512]}  # fmt: skip
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    result = eventsim("run", "softmax-convergence", "--out", folder, "--json", *options)
    assert result.code == 0, result.err
    return folder, result.document


@pytest.mark.slow
def test_a_small_run_leaves_a_summary_a_report_and_a_trace(small):
    folder, summary = small
    assert json.loads((folder / "summary.json").read_text()) == summary
    page = (folder / "report.html").read_text()
    assert all(f">{name}<" in page for name in KINDS) and all(failure.name in page for failure in FAILURES)
    with open_trace(folder / "trace.h5") as trace:
        assert trace.n_spikes > 100


@pytest.mark.slow
def test_deterministic_circuits_fall_faster_than_random_ones(small):
    slopes = {(c["circuit"], c["clock"], c["n"], c["sd"]): c["fits"]["ticks"]["slope"] for c in small[1]["curves"]}
    mean = {name: np.mean([s for (circuit, clock, _, sd), s in slopes.items() if circuit == name and sd == 1
                           and clock == "grid"]) for name in KINDS if KINDS[name].slope}  # fmt: skip
    for name in ("race", "escape_inhibition", "thinning"):
        assert -0.75 < mean[name] < -0.25
    for name in ("integrate_inhibition", "first_spike"):
        assert -1.25 < mean[name] < -0.75


@pytest.mark.slow
def test_controls_and_failures_stay_far_from_softmax(small):
    _, summary = small
    sound = summary["controls"][0]["sound"]
    assert all(control["floor"] > 4 * sound for control in summary["controls"])
    by_name = {
        failure["name"]: [row["points"][-1]["tv"] for row in failure["settings"]] for failure in summary["failures"]
    }
    for name in ("ties", "hard reset", "refractory period", "jitter", "mismatched ramps", "mismatched leaks"):
        assert by_name[name] == sorted(by_name[name])  # the stronger, the farther
    assert by_name["leaky membranes"] == sorted(by_name["leaky membranes"], reverse=True)
    assert by_name["mismatched inhibition"][2] < by_name["mismatched inhibition"][1] / 3  # what a leak is good for


@pytest.mark.parametrize(
    "setting, message",
    [
        ("tokens=[1]", "tokens"), ("logit_sds=[0.0]", "logit_sds"), ("spikes=[16]", "spikes"), ("runs=2", "runs"),
        ("rate_per_tick=0.9", "rate_per_tick"), ("seeds=1", "no key 'seeds'"),
    ],
)  # fmt: skip
def test_a_senseless_configuration_is_one_line(setting, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config("softmax-convergence", [setting], EXPERIMENTS)
    assert "\n" not in str(caught.value)


def test_more_copies_than_memory_holds_are_refused_in_bytes_before_any_work(tmp_path):
    experiment, config = load_config("softmax-convergence", ["tokens=[4, 40000000]"], EXPERIMENTS)
    with pytest.raises(CapacityError, match=r"bytes asked.*lower runs or tokens"):
        experiment.run(config, tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []
