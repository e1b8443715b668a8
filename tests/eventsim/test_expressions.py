"""The grammar of statements: hostile text is refused, and arithmetic is numpy's."""

import math

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in, translate
from eventsim.philox import uniform_array

HOSTILE = [
    "__import__('os').system('true')", "().__class__", "v.real", "v[0]", "lambda: 1", "'text'", "b'bytes'", "f'{v}'",
    "[1, 2]", "(1, 2)", "{1: 2}", "{1}", "[i for i in v]", "(w := 1)", "v if v else 1", "await v", "...", "None", "1j",
    "open(v)", "eval(v)", "exp(v)(v)", "exp.__call__(v)", "exp(x=v)", "exp(*v)", "exp(**v)", "exp()", "exp(v, v)",
    "keyed_uniform(v)", "v @ v", "v & v", "v << 1", "~v", "v is v", "v in v", "v; v", "v = 1", "import os", "", " ",
    "v\nimport os", "v #\n, v", "\0", "1" * 5000, str(2**63), "unknown_function(v)", "print(v)", "sum(v)",
    "-" * 9000 + "1", "not " * 2000 + "v", "+".join(["v"] * 4000), "(" * 4000 + "v" + ")" * 4000,
    "exp(" * 900 + "v" + ")" * 900, "1" * 10_001, "v" + "**v" * 500,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
@pytest.mark.parametrize(
    "read", [names_in, lambda t, w: translate(t, {"v": "x"}, w), lambda t, w: evaluate(t, {"v": 1.0}, w)],
    ids=["names_in", "translate", "evaluate"],
)  # fmt: skip
def test_hostile_text_is_refused_with_the_object_s_name(read, text):
    with pytest.raises(CompileError, match="'here'"):
        read(text, "here")


@pytest.mark.parametrize("value", [None, 1, ["v"], {"v": 1}, b"v"])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(CompileError, match="not an expression"):
        translate(value, {"v": "x"}, "here")


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(CompileError, match="unknown name 'w' in 'v \\+ w'"):
        translate("v + w", {"v": "x"}, "here")


def test_no_name_of_the_text_survives_translation_not_even_a_builtin():
    assert translate("v + exp", {"v": "a[i]", "exp": "b[i]"}, "here") == "a[i] + b[i]"
    with pytest.raises(CompileError):
        translate("v + __builtins__", {"v": "x"}, "here")


def test_names_are_those_read_without_functions():
    assert names_in("exp(-v/tau) + keyed_uniform(a, b, 1, 2, 3) > abs(exp2)", "here") == {"v", "tau", "a", "b", "exp2"}


def test_what_is_a_table_for_one_is_a_function_that_nobody_knows_for_another():
    assert names_in("drive(t) + v", "here", ("drive",)) == {"t", "v"}
    with pytest.raises(CompileError, match="drive"):
        names_in("drive(t) + v", "here")
    names_in("v + w", "here").add("x")  # the set is the caller's own
    assert names_in("v + w", "here") == {"v", "w"}


def test_the_translation_reads_as_the_statement_does():
    translated = translate(
        "not (v > 1) and u**2 <= -v//3 or int(w) % 2 == 1", {"v": "s0[i]", "u": "s1[i]", "w": "x0"}, ""
    )
    assert translated == "not s0[i] > 1 and s1[i] ** 2 <= -s0[i] // 3 or int(x0) % 2 == 1"


def test_a_keyed_draw_is_translated_to_the_kernel_s_own_function():
    source = translate("keyed_uniform(a, b, t_in_timesteps, 0, 7)", {"a": "1", "b": "2", "t_in_timesteps": "3"}, "")
    assert eval(source, {"uniform": uniform_array}) == uniform_array(1, 2, 3, 0, 7)


_NUMBERS = st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6)
_ARITHMETIC = st.recursive(
    st.sampled_from(["a", "b", "c", "2", "0.5", "3.0"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"(-{e})"),
        st.tuples(st.sampled_from(["abs", "sin", "tanh"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
    ),
    max_leaves=12,
)


@given(_ARITHMETIC, st.lists(_NUMBERS, min_size=3, max_size=3))
def test_arithmetic_is_numpys_bit_for_bit(text, numbers):
    values = {name: np.array([number, 1.0]) for name, number in zip("abc", numbers)}
    with np.errstate(all="ignore"):
        expected = eval(text, {"abs": np.abs, "sin": np.sin, "tanh": np.tanh}, values)
        made = evaluate(text, values, "here")
    assert np.asarray(made).tobytes() == np.asarray(expected).tobytes()


@given(_ARITHMETIC, st.lists(_NUMBERS, min_size=3, max_size=3))
def test_the_translated_source_computes_what_the_expression_does(text, numbers):
    values = dict(zip("abc", map(np.float64, numbers)))
    source = translate(text, {name: f"place['{name}']" for name in "abc"}, "here")
    with np.errstate(all="ignore"):
        try:
            made = eval(source, {"math": np, "abs": abs, "place": values})
        except ZeroDivisionError:  # constants alone: Python refuses what compiled code, like numpy, makes infinite
            reject()
        expected = evaluate(text, values, "here")
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize(
    "text, value",
    [("7 // 2", 3), ("-7 // 2", -4), ("-7 % 3", 2), ("2**-1", 0.5), ("2**10", 1024), ("9**9**9", math.inf),
     ("int(-2.7)", -2), ("1 < 2", True), ("not 1 > 2", True), ("-2**2", -4), ("1 - 2 - 3", -4), ("2/3*3", 2 / 3 * 3)],
)  # fmt: skip
def test_a_constant_expression_has_this_value(text, value):
    with np.errstate(over="ignore"):
        made = evaluate(text, {}, "here")
    assert made == value and np.ndim(made) == 0 and not isinstance(made, np.ndarray)


def test_squares_are_those_of_brian2s_own_code():
    weights = np.random.default_rng(0).normal(size=1000)
    assert evaluate("w**2", {"w": weights}, "").tobytes() == (weights**2).tobytes()


def test_and_and_or_are_those_of_numpy_element_by_element():
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert evaluate("a and b and not (a or False)", {"a": a, "b": b}, "").tolist() == [False] * 4
    assert evaluate("a and b", {"a": a, "b": b}, "").tolist() == [True, False, False, False]
    assert evaluate("a or b", {"a": a, "b": b}, "").tolist() == [True, True, True, False]


def test_what_needs_a_neuron_is_no_constant():
    for text in ("keyed_uniform(1, 2, 3, 4, 5)", "1 < 2 < 3"):
        with pytest.raises(CompileError, match="constant"):
            evaluate(text, {}, "here")
