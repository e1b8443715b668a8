"""Laws and their fits, on tables whose constant is known, and tasks against derivatives and coins."""

import numpy as np
import pandas as pd
import pytest

from analysis.calibration.dimensions import DIMENSIONS, magnitude_dimension
from analysis.calibration.fit import fit, held_out, residuals, score
from analysis.calibration.functions import Attention, Layered
from analysis.calibration.law import REGISTRATION, Law, load_registration
from analysis.calibration.tasks import Task, measure
from circuits.maps import Linear
from eventsim.errors import ConfigError, ProvenanceError

LAW = Law("random", "spikes", 2.0, {"magnitude": 1.0}, "magnitude")


def table(tasks=40, constant=0.5, noise=0.1, seed=0):
    """Three measurements of each task, whose spikes keep to the law but for noise that they share."""
    rng = np.random.default_rng(seed)
    each = pd.DataFrame({
        "task": [f"task {k}" for k in range(tasks)], "family": rng.choice(["linear", "pooling"], tasks),
        "circuit": "one layer", "dataset": rng.choice(["spectra", "digits"], tasks), "code": "random",
        **{name: np.exp(rng.uniform(0, 3, tasks)) for name in DIMENSIONS}, "off": noise * rng.standard_normal(tasks),
    })  # fmt: skip
    rows = each.loc[each.index.repeat(3)].reset_index(drop=True)
    rows["error"] = np.tile([0.05, 0.1, 0.2], tasks)
    rows["spikes"] = constant * rows["magnitude"] / rows["error"] ** 2 * np.exp(rows["off"])
    rows["ticks"] = 4 * rows["spikes"]
    return rows


def test_a_law_is_its_powers():
    rows = {"magnitude": [4.0], "half": [9.0], "channels": [16.0], "error": [0.5], "spikes": [3.0], "ticks": [8.0]}
    assert LAW.shape(rows) == [16.0]
    assert LAW.with_dimension("half").shape(rows) == [36.0]
    regular = Law("regular", "spikes", 1.0, {"magnitude": 0.5, "channels": 0.5}, "magnitude")
    assert regular.shape(rows) == [16.0] and regular.with_dimension("channels").shape(rows) == [32.0]
    assert LAW.baselines()["channels alone"].shape(rows) == [16.0]
    assert Law("latency", "ticks", 1.0, {}).measured(rows) == pytest.approx(8 / np.log(8))


def test_a_constant_is_found_and_its_interval_holds_it_as_often_as_it_says():
    found = [fit(LAW, table(tasks=20, seed=seed), seed) for seed in range(200)]
    assert np.mean([f.constant for f in found]) == pytest.approx(0.5, rel=0.01)
    assert 0.88 <= np.mean([f.low <= 0.5 <= f.high for f in found]) <= 0.99
    assert found[0].tasks == 20 and found[0].measurements == 60


def test_the_scores_of_a_true_law_are_those_of_its_noise_and_of_the_mean_nothing():
    rows, other = table(tasks=300), table(tasks=300, seed=1)
    scores = score(LAW, other, fit(LAW, rows))
    assert scores.fold_error[0] == pytest.approx(np.exp(0.1), rel=0.02)
    assert scores.bias[0] == pytest.approx(1.0, abs=0.02) and scores.bias[1] < scores.bias[0] < scores.bias[2]
    assert scores.r_squared[0] > 0.98 and scores.dimension_r_squared[0] > 0.96
    mean = score(LAW.baselines()["mean only"], other, fit(LAW.baselines()["mean only"], rows))
    assert abs(mean.r_squared[0]) < 0.02
    error_alone = LAW.baselines()["error alone"]
    assert abs(score(error_alone, other, fit(error_alone, rows)).dimension_r_squared[0]) < 0.02
    wrong = LAW.with_dimension("half")
    assert score(wrong, other, fit(wrong, rows)).dimension_r_squared[0] < 0


def test_what_is_held_out_has_no_part_in_its_prediction():
    rows = table()
    rows.loc[rows["family"] == "pooling", "spikes"] *= 10
    missed = held_out(LAW, rows, "family")[0]
    pooling = (rows["family"] == "pooling").to_numpy()
    assert missed[pooling].mean() == pytest.approx(np.log(10), abs=0.1)
    assert missed[~pooling].mean() == pytest.approx(-np.log(10), abs=0.1)
    assert np.abs(residuals(LAW, fit(LAW, rows), rows)).max() < np.log(10)
    with pytest.raises(ConfigError, match="none is left"):
        held_out(LAW, rows, "circuit")


def test_dimensions_that_are_shuffled_between_tasks_foretell_nothing():
    rows = table(tasks=100)
    names = rows["task"].unique()
    turned = rows.drop_duplicates("task").set_index("task")["magnitude"].sample(frac=1, random_state=0).to_numpy()
    rows["magnitude"] = rows["task"].map(dict(zip(names, turned)))
    assert score(LAW, rows, held_out(LAW, rows, "task")).dimension_r_squared[0] < 0


def test_a_registration_that_changed_is_refused(tmp_path):
    registration, sha256 = load_registration()
    assert {law.code for law in registration.law} == {"random", "offset", "regular", "latency"}
    changed = tmp_path / "registration.toml"
    changed.write_bytes(REGISTRATION.read_bytes().replace(b"power = 2.0", b"power = 1.9", 1))
    with pytest.raises(ProvenanceError, match="changed after they were registered"):
        load_registration(changed, sha256)
    changed.write_bytes(REGISTRATION.read_bytes().replace(b"magnitude = 1.0", b"magnitute = 1.0", 1))
    with pytest.raises(ConfigError, match="not a registration"):
        load_registration(changed)
    with pytest.raises(ConfigError, match="no law"):
        registration.law_of("rank")


def test_the_magnitude_dimension_of_gaussian_channels_is_two_over_pi_of_the_half_dimension():
    x = np.random.default_rng(0).standard_normal((200_000, 6)) * [3.0, 2.0, 1.0, 1.0, 0.5, 0.1]
    assert magnitude_dimension(x) / DIMENSIONS["half"](x) == pytest.approx(2 / np.pi, rel=0.01)
    assert magnitude_dimension(np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])) == 2


RNG = np.random.default_rng(3)
FUNCTIONS = {
    "linear": Layered("linear", (Linear(RNG.standard_normal((2, 6))),)),
    "relu": Layered("relu network", (Linear(RNG.standard_normal((5, 6))), Linear(RNG.standard_normal((2, 5))))),
    "tanh": Layered("hard tanh", (Linear(RNG.standard_normal((4, 6))),), saturates=1.0),
    "attention": Attention("attention", 0.7),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gain_is_that_of_small_errors_in_what_is_encoded(name):
    f, x, step = FUNCTIONS[name], RNG.standard_normal((6, 2, 3)), 1e-5
    if name == "attention":  # of queries, keys and values apart: by softmax in plain numpy
        encoded = np.concatenate([x, x, x], axis=1)

        def of(e):
            q, k, v = e[:, :2], e[:, 2:4], e[:, 4:]
            p = np.exp(0.7 * q @ k.swapaxes(1, 2))
            return ((p / p.sum(axis=-1, keepdims=True)) @ v).reshape(len(e), -1)
    else:
        encoded, of = x, f
    np.testing.assert_allclose(of(encoded), f(x))
    total = 0.0
    for place in np.ndindex(encoded.shape[1:]):
        moved = np.zeros(encoded.shape[1:])
        moved[place] = step
        total += np.square((of(encoded + moved) - of(encoded - moved)) / (2 * step)).sum() / len(x)
    assert f.square_gain(x) == pytest.approx(total / encoded[0].size, rel=1e-4)


def test_a_linear_layer_takes_the_spikes_and_makes_the_error_of_coins():
    tokens = RNG.standard_normal((1200, 4)) * [2.0, 1.0, 1.0, 0.5]
    rotation = np.linalg.qr(RNG.standard_normal((4, 4)))[0]
    task = Task(Layered("linear", (Linear(rotation),)), tokens[:1000], tokens[1000:, None])
    found = measure(task, "random", 128, seed=2)
    x, amplitude = np.abs(task.x[:, 0]), task.amplitude("random")
    assert found.spikes == pytest.approx(128 * x.sum(axis=1).mean() / amplitude, rel=0.02)
    # 200 inputs and 4 numbers each: a standard error of sqrt(2/800) in the mean square, relative to it.
    due = (amplitude * x - x**2).sum(axis=1).mean() / 128 / task.unit
    assert found.error**2 == pytest.approx(due, rel=4 * np.sqrt(2 / 800))
    assert found.of_output == pytest.approx(found.error, rel=0.05)  # a rotation hands on what it is given


def test_a_task_whose_inputs_have_other_channels_is_refused():
    with pytest.raises(ConfigError, match="the same d in both"):
        Task(FUNCTIONS["linear"], np.zeros((5, 3)), np.zeros((2, 1, 4)))
