"""Which models have an exact solution here, and what is said about the others."""

import numpy as np
import pytest

import eventsim
from eventsim.errors import CompileError, ConfigError
from eventsim.neurons import CURRENTS, ESCAPE, EXPONENTIAL, GATE, LEAKY, SOURCE
from eventsim.neurons.affine import affine_form
from eventsim.neurons.recognise import recognise
from tests.eventsim.continuous.hand_made import (
    Cells,
    escape,
    exponential,
    gate,
    integrate,
    lif,
    network,
    sources,
    wires,
)
from tests.eventsim.continuous.runs import run_exactly


def _model(cells):
    return recognise(network([cells]), 0)


def _custom(rates, *, condition="v > 1", state=("v",), constants=None, **options):
    return Cells("odd", 2, state=dict.fromkeys(state, 0.5), rates=rates, condition=condition,
                 constants={"tau": 0.01, "s": 0.005, **(constants or {})}, **options)  # fmt: skip


@pytest.mark.parametrize("cells, family", [
    (sources("a", 2), SOURCE), (lif("a", 2), LEAKY), (integrate("a", 2), LEAKY), (gate("a", 2, 0.5), GATE),
    (exponential("a", 2, rate=0.1, drift=0.0), EXPONENTIAL), (escape("a", 2, rate=0.1, drift=0.0), ESCAPE),
    (_custom({"v": "(a - v)/tau", "a": "-a/s"}, state=("v", "a")), CURRENTS),
    (_custom({"v": "(a + 2*b - v)/tau", "a": "-a/s", "b": "-b/tau"}, state=("v", "a", "b")), CURRENTS),
    (_custom({"v": "(a - v)/tau", "a": "(b - a)/s", "b": "-b/s"}, state=("v", "a", "b")), CURRENTS),
    (_custom({"v": "-v/tau"}, condition=""), LEAKY),
])  # fmt: skip
def test_each_family_is_recognised(cells, family):
    assert _model(cells).family == family


def test_numbers_come_out_per_tick():
    model = _model(lif("a", 2, tau=0.02, drive=3.0, theta=7.0, reset=-1.0, refractory_s=2.5e-4, strict=True))
    assert model.parameters[0, :3].tolist() == pytest.approx([0.005, 0.015, 3.0], rel=1e-15)
    assert (model.theta[0], model.strict, model.guarded, model.refractory) == (7.0, True, True, pytest.approx(2.5))
    assert (model.keep[0, 0], model.shift[0, 0]) == (0.0, -1.0)
    assert (_model(integrate("a", 1)).keep[0, 0], _model(integrate("a", 1)).shift[0, 0]) == (1.0, -1.0)


@pytest.mark.parametrize("condition, theta, strict", [
    ("v >= 2", 2.0, False), ("2 < v", 2.0, True), ("v - 1 > 2*tau", 1.02, True), ("2*v >= 3", 1.5, False),
])  # fmt: skip
def test_thresholds_may_be_written_in_any_way_round(condition, theta, strict):
    model = _model(_custom({"v": "-v/tau"}, condition=condition))
    assert (model.theta[0], model.strict) == (pytest.approx(theta, rel=1e-15), strict)


def test_a_model_of_neurons_that_differ_keeps_their_numbers():
    cells = _custom({"v": "(drive - v)/tau"}, parameters={"drive": np.array([1.0, 2.0])})
    assert _model(cells).parameters[:, 2].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("cells, named", [
    (_custom({"v": "-v*v/tau"}), r"v \* v"),
    (_custom({"v": "sin(v)/tau"}), r"sin\(v\)"),
    (_custom({"v": "t/tau"}), "'t'"),
    (_custom({"v": "-v/tau"}, condition="v < 1"), "threshold 'v < 1'"),
    (_custom({"v": "-v/tau"}, condition="v*v > 1"), r"v \* v"),
    (_custom({"v": "-v/tau"}, reset=("v = v*v",)), r"v \* v"),
    (_custom({"v": "-v/tau"}, condition="v > 1 or v < -1"), "threshold 'v > 1 or v < -1'"),
    (_custom({}, update=("v = 0.5*v",)), r"v = 0.5\*v"),
    (_custom({"v": "(a - v)/tau", "a": "a/s"}, state=("v", "a")), "does not decay"),
    (_custom({"v": "(a - v)/tau", "a": "-(a + v)/s"}, state=("v", "a")), "the coupling of a and v"),
    (_custom({"v": "(a + b + c - v)/tau", "a": "-a/s", "b": "-b/s", "c": "-c/s"}, state=("v", "a", "b", "c")), "dv/dt"),
    (_custom({"v": "exp(u)/tau", "u": "-u/s"}, state=("v", "u")), "du/dt = -u/s"),
    (_custom({"v": "int(not_refractory)*(1 - v)/tau"}, refractory_s=1e-3), "guarded in one way only"),
])  # fmt: skip
def test_what_has_no_exact_solution_is_refused_by_population_statement_and_families(cells, named):
    with pytest.raises(CompileError, match=rf"cannot compile 'odd': .*{named}.* supported: integrate-and-fire"):
        _model(cells)


def test_an_effect_on_a_variable_without_a_place_is_refused():
    cells = [sources("input", 1), gate("odd", 1, 0.5)]
    with pytest.raises(CompileError, match="'wires0': an effect on 'w' of 'odd'"):
        run_exactly(network(cells, [wires("input", "odd", 0, 0, 1.0, variable="w")]))


def test_a_duration_that_is_no_number_of_ticks_is_refused():
    with pytest.raises(ConfigError, match=r"whole number of ticks of 0\.1 ms"):
        eventsim.simulate(network([lif("a", 1)]), clock="continuous", duration_ms=1.25001)


def test_affine_forms_keep_exact_coefficients():
    form = affine_form("(drive - v)/tau + 3*exp(2*u - 1)", {"drive": 0.024, "tau": 0.02}, ("v", "u"), "x")
    assert (form.constant, form.of("v"), form.of("u")) == (0.024 / 0.02, -1 / 0.02, 0.0)
    ((factor, inside),) = form.exponentials
    assert (factor, inside.of("u"), inside.constant) == (3.0, 2.0, -1.0)
