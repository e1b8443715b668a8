"""saturation: entropies of the sources against estimates that do not know them, and a small run of the experiment."""

import json

import numpy as np
import pytest

from analysis.spike_bounds import entropy_estimate, rate_bound, shannon_bits
from runs.config import load_config
from runs.experiments import EXPERIMENTS
from runs.experiments.saturation.experiment import _verdicts, in_words
from runs.experiments.saturation.points import head_points, output_entropy, softmax_entropy, softmax_point
from runs.experiments.saturation.report import LIMIT, _short

SMALL = ("quick=true", "seed=2", 'heads=["latency"]',
         'circuits=["escape_inhibition", "integrate_inhibition", "first_spike"]')  # fmt: skip


@pytest.mark.parametrize("n, sd", [(3, 0.5), (4, 1.0)])
def test_the_entropy_of_a_softmax_of_normal_logits_is_that_of_its_nearest_neighbours(n, sd):
    z = sd * np.random.default_rng(1).standard_normal((8000, n))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    plane = np.linalg.svd(np.eye(n) - 1 / n)[0][:, : n - 1]  # an orthonormal basis of sum p = constant
    found, standard_error = entropy_estimate(p @ plane)
    assert softmax_entropy(n, sd) == pytest.approx(found, abs=3 * standard_error + 0.05)


def test_the_entropy_of_two_shares_is_that_of_a_logistic_normal_by_quadrature():
    x = np.linspace(-12, 12, 200_001)
    density = np.exp(-(x**2) / 4) / np.sqrt(4 * np.pi)  # of z_1 - z_2
    p = 1 / (1 + np.exp(-x))
    nats = -np.trapezoid(density * np.log(density / (p * (1 - p))), x)
    assert softmax_entropy(2, 1.0) == pytest.approx(nats / np.log(2) + 0.5, abs=0.01)  # the plane is sqrt 2 longer


def test_the_entropy_of_outputs_follows_the_determinant_of_the_weights():
    weights = np.array([[0.75, 0.25], [0.5, 0.5]])
    assert output_entropy(weights[None], 3)[0] == pytest.approx(6 + 3 * np.log2(0.25))
    v = np.random.default_rng(2).uniform(-1, 1, (6000, 2))
    found, standard_error = entropy_estimate(v @ weights.T)
    assert output_entropy(weights[None], 1)[0] == pytest.approx(found, abs=3 * standard_error + 0.06)


def test_a_point_counts_the_spikes_of_its_cut_and_its_bits_grow_as_errors_shrink():
    options = {"rate_per_tick": 0.25, "inhibition": 0.5}
    counted = softmax_point("integrate_inhibition", 4, 64, 1.0, 8, options, 3)
    assert counted.spikes.mean() == pytest.approx(64, abs=3) and counted.channels == 4
    timed = softmax_point("first_spike", 4, 64, 1.0, 8, options, 3)
    assert (timed.spikes == 5).all() and timed.channels == 5 and timed.cut.name == "pool + release"
    halved = counted.bits(1e-4).bits - counted.bits(4e-4).bits
    assert halved == pytest.approx(3)  # one bit for each of 3 dimensions
    values, outputs = head_points("latency", 3, 2, 2.0, 32, 8, 1, None)
    assert values.channels == 12 and values.spikes.max() <= 6 and outputs.channels == 9
    assert (outputs.spikes <= 9).all() and (values.squared_errors == outputs.squared_errors).all()


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saturation")
    experiment, config = load_config("saturation", SMALL, EXPERIMENTS)
    found = experiment.run(config, folder, False)
    return folder, experiment, json.loads(json.dumps(found, allow_nan=False))


def verdict_of(summary, circuit, bound):
    return next(v for v in summary[2]["verdicts"] if v["circuit"] == circuit and v["bound"] == bound)


@pytest.mark.slow
def test_which_circuit_saturates_which_bound(summary):
    assert verdict_of(summary, "first_spike", "coding-agnostic bound")["saturates"]
    assert verdict_of(summary, "integrate_inhibition", "count bound")["saturates"]
    regular = verdict_of(summary, "integrate_inhibition", "coding-agnostic bound")
    assert not regular["saturates"] and regular["growth"] > 0.4
    # A negative control: counts without noise, and times, are below the bound of Poisson counts.
    assert verdict_of(summary, "integrate_inhibition", "Poisson count bound")["beaten"]
    assert verdict_of(summary, "first_spike", "count bound")["beaten"]
    assert not verdict_of(summary, "escape_inhibition", "Poisson count bound")["beaten"]


def trend(bits, ratios, lengths=(16, 64, 256)):
    """The verdict on one circuit of 3 dimensions, from the bits and the ratio at each length."""
    rows = [{"circuit": "c", "cut": "weights", "bound": "b", "n": 4, "dimensions": 3, "length": length, "bits": bit,
             "ratio": ratio, "low": 0.9 * ratio, "high": 1.1 * ratio}
            for length, bit, ratio in zip(lengths, bits, ratios)]  # fmt: skip
    (found,) = _verdicts(rows)
    return found


def test_a_ratio_that_falls_for_want_of_bits_is_no_trend():
    """From 16 to 64 the ratio falls since a tenth of a bit asks for next to nothing; from 64 on it grows."""
    growing = trend((0.1, 4.0, 8.0), (500.0, 50.0, 100.0))
    assert growing["growth"] == pytest.approx(0.5) and not growing["saturates"]
    assert "no: 100 times, growing" in _short(growing)
    unknown = trend((0.1, 1.0, 8.0), (500.0, 50.0, 40.0))
    assert unknown["growth"] is None and not unknown["saturates"]
    assert _short(unknown).startswith("open") and "for a trend" in in_words(unknown)
    falling, level = trend((4.0, 8.0, 12.0), (8.0, 4.0, 2.0)), trend((4.0, 8.0, 12.0), (2.0, 2.0, 2.1))
    assert _short(falling) == "yes, 2 times at most, and falling as length^-0.50"
    assert _short(level) == "yes, up to a factor of 2.1"


@pytest.mark.parametrize("n", [4, 16])
def test_in_the_limit_random_shares_leave_the_poisson_bound_behind_as_the_nth_root(n):
    """The statement of the page, by the law of the shares' error and the functions that the bounds come from."""

    def ratio(spikes):
        bits = shannon_bits(softmax_entropy(n, 1.0), 0.7 / spikes, n - 1)
        return rate_bound(bits, n, cut="weights").saturation(spikes)

    assert np.log2(ratio(2e30) / ratio(1e30)) == pytest.approx(1 / n, abs=0.01)
    assert "K^(1/n)" in LIMIT


@pytest.mark.slow
def test_nothing_is_below_the_bound_of_any_code(summary):
    rows = [row for row in summary[2]["rows"] if row["bound"] == "coding-agnostic bound" and row["ratio"] is not None]
    assert len(rows) > 15
    assert all(row["high"] is None or row["high"] >= 1 for row in rows)


@pytest.mark.slow
def test_the_page_and_the_terminal_say_what_came_out(summary):
    folder, experiment, found = summary
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 1 and "Does escape_inhibition saturate" in page
    said = list(experiment.lines(found))
    assert any("integrate_inhibition" in line and "not the code that it assumes" in line for line in said)
