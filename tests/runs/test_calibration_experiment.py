"""The calibration experiment, quick: its order, its refusals, and figures against closed forms."""

import hashlib

import pytest

from analysis.calibration import Constants
from analysis.calibration.law import REGISTRATION


@pytest.fixture(scope="module")
def quick(eventsim, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "calibration"
    result = eventsim("run", "calibration", "--out", folder, "--json", "--set", "quick=true", "--set", "workers=1")
    assert result.code == 0, result.err
    return folder, result.document


@pytest.mark.slow
def test_what_was_registered_is_what_was_fitted(quick):
    folder, summary = quick
    registered = hashlib.sha256(REGISTRATION.read_bytes()).hexdigest()
    assert summary["registration_sha256"] == registered
    assert (folder / "registration.toml").read_bytes() == REGISTRATION.read_bytes()
    assert Constants.load(folder / "constants.json").registration_sha256 == registered
    assert len((folder / "measurements.csv").read_text().splitlines()) == len(summary["measurements"]) + 1
    assert "<html" in (folder / "report.html").read_text()


def test_another_hash_than_the_files_is_refused_before_anything_runs(eventsim, tmp_path):
    result = eventsim("run", "calibration", "--out", tmp_path, "--set", "registration_sha256=abc")
    assert result.code == 2
    assert "definitions changed after they were registered" in result.err
    assert list(tmp_path.iterdir()) == []


def test_codes_without_the_one_whose_limits_are_looked_for_are_refused(eventsim, tmp_path):
    result = eventsim("run", "calibration", "--out", tmp_path, "--set", 'codes=["offset"]')
    assert result.code == 2 and "add random" in result.err


@pytest.mark.slow
def test_constants_of_circuits_are_near_their_closed_forms(quick):
    _, summary = quick
    # 1 - sum E x^2/(A sum E|x|), and the noise of few inputs
    assert 0.4 < summary["codes"]["random"]["fit"]["constant"] < 1.1
    for of in summary["limits"]["clips"]:  # what is cut off adds to the error, much at 2 standard deviations
        assert of["measured"] > 0.85 * of["closed_form"]
        assert of["clip"] < 3 or of["measured"] == pytest.approx(of["closed_form"], rel=0.2)
    assert [of["tokens"] for of in summary["limits"]["averages"]] == [2, 4]
    assert summary["limits"]["averages"][1]["constant"] > 1.4 * summary["limits"]["averages"][0]["constant"]


@pytest.mark.slow
def test_a_counter_example_that_was_searched_for_takes_as_many_spikes_when_it_is_run(quick):
    for of in quick[1]["limits"]["examples"]:
        assert of["closed_form"] > 2
        assert of["measured"] == pytest.approx(of["closed_form"], rel=0.4)


@pytest.mark.slow
def test_one_constant_for_layers_and_heads_does_not_hold(quick):
    found = quick[1]["codes"]["random"]
    assert found["levels"]["circuit"]["attention head"]["bias"][0] > 3
    assert found["verdict"]["fold_error"] is False


@pytest.mark.slow
def test_designs_say_how_often_they_hold(quick):
    held = quick[1]["designs"]["held"]
    for of in held.values():
        assert 0 <= of["low"] <= of["kept"] / of["designs"] <= of["high"] <= 1
    rows = quick[1]["designs"]["rows"]
    assert len(rows) == 2 * held["middle"]["designs"]
    assert all(row["measured"] > 0 and row["spikes"] > 0 for row in rows)
