"""effective-dimension as a user runs it, on the sets that come along and on a file of his own."""

import numpy as np
import pytest

from eventsim.errors import ConfigError
from runs.run import run_experiment

SMALL = ["samples=80", "side=6", "repeats=2", "exponents=[2.0]", 'sets=["digits","surrogates","noise"]']


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dimension")
    return folder, *run_experiment("effective-dimension", SMALL, folder)


def rows(summary, place):
    return {row["definition"]: row for row in summary["sets"][place]["estimates"]}


def test_it_leaves_a_summary_and_a_report_with_figures(small):
    folder, summary, text = small
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "summary.json"]
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "Only the abstract and that exchange are at hand" in page
    assert [each["name"] for each in summary["sets"]] == ["digits", "1/f^2 images", "white noise"]
    assert "white noise: 80 samples of 108 channels" in text


def test_where_the_covariance_is_known_so_is_the_dimension(small):
    digits, _, noise = (rows(small[1], place) for place in range(3))
    assert digits["participation ratio"]["known"] is None
    assert noise["participation ratio"]["known"] == noise["participation ratio, corrected"]["known"] == 108
    assert noise["principal components, 95 %"]["known"] == 103  # 0.95 x 108 = 102.6
    assert noise["two nearest neighbours"]["known"] is None
    # Of 80 samples of 108 equal channels: 1 / (1/108 + 1/79).
    assert noise["participation ratio"]["estimate"] == pytest.approx(45.6, abs=1.5)
    corrected = noise["participation ratio, corrected"]
    assert corrected["low"] < 108 < corrected["high"]


def test_an_estimate_inside_the_claimed_range_is_marked_and_so_is_one_of_fewer_samples(small):
    noise = rows(small[1], 2)
    for row in noise.values():
        assert row["inside"] == (47 <= row["estimate"] <= 89)
    # 80 samples span 79 dimensions, 40 of them 39.
    most = noise["principal components, 99 %"]
    assert most["inside"] and most["inside_with_fewer"] == []
    _, summary, _ = run_and_tell(small[0], *SMALL, "claimed=[30,40]", 'sets=["noise"]')
    most = rows(summary, 0)["principal components, 99 %"]
    assert not most["inside"] and most["inside_with_fewer"] == [40]


def test_a_file_of_the_users_own_is_set_beside_noise_with_as_many_channels(tmp_path):
    np.save(tmp_path / "own.npy", np.random.default_rng(1).standard_normal((90, 5, 2)))
    _, summary, text = run_and_tell(tmp_path, f"data='{tmp_path / 'own.npy'}'")
    assert [(each["samples"], each["channels"]) for each in summary["sets"]] == [(90, 10), (90, 10)]
    assert summary["sets"][1]["name"] == "white noise" and "array: 90 samples of 10 channels" in text


def test_a_text_of_few_words_has_no_neighbours_and_is_reported_all_the_same(tmp_path):
    (tmp_path / "few.txt").write_text("a b c d " * 100)
    out, summary, text = run_and_tell(tmp_path, f"data='{tmp_path / 'few.txt'}'")
    assert rows(summary, 0)["two nearest neighbours"]["estimate"] is None and (out / "report.html").exists()
    assert "two nearest neighbours                 none" in text


def run_and_tell(folder, *settings):
    out = folder / "out"
    return out, *run_experiment("effective-dimension", ["repeats=2", *settings], out)


@pytest.mark.parametrize(
    "setting, message",
    [
        ("data='nowhere.npy'", "nowhere.npy: there is no such file"),
        ("samples=10", "samples=10"),
        ('sets=["cifar"]', "choose one of digits, photographs"),
        ("format=png", "choose one of detect, array"),
        ("side=200", "side is 200; crops"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(tmp_path, setting, message):
    with pytest.raises(ConfigError, match=message):
        run_and_tell(tmp_path, setting)


def test_a_file_with_too_few_samples_is_told(tmp_path):
    np.save(tmp_path / "few.npy", np.eye(12))
    with pytest.raises(ConfigError, match=r"few\.npy: holds 12 samples; a dimension takes at least 64"):
        run_and_tell(tmp_path, f"data='{tmp_path / 'few.npy'}'")
