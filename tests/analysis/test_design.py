"""Designs by frozen constants: what the rule gives, what circuits of that length do, what is refused."""

import math

import msgspec
import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.calibration import Attention, Constants, Layered, Task, load_registration, measure
from analysis.calibration.constants import SHIPPED, calibrate_circuit
from circuits.maps import Linear
from eventsim.errors import ConfigError, ProvenanceError
from hardware_models import load_chip

RNG = np.random.default_rng(11)
TOKENS = RNG.standard_normal((1200, 8)) * np.arange(1, 9) ** -0.5


def task(function=None, n=1):
    linear = Layered("linear", (Linear(np.linalg.qr(RNG.standard_normal((8, 8)))[0]),))
    return Task(function or linear, TOKENS[:1000], TOKENS[1000:].reshape(-1, n, 8))


@pytest.fixture(scope="module")
def constants():
    return Constants.load()


def test_the_constants_that_are_shipped_are_of_the_registered_definitions(constants):
    registration, sha256 = load_registration()
    assert constants.registration_sha256 == sha256 == constants.config["registration_sha256"]
    assert constants.laws == registration.law
    assert constants.made_by == "eventsim run calibration" and not constants.config["quick"]
    assert {"one layer", "two layers", "saturating layer", "attention head"} == set(constants.circuits["random"])
    for circuits in constants.circuits.values():
        for of in circuits.values():
            assert of.low <= of.constant <= of.high and of.factor_low < of.factor_high
            assert of.fitted_on == registration.by_circuit.datasets and not set(of.fitted_on) & set(of.tested_on)


def test_constants_survive_being_written_and_read(constants, tmp_path):
    constants.save(tmp_path / "constants.json")
    assert Constants.load(tmp_path / "constants.json") == constants
    assert SHIPPED.read_bytes() == (tmp_path / "constants.json").read_bytes()


def test_ticks_are_those_of_the_law_and_grow_with_the_square_of_what_is_asked(constants):
    asked = task()
    of = constants.circuits["random"]["one layer"]
    made = [analysis.design(asked, error) for error in (0.4, 0.2, 0.1)]
    for design in made:  # a rotation hands on its input's error, and its output has the input's variance
        assert design.eps == pytest.approx(design.error, rel=1e-9)
        spikes = of.constant * asked.dimensions["magnitude"] / design.error**2
        assert design.spikes[1] == pytest.approx(spikes)
        assert design.ticks[1] == math.ceil(spikes / (of.sending * asked.rate("random")))
        assert design.ticks[0] <= design.ticks[1] <= design.ticks[2] or of.factor_high < 1 or of.factor_low > 1
    assert made[2].ticks[1] / made[0].ticks[1] == pytest.approx(16, rel=0.05)
    assert made[0].duration_ticks[1] == 2 * made[0].ticks[1] + 1


@pytest.mark.parametrize("code", ["random", "regular", "offset"])
def test_a_layer_of_the_length_that_the_rule_sets_makes_about_the_error_asked_for(code):
    asked = task()
    design = analysis.design(asked, 0.2, code)
    found = measure(asked, code, design.ticks[1], seed=4)
    assert 0.1 < found.of_output < 0.3
    assert found.spikes == pytest.approx(design.spikes[1], rel=0.15)


def test_one_spike_per_number_costs_no_more_spikes_for_less_error():
    asked = task(Attention("attention", 0.1), n=4)
    coarse, fine = (analysis.design(asked, error, "latency") for error in (0.3, 0.1))
    assert coarse.spikes == fine.spikes and coarse.ticks[1] < fine.ticks[1]


def test_energy_is_that_of_the_circuit_as_placed_and_run():
    design = analysis.design(task(), 0.4, "regular", "loihi")
    least, middle, most = design.energy
    assert [of.ticks for of in design.energy] == list(design.ticks)
    assert 0 < least.low_pj <= least.high_pj and middle.low_pj < most.high_pj
    # more than its synaptic events alone
    figure = load_chip("loihi").tables["davies2018"].energy.synaptic_event_pj.value
    assert middle.low_pj > float(figure) * middle.synaptic_events
    assert "µJ dynamic per query" in str(design) and "C = " in str(design)


def test_what_was_never_measured_is_not_designed(constants):
    deep = Layered("deep", tuple(Linear(np.eye(8)) for _ in range(3)))
    with pytest.raises(ProvenanceError, match="'3 layers' was not calibrated"):
        analysis.design(task(deep), 0.2)
    with pytest.raises(ConfigError, match="choose one of random, regular, offset"):
        analysis.design(task(), 0.2, "latency")
    with pytest.raises(ConfigError, match="above 0"):
        analysis.design(task(), 0.0)
    assert analysis.design(task(), 0.001).extrapolates and "EXTRAPOLATES" in str(analysis.design(task(), 0.001))


def test_files_that_hold_no_constants_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="eventsim run calibration writes"):
        Constants.load(tmp_path / "none.json")
    (tmp_path / "other.json").write_text('{"made_by": 3}')
    with pytest.raises(ConfigError, match="holds no constants"):
        Constants.load(tmp_path / "other.json")


def test_a_circuit_is_calibrated_on_some_data_sets_and_tested_on_all_that_it_has_not_seen():
    law = load_registration()[0].law_of("random")
    rows = pd.DataFrame({
        "task": list("abcd"), "basis": list("abcd"), "dataset": ["spectra", "spectra", "digits", "digits"],
        "code": "random", "magnitude": 4.0, "channels": 8, "error": 0.5, "spikes": [8.0, 8.0, 16.0, 16.0], "rate": 2.0,
        "ticks": [4, 4, 8, 8],
    })  # fmt: skip
    of = calibrate_circuit(law, rows, ["spectra"])
    assert of.constant == pytest.approx(0.5) and of.sending == pytest.approx(1.0)
    assert (of.measurements, of.tests) == (2, 4)
    assert of.factor_low == pytest.approx(1.0) and of.factor_high == pytest.approx(2.0)
    with pytest.raises(ConfigError, match="give sources of both"):
        calibrate_circuit(law, rows[:2], ["spectra"])
    assert msgspec.to_builtins(of)["fitted_on"] == ["spectra"]
